"""A transaction that is to be kept goes in; where a payment card's number stands in it, it comes out again with the number starred.

Its bytes cannot be kept then, so it is kept as it was read, every value exact but those, with the digest of the bytes that are not kept
(docs/decisions/0015-card-numbers.md). Nearly every transaction comes out as it is, so the question must be cheap: only columns of words and
numbers are read, and of those none by whose name they hold a system's own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import cast

from makewhole.adapters.changelog import decoding, tablemaps
from makewhole.adapters.changelog.tablemaps import Code
from makewhole.adapters.changelog.transactions import Group
from makewhole.core import cards, codec
from makewhole.model import cell, change

_NO_CARDS = frozenset(
    {
        Code.TINY, Code.SHORT, Code.INT24, Code.LONG, Code.FLOAT, Code.DOUBLE, Code.YEAR, Code.DATE, Code.NEWDATE, Code.BIT, Code.TIMESTAMP,
        Code.TIMESTAMP2, Code.DATETIME, Code.DATETIME2, Code.TIME, Code.TIME2, Code.GEOMETRY, Code.VECTOR,
    }
)  # fmt: skip
"""Types that hold no thirteen digits, or none that are a number of anybody's."""


_LEAST = 10 ** (cards.DIGITS_MIN - 1)


class Starred(codec.Noun, frozen=True, kw_only=True):
    """A transaction (see `change.Transaction`) as it is kept without its bytes."""

    id: str
    begins: change.Position
    ends: change.Position
    committed_at: datetime
    connection: int | None
    user: str
    statements: tuple[str, ...]
    changes: tuple[StarredChange, ...]
    sha256: str
    """Of the bytes that the server wrote."""


class StarredChange(codec.Noun, frozen=True, kw_only=True):
    """One row's change in cells."""

    table: change.Table
    kind: change.Kind
    before: Mapping[str, cell.Cell] | None
    after: Mapping[str, cell.Cell] | None
    statement: str


class Scan:
    """Looks for cards; `own` are the columns (lower case) of each table (schema.name, lower case) that hold the shop's own numbers."""

    def __init__(self, own: Mapping[str, frozenset[str]], decoder: decoding.Decoder) -> None:
        self._own, self._decoder = own, decoder
        self._words: dict[int, tuple[tablemaps.Shape, frozenset[str]]] = {}

    def starred(self, group: Group) -> bytes | None:
        """What is to be kept instead of the group's bytes; None where those may be kept. Raises BadInput where they cannot be read."""
        if not self._holds(group):
            return None
        told = self._decoder.transaction(group)
        kept = Starred(
            id=told.id,
            begins=told.begins,
            ends=told.ends,
            committed_at=told.committed_at,
            connection=told.connection,
            user=told.user,
            statements=tuple(cards.masked(text) for text in told.statements),
            changes=tuple(self._change(c) for c in told.changes),
            sha256=hashlib.sha256(b"".join(group.raw)).hexdigest(),
        )
        return codec.canonical(kept)

    def _holds(self, group: Group) -> bool:
        if any(cards.find_card(q.text) is not None for q in group.statements):
            return True
        for told in group.rows:
            if told.statement and cards.find_card(told.statement) is not None:
                return True
            words = self._columns(told.shape)
            if words and any(_speaks(c) for c in self._decoder.changes(told, group.begins.file, words)):
                return True
        return False

    def _columns(self, shape: tablemaps.Shape) -> frozenset[str]:
        """Those in which a card may stand, as the decoder calls them."""
        known = self._words.get(id(shape))
        if known is None:
            own = self._own.get(f"{shape.schema}.{shape.table}".lower(), frozenset())
            names = [str(c.name).lower() if shape.named else f"@{i + 1}" for i, c in enumerate(shape.columns)]
            told = frozenset(n for n, c in zip(names, shape.columns, strict=True) if n not in own and _may_hold(c))
            known = self._words[id(shape)] = (shape, told)
        return known[1]

    def _change(self, told: change.Change) -> StarredChange:
        own = self._own.get(str(told.table).lower(), frozenset())
        before, after = (None if i is None else {n: _cell(n, v, own) for n, v in i.items()} for i in (told.before, told.after))
        return StarredChange(table=told.table, kind=told.kind, before=before, after=after, statement=cards.masked(told.statement))


def read(raw: bytes) -> change.Transaction:
    """The transaction, from what was kept instead of its bytes. Raises ValueError for what is none."""
    kept = codec.decode(raw, Starred)
    changes = tuple(
        change.Change(table=c.table, kind=c.kind, before=_image(c.before), after=_image(c.after), statement=c.statement)
        for c in kept.changes
    )
    return change.Transaction(
        id=kept.id,
        begins=kept.begins,
        ends=kept.ends,
        committed_at=kept.committed_at,
        connection=kept.connection,
        user=kept.user,
        changes=changes,
        statements=kept.statements,
    )


def _may_hold(column: tablemaps.Column) -> bool:
    if column.code is Code.NEWDECIMAL:
        return column.meta & 0xFF >= cards.DIGITS_MIN
    return column.code not in _NO_CARDS


def _speaks(told: change.Change) -> bool:
    """Whether a card stands in a row. What an update left alone is looked at once."""
    first, then = told.before or {}, told.after or {}
    return any(_starred(n, v) is not None for n, v in first.items()) or any(
        _starred(n, v) is not None for n, v in then.items() if n not in first or first[n] != v
    )


def _starred(name: str, value: change.Value) -> str | None:
    """A value with the card's number in it starred; None where there is none. Nearly every value is too short, or too small a number."""
    kind = type(value)
    if kind is str:
        spoken = cast("str", value)
        if len(spoken) < cards.DIGITS_MIN:
            return None
    elif kind is int or kind is Decimal:
        if abs(cast("int | Decimal", value)) < _LEAST:
            return None
        spoken = change.spell(value)
    else:
        return None
    starred = cards.masked(spoken, key=name)
    return None if starred == spoken else starred


def _cell(name: str, value: change.Value, own: frozenset[str]) -> cell.Cell:
    starred = None if name.lower() in own else _starred(name, value)
    return cell.pack(value if starred is None else starred)


def _image(cells: Mapping[str, cell.Cell] | None) -> change.Image | None:
    return None if cells is None else {n: cell.unpack(c) for n, c in cells.items()}
