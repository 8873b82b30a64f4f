"""A bill that the channel corrects after its day was closed: had once more, the day closed anew, and nothing found or decided twice."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from makewhole.engine import closing, daily, daysheets
from makewhole.model import bill, daysheet, decision, difference
from makewhole.sandbox.channel.faults import Fault
from tests.reconcile import conftest, morning

pytestmark = pytest.mark.slow
OF = closing.Day(channel=morning.WECHAT, day=morning.DAY, stage=bill.Stage.BILL)
LATER = morning.TEN + timedelta(days=daily.AGAIN_AFTER_DAYS - 1)
"""The morning on which the first day's bill is had once more."""


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
        (by_hand, only): decided,
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
    assert sorted(m.choice.value for m in booked) == [decision.Choice.CHANNEL_IS_RIGHT.value, decision.Choice.WRITE_OFF.value]
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
