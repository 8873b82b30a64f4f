"""`makewhole reconcile` as people and scripts use it: closes a day, follows what was found, takes decisions, leaves with a code."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta

import pytest

from makewhole.books import fees
from makewhole.model import bill, decision, difference, plan
from makewhole.sandbox import day as days
from tests.reconcile import morning
from tests.reconcile.conftest import Call

pytestmark = pytest.mark.slow
DAY = ("--day", "2026-11-18")


def test_a_day_is_downloaded_compared_and_told(shop: morning.Shop, call: Call) -> None:
    """What differs leaves with 1; followed within policy it is mended, and the next time nothing is left and nothing done again."""
    shop.paid()
    lost = shop.paid(days.Fate.LOST)
    shop.until(morning.TEN)
    told = call("reconcile", *DAY, "--json")
    assert told.exit_code == 1, told.output
    (channel,) = json.loads(told.stdout)["channels"]
    assert (channel["channel"], channel["state"], channel["against"]) == ("wechatpay", "closed", "bill")
    (found,) = channel["differences"]
    assert (found["order"], found["class"], found["state"], found["owner"]) == (lost, "status", "open", "makewhole")
    assert (found["ours"]["standing"], found["theirs"]["standing"]) == ("unpaid", "paid")
    assert channel["unexplained_fen"] == found["amount_fen"] == shop.day.due_fen(lost)
    assert shop.day.row(lost, "status") == "10"
    followed = call("reconcile", *DAY, "--apply", "--json")
    assert followed.exit_code == 0, followed.output
    (channel,) = json.loads(followed.stdout)["channels"]
    assert channel["state"] == "was-closed"
    assert [(d["state"], d["ailment"], d["terminal"]) for d in channel["differences"]] == [("restored", "paid-not-recorded", "restored")]
    assert channel["unexplained_fen"] == 0
    assert shop.day.row(lost, "status") == "20"
    before = shop.on.store.counts()
    spoken = call("reconcile", *DAY)
    assert (spoken.exit_code, shop.on.store.counts()) == (0, before)
    assert "was closed before" in spoken.stdout
    assert "Every fen" in spoken.stdout


def test_a_bill_that_is_not_made_yet_is_waited_for(shop: morning.Shop, call: Call) -> None:
    """Incomplete, with the word of it; nothing is closed. A day that has not begun is wrong use."""
    shop.paid()
    shop.until(morning.NOON.replace(hour=23))
    told = call("reconcile", "--day", "2026-11-17", "--json")
    assert told.exit_code == 0, told.output
    shop.until(morning.TEN.replace(hour=3))
    told = call("reconcile", *DAY)
    assert told.exit_code == 3, told.output
    assert "has not made its bill yet" in told.stdout
    assert shop.books.ledger.closings(shop.world.eyes.shop, morning.WECHAT, morning.DAY) == []
    assert call("reconcile", "--day", "2026-12-24").exit_code == 2
    assert call("reconcile", *DAY, "--channel", "alipay").exit_code == 2
    assert call("reconcile").exit_code == 2


def fee_differs(shop: morning.Shop) -> difference.Followed:
    """A difference that no order explains, put into the ledger as an accountant's book with fees would have found it."""
    from makewhole.core import ids
    from makewhole.flow import record
    from makewhole.model import comparison

    sn = shop.paid()
    shop.until(morning.TEN)
    paid = shop.day.bank.find(sn)
    assert paid.paid_at is not None
    told = comparison.Told(
        line=1,
        amount_fen=paid.paid,
        fee_millifen=paid.paid * 6,
        currency="CNY",
        standing=bill.Standing.PAID,
        at=paid.paid_at,
        day=morning.DAY,
        payment=ids.OutTradeNo(sn),
        transaction=ids.TransactionId(paid.transaction_id),
    )
    found = difference.Difference(
        id=ids.derive("a fee", sn),
        order=ids.OrderKey(shop=shop.world.eyes.shop, number=ids.OrderNumber(sn)),
        channel=morning.WECHAT,
        merchant="1900000001",
        kind=bill.Kind.PAYMENT,
        number=sn,
        what=bill.Break.DUPLICATE_THEIRS,
        day=morning.DAY,
        ours=None,
        theirs=told,
        found_at=shop.day.clock.now(),
        source="query",
    )
    shop.books.ledger.keep([found], [record.difference_found(found)])
    known = shop.books.ledger.find(found.id)
    assert known is not None
    return known


def test_a_decision_is_kept_with_who_and_why_and_acts_once(shop: morning.Shop, call: Call) -> None:
    """Pressed again it changes nothing; another word afterwards is refused; the case has its named end."""
    one = fee_differs(shop)
    assert call("reconcile", "differences").exit_code == 1
    press = ("reconcile", "decide", one.found.id[:8], "write-off", "--by", "Ms. Lin", "--why", "test payment\x1b[31m\nof the channel")
    first = call(*press, "--json")
    assert first.exit_code == 0, first.output
    told = json.loads(first.stdout)
    assert (told["state"], told["terminal"]) == ("written-off", "rejected")
    assert told["decision"] == {"choice": "write-off", "by": "Ms. Lin", "why": "test payment [31m of the channel"}
    before = shop.on.store.counts()
    for _ in range(3):
        assert call("reconcile", "decide", one.found.id, "write-off", "--by", "Ms. Lin", "--why", "again").exit_code == 0
    other = call("reconcile", "decide", one.found.id, "shop-is-right", "--by", "Mr. Wu", "--why", "no")
    assert (other.exit_code, "Ms. Lin decided" in other.stderr) == (2, True)
    assert shop.on.store.counts() == before
    known = shop.books.ledger.find(one.found.id)
    assert known is not None
    assert [type(m).__name__ for m in known.moves] == ["Decided", "Booked"]
    assert known.moves[1] == difference.Booked(at=known.moves[1].at, choice=decision.Choice.WRITE_OFF, amount=one.found.gap())
    assert call("reconcile", "differences").exit_code == 0
    assert "No difference is left" in call("reconcile", "differences").stdout
    assert shop.on.store.audit().complaints == ()


def test_a_decision_needs_a_difference_a_name_and_a_reason(shop: morning.Shop, call: Call) -> None:
    """And a fee's decision needs a fee. Nothing moves."""
    one = fee_differs(shop)
    said = ("--by", "Ms. Lin", "--why", "because")
    before = shop.on.store.counts()
    assert call("reconcile", "decide", "ffffffff", "write-off", *said).exit_code == 2
    assert call("reconcile", "decide", one.found.id[:7], "write-off", *said).exit_code == 2
    assert call("reconcile", "decide", one.found.id, "charge-back-fee", *said).exit_code == 2
    assert call("reconcile", "decide", one.found.id, "forget-it", *said).exit_code == 2
    assert call("reconcile", "decide", one.found.id, "write-off", "--by", " ", "--why", "because").exit_code == 2
    assert call("reconcile", "decide", one.found.id, "write-off", "--by", "Ms. Lin").exit_code == 2
    assert shop.on.store.counts() == before
    known = shop.books.ledger.find(one.found.id)
    assert known is not None
    assert known.moves == ()


def test_a_channel_that_charges_more_than_agreed_is_charged_back(shop: morning.Shop, call: Call) -> None:
    """The fee's own difference, to the part of a fen; the claim is booked once, and the order was whole all along."""
    sn, whole = shop.paid(), shop.paid()
    shop.day.bank.find(sn).overcharged = 37
    agreed = {morning.WECHAT: fees.Rate(ppm=6_000)}
    books = dataclasses.replace(shop.books, rates=agreed)
    shop.world = dataclasses.replace(shop.world, books=books)
    shop.until(morning.TEN)
    told = call("reconcile", *DAY, "--apply", "--json")
    assert told.exit_code == 1, told.output
    (found,) = json.loads(told.stdout)["channels"][0]["differences"]
    assert (found["number"], found["class"], found["amount_fen"], found["state"]) == (sn, "fee", 37, "person")
    assert (found["ailment"], found["cause_detail"]) == ("books-differ", "wrong-rate-configured")
    said = call("reconcile", "decide", found["id"], "charge-back-fee", "--by", "Lin", "--why", "the contract says 0.6 %", "--json")
    assert said.exit_code == 0, said.output
    assert [json.loads(said.stdout)[k] for k in ("state", "terminal")] == ["claimed", "claimed"]
    assert (shop.cases(whole), shop.day.row(sn, "status")) == ([], "20")
    assert call("reconcile", *DAY).exit_code == 0


def test_a_decision_to_wait_is_asked_again_after_the_next_bill(shop: morning.Shop, call: Call) -> None:
    """Until noon of the next day it waits, and its case is nobody's success; then it is a person's again, and may be decided."""
    one = fee_differs(shop)
    said = ("--by", "Ms. Lin", "--why", "the channel is looking into it")
    waiting = call("reconcile", "decide", one.found.id, "wait", *said, "--json")
    assert waiting.exit_code == 0, waiting.output
    told = json.loads(waiting.stdout)
    assert (told["state"], told["owner"], told["deadline"]) == ("waiting", "makewhole", "2026-11-20T12:00:00+08:00")
    shop.settled()
    (known,) = shop.cases(str(one.found.order.number))
    assert known.terminal is plan.Terminal.PERSON
    assert call("reconcile", "differences").exit_code == 0
    assert call("reconcile", "decide", one.found.id, "write-off", *said).exit_code == 2
    shop.until(morning.TEN + timedelta(days=1, hours=3))
    shop.settled()
    assert call("reconcile", "differences").exit_code == 1
    done = call("reconcile", "decide", one.found.id, "shop-is-right", *said, "--json")
    assert [json.loads(done.stdout)[k] for k in ("state", "terminal")] == ["claimed", "claimed"]
