"""A column's sample goes in, what its values look like comes out: a unit of time, money, a document's number, a flag."""

from __future__ import annotations

import enum
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from makewhole.attach import survey
from makewhole.attach.survey import Kind, Value

GROWS_MIN = 0.9
"""Share of steps from row to row that go up, where a number counts the rows."""
ROWS_TELL_MIN = 5
"""Sampled rows with a value from which its looks count as evidence."""
_UNIX_S = (946_684_800, 4_102_444_800)
"""2000 to 2100, in seconds."""
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?")
_PACKED = re.compile(r"20\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])([01]\d|2[0-3])[0-5]\d[0-5]\d")
_AMOUNT = re.compile(r"-?\d{1,12}(\.\d{1,4})?")
_PHONE = re.compile(r"(\+?86)?1[3-9]\d{9}")
_MASKED_PHONE = re.compile(r"1\d{2}\*{3,5}\d{3,4}")
_TRANSACTION = re.compile(r"(42\d{26}|20\d{26}|20\d{6}2200\d{14,18})")
"""WeChat Pay's and Alipay's own numbers have 28 digits."""
_DOCUMENT = re.compile(r"(?=.*\d{6})[A-Za-z0-9_-]{8,40}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DOCUMENTED = re.compile(r"\s*(?:[\[{]|[aOs]:\d+:)")
"""How JSON and PHP's serialised texts begin: what stands inside is not read, and the whole is no code and no name."""
_ZERO_DATES = ("0000-00-00", "1970-01-01 08:00:00", "1970-01-01 00:00:00", "0001-01-01")
_SMALL = ("tinyint", "smallint", "bit", "bool", "mediumint")
"""Whole numbers too small to count seconds since 1970."""
ONES = frozenset({"0", "1"})


class Shape(enum.Enum):
    """What a column can hold, by its type and its sample."""

    INSTANT = "instant"
    AMOUNT = "amount"
    CODE = "code"
    DOCUMENT = "document"
    """A number that people call a thing by: text, or a whole number too long to count with."""
    COUNT = "count"
    TEXT = "text"
    KEY = "key"
    """A row's own number, or another row's."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one column's sample looks like. Shares are of all sampled rows."""

    rows: int
    present: float
    distinct: int
    shapes: frozenset[Shape]
    unit: str = ""
    """Of instants: datetime, unix_s, unix_ms, text, packed. Empty for all others."""
    phones: float = 0.0
    transactions: float = 0.0

    @property
    def told(self) -> int:
        """How many sampled rows hold a value."""
        return round(self.rows * self.present)

    @property
    def varied(self) -> float:
        """How many of the values differ, from 0 to 1."""
        return self.distinct / self.told if self.told else 0.0


def absent(value: Value) -> bool:
    """Whether a value stands for none: NULL, empty text, zero, a zero date."""
    if value is None or value in {0, "0"}:
        return True
    if isinstance(value, str):
        return not value.strip() or value.startswith(_ZERO_DATES)
    return isinstance(value, date) and value.year <= 1970


def number(value: Value) -> Decimal | None:
    """A value as an exact number, where it is one."""
    if isinstance(value, int | Decimal):
        return Decimal(value)
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, str) and _AMOUNT.fullmatch(value.strip()):
        try:
            return Decimal(value.strip())
        except InvalidOperation:
            return None
    return None


def text(value: Value) -> str:
    """A value as codes are spelled: `1`, `1.5`, `paid`."""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return str(value).strip()


def look(table: survey.Table, column: survey.Column) -> Look:
    """What the column's sample looks like."""
    values = table.values(column.name)
    told = [v for v in values if not absent(v)]
    unit = _unit(column, told)
    shapes = set(_shapes(column, told))
    if unit:
        shapes.add(Shape.INSTANT)
        shapes -= {Shape.COUNT, Shape.CODE, Shape.AMOUNT}
    return Look(
        rows=len(values),
        present=len(told) / len(values) if values else 0.0,
        distinct=len({text(v) for v in told}),
        shapes=frozenset(shapes),
        unit=unit,
        phones=_share(told, lambda s: bool(_PHONE.fullmatch(s) or _MASKED_PHONE.fullmatch(s))),
        transactions=_share(told, lambda s: bool(_TRANSACTION.fullmatch(s))),
    )


def _share(values: Iterable[Value], fits: object) -> float:
    told = [text(v) for v in values]
    return sum(1 for s in told if callable(fits) and fits(s)) / len(told) if told else 0.0


def _unit(column: survey.Column, told: list[Value]) -> str:
    """How instants are told here, empty where the column holds none."""
    match column.kind:
        case Kind.INSTANT | Kind.DATE:
            return "datetime"
        case Kind.INTEGER | Kind.DECIMAL:
            return _ticks(column, told)
        case Kind.TEXT if told:
            if _share(told, lambda s: bool(_ISO.fullmatch(s))) >= 0.95:
                return "text"
            if _share(told, lambda s: bool(_PACKED.fullmatch(s))) >= 0.95 and (column.size == 0 or column.size < 20):
                return "packed"
        case _:
            pass
    return ""


def _ticks(column: survey.Column, told: list[Value]) -> str:
    numbers = [n for n in map(number, told) if n is not None]
    if not numbers or column.scale:
        return ""
    low, high = min(numbers), max(numbers)
    if _UNIX_S[0] <= low and high <= _UNIX_S[1]:
        return "unix_s"
    if _UNIX_S[0] * 1000 <= low and high <= _UNIX_S[1] * 1000:
        return "unix_ms"
    return ""


def _shapes(column: survey.Column, told: list[Value]) -> Iterable[Shape]:
    texts = [text(v) for v in told]
    long = max(map(len, texts), default=0)
    match column.kind:
        case Kind.INTEGER:
            yield from (Shape.KEY, Shape.COUNT, Shape.CODE)
            if not column.declared.lower().startswith(_SMALL):
                yield Shape.AMOUNT
            if long >= 10 or not told:
                yield Shape.DOCUMENT
            # An integer for which there is no value yet may well be seconds since 1970.
            if not told and not column.declared.lower().startswith(_SMALL):
                yield Shape.INSTANT
        case Kind.DECIMAL | Kind.FLOAT:
            yield Shape.AMOUNT
            if not column.scale:
                yield from (Shape.KEY, Shape.COUNT, Shape.CODE)
            elif all(n == n.to_integral_value() for v in told if (n := number(v)) is not None):
                # `decimal(12,4)` with nothing but whole numbers in it may count pieces.
                yield Shape.COUNT
            if long >= 10 and not column.scale:
                yield Shape.DOCUMENT
        case Kind.TEXT:
            if told and sum(1 for s in texts if _DOCUMENTED.match(s)) >= 0.5 * len(texts):
                return
            yield from (Shape.TEXT, Shape.KEY)
            if not told or len(set(texts)) <= max(20, len(texts) // 20):
                yield Shape.CODE
            if column.members:
                return
            if not told or sum(1 for s in texts if _DOCUMENT.fullmatch(s)) >= 0.8 * len(texts):
                yield Shape.DOCUMENT
            if not told or all(_AMOUNT.fullmatch(s) for s in texts):
                yield from (Shape.AMOUNT, Shape.COUNT)
            if not told:
                yield Shape.INSTANT
        case Kind.INSTANT | Kind.DATE | Kind.OTHER:
            return


def codes(table: survey.Table, column: survey.Column) -> tuple[str, ...]:
    """The codes in use or allowed: listed by the survey, named by the type, or seen in the sample. Smallest first."""
    seen = set(column.codes) if column.codes is not None else {text(v) for v in table.values(column.name) if v is not None}
    told = (seen | set(column.members)) - {""}
    return tuple(sorted(told, key=lambda c: (0, int(c), "") if c.lstrip("-").isdigit() else (1, 0, c)))


def grows(table: survey.Table, column: str) -> bool:
    """Whether a column counts up as the row's own key does."""
    if len(table.key) != 1 or table.by_name[table.key[0]].kind is not Kind.INTEGER:
        return False
    rows = sorted(
        (int(n), text(v))
        for k, v in zip(table.values(table.key[0]), table.values(column), strict=True)
        if not absent(v) and (n := number(k)) is not None
    )
    steps = [(len(a), a) < (len(b), b) for (_, a), (_, b) in itertools.pairwise(rows)]
    return len(steps) >= ROWS_TELL_MIN and sum(steps) >= GROWS_MIN * len(steps)


def flagged(codes: tuple[str, ...]) -> bool:
    """Whether a column holds a yes or a no."""
    return bool(codes) and {c.lower() for c in codes} <= ONES | {"y", "n", "true", "false"}


def instant_of(value: Value, unit: str) -> float | None:
    """A value as comparable seconds, whatever its unit; None where there is none."""
    if absent(value):
        return None
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).timestamp()
    told = number(value)
    if told is not None and unit in {"unix_s", "unix_ms"}:
        return float(told) / (1000 if unit == "unix_ms" else 1)
    shown = text(value)
    if unit == "packed":
        shown = f"{shown[:4]}-{shown[4:6]}-{shown[6:8]} {shown[8:10]}:{shown[10:12]}:{shown[12:14]}"
    try:
        return datetime.fromisoformat(shown).replace(tzinfo=None).timestamp()
    except ValueError:
        return None
