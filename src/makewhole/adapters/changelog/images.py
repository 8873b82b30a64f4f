"""The columns of an image go in, what reads such an image comes out: one function made for each set of columns that are NULL.

A table has few such sets, and where one is known, so is where most of the columns stand. A made function takes all columns between two
texts in one `struct`, asks a memory for values that are packed (decimals and times of an image after are mostly those of the one
before), and steps over columns that nobody wants. Another reads an update's two images, and looks whether texts that stand side by side
are those of the image before. `plain` reads the same column by column, and is what the made ones are held against.
"""

from __future__ import annotations

import enum
import functools
import itertools
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
Read2 = Callable[[bytes, int], tuple[dict[str, Value], dict[str, Value], int]]
"""The same of an image before, behind whose NULL bits the place is, and the image after that follows it."""
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
        self._pairs: dict[bytes, Read2] = {}

    def __missing__(self, nulls: bytes) -> Read1:
        by_hand = functools.partial(plain, self._plan, self._wanted, nulls)
        if len(self) >= MADE_MAX:
            return by_hand
        self[nulls] = made = _made(self._plan, self._wanted, nulls, self._memories, by_hand)
        return made

    def after(self, raw: bytes, at: int) -> tuple[dict[str, Value], int]:
        """An image whose NULL bits begin at this place."""
        begins = at + self.width
        return self[raw[at:begins]](raw, begins)

    def pair(self, nulls: bytes) -> Read2:
        """What reads two images of which the first has these NULL bits."""
        known = self._pairs.get(nulls)
        if known is not None:
            return known

        def by_hand(raw: bytes, at: int) -> tuple[dict[str, Value], dict[str, Value], int]:
            before, at = self[nulls](raw, at)
            return before, *self.after(raw, at)

        if len(self._pairs) >= MADE_MAX:
            return by_hand
        self._pairs[nulls] = made = _pair(self._plan, self._wanted, nulls, self._memories, by_hand, self.after)
        return made


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
    source = _Source()
    image = _image(source, plan, wanted, nulls, memories)
    made: Read1 = _function([*source.lines, f"return {image}, at"], {**source.known, "by_hand": by_hand})
    return made


def _pair(plan: Plan, wanted: frozenset[str], nulls: bytes, memories: Sequence[_Remembered], by_hand: Read2, after: Read1) -> Read2:
    """The function for an update of which both images have these NULL bits; it leaves an image after with others to `after`."""
    source, width = _Source(), len(nulls)
    image = _image(source, plan, wanted, nulls, memories, _Before.KEPT)
    source.lines += [f"before = {image}", f"if raw[at:at + {width}] != {nulls!r}: return before, *after(raw, at)", f"at += {width}"]
    image = _image(source, plan, wanted, nulls, memories, _Before.KNOWN)
    made: Read2 = _function([*source.lines, f"return before, {image}, at"], {**source.known, "by_hand": by_hand, "after": after})
    return made


def _function(lines: Sequence[str], known: dict[str, Any]) -> Any:
    """Every name in the lines is ours; the columns' own names stand in them only as literals."""
    body = "\n        ".join(lines)
    head = "def read(raw, at):\n    first = at\n    try:\n        "
    text = f"{head}{body}\n    except UnicodeDecodeError:\n        return by_hand(raw, first)"
    exec(text, known)  # noqa: S102  see above
    return known["read"]


class _Before(enum.Enum):
    """Whether the texts of an image before are to be kept beside their bytes, or were."""

    UNKNOWN = enum.auto()
    KEPT = enum.auto()
    KNOWN = enum.auto()


def _image(
    source: _Source,
    plan: Plan,
    wanted: frozenset[str],
    nulls: bytes,
    memories: Sequence[_Remembered],
    before: _Before = _Before.UNKNOWN,
) -> str:
    """The lines that read an image with these NULL bits; how it is then written."""
    told, values = int.from_bytes(nulls, "little"), dict[str, str]()
    there = [(i, name, field) for i, (name, field) in enumerate(plan) if not told >> i & 1]
    for counted, run in itertools.groupby(there, key=lambda c: c[2].counted):
        columns = list(run)
        if counted:
            _texts(source, columns, wanted, values, _Before.UNKNOWN if len(columns) == 1 else before)
            continue
        for i, name, field in columns:
            if name not in wanted:
                source.take(f"{field.size}x")
            elif field.direct:
                source.take(field.direct, f"v{i}")
                values[name] = f"v{i}"
            else:
                source.take(f"{field.size}s", f"v{i}")
                source.known[f"memory{i}"] = memories[i]
                values[name] = f"memory{i}[v{i}]"
    source.flush()
    return "{" + ", ".join(f"{name!r}: {values.get(name, None)}" for name, _ in plan if name in wanted) + "}"


def _texts(
    source: _Source, columns: Sequence[tuple[int, str, Field]], wanted: frozenset[str], values: dict[str, str], before: _Before
) -> None:
    """Values that stand side by side behind their lengths. Where they are those of the image before, their names hold them already."""
    (first, _, field), *_ = columns
    _length(source, first, field)
    begins = len(source.lines)
    for i, name, field in columns:
        if i != first:
            _length(source, i, field)
        source.lines.append(f"begin = at; at += n{i}" if name in wanted else f"at += n{i}")
        if name in wanted:
            source.known[f"read{i}"] = field.read
            source.lines.append(f"v{i} = raw[begin:at].decode()" if field.direct else f"v{i} = read{i}(raw[begin:at])")
            values[name] = f"v{i}"
    if before is _Before.KEPT:
        source.lines.insert(begins, f"at{first} = at; was{first} = n{first}")
        source.lines.append(f"same{first} = raw[at{first}:at]; size{first} = at - at{first}")
    elif before is _Before.KNOWN:
        lines = source.lines[begins:]
        known = f"if n{first} == was{first} and raw[at:at + size{first}] == same{first}: at += size{first}"
        source.lines[begins:] = [known, "else:", *(f"    {line}" for line in lines)]


def _length(source: _Source, i: int, field: Field) -> None:
    """Take a length, with what stands before it."""
    letter = _LENGTHS.get(field.size)
    if letter is None:
        source.flush()
        source.lines.append(f"n{i} = int.from_bytes(raw[at:at + {field.size}], 'little'); at += {field.size}")
        return
    source.take(letter, f"n{i}")
    source.flush()
