"""Keys that sign in a microsecond, for worlds by the thousand: what a simulator checks is not RSA. Demo and wire tests use real ones."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from collections.abc import Iterator
from unittest import mock

from cryptography.exceptions import InvalidSignature

from makewhole.sandbox.wechatpay import keys


class LightKey:
    """Signs and verifies with one shared secret, its name; in the shape of an RSA key."""

    def __init__(self, name: str) -> None:
        self._secret = name.encode()

    def sign(self, message: bytes, _padding: object, _algorithm: object) -> bytes:
        """The signature."""
        return hmac.new(self._secret, message, hashlib.sha256).digest()

    def verify(self, signature: bytes, message: bytes, _padding: object, _algorithm: object) -> None:
        """Raises InvalidSignature."""
        if not hmac.compare_digest(signature, hmac.new(self._secret, message, hashlib.sha256).digest()):
            raise InvalidSignature


@contextlib.contextmanager
def used() -> Iterator[None]:
    """Worlds made and run inside have light keys."""
    with mock.patch.object(keys, "private", LightKey), mock.patch.object(keys, "public", LightKey):
        yield
