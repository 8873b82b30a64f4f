"""The sandbox's keys, loaded once per process: the merchant's, two platform certificates, public-key mode's, and a forger's.

They are committed and public, and so good for nothing but this.
"""

from __future__ import annotations

import functools
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from makewhole.sandbox.channel import pems

PEM = Path(__file__).parent / "pem"
PUBLIC_KEY_ID = "PUB_KEY_ID_0116000000012026112300000001"
APIV3_KEY = "sandbox-apiv3-key-0123456789abcd"
"""32 bytes, as the documentation wants it."""
PLATFORM_SERIALS = ("3775B6A45ACD588826D15E583A95F5DD00000001", "3775B6A45ACD588826D15E583A95F5DD00000002")


def pem(name: str) -> bytes:
    """A PEM file as it is, to hand to a client."""
    return (PEM / f"{name}.pem").read_bytes()


@functools.cache
def private(name: str) -> rsa.RSAPrivateKey:
    """A private key."""
    return pems.private(pem(f"{name}_key"))


@functools.cache
def public(name: str) -> rsa.RSAPublicKey:
    """The public half of a private key."""
    return private(name).public_key()


@functools.cache
def public_pem(name: str) -> bytes:
    """The public half as PEM: what a merchant downloads in public-key mode."""
    return pems.public(public(name))


@functools.cache
def serial(name: str) -> str:
    """A certificate's serial number, in upper-case hex as WeChat Pay writes it."""
    return f"{x509.load_pem_x509_certificate(pem(f'{name}_cert')).serial_number:X}"
