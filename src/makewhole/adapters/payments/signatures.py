"""RSA PKCS #1 v1.5 over SHA-256 in base64, as Chinese channels sign: key and bytes in, a signature or a verdict out. Shared."""

from __future__ import annotations

import base64
import binascii

from cryptography import exceptions
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa


def sign(key: rsa.RSAPrivateKey, message: bytes) -> str:
    """The signature in base64."""
    return base64.b64encode(key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()


def fits(key: rsa.RSAPublicKey, signature: str, message: bytes) -> bool:
    """Whether the signature belongs to the message. A signature that is not in its one canonical base64 form does not."""
    try:
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    # The last character of base64 has bits that decoding drops: without this, some changed signatures would still verify.
    if base64.b64encode(raw).decode() != signature:
        return False
    try:
        key.verify(raw, message, padding.PKCS1v15(), hashes.SHA256())
    except exceptions.InvalidSignature:
        return False
    return True
