"""How Alipay signs, from the documentation and apart from our own connector: what one forgets, the other must notice."""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
from collections.abc import Mapping

from cryptography import exceptions, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from makewhole.sandbox.alipay import keys, words


def content(params: Mapping[str, str], *without: str) -> str:
    """Sorted `k=v&k=v`; what is empty is left out."""
    return "&".join(f"{name}={value}" for name, value in sorted(params.items()) if name not in without and value != "")


def sign(key: rsa.RSAPrivateKey, message: bytes) -> str:
    """SHA256withRSA in base64."""
    return base64.b64encode(key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode("ascii")


def verifies(key: rsa.RSAPublicKey, signature: str, message: bytes) -> bool:
    """Whether the signature is the key's over these bytes."""
    try:
        key.verify(base64.b64decode(signature), message, padding.PKCS1v15(), hashes.SHA256())
    except (exceptions.InvalidSignature, binascii.Error, ValueError):
        return False
    return True


@functools.cache
def cert_sn(name: str) -> str:
    """The number of the first certificate of a file."""
    return _sn(keys.certificates(name)[0])


@functools.cache
def root_sn() -> str:
    """The numbers of the RSA roots."""
    return "_".join(_sn(one) for one in keys.certificates("root") if isinstance(one.public_key(), rsa.RSAPublicKey))


def _sn(one: x509.Certificate) -> str:
    return hashlib.md5((one.issuer.rfc4514_string() + str(one.serial_number)).encode(), usedforsecurity=False).hexdigest()


def certificate(sn: str) -> bytes:
    """The file of the certificate of Alipay's that has this number, as it is downloaded. Refused where there is none."""
    for name in ("alipay", "alipay_next"):
        if cert_sn(name) == sn:
            return keys.pem(f"{name}_cert")
    raise words.Refused("isv.invalid-cert-sn", "证书序列号不存在")
