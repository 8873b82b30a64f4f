"""Values go in, their one canonical form comes out: what two parties hash, sign and compare is these bytes, never a repr."""

from __future__ import annotations

import hashlib
from typing import Any, TypeVar

import msgspec

Value = TypeVar("Value")


class Noun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A frozen value with one canonical form. Unknown fields are refused when it is decoded."""


def canonical(value: object) -> bytes:
    """The canonical JSON of a value: sorted keys, no spaces, instants as RFC 3339; equal values give equal bytes."""
    return msgspec.json.encode(value, order="deterministic")


def decode(raw: bytes | str, kind: type[Value]) -> Value:
    """The value that `canonical` made these bytes from. Raises msgspec.ValidationError on anything else."""
    return msgspec.json.decode(raw, type=kind)


def prepare(*kinds: Any) -> None:
    """Have it worked out how these are decoded, before threads need it.

    msgspec does so at first use, unguarded: two threads that are first at once have crashed the whole process (SIGSEGV, seen under load).
    """
    for kind in kinds:
        msgspec.json.Decoder(kind)


def builtins(value: object) -> Any:
    """The value as plain dicts, lists and strings, ready for JSON that people read."""
    return msgspec.to_builtins(value, str_keys=True)


def digest(value: object) -> str:
    """SHA-256 over the canonical bytes, in lower-case hex (64 characters)."""
    return hashlib.sha256(canonical(value)).hexdigest()


def digest_bytes(raw: bytes) -> str:
    """SHA-256 over raw bytes as they came off the wire, in lower-case hex."""
    return hashlib.sha256(raw).hexdigest()
