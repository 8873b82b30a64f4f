"""What is done: each remedy where it applies and where it must not, and the late-payment decision rung by rung."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from makewhole.core import clock, codec, ids, money
from makewhole.flow.plan import brief, plans
from makewhole.model import act, claim, dossier, fact, order, payment, plan, resource
from makewhole.model.order import OrderState
from makewhole.model.payment import AttemptState, RefundState
from makewhole.model.plan import Remedy
from makewhole.model.policy import RuleName
from tests.flow import told

TICK = timedelta(seconds=1)
SKU = ids.Sku("tea")


def item(quantity: int = 1, fen: int | None = None, sku: str = "tea") -> order.Item:
    return order.Item(sku=ids.Sku(sku), quantity=quantity, amount=None if fen is None else money.Money(fen=fen))


def left(available: int, fen: int | None = None, sku: str = "tea") -> resource.StockLeft:
    price = None if fen is None else money.Money(fen=fen)
    return resource.StockLeft(source=claim.SHOP, as_of=told.NOW, sku=ids.Sku(sku), available=available, price=price)


def tally(taken: int, returned: int) -> resource.StockTally:
    return resource.StockTally(source=claim.SHOP, as_of=told.NOW, sku=SKU, taken=taken, returned=returned)


def coupon(state: resource.CouponState, of: str | None = None) -> resource.CouponUse:
    owner = None if of is None else ids.OrderNumber(of)
    return resource.CouponUse(source=claim.SHOP, as_of=told.NOW, coupon=ids.CouponId("c"), state=state, order=owner)


def late(*more: dossier.AnyClaim, paid_at: datetime | None = None, **shop: Any) -> dossier.Dossier:
    """Closed an hour ago, paid a minute later, unless told otherwise."""
    fields: dict[str, Any] = {"closed_at": told.ago(hours=1), "created_at": told.ago(hours=2), **shop}
    paid = told.attempt(AttemptState.PAID, paid_at=paid_at or told.ago(minutes=59))
    return told.heard(told.shop_order(OrderState.CLOSED, **fields), paid, *more)


def decided(heard: dossier.Dossier) -> tuple[Remedy, str]:
    made = told.planned(heard)
    return made.remedy, made.why[0].says.value.removeprefix("late-")


ACCEPT, REFUND, ASK = Remedy.ACCEPT_LATE, Remedy.REFUND_LATE, Remedy.ASK_PERSON
AGE, WINDOW = told.limit(RuleName.LATE_ACCEPT_AGE), told.limit(RuleName.FRAUD_WINDOW)


@pytest.mark.parametrize(
    "heard, remedy, why",
    [
        (late(left(1)), ACCEPT, "fits"),
        (late(left(0)), REFUND, "stock-short"),
        (late(), ASK, "stock-unknown"),
        (late(left(9), items=()), ASK, "stock-unknown"),
        (late(left(1), items=(item(), item())), REFUND, "stock-short"),
        (late(left(2), items=(item(), item())), ACCEPT, "fits"),
        (late(left(1), items=(item(), item(sku="cup"))), ASK, "stock-unknown"),
        (late(left(0), tally(1, 0)), ACCEPT, "fits"),
        (late(left(0), tally(1, 1)), REFUND, "stock-short"),
        (late(left(1), tally(1, 2)), REFUND, "stock-short"),
        (late(left(2), tally(1, 2)), ACCEPT, "fits"),
        (late(left(1), tally(1, 0), items=(item(3),)), REFUND, "stock-short"),
        (late(left(2), tally(1, 0), items=(item(3),)), ACCEPT, "fits"),
        (late(left(1, fen=10_395), items=(item(fen=9_900),)), ACCEPT, "fits"),
        (late(left(1, fen=10_396), items=(item(fen=9_900),)), ASK, "price-rose"),
        (late(left(1, fen=1), items=(item(fen=9_900),)), ACCEPT, "fits"),
        (late(left(1), coupon=ids.CouponId("c")), ASK, "coupon-unknown"),
        (late(left(1), coupon(resource.CouponState.UNUSED), coupon=ids.CouponId("c")), ACCEPT, "fits"),
        (late(left(1), coupon(resource.CouponState.USED, "M-1"), coupon=ids.CouponId("c")), ACCEPT, "fits"),
        (late(left(1), coupon(resource.CouponState.USED, "M-2"), coupon=ids.CouponId("c")), REFUND, "coupon-gone"),
        (late(left(1), coupon(resource.CouponState.USED), coupon=ids.CouponId("c")), REFUND, "coupon-gone"),
        (late(left(1), coupon(resource.CouponState.EXPIRED), coupon=ids.CouponId("c")), REFUND, "coupon-gone"),
        (late(left(1), paid_at=told.NOW - AGE, closed_at=told.NOW - AGE), ACCEPT, "fits"),
        (late(left(1), paid_at=told.NOW - AGE - TICK, closed_at=told.NOW - AGE), REFUND, "too-old"),
        (late(left(1), closed_at=told.ago(minutes=59) - WINDOW), ACCEPT, "fits"),
        (late(left(1), closed_at=told.ago(minutes=59) - WINDOW - TICK), ASK, "fraud-window"),
        (late(left(1), closed_at=None, created_at=told.ago(days=2)), ASK, "fraud-window"),
    ],
)
def test_the_late_payment_decision(heard: dossier.Dossier, remedy: Remedy, why: str) -> None:
    """Age, fraud window, stock, price, coupon: each rung on both its sides, each end for its reason."""
    assert decided(heard) == (remedy, why)


@pytest.mark.parametrize("state", [RefundState.PROCESSING, RefundState.DONE])
def test_a_late_payment_that_is_going_back_in_part_is_not_accepted(state: RefundState) -> None:
    """Goods do not leave for half the money."""
    back = told.refund(state, amount=money.Money(fen=100))
    heard = told.heard(told.shop_order(OrderState.CLOSED, closed_at=told.ago(hours=1)), told.attempt(AttemptState.REFUND), back, left(5))
    assert told.planned(heard).remedy is ASK


def test_an_accepted_order_takes_what_it_lacks_and_no_more() -> None:
    """Two lines of one sku are one; what was never given back is not taken again; a coupon that is still bound is left alone."""
    heard = late(left(5), tally(3, 2), coupon(resource.CouponState.USED, "M-1"), items=(item(2), item(1)), coupon=ids.CouponId("c"))
    done = told.planned(heard).steps[0].act
    assert isinstance(done, act.AcceptLate)
    assert [(i.sku, i.quantity) for i in done.items] == [("tea", 2)]
    assert done.coupon is None


@pytest.mark.parametrize(
    "more, shop, applies",
    [
        ((left(1),), {}, True),
        ((left(0), tally(1, 0)), {}, True),
        ((left(0),), {"state": OrderState.CLOSED, "closed_at": told.ago(minutes=29)}, False),
        ((left(0), tally(1, 0)), {"state": OrderState.CLOSED, "closed_at": told.ago(minutes=29)}, True),
        ((left(1),), {"items": (item(), item())}, True),
        ((left(0),), {"items": (item(3),)}, True),
        ((left(1), tally(1, 0)), {"items": (item(3),)}, False),
        ((), {}, True),
        ((left(1),), {"items": ()}, False),
        ((left(1),), {"coupon": ids.CouponId("c")}, False),
        ((left(1), coupon(resource.CouponState.UNUSED)), {"coupon": ids.CouponId("c")}, True),
        ((left(1), coupon(resource.CouponState.USED, "M-1")), {"coupon": ids.CouponId("c")}, True),
        ((left(1), coupon(resource.CouponState.USED, "M-2")), {"coupon": ids.CouponId("c")}, False),
        ((left(1), coupon(resource.CouponState.EXPIRED)), {"coupon": ids.CouponId("c")}, False),
    ],
)
def test_a_recall_needs_its_goods_and_its_coupon(
    more: tuple[dossier.AnyClaim, ...],
    shop: dict[str, Any],
    applies: bool,  # noqa: FBT001
) -> None:
    """An open order holds what it took, as far as nobody says otherwise; a closed one needs it on sale or still held."""
    fields: dict[str, Any] = {"state": OrderState.AWAITING_PAYMENT, "created_at": told.ago(hours=1), **shop}
    heard = told.heard(told.shop_order(**fields), told.attempt(AttemptState.UNPAID), *more)
    assert (told.planned(heard).remedy is Remedy.RECALL) == applies


def test_a_recall_closes_every_attempt_in_its_own_channel_first() -> None:
    """Two channels, one of them closed already: one is closed, then the order, then the new one is written."""
    heard = told.heard(
        told.shop_order(OrderState.AWAITING_PAYMENT, created_at=told.ago(hours=1)),
        told.attempt(AttemptState.UNPAID),
        told.attempt(AttemptState.CLOSED, channel=told.ALIPAY),
        told.attempt(AttemptState.FAILED, number=ids.OutTradeNo("M-1-2")),
        left(1),
    )
    steps = told.planned(heard).steps
    names = [type(s.act).__name__ for s in steps]
    assert names == ["ClosePayment", "ClosePayment", "CloseExpired", "ReissueOrder", "NewPaymentLink", "PublishLink"]
    closed = {(s.act.channel, s.act.payment) for s in steps if isinstance(s.act, act.ClosePayment)}
    assert closed == {("wechatpay", "M-1"), ("wechatpay", "M-1-2")}


def test_a_surplus_goes_back_only_where_one_payment_is_plainly_the_orders() -> None:
    """Three payments of which one fits: two go back in full, each under its own number, and less what went back already."""
    second = told.attempt(
        AttemptState.REFUND, number=ids.OutTradeNo("M-1-2"), transaction=ids.TransactionId("4201"), paid_at=told.ago(minutes=4)
    )
    third = told.attempt(AttemptState.PAID, channel=told.ALIPAY, transaction=ids.TransactionId("2026"), paid_at=told.ago(minutes=3))
    part = told.refund(RefundState.DONE, "R-5", payment=second.number, amount=money.Money(fen=900))
    shop = told.shop_order(OrderState.AWAITING_SHIPMENT)
    made = told.planned(told.heard(shop, told.attempt(AttemptState.PAID), second, third, part))
    asked = {s.act.number: (s.act.channel, s.act.amount.fen) for s in made.steps if isinstance(s.act, act.RefundPayment)}
    assert made.remedy is Remedy.REFUND_SURPLUS
    assert asked == {
        ids.refund_no(told.SHOP, ids.TransactionId("4201")): ("wechatpay", 9_000),
        ids.refund_no(told.SHOP, ids.TransactionId("2026")): ("alipay", 9_900),
    }


def candidates(*grounds: tuple[str, int, bool, tuple[payment.Match, ...]]) -> tuple[payment.Candidate, ...]:
    return tuple(
        payment.Candidate(source=claim.SHOP, as_of=told.NOW, order=ids.OrderNumber(number), due=money.Money(fen=fen), open=is_open, on=on)
        for number, fen, is_open, on in grounds
    )


A, T, P = payment.Match.ATTACH, payment.Match.TIME, payment.Match.PAYER


@pytest.mark.parametrize(
    "found, remedy",
    [
        ((), Remedy.REFUND_ORPHAN),
        ((("X", 9_900, True, (A,)),), Remedy.MATCH_ORDER),
        ((("X", 9_900, True, (T, P)),), Remedy.MATCH_ORDER),
        ((("X", 9_900, True, (T,)),), Remedy.ASK_PERSON),
        ((("X", 9_900, True, (P,)),), Remedy.ASK_PERSON),
        ((("X", 9_899, True, (T, P)),), Remedy.ASK_PERSON),
        ((("X", 9_900, False, (T, P)),), Remedy.ASK_PERSON),
        ((("X", 9_900, True, (T, P)), ("Y", 9_900, True, (T, P))), Remedy.ASK_PERSON),
        ((("X", 9_900, True, (A,)), ("Y", 9_900, True, (T, P))), Remedy.MATCH_ORDER),
        ((("X", 9_900, True, (A,)), ("Y", 9_900, True, (A,))), Remedy.ASK_PERSON),
    ],
)
def test_money_without_an_order_finds_its_one_order(found: tuple[Any, ...], remedy: Remedy) -> None:
    """By what was attached, or by time and payer together; never by a coin."""
    quiet = told.silence(claim.Why.NOT_FOUND, claim.About.ORDER, claim.SHOP)
    paid = told.attempt(AttemptState.PAID, paid_at=told.ago(hours=2))
    assert told.planned(told.heard(paid, *candidates(*found), silences=(quiet,))).remedy is remedy


def test_a_stuck_refund_keeps_its_number_and_amount() -> None:
    """Whatever is asked again is the very same thing (law 3)."""
    back = told.refund(RefundState.REQUESTED, "SHOP-7", amount=money.Money(fen=5_000), requested_at=told.ago(days=4))
    row = told.shop_refund(RefundState.PROCESSING, "SHOP-7", amount=money.Money(fen=5_000))
    made = told.planned(told.heard(told.shop_order(OrderState.REFUNDING), told.attempt(AttemptState.REFUND), back, row))
    asked = made.steps[0].act
    assert isinstance(asked, act.RefundPayment)
    assert (asked.number, asked.amount.fen, asked.paid) == ("SHOP-7", 5_000, told.DUE)


def test_a_refund_is_full_when_nothing_is_left() -> None:
    """The second half of two makes the order refunded; the first did not."""
    shop = told.shop_order(OrderState.AWAITING_SHIPMENT)
    halves = [told.refund(RefundState.DONE, n, amount=money.Money(fen=4_950), done_at=told.ago(hours=2)) for n in ("R-1", "R-2")]
    row = told.shop_refund(RefundState.DONE, "R-1", amount=money.Money(fen=4_950))
    paid = told.attempt(AttemptState.REFUND)
    full = [told.planned(h).steps[0].act for h in (told.heard(shop, paid, halves[0]), told.heard(shop, paid, *halves, row))]
    assert [getattr(a, "full", None) for a in full] == [False, True]
    assert [getattr(a, "number", None) for a in full] == ["R-1", "R-2"]


def test_a_plan_is_bound_to_what_was_said() -> None:
    """Its basis is the dossier's digest; read again at another instant it is the same plan and the same run."""
    heard = late(left(1))
    made = told.planned(heard)
    assert made.basis == heard.digest()
    shop = heard.shop()
    assert shop is not None
    again = told.heard(msgspec.structs.replace(shop, as_of=told.NOW + TICK), *(c for c in heard.claims if c != shop))
    assert told.planned(again) == made
    other = told.planned(late(left(1), version="2"))
    assert other.run_id() != made.run_id()


def test_stock_that_moves_with_other_orders_changes_no_plan() -> None:
    """How many are left is no part of what a plan binds to; the price is."""
    assert late(left(5)).digest() == late(left(4)).digest()
    assert late(left(5, fen=100)).digest() != late(left(5, fen=101)).digest()


def test_a_person_sees_both_sides_beside_one_another() -> None:
    """R9: number, transaction, amount, merchant, state, time and signature, for every attempt, with a deadline."""
    wrong = told.attempt(AttemptState.PAID, amount=money.Money(fen=1), merchant="190")
    heard = told.heard(told.shop_order(OrderState.AWAITING_PAYMENT), wrong)
    asked = told.planned(heard).steps[0].act
    assert isinstance(asked, act.AskPerson)
    assert asked.deadline == told.NOW + told.limit(RuleName.PERSON_DEADLINE)
    sheet = {b.what: b for b in asked.question.sheet}
    assert set(sheet) == {"out_trade_no", "transaction_id", "amount", "merchant_id", "state", "paid_at", "callback_signature"}
    assert sheet["out_trade_no"].agrees()
    assert not sheet["amount"].agrees()
    assert sheet["paid_at"].channel == clock.rfc3339(told.ago(minutes=5))


def test_handing_over_keeps_the_reason_on_top() -> None:
    """What the guard or a channel said comes before what the claims say; the topic is the case's."""
    heard = late(left(1))
    given = brief.Brief(dossier=heard, finding=told.first(heard), policy=told.RULES, now=told.NOW)
    why = fact.fact(fact.Says.HELD_BY_GUARD, "no-hand")
    made = plans.hand_over(given, why)
    asked = made.steps[0].act
    assert isinstance(asked, act.AskPerson)
    assert asked.question.reasons[0] == why
    assert asked.topic == "paid-after-close:4200"
    assert made.terminal is plan.Terminal.PERSON
    assert made.run_id() != told.planned(heard).run_id()


def test_a_playbook_without_a_remedy_asks_a_person() -> None:
    """Whatever the merchant struck from the list, nobody is forgotten."""
    heard = late(left(1))
    given = brief.Brief(dossier=heard, finding=told.first(heard), policy=told.RULES, now=told.NOW)
    assert plans.make(given, msgspec.structs.replace(told.PLAYBOOK, remedies={})).remedy is ASK


def test_a_plan_survives_the_journal() -> None:
    """Encode and decode are a pair, for plans of every kind of act that these tests made."""
    for heard in (late(left(1)), late(left(0)), late()):
        made = told.planned(heard)
        assert codec.decode(codec.canonical(made), plan.Plan) == made
