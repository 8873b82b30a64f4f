"""The columns of an image go in, what reads such an image comes out: one function made for each set of columns that are NULL.

A table has few such sets, and where one is known, so is where most of the columns stand. A made function takes all columns between two
texts in one `struct`, asks a memory for values that are packed (decimals and times of an image after are mostly those of the one
before), and steps over columns that nobody wants. `plain` reads the same column by column, and is what the made ones are held against.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Sequence
from typing import Any

from makewhole.adapters.changelog import fields
from makewhole.adapters.changelog.fields import Field, Read
from makewhole.model.change import Value

Plan = Sequence[tuple[str, Field]]
"""The columns of an image in order."""
Read1 = Callable[[bytes, int], tuple[dict[str, Value], int]]
"""Rows and the place after an image's NULL bits go in; the image and the place after it come out."""
MADE_MAX = 64
"""Sets of NULL columns of a table for which a function is made: making one costs as much as reading some hundred images."""
REMEMBERED_MAX = 4096
"""Packed values of a column that are kept: a few hundred kilobytes at most."""
_LENGTHS = {1: "B", 2: "H", 4: "I"}
"""The letters of `struct` for a length; one of three bytes (MEDIUMTEXT) has none."""
_ALONE = {"B": "{} = raw[at]; at += 1", "H": "{} = raw[at] | raw[at + 1] << 8; at += 2"}
"""Between two texts there is often nothing but a length: then `struct` costs more than it saves."""


def plain(plan: Plan, wanted: frozenset[str], nulls: bytes, raw: bytes, at: int) -> tuple[dict[str, Value], int]:
    """An image, column by column. Raises one of `wrong.UNREAD`."""
    told = int.from_bytes(nulls, "little")
    image: dict[str, Value] = {}
    for i, (name, field) in enumerate(plan):
        if told >> i & 1:
            if name in wanted:
                image[name] = None
            continue
        begins, at = fields.end_of(field, raw, at)
        if name in wanted:
            image[name] = field.read(raw[begins:at])
    return image, at


class Images(dict[bytes, Read1]):
    """Reads the images of one table that hold the same columns: by the bytes of their NULL bits."""

    def __init__(self, plan: Plan, wanted: frozenset[str] | None = None) -> None:
        super().__init__()
        self.width = (len(plan) + 7) // 8
        """Bytes of the NULL bits, which begin an image."""
        self._plan, self._wanted = plan, frozenset(name for name, _ in plan) if wanted is None else wanted
        self._memories = [_Remembered(field.read) for _, field in plan]

    def __missing__(self, nulls: bytes) -> Read1:
        by_hand = functools.partial(plain, self._plan, self._wanted, nulls)
        if len(self) >= MADE_MAX:
            return by_hand
        self[nulls] = made = _made(self._plan, self._wanted, nulls, self._memories, by_hand)
        return made


_FRAME = """
def image(raw, at):
    first = at
    try:
        {body}
    except UnicodeDecodeError:
        return by_hand(raw, first)
"""


class _Remembered(dict[bytes, Value]):
    """Values by their packed bytes."""

    def __init__(self, read: Read) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, packed: bytes) -> Value:
        value = self._read(packed)
        if len(self) >= REMEMBERED_MAX:
            self.clear()
        self[packed] = value
        return value


class _Source:
    """The text of a made function, and the names that it knows."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.known: dict[str, Any] = {}
        self._letters, self._names = "", list[str]()

    def take(self, letters: str, name: str = "") -> None:
        """One more column, or one more length, of the stretch that is taken at once; without a name it is stepped over."""
        self._letters += letters
        if name:
            self._names.append(name)

    def flush(self) -> None:
        """Take the stretch."""
        alone = _ALONE.get(self._letters)
        if alone is not None:
            self.lines.append(alone.format(self._names[0]))
        elif self._letters:
            stretch = struct.Struct(f"<{self._letters}")
            if self._names:
                take = f"take{len(self.known)}"
                self.known[take] = stretch.unpack_from
                self.lines.append(f"{', '.join(self._names)}, = {take}(raw, at)")
            self.lines.append(f"at += {stretch.size}")
        self._letters, self._names = "", []


def _made(plan: Plan, wanted: frozenset[str], nulls: bytes, memories: Sequence[_Remembered], by_hand: Read1) -> Read1:
    """The function for images with these NULL bits. What is no UTF-8 where it should be is read by hand: it stays bytes."""
    source, values = _Source(), dict[str, str]()
    told = int.from_bytes(nulls, "little")
    for i, (name, field) in enumerate(plan):
        if told >> i & 1:
            values[name] = "None"
        elif field.counted:
            values[name] = _counted(source, i, field, wanted=name in wanted)
        elif name not in wanted:
            source.take(f"{field.size}x")
        elif field.direct:
            source.take(field.direct, f"v{i}")
            values[name] = f"v{i}"
        else:
            source.take(f"{field.size}s", f"v{i}")
            source.known[f"memory{i}"] = memories[i]
            values[name] = f"memory{i}[v{i}]"
    source.flush()
    image = ", ".join(f"{name!r}: {value}" for name, value in values.items() if name in wanted)
    body = "\n        ".join([*source.lines, f"return {{{image}}}, at"])
    text = (
        f"def image(raw, at):\n    first = at\n    try:\n        {body}\n    except UnicodeDecodeError:\n        return by_hand(raw, first)"
    )
    known = {**source.known, "by_hand": by_hand}
    # Every name in the text is ours; the columns' own names stand in it only as literals.
    exec(text, known)  # noqa: S102  see above
    made: Read1 = known["image"]
    return made


def _counted(source: _Source, i: int, field: Field, *, wanted: bool) -> str:
    """Take a length with what stands before it, then the value behind it; how the value is written."""
    letter = _LENGTHS.get(field.size)
    if letter is None:
        source.flush()
        source.lines.append(f"n{i} = int.from_bytes(raw[at:at + {field.size}], 'little'); at += {field.size}")
    else:
        source.take(letter, f"n{i}")
        source.flush()
    if not wanted:
        source.lines.append(f"at += n{i}")
        return ""
    source.known[f"read{i}"] = field.read
    value = "raw[begin:at].decode()" if field.direct else f"read{i}(raw[begin:at])"
    source.lines.append(f"begin = at; at += n{i}; v{i} = {value}")
    return f"v{i}"
