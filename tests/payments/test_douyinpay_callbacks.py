"""What Douyin Pay's callbacks have of their own: names of events, refunds without a merchant; the rest is the contract of APIv3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from makewhole.model import payment
from makewhole.sandbox.apiv3 import objects
from makewhole.sandbox.channel import post
from makewhole.sandbox.channel import truth as truths
from makewhole.sandbox.channel.faults import Fault
from makewhole.sandbox.douyinpay import gateway
from tests.payments import douyinpay
from tests.payments import shop as shops

Check = payment.NoticeCheck
SIGNED = ("Douyinpay-Timestamp", "Douyinpay-Nonce", "Douyinpay-Signature", "Douyinpay-Serial")


def delivered(shop: douyinpay.DouyinShop, *broken: Fault, **other: Any) -> post.Delivery:
    """The callback of a payment that was just made, broken as asked."""
    for fault in broken:
        shop.faults.next(fault)
    shop.paid(**other)
    return shop.deliveries()[-1]


@pytest.mark.parametrize("outcome", ["SUCCESS", "ABNORMAL", "CLOSED"])
def test_of_refunds_only_those_that_succeeded_are_told(outcome: str) -> None:
    """The other two events are not open yet; where such a refund stands is asked."""
    shop = douyinpay.shop()
    paid = shop.paid()
    shop.truth.plan_refund("R1", truths.Outcome(outcome))
    shops.do(shop, shops.refund_step(paid, 100, "R1"))
    shop.clock.advance(shop.truth.refund_takes)
    events = [d.event for d in shop.deliveries()]
    assert events == ["TRANSACTION.SUCCESS", *(["REFUND.SUCCESS"] if outcome == "SUCCESS" else [])]


# ---------------------------------------------------------------- content, well signed

Change = Callable[[dict[str, Any]], Mapping[str, Any]]


def dressed(shop: douyinpay.DouyinShop, change: Change, event: str = "TRANSACTION.SUCCESS") -> post.Delivery:
    """A callback of the first payment with changed content, properly sealed and signed."""
    content = gateway.transaction(shop.truth.transactions["A1"])
    return shop.gate.notices.dress(shop.gate.notices.announce(event, change(content), url="", at=shop.clock.now()))


@pytest.mark.parametrize(
    "event, check",
    [
        ("TRANSACTION.SUCCESS", Check.GENUINE),
        ("PAYMENT.SUCCESS", Check.GENUINE),
        ("SPLIT.SUCCESS", Check.UNREADABLE),
        ("ASYNC_SPLIT.FINISH", Check.UNREADABLE),
        ("TRANSFER.SUCCESS", Check.UNREADABLE),
        ("", Check.UNREADABLE),
    ],
)
def test_payments_have_two_names_and_other_products_none(event: str, check: payment.NoticeCheck) -> None:
    """Its clients disagree about the first; shares and transfers are not orders."""
    shop = douyinpay.shop()
    shop.paid()
    assert shop.read(dressed(shop, lambda c: c, event=event)) is check


def test_a_payment_that_failed_is_told_as_one() -> None:
    """TRANSACTION.FAIL: no money came, and the claim says so."""
    shop = douyinpay.shop()
    shop.paid()
    delivery = dressed(shop, lambda c: c | {"trade_state": "PAYERROR"}, event="TRANSACTION.FAIL")
    kept = shop.reader.read(delivery.headers, delivery.body, shop.clock.now())
    assert kept.attempt is not None
    assert kept.attempt.state is payment.AttemptState.FAILED


@pytest.mark.parametrize(
    "change, check",
    [
        (lambda c: c, Check.GENUINE),
        (lambda c: {k: v for k, v in c.items() if k != "mchid"}, Check.GENUINE),
        (lambda c: c | {"mchid": "6020230307605085"}, Check.FOREIGN),
        (lambda c: c | {"amount": {"total": 100, "refund": 101}}, Check.UNREADABLE),
        (lambda c: c | {"refund_status": "LOST"}, Check.UNREADABLE),
    ],
)
def test_a_callback_of_a_refund_may_name_no_merchant_but_no_other_one(change: Change, check: payment.NoticeCheck) -> None:
    """Two of its clients have no such field; without it the seal, under our own key, says that it is ours."""
    shop = douyinpay.shop()
    paid = shop.paid(total=100)
    shops.do(shop, shops.refund_step(paid, 60))
    told = change(objects.refund_news(shop.truth.refunds["MW0001"]))
    delivery = shop.gate.notices.dress(shop.gate.notices.announce("REFUND.SUCCESS", told, url="", at=shop.clock.now()))
    kept = shop.reader.read(delivery.headers, delivery.body, shop.clock.now())
    assert kept.check is check
    assert (kept.refund is not None) is (check is Check.GENUINE)
