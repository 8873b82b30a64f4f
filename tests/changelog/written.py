"""A binlog written by ourselves, byte by byte, as MariaDB and MySQL document it: columns and rows go in, events and whole files come out.

For what no server writes on request: every type with every value, damage in every place. That real servers write so too is held elsewhere.
"""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Iterable, Sequence

from hypothesis import strategies as st

from makewhole.adapters.changelog import columns
from makewhole.adapters.changelog.events import MAGIC, Type
from makewhole.adapters.changelog.tablemaps import INTEGERS, TEXTUAL, Code, Column

LENGTHS_MAX = 171
COLLATIONS = {"utf8mb4": 45, "latin1": 8, "binary": 63, "gbk": 28, "ascii": 11, "utf16": 54}
_META_1 = {Code.FLOAT, Code.DOUBLE, Code.BLOB, Code.TIMESTAMP2, Code.DATETIME2, Code.TIME2, Code.JSON}
_NUMERIC = {*INTEGERS, Code.NEWDECIMAL, Code.FLOAT, Code.DOUBLE, Code.YEAR}

INTEGER = Column(code=Code.LONG, meta=0, unsigned=False)
AMOUNT = Column(code=Code.NEWDECIMAL, meta=10 | 2 << 8, unsigned=False)
_CHARSETS = st.sampled_from(["utf8mb4", "utf8mb4", "utf8mb4", "latin1", "gbk", "ascii", "binary"])


def _decimals() -> st.SearchStrategy[Column]:
    pairs = st.tuples(st.integers(1, 65), st.integers(0, 30)).filter(lambda p: p[1] <= p[0])
    return pairs.map(lambda p: Column(code=Code.NEWDECIMAL, meta=p[0] | p[1] << 8, unsigned=False))


COLUMNS: st.SearchStrategy[Column] = st.one_of(
    st.builds(lambda code, u: Column(code=code, meta=0, unsigned=u), st.sampled_from(sorted(INTEGERS)), st.booleans()),
    _decimals(),
    st.sampled_from([Column(code=Code.FLOAT, meta=4, unsigned=False), Column(code=Code.DOUBLE, meta=8, unsigned=False)]),
    st.sampled_from([Column(code=Code.YEAR, meta=0, unsigned=True), Column(code=Code.DATE, meta=0)]),
    st.builds(lambda code, n: Column(code=code, meta=n), st.sampled_from([Code.DATETIME2, Code.TIMESTAMP2, Code.TIME2]), st.integers(0, 6)),
    st.builds(lambda n: Column(code=Code.BIT, meta=n // 8 << 8 | n % 8), st.integers(1, 64)),
    st.builds(lambda size, c: Column(code=Code.VARCHAR, meta=size, charset=c), st.sampled_from([20, 400]), _CHARSETS),
    st.builds(lambda size, c: Column(code=Code.STRING, meta=size, charset=c), st.sampled_from([8, 200, 400]), _CHARSETS),
    st.builds(lambda width, c: Column(code=Code.BLOB, meta=width, charset=c), st.integers(1, 4), _CHARSETS),
    st.builds(lambda k: Column(code=Code.ENUM, meta=1, charset="utf8mb4", labels=("待付款", "b", "")[:k]), st.integers(1, 3)),
    st.builds(lambda k: Column(code=Code.SET, meta=1, charset="utf8mb4", labels=("加急", "b", "c")[:k]), st.integers(1, 3)),
)
"""Every type that new tables have, but JSON."""


@st.composite
def value(draw: st.DrawFn, column: Column, *, sane: bool = False) -> bytes:
    """A value's bytes as they stand in a row: any bytes at all, or with `sane` such as a server writes."""
    field = columns.field(column)
    if field.counted:
        text = st.text(max_size=6).map(lambda t: t.encode("utf-8", "surrogatepass"))
        raw = draw(text if sane and column.charset != "binary" else st.one_of(text, st.binary(max_size=12)))
        return len(raw).to_bytes(field.size, "little") + raw
    if sane:
        return draw(_sane(column, field.size))
    return draw(st.one_of(st.just(bytes(field.size)), st.binary(min_size=field.size, max_size=field.size)))


def _sane(column: Column, size: int) -> st.SearchStrategy[bytes]:
    anything = st.binary(min_size=size, max_size=size)
    match column.code:
        case Code.NEWDECIMAL:
            return _digits(column.meta & 0xFF, column.meta >> 8)
        case Code.DATETIME2:
            packed = st.builds(
                lambda y, mo, d, h, mi, s: ((y * 13 + mo) << 22 | d << 17 | h << 12 | mi << 6 | s) + 0x8000000000,
                st.integers(1, 9999), st.integers(1, 12), st.integers(1, 28), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59),
            )  # fmt: skip
            return st.builds(lambda p, f: p.to_bytes(5, "big") + f, packed, _part(column.meta))
        case Code.TIMESTAMP2:
            return st.builds(lambda p, f: p.to_bytes(4, "big") + f, st.integers(1, (1 << 32) - 1), _part(column.meta))
        case Code.TIME2:
            hms = st.builds(lambda h, m, s: (h << 12 | m << 6 | s) + 0x800000, st.integers(0, 838), st.integers(0, 59), st.integers(0, 59))
            return st.builds(lambda p, f: p.to_bytes(3, "big") + f, hms, _part(column.meta))
        case Code.DATE:
            return st.builds(
                lambda y, m, d: (y << 9 | m << 5 | d).to_bytes(3, "little"), st.integers(1, 9999), st.integers(1, 12), st.integers(1, 28)
            )
        case Code.ENUM:
            return st.integers(0, len(column.labels or ())).map(lambda n: n.to_bytes(size, "little"))
        case _:
            return anything


def _part(digits: int) -> st.SearchStrategy[bytes]:
    width = (digits + 1) // 2
    return st.integers(0, 100**width - 1).map(lambda n: n.to_bytes(width, "big"))


def _digits(precision: int, scale: int) -> st.SearchStrategy[bytes]:
    """A packed decimal of either sign."""

    def packed(whole: int, part: int, negative: bool) -> bytes:  # noqa: FBT001  hypothesis hands it over
        raw = bytearray(_groups(f"{whole:0{precision - scale}d}" if precision > scale else "", from_right=True))
        raw += _groups(f"{part:0{scale}d}" if scale else "", from_right=False)
        raw[0] ^= 0x80
        return bytes(b ^ 0xFF for b in raw) if negative and (whole or part) else bytes(raw)

    return st.builds(packed, st.integers(0, 10 ** (precision - scale) - 1), st.integers(0, 10**scale - 1), st.booleans())


def _groups(digits: str, *, from_right: bool) -> bytes:
    odd = len(digits) % 9
    cuts = [0, *([odd] if odd and from_right else [])]
    while cuts[-1] < len(digits):
        cuts.append(min(cuts[-1] + 9, len(digits)))
    widths = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)
    return b"".join(int(digits[a:b]).to_bytes(widths[b - a], "big") for a, b in itertools.pairwise(cuts) if b > a)


# ---------------------------------------------------------------- events


def event(kind: int, body: bytes, *, at: int = 0, when: int = 1_700_000_000, flags: int = 0, server: int = 1) -> bytes:
    """One event with its checksum; `at` is where it begins."""
    size = 19 + len(body) + 4
    raw = struct.pack("<IBIIIH", when, kind, server, size, at + size, flags) + body
    return raw + zlib.crc32(raw).to_bytes(4, "little")


def description(server: bytes = b"10.11.6-MariaDB-log") -> bytes:
    """The first event: MariaDB's own lengths of fixed parts where they matter."""
    lengths = bytearray(LENGTHS_MAX)
    for kind, length in {Type.TABLE_MAP: 8, Type.GTID: 42, Type.MARIA_GTID: 19, Type.QUERY: 13}.items():
        lengths[kind - 1] = length
    for kind in (Type.WRITE_ROWS_V1, Type.UPDATE_ROWS_V1, Type.DELETE_ROWS_V1):
        lengths[kind - 1] = 8
    for kind in (Type.WRITE_ROWS, Type.UPDATE_ROWS, Type.DELETE_ROWS, Type.PARTIAL_UPDATE_ROWS):
        lengths[kind - 1] = 10
    body = struct.pack("<H", 4) + server.ljust(50, b"\0") + bytes(4) + b"\x13" + bytes(lengths) + b"\x01"
    return event(Type.FORMAT_DESCRIPTION, body, at=len(MAGIC))


def lenenc(number: int) -> bytes:
    return bytes([number]) if number < 251 else b"\xfc" + number.to_bytes(2, "little")


def counted(text: bytes) -> bytes:
    return lenenc(len(text)) + text


def table_map(number: int, schema: str, table: str, told: Sequence[Column]) -> bytes:
    """A TABLE_MAP's body with full metadata; columns without a name are called c0, c1, …"""
    codes = bytes(Code.STRING if c.code in {Code.ENUM, Code.SET} else c.code for c in told)
    metas = b"".join(map(_meta, told))
    numeric = [c for c in told if c.code in _NUMERIC]
    bits = "".join("1" if c.unsigned else "0" for c in numeric)
    signs = bytes(int(bits[i : i + 8].ljust(8, "0"), 2) for i in range(0, len(bits), 8))
    labelled = [c for c in told if c.code in {Code.ENUM, Code.SET}]
    parts: dict[int, bytes] = {
        1: signs,
        3: b"".join(lenenc(COLLATIONS[c.charset or "binary"]) for c in told if c.code in TEXTUAL),
        4: b"".join(counted((c.name or f"c{i}").encode()) for i, c in enumerate(told)),
        5: b"".join(_labels(c) for c in told if c.code is Code.SET),
        6: b"".join(_labels(c) for c in told if c.code is Code.ENUM),
        8: lenenc(0),
        11: b"".join(lenenc(COLLATIONS["utf8mb4"]) for _ in labelled),
    }
    optional = b"".join(bytes([kind]) + counted(part) for kind, part in parts.items() if part)
    names = b"".join(bytes([len(n)]) + n + b"\0" for n in (schema.encode(), table.encode()))
    nullable = b"\xff" * ((len(told) + 7) // 8)
    return number.to_bytes(6, "little") + b"\1\0" + names + lenenc(len(told)) + codes + counted(metas) + nullable + optional


def _meta(column: Column) -> bytes:
    code, meta = column.code, column.meta
    if code in {Code.ENUM, Code.SET}:
        return bytes([code, meta])
    if code is Code.STRING:
        return bytes([0xFE ^ (meta >> 4 & 0x30), meta & 0xFF])
    if code in _META_1:
        return bytes([meta])
    return meta.to_bytes(2, "little") if code in {Code.VARCHAR, Code.BIT, Code.NEWDECIMAL} else b""


def _labels(column: Column) -> bytes:
    labels = column.labels or ()
    return lenenc(len(labels)) + b"".join(counted(label.encode()) for label in labels)


def rows(number: int, kind: int, width: int, images: Iterable[bytes], *, last: bool = True) -> bytes:
    """A row event's body in which every column is told; `images` begin with their NULL bits."""
    every = ((1 << width) - 1).to_bytes((width + 7) // 8, "little")
    bitmaps = every * (2 if kind in {Type.UPDATE_ROWS_V1, Type.UPDATE_ROWS} else 1)
    extra = b"\x02\x00" if kind >= Type.WRITE_ROWS else b""
    return number.to_bytes(6, "little") + bytes([last, 0]) + extra + lenenc(width) + bitmaps + b"".join(images)


def maria_gtid(number: int, *, standalone: bool = False) -> bytes:
    return struct.pack("<QIB", number, 0, 1 if standalone else 0) + bytes(6)


def log(parts: Iterable[tuple[int, bytes]], server: bytes = b"10.11.6-MariaDB-log") -> bytes:
    """A closed file of these events, by kind and body."""
    raw = bytearray(MAGIC + description(server))
    for kind, body in parts:
        raw += event(kind, body, at=len(raw))
    return bytes(raw)
