"""The compiled reader's library goes in, a Python object that drives it comes out; None where nobody built it: all works without, slower.

What it reads is what the Python reader reads (tests/changelog/test_compiled.py); what it does not read it leaves to the Python reader.
docs/decisions/0016-compiled-reader.md says why it is C without Python, and how it travels.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import struct
from pathlib import Path
from typing import Any, NamedTuple

from makewhole.adapters.changelog import columns, texts
from makewhole.adapters.changelog.tablemaps import INTEGERS, Code, Column, Shape

SOURCES = Path(__file__).parent / "native"
LIBRARY = SOURCES / "scan.so"
SKIP, ODD = -1, -2
"""Instead of a plan: a table that nobody asks for, and one whose rows only Python reads."""
END, FULL, NOT_PLAIN, UNKNOWN_MAP, NO_MEMORY = range(5)
"""Why a run came back."""
ROWS_MAX = 1 << 12
"""Images in one batch: its columns then come from memory that was used before. A larger transaction makes a larger batch."""
_DECIMAL_DIGITS_MAX = 38
_TYPES = (
    "skip-fixed", "skip-counted", "signed", "unsigned", "floating", "decimal", "bits", "year", "date", "datetime", "timestamp", "time",
    "utf8", "ascii", "binary", "padded", "enum", "set",
)  # fmt: skip
"""By their numbers in values.h."""
_NUMBER = {name: i for i, name in enumerate(_TYPES)}
_ASCII_INSIDE = frozenset({"latin1", "gbk", "gb2312", "gb18030", "big5", "ascii", "latin2", "latin5", "latin7", "cp1250", "cp1251"})
"""Sets in which a byte below 128 is the letter that it is in ASCII."""


class _Column(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int32),
        ("size", ctypes.c_int32),
        ("digits", ctypes.c_int32),
        ("scale", ctypes.c_int32),
        ("name", ctypes.c_char_p),
        ("format", ctypes.c_char_p),
        ("labels", ctypes.c_char_p),
        ("label_ends", ctypes.POINTER(ctypes.c_uint32)),
        ("label_count", ctypes.c_uint32),
        ("width", ctypes.c_int32),
    )


class _Stop(ctypes.Structure):
    _fields_ = (("at", ctypes.c_uint64), ("map", ctypes.c_uint64), ("size", ctypes.c_uint64), ("reason", ctypes.c_int32))


class Place(NamedTuple):
    """A transaction: where its bytes begin and end, and what its GTID and its last event say."""

    at: int
    end: int
    ends: int
    """Where it ends as the log itself says."""
    number: int
    """Of its GTID."""
    committed_us: int
    """Unix microseconds where MySQL tells them; else 0."""
    source: bytes
    """MySQL: the server's UUID. MariaDB: the domain and the server, four bytes each."""
    when: int
    """Unix seconds of its last event."""
    kind: int
    """Of the GTID's event; 0 where it has none."""


_PLACE = struct.Struct("<5Q16s2I")
PLACE_BYTES = _PLACE.size
_EXECUTED = struct.Struct("<16s2QI4x")


def places(raw: bytes) -> list[Place]:
    """Transactions from the bytes that `Scan.groups` gave."""
    return list(map(Place._make, _PLACE.iter_unpack(raw)))


class Layout(NamedTuple):
    """How one column is read by the library, and what it is in Arrow."""

    type: str
    size: int
    width: int = 0
    format: str = ""
    digits: int = 0
    scale: int = 0


@functools.cache
def library() -> ctypes.CDLL | None:
    """The library, if it is there and was made from the sources that lie beside it."""
    try:
        told = ctypes.CDLL(str(LIBRARY))
    except OSError:
        return None
    told.mw_source.restype = ctypes.c_char_p
    if told.mw_source().decode() != digest():
        return None
    told.mw_new.restype = ctypes.c_void_p
    for name in ("mw_free", "mw_clear"):
        getattr(told, name).argtypes = [ctypes.c_void_p]
    told.mw_format.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint32, ctypes.c_int32]
    told.mw_add.argtypes = [ctypes.c_void_p, ctypes.POINTER(_Column), ctypes.c_uint32]
    told.mw_teach.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int32]
    told.mw_run.argtypes = [ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_uint64] * 3, ctypes.POINTER(_Stop)]
    told.mw_run.restype = None
    for name in ("mw_groups", "mw_executed_of"):
        getattr(told, name).argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_uint64)]
        getattr(told, name).restype = ctypes.c_void_p
    told.mw_count.argtypes = [ctypes.c_void_p, ctypes.c_int32]
    told.mw_count.restype = ctypes.c_uint64
    told.mw_export.argtypes = [ctypes.c_void_p, ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p]
    told.mw_release.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    return told


def digest(folder: Path = SOURCES) -> str:
    """SHA-256 of the sources, in the order of their names."""
    told = hashlib.sha256()
    for path in sorted([*folder.glob("*.c"), *folder.glob("*.h")]):
        told.update(path.read_bytes())
    return told.hexdigest()


class Scan:
    """One reading; remembers the tables that it was taught. Not for two threads at once."""

    def __init__(self, told: ctypes.CDLL) -> None:
        self._library, self._kept = told, list[Any]()
        self._scan = told.mw_new()
        if not self._scan:
            raise MemoryError

    def __del__(self) -> None:
        if getattr(self, "_scan", None):
            self._library.mw_free(self._scan)

    def format(self, lengths: bytes, *, checksummed: bool) -> None:
        """How what is read next is written."""
        self._library.mw_format(self._scan, lengths, len(lengths), checksummed)

    def add(self, shape: Shape, wanted: frozenset[str] | None) -> int:
        """A plan for a table, with these columns (lower case) or all; ODD where one of them is only read by Python."""
        layouts = [_wanted(c, wanted) for c in shape.columns]
        # Where no column is wanted none needs a name, and signs do not count.
        if not layouts or None in layouts or not (shape.named or wanted == frozenset()):
            return ODD
        told = (_Column * len(layouts))(*[self._column(c, t) for c, t in zip(shape.columns, layouts, strict=True) if t is not None])
        plan: int = self._library.mw_add(self._scan, told, len(layouts))
        return plan if plan >= 0 else ODD

    def teach(self, map_: bytes, plan: int) -> None:
        """Tables whose map has these bytes are read so."""
        if self._library.mw_teach(self._scan, map_, len(map_), plan):
            raise MemoryError

    def run(self, address: int, size: int, at: int, rows_max: int = ROWS_MAX) -> tuple[int, int, int, int]:
        """Read on from a place in the bytes at this address; why it stopped, where to go on, and the place and size of an unknown map."""
        stop = _Stop()
        self._library.mw_run(self._scan, address, size, at, rows_max, ctypes.byref(stop))
        return stop.reason, stop.at, stop.map, stop.size

    def groups(self) -> tuple[int, bytes]:
        """How many transactions were read since `clear`, and where they are: see `places`."""
        count = ctypes.c_uint64()
        told = self._library.mw_groups(self._scan, ctypes.byref(count))
        return count.value, ctypes.string_at(told, _PLACE.size * count.value) if count.value else b""

    def executed(self) -> list[tuple[bytes, int, int, int]]:
        """Their GTIDs in stretches: source, first and last number, and the kind of event, as in `Place`."""
        count = ctypes.c_uint64()
        told = self._library.mw_executed_of(self._scan, ctypes.byref(count))
        return list(_EXECUTED.iter_unpack(ctypes.string_at(told, _EXECUTED.size * count.value))) if count.value else []

    def count(self, plan: int) -> int:
        """Images of a plan that were read since `clear`."""
        return int(self._library.mw_count(self._scan, plan))

    def export(self, plan: int, array: int, schema: int) -> None:
        """Hand a plan's rows out to the structures of Arrow's C data interface at these addresses."""
        if not self._library.mw_export(self._scan, plan, array, schema):
            raise MemoryError

    @staticmethod
    def release(array: int, schema: int) -> None:
        """Give back what was handed out, if nobody else has taken it over."""
        told = library()
        if told is not None:
            told.mw_release(array, schema)

    def clear(self) -> None:
        """Forget what was read."""
        self._library.mw_clear(self._scan)

    def _column(self, column: Column, layout: Layout) -> _Column:
        told = _Column(_NUMBER[layout.type], layout.size, layout.digits, layout.scale, width=layout.width)
        if layout.format:
            told.name, told.format = str(column.name).encode(), layout.format.encode()
        if layout.type in {"enum", "set"}:
            labels = [label.encode() for label in column.labels or ()]
            ends = (ctypes.c_uint32 * max(len(labels), 1))()
            for i in range(len(labels)):
                ends[i] = sum(map(len, labels[: i + 1]))
            told.labels, told.label_ends, told.label_count = b"".join(labels), ends, len(labels)
            self._kept.append(ends)
        # The library keeps pointers to the texts.
        self._kept.append((told, told.name, told.format, told.labels))
        return told


def _wanted(column: Column, wanted: frozenset[str] | None) -> Layout | None:
    if wanted is None or str(column.name).lower() in wanted:
        return layout(column)
    field = columns.field(column)
    return Layout("skip-counted" if field.counted else "skip-fixed", field.size)


def layout(column: Column) -> Layout | None:
    """How the library reads a column; None for what only Python reads: JSON of MySQL, COMPRESSED columns, old times, rare character sets,
    decimals of more than 38 digits."""
    code, meta = column.code, column.meta
    size = columns.field(column).size
    if code in INTEGERS:
        width = 4 if size == 3 else size
        letter = {1: "c", 2: "s", 4: "i", 8: "l"}[width]
        return Layout("unsigned", size, width, letter.upper()) if column.unsigned else Layout("signed", size, width, letter)
    match code:
        case Code.FLOAT | Code.DOUBLE:
            return Layout("floating", size, size, "f" if size == 4 else "g")
        case Code.NEWDECIMAL:
            digits, scale = meta & 0xFF, meta >> 8
            return Layout("decimal", size, 16, f"d:{digits},{scale}", digits, scale) if digits <= _DECIMAL_DIGITS_MAX else None
        case Code.BIT:
            return Layout("bits", size, 8, "L")
        case Code.YEAR:
            return Layout("year", size, 2, "S")
        case Code.DATE | Code.NEWDATE:
            return Layout("date", size, 4, "tdD")
        case Code.DATETIME2:
            return Layout("datetime", size, 8, "tsu:", scale=meta)
        case Code.TIMESTAMP2:
            return Layout("timestamp", size, 8, "tsu:UTC", scale=meta)
        case Code.TIME2:
            return Layout("time", size, 8, "tDu", scale=meta)
        case Code.ENUM | Code.SET:
            name = "enum" if code is Code.ENUM else "set"
            return Layout("unsigned", size, 8, "L") if column.labels is None else Layout(name, size, format="u")
        case Code.GEOMETRY | Code.VECTOR:
            return Layout("binary", size, format="z")
        case Code.STRING if column.charset == "binary":
            return Layout("padded", size, digits=meta, format="z")
        case Code.VARCHAR | Code.VAR_STRING | Code.STRING | Code.BLOB | Code.TINY_BLOB | Code.MEDIUM_BLOB | Code.LONG_BLOB:
            return _text(size, column.charset or "utf8mb4")
        case _:
            return None


def _text(size: int, charset: str) -> Layout | None:
    if charset == "binary":
        return Layout("binary", size, format="z")
    if texts.is_utf8(charset):
        return Layout("utf8", size, format="u")
    return Layout("ascii", size, format="u") if charset in _ASCII_INSIDE else None
