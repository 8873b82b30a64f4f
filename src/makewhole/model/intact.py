"""Whether what is kept of a message is what came: where bytes had to be left out, a header of our own says so and holds their digest."""

from __future__ import annotations

from collections.abc import Sequence

from makewhole.core import codec

Headers = Sequence[tuple[str, str]]
DIGEST = "makewhole-body-sha256"
"""The SHA-256 of the body as it came. Readers keep no header of this name, so that nobody else can write it."""


def noted(headers: Headers, came: bytes) -> tuple[tuple[str, str], ...]:
    """The headers with a note that another body came than the one beside them."""
    return (*((k, v) for k, v in headers if k.lower() != DIGEST), (DIGEST, codec.digest_bytes(came)))


def intact(headers: Headers) -> bool:
    """Whether the body beside these headers is the one that came: only then does its signature fit, and may it be handed on."""
    return all(k.lower() != DIGEST for k, _ in headers)
