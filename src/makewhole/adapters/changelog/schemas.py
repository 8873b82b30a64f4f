"""Definitions of tables as a server has them now go in, shapes with names come out: for logs whose table maps tell only types.

A definition is believed only where every column's type is the one in the log. That nobody changed the table in between is for the
reader to watch: it sees the DDL go by (`decoding`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from makewhole.adapters.changelog.tablemaps import INTEGERS, Code, Column, Shape

_LABEL = re.compile(r"'((?:[^']|'')*)'")
_CODES: dict[str, tuple[Code, ...]] = {
    "tinyint": (Code.TINY,),
    "smallint": (Code.SHORT,),
    "mediumint": (Code.INT24,),
    "int": (Code.LONG,),
    "bigint": (Code.LONGLONG,),
    "float": (Code.FLOAT,),
    "double": (Code.DOUBLE,),
    "decimal": (Code.NEWDECIMAL,),
    "year": (Code.YEAR,),
    "date": (Code.DATE, Code.NEWDATE),
    "datetime": (Code.DATETIME2, Code.DATETIME),
    "timestamp": (Code.TIMESTAMP2, Code.TIMESTAMP),
    "time": (Code.TIME2, Code.TIME),
    "bit": (Code.BIT,),
    "char": (Code.STRING,),
    "binary": (Code.STRING,),
    "inet4": (Code.STRING,),
    "inet6": (Code.STRING,),
    "uuid": (Code.STRING,),
    "varchar": (Code.VARCHAR, Code.MARIA_VARCHAR_COMPRESSED),
    "varbinary": (Code.VARCHAR, Code.MARIA_VARCHAR_COMPRESSED),
    "enum": (Code.ENUM,),
    "set": (Code.SET,),
    "json": (Code.JSON,),
    "vector": (Code.VECTOR, Code.VARCHAR),
}
_BLOBS = {"tiny": 1, "": 2, "medium": 3, "long": 4}
_SPATIAL = {
    "geometry",
    "point",
    "linestring",
    "polygon",
    "multipoint",
    "multilinestring",
    "multipolygon",
    "geometrycollection",
    "geomcollection",
}


@dataclass(frozen=True, kw_only=True)
class ColumnDefinition:
    """One row of information_schema.columns."""

    name: str
    data_type: str
    column_type: str
    charset: str | None
    precision: int | None = None
    scale: int | None = None


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A table as the server has it now; `key` are the primary key's columns by index."""

    columns: Sequence[ColumnDefinition]
    key: tuple[int, ...] = ()


Definitions = Callable[[str, str], Definition | None]
"""Schema and table go in; the definition comes out, or None where there is no such table now."""


def described(shape: Shape, told: Definition) -> Shape:
    """The shape with the definition's names, signs, character sets and labels; unchanged where the two are not the same table."""
    if len(told.columns) != len(shape.columns) or not all(map(agree, shape.columns, told.columns)):
        return shape
    columns = tuple(_described(c, d) for c, d in zip(shape.columns, told.columns, strict=True))
    return replace(shape, columns=columns, key=shape.key or told.key)


def _described(column: Column, told: ColumnDefinition) -> Column:
    words = labels(told.column_type) if column.code in {Code.ENUM, Code.SET} else None
    unsigned = "unsigned" in told.column_type.lower() or "zerofill" in told.column_type.lower()
    return Column(
        code=column.code,
        meta=column.meta,
        unsigned=unsigned if column.unsigned is None else column.unsigned,
        charset=column.charset if column.charset is not None else told.charset or "binary",
        name=told.name if column.name is None else column.name,
        labels=words if column.labels is None else column.labels,
    )


def labels(column_type: str) -> tuple[str, ...]:
    """The labels of an ENUM or a SET."""
    return tuple(m.replace("''", "'") for m in _LABEL.findall(column_type))


def agree(column: Column, told: ColumnDefinition) -> bool:
    """Whether this can be the same column, as far as its type tells."""
    kind = told.data_type.lower()
    if kind in _SPATIAL:
        return column.code is Code.GEOMETRY
    for tail in ("text", "blob"):
        if kind.removesuffix(tail) in _BLOBS and kind.endswith(tail):
            return column.code in {Code.BLOB, Code.MARIA_BLOB_COMPRESSED} and column.meta == _BLOBS[kind.removesuffix(tail)]
    if column.code not in _CODES.get(kind, ()):
        return False
    if column.code is Code.NEWDECIMAL:
        return (column.meta & 0xFF, column.meta >> 8) == (told.precision, told.scale)
    if column.unsigned is not None and column.code in INTEGERS:
        return column.unsigned == ("unsigned" in told.column_type.lower())
    return True
