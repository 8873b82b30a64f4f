"""A log in pieces, each of one file and in one stretch of memory, whether it came from a file or over the wire; none of it is read yet.

What comes over the wire and is more than a few megabytes lies in unlinked files on disk, read through the page cache: however large a
transaction is and however long somebody holds on to it, it stays out of memory.
"""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from makewhole.adapters.changelog import events, files, wrong
from makewhole.adapters.changelog.events import Event, Format, Type
from makewhole.adapters.changelog.replica import Sent
from makewhole.core import faults

BYTES = 8 << 20
"""What is held in memory of a log that comes over the wire, before it goes to disk."""
_DESCRIPTION = int(Type.FORMAT_DESCRIPTION)
_HEARTBEATS = frozenset({int(Type.HEARTBEAT), int(Type.HEARTBEAT_V2)})


@dataclass(slots=True)
class Segment:
    """Events of one file, one after the other."""

    file: str
    told: Format
    """How they are written."""
    raw: memoryview
    base: int
    """Where in the file these bytes begin."""
    at: int = 0
    """Where the next event begins in these bytes: whoever reads leaves here where it stopped."""
    first: Event | None = None
    """The file's own first event, where the file begins here: it is read already."""


def of_files(paths: Sequence[Path]) -> Iterator[Segment]:
    """Files, each in one piece. Raises BadInput where one is no binlog, or ends in the middle of an event; the last may be in use."""
    for i, path in enumerate(paths):
        with files.opened(path) as (raw, first, told):
            one = Segment(path.name, told, raw, 0, first.at + len(first.raw), first)
            yield one
            files.check_end(path.name, one.at, len(raw), told, last=i == len(paths) - 1)


def of_sent(sent: Iterable[Sent]) -> Iterator[Segment]:
    """What a server sends, some megabytes at a time, or as many as follow each other: one that is told by GTIDs leaves out what we have."""
    batch: list[Sent] = []
    size = ends = 0
    for one in sent:
        if one.kind in _HEARTBEATS:
            continue
        if batch and (one.at != ends or size >= BYTES or one.told is not batch[0].told):
            yield _laid(batch, size)
            batch, size = [], 0
        if one.kind == _DESCRIPTION:
            with wrong.placed(one.file, one.at):
                yield Segment(one.file, one.told, memoryview(b""), one.at, first=events.parse(one.raw, one.at, None))
            continue
        batch.append(one)
        size += len(one.raw)
        ends = one.at + len(one.raw)
    if batch:
        yield _laid(batch, size)


def _laid(batch: Sequence[Sent], size: int) -> Segment:
    raw = memoryview(b"".join(one.raw for one in batch)) if size < BYTES else _spooled(batch, size)
    return Segment(batch[0].file, batch[0].told, raw, batch[0].at)


def _spooled(batch: Sequence[Sent], size: int) -> memoryview:
    with tempfile.TemporaryFile() as spool:
        try:
            spool.writelines(one.raw for one in batch)
            spool.flush()
        except OSError as full:
            raise faults.Unavailable(f"no room to lay the log down: {full.strerror} ({tempfile.gettempdir()})") from full
        return memoryview(mmap.mmap(spool.fileno(), size, access=mmap.ACCESS_READ))
