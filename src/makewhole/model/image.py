"""Images of a shop's orders: what of a row goes into one, when the next one is due, and how a stretch of the change log becomes one.

An image is the state of every imaged row after the last transaction, in the order of the log, before the first one that was committed at
the image's instant or later. Values stand in it as the server prints them (`text`), with a letter for their type beside them, so that
people and any reader of tables can read them and nothing of them is lost.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from makewhole.core import clock, codec, faults
from makewhole.model import change

EVERY = timedelta(minutes=15)
"""R5. The grid is the same in UTC and in Beijing."""
SETTLED = timedelta(seconds=5)
"""An image is made this long after its instant: transactions get their time a moment before they are in the log."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UNKNOWN = "-"
Guard = Callable[[str], str]
"""What may be kept of a value: itself, its last characters, or a keyed hash."""


class Kind(enum.Enum):
    """How an image is kept."""

    OPENING = "opening"
    """Read from the shop itself: the first one, and wherever the log does not tell the whole."""
    BASE = "base"
    """Every row, made of the images before: once a day."""
    CHANGES = "changes"
    """The rows that changed since the image before."""


class Op(enum.Enum):
    """What a row of an image says."""

    BASE = "base"
    """The row, as it stands in a whole image."""
    PUT = "put"
    """The row is like this from this image on."""
    DELETE = "delete"
    """The row is not there any more."""
    MOVED = "moved"
    """The row is there, but belongs to another order now; its own line says to which."""


class Table(codec.Noun, frozen=True, kw_only=True):
    """What of a table's rows goes into images; every name in lower case."""

    role: str
    """The shop file's word for it: order, item, payment, …"""
    schema: str
    name: str
    key: tuple[str, ...]
    link: str
    """The column that ties a row to its order: of the order itself its number, else the number or the key of the order."""
    by_key: bool = False
    """Whether `link` holds the order's key and not its number."""
    known: str = ""
    """Of the order itself: the column whose value such links hold."""
    columns: tuple[str, ...]


class Row(NamedTuple):
    """One row of an image; `values` in the order of its table's columns, None of a row that is gone."""

    role: str
    link: str
    key: str
    op: Op
    values: tuple[str | None, ...] | None
    types: str
    """A letter for each value: i, d (decimal), f, s, b (bytes), t (no zone), u (UTC), y (date), p (span), z (no calendar's date), -."""


class Head(codec.Noun, frozen=True, kw_only=True):
    """What an image says of itself."""

    at: datetime
    kind: Kind
    server: str
    """Whose log it was made from."""
    position: change.Position
    """It is the state after everything before this place in the log, and nothing after it."""
    form: str
    """What was imaged: tables, columns, privacy. Another form is another base."""
    columns: Mapping[str, tuple[str, ...]]
    """What the values of each role's rows are called."""
    changed: Mapping[str, int]
    """Rows that changed since the image before, by role."""
    rows: Mapping[str, int] = {}
    """Rows in a whole image, by role."""
    why: str = ""
    """Why an opening was needed."""

    @property
    def id(self) -> int:
        """Unix microseconds of its instant: `_image` in the table."""
        return (self.at - _EPOCH) // _MICROSECOND


def instant(image: int) -> datetime:
    """The instant that an image's id says."""
    return _EPOCH + image * _MICROSECOND


def following(at: datetime) -> datetime:
    """The first instant of the grid after this one."""
    return _EPOCH + (at - _EPOCH) // EVERY * EVERY + EVERY


def day(at: datetime) -> str:
    """The day in Beijing, by which images lie together: 2026-11-23."""
    return at.astimezone(clock.BEIJING).date().isoformat()


def begins_day(at: datetime) -> bool:
    """Whether a day in Beijing begins at this instant."""
    return day(at) != day(at - _MICROSECOND)


# ---------------------------------------------------------------- values


_LETTERS: dict[type, str] = {
    type(None): _UNKNOWN,
    str: "s",
    int: "i",
    float: "f",
    Decimal: "d",
    bytes: "b",
    date: "y",
    timedelta: "p",
    change.ZeroDate: "z",
}


def letter(value: change.Value) -> str:
    """The letter of a value's type."""
    if isinstance(value, datetime):
        return "t" if value.tzinfo is None else "u"
    return _LETTERS[type(value)]


def text(value: change.Value) -> str | None:
    """A value as the server prints it; None for NULL."""
    if value is None or type(value) is str:
        return value
    return str(value) if type(value) is int else change.spell(value)


def value(told: str | None, kind: str) -> change.Value:
    """The value of a text and its letter. Raises ValueError for what is none; a value that was guarded is a text."""
    if told is None:
        return None
    match kind:
        case "s":
            return told
        case "i":
            return int(told)
        case "d":
            return Decimal(told)
        case "f":
            return float(told)
        case "b":
            return bytes.fromhex(told)
        case "t" | "u":
            return datetime.fromisoformat(told)
        case "y":
            return date.fromisoformat(told)
        case "p":
            return _span(told)
        case "z":
            return change.ZeroDate(text=told)
        case _:
            raise ValueError(f"no type is called {kind!r}")


def _span(told: str) -> timedelta:
    hours, minutes, seconds = told.lstrip("-").split(":")
    micro = int(Decimal(seconds) * 1_000_000)
    size = timedelta(hours=int(hours), minutes=int(minutes), microseconds=micro)
    return -size if told.startswith("-") else size


# ---------------------------------------------------------------- rows


class Form:
    """Reads rows of one table as they go into images. `guards` are of the columns that may not go in as they are."""

    def __init__(self, table: Table, guards: Mapping[str, Guard] | None = None) -> None:
        self.table = table
        self._guards = [(i, guards[c]) for i, c in enumerate(table.columns) if guards and c in guards]
        self._guard = dict(guards or {})
        self._names: dict[tuple[str, ...], tuple[tuple[str, ...], tuple[str, ...], str]] = {}

    def key(self, image: change.Image) -> str:
        """The row's own key, one text."""
        _, key, _ = self._spelled(image)
        if len(key) == 1:
            return self._word(self.table.key[0], image[key[0]])
        return json.dumps([self._word(c, image[n]) for c, n in zip(self.table.key, key, strict=True)], ensure_ascii=False)

    def link(self, image: change.Image) -> str:
        """The order that the row belongs to; empty where it belongs to none."""
        return text(image[self._spelled(image)[2]]) or ""

    def row(self, image: change.Image, op: Op = Op.PUT) -> Row:
        """The row itself."""
        columns, _, _ = self._spelled(image)
        told = [image[c] for c in columns]
        types = "".join(map(letter, told))
        values = list(map(text, told))
        for i, guard in self._guards:
            if values[i] is not None:
                values[i], types = guard(str(values[i])), types[:i] + "s" + types[i + 1 :]
        return Row(self.table.role, self.link(image), self.key(image), op, tuple(values), types)

    def _word(self, column: str, told: change.Value) -> str:
        word = text(told) or ""
        return self._guard[column](word) if column in self._guard else word

    def _spelled(self, image: change.Image) -> tuple[tuple[str, ...], tuple[str, ...], str]:
        """The log's own spelling of our columns, key and link. Raises BadInput where one is not told."""
        names = tuple(image)
        known = self._names.get(names)
        if known is None:
            there = {n.lower(): n for n in names}
            lacking = [c for c in (*self.table.columns, *self.table.key, self.table.link) if c not in there]
            if lacking:
                raise faults.BadInput(
                    f"the log does not tell {', '.join(lacking)} of {self.table.name}",
                    where=f"the change log of {self.table.schema or 'the shop'}",
                    todo="Set binlog_row_image=FULL and binlog_row_metadata=FULL, or begin the images anew if the table was altered.",
                )
            columns, key = (tuple(there[c] for c in told) for told in (self.table.columns, self.table.key))
            known = self._names[names] = (columns, key, there[self.table.link])
        return known


class Fold:
    """A stretch of the log goes in, transaction after transaction; the rows of the image at its end come out."""

    def __init__(self, forms: Sequence[Form]) -> None:
        self._forms = {(f.table.schema, f.table.name): f for f in forms}
        self._was: dict[tuple[str, str], str | None] = {}
        """Under which order each changed row was known before; None for a row that was not there."""
        self._is: dict[tuple[str, str], tuple[Form, change.Image | None]] = {}

    def add(self, changes: Iterable[change.Change]) -> None:
        """Rows of one transaction, in the order of the log. Raises BadInput for images that are not whole."""
        for told in changes:
            form = self._forms.get((told.table.schema.lower(), told.table.name.lower()))
            if form is None:
                continue
            before, after = told.before, told.after
            key = form.key(after if before is None else before)  # type: ignore[arg-type]
            place = (form.table.role, key)
            if place not in self._was:
                self._was[place] = None if before is None else form.link(before)
            if before is not None and after is not None and (now := form.key(after)) != key:
                # The row got another key: the old one is gone, the new one is there.
                self._is[place] = (form, None)
                place = (form.table.role, now)
                self._was.setdefault(place, None)
            self._is[place] = (form, after)

    def places(self) -> frozenset[tuple[str, str]]:
        """Role and key of every row that was touched."""
        return frozenset(self._is)

    def rows(self) -> list[Row]:
        """Sorted by role, order and key. A row that came and went in between leaves nothing."""
        told = []
        for (role, key), (form, image) in self._is.items():
            was = self._was[role, key]
            if image is None:
                if was is not None:
                    told.append(Row(role, was, key, Op.DELETE, None, ""))
                continue
            row = form.row(image)
            told.append(row)
            if was is not None and was != row.link:
                told.append(Row(role, was, key, Op.MOVED, None, ""))
        told.sort(key=lambda r: r[:3])
        return told


def counted(rows: Iterable[Row]) -> dict[str, int]:
    """Rows by role; that one left an order is told with the row itself."""
    told: dict[str, int] = {}
    for row in rows:
        if row.op is not Op.MOVED:
            told[row.role] = told.get(row.role, 0) + 1
    return told


def newest(rows: Iterable[tuple[int, Row]]) -> Iterator[Row]:
    """Rows of several images, each with its image, in any order: what is there after the last of them."""
    last: dict[tuple[str, str, str], tuple[int, Row]] = {}
    for image, row in rows:
        place = row[:3]
        if place not in last or last[place][0] <= image:
            last[place] = (image, row)
    return (row for _, row in last.values() if row.values is not None)
