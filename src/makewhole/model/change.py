"""What a shop's database itself remembers of its writes: positions, row images and whole transactions, exact to the last bit."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from makewhole.core import codec

_LITERAL = re.compile(r"""'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|\b\d[\w.]*\b""")


class ZeroDate(codec.Noun, frozen=True, kw_only=True):
    """A date that no calendar has and MySQL keeps all the same: 0000-00-00, or a day 0. As the server prints it."""

    text: str


class Starred(str):
    """A text in which a card's number was starred when it was kept (decision 15): not what the shop has."""

    __slots__ = ()


Value = None | int | float | str | bytes | Decimal | datetime | date | timedelta | ZeroDate
"""A column's value. DATETIME has no zone, TIMESTAMP is in UTC; TIME is a span; ENUM, SET and JSON are the server's own text; BIT is a
number; what is no text (BLOB, BINARY, GEOMETRY) is bytes."""
Image = Mapping[str, Value]
"""A row by column. A column that is not there was not told by the server: that is not NULL."""


class Position(codec.Noun, frozen=True, kw_only=True, order=True):
    """A place in one server's log: the byte at which the next event begins; and what had been executed there, as the server's GTIDs."""

    file: str
    offset: int
    gtids: str = ""
    """MySQL: a set of GTIDs. MariaDB: the last of each domain, with commas. Empty where the log does not tell."""

    def __str__(self) -> str:
        return f"{self.file}:{self.offset}"


class Table(codec.Noun, frozen=True, kw_only=True):
    """A table as it was when it was written: its columns in order, by name. Without names they are called @1, @2, …"""

    schema: str
    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...] = ()
    """The primary key's columns, where the log or the schema of that time told."""
    named: bool = True

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


class Kind(enum.Enum):
    """What was done to a row."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


class Change(codec.Noun, frozen=True, kw_only=True):
    """One row's change. An insert has no before, a delete no after; an update has both, as far as the server told them."""

    table: Table
    kind: Kind
    before: Image | None
    after: Image | None
    statement: str = ""
    """The statement that did it, where the server writes it beside the rows (annotate, rows query)."""

    def whole(self) -> bool:
        """Whether every column of every image is there (binlog_row_image=FULL, checked on the change itself)."""
        return all(len(image) == len(self.table.columns) for image in (self.before, self.after) if image is not None)

    def untold(self) -> tuple[str, ...]:
        """Columns that an image does not hold: the log left them out, which is not NULL."""
        images = [image for image in (self.before, self.after) if image is not None]
        return tuple(c for c in self.table.columns if any(c not in image for image in images))

    def changed(self) -> Mapping[str, tuple[Value, Value]]:
        """Columns whose value is another one afterwards, before and after; all that is told, for an insert or a delete."""
        before, after = self.before or {}, self.after or {}
        told = after if self.after is not None else before
        return {c: (before.get(c), after.get(c)) for c in told if c not in before or c not in after or not same(before[c], after[c])}


def same(one: Value, other: Value) -> bool:
    """Whether two values are the same value: 1.0 is not 1.00 where the type says how many digits there are, and NULL is NULL."""
    return type(one) is type(other) and str(one) == str(other)


class Transaction(codec.Noun, frozen=True, kw_only=True):
    """What one commit wrote, whole, in the order in which it was written."""

    id: str
    """The server's GTID; where it has none, file and offset of its first event."""
    begins: Position
    ends: Position
    committed_at: datetime
    """UTC; to the microsecond where the server keeps it, else to the second."""
    connection: int | None = None
    """The server's number of the connection, where the log holds it."""
    user: str = ""
    """Who the server says invoked it: rarely known."""
    changes: tuple[Change, ...] = ()
    statements: tuple[str, ...] = ()
    """What changed rows or tables without row images: DDL, or statements of a session that logs none. Images do not tell the whole here."""


class Gap(codec.Noun, frozen=True, kw_only=True):
    """A stretch of a log that nobody read before the server forgot it: what was written there, nobody knows."""

    since: Position
    """What was read ends here."""
    until: Position
    """Reading went on here."""
    after: datetime | None
    """When the last transaction that was kept before it was committed; None where none was."""
    before: datetime
    """When what the server has left was begun, at the latest."""
    why: str
    """What the server said."""


class Sought(codec.Noun, frozen=True, kw_only=True):
    """Rows that are looked for in a log: those of a table that hold this value in this column, before or after, as `spell` writes it."""

    schema: str
    table: str
    column: str
    value: str


class Traced(codec.Noun, frozen=True, kw_only=True):
    """A table in which an order leaves rows, and by which of its columns they are known to be the order's."""

    role: str
    """The shop file's word for the table: order, item, refund, …"""
    schema: str
    table: str
    key: str | None = None
    """Of the order's own table: the key that other tables link to."""
    number: str | None = None
    """Holds the order's number."""
    link: str | None = None
    """Holds the order's key."""
    part: str | None = None
    """Holds a part's key: of the parts' own table, and of rows that name a part alone."""
    kind: Callable[[Image], bool | None] | None = None
    """Of a table in which rows of several kinds stand: whether a row is of this one; None where its image does not tell. Without it, every
    row is."""

    def holds(self, image: Image) -> bool | None:
        """Whether a row of the table is of this kind; None where its image does not tell."""
        return True if self.kind is None else self.kind(image)


def kind_of(there: Sequence[Traced], told: Change) -> Traced | None:
    """Of these, all of one table, the one of whose kind a changed row is: by what it was; by what it became where it was of none, or where
    nothing tells what it was."""
    for image in (told.before, told.after):
        mine = None if image is None else next((t for t in there if t.holds(image)), None)
        if mine is not None:
            return mine
    return None


def without_values(statement: str) -> str:
    """A statement with a question mark for each of its values: they are people's names and numbers."""
    return _LITERAL.sub("?", statement)


def spell(value: Value) -> str:
    """One spelling of a value, as the server would print it; NULL is the empty text."""
    match value:
        case None:
            return ""
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.isoformat(sep=" ")
        case date():
            return value.isoformat()
        case bytes():
            return value.hex()
        case ZeroDate(text=text):
            return text
        case timedelta():
            return _clock(value)
        case _:
            return str(value)


def _clock(span: timedelta) -> str:
    size = abs(span)
    seconds = size.days * 86400 + size.seconds
    tail = f".{size.microseconds:06d}" if size.microseconds else ""
    return f"{'-' if span < timedelta(0) else ''}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{tail}"
