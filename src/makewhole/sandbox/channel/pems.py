"""Keys of the sandboxes: PEM bytes go in, RSA keys come out. They are committed and public, and so good for nothing but this."""

from __future__ import annotations

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


def private(pem: bytes) -> rsa.RSAPrivateKey:
    """A private key, unchecked: it was checked when it was made, and a check takes longer than a test."""
    key = serialization.load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("no RSA key")
    return key


def public(key: rsa.RSAPublicKey) -> bytes:
    """The public half as PEM: what a merchant copies from the channel's pages."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
