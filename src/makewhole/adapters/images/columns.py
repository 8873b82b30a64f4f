"""The columns of the table of images: blocks of rows go in, Arrow batches come out; and rows come back from what a query found.

Every column but `_image` is text, as the server prints it: a decimal of 65 digits, an unsigned number and 0000-00-00 stay what they are.
"""

from __future__ import annotations

import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from arro3.core import Array, DataType, Field, RecordBatch, Schema, Table

from makewhole.core import codec
from makewhole.model import image
from makewhole.model.image import Op, Row
from makewhole.model.sheet import GONE, Block

IMAGE, DAY, PART = "_image", "_day", "_part"
ROLE, LINK, KEY, OP, TYPES = "_role", "_link", "_key", "_op", "_types"
FIXED = (IMAGE, DAY, PART, ROLE, LINK, KEY, OP, TYPES)
TOLD = (ROLE, LINK, KEY, OP, TYPES)
WHOLE, CHANGED = "base", "change"
"""The two parts of a day: whole images, and what changed in each."""
HEAD = "image"
"""The role of the one row in which an image tells of itself; `_key` holds it, as JSON."""
_PUT = Op.PUT.value
"""Nearly every row's: asking a member of an enum for its value is a call."""
_PLACE: Final = "I"
"""How places of rows are told to Arrow: as numbers of 32 bits."""
_TEXT, _NUMBER = DataType.string(), DataType.int64()


def names(columns: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The shop's columns of all roles, each name once, in a stable order."""
    return tuple(sorted({name for told in columns.values() for name in told}))


def schema(shop: Iterable[str]) -> Schema:
    """Of the table with these columns of the shop."""
    return Schema([Field(n, _NUMBER if n == IMAGE else _TEXT, nullable=True) for n in (*FIXED, *shop)])


def head_block(head: image.Head) -> Block:
    """The row in which an image tells of itself."""
    return Block(HEAD, [""], [codec.canonical(head).decode()], [Op.PUT], [""], ())


def batch(blocks: Iterable[Block], columns: Mapping[str, Sequence[str]], of: int = 0, day: str = "", part: str = CHANGED) -> Table:
    """These rows, in this order, as a part of an image of this id."""
    shop = names(columns)
    whole = schema(shop)
    return Table.from_batches([_turned(block, columns, shop, whole, (of, day, part)) for block in blocks if block.keys], schema=whole)


def _turned(
    block: Block, columns: Mapping[str, Sequence[str]], shop: Sequence[str], whole: Schema, fixed: tuple[int, str, str]
) -> RecordBatch:
    count, (of, day, part) = len(block.keys), fixed
    first = _places([0] * count)
    order = None if block.order is None else _places(block.order)

    def same(value: int | str | None, kind: DataType = _TEXT) -> Array:
        """One value in every row: it is written once, and taken as often as there are rows."""
        return Array([value], type=kind).take(first)

    def told(texts: Sequence[str | None]) -> Array:
        written = Array(texts, type=_TEXT)
        return written if order is None else written.take(order)

    put = block.ops.count(Op.PUT) == count
    arrays = {
        IMAGE: same(of, _NUMBER),
        DAY: same(day),
        PART: same(part),
        ROLE: same(block.role),
        LINK: told(block.links),
        KEY: told(block.keys),
        OP: same(_PUT) if put else told([_PUT if op is Op.PUT else op.value for op in block.ops]),
        TYPES: told(block.types),
    }
    if block.columns:
        arrays |= zip(columns[block.role], map(told, block.columns), strict=True)
    nothing = same(None)
    return RecordBatch.from_arrays([arrays.get(n, nothing) for n in (*FIXED, *shop)], schema=whole)


def _places(told: Sequence[int]) -> Array:
    """Places of rows in a column, for `take`."""
    return Array.from_buffer(array.array(_PLACE, told))


def selected(columns: Sequence[str]) -> str:
    """The columns of a row, for a SELECT; `row` reads what it finds."""
    return ", ".join(quoted(n) for n in (*TOLD, *columns))


def row(found: Sequence[Any]) -> Row:
    """A row as `selected` named its columns."""
    role, link, key, op, types, *values = found
    told = Op(op)
    return Row(role, link, key, told, None if told in GONE else tuple(values), types)


def quoted(name: str) -> str:
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text in SQL: neither DuckDB nor DataFusion knows another escape than the doubled quote."""
    return "'" + text.replace("'", "''") + "'"
