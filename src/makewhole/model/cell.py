"""One value of a row, written so that nothing of it is lost: plans, hashes and comparisons hold cells and never a driver's own types.

A cell is None for NULL, else a letter that says the type, a colon, and the value: `i:5`, `d:12.30` (every digit), `s:张三`, `b:00ff`,
`f:0x1.8p+1` (every bit), `t:2026-11-23T20:00:00` (no zone), `u:2026-11-23T12:00:00+00:00` (UTC), `y:2026-11-23`, `p:-3661000000`
(microseconds), `z:0000-00-00` (a date that no calendar has). Two cells are one value exactly where they are one text: `1.0` is not
`1.00`, `a` is not `A`, and 0.1 as FLOAT is not 0.1 as DOUBLE.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from makewhole.model import change

Cell = str | None
_MICROSECOND = timedelta(microseconds=1)


def pack(value: change.Value) -> Cell:
    """The cell of a value."""
    match value:
        case None:
            return None
        case str():
            return "s:" + value
        case int():
            return f"i:{value}"
        case Decimal():
            return f"d:{value:f}"
        case float():
            return "f:" + value.hex()
        case datetime():
            return ("t:" if value.tzinfo is None else "u:") + value.isoformat()
        case date():
            return "y:" + value.isoformat()
        case bytes():
            return "b:" + value.hex()
        case timedelta():
            return f"p:{value // _MICROSECOND}"
        case change.ZeroDate(text=text):
            return "z:" + text


def unpack(cell: Cell) -> change.Value:
    """The value of a cell. Raises ValueError for a text that is none."""
    if cell is None:
        return None
    kind, _, text = cell.partition(":")
    match kind:
        case "s":
            return text
        case "i":
            return int(text)
        case "d":
            return Decimal(text)
        case "f":
            return float.fromhex(text)
        case "t" | "u":
            return datetime.fromisoformat(text)
        case "y":
            return date.fromisoformat(text)
        case "b":
            return bytes.fromhex(text)
        case "p":
            return int(text) * _MICROSECOND
        case "z":
            return change.ZeroDate(text=text)
        case _:
            raise ValueError(f"{cell[:20]!r} is no cell")


def shown(cell: Cell) -> str:
    """As people read it; NULL in words."""
    return "NULL" if cell is None else change.spell(unpack(cell))
