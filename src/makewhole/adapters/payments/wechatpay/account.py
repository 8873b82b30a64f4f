"""A merchant account at WeChat Pay: what APIv3 has in common, at its address, in certificate mode or in public-key mode."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from makewhole.adapters.payments import joining
from makewhole.adapters.payments.apiv3 import account
from makewhole.adapters.payments.wechatpay import section
from makewhole.core import faults, ids

BASE_URL = "https://api.mch.weixin.qq.com"

LinkKind = account.LinkKind
_WHICH = "Give apiclient_key.pem as WeChat Pay issued it."


@dataclass(frozen=True, kw_only=True)
class Account(account.Account):
    """Who we are at WeChat Pay, and whom we believe."""

    base_url: str = BASE_URL


def of(told: section.Section, name: ids.ChannelName, read: joining.Read) -> Account:
    """The account with its keys loaded. Raises BadInput, naming the setting, for a key that is none."""
    public = told.public_key_file
    if bool(public) != bool(told.public_key_id):
        missing = f"{name}.public_key_id" if public else f"{name}.public_key_file"
        raise faults.BadInput(
            "public-key mode needs the key and its number", where=missing, todo="Copy both from the merchant platform, or leave both out."
        )
    return Account(
        **account.told(told, name, read, todo=_WHICH),
        public_key_id=told.public_key_id,
        public_key=public_key(read(public, f"{name}.public_key_file")) if public else None,
    )


def private_key(pem: bytes, *, where: str = "wechatpay.private_key_file") -> rsa.RSAPrivateKey:
    """The merchant's key. Raises BadInput, without a byte of the key in the message."""
    return account.private_key(pem, where=where, todo=_WHICH)


def public_key(pem: bytes, *, where: str = "wechatpay.public_key_file") -> rsa.RSAPublicKey:
    """WeChat Pay's key of public-key mode. Raises BadInput for anything else."""
    try:
        key = serialization.load_pem_public_key(pem)
    except ValueError as wrong:
        raise faults.BadInput("not a public key in PEM", where=where, todo="Give pub_key.pem as WeChat Pay issued it.") from wrong
    if not isinstance(key, rsa.RSAPublicKey):
        raise faults.BadInput("not an RSA key", where=where, todo="Give pub_key.pem as WeChat Pay issued it.")
    return key


def apiv3_key(text: str, *, where: str = "wechatpay.apiv3_key_file") -> bytes:
    """The APIv3 key as bytes. Raises BadInput where it has not 32 of them."""
    return account.apiv3_key(text, where=where)
