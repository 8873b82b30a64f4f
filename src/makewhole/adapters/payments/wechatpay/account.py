"""A merchant account at WeChat Pay: what APIv3 has in common, at its address, in certificate mode or in public-key mode."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from makewhole.adapters.payments.apiv3 import account
from makewhole.core import faults

BASE_URL = "https://api.mch.weixin.qq.com"

LinkKind = account.LinkKind


@dataclass(frozen=True, kw_only=True)
class Account(account.Account):
    """Who we are at WeChat Pay, and whom we believe."""

    base_url: str = BASE_URL


def private_key(pem: bytes, *, where: str = "wechatpay.private_key_file") -> rsa.RSAPrivateKey:
    """The merchant's key. Raises BadInput, without a byte of the key in the message."""
    return account.private_key(pem, where=where, todo="Give apiclient_key.pem as WeChat Pay issued it.")


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
