"""At 20:00 a marketplace's account lines of the day before are held against our book of the same orders, and what differs is followed."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path

import pytest

from makewhole.core import ids
from makewhole.engine import closing, daily, daysheets
from makewhole.model import bill, daysheet, finding, plan
from makewhole.sandbox.channel.faults import Fault
from makewhole.sandbox.douyin import gateway
from makewhole.wiring import books as wiring_books
from makewhole.wiring import markets as wiring_markets
from tests.platforms import market
from tests.reconcile import morning
from tests.reconcile.conftest import Call

pytestmark = pytest.mark.slow
SHOP = wiring_markets.DOUYIN_SHOP
EIGHT = morning.TEN + timedelta(hours=10)
"""20:00 of the next day."""
AGREED_PPM = 50_000


@pytest.fixture
def account(shop: morning.Shop, tmp_path: Path) -> gateway.Gateway:
    """The marketplace, attached to the shop's world beside its channel."""
    of = gateway.Gateway(shop.day.clock, page_rows=2)
    own = market.told(of, tmp_path, fee_ppm=AGREED_PPM)
    sources = {**shop.books.sources, SHOP: market.attached(of, shop.day.clock, own)}
    rates = wiring_books.books({}, shop.books.ledger, {"douyin-shop": own.fee_ppm}).rates
    shop.books = dataclasses.replace(shop.books, sources=sources, rates=rates)
    shop.world = dataclasses.replace(shop.world, books=shop.books)
    return of


def evening(shop: morning.Shop) -> closing.Result | None:
    """What `serve` does at 20:00 of the next day; what came of the marketplace's day."""
    shop.until(max(EIGHT, shop.day.clock.now()))
    results = daily.keep(shop.world, shop.books)
    return next((r for r in results if (r.of.channel, r.of.day) == (SHOP, morning.DAY)), None)


def due(shop: morning.Shop, sn: str) -> int:
    return shop.day.due_fen(sn)


def test_what_the_account_says_of_our_orders_agrees_or_is_somebodys(shop: morning.Shop, account: gateway.Gateway) -> None:
    """Alike, a fen too little, a fee above the agreed one, an order that we never had: each classed, each a person's."""
    whole, short, dear = shop.paid(), shop.paid(), shop.paid()
    account.settle(whole, due(shop, whole), _fee(due(shop, whole)))
    account.settle(short, due(shop, short) - 1, _fee(due(shop, short)))
    account.settle(dear, due(shop, dear), _fee(due(shop, dear)) + 40)
    account.settle("6950000000000000001", 4200, _fee(4200))
    result = evening(shop)
    assert result is not None
    assert result.state is closing.Closing.CLOSED
    assert {(str(d.order.number), d.what) for d in result.found} == {
        (short, bill.Break.AMOUNT),
        (dear, bill.Break.FEE),
        ("6950000000000000001", bill.Break.THEIRS_ONLY),
    }
    shop.settled()
    sheet = daysheets.sheet(shop.world, shop.books, SHOP, morning.DAY)
    assert sheet is not None
    assert {r.state for r in sheet.rows} == {daysheet.DayState.PERSON}
    assert {r.owner() for r in sheet.rows} == {"finance"}
    for number in (short, dear, "6950000000000000001"):
        (known,) = shop.cases(number)
        assert (known.finding.ailment, known.terminal) == (finding.Ailment.BOOKS_DIFFER, plan.Terminal.PERSON)
    assert shop.cases(whole) == []
    assert evening(shop) is None


def _fee(fen: int) -> int:
    return (2 * fen * AGREED_PPM + 1_000_000) // 2_000_000


def test_an_order_that_is_not_settled_yet_is_no_difference(shop: morning.Shop, account: gateway.Gateway) -> None:
    """Settled five days after it was paid: on that day, and on no other, it is compared."""
    first, later = shop.paid(), shop.paid()
    account.settle(first, due(shop, first), _fee(due(shop, first)))
    result = evening(shop)
    assert result is not None
    assert result.found == ()
    account.settle(later, due(shop, later), _fee(due(shop, later)), at=morning.NOON + timedelta(days=5))
    shop.until(EIGHT + timedelta(days=5))
    closed = [r for r in daily.keep(shop.world, shop.books) if r.of.channel == SHOP and r.compared is not None and r.compared.sums]
    assert [(r.of.day, r.found) for r in closed] == [(morning.DAY + 5, ())]


def test_a_difference_ends_once_our_book_agrees(shop: morning.Shop, account: gateway.Gateway) -> None:
    """The shop's row was wrong; corrected by hand, the next look finds both alike."""
    sn = shop.paid()
    right = due(shop, sn)
    account.settle(sn, right, _fee(right))
    shop.day.shop.edit(sn, paid_amount=right - 100)
    result = evening(shop)
    assert result is not None
    assert [d.what for d in result.found] == [bill.Break.AMOUNT]
    shop.day.shop.edit(sn, paid_amount=right)
    shop.settled()
    (told,) = shop.books.ledger.of_days(shop.world.eyes.shop, SHOP, morning.DAY, morning.DAY)
    assert told.end() is not None


def test_a_day_that_is_not_whole_is_refused_and_had_anew(shop: morning.Shop, account: gateway.Gateway) -> None:
    """Nothing is compared, nothing is kept, a person is asked; a minute later it is right."""
    sn = shop.paid()
    account.settle(sn, due(shop, sn), _fee(due(shop, sn)))
    account.faults.next(Fault.BILL_LINE_MISSING)
    result = evening(shop)
    assert result is not None
    assert result.state is closing.Closing.REFUSED
    assert shop.books.ledger.find_bill(shop.world.eyes.shop, SHOP, account.shop_id, bill.date_of(morning.DAY)) is None
    shop.until(EIGHT + closing.TURN)
    again = evening(shop)
    assert again is not None
    assert again.state is closing.Closing.CLOSED


def test_a_token_that_has_ended_leaves_the_other_channels_days_alone(shop: morning.Shop, account: gateway.Gateway, call: Call) -> None:
    """The marketplace's day stays open; WeChat Pay's are closed, by `serve` and by the command, which says both."""
    sn = shop.paid()
    account.settle(sn, due(shop, sn), _fee(due(shop, sn)))
    account.tokens.valid = {account.tokens.access: morning.TEN}
    shop.until(EIGHT)
    said = call("reconcile", "--day", "2026-11-17")
    told = [line for line in said.stdout.splitlines() if "2026-11-17:" in line]
    assert (said.exit_code, len(told)) == (3, 2), said.output
    assert "no answer" in told[0]
    assert told[1].endswith(": closed")
    assert call("reconcile", "--day", "2026-11-17", "--channel", "douyin-shop").exit_code == 2
    closed = {str(r.of.channel) for r in daily.keep(shop.world, shop.books) if r.state is closing.Closing.CLOSED}
    assert closed == {"wechatpay"}
    account.tokens.valid = {account.tokens.access: EIGHT + timedelta(days=7)}
    result = evening(shop)
    assert result is not None
    assert result.state is closing.Closing.CLOSED


def test_the_command_shows_the_marketplaces_day(shop: morning.Shop, account: gateway.Gateway, call: Call) -> None:
    """`reconcile --channel douyin-shop`: not made today, closed tomorrow evening; and it takes no file."""
    sn = shop.paid()
    account.settle(sn, due(shop, sn) - 1, _fee(due(shop, sn)))
    early = call("reconcile", "--day", "2026-11-18", "--channel", "douyin-shop")
    assert early.exit_code == 3
    assert "2026-11-19 15:00" in early.stdout
    shop.until(EIGHT)
    shown = call("reconcile", "--day", "2026-11-18", "--channel", "douyin-shop")
    assert shown.exit_code == 1
    assert "Douyin shop, 2026-11-18: closed" in shown.stdout
    assert f"payment {sn}: amounts differ" in shown.stdout
    assert call("reconcile", "--day", "2026-11-18", "--channel", "douyin-shop", "--theirs", "x.csv").exit_code == 2
    assert shop.books.ledger.find_bill(shop.world.eyes.shop, SHOP, account.shop_id, bill.date_of(morning.DAY)) is not None
    assert ids.ChannelName("douyin-shop") in shop.books.sources
