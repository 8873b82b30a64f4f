"""The contract of `ports.Channel` on asking, for every connector over every transport: each number has one claim or one silence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from makewhole.core import ids, money
from makewhole.model import claim, payment, run
from makewhole.sandbox.channel import gate
from makewhole.sandbox.channel.faults import Fault
from makewhole.sandbox.channel.truth import Outcome
from tests.payments import every
from tests.payments import shop as shops


def test_each_number_asked_has_one_claim_or_one_silence(shop: shops.Shop) -> None:
    """Known, unknown and impossible numbers, in one call: one that fails silences no other."""
    shop.opened("A1")
    shop.paid("B1", 100)
    numbers = [ids.OutTradeNo(n) for n in ("A1", "nowhere", "B1", "../certificates", "订单", "A?x=1", "")]
    told, silent = shop.channel.ask(numbers)
    assert [(c.number, c.state) for c in told if isinstance(c, payment.Attempt)] == [
        ("A1", payment.AttemptState.UNPAID),
        ("B1", payment.AttemptState.PAID),
    ]
    assert {(s.number, s.why) for s in silent} == {(n, claim.Why.NOT_FOUND) for n in numbers if n not in {"A1", "B1"}}
    assert [n for route, n in shop.gate.asked if route == "query"] == ["A1", "nowhere", "B1"]


def test_a_number_that_is_not_found_is_a_silence_and_never_an_unpaid_attempt(shop: shops.Shop) -> None:
    """A replica lags: the same number is there a moment later, paid."""
    shop.paid()
    shop.faults.next(Fault.REPLICA_LAG)
    lagging = shop.ask()
    assert isinstance(lagging, claim.Silence)
    assert lagging.why is claim.Why.NOT_FOUND
    assert shops.attempt(shop).state is payment.AttemptState.PAID


def test_a_paid_attempt_is_told_in_full(shop: shops.Shop) -> None:
    """Amount in fen, currency, both numbers, instant, attach; the payer only as a keyed hash, the bytes as their digest."""
    paid = shop.paid(attach="shop-7")
    told = shops.attempt(shop)
    assert told.amount == money.Money(fen=12850)
    assert told.transaction == paid.transaction_id
    assert told.paid_at == shops.START
    assert (told.channel, told.source, told.merchant, told.attach) == (shop.name, shop.name, shop.merchant, "shop-7")
    assert len(told.payer) == 32
    assert paid.openid not in str(told)
    assert len(told.raw) == 64
    by_transaction, silent = shop.channel.ask_transaction(ids.TransactionId(paid.transaction_id))
    assert silent == ()
    assert isinstance(by_transaction[0], payment.Attempt)
    assert by_transaction[0].number == "A1"


def test_states_of_an_attempt(shop: shops.Shop) -> None:
    """Unpaid, paid, closed, paid after close, refunded in part and in full; of closed and refunded the channel may have one word."""
    shop.opened()
    assert shops.attempt(shop).state is payment.AttemptState.UNPAID
    shop.truth.close("A1")
    assert shops.attempt(shop).state is payment.AttemptState.CLOSED
    paid = shop.truth.buyer_pays("A1", late=True)
    assert shops.attempt(shop).state is payment.AttemptState.PAID
    shops.do(shop, shops.refund_step(paid, 50))
    assert shops.attempt(shop).state is shop.partly_refunded
    shops.do(shop, shops.refund_step(paid, paid.paid - 50, "MW0002"))
    assert shops.attempt(shop).state is payment.AttemptState.REFUND


def test_a_buyer_who_enters_a_password_is_neither_paid_nor_unpaid() -> None:
    """WeChat Pay's 202."""
    shop = shops.shop()
    shop.opened()
    shop.faults.next(Fault.USERPAYING)
    assert shops.attempt(shop).state is payment.AttemptState.PAYING


def test_a_refund_is_told_under_its_number(shop: shops.Shop) -> None:
    """With its own amount and its instant; a number that nobody knows is a silence."""
    paid = shop.paid(total=1000)
    for number, fen in (("R1", 100), ("R2", 250)):
        shops.do(shop, shops.refund_step(paid, fen, number))
    shop.clock.advance(shop.truth.refund_takes)
    told, silent = shop.channel.ask_refunds([(ids.RefundNo(n), ids.OutTradeNo("A1")) for n in ("R1", "R2", "R5")])
    assert [
        (c.number, c.payment, c.state, c.amount.fen, c.transaction, c.done_at) for c in told if isinstance(c, payment.ChannelRefund)
    ] == [(n, "A1", payment.RefundState.DONE, fen, paid.transaction_id, shop.clock.now()) for n, fen in (("R1", 100), ("R2", 250))]
    assert [(s.number, s.why, s.about) for s in silent] == [("R5", claim.Why.NOT_FOUND, claim.About.REFUND)]


def test_states_of_a_refund_at_wechat_pay() -> None:
    """Processing, then done with an instant; closed; abnormal; and one that stays."""
    shop = shops.shop()
    paid = shop.paid(total=1000)
    for number, outcome in (("R1", Outcome.SUCCESS), ("R2", Outcome.CLOSED), ("R3", Outcome.ABNORMAL), ("R4", Outcome.STUCK)):
        shop.truth.plan_refund(number, outcome)
        assert isinstance(shops.do(shop, shops.refund_step(paid, 100, number)), run.Pending)
    numbers = [(ids.RefundNo(n), ids.OutTradeNo("A1")) for n in ("R1", "R2", "R3", "R4")]
    told, _ = shop.channel.ask_refunds(numbers)
    assert {c.state for c in told if isinstance(c, payment.ChannelRefund)} == {payment.RefundState.PROCESSING}
    shop.clock.advance(shop.truth.refund_takes)
    told, _ = shop.channel.ask_refunds(numbers)
    assert [(c.number, c.state, c.done_at) for c in told if isinstance(c, payment.ChannelRefund)] == [
        ("R1", payment.RefundState.DONE, shop.clock.now()),
        ("R2", payment.RefundState.CLOSED, None),
        ("R3", payment.RefundState.ABNORMAL, None),
        ("R4", payment.RefundState.PROCESSING, None),
    ]


@pytest.mark.parametrize("shop, fault", every.spoilt(Fault.ROTATED, Fault.LANDS_LATE), indirect=["shop"])
def test_a_read_that_was_spoilt_is_a_silence_or_asked_again(shop: shops.Shop, fault: Fault) -> None:
    """What cannot be believed was not said. Trouble on the way is asked again, at most twice; a bad signature is not."""
    shop.paid()
    shop.ask()
    shop.faults.next(fault, times=3)
    told = shop.ask()
    assert isinstance(told, claim.Silence)
    assert told.why is claim.Why.UNREACHABLE
    shop.faults.heal()
    assert shops.attempt(shop).state is payment.AttemptState.PAID


def test_an_old_answer_played_again_is_not_believed() -> None:
    """Signed by the channel in every byte, and six minutes old: it would hide a payment that came since."""
    shop = shops.shop()
    shop.opened()
    fresh = shop.gate.handle
    recorded: list[gate.Reply] = []

    def record(method: str, target: str, headers: Mapping[str, str], body: bytes) -> gate.Reply:
        recorded.append(fresh(method, target, headers, body))
        return recorded[-1]

    shop.gate.handle = record  # type: ignore[method-assign]
    assert shops.attempt(shop).state is payment.AttemptState.UNPAID
    shop.gate.handle = lambda *request: recorded[0]  # type: ignore[method-assign]
    shop.truth.buyer_pays("A1")
    shop.clock.advance(timedelta(seconds=300))
    assert isinstance(shop.ask(), payment.Attempt)
    shop.clock.advance(timedelta(seconds=1))
    told = shop.ask()
    assert isinstance(told, claim.Silence)
    assert told.why is claim.Why.UNREACHABLE
    assert "clock" in told.detail
