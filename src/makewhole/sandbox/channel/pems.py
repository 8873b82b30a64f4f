"""Keys of the sandboxes: a folder of PEM files goes in, RSA keys come out. They are committed and public: trust them nowhere."""

from __future__ import annotations

import functools
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


class Folder:
    """A channel's keys and certificates by their names, each loaded once per process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Once a name; as attributes, since a cached method would keep every folder alive for ever.
        self.private = functools.cache(self._private)
        self.serial = functools.cache(self._serial)

    def pem(self, name: str) -> bytes:
        """A PEM file as it is, to hand to a client."""
        return (self._folder / f"{name}.pem").read_bytes()

    def public(self, name: str) -> rsa.RSAPublicKey:
        """The public half of a private key."""
        return self.private(name).public_key()

    def public_pem(self, name: str) -> bytes:
        """The public half as PEM: what a merchant copies from the channel's pages."""
        return self.public(name).public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def _private(self, name: str) -> rsa.RSAPrivateKey:
        """A private key, unchecked: it was checked when it was made, and a check takes longer than a test."""
        key = serialization.load_pem_private_key(self.pem(f"{name}_key"), password=None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("no RSA key")
        return key

    def _serial(self, name: str) -> str:
        """A certificate's serial number, in upper-case hex as channels write it."""
        return f"{x509.load_pem_x509_certificate(self.pem(f'{name}_cert')).serial_number:X}"
