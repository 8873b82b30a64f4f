"""A merchant account at Douyin Pay: what APIv3 has in common, at its address, and what the user knows of its codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import rsa

from makewhole.adapters.payments.apiv3 import account, errors

BASE_URL = "https://api.douyinpay.com"

LinkKind = account.LinkKind


@dataclass(frozen=True, kw_only=True)
class Account(account.Account):
    """Who we are at Douyin Pay, and whom we believe."""

    base_url: str = BASE_URL
    codes: Mapping[str, errors.Meaning] = field(default_factory=dict)
    """Codes that our table lacks or has wrong, and what they say; before the table. Its own list of codes is not public."""


def private_key(pem: bytes, *, where: str = "douyinpay.private_key_file") -> rsa.RSAPrivateKey:
    """The merchant's key. Raises BadInput, without a byte of the key in the message."""
    return account.private_key(
        pem, where=where, todo="Give the private key (PKCS #8 PEM) that the merchant certificate was asked for with."
    )


def apiv3_key(text: str, *, where: str = "douyinpay.apiv3_key_file") -> bytes:
    """The key of callbacks and certificates (接口加密密钥), as bytes. Raises BadInput where it has not 32 of them."""
    return account.apiv3_key(text, where=where)
