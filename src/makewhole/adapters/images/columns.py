"""The columns of the table of images: rows go in, Arrow batches come out; and rows come back from what a query found.

Every column but `_image` is text, as the server prints it: a decimal of 65 digits, an unsigned number and 0000-00-00 stay what they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from arro3.core import Array, DataType, Field, RecordBatch, Schema, Table

from makewhole.core import codec
from makewhole.model import image
from makewhole.model.image import Op, Row

IMAGE, DAY, PART = "_image", "_day", "_part"
ROLE, LINK, KEY, OP, TYPES = "_role", "_link", "_key", "_op", "_types"
FIXED = (IMAGE, DAY, PART, ROLE, LINK, KEY, OP, TYPES)
TOLD = (ROLE, LINK, KEY, OP, TYPES)
WHOLE, CHANGED = "base", "change"
"""The two parts of a day: whole images, and what changed in each."""
HEAD = "image"
"""The role of the one row in which an image tells of itself; `_key` holds it, as JSON."""
_TEXT, _NUMBER = DataType.string(), DataType.int64()


def names(columns: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The shop's columns of all roles, each name once, in a stable order."""
    return tuple(sorted({name for told in columns.values() for name in told}))


def schema(shop: Iterable[str]) -> Schema:
    """Of the table with these columns of the shop."""
    return Schema([Field(n, _NUMBER if n == IMAGE else _TEXT, nullable=True) for n in (*FIXED, *shop)])


def head_row(head: image.Head) -> Row:
    """The row in which an image tells of itself."""
    return Row(HEAD, "", codec.canonical(head).decode(), Op.PUT, (), "")


def batch(rows: Sequence[Row], columns: Mapping[str, Sequence[str]], of: int = 0, day: str = "", part: str = CHANGED) -> Table:
    """These rows, sorted by role, as a part of an image of this id."""
    count = len(rows)
    shop = names(columns)
    told: dict[str, Any] = {
        DAY: [day] * count,
        PART: [part] * count,
        ROLE: [r.role for r in rows],
        LINK: [r.link for r in rows],
        KEY: [r.key for r in rows],
        OP: [r.op.value for r in rows],
        TYPES: [r.types for r in rows],
    }
    told |= dict(zip(shop, _spread(rows, columns, shop), strict=True))
    arrays = [Array([of] * count, type=_NUMBER), *(Array(told[n], type=_TEXT) for n in (*FIXED[1:], *shop))]
    return Table.from_batches([RecordBatch.from_arrays(arrays, schema=schema(shop))])


def _spread(rows: Sequence[Row], columns: Mapping[str, Sequence[str]], shop: Sequence[str]) -> Iterator[list[str | None]]:
    """The values of each column of the shop, in the order of the rows: runs of one role are turned at once."""
    spread: list[list[str | None]] = [[] for _ in shop]
    begins = 0
    while begins < len(rows):
        role, ends = rows[begins].role, begins + 1
        while ends < len(rows) and rows[ends].role == role:
            ends += 1
        mine = columns.get(role, ())
        gone = (None,) * len(mine)
        turned = dict(zip(mine, zip(*(r.values or gone for r in rows[begins:ends]), strict=True), strict=True)) if mine else {}
        for name, column in zip(shop, spread, strict=True):
            column.extend(turned.get(name, (None,) * (ends - begins)))
        begins = ends
    return iter(spread)


def selected(columns: Sequence[str]) -> str:
    """The columns of a row, for a SELECT; `row` reads what it finds."""
    return ", ".join(quoted(n) for n in (*TOLD, *columns))


def row(found: Sequence[Any]) -> Row:
    """A row as `selected` named its columns."""
    role, link, key, op, types, *values = found
    gone = op in {Op.DELETE.value, Op.MOVED.value}
    return Row(role, link, key, Op(op), None if gone else tuple(values), types)


def quoted(name: str) -> str:
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text in SQL: neither DuckDB nor DataFusion knows another escape than the doubled quote."""
    return "'" + text.replace("'", "''") + "'"
