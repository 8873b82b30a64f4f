"""A bill that the channel corrects after its day was closed: had once more, the day closed anew, and nothing found or decided twice."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest

from makewhole.core import faults
from makewhole.engine import closing, daily, daysheets
from makewhole.model import bill, daysheet, decision, difference
from makewhole.sandbox.channel.faults import Fault
from tests.reconcile import conftest, morning

pytestmark = pytest.mark.slow
OF = closing.Day(channel=morning.WECHAT, day=morning.DAY, stage=bill.Stage.BILL)
LATER = morning.TEN + timedelta(days=daily.AGAIN_MORNINGS[1])
"""The second of the mornings on which the first day's bill is had again."""


def closings(shop: morning.Shop) -> list[tuple[int, str]]:
    """Version of each day's closing by its bill, and the bill's digest."""
    kept = shop.books.ledger.closings(shop.world.eyes.shop, morning.WECHAT, morning.DAY)
    return [(c.version, c.source) for c in kept if c.day == morning.DAY and c.stage is bill.Stage.BILL]


def seen(shop: morning.Shop) -> dict[tuple[str, bill.Break], list[str]]:
    """Of each difference of the day, by its order and class, the moves."""
    return {(str(f.found.order.number), f.what()): [type(m).__name__ for m in f.moves] for f in shop.differences()}


def test_a_corrected_bill_closes_its_day_anew_and_finds_only_what_it_changed(shop: morning.Shop, call: conftest.Call) -> None:
    """One amount put right, one line put in, one amount changed; what people decided on the first bill stays as it is."""
    first, second, last = shop.paid(), shop.paid(), shop.paid()
    by_hand = shop.by_hand()
    shop.until(morning.TEN)
    shop.day.channel.faults.next(Fault.BILL_AMOUNT_OFF, where="bill")
    shop.day.channel.faults.next(Fault.BILL_LINE_MISSING, where="bill")
    closing.close(shop.world, shop.books, OF)
    amount, only = bill.Break.AMOUNT, bill.Break.OURS_ONLY
    assert seen(shop) == {(first, amount): [], (last, only): [], (by_hand, only): []}
    ids = {str(f.found.order.number): f.found.id for f in shop.differences()}
    for of, choice in ((by_hand, "channel-is-right"), (last, "write-off")):
        assert call("reconcile", "decide", ids[of], choice, "--by", "Lin", "--why", "looked at it").exit_code == 0
    decided = ["Decided", "Booked"]
    # Not before its day: every bill between is closed first, once.
    shop.until(LATER - timedelta(days=1))
    assert closing.Closing.CORRECTED not in {r.state for r in daily.keep(shop.world, shop.books)}
    shop.day.bank.find(second).paid -= 100
    shop.until(LATER)
    corrected = [r for r in daily.keep(shop.world, shop.books) if r.state is closing.Closing.CORRECTED]
    assert [(r.of, [(d.order.number, d.what) for d in r.found]) for r in corrected] == [(OF, [(second, amount)])]
    assert seen(shop) == {
        (first, amount): ["Agreed"],
        (last, only): decided,
        # Its row was corrected in the shop: nothing was left to book.
        (by_hand, only): ["Decided", "Agreed"],
        (second, amount): [],
    }
    ((version, source),) = closings(shop)
    kept = shop.books.ledger.find_bill(shop.world.eyes.shop, morning.WECHAT, "1900000001", bill.date_of(morning.DAY))
    assert (version, source) == (1, kept.digest())  # type: ignore[union-attr]
    told = [e.body for line in shop.on.store.entries() if (e := line.entry()).kind.value == "day-closed" and "supersedes" in e.body]
    assert [t["source"] for t in told] == [source]
    # Once by itself, and by hand as often as anybody likes.
    assert daily.keep(shop.world, shop.books) == []
    assert closing.again(shop.world, shop.books, OF).state is closing.Closing.WAS_CLOSED
    shop.day.bank.find(second).paid -= 50
    done = call("reconcile", "--day", str(bill.date_of(morning.DAY)), "--again", "--json")
    assert [c["state"] for c in json.loads(done.stdout)["channels"]] == ["corrected"]
    sheet = daysheets.sheet(shop.world, shop.books, morning.WECHAT, morning.DAY)
    assert sheet is not None
    of_second = [r for r in sheet.rows if r.of.found.order.number == second]
    assert sorted((r.of.found.gap().fen, r.state is daysheet.DayState.CORRECTED) for r in of_second) == [(100, True), (150, False)]
    assert closings(shop)[0][0] == 2
    booked = [m for f in shop.differences() for m in f.moves if isinstance(m, difference.Booked)]
    assert [m.choice for m in booked] == [decision.Choice.WRITE_OFF]
    assert not shop.on.store.audit().complaints


def test_a_bill_that_is_withdrawn_is_still_believed_and_a_person_is_asked(shop: morning.Shop) -> None:
    """That there was trade, the channel has said itself."""
    sn = shop.paid()
    shop.morning()
    before = closings(shop)
    del shop.day.bank.transactions[sn]
    assert closing.again(shop.world, shop.books, OF).state is closing.Closing.WAS_CLOSED
    assert (closings(shop), shop.on.store.counts()["questions"]) == (before, 1)


def test_who_dies_between_the_new_bill_and_the_new_closing_leaves_it_to_the_next(
    shop: morning.Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bill is kept by then: it is not taken for the one that the day was closed by."""
    sn = shop.paid()
    shop.morning()
    shop.day.bank.find(sn).paid += 1

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(type(shop.books.ledger), "close", dies)
        with pytest.raises(KeyboardInterrupt):
            closing.again(shop.world, shop.books, OF)
    assert [version for version, _ in closings(shop)] == [0]
    assert closing.again(shop.world, shop.books, OF).state is closing.Closing.CORRECTED
    assert [version for version, _ in closings(shop)] == [1]
    assert [(f.what(), f.found.order.number) for f in shop.differences()] == [(bill.Break.AMOUNT, sn)]


@contextmanager
def listening(shop: morning.Shop, first: Callable[[], Any] = lambda: None) -> Iterator[list[tuple[int, int]]]:
    """Which day's bill is asked for how many days after the first day; `first` happens before each answer."""
    source, asked = type(shop.books.sources[morning.WECHAT]), list[tuple[int, int]]()
    fetch = source.fetch_bill

    def heard(of: Any, day: date) -> Any:
        asked.append((bill.day_of(shop.world.clock.now()) - morning.DAY, bill.day_number(day) - morning.DAY))
        first()
        return fetch(of, day)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(source, "fetch_bill", heard)
        yield asked


def on_morning(shop: morning.Shop, days: int, minutes: int = 0) -> None:
    shop.until(morning.TEN + timedelta(days=days - 1, minutes=minutes))


def test_a_bill_is_had_again_on_its_mornings_and_once_on_each(shop: morning.Shop) -> None:
    """By two processes that look every so often, both started anew; a channel that slept late is not asked once for each morning missed."""
    shop.paid()
    other = dataclasses.replace(shop.world, owner="other")
    with listening(shop) as asked:
        for days in range(1, 10):
            for minutes in (0, 1):
                on_morning(shop, days, minutes)
                for world in (shop.world, other):
                    daily.keep(world, shop.books)
        assert [when for when, day in asked if day == 0] == [1, 2, 4, 8]
        assert len(set(asked)) == len(asked)
        asked.clear()
        on_morning(shop, 14)
        daily.keep(shop.world, shop.books)
        # Of the days that were closed before, 2 to 6 had their seventh morning meanwhile, 6 to 8 their third, 8 its first.
        assert sorted(day for _, day in asked if day < 9) == [2, 3, 4, 5, 6, 7, 8]
        assert len(set(asked)) == len(asked)
    assert daily.AGAIN_MORNINGS[-1] + 1 < daily.GIVEN_DAYS


def test_one_process_asks_and_who_takes_over_from_it_waits_for_its_turn_to_end(shop: morning.Shop) -> None:
    """While it asks nobody else does; where it dies over it, the next one goes on; a silent channel is left alone for an hour."""
    shop.paid()
    shop.morning()
    other = dataclasses.replace(shop.world, owner="other")
    on_morning(shop, 2)
    closing.close(shop.world, shop.books, closing.Day(channel=morning.WECHAT, day=morning.DAY + 1, stage=bill.Stage.BILL))
    with listening(shop, lambda: daily.keep(other, shop.books)) as asked:
        daily.keep(shop.world, shop.books)
    assert asked == [(2, 0)]

    def dies() -> None:
        raise KeyboardInterrupt

    on_morning(shop, 4)
    for day in (2, 3):
        closing.close(shop.world, shop.books, closing.Day(channel=morning.WECHAT, day=morning.DAY + day, stage=bill.Stage.BILL))
    with listening(shop, dies), pytest.raises(KeyboardInterrupt):
        daily.keep(shop.world, shop.books)
    with listening(shop) as asked:
        daily.keep(other, shop.books)
        assert asked == []
        on_morning(shop, 4, minutes=31)
        daily.keep(other, shop.books)
        daily.keep(shop.world, shop.books)
    assert [day for _, day in asked] == [0, 1]

    def away() -> None:
        raise faults.Unavailable("not there")

    on_morning(shop, 5)
    closing.close(shop.world, shop.books, closing.Day(channel=morning.WECHAT, day=morning.DAY + 4, stage=bill.Stage.BILL))
    with listening(shop, away) as asked:
        for minutes in (0, 1, 59, 61):
            on_morning(shop, 5, minutes)
            daily.keep(shop.world, shop.books)
    assert [day for _, day in asked] == [1, 1]
