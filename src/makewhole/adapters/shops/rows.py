"""Values of a shop's columns go in, our values come out: fen, instants with a zone, guarded words; or Misread, which names the field."""

from __future__ import annotations

import functools
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from makewhole.adapters.shops import shopmap
from makewhole.adapters.shops.language import Privacy, Unit
from makewhole.core import cards, codec, money
from makewhole.model.order import Field

Row = Mapping[str, object]
_FLOAT_NOISE = Decimal("0.000001")
"""How far from a whole fen a double may stray by the arithmetic of SQLite, which has no decimals."""
NUMBERS = frozenset(
    {
        Field.ORDER_NUMBER,
        Field.ORDER_TRANSACTION_ID,
        Field.ORDER_TRACKING_NUMBER,
        Field.ORDER_COUPON,
        Field.SUBORDER_ORDER,
        Field.SUBORDER_NUMBER,
        Field.SUBORDER_TRACKING_NUMBER,
        Field.ITEM_ORDER,
        Field.ITEM_SKU,
        Field.PAYMENT_ORDER,
        Field.PAYMENT_NUMBER,
        Field.PAYMENT_TRANSACTION_ID,
        Field.REFUND_ORDER,
        Field.REFUND_NUMBER,
    }
)
"""Fields that hold a system's own numbers, some of which look like a card's. In all others a card's number is starred."""
VERSION_LENGTH = 32
"""Hex characters of a row's version: 128 bits."""


class Misread(ValueError):
    """A value that the map does not fit; `field` says where."""

    def __init__(self, field: Field, value: object, what: str) -> None:
        super().__init__(f"{field.value}: {cards.masked(repr(value), key=field.value)} is {what}")


class Reader:
    """Reads the fields of one table's rows; columns are named `f_<field>`."""

    def __init__(self, table: shopmap.Table, zone: ZoneInfo, currency: str, secret: bytes) -> None:
        self._fields = table.fields
        self._zone = zone
        self._currency = currency
        self._secret = secret

    def money(self, row: Row, field: Field) -> money.Money | None:
        """An amount, exactly; None where the column is NULL or the field is not mapped."""
        value = self._value(row, field)
        if value is None or value == "":
            return None
        fen = fen_of(value, self._fields[field].unit, field)
        try:
            return money.Money(fen=fen, currency=self._currency)
        except ValueError as wrong:
            raise Misread(field, value, "too large") from wrong

    def instant(self, row: Row, field: Field) -> datetime | None:
        """An instant with its zone."""
        value = self._value(row, field)
        return None if value is None else instant_of(value, self._fields[field].unit, self._zone, field)

    def text(self, row: Row, field: Field) -> str | None:
        """A word: translated by the map's values, guarded by the field's privacy class; None for nothing."""
        value = self._value(row, field)
        if value is None:
            return None
        column, told = self._fields[field], spell(value)
        # A code that the map does not name is somebody's channel all the same: it passes as it is spelled.
        told = column.values.get(told, told)
        if field not in NUMBERS and cards.find_card(told) is not None:
            # Whom it names must stay one and the same; what a parcel or a state is called need not.
            told = guard(told, Privacy.HASHED, self._secret) if field is Field.ORDER_BUYER else cards.masked(told)
        return guard(told, column.privacy, self._secret) if told else None

    def whole(self, row: Row, field: Field) -> int | None:
        """A count."""
        value = self._value(row, field)
        if value is None or value == "":
            return None
        try:
            # PostgreSQL knows truth from numbers.
            told = Decimal(value) if isinstance(value, bool) else Decimal(str(value))
        except InvalidOperation as wrong:
            raise Misread(field, value, "no number") from wrong
        if told != told.to_integral_value():
            raise Misread(field, value, "no whole number")
        return int(told)

    def _value(self, row: Row, field: Field) -> object:
        column = self._fields.get(field)
        if column is None or column.privacy is Privacy.NEVER:
            return None
        return row[name(field)]


@functools.cache
def name(field: Field) -> str:
    """How a field's column is called in our statements."""
    return "f_" + field.value.replace(".", "_")


def fen_of(value: object, unit: Unit | None, field: Field) -> int:
    """Whole fen, or Misread: never rounded by more than a double's own noise."""
    try:
        told = Decimal(str(value).strip())
    except InvalidOperation as wrong:
        raise Misread(field, value, "no amount") from wrong
    if not told.is_finite():
        raise Misread(field, value, "no amount")
    fen = told * 100 if unit is Unit.YUAN else told
    whole = fen.to_integral_value()
    if fen != whole and not (isinstance(value, float) and abs(fen - whole) < _FLOAT_NOISE):
        raise Misread(field, value, "no whole number of fen")
    return int(whole)


def instant_of(value: object, unit: Unit | None, zone: ZoneInfo, field: Field) -> datetime | None:
    """An instant; None for what shops write where there is none (empty text, zero, the zero date)."""
    if unit in {Unit.UNIX_S, Unit.UNIX_MS}:
        return _unix(value, timedelta(seconds=1) if unit is Unit.UNIX_S else timedelta(milliseconds=1), zone, field)
    if isinstance(value, datetime):
        told = value
    elif isinstance(value, date):
        told = datetime(value.year, value.month, value.day)  # noqa: DTZ001  the zone follows below
    else:
        text = str(value).strip()
        if not text or text.startswith("0000-00-00"):
            return None
        try:
            told = datetime.fromisoformat(text)
        except ValueError as wrong:
            raise Misread(field, value, "no instant") from wrong
    return told.replace(tzinfo=zone) if told.tzinfo is None else told.astimezone(zone)


def _unix(value: object, tick: timedelta, zone: ZoneInfo, field: Field) -> datetime | None:
    try:
        count = int(str(value).strip() or "0")
        return (datetime.fromtimestamp(0, UTC) + count * tick).astimezone(zone) if count else None
    except (ValueError, OverflowError) as wrong:
        raise Misread(field, value, "no instant") from wrong


def guard(told: str, privacy: Privacy, secret: bytes) -> str:
    """A word as far as its privacy class lets it pass."""
    match privacy:
        case Privacy.HASHED:
            return hmac.new(secret, told.encode(), "sha256").hexdigest()[:16]
        case Privacy.MASKED:
            return "*" * max(len(told) - 4, 4) + (told[-4:] if len(told) > 4 else "")
        case _:
            return told


def spell(value: object) -> str:
    """One spelling of a column's value, whatever type the driver makes of it."""
    match value:
        case bool():
            return str(int(value))
        case Decimal():
            return format(value, "f")
        case datetime() | date():
            return value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()
        case bytes():
            return value.hex()
        case _:
            return str(value)


def typed(key: str, dialect: str) -> str | int:
    """A key as it is asked for. SQLite compares no text with a number; PostgreSQL takes a text for whatever the column holds, and no number
    for a text."""
    return int(key) if dialect != "postgres" and key.isdecimal() and str(int(key)) == key else key


Raw = list[list[str | None]]
"""A row's columns as the shop spells them."""


def raw_part(row: Row, table: shopmap.Table) -> Raw:
    """A sub-order's key and raw columns, from a row that has them as `p` and `r_<place>`."""
    return [["", spell(row["p"])], *([c, _spelled(row[f"r_{i}"])] for i, c in enumerate(table.columns()))]


def version(row: Row, columns: tuple[str, ...], parts: Sequence[Raw] = ()) -> str:
    """What compare-and-set compares: a digest of the order's raw row, every column that the map looks at; and of its parts' rows."""
    told: list[object] = [[c, _spelled(row[c])] for c in columns]
    return codec.digest([told, sorted(parts, key=str)] if parts else told)[:VERSION_LENGTH]


def _spelled(value: object) -> str | None:
    return None if value is None else spell(value)
