"""A column's type goes in, the function that reads its values comes out: PostgreSQL's own text becomes an exact value of ours.

Whoever reads the log and whoever reads and writes rows must mean the same by it: both ask for ISO dates in UTC, bytea in hex and every
digit of a double, so that one value is one text, whoever was asked.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from makewhole.model.change import Value

PUBLICATION = "makewhole"
"""Which tables the log tells of. One in each database."""
SPOKEN_USER = "makewhole.user"
"""The prefix under which a shop may tell who it is: SELECT pg_logical_emit_message(true, 'makewhole.user', 'Zhang San')."""
SESSION = "-c datestyle=ISO -c intervalstyle=postgres -c timezone=UTC -c bytea_output=hex -c extra_float_digits=3 -c client_encoding=UTF8"
"""What is taken for granted here of the session that prints values, as options of a connection."""
Reading = Callable[[bytes], Value]
"""Reads the bytes that the server sent of one value."""
_Convert = Callable[[str], Value]


def reader(type_: int) -> Reading:
    """What reads a column of this type, by its number in pg_type; a type that is not known here stays the server's own text. The reader
    raises ValueError for a text that no such column prints."""
    convert = _READERS.get(type_)

    def read(raw: bytes) -> Value:
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            # A database without an encoding (SQL_ASCII) holds whatever was put in.
            return raw
        # A number that an archive starred is a word: whose it was is not to be known any more.
        if convert is None or "*" in text:
            return text
        try:
            return convert(text)
        except (ValueError, ArithmeticError) as wrong:
            raise ValueError(f"{text[:40]!r} is no value of type {type_}") from wrong

    return read


def _truth(text: str) -> int:
    """The shop files' conditions know numbers, and so do the eyes."""
    return {"t": 1, "f": 0}[text] if text in {"t", "f"} else int(text)


def _decimal(text: str) -> Value:
    """NaN and infinity are no decimals that anybody could compare: they stay words."""
    told = Decimal(text)
    return told if told.is_finite() else text


def _bytes(text: str) -> bytes:
    if not text.startswith("\\x"):
        raise ValueError("not hex")
    return bytes.fromhex(text[2:])


def _day(text: str) -> Value:
    """Infinity, years before 1 and after 9999 are in no calendar of ours: they stay the server's words."""
    return date.fromisoformat(text) if len(text) == 10 and text[0].isdigit() else text


def _moment(text: str) -> Value:
    if _ours(text):
        return datetime.fromisoformat(text)
    return text


def _instant(text: str) -> Value:
    if _ours(text):
        return datetime.fromisoformat(text).astimezone(UTC)
    return text


def _ours(text: str) -> bool:
    """Four digits of a year and nothing behind that says another era."""
    return text[:4].isdigit() and text[4:5] == "-" and not text.endswith("BC")


def _clock(text: str) -> timedelta:
    hours, minutes, seconds = text.split(":")
    whole, _, part = seconds.partition(".")
    return timedelta(hours=int(hours), minutes=int(minutes), seconds=int(whole), microseconds=int(part.ljust(6, "0")) if part else 0)


_READERS: dict[int, _Convert] = {
    16: _truth, 17: _bytes, 20: int, 21: int, 23: int, 26: int, 700: float, 701: float,
    1082: _day, 1083: _clock, 1114: _moment, 1184: _instant, 1700: _decimal,
}  # fmt: skip
"""By pg_type's fixed numbers: bool, bytea, int8, int2, int4, oid, float4, float8, date, time, timestamp, timestamptz, numeric. The rest is
the server's own text: char, text, json, uuid, enums, arrays, intervals, bits, money."""
