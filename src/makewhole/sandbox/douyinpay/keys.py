"""The sandbox's keys, loaded once per process: the merchant's, two platform certificates, and a forger's.

They are committed and public, and so good for nothing but this.
"""

from __future__ import annotations

import functools
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from makewhole.sandbox.channel import pems

PEM = Path(__file__).parent / "pem"
APIV3_KEY = "sandbox-douyinpay-key-0123456789"
"""32 bytes, as the channel wants it."""
PLATFORM_SERIALS = ("5D1F0A6B3C2E4701", "5D1F0A6B3C2E4702")


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
def serial(name: str) -> str:
    """A certificate's serial number, in upper-case hex."""
    return f"{x509.load_pem_x509_certificate(pem(f'{name}_cert')).serial_number:X}"
