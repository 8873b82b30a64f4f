"""A transaction that is to be kept goes in; where a payment card's number stands in a row of it, it comes out with that number starred.

pgoutput sends values as text, so that a row with a star in it is a row still: only its bytes are other ones, and their digest is kept
beside them (docs/decisions/0015-card-numbers.md).
"""

from __future__ import annotations

import functools
import hashlib
import struct
from collections.abc import Collection, Mapping
from dataclasses import replace

from makewhole.adapters.changelog.postgres import messages
from makewhole.adapters.changelog.postgres.messages import Cell, Relation, Row
from makewhole.adapters.changelog.postgres.transactions import Group
from makewhole.adapters.changelog.wrong import Unreadable
from makewhole.core import cards

_NO_CARDS = frozenset({16, 17, 21, 23, 26, 700, 701, 1082, 1083, 1114, 1184, 1186, 1266, 2950})
"""Types that hold no thirteen digits, or none that are anybody's number: truth, bytes, small numbers, doubles, dates and times, uuid."""
_ROWS = frozenset({b"I", b"U", b"D"})
_SIZE = struct.Struct(">I")


def starred(group: Group, own: Mapping[tuple[str, str], Collection[str]]) -> tuple[Group, str]:
    """The group as it may be kept, and SHA-256 of the rows' messages as the server sent them, where that is another one; else nothing.

    `own` are the columns of each table (schema and name, lower case) that hold the shop's own numbers. Raises Unreadable.
    """
    suspects = [messages.kind(raw) in _ROWS and cards.SUSPECT.search(raw.decode("utf-8", "replace")) is not None for raw in group.raw]
    if not any(suspects):
        return group, ""
    tables = {t.number: t for t in map(_relation, group.forms)}
    kept = []
    for raw, suspect in zip(group.raw, suspects, strict=True):
        if messages.kind(raw) == b"R":
            table = _relation(raw)
            tables[table.number] = table
        kept.append(_row(raw, tables, own) if suspect else raw)
    if kept == list(group.raw):
        return group, ""
    return replace(group, raw=tuple(kept), starred=True), hashlib.sha256(b"".join(group.raw)).hexdigest()


@functools.lru_cache(maxsize=256)
def _relation(raw: bytes) -> Relation:
    told = messages.read(raw)
    if not isinstance(told, Relation):
        raise Unreadable("no description of a table", messages.TODO)
    return told


def _row(raw: bytes, tables: Mapping[int, Relation], own: Mapping[tuple[str, str], Collection[str]]) -> bytes:
    told = messages.read(raw)
    if not isinstance(told, messages.Insert | messages.Update | messages.Delete):
        return raw
    table = tables[told.relation]
    passing = own.get((table.schema.lower(), table.name.lower()), ())

    def clean(row: Row) -> bytes:
        return _written([_cell(c, v, passing) for c, v in zip(table.columns, row, strict=True)])

    match told:
        case messages.Insert(new=new):
            return raw[:5] + b"N" + clean(new)
        case messages.Update(old=None, new=new):
            return raw[:5] + b"N" + clean(new)
        case messages.Update(old=old, whole=whole, new=new):
            return raw[:5] + (b"O" if whole else b"K") + clean(old or ()) + b"N" + clean(new)
        case messages.Delete(old=old, whole=whole):
            return raw[:5] + (b"O" if whole else b"K") + clean(old)


def _cell(column: messages.Column, told: Cell, passing: Collection[str]) -> Cell:
    if not isinstance(told, bytes) or column.type in _NO_CARDS or column.name.lower() in passing:
        return told
    try:
        text = told.decode()
    except UnicodeDecodeError:
        # Bytes are not looked through, here as elsewhere.
        return told
    return cards.masked(text, key=column.name).encode()


def _written(row: list[Cell]) -> bytes:
    told = [b"n" if c is None else b"u" if isinstance(c, messages.Unchanged) else b"t" + _SIZE.pack(len(c)) + c for c in row]
    return len(row).to_bytes(2, "big") + b"".join(told)
