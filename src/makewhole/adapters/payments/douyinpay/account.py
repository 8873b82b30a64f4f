"""A merchant account at Douyin Pay: what APIv3 has in common, at its address."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import rsa

from makewhole.adapters.payments.apiv3 import account

BASE_URL = "https://api.douyinpay.com"

LinkKind = account.LinkKind


@dataclass(frozen=True, kw_only=True)
class Account(account.Account):
    """Who we are at Douyin Pay, and whom we believe."""

    base_url: str = BASE_URL


def private_key(pem: bytes, *, where: str = "douyinpay.private_key_file") -> rsa.RSAPrivateKey:
    """The merchant's key. Raises BadInput, without a byte of the key in the message."""
    return account.private_key(
        pem, where=where, todo="Give the private key (PKCS #8 PEM) that the merchant certificate was asked for with."
    )


def apiv3_key(text: str, *, where: str = "douyinpay.apiv3_key_file") -> bytes:
    """The key of callbacks and certificates (接口加密密钥), as bytes. Raises BadInput where it has not 32 of them."""
    return account.apiv3_key(text, where=where)
