"""Packed dates and times of row images go in, exact values come out.

Format: MySQL, "Date and Time Data Type Representation"; MariaDB stores the same (mysql56_temporal_format).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from makewhole.adapters.changelog.fields import Bytes, Field
from makewhole.adapters.changelog.wrong import Unreadable
from makewhole.model.change import ZeroDate

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATETIME_OFFSET = 0x8000000000
_MICROSECONDS = (0, 100_000, 10_000, 1_000, 100, 10, 1)
"""What the last digit of a fraction counts, by the number of its digits."""


def _year(raw: Bytes) -> int:
    return raw[0] + 1900 if raw[0] else 0


def _day(raw: Bytes) -> date | ZeroDate:
    """Day, month and year in 5, 4 and 15 bits."""
    told = int.from_bytes(raw, "little")
    return _date(told >> 9, told >> 5 & 15, told & 31)


def _date(of_year: int, month: int, of_month: int) -> date | ZeroDate:
    try:
        return date(of_year, month, of_month)
    except ValueError:
        return ZeroDate(text=f"{of_year:04d}-{month:02d}-{of_month:02d}")


def datetime2(digits: int) -> Field:
    """DATETIME with so many digits of a second's fraction, from MySQL 5.6 and MariaDB 10.1 on: five bytes and the fraction."""
    width, unit = _fraction(digits)
    shift, part = 8 * width, (1 << 8 * width) - 1

    def read(raw: Bytes) -> datetime | ZeroDate:
        packed = int.from_bytes(raw, "big")
        micro = (packed & part) * unit
        packed = (packed >> shift) - _DATETIME_OFFSET
        months, rest = packed >> 22, packed & 0x3FFFFF
        return _datetime(months // 13, months % 13, rest >> 17, rest >> 12 & 31, rest >> 6 & 63, rest & 63, micro, digits)

    return Field(5 + width, read)


def _datetime(y: int, mo: int, d: int, h: int, mi: int, s: int, micro: int, digits: int) -> datetime | ZeroDate:
    try:
        return datetime(y, mo, d, h, mi, s, micro)  # noqa: DTZ001  DATETIME has no zone: the shop file knows it
    except ValueError:
        tail = f".{micro:06d}"[: digits + 1] if digits else ""
        return ZeroDate(text=f"{y:04d}-{mo:02d}-{d:02d} {h:02d}:{mi:02d}:{s:02d}{tail}")


def timestamp2(digits: int) -> Field:
    """TIMESTAMP with a fraction: four bytes of Unix seconds, big-endian. Zero is the zero date and not 1970."""
    width, unit = _fraction(digits)
    shift, part = 8 * width, (1 << 8 * width) - 1
    tail = "." + "0" * digits if digits else ""

    def read(raw: Bytes) -> datetime | ZeroDate:
        packed = int.from_bytes(raw, "big")
        if not packed:
            return ZeroDate(text=f"0000-00-00 00:00:00{tail}")
        return _EPOCH + timedelta(0, packed >> shift, (packed & part) * unit)

    return Field(4 + width, read)


def time2(digits: int) -> Field:
    """TIME with a fraction: three bytes of hours, minutes and seconds around a middle, and the fraction, complemented if negative."""
    width, unit = _fraction(digits)
    middle = 0x800000 << 8 * width

    def read(raw: Bytes) -> timedelta:
        packed = int.from_bytes(raw, "big") - middle
        size = abs(packed)
        hms = size >> 8 * width
        micro = (size & ((1 << 8 * width) - 1)) * unit
        told = timedelta(hours=hms >> 12 & 1023, minutes=hms >> 6 & 63, seconds=hms & 63, microseconds=micro)
        return -told if packed < 0 else told

    return Field(3 + width, read)


def _fraction(digits: int) -> tuple[int, int]:
    """Bytes of a fraction, and how many microseconds its unit is: an odd digit is stored as if there were one more."""
    if not 0 <= digits <= 6:
        raise Unreadable(f"a fraction of {digits} digits")
    width = (digits + 1) // 2
    return width, _MICROSECONDS[2 * width]


def _old_timestamp(raw: Bytes) -> datetime | ZeroDate:
    seconds = int.from_bytes(raw, "little")
    return _EPOCH + timedelta(seconds=seconds) if seconds else ZeroDate(text="0000-00-00 00:00:00")


def _old_datetime(raw: Bytes) -> datetime | ZeroDate:
    days, clock = divmod(int.from_bytes(raw, "little"), 1_000_000)
    return _datetime(days // 10000, days // 100 % 100, days % 100, clock // 10000, clock // 100 % 100, clock % 100, 0, 0)


def _old_time(raw: Bytes) -> timedelta:
    told = int.from_bytes(raw, "little", signed=True)
    size = abs(told)
    span = timedelta(hours=size // 10000, minutes=size // 100 % 100, seconds=size % 100)
    return -span if told < 0 else span


YEAR = Field(1, _year)
"""0 or 1901 to 2155."""
DAY = Field(3, _day)
"""DATE."""
OLD_TIMESTAMP = Field(4, _old_timestamp)
"""TIMESTAMP of a table made before MySQL 5.6: little-endian Unix seconds."""
OLD_DATETIME = Field(8, _old_datetime)
"""DATETIME of a table made before MySQL 5.6: the decimal number YYYYMMDDhhmmss."""
OLD_TIME = Field(3, _old_time)
"""TIME of a table made before MySQL 5.6: the decimal number hhmmss, signed."""
