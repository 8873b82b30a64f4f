"""Bytes of pgoutput go in, one message comes out: what began, whose rows, which row, what was committed.

Format: PostgreSQL, "Logical Replication Message Formats", version 1, values as text. Whatever is not in this file is refused and never
passed by: it could hold rows.
"""

from __future__ import annotations

import contextlib
import enum
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from makewhole.adapters.changelog import wrong
from makewhole.adapters.changelog.wrong import Unreadable
from makewhole.core import faults

TODO = "Nothing was read beyond this place and the server still has it. Say which version the server is, and send the message."
_EPOCH_US = 946_684_800_000_000
"""Microseconds from 1970 to 2000, from which PostgreSQL counts."""
_BEGIN, _COMMIT, _COLUMN = struct.Struct(">QqI"), struct.Struct(">BQQq"), struct.Struct(">Ii")
_U16, _U32, _U64 = struct.Struct(">H"), struct.Struct(">I"), struct.Struct(">Q")


class Unchanged(enum.Enum):
    """A large value that an update left alone, and that the server does not send again."""

    UNCHANGED = "unchanged"


UNCHANGED = Unchanged.UNCHANGED
Cell: TypeAlias = bytes | Unchanged | None
"""A value as the server prints it; None for NULL."""
Row: TypeAlias = tuple[Cell, ...]


class Identity(enum.Enum):
    """What a table tells of a row as it was (REPLICA IDENTITY)."""

    DEFAULT = "d"
    """The primary key."""
    NOTHING = "n"
    FULL = "f"
    """Every column."""
    INDEX = "i"
    """The columns of a unique index."""


class Begin(NamedTuple):
    """A transaction begins."""

    commits_at: int
    """The LSN of its commit."""
    committed_us: int
    """Microseconds since 1970, in UTC."""
    xid: int


class Commit(NamedTuple):
    """It is over."""

    at: int
    ends: int
    """The LSN of the byte after it: where to read on."""
    committed_us: int


class Origin(NamedTuple):
    """It was written elsewhere, and replayed here."""

    name: str


class Column(NamedTuple):
    """One column of a table."""

    name: str
    type: int
    """The type's number in pg_type."""
    key: bool
    """Whether it is one of those that tell a row as it was."""
    modifier: int = -1
    """What the type was given in brackets, in the catalogue's own way; -1 for nothing."""


class Relation(NamedTuple):
    """A table as the next rows have it."""

    number: int
    schema: str
    name: str
    identity: Identity
    columns: tuple[Column, ...]


class Type(NamedTuple):
    """A type that is not built in, by name."""

    number: int
    schema: str
    name: str


class Insert(NamedTuple):
    """A new row."""

    relation: int
    new: Row


class Update(NamedTuple):
    """A row that was written over."""

    relation: int
    old: Row | None
    whole: bool
    """Whether `old` holds every column, and not only those of the key."""
    new: Row


class Delete(NamedTuple):
    """A row that is gone."""

    relation: int
    old: Row
    whole: bool


class Truncate(NamedTuple):
    """Tables that were emptied."""

    relations: tuple[int, ...]
    cascade: bool
    restart: bool


class Said(NamedTuple):
    """What somebody wrote into the log by pg_logical_emit_message."""

    within: bool
    """Whether it belongs to a transaction."""
    prefix: str
    content: bytes


Message: TypeAlias = Begin | Commit | Origin | Relation | Type | Insert | Update | Delete | Truncate | Said


class _Cursor:
    """Bytes that are taken one after the other; none is made up where they end too early."""

    def __init__(self, raw: bytes) -> None:
        self._raw, self.at = raw, 1

    def unpack(self, form: struct.Struct) -> tuple[int, ...]:
        if self.at + form.size > len(self._raw):
            raise Unreadable("a message that ends too early", TODO)
        told = form.unpack_from(self._raw, self.at)
        self.at += form.size
        return told

    def number(self, form: struct.Struct) -> int:
        return self.unpack(form)[0]

    def byte(self) -> int:
        return self.take(1)[0]

    def take(self, size: int) -> bytes:
        end = self.at + size
        if end > len(self._raw):
            raise Unreadable("a message that ends too early", TODO)
        told = self._raw[self.at : end]
        self.at = end
        return told

    def text(self) -> str:
        """Up to the next zero."""
        end = self._raw.find(0, self.at)
        if end < 0:
            raise Unreadable("a message that ends too early", TODO)
        told = self._raw[self.at : end]
        self.at = end + 1
        try:
            return told.decode()
        except UnicodeDecodeError as broken:
            raise Unreadable(f"a name that is no text: {told!r}", TODO) from broken

    def flags(self, known: int) -> int:
        told = self.byte()
        if told & ~known:
            raise Unreadable(f"flags that nobody knows: {told:#x}", TODO)
        return told

    def row(self) -> Row:
        """Without a call for each value: rows are most of a log."""
        raw, at, cells = self._raw, self.at + 2, list[Cell]()
        for _ in range(self.number(_U16)):
            kind = raw[at : at + 1]
            at += 1
            if kind == b"t":
                begins = at + 4
                at = begins + int.from_bytes(raw[at:begins], "big")
                cells.append(raw[begins:at])
            elif kind == b"n":
                cells.append(None)
            elif kind == b"u":
                cells.append(UNCHANGED)
            elif kind:
                raise Unreadable(f"a value of kind {kind!r}, which was not asked for", TODO)
            # A slice beyond the end is short, and what was taken from it too: seen here, before anything is told.
            if not kind or at > len(raw):
                raise Unreadable("a message that ends too early", TODO)
        self.at = at
        return tuple(cells)

    def done(self) -> None:
        if self.at != len(self._raw):
            raise Unreadable(f"{len(self._raw) - self.at} bytes after a message's end", TODO)


def read(raw: bytes) -> Message:
    """One message. Raises Unreadable for one that is not whole, that goes on too long, or of a kind that is not known here."""
    if not raw:
        raise Unreadable("an empty message", TODO)
    reader = _READERS.get(raw[:1])
    if reader is None:
        raise Unreadable(f"a message of kind {chr(raw[0])!r}, which nobody here knows: it may hold rows", TODO)
    cursor = _Cursor(raw)
    told = reader(cursor)
    cursor.done()
    return told


@contextlib.contextmanager
def placed(where: str) -> Iterator[None]:
    """Whatever cannot be read inside becomes BadInput that says where it stands."""
    try:
        yield
    except wrong.UNREAD as broken:
        what = broken.what if isinstance(broken, Unreadable) else f"a message that makes no sense: {broken}"
        raise faults.BadInput(what, where=where, todo=TODO) from broken


def kind(raw: bytes) -> bytes:
    """The kind alone."""
    return raw[:1]


def spell(lsn: int) -> str:
    """A place in the log, as PostgreSQL writes it."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def place(text: str) -> int:
    """The number of a place that PostgreSQL wrote. Raises ValueError for what is none."""
    high, slash, low = text.partition("/")
    if not slash:
        raise ValueError(f"not a place in a log: {text!r}")
    return int(high, 16) << 32 | int(low, 16)


def _begin(cursor: _Cursor) -> Begin:
    at, us, xid = cursor.unpack(_BEGIN)
    return Begin(at, us + _EPOCH_US, xid)


def _commit(cursor: _Cursor) -> Commit:
    flags, at, ends, us = cursor.unpack(_COMMIT)
    if flags:
        raise Unreadable(f"flags that nobody knows: {flags:#x}", TODO)
    return Commit(at, ends, us + _EPOCH_US)


def _origin(cursor: _Cursor) -> Origin:
    cursor.number(_U64)
    return Origin(cursor.text())


def _relation(cursor: _Cursor) -> Relation:
    number, schema, name = cursor.number(_U32), cursor.text(), cursor.text()
    identity = chr(cursor.byte())
    if identity not in _IDENTITIES:
        raise Unreadable(f"a replica identity that nobody knows: {identity!r}", TODO)
    columns = []
    for _ in range(cursor.number(_U16)):
        key = bool(cursor.flags(1))
        column = cursor.text()
        type_, modifier = cursor.unpack(_COLUMN)
        columns.append(Column(column, type_, key, modifier))
    # The catalogue's own schema is told as nothing.
    return Relation(number, schema or "pg_catalog", name, _IDENTITIES[identity], tuple(columns))


def _type(cursor: _Cursor) -> Type:
    return Type(cursor.number(_U32), cursor.text() or "pg_catalog", cursor.text())


def _insert(cursor: _Cursor) -> Insert:
    number = cursor.number(_U32)
    _expect(cursor, b"N")
    return Insert(number, cursor.row())


def _update(cursor: _Cursor) -> Update:
    number = cursor.number(_U32)
    which, old = cursor.take(1), None
    if which in {b"K", b"O"}:
        old = cursor.row()
        _expect(cursor, b"N")
    elif which != b"N":
        raise Unreadable(f"a row of kind {which!r}, which nobody here knows", TODO)
    return Update(number, old, which == b"O", cursor.row())


def _delete(cursor: _Cursor) -> Delete:
    number, which = cursor.number(_U32), cursor.take(1)
    if which not in {b"K", b"O"}:
        raise Unreadable(f"a row of kind {which!r}, which nobody here knows", TODO)
    return Delete(number, cursor.row(), which == b"O")


def _truncate(cursor: _Cursor) -> Truncate:
    count = cursor.number(_U32)
    flags = cursor.flags(3)
    # As many as there are bytes for: a number of billions is a damaged message, and no reason to ask for memory.
    told = struct.iter_unpack(">I", cursor.take(4 * count))
    return Truncate(tuple(number for (number,) in told), bool(flags & 1), bool(flags & 2))


def _said(cursor: _Cursor) -> Said:
    within = bool(cursor.flags(1))
    cursor.number(_U64)
    return Said(within, cursor.text(), cursor.take(cursor.number(_U32)))


def _expect(cursor: _Cursor, which: bytes) -> None:
    told = cursor.take(1)
    if told != which:
        raise Unreadable(f"a row of kind {told!r} where {which!r} must stand", TODO)


_IDENTITIES = {i.value: i for i in Identity}
_READERS: dict[bytes, Callable[[_Cursor], Message]] = {
    b"B": _begin, b"C": _commit, b"O": _origin, b"R": _relation, b"Y": _type,
    b"I": _insert, b"U": _update, b"D": _delete, b"T": _truncate, b"M": _said,
}  # fmt: skip
