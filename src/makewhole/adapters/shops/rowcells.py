"""A row as a driver gives it and a row as a plan holds it: exact in both directions, whatever the type.

What the log says of a value and what SELECT says must be one text (`model.cell`), or nothing could be compared: FLOAT is read as the
double that it is, BIT as a number, TIMESTAMP in UTC, a date that no calendar has as the server prints it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from makewhole.adapters.shops import rowforms
from makewhole.model import cell, change, rollback

_WHOLE = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "year"})
_TEXTS = frozenset({"char", "varchar", "enum", "set"})
_DATES = frozenset({"date", "datetime", "timestamp"})


def select(column: rollback.Column, quoted: str, dialect: str) -> str:
    """The expression that reads a column without loss."""
    # The server prints a FLOAT in six digits; as a double it is told with every bit.
    return f"({quoted} + 0e0)" if dialect == "mysql" and rowforms.kind(column) == "float" else quoted


def reader(column: rollback.Column, dialect: str) -> Callable[[object], cell.Cell]:
    """What makes cells of this column's values as the driver gives them."""
    kind = "" if dialect == "sqlite" else rowforms.kind(column)
    if kind in _WHOLE:
        return lambda value: None if value is None else f"i:{value}"
    if kind in _TEXTS:
        return lambda value: f"s:{value}" if isinstance(value, str) else _read(kind, value)
    return lambda value: _read(kind, value)


def _read(kind: str, value: object) -> cell.Cell:
    if value is None:
        return None
    if kind == "bit" and isinstance(value, bytes):
        return cell.pack(int.from_bytes(value, "big"))
    if kind == "timestamp" and isinstance(value, datetime):
        return cell.pack(value.replace(tzinfo=UTC))
    if kind in _DATES and isinstance(value, str):
        return cell.pack(change.ZeroDate(text=value))
    if kind in {"float", "double"} and not isinstance(value, float):
        return cell.pack(float(str(value)))
    return cell.pack(_plain(value))


def write(told: cell.Cell) -> object:
    """What a driver takes, of a cell."""
    # Most are text or whole numbers, and a rollback writes tens of thousands of them.
    if told is None:
        return None
    kind = told[0]
    if kind == "s":
        return told[2:]
    if kind == "i":
        return int(told[2:])
    value = cell.unpack(told)
    match value:
        case datetime():
            return value.replace(tzinfo=None).isoformat(sep=" ")
        case timedelta() | change.ZeroDate():
            return change.spell(value)
        case date():
            return value.isoformat()
        case _:
            return value


def _plain(value: object) -> change.Value:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, str | int | float | Decimal | datetime | date | timedelta):
        return value
    raise TypeError(f"no cell holds a {type(value).__name__}")
