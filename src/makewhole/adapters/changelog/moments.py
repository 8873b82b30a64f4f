"""Packed dates and times of row images go in, exact values come out.

Format: MySQL, "Date and Time Data Type Representation"; MariaDB stores the same (mysql56_temporal_format). Every function takes the
buffer and where the value begins, and gives the value and where the next one begins.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from makewhole.adapters.changelog.wrong import Unreadable
from makewhole.model.change import Value, ZeroDate

Decode = Callable[[memoryview, int], tuple[Value, int]]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATETIME_OFFSET = 0x8000000000
_MICROSECONDS = (0, 100_000, 10_000, 1_000, 100, 10, 1)
"""What the last digit of a fraction counts, by the number of its digits."""


def year(raw: memoryview, at: int) -> tuple[Value, int]:
    """YEAR: 0 or 1901 to 2155."""
    told = raw[at]
    return (told + 1900 if told else 0), at + 1


def day(raw: memoryview, at: int) -> tuple[Value, int]:
    """DATE, three bytes: day, month and year in 5, 4 and 15 bits."""
    told = raw[at] | raw[at + 1] << 8 | raw[at + 2] << 16
    return _date(told >> 9, told >> 5 & 15, told & 31), at + 3


def _date(of_year: int, month: int, of_month: int) -> date | ZeroDate:
    try:
        return date(of_year, month, of_month)
    except ValueError:
        return ZeroDate(text=f"{of_year:04d}-{month:02d}-{of_month:02d}")


def datetime2(digits: int) -> Decode:
    """DATETIME with so many digits of a second's fraction, from MySQL 5.6 and MariaDB 10.1 on: five bytes and the fraction."""
    width, unit = _fraction(digits)

    def decode(raw: memoryview, at: int) -> tuple[Value, int]:
        packed = int.from_bytes(raw[at : at + 5], "big") - _DATETIME_OFFSET
        micro = int.from_bytes(raw[at + 5 : at + 5 + width], "big") * unit
        months, rest = packed >> 22, packed & 0x3FFFFF
        told = _datetime(months // 13, months % 13, rest >> 17, rest >> 12 & 31, rest >> 6 & 63, rest & 63, micro, digits)
        return told, at + 5 + width

    return decode


def _datetime(y: int, mo: int, d: int, h: int, mi: int, s: int, micro: int, digits: int) -> datetime | ZeroDate:
    try:
        return datetime(y, mo, d, h, mi, s, micro)  # noqa: DTZ001  DATETIME has no zone: the shop file knows it
    except ValueError:
        tail = f".{micro:06d}"[: digits + 1] if digits else ""
        return ZeroDate(text=f"{y:04d}-{mo:02d}-{d:02d} {h:02d}:{mi:02d}:{s:02d}{tail}")


def timestamp2(digits: int) -> Decode:
    """TIMESTAMP with a fraction: four bytes of Unix seconds, big-endian. Zero is the zero date and not 1970."""
    width, unit = _fraction(digits)
    tail = "." + "0" * digits if digits else ""

    def decode(raw: memoryview, at: int) -> tuple[Value, int]:
        seconds = int.from_bytes(raw[at : at + 4], "big")
        micro = int.from_bytes(raw[at + 4 : at + 4 + width], "big") * unit
        end = at + 4 + width
        if seconds == 0 and micro == 0:
            return ZeroDate(text=f"0000-00-00 00:00:00{tail}"), end
        return _EPOCH + timedelta(seconds=seconds, microseconds=micro), end

    return decode


def time2(digits: int) -> Decode:
    """TIME with a fraction: three bytes of hours, minutes and seconds around a middle, and the fraction, complemented if negative."""
    width, unit = _fraction(digits)
    middle = 0x800000 << 8 * width

    def decode(raw: memoryview, at: int) -> tuple[Value, int]:
        packed = int.from_bytes(raw[at : at + 3 + width], "big") - middle
        size = abs(packed)
        hms = size >> 8 * width
        micro = (size & ((1 << 8 * width) - 1)) * unit
        told = timedelta(hours=hms >> 12 & 1023, minutes=hms >> 6 & 63, seconds=hms & 63, microseconds=micro)
        return (-told if packed < 0 else told), at + 3 + width

    return decode


def _fraction(digits: int) -> tuple[int, int]:
    """Bytes of a fraction, and how many microseconds its unit is: an odd digit is stored as if there were one more."""
    if not 0 <= digits <= 6:
        raise Unreadable(f"a fraction of {digits} digits")
    width = (digits + 1) // 2
    return width, _MICROSECONDS[2 * width]


def old_timestamp(raw: memoryview, at: int) -> tuple[Value, int]:
    """TIMESTAMP of a table made before MySQL 5.6: four bytes, little-endian."""
    seconds = int.from_bytes(raw[at : at + 4], "little")
    return (_EPOCH + timedelta(seconds=seconds) if seconds else ZeroDate(text="0000-00-00 00:00:00")), at + 4


def old_datetime(raw: memoryview, at: int) -> tuple[Value, int]:
    """DATETIME of a table made before MySQL 5.6: the decimal number YYYYMMDDhhmmss in eight bytes."""
    told = int.from_bytes(raw[at : at + 8], "little")
    days, clock = divmod(told, 1_000_000)
    when = _datetime(days // 10000, days // 100 % 100, days % 100, clock // 10000, clock // 100 % 100, clock % 100, 0, 0)
    return when, at + 8


def old_time(raw: memoryview, at: int) -> tuple[Value, int]:
    """TIME of a table made before MySQL 5.6: the decimal number hhmmss in three bytes, signed."""
    told = int.from_bytes(raw[at : at + 3], "little", signed=True)
    size = abs(told)
    span = timedelta(hours=size // 10000, minutes=size // 100 % 100, seconds=size % 100)
    return (-span if told < 0 else span), at + 3
