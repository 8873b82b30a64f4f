"""The sandbox's keys, loaded once per process: the application's, Alipay's two, and a forger's; certificates of the first three.

They are committed and public, and so good for nothing but this.
"""

from __future__ import annotations

import functools
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from makewhole.sandbox.channel import pems

PEM = Path(__file__).parent / "pem"


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
    """The public half as PEM: what a merchant copies from the open platform."""
    return pems.public(public(name))


@functools.cache
def certificates(name: str) -> list[x509.Certificate]:
    """All certificates of a file."""
    return x509.load_pem_x509_certificates(pem(f"{name}_cert"))
