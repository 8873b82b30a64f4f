"""A merchant account at Douyin Pay: what APIv3 has in common, at its address."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import rsa

from makewhole.adapters.payments import joining, meanings
from makewhole.adapters.payments.apiv3 import account
from makewhole.adapters.payments.douyinpay import section
from makewhole.core import faults, ids

BASE_URL = "https://api.douyinpay.com"

LinkKind = account.LinkKind
_WHICH = "Give the private key (PKCS #8 PEM) that the merchant certificate was asked for with."


@dataclass(frozen=True, kw_only=True)
class Account(account.Account):
    """Who we are at Douyin Pay, and whom we believe."""

    base_url: str = BASE_URL


def of(told: section.Section, name: ids.ChannelName, read: joining.Read) -> Account:
    """The account with its keys loaded. Raises BadInput, naming the setting, for a key that is none, and for words that nobody knows."""
    if told.notify_url and not re.fullmatch(r"https://[^?]+", told.notify_url):
        todo = "Douyin Pay takes an https address without a query (nothing behind a question mark)."
        raise faults.BadInput("no address that Douyin Pay would call", where=f"{name}.notify_url", todo=todo)
    return Account(
        **account.told(told, name, read, todo=_WHICH),
        codes={code: _meaning(says, f"{name}.codes.{code}") for code, says in told.codes.items()},
    )


def private_key(pem: bytes, *, where: str = "douyinpay.private_key_file") -> rsa.RSAPrivateKey:
    """The merchant's key. Raises BadInput, without a byte of the key in the message."""
    return account.private_key(pem, where=where, todo=_WHICH)


def apiv3_key(text: str, *, where: str = "douyinpay.apiv3_key_file") -> bytes:
    """The key of callbacks and certificates (接口加密密钥), as bytes. Raises BadInput where it has not 32 of them."""
    return account.apiv3_key(text, where=where)


def _meaning(says: str, where: str) -> meanings.Meaning:
    try:
        return meanings.Meaning(says)
    except ValueError as wrong:
        known = ", ".join(m.value for m in meanings.Meaning)
        raise faults.BadInput(f"no code can mean {says!r}", where=where, todo=f"One of: {known}.") from wrong
