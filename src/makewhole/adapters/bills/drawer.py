"""A folder in, the bank's statements that lie in it out: what people put there, under whatever names."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from makewhole.adapters.bills import bank
from makewhole.core import codec, faults
from makewhole.model import bank as banks

SETTLED_S = 10
"""Seconds that a file must not have changed for: one that is still being copied is half a statement."""


class Folder:
    """`accounts.Drawer` on a folder."""

    def __init__(self, place: Path, words: bank.Words) -> None:
        self._place, self._words = place, words

    def names(self) -> Sequence[str]:
        try:
            files = [path for path in self._place.iterdir() if path.is_file() and not path.name.startswith((".", "~"))]
            return sorted(path.name for path in files if time.time() - path.stat().st_mtime >= SETTLED_S)
        except OSError as wrong:
            raise faults.Unavailable(f"cannot look into bank.folder {self._place}: {wrong.strerror}") from wrong

    def digest(self, name: str) -> str:
        return codec.digest_bytes(self._bytes(name))

    def read(self, name: str) -> banks.Statement:
        return bank.read(name, self._bytes(name), self._words)

    def _bytes(self, name: str) -> bytes:
        try:
            with (self._place / name).open("rb") as opened:
                # One more than may be, so that what is too long is refused and not cut.
                return opened.read(bank.BYTES_MAX + 1)
        except OSError as wrong:
            raise faults.Unavailable(f"cannot read {name} of bank.folder: {wrong.strerror}") from wrong
