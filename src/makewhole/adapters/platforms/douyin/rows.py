"""A day's kept pages go in, lines of the marketplace's book come out; wrong in one row, they are refused whole.

The parts of one order that are settled on one day are one line. A refund's line is named by its order and amount: the marketplace knows
no number of ours for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from makewhole.adapters.platforms.douyin.account import Account, Shape
from makewhole.books import settlement
from makewhole.core import clock, codec, ids
from makewhole.model import bill, fetched
from makewhole.model.bill import Refused, Wrong

FEN_MAX = 10**13
"""A hundred billion yuan: more is a wrong cell."""


class Page(codec.Noun, frozen=True, kw_only=True):
    """One answer: the rows' cells that we read, and how many rows the answer says that it has."""

    said: int
    rows: tuple[dict[str, object], ...]


class Pages(codec.Noun, frozen=True, kw_only=True):
    """A day's answers in their order. `ended`: whether the last one says that it is the last."""

    pages: tuple[Page, ...]
    ended: bool


def lines(of: Account, raw: fetched.RawBill) -> tuple[bill.Line, ...]:
    """The book, numbered from 1. Raises Refused with the row (from 1) that is wrong."""
    try:
        told = msgspec.json.decode(raw.content, type=Pages)
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise Refused(Wrong.FOREIGN_FORMAT, 0, f"no account lines: {wrong}") from wrong
    for place, page in enumerate(told.pages, start=1):
        if page.said != len(page.rows):
            raise Refused(Wrong.TRUNCATED, 0, f"page {place} says that it has {page.said} rows, and has {len(page.rows)}")
    if not told.ended:
        raise Refused(Wrong.TRUNCATED, 0, f"no page after {len(told.pages)} says that it is the last")
    found: dict[tuple[bill.Kind, str, int], bill.Line] = {}
    for one in _rows(of, raw, told):
        # Parts of a payment are added up. Refunds stay apart: two of one amount are two.
        key = (one.kind, one.number or "", one.line if one.kind is bill.Kind.REFUND else 0)
        found[key] = _together(found[key], one) if key in found else one
    return tuple(bill.placed(line, place) for place, line in enumerate(found.values(), start=1))


def _rows(of: Account, raw: fetched.RawBill, told: Pages) -> Iterator[bill.Line]:
    seen: set[tuple[str, str, str]] = set()
    shape = of.shape
    for place, row in enumerate((row for page in told.pages for row in page.rows), start=1):
        cell = _Cells(row, place)
        key = (cell.text(shape.id), cell.text(shape.part) if shape.part else "", cell.text(shape.kind))
        if key in seen:
            raise Refused(Wrong.DOUBLED, place, f"{shape.id} {key[0]} was there before")
        seen.add(key)
        if shape.merchant and cell.text(shape.merchant) != of.shop_id:
            raise Refused(Wrong.OTHER_MERCHANT, place, f"{shape.merchant} is not {of.shop_id}")
        at = cell.instant(shape.at)
        if bill.day_of(at) != bill.day_number(raw.day):
            raise Refused(Wrong.OTHER_DAY, place, f"{shape.at} is {at:%Y-%m-%d}, asked was {raw.day}")
        kind = _kind(shape, key[2], place)
        if kind is not None:
            yield _line(of, cell, kind, at)


def _kind(shape: Shape, told: str, place: int) -> bill.Kind | None:
    """None for a movement of no order's payment."""
    if told in shape.payments.split(","):
        return bill.Kind.PAYMENT
    if told in shape.refunds.split(","):
        return bill.Kind.REFUND
    if shape.others == "*" or told in shape.others.split(","):
        return None
    raise Refused(Wrong.CELL, place, f"{shape.kind} is {told!r}, which nobody has named")


def _line(of: Account, cell: _Cells, kind: bill.Kind, at: datetime) -> bill.Line:
    shape, order = of.shape, cell.text(of.shape.order)
    fee = sum(abs(cell.fen(name)) for name in shape.fee.split(",") if name)
    if shape.income and shape.settled:
        left = abs(cell.fen(shape.income)) - fee
        if left != abs(cell.fen(shape.settled)):
            why = f"{shape.income} less {shape.fee} is {left}, {shape.settled} says {cell.fen(shape.settled)}"
            raise Refused(Wrong.SUMS, cell.place, why)
    paid = kind is bill.Kind.PAYMENT
    fen = cell.fen(shape.amount) if paid else abs(cell.fen(shape.refund))
    if fen < 0:
        raise Refused(Wrong.CELL, cell.place, f"{shape.amount} is {fen}")
    return bill.Line(
        line=cell.place,
        channel=of.name,
        merchant=of.shop_id,
        kind=kind,
        number=order if paid else settlement.refund_name(order, fen),
        payment=ids.OutTradeNo(order),
        transaction=None,
        order=None,
        amount_fen=fen,
        # What it gives back of its fee with a refund is agreed nowhere.
        fee_millifen=fee * bill.MILLIFEN if paid and shape.fee else None,
        currency="CNY",
        standing=bill.Standing.PAID if paid else bill.Standing.REFUNDED,
        at=at,
        day=bill.day_of(at),
    )


def _together(one: bill.Line, more: bill.Line) -> bill.Line:
    fee = None if one.fee_millifen is None or more.fee_millifen is None else one.fee_millifen + more.fee_millifen
    return msgspec.structs.replace(one, amount_fen=one.amount_fen + more.amount_fen, fee_millifen=fee)


class _Cells:
    """One row, read strictly."""

    def __init__(self, row: Mapping[str, object], place: int) -> None:
        self._row, self.place = row, place

    def text(self, name: str) -> str:
        told = self._row.get(name)
        if isinstance(told, bool) or not isinstance(told, str | int) or not str(told).strip():
            raise Refused(Wrong.COLUMNS if told is None else Wrong.CELL, self.place, f"{name} is {told!r}")
        return str(told).strip()

    def fen(self, name: str) -> int:
        told = self._row.get(name)
        if isinstance(told, bool) or not isinstance(told, int) or abs(told) > FEN_MAX:
            raise Refused(Wrong.COLUMNS if told is None else Wrong.CELL, self.place, f"{name} is {told!r}, no number of fen")
        return told

    def instant(self, name: str) -> datetime:
        try:
            return datetime.strptime(self.text(name), "%Y-%m-%d %H:%M:%S").replace(tzinfo=clock.BEIJING)
        except ValueError as wrong:
            raise Refused(Wrong.CELL, self.place, f"{name} is {self._row.get(name)!r}, no instant") from wrong
