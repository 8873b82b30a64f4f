"""A channel's bill of one day as it was fetched: bytes for whoever reads bills, and what the channel itself says of them."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from datetime import date, datetime, time, timedelta
from urllib.parse import urlsplit

from makewhole.core import clock, faults
from makewhole.model import fetched

PLAIN_BYTES_MAX = 2**30
"""One gibibyte of text, three million lines: beyond it a file is a bomb and no bill."""
_CHUNK = 2**20


RawBill = fetched.RawBill
NoBill = fetched.NoBill
NotMade = fetched.NotMade
Fetched = fetched.Fetched

TOLD_BY = timedelta(days=2)
"""After the beginning of its Beijing day. Bills are made by ten the next morning, "in special cases later": a day more is enough."""


def absence_tells(day: date, now: datetime) -> bool:
    """Whether "no such bill" means a day without business, at a channel that says the same of a bill that is not made yet."""
    return now >= datetime.combine(day, time(0), clock.BEIJING) + TOLD_BY


def safe(url: str, ours: str) -> None:
    """Raises Unavailable where a bill's address leaves the protection that the channel's own has."""
    if urlsplit(url).scheme not in {"https", urlsplit(ours).scheme}:
        raise faults.Unavailable(f"the bill's address is not safe: {urlsplit(url).scheme[:10]!r}")


def whole(packed: bytes, sha1: str) -> None:
    """Raises Unavailable where this is not what the hash was made of: cut short on the way, or another's.

    The channel's page does not say of which bytes, its sample takes the unpacked ones; either will do.
    """
    hashes = {hashlib.sha1(packed, usedforsecurity=False).hexdigest(), _unpacked_sha1(packed)}
    if sha1.lower() not in hashes:
        raise faults.Unavailable(f"the bill is not what its hash was made of: {len(packed)} bytes came")


def _unpacked_sha1(packed: bytes) -> str | None:
    """None where it is no whole gzip file."""
    taken, read = hashlib.sha1(usedforsecurity=False), 0
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as opened:
            while chunk := opened.read(_CHUNK):
                taken.update(chunk)
                read += len(chunk)
                if read > PLAIN_BYTES_MAX:
                    raise faults.Unavailable(f"the bill unpacks to more than {PLAIN_BYTES_MAX} bytes")
    except (EOFError, OSError, zlib.error):
        return None
    return taken.hexdigest()
