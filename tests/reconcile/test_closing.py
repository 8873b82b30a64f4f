"""A day is closed once, against the channel's own bill; what differs is looked at like any order, and what stands is a person's."""

from __future__ import annotations

import dataclasses
import tempfile
import threading
from concurrent import futures
from datetime import timedelta
from pathlib import Path

import pytest

from makewhole import ports
from makewhole.adapters.store import journal
from makewhole.core import faults
from makewhole.engine import closing, daily, daysheets
from makewhole.model import bill, daysheet, difference, fetched, finding, plan
from makewhole.ports import accounts
from makewhole.sandbox import day as days
from makewhole.sandbox.channel.faults import Fault
from makewhole.web import serve
from tests.reconcile import morning

pytestmark = pytest.mark.slow


def test_a_payment_that_only_the_bill_tells_of_is_recovered(shop: morning.Shop) -> None:
    """Its callback was lost and nobody swept: the bill is downloaded and kept, the break is a case, the order is paid, all is over."""
    whole, lost = shop.paid(), shop.paid(days.Fate.LOST)
    (result,) = [r for r in shop.morning() if r.of.day == morning.DAY]
    assert result.state is closing.Closing.CLOSED
    assert [(d.what, d.order.number) for d in result.found] == [(bill.Break.STATUS, lost)]
    (told,) = shop.differences()
    assert told.end() == difference.Agreed(
        at=shop.books.ledger.closings(shop.world.eyes.shop, morning.WECHAT, morning.DAY)[0].at, by=plan.Terminal.RESTORED
    )
    (known,) = shop.cases(lost)
    assert (known.finding.ailment, known.terminal) == (finding.Ailment.PAID_NOT_RECORDED, plan.Terminal.RESTORED)
    assert shop.day.row(lost, "status") == "20"
    assert shop.cases(whole) == []
    assert shop.books.ledger.find_bill(shop.world.eyes.shop, morning.WECHAT, "1900000001", bill.date_of(morning.DAY)) is not None
    assert daily.keep(shop.world, shop.books) == []


def test_both_directions_are_classed_and_end(shop: morning.Shop) -> None:
    """Money that no order explains goes back; an order paid by hand is a person's, with a deadline; what is alike is let be."""
    whole, by_hand = shop.paid(), shop.by_hand()
    shop.stray("GHOST1", 4200)
    results = shop.morning()
    assert {(d.what, d.order.number) for r in results for d in r.found} == {
        (bill.Break.OURS_ONLY, by_hand),
        (bill.Break.THEIRS_ONLY, "GHOST1"),
    }
    shop.settled()
    ends = {str(f.found.order.number): f.end() for f in shop.differences()}
    ghost_end = ends["GHOST1"]
    assert isinstance(ghost_end, difference.Agreed)
    assert ghost_end.by is plan.Terminal.REFUNDED
    assert ends[by_hand] is None
    assert shop.day.bank.kept("GHOST1") == 0
    (ghost,), (hand,) = shop.cases("GHOST1"), shop.cases(by_hand)
    assert ghost.finding.ailment is finding.Ailment.MONEY_WITHOUT_ORDER
    assert (hand.finding.ailment, hand.terminal) == (finding.Ailment.PAID_IN_SHOP_ONLY, plan.Terminal.PERSON)
    assert hand.deadline is not None
    assert shop.cases(whole) == []
    sheet = daysheets.sheet(shop.world, shop.books, morning.WECHAT, morning.DAY)
    assert sheet is not None
    assert {r.of.found.order.number: (r.state, r.owner()) for r in sheet.rows} == {
        "GHOST1": (daysheet.DayState.REFUNDED, ""),
        by_hand: (daysheet.DayState.PERSON, "finance"),
    }
    assert sheet.unexplained().fen == 0


def test_the_refund_of_a_stray_stands_in_both_books_of_its_day(shop: morning.Shop) -> None:
    """The next day's bill has the refund that our run sent; our book has it too, though no row of the shop does."""
    shop.paid()
    shop.stray("GHOST1", 4200)
    shop.morning()
    shop.settled()
    shop.until(morning.TEN + timedelta(days=1))
    (second,) = daily.keep(shop.world, shop.books)
    assert second.of.day == morning.DAY + 1
    assert second.compared is not None
    assert [(s.side.value, s.kind.value, s.what.value, s.fen) for s in second.compared.sums if s.day == morning.DAY + 1] == [
        ("ours", "refund", "matched", 4200),
        ("theirs", "refund", "matched", 4200),
    ]
    assert second.found == ()


def test_a_line_near_midnight_waits_and_finds_its_partner(shop: morning.Shop) -> None:
    """Paid at 23:59:40 by the channel's clock, booked after midnight by the shop's: no difference on either day."""
    sn = shop.paid(at=morning.NOON.replace(hour=23, minute=57, second=40))
    at = shop.day.bank.find(sn).paid_at
    assert at is not None
    assert bill.day_of(at) == morning.DAY
    shop.day.shop.edit(sn, paid_at="2026-11-19 00:00:05")
    assert [
        r.found for r in shop.morning() if r.of.day == morning.DAY and r.found and r.found[0].what is not bill.Break.ACROSS_CUT_OFF
    ] == []
    shop.until(morning.TEN + timedelta(days=1))
    (second,) = daily.keep(shop.world, shop.books)
    assert second.found == ()
    (told,) = shop.differences(morning.DAY, morning.DAY + 1)
    assert (told.found.what, type(told.end())) == (bill.Break.ACROSS_CUT_OFF, difference.Paired)
    assert shop.cases(sn) == []


def test_a_line_that_waits_too_long_is_broken(shop: morning.Shop) -> None:
    """Three days by policy: then it is a difference like any other, and somebody's."""
    sn = shop.by_hand(at=morning.NOON.replace(hour=23, minute=30))
    shop.day.shop.edit(sn, paid_at="2026-11-18 23:30:00")
    for days_later in range(4):
        shop.until(morning.TEN + timedelta(days=days_later))
        daily.keep(shop.world, shop.books)
        assert [f.what() for f in shop.differences()] == [bill.Break.WAITING if days_later < 3 else bill.Break.OURS_ONLY]
    (told,) = shop.differences()
    assert [type(m).__name__ for m in told.moves] == ["Aged"]
    (known,) = shop.cases(sn)
    assert known.terminal is plan.Terminal.PERSON


def test_what_was_mended_before_anybody_looked_is_over(shop: morning.Shop) -> None:
    """The difference was found, then the callback came after all: nothing is done, and nothing is asked."""
    lost = shop.paid(days.Fate.LOST)
    shop.until(morning.TEN)
    (result,) = [closing.close(shop.world, shop.books, of) for of in daily.due(shop.world, shop.books)]
    assert len(result.found) == 1
    paid = shop.day.bank.find(lost)
    assert paid.paid_at is not None
    shop.day.shop.edit(
        lost, status=20, paid_at="2026-11-18 12:02:00", pay_channel="wechatpay", paid_amount=paid.paid, trade_no=paid.transaction_id
    )
    daily.follow(shop.world, shop.books)
    (told,) = shop.differences()
    assert isinstance(told.end(), difference.Agreed)
    assert shop.cases(lost) == []


def test_in_the_evening_the_day_so_far_is_asked_for(shop: morning.Shop) -> None:
    """By query, before there is any bill: found the same day; the bill closes it the next morning, and finds nothing twice."""
    lost, whole = shop.paid(days.Fate.LOST), shop.paid()
    shop.until(morning.NOON.replace(hour=20))
    evening = [r for r in daily.keep(shop.world, shop.books) if r.of.stage is bill.Stage.EVENING]
    assert [(r.state, [(d.what, d.order.number) for d in r.found]) for r in evening] == [
        (closing.Closing.CLOSED, [(bill.Break.STATUS, lost)])
    ]
    assert (shop.day.row(lost, "status"), shop.cases(whole)) == ("20", [])
    assert daily.keep(shop.world, shop.books) == []
    (result,) = shop.morning()
    assert (result.state, result.found) == (closing.Closing.CLOSED, ())


def test_in_the_evening_nothing_is_said_of_an_order_about_which_the_channel_is_silent(shop: morning.Shop) -> None:
    """Not heard is not unpaid: the order stands on neither side of the evening, and the bill tells of it."""
    shop.paid()
    shop.until(morning.NOON.replace(hour=20))
    shop.day.channel.faults.next(Fault.SYSTEM_ERROR_BEFORE, where="query", times=1000)
    (evening,) = [r for r in daily.keep(shop.world, shop.books) if r.of.stage is bill.Stage.EVENING]
    assert evening.compared is not None
    assert (evening.state, evening.found, evening.compared.sums) == (closing.Closing.CLOSED, (), ())
    shop.day.channel.faults.heal()
    assert [(r.state, r.found) for r in shop.morning()] == [(closing.Closing.CLOSED, ())]


def test_missed_days_are_caught_up_oldest_first(shop: morning.Shop) -> None:
    """A new store begins with yesterday; after a standstill every day since the last closed one is closed."""
    shop.paid()
    assert [r.of.day for r in shop.morning()] == [morning.DAY]
    shop.until(morning.TEN + timedelta(days=3, hours=1))
    assert [r.of.day - morning.DAY for r in daily.keep(shop.world, shop.books)] == [1, 2, 3]
    # Longer than is caught up: the days that are, and not yesterday alone as in a new store.
    shop.until(morning.TEN + timedelta(days=40, hours=1))
    caught_up = [of.day - morning.DAY for of in daily.due(shop.world, shop.books)]
    assert caught_up == list(range(41 - daily.CATCH_UP_DAYS, 41))


def test_a_bill_that_is_late_is_waited_for_and_keeps_nobody_waiting(shop: morning.Shop) -> None:
    """Before ten nothing is due; a channel that is still at it is asked again, and the turn is nobody's meanwhile."""
    shop.paid()
    shop.until(morning.TEN - timedelta(minutes=1))
    assert [r.of.day for r in daily.keep(shop.world, shop.books)] == [morning.DAY - 1]
    shop.day.channel.faults.next(Fault.BILL_LATE, where="bill")
    assert [r.state for r in shop.morning()] == [closing.Closing.NOT_MADE]
    assert shop.books.ledger.closings(shop.world.eyes.shop, morning.WECHAT, morning.DAY) == []
    assert [r.state for r in daily.keep(shop.world, shop.books)] == [closing.Closing.CLOSED]


def test_a_day_that_stays_open_is_a_persons_after_a_day(shop: morning.Shop) -> None:
    """Its bill is not made for days: asked about once, whoever tries, and closed when it comes."""
    shop.paid()
    shop.day.channel.faults.next(Fault.BILL_LATE, where="bill", times=1000)
    shop.morning()
    shop.until(morning.TEN + daily.LATE - timedelta(minutes=1))
    shop.morning()
    assert shop.on.store.counts()["questions"] == 0
    for minutes in (2, 3):
        shop.until(morning.TEN + daily.LATE + timedelta(minutes=minutes))
        daily.keep(shop.world, shop.books)
    assert shop.on.store.counts()["questions"] == 1
    shop.day.channel.faults.heal()
    assert [r.state for r in daily.keep(shop.world, shop.books)] == [closing.Closing.CLOSED] * 2


def test_without_room_for_scratch_a_day_is_tried_again(shop: morning.Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full is no mistake of ours: the round goes by, the turn is kept, and the day is closed when there is room."""
    shop.paid()
    shop.until(morning.TEN)
    bill_ = shop.books.sources[morning.WECHAT].fetch_bill(bill.date_of(morning.DAY))
    assert isinstance(bill_, fetched.RawBill)
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    assert shop.morning() == []
    window = bill.Window(day=morning.DAY)
    with pytest.raises(faults.Unavailable, match="what comparing the books needs"):
        shop.books.accountant.compare((), bill_, window)
    monkeypatch.undo()
    assert [r.state for r in daily.keep(shop.world, shop.books)] == [closing.Closing.CLOSED]


def test_a_bill_that_is_wrong_is_refused_and_a_person_is_asked_once(shop: morning.Shop) -> None:
    """Nothing is compared, kept or closed; when it comes right it is believed."""
    shop.paid()
    shop.day.channel.faults.next(Fault.BILL_LINE_DOUBLED, where="bill", times=2)
    assert [r.state for r in shop.morning()] == [closing.Closing.REFUSED]
    assert [r.state for r in daily.keep(shop.world, shop.books)] == [closing.Closing.REFUSED]
    assert shop.on.store.counts()["questions"] == 1
    assert shop.books.ledger.find_bill(shop.world.eyes.shop, morning.WECHAT, "1900000001", bill.date_of(morning.DAY)) is None
    assert [r.state for r in daily.keep(shop.world, shop.books)] == [closing.Closing.CLOSED]


def test_a_bill_that_is_cut_short_is_tried_again(shop: morning.Shop) -> None:
    """Not what its hash was made of: no answer, and no fault of anybody's book."""
    shop.paid()
    shop.day.channel.faults.next(Fault.BILL_TRUNCATED, where="bill")
    assert shop.morning() == []
    assert [r.state for r in daily.keep(shop.world, shop.books)] == [closing.Closing.CLOSED]


def test_of_two_that_close_a_day_one_does(shop: morning.Shop) -> None:
    """Whoever comes second finds it taken, and later closed."""
    shop.paid(days.Fate.LOST)
    shop.until(morning.TEN)
    of = closing.Day(channel=morning.WECHAT, day=morning.DAY, stage=bill.Stage.BILL)
    taken = accounts.Turn(owner="another", now=shop.day.clock.now(), span=closing.TURN)
    assert shop.books.ledger.begin(shop.world.eyes.shop, of.channel, of.day, of.stage, taken)
    assert closing.close(shop.world, shop.books, of).state is closing.Closing.ANOTHERS
    shop.until(morning.TEN + closing.TURN + timedelta(seconds=1))
    assert closing.close(shop.world, shop.books, of).state is closing.Closing.CLOSED
    assert closing.close(shop.world, shop.books, of).state is closing.Closing.WAS_CLOSED
    assert len(shop.differences()) == 1


def test_serve_closes_what_is_due_and_prints_it(shop: morning.Shop) -> None:
    """One round of `serve`: the day is closed, followed, and its sheet handed to whoever prints; the next round prints nothing again."""
    shop.paid(days.Fate.LOST)
    shop.until(morning.TEN)
    printed: list[list[daysheet.DaySheet]] = []
    for _ in range(2):
        serve._daily(shop.world, threading.Event(), lambda sheets: printed.append(list(sheets)))
    ((sheet,),) = printed
    assert (sheet.channel, sheet.day, [r.state for r in sheet.rows]) == (morning.WECHAT, morning.DAY, [daysheet.DayState.RESTORED])


def test_two_processes_close_a_day_once(tmp_path: Path) -> None:
    """On one store, at the same moment: one of them closes it, and what was found is found once."""
    address = f"sqlite:///{tmp_path}/store.db"
    with morning.opened(tmp_path / "world", store=address) as shop, journal.SqlStore(address) as second:
        shop.paid(days.Fate.LOST)
        shop.until(morning.TEN)
        of = closing.Day(channel=morning.WECHAT, day=morning.DAY, stage=bill.Stage.BILL)
        other = dataclasses.replace(shop.books, ledger=second.ledger)
        beside = dataclasses.replace(shop.world, store=second, books=other, owner="another")
        start = threading.Barrier(2)

        def close(world: ports.World, books: accounts.Books) -> closing.Closing:
            start.wait(30)
            return closing.close(world, books, of).state

        with futures.ThreadPoolExecutor(2) as pool:
            states = [f.result() for f in (pool.submit(close, shop.world, shop.books), pool.submit(close, beside, other))]
        assert states.count(closing.Closing.CLOSED) == 1
        assert set(states) <= {closing.Closing.CLOSED, closing.Closing.ANOTHERS, closing.Closing.WAS_CLOSED}
        assert len(shop.differences()) == 1
        assert [e.entry().kind.value for e in second.entries()].count("day-closed") == 1


def test_a_refund_that_somebody_made_on_the_channels_page_is_asked_for_by_the_bills_number(shop: morning.Shop) -> None:
    """The shop's rows name no refund; the bill names one: the channel is asked about it, and the shop learns of it."""
    sn = shop.paid()
    paid = shop.day.bank.find(sn)
    shop.until(morning.NOON + timedelta(hours=2))
    shop.day.bank.refund(paid, "PAGE1", amount=paid.paid, total=paid.paid, reason="", notify_url="")
    shop.until(morning.NOON + timedelta(hours=3))
    (result,) = [r for r in shop.morning() if r.of.day == morning.DAY]
    assert [(d.what, d.kind, d.number, d.order.number) for d in result.found] == [(bill.Break.THEIRS_ONLY, bill.Kind.REFUND, "PAGE1", sn)]
    shop.settled()
    (known,) = shop.cases(sn)
    assert (known.finding.ailment, known.terminal) == (finding.Ailment.REFUND_NOT_RECORDED, plan.Terminal.RESTORED)
    assert known.finding.subject == ("PAGE1",)
    assert shop.day.row(sn, "status") == "70"
    (told,) = shop.differences()
    assert isinstance(told.end(), difference.Agreed)
