"""Checkpoints as signed notes: a log's name, size and root go in, text that anyone can check comes out (C2SP tlog-checkpoint, signed-note).

The signature itself is handed in as a function: keys live at the edge.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable

from makewhole.core import codec

ED25519 = b"\x01"
"""The algorithm byte of C2SP signed-note for Ed25519."""

Sign = Callable[[bytes], bytes]
Verify = Callable[[bytes, bytes], bool]
"""Message and signature in; whether they belong together out."""


class Checkpoint(codec.Noun, frozen=True, kw_only=True):
    """What a log swears to: `size` entries under `root` (32 bytes)."""

    origin: str
    size: int
    root: bytes


Seal = Callable[[Checkpoint], str]
"""A checkpoint in, its signed note out: a key that stays where it is."""


def key_id(name: str, public_key: bytes) -> bytes:
    """The first four bytes of SHA-256(name || LF || 0x01 || public key)."""
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public_key).digest()[:4]


def seal(checkpoint: Checkpoint, *, name: str, public_key: bytes, sign: Sign) -> str:
    """The signed note of a checkpoint."""
    text = _text(checkpoint)
    signature = base64.b64encode(key_id(name, public_key) + sign(text.encode())).decode()
    return f"{text}\n\N{EM DASH} {name} {signature}\n"


def check(note: str, *, name: str, public_key: bytes, verify: Verify) -> Checkpoint:
    """The checkpoint of a note that this key signed. Raises ValueError, naming what is wrong, for any other text."""
    text, gap, signatures = note.rpartition("\n\n")
    text += "\n"
    if not gap or not signatures.endswith("\n"):
        raise ValueError("not a signed note: no empty line before the signatures, or no end of line after them")
    for line in signatures.removesuffix("\n").split("\n"):
        mark, _, rest = line.partition(" ")
        signer, _, encoded = rest.partition(" ")
        if mark != "\N{EM DASH}" or signer != name:
            continue
        try:
            raw = base64.b64decode(encoded, validate=True)
        except binascii.Error as wrong:
            raise ValueError("the signature line is not base64") from wrong
        # Base64 leaves bits of its last character unused: one signature has one spelling.
        if base64.b64encode(raw).decode() != encoded:
            raise ValueError("the signature line is not canonical base64")
        if raw[:4] == key_id(name, public_key) and verify(text.encode(), raw[4:]):
            return _parse(text)
        raise ValueError(f"the signature of {name} does not fit the note")
    raise ValueError(f"no signature of {name}")


def _text(checkpoint: Checkpoint) -> str:
    return f"{checkpoint.origin}\n{checkpoint.size}\n{base64.b64encode(checkpoint.root).decode()}\n"


def _parse(text: str) -> Checkpoint:
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < 3 or not lines[1].isascii() or not lines[1].isdigit() or str(int(lines[1])) != lines[1]:
        raise ValueError("not a checkpoint: origin, size and root expected")
    root = base64.b64decode(lines[2], validate=True)
    if len(root) != 32:
        raise ValueError("not a checkpoint: the root is not 32 bytes")
    return Checkpoint(origin=lines[0], size=int(lines[1]), root=root)
