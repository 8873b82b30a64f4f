"""A sandbox shop that nobody sweeps: what breaks in its day, only the next morning's bill tells."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from makewhole.core import ids
from makewhole.engine import closing, daily, sweep
from makewhole.model import bill, case, difference
from makewhole.ports import accounts
from makewhole.rehearsal import stage
from makewhole.sandbox import day as days
from makewhole.sandbox import world as worlds
from makewhole.sandbox.shop.defects import Defect

WECHAT = stage.CHANNEL
DAY = bill.day_of(worlds.START)
NOON = worlds.START + timedelta(hours=12)
TEN = worlds.START + timedelta(days=1, hours=10)
"""The next morning: bills are made."""


class Shop:
    """One shop, one channel, our store; virtual time."""

    def __init__(self, on: stage.Stage) -> None:
        self.on = on
        self.day: days.Day = on.day
        self.world = on.world
        assert on.world.books is not None
        self.books: accounts.Books = on.world.books

    def until(self, instant: datetime) -> None:
        """Let it happen."""
        self.day.run_until(instant)

    def paid(self, fate: days.Fate = days.Fate.SHOP, *defects: Defect, at: datetime = NOON) -> str:
        """An order that is paid two minutes after it was placed. The shop's own job, which would ask the channel, never comes."""
        self.until(max(at, self.day.clock.now()))
        sn = self.day.order(Defect.JOB_NOT_RUN, *defects)
        self.until(self.day.clock.now() + timedelta(minutes=2))
        self.day.pays(sn, fate)
        self.until(self.day.clock.now() + timedelta(minutes=2))
        return sn

    def morning(self) -> list[closing.Result]:
        """What `serve` does at ten."""
        self.until(max(TEN, self.day.clock.now()))
        results = daily.keep(self.world, self.books)
        self.until(self.day.clock.now() + timedelta(minutes=2))
        return results

    def settled(self) -> None:
        """What `serve` does in the minutes after: runs that waited for the channel go on, differences are followed."""
        for _ in range(3):
            sweep.resume_left(self.world)
            daily.follow(self.world, self.books)
            self.until(self.day.clock.now() + timedelta(minutes=5))

    def by_hand(self, fen: int | None = None, at: datetime = NOON) -> str:
        """An order that an operator set to paid; no money ever came."""
        self.until(max(at, self.day.clock.now()))
        sn = self.day.order(Defect.JOB_NOT_RUN)
        due = self.day.due_fen(sn) if fen is None else fen
        self.day.shop.edit(sn, status=20, paid_at=self.day.row(sn, "created_at"), pay_channel="wechatpay", paid_amount=due)
        return sn

    def stray(self, number: str, fen: int, at: datetime = NOON) -> str:
        """Money under a number that the shop never wrote down, and of which it never hears."""
        self.until(max(at, self.day.clock.now()))
        self.day.bank.pay_unknown(number, fen, notify_url="")
        return number

    def differences(self, first: int = DAY, last: int = DAY) -> list[difference.Followed]:
        return list(self.books.ledger.of_days(self.world.eyes.shop, WECHAT, first, last))

    def cases(self, number: str) -> list[case.Case]:
        return list(self.on.store.cases(ids.OrderKey(shop=self.world.eyes.shop, number=ids.OrderNumber(number))))


@contextmanager
def opened(folder: Path, *, store: str = "sqlite://") -> Iterator[Shop]:
    """A shop on the first of its days."""
    folder.mkdir(parents=True, exist_ok=True)
    on = stage.stage(1, folder, store=store)
    try:
        yield Shop(on)
    finally:
        on.close()
