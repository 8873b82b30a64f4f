"""Images of a shop's orders: what of a row goes into one, when the next one is due, and how a stretch of the change log becomes one.

An image is the state of every imaged row after the last transaction, in the order of the log, before the first one that was committed at
the image's instant or later. Values stand in it as the server prints them (`text`), with a letter for their type beside them, so that
people and any reader of tables can read them and nothing of them is lost.
"""

from __future__ import annotations

import enum
import json
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, cast

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
    datetime: "t",
    str: "s",
    int: "i",
    float: "f",
    Decimal: "d",
    bytes: "b",
    date: "y",
    timedelta: "p",
    change.ZeroDate: "z",
}


def text(value: change.Value) -> str | None:
    """A value as the server prints it; None for NULL."""
    if value is None or type(value) is str:
        return value
    return str(value) if type(value) is int else change.spell(value)


_PRINTED = frozenset({int, date, datetime, type(None)})
"""Types that Python prints as a server does."""


def _texts(column: Sequence[change.Value]) -> list[str | None]:
    """`text` of a column's values, without asking each of them for its type."""
    kinds = set(map(type, column))
    if kinds == {str}:
        return cast("list[str | None]", list(column))
    if kinds <= _PRINTED:
        return list(map(str, column)) if type(None) not in kinds else [None if v is None else str(v) for v in column]
    if kinds == {Decimal}:
        words = list(map(str, column))
        # Python prints very small ones with an exponent.
        return [w if "E" not in w else text(v) for w, v in zip(words, column, strict=True)]
    return [v if v is None or type(v) is str else text(v) for v in column]


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


class Spelling(NamedTuple):
    """What takes values, key and link out of an image, each as a tuple."""

    values: Callable[[change.Image], tuple[change.Value, ...]]
    key: Callable[[change.Image], tuple[change.Value, ...]]
    link: Callable[[change.Image], tuple[change.Value, ...]]


def _taking(names: tuple[str, ...]) -> Callable[[change.Image], tuple[change.Value, ...]]:
    if len(names) == 1:
        (name,) = names
        return lambda image: (image[name],)
    return operator.itemgetter(*names)


class Form:
    """Reads rows of one table as they go into images. `guards` are of the columns that may not go in as they are."""

    def __init__(self, table: Table, guards: Mapping[str, Guard] | None = None) -> None:
        self.table = table
        self._guards = [(i, guards[c]) for i, c in enumerate(table.columns) if guards and c in guards]
        self._guard = dict(guards or {})
        self._spellings: dict[tuple[str, ...], Spelling] = {}
        self._shapes: dict[tuple[type, ...], tuple[str, tuple[int, ...]]] = {}

    def guarded(self) -> frozenset[str]:
        """Columns that are not kept as they are."""
        return frozenset(self._guard)

    def key(self, image: change.Image) -> str:
        """The row's own key, one text."""
        key = self.spelling(tuple(image)).key(image)
        return self._words(key) if self._guard or len(key) > 1 else text(key[0]) or ""

    def link(self, image: change.Image) -> str:
        """The order that the row belongs to; empty where it belongs to none."""
        return text(self.spelling(tuple(image)).link(image)[0]) or ""

    def row(self, image: change.Image, op: Op = Op.PUT) -> Row:
        """The row itself."""
        return self.rows([(self.key(image), image)], op)[0]

    def rows(self, told: Sequence[tuple[str, change.Image]], op: Op = Op.PUT) -> list[Row]:
        """Rows by key. Column by column: the values of one are nearly always of one type."""
        if not told:
            return []
        how, names = self.spelling(tuple(told[0][1])), told[0][1].keys()
        taken = [how if image.keys() == names else self.spelling(tuple(image)) for _, image in told]
        values = [how.values(image) for how, (_, image) in zip(taken, told, strict=True)]
        links = _texts([how.link(image)[0] for how, (_, image) in zip(taken, told, strict=True)])
        types = list(map(self._types, values))
        columns = [_texts(column) for column in zip(*values, strict=True)]
        for i, guard in self._guards:
            columns[i] = [None if word is None else guard(word) for word in columns[i]]
            types = [t if t[i] == _UNKNOWN else t[:i] + "s" + t[i + 1 :] for t in types]
        keys, role = [key for key, _ in told], self.table.role
        return [
            Row(role, link or "", key, op, v, t) for link, key, v, t in zip(links, keys, zip(*columns, strict=True), types, strict=True)
        ]

    def _types(self, told: tuple[change.Value, ...]) -> str:
        """A letter for each value. Most rows of a table have the same types: these are looked up."""
        shape = tuple(map(type, told))
        known = self._shapes.get(shape)
        if known is None:
            known = self._shapes[shape] = ("".join(_LETTERS[t] for t in shape), tuple(i for i, t in enumerate(shape) if t is datetime))
        types, moments = known
        # A zone is the value's and not the type's.
        for i in moments:
            if told[i].tzinfo is not None:  # type: ignore[union-attr]
                types = types[:i] + "u" + types[i + 1 :]
        return types

    def _words(self, key: Sequence[change.Value]) -> str:
        words = [text(v) or "" for v in key]
        words = [self._guard[c](w) if c in self._guard else w for c, w in zip(self.table.key, words, strict=True)]
        return words[0] if len(words) == 1 else json.dumps(words, ensure_ascii=False)

    def spelling(self, names: tuple[str, ...]) -> Spelling:
        """How to take our columns out of an image with these. Raises BadInput where one is not told."""
        known = self._spellings.get(names)
        if known is None:
            there = {n.lower(): n for n in names}
            lacking = [c for c in (*self.table.columns, *self.table.key, self.table.link) if c not in there]
            if lacking:
                raise faults.BadInput(
                    f"the log does not tell {', '.join(lacking)} of {self.table.name}",
                    where=f"the change log of {self.table.schema or 'the shop'}",
                    todo="Set binlog_row_image=FULL and binlog_row_metadata=FULL, or begin the images anew if the table was altered.",
                )
            told = ((there[c] for c in part) for part in (self.table.columns, self.table.key, (self.table.link,)))
            known = self._spellings[names] = Spelling(*(_taking(tuple(part)) for part in told))
        return known


class Fold:
    """A stretch of the log goes in, transaction after transaction; the rows of the image at its end come out."""

    def __init__(self, forms: Sequence[Form]) -> None:
        self._forms = {(f.table.schema, f.table.name): f for f in forms}
        self._was: dict[tuple[str, str], str | None] = {}
        """Under which order each changed row was known before; None for a row that was not there."""
        self._is: dict[tuple[str, str], tuple[Form, change.Image | None]] = {}
        self._tables: dict[int, tuple[change.Table, Form | None]] = {}

    def add(self, changes: Iterable[change.Change]) -> None:
        """Rows of one transaction, in the order of the log. Raises BadInput for images that are not whole."""
        for told in changes:
            known = self._tables.get(id(told.table))
            if known is None:
                # Kept, so that no other table can come to have its id.
                known = self._tables[id(told.table)] = (told.table, self._forms.get((told.table.schema.lower(), told.table.name.lower())))
            form = known[1]
            if form is not None:
                self._add(form, told.before, told.after)

    def _add(self, form: Form, before: change.Image | None, after: change.Image | None) -> None:
        one = before if before is not None else after
        if one is None:
            return
        key = form.key(one)
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
        told: list[Row] = []
        there: dict[int, tuple[Form, list[tuple[str, change.Image]]]] = {}
        for (role, key), (form, image) in self._is.items():
            if image is not None:
                there.setdefault(id(form), (form, []))[1].append((key, image))
            elif (was := self._was[role, key]) is not None:
                told.append(Row(role, was, key, Op.DELETE, None, ""))
        for form, images in there.values():
            for row in form.rows(images):
                told.append(row)
                was = self._was[row.role, row.key]
                if was is not None and was != row.link:
                    told.append(Row(row.role, was, row.key, Op.MOVED, None, ""))
        told.sort(key=operator.itemgetter(0, 1, 2))
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
