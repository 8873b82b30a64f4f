"""Images of a shop's orders: what of a row goes into one, and when the next one is due.

An image is the state of every imaged row after the last transaction, in the order of the log, before the first one that was committed at
the image's instant or later. Values stand in it as the server prints them (`text`), with a letter for their type beside them, so that
people and any reader of tables can read them and nothing of them is lost.
"""

from __future__ import annotations

import enum
import itertools
import json
import operator
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, TypeVar, cast

from makewhole.core import cards, clock, codec, faults
from makewhole.model import change

EVERY = timedelta(minutes=15)
"""R5. The grid is the same in UTC and in Beijing."""
SETTLED = timedelta(seconds=5)
"""An image is made this long after its instant: transactions get their time a moment before they are in the log."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UNKNOWN = "-"
CARD = "c"
"""The letter of a text that is not what the shop has: a card's number in it is starred (decision 15)."""
_SPOKEN = frozenset("si")
"""Letters of values in which a card's number may stand."""
T = TypeVar("T")
Guard = Callable[[str], str]
"""What may be kept of a value: itself, its last characters, or a keyed hash."""
Kinds = Callable[[change.Image], bool]
"""Whether a row is of one kind, where rows of several stand in one table. Raises BadInput where its image does not tell."""


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
    by_part: bool = False
    """Whether it holds the key of a part of the order: the row names the part alone."""
    known: str = ""
    """Of the order itself, and of its parts: the column whose value such links hold."""
    columns: tuple[str, ...]


class Row(NamedTuple):
    """One row of an image; `values` in the order of its table's columns, None of a row that is gone."""

    role: str
    link: str
    key: str
    op: Op
    values: tuple[str | None, ...] | None
    types: str
    """A letter for each value: i, d (decimal), f, s, b (bytes), t (no zone), u (UTC), y (date), p (span), z (no calendar's date), -;
    c where a card's number stood, and is starred."""


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
    change.Starred: CARD,
}


def text(value: change.Value) -> str | None:
    """A value as the server prints it; None for NULL."""
    if value is None or type(value) is str:
        return value
    return str(value) if type(value) is int else change.spell(value)


_PRINTED = frozenset({int, date, datetime, type(None)})
"""Types that Python prints as a server does."""
_TIMED, _ZONE = frozenset({datetime, type(None)}), operator.attrgetter("tzinfo")


def _texts(column: Sequence[change.Value], kinds: set[type] | None = None) -> list[str | None]:
    """`text` of a column's values, without asking each of them for its type. `kinds` are their types, where they are known."""
    kinds = set(map(type, column)) if kinds is None else kinds
    if kinds == {str}:
        return cast("list[str | None]", list(column))
    if kinds <= _TIMED:
        return _times(cast("Sequence[datetime | None]", column))
    if kinds <= _PRINTED:
        return list(map(str, column)) if type(None) not in kinds else [None if v is None else str(v) for v in column]
    if kinds == {Decimal}:
        words = list(map(str, column))
        # Python prints very small ones with an exponent.
        return [w if "E" not in w else text(v) for w, v in zip(words, column, strict=True)]
    return [v if v is None or type(v) is str else text(v) for v in column]


def _times(column: Sequence[datetime | None]) -> list[str | None]:
    """Times as Python prints them. Those without a zone are printed all at once, as JSON: one by one takes ten times as long."""
    there = list(filter(None, column))
    if set(map(_ZONE, there)) != {None}:
        return [None if v is None else str(v) for v in column]
    words = codec.canonical(there).decode()[2:-2].replace("T", " ").split('","')
    each = iter(words)
    return list(words) if len(words) == len(column) else [None if v is None else next(each) for v in column]


def _spelled(column: Sequence[change.Value]) -> tuple[list[str | None], Sequence[str]]:
    """A column's texts and letters: a letter for each value, or one for all of them."""
    kinds = set(map(type, column))
    words = _texts(column, kinds)
    letters = {kind: _LETTERS[kind] for kind in kinds}
    if datetime in kinds:
        # A zone is the value's and not the type's.
        zones = set(map(_ZONE, filter(None, column) if kinds <= _TIMED else (v for v in column if type(v) is datetime)))
        if None in zones and len(zones) > 1:
            return words, [("t" if v.tzinfo is None else "u") if type(v) is datetime else letters[type(v)] for v in column]
        letters[datetime] = "t" if None in zones else "u"
    if len(kinds) == 1:
        return words, letters[kinds.pop()]
    if len(kinds) == 2 and type(None) in kinds:
        (other,) = (letter for letter in letters.values() if letter != _UNKNOWN)
        return words, [_UNKNOWN if v is None else other for v in column]
    return words, [letters[type(v)] for v in column]


def _cardless(words: list[str | None], letters: Sequence[str], column: str) -> tuple[list[str | None], Sequence[str]]:
    """A column's texts and letters with every card's number starred. Nearly always there is none in all of it, which is quickly seen."""
    long = not _SPOKEN.isdisjoint(letters) and max(map(len, filter(None, words)), default=0) >= cards.DIGITS_MIN
    if not long or not cards.SUSPECT.search("\n".join(filter(None, words))):
        return words, letters
    each = list(letters) * len(words) if len(letters) == 1 else letters
    clean = [cards.masked(w, key=column) if w and letter in _SPOKEN else w for w, letter in zip(words, each, strict=True)]
    return clean, [letter if now == was else CARD for was, now, letter in zip(words, clean, each, strict=True)]


def _beside(letters: Sequence[Sequence[str]], count: int) -> list[str]:
    """Each row's letters as one text. Columns whose letter is the same in all rows are not gone through."""
    runs = [(len(told) == 1, told) for told in letters]
    if all(one for one, _ in runs):
        return ["".join(told[0] for _, told in runs)] * count
    parts: list[Iterable[str]] = []
    for one, run in itertools.groupby(runs, key=operator.itemgetter(0)):
        same = [told for _, told in run]
        parts += [itertools.repeat("".join(map("".join, same)), count)] if one else same
    return list(map("".join, zip(*parts, strict=True)))


def value(told: str | None, kind: str) -> change.Value:
    """The value of a text and its letter. Raises ValueError for what is none; a value that was guarded is a text."""
    if told is None:
        return None
    match kind:
        case "s" | "c":
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
    """What takes a row apart: its columns in order, its own key and its order, both as text; and its key as it is, to be compared."""

    values: Callable[[change.Image], tuple[change.Value, ...]]
    key: Callable[[change.Image], str]
    link: Callable[[change.Image], str]
    own: Callable[[change.Image], object]


class Form:
    """Reads rows of one table as they go into images. `guards` are of the columns that may not go in as they are; `words` are the plain
    columns that hold no numbers of a system's own, in which a card's number is starred. `kind`: which rows are of this form."""

    def __init__(
        self, table: Table, guards: Mapping[str, Guard] | None = None, words: Collection[str] = (), kind: Kinds | None = None
    ) -> None:
        self.table = table
        self.kind = kind
        self._words_at = [(i, c) for i, c in enumerate(table.columns) if c in words and c not in (guards or {})]
        self._guards = [(i, guards[c]) for i, c in enumerate(table.columns) if guards and c in guards]
        self._guard = dict(guards or {})
        self._spellings: dict[tuple[str, ...], Spelling] = {}

    def guarded(self) -> frozenset[str]:
        """Columns that are not kept as they are."""
        return frozenset(self._guard)

    def key(self, image: change.Image) -> str:
        """The row's own key, one text."""
        return self.spelling(tuple(image)).key(image)

    def link(self, image: change.Image) -> str:
        """The order that the row belongs to; empty where it belongs to none."""
        return self.spelling(tuple(image)).link(image)

    def keys(self, images: Sequence[change.Image]) -> list[str]:
        """`key` of each."""
        return self._each(images, operator.attrgetter("key"))

    def links(self, images: Sequence[change.Image]) -> list[str]:
        """`link` of each."""
        return self._each(images, operator.attrgetter("link"))

    def columns(self, images: Sequence[change.Image]) -> tuple[list[list[str | None]], list[str]]:
        """The values of each column, and each row's letters. Column by column: the values of one are nearly always of one type."""
        if not images:
            return [[] for _ in self.table.columns], []
        told = [_spelled(column) for column in self._apart(images)]
        for i, guard in self._guards:
            words, letters = told[i]
            told[i] = ([None if w is None else guard(w) for w in words], [x if x == _UNKNOWN else "s" for x in letters])
        for i, name in self._words_at:
            told[i] = _cardless(*told[i], name)
        return [words for words, _ in told], _beside([letters for _, letters in told], len(images))

    def _apart(self, images: Sequence[change.Image]) -> list[list[change.Value]]:
        """The values of each column. One long list and not a tuple for each row: those would wait for Python's collector."""
        width, chain = len(self.table.columns), itertools.chain.from_iterable
        try:
            flat = list(chain(map(self.spelling(tuple(images[0])).values, images)))
        except KeyError:
            flat = list(chain(self.spelling(tuple(image)).values(image) for image in images))
        return [flat[at::width] for at in range(width)]

    def _each(self, images: Sequence[change.Image], part: Callable[[Spelling], Callable[[change.Image], T]]) -> list[T]:
        """One part of each image; nearly always all of them spell their columns alike. Raises BadInput where a column is not told."""
        try:
            return list(map(part(self.spelling(tuple(images[0]))), images)) if images else []
        except KeyError:
            return [part(self.spelling(tuple(image)))(image) for image in images]

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
            values = _taking(tuple(there[c] for c in self.table.columns))
            keys = tuple(there[c] for c in self.table.key)
            known = Spelling(values, self._keying(keys), _wording(there[self.table.link]), operator.itemgetter(*keys))
            self._spellings[names] = known
        return known

    def _keying(self, names: tuple[str, ...]) -> Callable[[change.Image], str]:
        if len(names) == 1 and not self._guard:
            return _wording(names[0])
        taking = _taking(names)
        return lambda image: self._words(taking(image))

    def _words(self, key: Sequence[change.Value]) -> str:
        words = [text(v) or "" for v in key]
        words = [self._guard[c](w) if c in self._guard else w for c, w in zip(self.table.key, words, strict=True)]
        return words[0] if len(words) == 1 else json.dumps(words, ensure_ascii=False)


def _taking(names: tuple[str, ...]) -> Callable[[change.Image], tuple[change.Value, ...]]:
    if len(names) == 1:
        (name,) = names
        return lambda image: (image[name],)
    return operator.itemgetter(*names)


def _wording(name: str) -> Callable[[change.Image], str]:
    """What takes one column's text out of an image; empty for NULL."""

    def word(image: change.Image) -> str:
        value = image[name]
        if type(value) is str:
            return value
        return str(value) if type(value) is int else text(value) or ""

    return word
