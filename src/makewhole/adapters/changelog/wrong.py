"""What can be wrong with a log: bytes that cannot be read come in as Unreadable, and leave as one message that names file and offset."""

from __future__ import annotations

import contextlib
import struct
import zlib
from collections.abc import Iterator

from makewhole.core import faults

UPSTREAM = "Take the file from the server again, or start reading after this event."


class Unreadable(ValueError):
    """Bytes that are not what the format says; `todo` says what a person can do."""

    def __init__(self, what: str, todo: str = UPSTREAM) -> None:
        super().__init__(what)
        self.what, self.todo = what, todo


UNREAD = (Unreadable, struct.error, IndexError, ValueError, ArithmeticError, LookupError, zlib.error)
"""What reading bytes that are not what they say may raise."""


def located(wrong: Exception, file: str, offset: int) -> faults.BadInput:
    """The error as the user sees it: what, in which file at which byte, what to do."""
    where = f"{file}, byte {offset}"
    if isinstance(wrong, Unreadable):
        return faults.BadInput(wrong.what, where=where, todo=wrong.todo)
    # The checksum was right or there is none: an event of a form that we do not know.
    return faults.BadInput(f"an event that makes no sense: {wrong}", where=where, todo=UPSTREAM)


@contextlib.contextmanager
def placed(file: str, offset: int) -> Iterator[None]:
    """Whatever cannot be read inside becomes BadInput that says where it stands. For each event `located` alone is cheaper."""
    try:
        yield
    except UNREAD as wrong:
        raise located(wrong, file, offset) from wrong
