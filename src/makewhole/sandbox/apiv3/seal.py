"""How channels of APIv3 sign and seal, from the documentation and apart from our own connector: what one forgets, the other must notice."""

from __future__ import annotations

import base64
import binascii
import re

from cryptography import exceptions
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import aead

_FIELD = re.compile(r'(\w+)="([^"]*)"')


def sign(key: rsa.RSAPrivateKey, *lines: bytes) -> str:
    """Base64 of the signature over the lines, each ended by a line feed."""
    message = b"".join(line + b"\n" for line in lines)
    return base64.b64encode(key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode("ascii")


def verifies(key: rsa.RSAPublicKey, signature: str, *lines: bytes) -> bool:
    """Whether the signature is the key's over these lines."""
    try:
        key.verify(base64.b64decode(signature), b"".join(line + b"\n" for line in lines), padding.PKCS1v15(), hashes.SHA256())
    except (exceptions.InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def credentials(authorization: str, scheme: str) -> dict[str, str]:
    """The fields of an Authorization header, in whatever order they stand; empty for another scheme."""
    told, _, rest = authorization.partition(" ")
    return dict(_FIELD.findall(rest)) if told == scheme else {}


def seal(apiv3_key: bytes, plain: bytes, *, nonce: str, associated_data: str, algorithm: str) -> dict[str, str]:
    """The sealed form of callbacks and certificates: ciphertext and tag in one base64 text."""
    raw = aead.AESGCM(apiv3_key).encrypt(nonce.encode(), plain, associated_data.encode())
    return {
        "algorithm": algorithm,
        "ciphertext": base64.b64encode(raw).decode("ascii"),
        "associated_data": associated_data,
        "nonce": nonce,
    }
