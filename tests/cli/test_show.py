"""What `show` tells of one order: sources, silences, the story in time, findings, plan, verdict, runs."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import get_args

import msgspec
import pytest

from makewhole.cli import shapes, show, timeline, words
from makewhole.core import ids, money
from makewhole.model import bill, change, claim, decision, difference, dossier, order, payment, resource, rowchange
from tests.cli import fakes
from tests.cli.conftest import Call

KEYS = ["order", "shop", "payment", "diagnosis", "claims", "silences", "timeline", "findings", "plans", "cases", "runs"]


def test_the_document_has_exactly_these_keys(house: fakes.FakeWorld, call: Call) -> None:
    """And nobody's personal data."""
    house.add(fakes.shop_order("A1"), fakes.paid("PA1"))
    told = call("show", "A1", "--json")
    assert told.exit_code == 0
    document = json.loads(told.stdout)
    assert list(document) == KEYS
    assert (document["order"], document["payment"], document["diagnosis"]) == ("A1", None, "broken")
    assert [c["says"] for c in document["claims"]] == ["attempt", "order"]
    attempt, row = document["claims"]
    assert (row["due_fen"], row["due_currency"], row["paid_fen"], row["state"]) == (12850, "CNY", None, "awaiting-payment")
    assert (attempt["amount_fen"], attempt["paid_at"]) == (12850, "2026-11-23T19:45:00+08:00")
    assert row["items"] == [{"sku": "tea", "quantity": 1, "amount_fen": None, "amount_currency": None, "order": None}]
    assert not any(isinstance(v, float) for c in document["claims"] for v in c.values())
    assert document["silences"] == [{"source": "relay", "about": "notice", "number": "PA1", "why": "not-configured", "detail": ""}]
    assert [(m["what"], m["source"]) for m in document["timeline"]] == [("created", "shop"), ("paid", "wechatpay")]
    assert document["findings"][0]["remedy"] == document["plans"][0]["remedy"] == "record-payment"
    assert "nobody-need-see" not in told.stdout


def test_the_story_is_told_in_both_languages(house: fakes.FakeWorld, call: Call) -> None:
    """In the order of time, what is still to come marked as such."""
    house.add(fakes.shop_order("A1", expires_at=fakes.NOW + timedelta(minutes=10)), fakes.paid("PA1"))
    english, chinese = call("show", "A1").stdout, call("show", "A1", "--lang", "zh").stdout
    story = ["the order was placed, ¥128.50 due", "the buyer paid ¥128.50", "the time to pay runs out (still to come)"]
    places = [english.index(s) for s in story]
    assert places == sorted(places)
    for said in ("下单，应付 ¥128.50", "买家付款 ¥128.50", "付款时限到期 （尚未到）", "掉单", "回调中继没有接入"):
        assert said in chinese
    assert "nobody-need-see" not in english


def test_after_a_repair_our_own_part_is_in_the_story(house: fakes.FakeWorld, call: Call) -> None:
    """Found, worked on, ended: in that order, though it was one instant."""
    house.add(fakes.shop_order("A1"), fakes.paid("PA1"))
    assert call("recover", "A1", "--apply").exit_code == 0
    document = json.loads(call("show", "A1", "--json").stdout)
    assert document["diagnosis"] == "whole"
    ours = [m["what"] for m in document["timeline"] if m["source"] == "makewhole"]
    assert ours == ["case-opened", "run", "case-ended"]
    assert [s["mark"] for s in document["runs"][0]["steps"]] == ["done"]


def test_a_question_to_a_person_is_shown_with_both_sides(house: fakes.FakeWorld, call: Call) -> None:
    """The sheet, the choices and the deadline."""
    house.add(fakes.shop_order("BIG", fen=600000), fakes.paid("PBIG", fen=600000))
    assert call("recover", "BIG", "--apply").exit_code == 4
    told = call("show", "BIG").stdout
    assert "A person is asked to decide by 2026-11-24 20:00:00" in told
    assert "payment number (out_trade_no)" in told
    assert "the shop is right, the channel is right" in told
    assert "a person was asked about" in told


def test_a_payments_number_leads_to_its_order(house: fakes.FakeWorld, call: Call) -> None:
    """And the reader is told that it did."""
    house.add(fakes.shop_order("A1"), fakes.paid("PA1"))
    told = call("show", "PA1")
    assert told.exit_code == 0
    assert "PA1 is a payment of order A1." in told.stdout
    assert json.loads(call("show", "PA1", "--json").stdout)["payment"] == "PA1"


def test_a_silent_source_is_incomplete(house: fakes.FakeWorld, call: Call) -> None:
    """What could be heard is shown; whether the order exists at all, nobody can say while the shop is silent."""
    house.add(fakes.shop_order("A1"), fakes.paid("PA1"))
    house.channel_down = True
    assert call("show", "A1").exit_code == 3
    house.shop_down = True
    assert call("show", "A1").exit_code == 3


def test_every_kind_of_moment_has_its_sentence() -> None:
    """Callbacks received and forwarded, refunds, coupons, parcels: each in both languages."""
    at = fakes.NOW
    shop = fakes.shop_order(
        "A1", expires_at=at, paid_at=at + timedelta(minutes=1), shipped_at=at, completed_at=at, closed_at=at, tracking="SF1"
    )
    amount = money.Money(fen=1)
    refund = payment.ChannelRefund(
        source="wechatpay",
        as_of=at,
        channel=fakes.WECHAT,
        number=ids.RefundNo("R1"),
        payment=ids.OutTradeNo("PA1"),
        state=payment.RefundState.DONE,
        amount=amount,
        requested_at=at,
        done_at=at,
    )
    row = payment.ShopRefund(source="shop", as_of=at, number=None, state=payment.RefundState.REQUESTED, amount=amount, requested_at=at)
    notices = [
        payment.Notice(
            source=claim.RELAY,
            as_of=at,
            channel=fakes.WECHAT,
            number=ids.OutTradeNo("PA1"),
            check=payment.NoticeCheck.GENUINE,
            received_at=at,
            answer=payment.ShopAnswer.ACKNOWLEDGED,
            answer_code=200,
            forwarded=times,
        )
        for times in (0, 3)
    ]
    told = dossier.Dossier(
        order=ids.OrderKey(shop=fakes.SHOP, number=ids.OrderNumber("A1")), claims=(shop, fakes.paid("PA1"), refund, row, *notices)
    )
    moments = timeline.timeline(told, timeline.Ours())
    assert len(moments) == 6 + 1 + 2 + 1 + 2
    for language in words.Language:
        assert all(m.told(words.Say(language)) for m in moments)
    english = [m.told(words.Say(words.Language.ENGLISH)) for m in moments]
    assert "the notice for PA1 arrived (genuine), was handed to the shop 3 times: the shop said yes (200)" in english


def test_the_end_of_the_time_to_pay_says_nothing_once_it_was_kept() -> None:
    """A merchant who reads "the time ran out" on a paid order looks for a fault that is not there."""
    at = fakes.NOW
    for paid_at, shown in ((at, False), (at + timedelta(seconds=1), True), (None, True)):
        shop = fakes.shop_order("A1", expires_at=at, paid_at=paid_at)
        told = dossier.Dossier(order=ids.OrderKey(shop=fakes.SHOP, number=ids.OrderNumber("A1")), claims=(shop,))
        assert any(m.key == "expires" for m in timeline.timeline(told, timeline.Ours())) is shown


def _difference(at: datetime) -> difference.Difference:
    return difference.Difference(
        id=ids.Key("d1"),
        order=ids.OrderKey(shop=fakes.SHOP, number=ids.OrderNumber("A1")),
        channel=fakes.WECHAT,
        merchant="1900000001",
        kind=bill.Kind.PAYMENT,
        number="PA1",
        what=bill.Break.FEE,
        day=20780,
        ours=None,
        theirs=None,
        found_at=at,
        source="query",
    )


def _decision(at: datetime) -> decision.Decision:
    return decision.Decision(choice=decision.Choice.WRITE_OFF, by="finance", why="one fen", at=at)


@pytest.mark.parametrize("language", list(words.Language))
def test_every_kind_of_claim_has_its_line(language: words.Language) -> None:
    """A new kind of claim without words fails here."""
    at, number, cny = fakes.NOW, ids.OrderNumber("A1"), money.Money(fen=100)
    told: list[dossier.AnyClaim] = [
        fakes.shop_order("A1"),
        fakes.paid("PA1"),
        payment.ChannelRefund(
            source="wechatpay",
            as_of=at,
            channel=fakes.WECHAT,
            number=ids.RefundNo("R1"),
            payment=ids.OutTradeNo("PA1"),
            state=payment.RefundState.DONE,
            amount=cny,
        ),
        payment.ShopRefund(source="shop", as_of=at, number=None, state=payment.RefundState.DONE, amount=cny),
        payment.Notice(
            source=claim.RELAY,
            as_of=at,
            channel=fakes.WECHAT,
            number=ids.OutTradeNo("PA1"),
            check=payment.NoticeCheck.PROBE,
            received_at=at,
        ),
        payment.Candidate(source="shop", as_of=at, order=number, due=cny, open=True, on=(payment.Match.TIME,)),
        payment.Link(source="relay", as_of=at, number=ids.OutTradeNo("PA1"), order=number),
        resource.StockLeft(source="shop", as_of=at, sku=ids.Sku("tea"), available=3),
        resource.StockTally(source="shop", as_of=at, sku=ids.Sku("tea"), taken=2, returned=1),
        resource.CouponUse(source="shop", as_of=at, coupon=ids.CouponId("C1"), state=resource.CouponState.USED, order=number),
        resource.Reissue(source="shop", as_of=at, order=number),
        resource.ReissuedFrom(source="shop", as_of=at, order=number),
        order.OrphanRows(source="shop", as_of=at, order=number, items=(order.Item(sku=ids.Sku("tea"), quantity=1),)),
        difference.Differs(source="wechatpay", as_of=at, of=_difference(at), what=bill.Break.FEE),
        difference.Ruling(source="wechatpay", as_of=at, of=_difference(at), said_so=_decision(at), speaks=True),
        rowchange.RowChange(source="changelog", as_of=at, order=number, did=change.Kind.UPDATE, transaction="0-1-7"),
    ]
    assert {type(c) for c in told} == set(get_args(dossier.AnyClaim))
    assert all(show.claim_line(words.Say(language), c) for c in told)
    assert all(shapes.public(c)["source"] for c in told)


def test_a_state_that_the_map_does_not_know_is_shown_as_the_shop_spells_it(house: fakes.FakeWorld, call: Call) -> None:
    """The code, not a guess."""
    house.add(msgspec.structs.replace(fakes.shop_order("A1"), state=None, raw_state="77"))
    assert "order is 77" in call("show", "A1").stdout
