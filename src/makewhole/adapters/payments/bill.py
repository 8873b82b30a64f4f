"""A channel's bill of one day as it was fetched: bytes for whoever reads bills, and what the channel itself says of them.

It comes into a file without a name, and is judged there piece by piece: only what its channel stands behind is read as a whole.
"""

from __future__ import annotations

import gzip
import hashlib
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import IO
from urllib.parse import urlsplit

from makewhole.core import clock, faults
from makewhole.model import fetched

PACKED_BYTES_MAX = 2**27
"""128 mebibytes as they come: three million lines, packed eight to one, as whoever reads bills takes at most."""
PLAIN_BYTES_MAX = 2**30
"""One gibibyte of text, three million lines: beyond it a file is a bomb and no bill."""
_CHUNK = 2**20


RawBill = fetched.RawBill
NoBill = fetched.NoBill
NotMade = fetched.NotMade
Fetched = fetched.Fetched


@dataclass(frozen=True, kw_only=True)
class At:
    """Where a bill lies, and how it can be told from anything else: by the channel's hash, or by how such a file opens."""

    url: str
    ending: str
    """Of its name."""
    sha1: str | None = None
    opens: bytes = b""


TOLD_BY = timedelta(days=2)
"""After the beginning of its Beijing day. Bills are made by ten the next morning, "in special cases later": a day more is enough."""


def absence_tells(day: date, now: datetime) -> bool:
    """Whether "no such bill" means a day without business, at a channel that says the same of a bill that is not made yet."""
    return now >= datetime.combine(day, time(0), clock.BEIJING) + TOLD_BY


def safe(url: str, ours: str) -> None:
    """Raises Unavailable where a bill's address leaves the protection that the channel's own has."""
    if urlsplit(url).scheme not in {"https", urlsplit(ours).scheme}:
        raise faults.Unavailable(f"the bill's address is not safe: {urlsplit(url).scheme[:10]!r}")


@contextmanager
def landing() -> Iterator[IO[bytes]]:
    """Where a bill comes down: a file that nobody else can open and that is gone afterwards, since it names buyers.

    Raises Unavailable where there is no room for it.
    """
    try:
        with tempfile.TemporaryFile() as file:
            yield file
    except OSError as full:
        raise faults.Unavailable(f"the bill cannot be put down on this disk: {full}") from full


def whole(packed: IO[bytes], at: At) -> bytes:
    """All of it. Raises Unavailable where this is not what the hash was made of, or no such file: cut short on the way, or another's.

    The channel's page does not say of which bytes the hash is, its sample takes the unpacked ones; either will do.
    """
    if at.sha1 is not None and at.sha1 not in (_sha1(packed), _unpacked_sha1(packed)):
        raise faults.Unavailable(f"the bill is not what its hash was made of: {packed.seek(0, 2)} bytes came")
    packed.seek(0)
    content = packed.read()
    if not content.startswith(at.opens):
        raise faults.Unavailable(f"no bill under its address: {len(content)} bytes that are no {at.ending}")
    return content


def _sha1(packed: IO[bytes]) -> str:
    packed.seek(0)
    return hashlib.file_digest(packed, lambda: hashlib.sha1(usedforsecurity=False)).hexdigest()  # type: ignore[arg-type]


def _unpacked_sha1(packed: IO[bytes]) -> str | None:
    """None where it is no whole gzip file."""
    taken, read = hashlib.sha1(usedforsecurity=False), 0
    packed.seek(0)
    try:
        with gzip.GzipFile(fileobj=packed) as opened:
            while chunk := opened.read(_CHUNK):
                taken.update(chunk)
                read += len(chunk)
                if read > PLAIN_BYTES_MAX:
                    raise faults.Unavailable(f"the bill unpacks to more than {PLAIN_BYTES_MAX} bytes")
    except (EOFError, OSError, zlib.error):
        return None
    return taken.hexdigest()
