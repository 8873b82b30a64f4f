"""Plans and receipts of rollbacks as files: one line of canonical JSON each, readable by their owner alone, as they hold what rows hold.

A plan is read into a private copy while its hash is made, so that what is applied is what was hashed, whoever writes the file meanwhile.
"""

from __future__ import annotations

import contextlib
import itertools
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
_BYTES = 1 << 18
"""Bytes that are read and decoded at once."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A plan that was read and is what its hash says."""

    header: rollback.Header
    hash: str
    copy: IO[bytes]

    def lines(self) -> Iterator[rollback.Net | rollback.Conflict]:
        """Every row, in the plan's order."""
        return decoded(self._told())

    def rows(self) -> Iterator[rollback.Net]:
        """The rows that are written."""
        told = ([line for line in some if isinstance(line, rollback.Net)] for some in _batched(self._told()))
        return itertools.chain.from_iterable(told)

    def _told(self) -> Iterable[bytes]:
        """All but the header."""
        self.copy.seek(0)
        self.copy.readline()
        return self.copy


def decoded(lines: Iterable[bytes]) -> Iterator[rollback.Net | rollback.Conflict]:
    """The rows in a plan's lines, of which about `_BYTES` are held at a time."""
    for some in _batched(lines):
        yield from (line for line in some if not isinstance(line, rollback.End))


def _batched(lines: Iterable[bytes]) -> Iterator[list[rollback.Net | rollback.Conflict | rollback.End]]:
    decoder = msgspec.json.Decoder(list[rollback.Net | rollback.Conflict | rollback.End])
    some, size = [], 0
    for line in lines:
        some.append(line)
        size += len(line)
        if size >= _BYTES:
            yield decoder.decode(b"[" + b",".join(some) + b"]")
            some, size = [], 0
    yield decoder.decode(b"[" + b",".join(some) + b"]")


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
    with contextlib.ExitStack() as stack:
        try:
            file, copy = stack.enter_context(path.open("rb")), stack.enter_context(tempfile.TemporaryFile())
            told = _read(file, copy, path, known)
        except OSError as denied:
            todo = "Check the path, and that there is room for a copy (TMPDIR)."
            raise faults.BadInput(f"cannot read it: {denied.strerror}", where=str(path), todo=todo) from denied
        yield told


def _read(file: IO[bytes], copy: IO[bytes], path: Path, known: str | None) -> Kept:
    first = last = file.readline()
    if not first:
        raise faults.BadInput("the file is empty", where=str(path), todo="Make the plan again.")
    header, told = _line(first, rollback.Header, path), rollback.Hasher()
    copy.write(first)
    while some := file.read(_BYTES):
        copy.write(some)
        # All lines but the last are hashed: it holds the hash.
        whole, end_of_line, rest = (last + some).removesuffix(b"\n").rpartition(b"\n")
        told.add_whole(whole + end_of_line)
        last = rest + b"\n" * some.endswith(b"\n")
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
