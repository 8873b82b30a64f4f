"""A column's type goes in, the decoder of its values comes out: a function from a buffer and a place to the value and the next place."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from makewhole.adapters.changelog import documents, moments, numbers, texts
from makewhole.adapters.changelog.tablemaps import INTEGERS, Code, Column
from makewhole.adapters.changelog.wrong import Unreadable
from makewhole.model.change import Value

Decode = Callable[[memoryview, int], tuple[Value, int]]
_UNTOLD = "utf8mb4"
"""Text whose character set nobody told; what is no UTF-8 stays bytes."""
_FIXED: dict[Code, Decode] = {
    Code.FLOAT: numbers.single,
    Code.DOUBLE: numbers.double,
    Code.YEAR: moments.year,
    Code.DATE: moments.day,
    Code.NEWDATE: moments.day,
    Code.TIMESTAMP: moments.old_timestamp,
    Code.DATETIME: moments.old_datetime,
    Code.TIME: moments.old_time,
}
_FRACTIONS: dict[Code, Callable[[int], Decode]] = {
    Code.TIMESTAMP2: moments.timestamp2,
    Code.DATETIME2: moments.datetime2,
    Code.TIME2: moments.time2,
}


def decoder(column: Column) -> Decode:
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
            return _json(meta)
        case Code.MARIA_BLOB_COMPRESSED:
            return _compressed(meta, column.charset)
        case Code.MARIA_VARCHAR_COMPRESSED:
            return _compressed(2 if meta > 255 else 1, column.charset)
        case _:
            raise Unreadable(f"a column of type {code.name}, which no row holds")


def _text(width: int, charset: str | None) -> Decode:
    """A length of so many bytes, then the text or the bytes."""
    read = texts.decoder(charset or _UNTOLD)

    def decode(raw: memoryview, at: int) -> tuple[Value, int]:
        start = at + width
        end = start + int.from_bytes(raw[at:start], "little")
        return read(raw[start:end]), end

    return decode


def _char(size: int, charset: str | None) -> Decode:
    """CHAR and BINARY. The log leaves trailing zeros of BINARY out; the column has them."""
    width = 2 if size > 255 else 1
    plain = _text(width, charset)
    if charset != "binary":
        return plain

    def decode(raw: memoryview, at: int) -> tuple[Value, int]:
        start = at + width
        end = start + int.from_bytes(raw[at:start], "little")
        return bytes(raw[start:end]).ljust(size, b"\0"), end

    return decode


def _enum(width: int, labels: tuple[str, ...] | None) -> Decode:
    """The label; the number where labels are not known. 0 is the empty text that MySQL keeps for what was no label."""

    def decode(raw: memoryview, at: int) -> tuple[Value, int]:
        end = at + width
        number = int.from_bytes(raw[at:end], "little")
        if labels is None:
            return number, end
        return (labels[number - 1] if number else ""), end

    return decode


def _set(width: int, labels: tuple[str, ...] | None) -> Decode:
    """The labels in the column's own order, with commas between; the bits where labels are not known."""

    def decode(raw: memoryview, at: int) -> tuple[Value, int]:
        end = at + width
        bits = int.from_bytes(raw[at:end], "little")
        if labels is None:
            return bits, end
        return ",".join(label for i, label in enumerate(labels) if bits >> i & 1), end

    return decode


def _json(width: int) -> Decode:
    """A document as the server prints it."""

    def decode(raw: memoryview, at: int) -> tuple[Value, int]:
        start = at + width
        end = start + int.from_bytes(raw[at:start], "little")
        return documents.write(documents.read(raw[start:end])), end

    return decode


def _compressed(width: int, charset: str | None) -> Decode:
    """A COMPRESSED column of MariaDB: a byte that says how, the length, and zlib (field.cc, compress_zlib)."""
    read = texts.decoder(charset or _UNTOLD)

    def decode(raw: memoryview, at: int) -> tuple[Value, int]:
        start = at + width
        end = start + int.from_bytes(raw[at:start], "little")
        return read(memoryview(_inflated(raw[start:end]))), end

    return decode


def _inflated(raw: memoryview) -> bytes:
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
