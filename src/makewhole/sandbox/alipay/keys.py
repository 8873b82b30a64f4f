"""The sandbox's keys, loaded once per process: the application's, Alipay's two, and a forger's; certificates of the first three.

They are committed and public, and so good for nothing but this.
"""

from __future__ import annotations

import functools
from pathlib import Path

from cryptography import x509

from makewhole.sandbox.channel import pems

_FOLDER = pems.Folder(Path(__file__).parent / "pem")
pem, private, public, public_pem = _FOLDER.pem, _FOLDER.private, _FOLDER.public, _FOLDER.public_pem


@functools.cache
def certificates(name: str) -> list[x509.Certificate]:
    """All certificates of a file."""
    return x509.load_pem_x509_certificates(pem(f"{name}_cert"))
