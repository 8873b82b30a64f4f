"""A column's type goes in as the room it takes and the function that reads it: what every kind of column comes to in a row's bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from makewhole.model.change import Value

Bytes = bytes | memoryview
Read = Callable[[Bytes], Value]
UTF8 = "utf-8"


class Field(NamedTuple):
    """How the values of one column stand in a row, if they are not NULL: those take no room at all."""

    size: int
    """Bytes of every value; of the length that stands before the value where `counted`."""
    read: Read
    """A value from its bytes alone. Raises Unreadable, or another of `wrong.UNREAD`."""
    counted: bool = False
    direct: str = ""
    """What Python reads faster by itself than `read` does, with the same result: the letter of `struct`, or UTF8 for text."""


def end_of(field: Field, raw: Bytes, at: int) -> tuple[int, int]:
    """Where the value begins and ends that stands at this place."""
    end = at + field.size
    if not field.counted:
        return at, end
    return end, end + int.from_bytes(raw[at:end], "little")
