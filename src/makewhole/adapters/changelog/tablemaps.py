"""TABLE_MAP events go in, the shape of a table comes out: types, and with full metadata names, signs, character sets, labels and key.

Format: MySQL, Table_map_event (libbinlogevents/include/rows_event.h), optional metadata included; MariaDB 10.5 writes the same.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from makewhole.adapters.changelog import events, texts
from makewhole.adapters.changelog.wrong import Unreadable


class Code(enum.IntEnum):
    """Types of columns, by their number on the wire."""

    TINY = 1
    SHORT = 2
    LONG = 3
    FLOAT = 4
    DOUBLE = 5
    NULL = 6
    TIMESTAMP = 7
    LONGLONG = 8
    INT24 = 9
    DATE = 10
    TIME = 11
    DATETIME = 12
    YEAR = 13
    NEWDATE = 14
    VARCHAR = 15
    BIT = 16
    TIMESTAMP2 = 17
    DATETIME2 = 18
    TIME2 = 19
    MARIA_BLOB_COMPRESSED = 140
    MARIA_VARCHAR_COMPRESSED = 141
    VECTOR = 242
    JSON = 245
    NEWDECIMAL = 246
    ENUM = 247
    SET = 248
    TINY_BLOB = 249
    MEDIUM_BLOB = 250
    LONG_BLOB = 251
    BLOB = 252
    VAR_STRING = 253
    STRING = 254
    GEOMETRY = 255


_ONE_BYTE = frozenset(
    {
        Code.FLOAT,
        Code.DOUBLE,
        Code.TINY_BLOB,
        Code.MEDIUM_BLOB,
        Code.LONG_BLOB,
        Code.BLOB,
        Code.GEOMETRY,
        Code.JSON,
        Code.VECTOR,
        Code.TIMESTAMP2,
        Code.DATETIME2,
        Code.TIME2,
        Code.MARIA_BLOB_COMPRESSED,
    }
)
_TWO_BYTES = frozenset({Code.VARCHAR, Code.VAR_STRING, Code.BIT, Code.NEWDECIMAL, Code.STRING, Code.MARIA_VARCHAR_COMPRESSED})
INTEGERS = {Code.TINY: 1, Code.SHORT: 2, Code.INT24: 3, Code.LONG: 4, Code.LONGLONG: 8}
"""Bytes of each."""
_NUMERIC = frozenset({*INTEGERS, Code.NEWDECIMAL, Code.FLOAT, Code.DOUBLE, Code.YEAR})
"""Types that have a bit of signedness. YEAR has one, though it has no sign, but not in old versions of MySQL 8.0."""
TEXTUAL = frozenset(
    {
        Code.STRING,
        Code.VAR_STRING,
        Code.VARCHAR,
        Code.TINY_BLOB,
        Code.MEDIUM_BLOB,
        Code.LONG_BLOB,
        Code.BLOB,
        Code.MARIA_BLOB_COMPRESSED,
        Code.MARIA_VARCHAR_COMPRESSED,
    }
)
_LABELLED = frozenset({Code.ENUM, Code.SET})


class _Told(enum.IntEnum):
    """Kinds of optional metadata."""

    SIGNEDNESS = 1
    DEFAULT_CHARSET = 2
    COLUMN_CHARSET = 3
    COLUMN_NAME = 4
    SET_LABELS = 5
    ENUM_LABELS = 6
    SIMPLE_KEY = 8
    PREFIXED_KEY = 9
    LABELS_DEFAULT_CHARSET = 10
    LABELS_COLUMN_CHARSET = 11


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column, as far as the log tells. None is "not told"."""

    code: Code
    meta: int
    """DECIMAL: precision, scale << 8. BIT: bits, bytes << 8. Text: its most bytes. BLOB: its length's bytes. Times: a fraction's digits."""
    unsigned: bool | None = None
    charset: str | None = None
    """Of text; `binary` for what is none."""
    name: str | None = None
    labels: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A table as a TABLE_MAP describes it."""

    schema: str
    table: str
    columns: tuple[Column, ...]
    key: tuple[int, ...] = ()
    """The primary key's columns, by index."""

    @property
    def named(self) -> bool:
        """Whether every column's name is known."""
        return all(c.name is not None for c in self.columns)


def table_id(body: bytes, fixed: int) -> bytes:
    """The number under which the rows that follow name this table, as it is written: nobody counts with it."""
    return body[:4] if fixed == 6 else body[:6]


def parse(body: memoryview, *, mariadb: bool, year_signed: bool | None = True) -> Shape:
    """The shape in a TABLE_MAP's body, without the fixed part. `year_signed`: whether the server writes a bit of signedness for YEAR.

    Raises Unreadable for a type that is not known, for a key of a column that is not there, and where nobody can tell which sign belongs
    to which column.
    """
    length, at = events.lenenc(body, 0)
    schema, at = str(body[at : at + length], "utf-8"), at + length + 1
    length, at = events.lenenc(body, at)
    table, at = str(body[at : at + length], "utf-8"), at + length + 1
    count, at = events.lenenc(body, at)
    codes, at = bytes(body[at : at + count]), at + count
    length, at = events.lenenc(body, at)
    metas = body[at : at + length]
    at += length + (count + 7) // 8
    columns = list(_columns(codes, metas))
    told = dict(_optional(body[at:]))
    textual = TEXTUAL | {Code.GEOMETRY} if mariadb else TEXTUAL
    signs = _signs(columns, told.get(_Told.SIGNEDNESS), year_signed=year_signed)
    described = tuple(_described(columns, told, textual, signs))
    return Shape(schema=schema, table=table, columns=described, key=_key(told, len(columns)))


def _columns(codes: bytes, metas: memoryview) -> Iterator[Column]:
    at = 0
    for number in codes:
        try:
            code = Code(number)
        except ValueError as unknown:
            raise Unreadable(f"a column of type {number}, which is not known here") from unknown
        if code in _ONE_BYTE:
            yield Column(code=code, meta=metas[at])
            at += 1
        elif code is Code.STRING:
            yield _string(metas[at], metas[at + 1])
            at += 2
        elif code in _TWO_BYTES:
            yield Column(code=code, meta=metas[at] | metas[at + 1] << 8)
            at += 2
        elif code in _LABELLED:
            yield Column(code=code, meta=metas[at + 1])
            at += 2
        else:
            yield Column(code=code, meta=0)


def _string(first: int, second: int) -> Column:
    """CHAR, BINARY, ENUM and SET share a number; lengths above 255 hide in two bits of the real type (bug 37426)."""
    if first & 0x30 != 0x30:
        return Column(code=Code.STRING, meta=second | ((first & 0x30) ^ 0x30) << 4)
    return Column(code=Code(first), meta=second)


def _optional(body: memoryview) -> Iterator[tuple[int, memoryview]]:
    at = 0
    while at < len(body):
        kind = body[at]
        length, at = events.lenenc(body, at + 1)
        yield kind, body[at : at + length]
        at += length


def _described(
    columns: Sequence[Column], told: dict[int, memoryview], textual: frozenset[Code], signs: dict[int, bool]
) -> Iterator[Column]:
    """`textual` are the types that the server tells a character set of: on MariaDB geometries too, which are blobs there."""
    names = list(_strings(told.get(_Told.COLUMN_NAME)))
    if names and len(names) != len(columns):
        raise Unreadable(f"{len(names)} names for {len(columns)} columns")
    charsets = _charsets(columns, textual, told.get(_Told.DEFAULT_CHARSET), told.get(_Told.COLUMN_CHARSET))
    charsets |= _charsets(columns, _LABELLED, told.get(_Told.LABELS_DEFAULT_CHARSET), told.get(_Told.LABELS_COLUMN_CHARSET))
    labels = _labels(columns, told, charsets)
    for i, column in enumerate(columns):
        yield Column(
            code=column.code,
            meta=column.meta,
            unsigned=signs.get(i),
            charset=charsets.get(i),
            name=str(names[i], "utf-8") if names else None,
            labels=labels.get(i),
        )


def _strings(body: memoryview | None) -> Iterator[memoryview]:
    at = 0
    while body is not None and at < len(body):
        length, at = events.lenenc(body, at)
        yield body[at : at + length]
        at += length


def _numbers(body: memoryview | None) -> list[int]:
    found, at = [], 0
    while body is not None and at < len(body):
        told, at = events.lenenc(body, at)
        found.append(told)
    return found


def _signs(columns: Sequence[Column], body: memoryview | None, *, year_signed: bool | None) -> dict[int, bool]:
    """One bit for each number, the highest first. Old versions of MySQL 8.0 leave YEAR out, and it is not known of each which it does."""
    if body is None:
        return {}
    with_year = _signs_of(columns, body, _NUMERIC)
    without = _signs_of(columns, body, _NUMERIC - {Code.YEAR})
    if year_signed is not None:
        found = with_year if year_signed else without
        if found is None:
            raise Unreadable("signs of another number of columns than the table has")
        return found
    integers = [{i: sign for i, sign in (one or {}).items() if columns[i].code in INTEGERS} for one in (with_year, without)]
    if with_year is None or without is None or integers[0] == integers[1]:
        return with_year or without or {}
    raise Unreadable(
        "a table with a YEAR before other numbers, of a server whose signs nobody can tell apart",
        "Set binlog_row_metadata=MINIMAL: then the server itself is asked. Versions from 8.0.29 on are read as they are.",
    )


def _signs_of(columns: Sequence[Column], body: memoryview, numbers: frozenset[Code]) -> dict[int, bool] | None:
    """None where the bits are too few or too many for these columns."""
    numeric = [i for i, c in enumerate(columns) if c.code in numbers]
    bits = "".join(f"{byte:08b}" for byte in body)
    if len(body) != (len(numeric) + 7) // 8 or "1" in bits[len(numeric) :]:
        return None
    return {column: bit == "1" for column, bit in zip(numeric, bits, strict=False)}


def _charsets(columns: Sequence[Column], codes: frozenset[Code], default: memoryview | None, each: memoryview | None) -> dict[int, str]:
    """Either one for all and the exceptions by their place among such columns, or one for each."""
    among = [i for i, c in enumerate(columns) if c.code in codes]
    if each is not None:
        return {column: texts.charset(number) for column, number in zip(among, _numbers(each), strict=True)}
    if default is None:
        return {}
    first, *rest = _numbers(default)
    found = dict.fromkeys(among, texts.charset(first))
    for place, number in zip(rest[::2], rest[1::2], strict=True):
        found[among[place]] = texts.charset(number)
    return found


def _labels(columns: Sequence[Column], told: dict[int, memoryview], charsets: dict[int, str]) -> dict[int, tuple[str, ...]]:
    found = {}
    for code, kind in ((Code.ENUM, _Told.ENUM_LABELS), (Code.SET, _Told.SET_LABELS)):
        body = told.get(kind)
        if body is None:
            continue
        at = 0
        for i in (i for i, c in enumerate(columns) if c.code is code):
            count, at = events.lenenc(body, at)
            decode = texts.decoder(charsets.get(i, "utf8mb4"))
            labels = []
            for _ in range(count):
                length, at = events.lenenc(body, at)
                label = decode(body[at : at + length])
                labels.append(label if isinstance(label, str) else label.hex())
                at += length
            found[i] = tuple(labels)
    return found


def _key(told: dict[int, memoryview], width: int) -> tuple[int, ...]:
    prefixed = _Told.PREFIXED_KEY in told
    key = tuple(_numbers(told[_Told.PREFIXED_KEY])[::2] if prefixed else _numbers(told.get(_Told.SIMPLE_KEY)))
    if any(i >= width for i in key):
        raise Unreadable(f"a key of column {max(key) + 1} in a table of {width} columns")
    return key
