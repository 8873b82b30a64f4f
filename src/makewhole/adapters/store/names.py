"""Names, instants and owners come in as the nouns have them, what fits a column goes out; what cannot is refused, never cut."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from makewhole.adapters.store import tables
from makewhole.core import faults, ids

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


def ticks(instant: datetime) -> int:
    """Microseconds since 1970 UTC: exact, where a float of seconds is not."""
    return (instant - _EPOCH) // _TICK


def instant(told: int) -> datetime:
    """The instant of these microseconds, in UTC."""
    return _EPOCH + told * _TICK


def fit(name: str) -> str:
    """The name itself, or its front and the digest of the whole where it is too long for an index; equal only for equal names."""
    if len(name) <= tables.NAME_LENGTH:
        return exact(name, tables.NAME_LENGTH, "name")
    return name[: tables.NAME_LENGTH - tables.KEY_LENGTH - 1] + "~" + ids.derive(name)


def number(told: str) -> str:
    """An order's or payment's number. Raises Rejected where it cannot be kept as it is."""
    return exact(told, tables.NUMBER_LENGTH, "number")


def shop(told: str) -> str:
    """A shop's name. Raises Rejected where it cannot be kept as it is."""
    return exact(told, tables.SHOP_LENGTH, "shop name")


def exact(told: str, length_max: int, what: str) -> str:
    """The text itself. MySQL compares `A1` and `A1 ` as equal, so what ends in a space is refused by all three databases."""
    if len(told) > length_max:
        raise faults.Rejected(f"the {what} {told[:40]!r}… has {len(told)} characters, at most {length_max} are kept")
    if told.endswith(" ") or "\0" in told:
        raise faults.Rejected(f"the {what} {told!r} ends in a space or holds a NUL")
    return told


def raw(told: object) -> bytes:
    """A stored value's bytes, whatever type the database gives it: SQLite keeps what was written into a column, and not only bytes.
    What has none is spelled out: it fits no digest.
    """
    match told:
        case bytes() | bytearray() | memoryview():
            return bytes(told)
        case str():
            return told.encode()
        case _:
            return repr(told).encode()
