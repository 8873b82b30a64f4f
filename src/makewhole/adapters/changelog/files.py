"""Binlog files go in, events in order come out, across rotations: a closed file must be whole, the last one may still be written."""

from __future__ import annotations

import contextlib
import itertools
import mmap
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from makewhole.adapters.changelog import events, wrong
from makewhole.adapters.changelog.events import Event, Format
from makewhole.core import faults

Placed = events.Placed
_NUMBERED = re.compile(r"(.+)\.(\d{6,})")


def find(place: Path) -> list[Path]:
    """The binlog files that a path means, in their order: a file alone, or all of a folder. Raises BadInput where there is none."""
    if place.is_file():
        return [place]
    try:
        numbered = sorted((m[1], int(m[2]), p) for p in place.iterdir() if (m := _NUMBERED.fullmatch(p.name)))
        told = [(base, number, p) for base, number, p in numbered if _begins(p)]
    except OSError as missing:
        raise faults.BadInput(
            f"cannot read it: {missing.strerror}", where=str(place), todo="Name a binlog file, or the folder that holds them."
        ) from missing
    if not told:
        raise faults.BadInput("no binlog file is here", where=str(place), todo="Their names end in numbers, like binlog.000001.")
    if len({base for base, _, _ in told}) > 1:
        names = ", ".join(sorted({base for base, _, _ in told}))
        raise faults.BadInput(f"binlogs of several names are here: {names}", where=str(place), todo="Name one file, or sort them apart.")
    damaged = next((p for base, _, p in numbered if base == told[0][0] and not _begins(p)), None)
    if damaged is not None:
        todo = "Take the file from the server again: what it held may be the very change that is looked for."
        raise faults.BadInput("not a binlog file, though others of this name are: it is empty or damaged", where=str(damaged), todo=todo)
    numbers = [n for _, n, _ in told]
    gap = next((n for n, after in itertools.pairwise(numbers) if after != n + 1), None)
    if gap is not None:
        raise faults.BadInput(f"the file after number {gap:06d} is missing", where=str(place), todo="Put it back: a gap may hide changes.")
    return [p for _, _, p in told]


def _begins(path: Path) -> bool:
    with path.open("rb") as source:
        return source.read(4) in {events.MAGIC, events.ENCRYPTED_MAGIC}


def read(paths: Sequence[Path], offset: int = len(events.MAGIC)) -> Iterator[Placed]:
    """Every event of these files; of the first one, from this offset on. Raises BadInput, naming file and byte, where one is damaged."""
    for i, path in enumerate(paths):
        yield from _one(path, offset if i == 0 else len(events.MAGIC), last=i == len(paths) - 1)


def _one(path: Path, offset: int, *, last: bool) -> Iterator[Placed]:
    with opened(path) as (raw, first, told):
        name = path.name
        yield name, first, told
        at = yield from events.walk(raw, max(offset, len(events.MAGIC) + len(first.raw)), told, name)
        check_end(name, at, len(raw), told, last=last)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[tuple[memoryview, Event, Format]]:
    """A file's bytes, its first event, and what that says of the others. Raises BadInput for what is no binlog file."""
    with _mapped(path) as raw:
        with wrong.placed(path.name, 0):
            _check_magic(raw)
            first = _event(raw, len(events.MAGIC))
            if first is None:
                raise wrong.Unreadable("the file ends in its first event: it was truncated")
            told = events.format_of(first)
            event = events.parse(first, len(events.MAGIC), None)
        yield raw, event, told


def check_end(name: str, at: int, size: int, told: Format, *, last: bool) -> None:
    """Raises BadInput where the bytes from here to a file's end, which are no whole event, mean that it was truncated."""
    if at < size:
        with wrong.placed(name, at):
            _check_open(told, last=last)


@contextlib.contextmanager
def _mapped(path: Path) -> Iterator[memoryview]:
    """A file's bytes without reading them all: logs are larger than memory. Left open as long as an event of it is alive."""
    try:
        with path.open("rb") as source:
            size = path.stat().st_size
            yield memoryview(mmap.mmap(source.fileno(), size, access=mmap.ACCESS_READ) if size else b"")
    except OSError as missing:
        raise faults.BadInput(
            f"cannot read it: {missing.strerror}", where=str(path), todo="Check the path and its permissions."
        ) from missing


def _check_magic(raw: memoryview) -> None:
    if raw[:4] == events.ENCRYPTED_MAGIC:
        raise wrong.Unreadable("the file is encrypted", "Read it through the server (replication), which decrypts it.")
    if raw[:4] != events.MAGIC:
        raise wrong.Unreadable("not a binlog file", "Binlogs begin with the bytes fe 62 69 6e.")


def _event(raw: memoryview, at: int) -> memoryview | None:
    """All bytes of the event at this place; None where the file ends before it does."""
    if at + events.HEADER_LENGTH > len(raw):
        return None
    size = events.size_of(raw[at : at + events.HEADER_LENGTH])
    return None if at + size > len(raw) else raw[at : at + size]


def _check_open(told: Format, *, last: bool) -> None:
    """An event that is cut off: the server is writing it, or died in it; in a file that was closed it is damage."""
    if not told.in_use or not last:
        # A server that died leaves its file in use and goes on in the next one: what is cut off there was never committed.
        if told.in_use:
            return
        raise wrong.Unreadable("the file ends in the middle of an event: it was truncated")
