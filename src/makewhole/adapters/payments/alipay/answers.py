"""How Alipay's callbacks are answered: with one of two words. It reads no status: all but the first, to the letter, makes it send again."""

from __future__ import annotations

from makewhole.adapters.payments import joining

TAKEN, NOT_TAKEN = b"success", b"fail"


def taken(status: int, body: bytes) -> bool:
    """Whether a shop's answer acknowledges a callback."""
    return status == 200 and body == TAKEN


def answered(status: int, _code: str, _message: str) -> joining.Said:
    """The word of an answer."""
    return joining.Said(media_type="text/plain", body=TAKEN if status == 200 else NOT_TAKEN)
