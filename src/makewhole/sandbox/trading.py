"""Trading days of one shop at several channels, told by one seed: what buyers, shop and channels do, and which breaks are really there.

A shop that nobody watches: no relay, no sweep. What goes wrong shows in the daily books or nowhere.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from makewhole.core import clock
from makewhole.model import bill
from makewhole.model.bill import Break
from makewhole.model.daysheet import DayState
from makewhole.sandbox import counterparts
from makewhole.sandbox.channel import faults, gate
from makewhole.sandbox.channel import truth as truths
from makewhole.sandbox.shop import defects, rows, schema, till
from makewhole.sandbox.shop.schema import RefundStatus, Status
from makewhole.sandbox.shop.shop import Shop

START = datetime(2026, 11, 18, 0, 0, tzinfo=clock.BEIJING)
SKUS = 40
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A break that is really there: how the books may class it, and how it may rightly stand in the end."""

    story: str
    channel: str
    kind: bill.Kind
    number: str
    classes: frozenset[Break]
    states: frozenset[DayState]


class NoTill:
    """The shop's own words with a channel are not what these days are about: its rows are written beside them."""

    def __getattr__(self, name: str) -> Callable[..., till.Paid]:
        raise till.Silent(f"nobody asks a channel here: {name}")


@dataclass(order=True)
class _Turn:
    at: datetime
    serial: int
    act: Callable[[], object] = field(compare=False)


class Trading:
    """Everything around Makewhole: one shop, its channels, their buyers, one clock."""

    def __init__(self, seed: int, database: Path) -> None:
        self.seed, self.chance = seed, random.Random(f"trading {seed}")
        self.clock = clock.ManualClock(START)
        self.gates: Mapping[str, gate.Gate[Any]] = {
            name: kind(self.clock, faults=faults.Faults(seed + place)) for place, (name, kind) in enumerate(counterparts.GATES.items())
        }
        counter: till.Till = NoTill()  # type: ignore[assignment]
        self.shop = Shop(schema.create(database), self.clock, counter, defects.Defects())
        self.planted: list[Planted] = []
        self._agenda: list[_Turn] = []
        self._serial = 0
        for place in range(SKUS):
            self.shop.stock(f"TEA{place:03d}", f"明前龙井 {place} 号", 1900 + 700 * place, 100_000)

    # ------------------------------------------------------------ time

    def at(self, instant: datetime, act: Callable[[], object]) -> None:
        """Put a turn on the agenda."""
        self._serial += 1
        heapq.heappush(self._agenda, _Turn(instant, self._serial, act))

    def run_until(self, instant: datetime) -> None:
        """Let everything happen whose time comes until then."""
        while self._agenda and self._agenda[0].at <= instant:
            turn = heapq.heappop(self._agenda)
            self._move(turn.at)
            turn.act()
        self._move(instant)
        for at in self.gates.values():
            at.truth.settle(instant)

    def _move(self, instant: datetime) -> None:
        if instant > self.clock.now():
            self.clock.advance(instant - self.clock.now())

    # ------------------------------------------------------------ what stories are made of

    def bank(self, channel: str) -> truths.Truth:
        """What is really so at a channel."""
        return self.gates[channel].truth

    def order(self, channel: str) -> str:
        """An order with an open attempt to pay at this channel, under its own number."""
        picked = self.chance.sample(range(SKUS), self.chance.choice((1, 1, 2, 3)))
        cart: list[rows.Line] = [(f"TEA{place:03d}", self.chance.choice((1, 1, 1, 2))) for place in picked]
        self._serial += 1
        sn = self.shop.place(f"M{self._serial}", cart)
        self.attempt(channel, sn, sn)
        return sn

    def attempt(self, channel: str, sn: str, number: str) -> None:
        """One more attempt to pay an order."""
        at = self.gates[channel]
        appid, mchid = at.parties
        told = truths.Order(
            kind=at.LINK, appid=appid, mchid=mchid, description="南巷茶铺订单", out_trade_no=number, total=self.due(sn), attach=sn
        )
        self.bank(channel).create(told)
        at.open_cashier(number)
        self.shop.rows.run(
            "INSERT INTO pay_attempt (order_sn, out_trade_no, channel, amount, created_at) VALUES (?, ?, ?, ?, ?)",
            sn,
            number,
            channel,
            self.due(sn),
            schema.wall(self.clock.now()),
        )

    def stray(self, channel: str, number: str, fen: int) -> None:
        """Money under a number that the shop never wrote down, and of which it is never told."""
        appid, mchid = self.gates[channel].parties
        self.bank(channel).pay_unknown(number, fen, notify_url="", appid=appid, mchid=mchid)

    def due(self, sn: str) -> int:
        """What the order costs, in fen."""
        found = self.shop.rows.order(sn)
        if found is None:
            raise LookupError(sn)
        return int(found["pay_amount"])

    def pays(self, channel: str, number: str, fen: int | None = None) -> truths.Transaction:
        """The buyer pays, now."""
        return self.bank(channel).buyer_pays(number, self.clock.now(), amount=fen)

    def records(self, channel: str, sn: str, *, at: datetime | None = None, fen: int | None = None, number: str = "") -> None:
        """The shop's row becomes paid, as its callback handler makes it."""
        paid = self.bank(channel).transactions.get(number or sn)
        now, told = self.clock.now(), {"pay_channel": channel, "paid_amount": self.due(sn) if fen is None else fen}
        when = at or (paid.paid_at if paid is not None and paid.paid_at is not None else now)
        trade = {} if paid is None or not paid.transaction_id else {"trade_no": paid.transaction_id}
        with self.shop.transaction() as write:
            write.set_status(sn, Status.PAID, now, "channel", only_from=(Status.UNPAID,), paid_at=schema.wall(when), **told, **trade)
            write.sell_stock(write.lines(sn))

    def paid(self, channel: str) -> str:
        """An order that was paid and recorded just now."""
        sn = self.order(channel)
        self.pays(channel, sn)
        self.records(channel, sn)
        return sn

    def refund_row(self, sn: str, number: str, fen: int) -> None:
        """The shop believes a refund of the whole order done."""
        now = schema.wall(self.clock.now())
        self.shop.rows.run(
            "INSERT INTO refund_order (order_sn, refund_sn, amount, status, reason, created_at, done_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            sn,
            number,
            fen,
            int(RefundStatus.DONE),
            "买家申请",
            now,
            now,
        )
        with self.shop.transaction() as write:
            write.set_status(sn, Status.REFUNDED, self.clock.now(), "member", only_from=(Status.PAID,))

    def refund_at_channel(self, channel: str, sn: str, number: str) -> None:
        """The channel gives the whole payment back."""
        paid = self.bank(channel).transactions[sn]
        self.bank(channel).refund(paid, number, amount=paid.paid, total=paid.paid, reason="", notify_url="")

    def plant(
        self,
        story: str,
        channel: str,
        number: str,
        classes: Sequence[Break],
        states: Sequence[DayState],
        kind: bill.Kind = bill.Kind.PAYMENT,
    ) -> None:
        """Write the truth down."""
        self.planted.append(
            Planted(story=story, channel=channel, kind=kind, number=number, classes=frozenset(classes), states=frozenset(states))
        )


def really(trading: Trading, channel: str, day: int) -> dict[bill.Kind, tuple[int, int]]:
    """Lines and fen of a channel's day by its own ledger: what any bill of it must add up to."""
    told = dict.fromkeys(bill.Kind, (0, 0))
    for line in trading.bank(channel).ledger:
        kind = {"payment": bill.Kind.PAYMENT, "refund": bill.Kind.REFUND}.get(line.kind)
        if kind is not None and bill.day_of(line.at) == day:
            count, fen = told[kind]
            told[kind] = (count + 1, fen + abs(line.moved))
    return told
