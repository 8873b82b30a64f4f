"""What people decided in the daily books: where the shop has a hand for it, its row follows; where not, scan and sweep know of it."""

from __future__ import annotations

import json
from concurrent import futures
from dataclasses import replace
from pathlib import Path

import pytest

from makewhole.adapters.shops import engines, hands
from makewhole.core import ids
from makewhole.engine import closing, daily, recover, sweep
from makewhole.model import bill, case, difference, plan
from makewhole.rehearsal import stage
from makewhole.sandbox.shop import notices, till
from makewhole.sandbox.shop.defects import Defect
from tests.reconcile import conftest, morning

pytestmark = pytest.mark.slow

WHY = ("--by", "Lin", "--why", "the screenshot was edited")


def decided(shop: morning.Shop, call: conftest.Call, sn: str) -> difference.Followed:
    """The next morning's difference of this order, decided for the channel; the second press changes nothing."""
    shop.morning()
    shop.settled()
    of = next(f.found.id for f in shop.differences() if f.found.order.number == sn)
    assert call("scan").exit_code == 1
    for _ in range(2):
        assert call("reconcile", "decide", of, "channel-is-right", *WHY).exit_code == 0
    return next(f for f in shop.differences() if f.found.id == of)


def without(shop: morning.Shop, folder: Path, *names: str) -> None:
    """Take hands out of the shop file."""
    map_ = stage.shop_map()
    fewer = replace(map_, hands={n: h for n, h in map_.hands.items() if n not in names})
    address = f"sqlite:///{folder / 'world' / 'shop.db'}"
    acting = hands.SqlHands(fewer, stage.shop_schema(), engines.for_hands(address), engines.for_eyes(address))
    shop.world = replace(shop.world, hands=acting)


def remedies(shop: morning.Shop, sn: str) -> list[plan.Remedy]:
    key = ids.OrderKey(shop=shop.world.eyes.shop, number=ids.OrderNumber(sn))
    return [r.plan.remedy for r in shop.on.store.runs_of(key) if r.plan.remedy is not plan.Remedy.ASK_PERSON]


def test_a_decided_order_is_corrected_in_the_shop_once_and_its_day_stays_whole(shop: morning.Shop, call: conftest.Call) -> None:
    """Closed there, by one run under the decision; the difference is over, as both sides agree; closed again, its day has no other one."""
    sn, whole = shop.by_hand(), shop.paid()
    one = decided(shop, call, sn)
    assert [type(m).__name__ for m in one.moves] == ["Decided", "Agreed"]
    assert remedies(shop, sn) == [plan.Remedy.TAKE_PAYMENT_BACK]
    columns = ("status", "paid_at", "paid_amount", "pay_channel", "trade_no")
    assert [shop.day.row(sn, c) for c in columns] == ["50", *["None"] * 4]
    assert [(c.terminal, c.reason) for c in shop.cases(sn)] == [(plan.Terminal.RESTORED, "take-payment-back")]
    begun = [e.body for line in shop.on.store.entries() if (e := line.entry()).kind is case.EntryKind.RUN_BEGUN and "decided" in e.body]
    assert [b["decided"] for b in begun] == [["channel-is-right", "Lin", "the screenshot was edited"]]
    assert call("scan").exit_code == 0
    before = shop.on.store.counts()
    assert call("recover", "--all", "--apply", "--yes").exit_code == 0
    shop.settled()
    assert shop.on.store.counts() == before
    # Another line of the day is corrected by the channel: the day is closed anew, and has nothing new of this order.
    shop.day.bank.find(whole).paid -= 100
    of = closing.Day(channel=morning.WECHAT, day=morning.DAY, stage=bill.Stage.BILL)
    anew = closing.again(shop.world, shop.books, of)
    assert (anew.state, [d.order.number for d in anew.found]) == (closing.Closing.CORRECTED, [whole])
    assert next(f for f in shop.differences() if f.found.id == one.found.id) == one
    assert not shop.on.store.audit().complaints


def test_what_the_shop_sold_for_a_forged_callback_is_for_sale_again(shop: morning.Shop, call: conftest.Call) -> None:
    """Its own code took the payment for true: units were sold, the attempt is done. All of it is as before the order, its coupon too."""
    shop.until(morning.NOON)
    stock = "SELECT sku_code, available, locked, sold FROM sku_stock ORDER BY sku_code"
    before, member = [tuple(r) for r in shop.day.shop.rows.all(stock)], shop.day.member()
    coupon = shop.day.coupon(member)
    sn = shop.day.order(Defect.JOB_NOT_RUN, member=member, coupon=coupon)
    due, at = shop.day.due_fen(sn), shop.day.clock.now()
    notices.record(shop.day.shop, sn, till.Paid(out_trade_no=sn, transaction="4200FORGED", amount_fen=due, paid_at=at))
    assert [tuple(r) for r in shop.day.shop.rows.all(stock)] != before
    decided(shop, call, sn)
    assert (shop.day.row(sn, "status"), shop.day.row(sn, "trade_no")) == ("50", "None")
    assert [tuple(r) for r in shop.day.shop.rows.all(stock)] == before
    assert [tuple(r) for r in shop.day.shop.rows.all("SELECT status, order_sn FROM member_coupon")] == [(0, None)]
    assert [tuple(r) for r in shop.day.shop.rows.all("SELECT status, trade_no, paid_at FROM pay_attempt")] == [(2, None, None)]
    assert call("scan").exit_code == 0


def test_who_marks_it_as_paid_once_more_is_not_answered_by_the_old_decision(shop: morning.Shop, call: conftest.Call) -> None:
    """One decision, one correction: what somebody has written since, a person looks at."""
    sn = shop.by_hand()
    decided(shop, call, sn)
    assert call("scan").exit_code == 0
    at = shop.day.row(sn, "updated_at")
    due = shop.day.due_fen(sn)
    shop.day.shop.edit(sn, status=20, paid_at=at, pay_channel="wechatpay", paid_amount=due, closed_at=None)
    assert call("scan").exit_code == 1
    result = recover.recover(shop.world, ids.OrderNumber(sn))
    assert (result.state, remedies(shop, sn)) == (recover.State.PERSON, [plan.Remedy.TAKE_PAYMENT_BACK])
    assert shop.day.row(sn, "status") == "20"


@pytest.mark.parametrize("sent", [False, True], ids=["no hand", "sent"])
def test_a_decided_order_is_told_apart_until_its_money_is_another(
    shop: morning.Shop, call: conftest.Call, tmp_path: Path, *, sent: bool
) -> None:
    """No hand for it, or its goods are out: no open break and nobody's work, and why. Another amount in the row, nobody has decided."""
    sn = shop.by_hand()
    if sent:
        shop.day.shop.ship(sn, "SF1")
    else:
        without(shop, tmp_path, "close-unpaid", "reopen-unpaid")
    one = decided(shop, call, sn)
    assert [type(m).__name__ for m in one.moves] == ["Decided", "Booked"]
    told = call("scan")
    assert told.exit_code == 0, told.output
    assert sn in told.stdout
    assert "decided by Lin on 2026-11-19: the channel is right (the screenshot was edited)" in told.stdout
    assert "Decided by people in the daily books: 1" in told.stdout
    (line,) = [json.loads(line) for line in call("scan", "--json").stdout.splitlines()]
    assert (line["order"], line["ailment"], line["remedy"]) == (sn, "paid-in-shop-only", None)
    assert (line["decided"]["by"], line["decided"]["choice"]) == ("Lin", "channel-is-right")
    assert ("goods are out" if sent else "declares no hand for close-unpaid") in line["stays"]
    tally = sweep.Tally()
    with futures.ThreadPoolExecutor(1) as pool:
        assert sweep.worklist(shop.world, tally, pool) == []
    assert (tally.decided, tally.broken) == (1, 0)
    before = shop.on.store.counts()
    assert call("recover", "--all", "--apply", "--yes").exit_code == 0
    daily.follow(shop.world, shop.books)
    assert shop.on.store.counts() == before
    if sent:
        due = shop.day.due_fen(sn)
        shop.day.shop.edit(sn, paid_amount=due - 100)
        after = call("scan", "--json")
        assert after.exit_code == 1
        assert not any("decided" in json.loads(line) for line in after.stdout.splitlines())
        return
    # The shop file learns it: from the next sweep on it is work like any other, and what was booked is not booked again.
    shop.world = shop.on.world
    assert call("scan").exit_code == 1
    assert call("recover", "--all", "--apply", "--yes").exit_code == 0
    assert (shop.day.row(sn, "status"), call("scan").exit_code) == ("50", 0)
    assert next(f for f in shop.differences() if f.found.id == one.found.id) == one
