"""A column's type goes in, the room of its values and the function that reads them come out."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from makewhole.adapters.changelog import documents, fields, moments, numbers, texts
from makewhole.adapters.changelog.fields import Bytes, Field
from makewhole.adapters.changelog.tablemaps import INTEGERS, Code, Column
from makewhole.adapters.changelog.wrong import Unreadable

_UNTOLD = "utf8mb4"
"""Text whose character set nobody told; what is no UTF-8 stays bytes."""
_FIXED: dict[Code, Field] = {
    Code.FLOAT: numbers.SINGLE,
    Code.DOUBLE: numbers.DOUBLE,
    Code.YEAR: moments.YEAR,
    Code.DATE: moments.DAY,
    Code.NEWDATE: moments.DAY,
    Code.TIMESTAMP: moments.OLD_TIMESTAMP,
    Code.DATETIME: moments.OLD_DATETIME,
    Code.TIME: moments.OLD_TIME,
}
_FRACTIONS: dict[Code, Callable[[int], Field]] = {
    Code.TIMESTAMP2: moments.timestamp2,
    Code.DATETIME2: moments.datetime2,
    Code.TIME2: moments.time2,
}


def field(column: Column) -> Field:
    """How this column's values are read. Raises Unreadable for a type that never stands in a row."""
    code, meta = column.code, column.meta
    if code in INTEGERS:
        # Where nobody told, nobody has a name for the column either (`Table.named`).
        return numbers.whole(INTEGERS[code], unsigned=bool(column.unsigned))
    if code in _FIXED:
        return _FIXED[code]
    if code in _FRACTIONS:
        return _FRACTIONS[code](meta)
    match code:
        case Code.NEWDECIMAL:
            return numbers.decimal(meta & 0xFF, meta >> 8)
        case Code.BIT:
            return numbers.bits((meta >> 8) + bool(meta & 0xFF))
        case Code.VARCHAR | Code.VAR_STRING:
            return _text(2 if meta > 255 else 1, column.charset)
        case Code.STRING:
            return _char(meta, column.charset)
        case Code.ENUM:
            return _enum(meta, column.labels)
        case Code.SET:
            return _set(meta, column.labels)
        case Code.BLOB | Code.TINY_BLOB | Code.MEDIUM_BLOB | Code.LONG_BLOB:
            return _text(meta, column.charset)
        case Code.GEOMETRY | Code.VECTOR:
            return _text(meta, "binary")
        case Code.JSON:
            return Field(meta, _document, counted=True)
        case Code.MARIA_BLOB_COMPRESSED:
            return _compressed(meta, column.charset)
        case Code.MARIA_VARCHAR_COMPRESSED:
            return _compressed(2 if meta > 255 else 1, column.charset)
        case _:
            raise Unreadable(f"a column of type {code.name}, which no row holds")


def _text(width: int, charset: str | None) -> Field:
    """A length of so many bytes, then the text or the bytes."""
    name = charset or _UNTOLD
    return Field(width, texts.decoder(name), counted=True, direct=fields.UTF8 if texts.is_utf8(name) else "")


def _char(size: int, charset: str | None) -> Field:
    """CHAR and BINARY. The log leaves trailing zeros of BINARY out; the column has them."""
    width = 2 if size > 255 else 1
    if charset != "binary":
        return _text(width, charset)
    return Field(width, lambda raw: bytes(raw).ljust(size, b"\0"), counted=True)


def _enum(width: int, labels: tuple[str, ...] | None) -> Field:
    """The label; the number where labels are not known. 0 is the empty text that MySQL keeps for what was no label."""

    def read(raw: Bytes) -> int | str:
        number = int.from_bytes(raw, "little")
        if labels is None:
            return number
        return labels[number - 1] if number else ""

    return Field(width, read)


def _set(width: int, labels: tuple[str, ...] | None) -> Field:
    """The labels in the column's own order, with commas between; the bits where labels are not known."""

    def read(raw: Bytes) -> int | str:
        bits = int.from_bytes(raw, "little")
        if labels is None:
            return bits
        return ",".join(label for i, label in enumerate(labels) if bits >> i & 1)

    return Field(width, read)


def _document(raw: Bytes) -> str:
    """JSON as the server prints it."""
    return documents.write(documents.read(memoryview(raw)))


def _compressed(width: int, charset: str | None) -> Field:
    """A COMPRESSED column of MariaDB: a byte that says how, the length, and zlib (field.cc, compress_zlib)."""
    read = texts.decoder(charset or _UNTOLD)
    return Field(width, lambda raw: read(_inflated(raw)), counted=True)


def _inflated(raw: Bytes) -> bytes:
    if not len(raw):
        return b""
    method, wrapped, width = raw[0] >> 4, not raw[0] & 0x08, raw[0] & 0x07
    if method == 0:
        return bytes(raw[1:])
    if method != 8:
        raise Unreadable(f"a column compressed by method {method}")
    told = zlib.decompress(raw[1 + width :], zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
    if len(told) != int.from_bytes(raw[1 : 1 + width], "big"):
        raise Unreadable("a compressed column of another length than it says")
    return told
