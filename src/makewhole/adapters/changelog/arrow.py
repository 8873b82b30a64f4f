"""Structures of the Arrow C data interface come in, from whoever filled them; Python's own values come out, and any Arrow library may have
the columns instead: polars, DuckDB, deltalake, pyarrow.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from makewhole.model.change import Value

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  DATETIME has no zone
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY = date(1970, 1, 1).toordinal()
_LETTERS = {"c": "b", "C": "B", "s": "h", "S": "H", "i": "i", "I": "I", "l": "q", "L": "Q", "f": "f", "g": "d", "tdD": "i", "tDu": "q"}
"""Arrow's letters, and those of `struct`."""


class Array(ctypes.Structure):
    """struct ArrowArray."""


class Schema(ctypes.Structure):
    """struct ArrowSchema."""


Array._fields_ = [
    *((name, ctypes.c_int64) for name in ("length", "null_count", "offset", "n_buffers", "n_children")),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(Array))),
    *((name, ctypes.c_void_p) for name in ("dictionary", "release", "private_data")),
]
Schema._fields_ = [
    *((name, ctypes.c_char_p) for name in ("format", "name", "metadata")),
    *((name, ctypes.c_int64) for name in ("flags", "n_children")),
    ("children", ctypes.POINTER(ctypes.POINTER(Schema))),
    *((name, ctypes.c_void_p) for name in ("dictionary", "release", "private_data")),
]


class Table:
    """Rows in columns. `release` gives the memory back that nobody took over."""

    def __init__(self, fill: Callable[[int, int], None], release: Callable[[int, int], None]) -> None:
        self._array, self._schema, self._release = Array(), Schema(), release
        fill(ctypes.addressof(self._array), ctypes.addressof(self._schema))
        self._places = {str(self._schema.children[i].contents.name, "utf-8"): i for i in range(self._schema.n_children)}
        self.rows = int(self._array.length)
        self.columns: Sequence[str] = tuple(self._places)

    def __del__(self) -> None:
        self._release(ctypes.addressof(self._array), ctypes.addressof(self._schema))

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        """Arrow's PyCapsule interface. The memory goes over to whoever asks: afterwards it is theirs, and `values` knows nothing more."""
        capsule = ctypes.pythonapi.PyCapsule_New
        capsule.restype, capsule.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        if not self._array.release:
            raise ValueError("these columns have been handed over already")
        return (
            capsule(ctypes.addressof(self._schema), b"arrow_schema", None),
            capsule(ctypes.addressof(self._array), b"arrow_array", None),
        )

    def values(self, name: str) -> list[Value]:
        """A column as the Python reader would read it."""
        if not self._array.release:
            raise ValueError("these columns have been handed over already")
        place = self._places[name]
        array, form = self._array.children[place].contents, str(self._schema.children[place].contents.format, "ascii")
        told: list[Value] = list(_read(array, form, self.rows))
        if array.null_count:
            bits = int.from_bytes(_memory(array, 0, (self.rows + 7) // 8), "little")
            told = [v if bits >> i & 1 else None for i, v in enumerate(told)]
        return told


def _memory(array: Any, buffer: int, size: int) -> bytes:
    return ctypes.string_at(array.buffers[buffer], size) if size else b""


def _numbers(array: Any, letter: str, count: int) -> Sequence[Any]:
    return struct.unpack(f"<{count}{letter}", _memory(array, 1, count * struct.calcsize(f"<{letter}")))


def _read(array: Any, form: str, rows: int) -> Iterator[Value]:
    kind, _, more = form.partition(":")
    if form in {"u", "z"}:
        return _texts(array, rows, text=form == "u")
    if kind == "d":
        scale = -int(more.partition(",")[2])
        raw = _memory(array, 1, rows * 16)
        whole = (int.from_bytes(raw[at : at + 16], "little", signed=True) for at in range(0, len(raw), 16))
        return (Decimal((n < 0, tuple(map(int, str(abs(n)))), scale)) for n in whole)
    if kind == "tsu":
        epoch = _EPOCH_UTC if more else _EPOCH
        return (epoch + timedelta(microseconds=n) for n in _numbers(array, "q", rows))
    if form == "tdD":
        return (date.fromordinal(_FIRST_DAY + n) for n in _numbers(array, "i", rows))
    if form == "tDu":
        return (timedelta(microseconds=n) for n in _numbers(array, "q", rows))
    return iter(_numbers(array, _LETTERS[form], rows))


def _texts(array: Any, rows: int, *, text: bool) -> Iterator[Value]:
    ends = _numbers(array, "i", rows + 1)
    raw = _memory(array, 2, ends[-1])
    for i in range(rows):
        told = raw[ends[i] : ends[i + 1]]
        yield told.decode() if text else told
