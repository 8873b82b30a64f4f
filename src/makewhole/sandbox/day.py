"""A trading day in virtual time: stories of buyers, shop and channel go in as scripts, take turns on one clock, and leave their truth.

A story is a generator that yields how long it waits; nothing here sleeps, and the same seed tells the same day.
"""

from __future__ import annotations

import dataclasses
import enum
import heapq
import random
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from makewhole.core import clock
from makewhole.model import finding
from makewhole.sandbox import truth
from makewhole.sandbox.channel import faults, post
from makewhole.sandbox.channel import truth as bank_truth
from makewhole.sandbox.shop import jobs, notices, schema, till
from makewhole.sandbox.shop.defects import Defect, Defects
from makewhole.sandbox.shop.rows import Line
from makewhole.sandbox.shop.shop import Shop
from makewhole.sandbox.wechatpay import gateway

Story = Generator[timedelta, None, None]
JOB_LAG = timedelta(seconds=20)
"""The shop's expiry job comes this long after an order's time is over."""
SKUS = 40
PLENTY = 100_000


class Fate(enum.Enum):
    """What becomes of the notices of a payment."""

    SHOP = "shop"
    """Straight to the shop's own URL."""
    RELAY = "relay"
    """To Makewhole, which keeps it and hands it on."""
    LATE = "late"
    """To the shop, but not in the first minute."""
    LOST = "lost"
    """On the way, every time."""


Paying = Generator[timedelta, None, str]
"""A part of a story that ends with an order's number."""
Relay = Callable[[till.Headers, bytes], int]
"""Makewhole's notify URL: an HTTP status."""
LATE_BY = timedelta(seconds=55)


@dataclass(order=True)
class _Turn:
    at: datetime
    serial: int
    act: Callable[[], None] = field(compare=False)


class Day:
    """Everything that happens around Makewhole: one shop, one bank, many people, one clock."""

    def __init__(self, seed: int, at: clock.ManualClock, shop: Shop, channel: gateway.Gateway) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.clock = at
        self.shop = shop
        self.channel = channel
        self.truths: dict[str, truth.Truth] = {}
        self.arrived: dict[str, int] = {}
        """Units of each sku that were ever put on the shelf."""
        self.relay: Relay | None = None
        self.believed: list[str] = []
        """Callbacks that Makewhole acknowledged and that the channel does not stand behind."""
        self.delayed: set[str] = set()
        """Orders of which a notice came broken, or was refused: unrecorded until it comes again, though nobody planned it."""
        self.strays: set[str] = set()
        """Orders that a fault left behind half made: broken indeed, though nobody planned it."""
        self._fates: dict[str, Fate] = {}
        self._agenda: list[_Turn] = []
        self._serial = 0
        self._members = 0

    @property
    def bank(self) -> bank_truth.Truth:
        """What is really so at the channel."""
        return self.channel.truth

    @property
    def defects(self) -> Defects:
        """The shop's."""
        return self.shop.defects

    def open_shop(self) -> None:
        """Goods arrive before anybody buys."""
        for i in range(SKUS):
            self._arrive(f"TEA{i:03d}", f"明前龙井 {i} 号", 1900 + 700 * i, PLENTY)

    # ---- time

    def at(self, instant: datetime, act: Callable[[], None]) -> None:
        """Put a turn on the agenda."""
        self._serial += 1
        heapq.heappush(self._agenda, _Turn(instant, self._serial, act))

    def tell(self, story: Story, start: datetime) -> None:
        """Begin a story at an instant."""

        def turn() -> None:
            try:
                wait = next(story)
            except StopIteration:
                return
            self.at(self.clock.now() + wait, turn)

        self.at(start, turn)

    def run_until(self, instant: datetime) -> None:
        """Let everything happen whose time comes until then."""
        while True:
            next_turn = self._agenda[0].at if self._agenda else None
            next_event = self.channel.next_event()
            due = [t for t in (next_turn, next_event) if t is not None and t <= instant]
            if not due:
                break
            if next_event is not None and next_event == min(due):
                self._move_to(next_event)
                self.channel.deliver(self._send)
            else:
                turn = heapq.heappop(self._agenda)
                self._move_to(turn.at)
                turn.act()
        self._move_to(instant)

    def _move_to(self, instant: datetime) -> None:
        now = self.clock.now()
        if instant > now:
            self.clock.advance(instant - now)

    # ---- what stories are made of

    def _arrive(self, sku: str, title: str, price_fen: int, units: int) -> None:
        self.shop.stock(sku, title, price_fen, units)
        self.arrived[sku] = units

    def member(self) -> str:
        """A new buyer."""
        self._members += 1
        return f"M{self.seed}-{self._members}"

    def cart(self) -> list[Line]:
        """One to three teas."""
        picked = self.chance.sample(range(SKUS), self.chance.choice((1, 1, 2, 3)))
        return [(f"TEA{i:03d}", self.chance.choice((1, 1, 1, 2))) for i in picked]

    def rare(self, units: int = 1, price_fen: int = 12800) -> str:
        """A sku of which there are few."""
        self._serial += 1
        sku = f"RARE{self._serial}"
        self._arrive(sku, "单株老枞", price_fen, units)
        return sku

    def coupon(self, member: str, amount_fen: int = 500) -> str:
        """A coupon in a buyer's pocket."""
        self._serial += 1
        number = f"C{self._serial}"
        self.shop.grant_coupon(number, member, amount_fen)
        return number

    def order(
        self,
        *defects: Defect,
        cart: list[Line] | None = None,
        member: str | None = None,
        coupon: str | None = None,
        goods: int = 1,
    ) -> str:
        """An order with an open attempt to pay; the shop's job will come when its time is over."""
        sn = self.shop.place(member or self.member(), cart or self.cart(), coupon=coupon, goods=goods)
        for defect in defects:
            self.defects.on(defect, sn)
        expires = schema.instant(self.row(sn, "expire_at"))
        self.shop.pay(sn)
        self.at(expires + JOB_LAG, lambda: self._expire(sn))
        return sn

    def pays(self, number: str, fate: Fate = Fate.SHOP, amount_fen: int | None = None) -> None:
        """The buyer pays an attempt, and its notices meet their fate."""
        self._fates[number] = fate
        self.bank.buyer_pays(number, self.clock.now(), amount=amount_fen)

    def pays_late(self, number: str) -> None:
        """The payment crosses the close: it succeeds though the attempt was closed. Then every honest end is right."""
        self._fates[number] = Fate.RELAY
        paid = self.bank.buyer_pays(number, self.clock.now(), late=True).paid
        known = self.truths[number]
        late = {finding.Ailment.PAID_AFTER_CLOSE, finding.Ailment.PAID_NOT_RECORDED}
        ends = {
            truth.End.RESTORED: truth.Right(kept_fen=paid),
            truth.End.REFUNDED: truth.Right(kept_fen=0),
            truth.End.HANDED_OVER: truth.Right(),
        }
        self.truths[number] = dataclasses.replace(known, ailments=known.ailments | late, ends=ends)

    def lose_answer(self, endpoint: str) -> None:
        """The channel carries the next such request out, and its answer is lost."""
        self.channel.faults.next(faults.Fault.ANSWER_LOST, where=endpoint)

    def poll_refunds(self) -> None:
        """The shop's own job."""
        jobs.poll_refunds(self.shop)

    def row(self, sn: str, column: str) -> str:
        """A value of the order's row."""
        found = self.shop.rows.order(sn)
        if found is None:
            raise LookupError(sn)
        return str(found[column])

    def due_fen(self, sn: str) -> int:
        """What the order costs."""
        return int(self.row(sn, "pay_amount"))

    def minutes(self, low: float, high: float) -> timedelta:
        """A span between two numbers of minutes."""
        return timedelta(seconds=round(self.chance.uniform(low, high) * 60))

    def broken(
        self,
        number: str,
        story: str,
        ailments: Iterable[finding.Ailment],
        ends: dict[truth.End, truth.Right],
        *,
        since: datetime | None = None,
        payments: tuple[str, ...] = (),
    ) -> None:
        """Write the truth down."""
        self.truths[number] = truth.Truth(
            number=number,
            story=story,
            ailments=frozenset(ailments),
            since=since or self.clock.now(),
            ends=ends,
            payments=payments or (number,),
        )

    def also_right(self, number: str, end: truth.End) -> None:
        """Something happened since that makes another end right too."""
        known = self.truths.get(number)
        if known is not None and end not in known.ends:
            self.truths[number] = dataclasses.replace(known, ends={**known.ends, end: truth.Right()})

    def _send(self, delivery: post.Delivery) -> int:
        """The way of a notice. Raises OSError where nobody answers."""
        fate = self._fates.get(delivery.number, Fate.SHOP)
        paid_at = self.bank.transactions[delivery.number].paid_at
        early = paid_at is not None and self.clock.now() - paid_at < LATE_BY
        if fate is Fate.LOST or (fate is Fate.LATE and early):
            raise TimeoutError("lost on the way")
        try:
            status = self._handed_over(fate, delivery)
        except OSError:
            self.delayed.add(notices.order_of(self.shop, delivery.number))
            raise
        if status >= 300:
            self.delayed.add(notices.order_of(self.shop, delivery.number))
        return status

    def _handed_over(self, fate: Fate, delivery: post.Delivery) -> int:
        """To us or to the shop. Raises OSError where nobody answers."""
        if fate is not Fate.RELAY or self.relay is None:
            return notices.receive(self.shop, delivery.headers, delivery.body)[0]
        status = self.relay(delivery.headers, delivery.body)
        if status < 300 and not delivery.sound:
            self.believed.append(f"{delivery.number}: {delivery.broken_by.value if delivery.broken_by else 'unsound'}")
        return status

    def _expire(self, sn: str) -> None:
        found = self.shop.rows.order(sn)
        if found is not None and found["status"] == schema.Status.UNPAID:
            jobs.expire_one(self.shop, sn)
