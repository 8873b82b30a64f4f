"""Plans and receipts of rollbacks as files: one line of canonical JSON each, readable by their owner alone, as they hold what rows hold.

A plan is read into a private copy while its hash is made, so that what is applied is what was hashed, whoever writes the file meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from makewhole.core import codec, faults
from makewhole.model import rollback

HASH_MIN = 12
"""Characters of a hash that must be told at least: as many as nobody meets by chance."""
_MODE = 0o600


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A plan that was read and is what its hash says."""

    header: rollback.Header
    hash: str
    copy: IO[bytes]

    def lines(self) -> Iterator[rollback.Net | rollback.Conflict]:
        """Every row, in the plan's order."""
        self.copy.seek(0)
        self.copy.readline()
        yield from decoded(self.copy)

    def rows(self) -> Iterator[rollback.Net]:
        """The rows that are written."""
        return (line for line in self.lines() if isinstance(line, rollback.Net))


def decoded(lines: Iterable[bytes]) -> Iterator[rollback.Net | rollback.Conflict]:
    """The rows in a plan's lines."""
    decoder = msgspec.json.Decoder(rollback.Net | rollback.Conflict | rollback.End)
    for raw in lines:
        line = decoder.decode(raw)
        if not isinstance(line, rollback.End):
            yield line


def write(path: Path, lines: Iterable[bytes]) -> None:
    """All lines, or no file. Raises BadInput where it cannot be written."""
    beside = path.with_name(f".{path.name}.part")
    try:
        with open_private(beside) as file:
            for line in lines:
                file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as denied:
        beside.unlink(missing_ok=True)
        raise faults.BadInput(f"cannot write it: {denied.strerror}", where=str(path), todo="Name another file (--output).") from denied


def open_private(path: Path) -> IO[bytes]:
    """A new file that only its owner reads."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE), "wb")


@contextlib.contextmanager
def appending(path: Path) -> Iterator[Callable[[bytes], None]]:
    """Adds lines to a receipt, each of them durable before the next thing is done. Raises BadInput where it cannot be written."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _MODE), "ab") as file:

            def add(line: bytes) -> None:
                file.write(line + b"\n")
                file.flush()
                os.fsync(file.fileno())

            yield add
    except OSError as denied:
        raise faults.BadInput(f"cannot write it: {denied.strerror}", where=str(path), todo="Make room, or free the name.") from denied


@contextlib.contextmanager
def read(path: Path, known: str | None) -> Iterator[Kept]:
    """The plan in this file. Raises BadInput where it is none, was changed, or is another one than `known` (its hash, or the beginning)."""
    with tempfile.TemporaryFile() as copy:
        try:
            with path.open("rb") as file:
                yield _read(file, copy, path, known)
        except OSError as denied:
            raise faults.BadInput(f"cannot read it: {denied.strerror}", where=str(path), todo="Check the path.") from denied


def _read(file: IO[bytes], copy: IO[bytes], path: Path, known: str | None) -> Kept:
    told, last, header = rollback.Hasher(), b"", None
    for raw in file:
        if header is None:
            header = _line(raw, rollback.Header, path)
        if last:
            told.add(last)
        last = raw.rstrip(b"\n")
        copy.write(raw)
    if header is None:
        raise faults.BadInput("the file is empty", where=str(path), todo="Make the plan again.")
    end = _line(last, rollback.End, path)
    if end.hash != told.hex():
        raise faults.BadInput("the plan was changed after it was made", where=str(path), todo="Make it again; it is never edited.")
    if known is not None and (len(known) < HASH_MIN or not end.hash.startswith(known.lower())):
        what = f"the plan has another hash ({end.hash[:HASH_MIN]}…)" if len(known) >= HASH_MIN else "the hash is too short"
        raise faults.BadInput(what, where=str(path), todo="Give the hash that the dry run printed.")
    copy.flush()
    return Kept(header=header, hash=end.hash, copy=copy)


def _line(raw: bytes, kind: type[codec.Value], path: Path) -> codec.Value:
    try:
        return codec.decode(raw, kind)
    except msgspec.DecodeError as wrong:
        todo = "Plans are made by `makewhole rollback` and `images restore`."
        raise faults.BadInput(f"not a plan: {wrong}", where=str(path), todo=todo) from wrong
