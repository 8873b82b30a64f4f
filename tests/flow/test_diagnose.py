"""What is found: every state of an order against every payment, both sides of every limit, and silence that is never absence."""

from __future__ import annotations

from datetime import timedelta

import pytest

from makewhole.core import ids, money
from makewhole.model import claim, dossier, finding, order, payment, policy, resource
from makewhole.model.finding import Ailment
from makewhole.model.order import OrderState
from makewhole.model.payment import AttemptState, RefundState
from makewhole.model.policy import RuleName
from tests.flow import told

TICK = timedelta(seconds=1)
OPEN, ENDED, LIVE = OrderState.AWAITING_PAYMENT, order.ENDED_UNPAID, order.SAYS_PAID - order.REFUND_STATES
PAID = told.attempt(AttemptState.PAID)
SECOND = told.attempt(AttemptState.PAID, number=ids.OutTradeNo("M-1-2"), transaction=ids.TransactionId("4201"), paid_at=told.ago(minutes=4))
ELSEWHERE = told.attempt(AttemptState.PAID, channel=told.ALIPAY, transaction=ids.TransactionId("2026"), paid_at=told.ago(minutes=4))
LITTLE = told.attempt(AttemptState.PAID, amount=money.Money(fen=1))
DOLLARS = told.attempt(AttemptState.PAID, amount=money.Money(fen=9_900, currency="USD"))
UNPAID = told.attempt(AttemptState.UNPAID)


def expected(state: OrderState, paid: tuple[payment.Attempt, ...]) -> tuple[Ailment, ...]:
    """The table of deciding factors, told once more: who has been paid what, and what the shop believes."""
    if len(paid) > 1:
        return (Ailment.PAID_TWICE,)
    if paid in {(LITTLE,), (DOLLARS,)}:
        return (Ailment.AMOUNT_DIFFERS,)
    if paid == (PAID,):
        found = {OPEN: (Ailment.PAID_NOT_RECORDED,), **dict.fromkeys(ENDED, (Ailment.PAID_AFTER_CLOSE,))}
        return found.get(state, ())
    return (Ailment.PAID_IN_SHOP_ONLY,) if state in LIVE else ()


@pytest.mark.parametrize("paid", [(), (PAID,), (LITTLE,), (DOLLARS,), (PAID, SECOND), (PAID, ELSEWHERE)], ids=lambda p: f"{len(p)}")
@pytest.mark.parametrize("state", list(OrderState))
def test_every_state_meets_every_payment(state: OrderState, paid: tuple[payment.Attempt, ...]) -> None:
    """Nine states times six payments; a refunded order is told apart below."""
    seen = told.ailments(told.heard(told.shop_order(state), *(paid or (UNPAID,))))
    wanted = expected(state, paid)
    if state is OrderState.REFUNDED and paid:
        wanted = (*wanted, Ailment.REFUND_NOT_SENT)
    assert seen == wanted


@pytest.mark.parametrize("state", list(OrderState))
@pytest.mark.parametrize("why", [claim.Why.UNREACHABLE, claim.Why.REFUSED, claim.Why.NOT_UNDERSTOOD, claim.Why.NOT_ASKED])
def test_a_silent_channel_leaves_no_order_whole(state: OrderState, why: claim.Why) -> None:
    """Whatever the state: nobody can say."""
    seen = told.diagnose(told.heard(told.shop_order(state), silences=(told.silence(why),)))
    assert isinstance(seen, finding.Unjudged)
    assert [s.source for s in seen.missing] == [told.WECHAT]


@pytest.mark.parametrize("state", list(OrderState))
def test_not_found_is_not_unpaid(state: OrderState) -> None:
    """An order that the shop believes paid is not judged; an open one in time and an ended one never tried to pay."""
    seen = told.diagnose(told.heard(told.shop_order(state), silences=(told.silence(claim.Why.NOT_FOUND),)))
    assert isinstance(seen, finding.Unjudged if state in order.SAYS_PAID else finding.Whole)


@pytest.mark.parametrize("late, kind", [(-TICK, finding.Whole), (timedelta(0), finding.Unjudged)])
def test_an_order_that_ran_out_is_not_expired_by_not_found(late: timedelta, kind: type[finding.Diagnosis]) -> None:
    """Both sides of its last instant."""
    made = told.NOW - told.limit(RuleName.UNPAID_EXPIRY) - late
    seen = told.diagnose(told.heard(told.shop_order(OPEN, created_at=made), silences=(told.silence(claim.Why.NOT_FOUND),)))
    assert isinstance(seen, kind)


def test_a_certain_ailment_is_found_whoever_else_is_silent() -> None:
    """And the silence is told beside it."""
    quiet = told.silence(claim.Why.UNREACHABLE, source=told.ALIPAY)
    seen = told.diagnose(told.heard(told.shop_order(OrderState.SHIPPED), PAID, SECOND, silences=(quiet,)))
    assert isinstance(seen, finding.Broken)
    assert [f.ailment for f in seen.findings] == [Ailment.PAID_TWICE]
    assert seen.unheard == (quiet,)


def test_nobody_attached_is_said_once_and_not_at_every_order() -> None:
    """On the lowest rung an order whose rows agree is whole."""
    quiet = told.silence(claim.Why.NOT_CONFIGURED)
    assert told.diagnose(told.heard(told.shop_order(OrderState.SHIPPED), silences=(quiet,))) == finding.Whole()


def test_an_unknown_status_is_not_whole() -> None:
    """And not broken; unless money came twice, which no status explains."""
    seen = told.diagnose(told.heard(told.shop_order(None), PAID))
    assert isinstance(seen, finding.Unjudged)
    assert [(s.about, s.why, s.detail) for s in seen.missing] == [(claim.About.ORDER, claim.Why.NOT_UNDERSTOOD, "?")]
    assert told.ailments(told.heard(told.shop_order(None), PAID, SECOND)) == (Ailment.PAID_TWICE,)


def test_a_dossier_without_claims_is_not_whole() -> None:
    """A number that nobody knows."""
    assert isinstance(told.diagnose(told.heard()), finding.Unjudged)


def dossier_at(name: RuleName, since: timedelta) -> dossier.Dossier:
    """An order whose only question is whether this limit is over."""
    at = told.NOW - since
    match name:
        case RuleName.CALLBACK_GRACE:
            return told.heard(told.shop_order(OPEN), told.attempt(AttemptState.PAID, paid_at=at))
        case RuleName.ORPHAN_GRACE:
            quiet = told.silence(claim.Why.NOT_FOUND, claim.About.ORDER, claim.SHOP)
            return told.heard(told.attempt(AttemptState.PAID, paid_at=at), silences=(quiet,))
        case RuleName.UNPAID_EXPIRY:
            return told.heard(told.shop_order(OPEN, created_at=at), UNPAID)
        case RuleName.UNPAID_EXPIRY_VIRTUAL:
            return told.heard(told.shop_order(OPEN, created_at=at, kind=order.OrderKind.VIRTUAL), UNPAID)
        case RuleName.RECOVERY_WINDOW:
            closed = told.shop_order(OrderState.CLOSED, expires_at=at, closed_at=at, created_at=at)
            return told.heard(closed, UNPAID)
        case RuleName.REFUND_STUCK_AFTER:
            back = told.refund(RefundState.PROCESSING, requested_at=at)
            return told.heard(told.shop_order(OrderState.REFUNDING), told.attempt(AttemptState.REFUND), back, told.shop_refund(back.state))
        case RuleName.RESOURCE_GRACE:
            held = resource.StockTally(source=claim.SHOP, as_of=told.NOW, sku=ids.Sku("tea"), taken=1, returned=0)
            early = told.shop_order(OrderState.CLOSED, created_at=at, closed_at=at)
            return told.heard(early, held, told.attempt(AttemptState.CLOSED))
        case _:
            raise AssertionError(name)


@pytest.mark.parametrize(
    "name, before, at, after",
    [
        (RuleName.CALLBACK_GRACE, (), (Ailment.PAID_NOT_RECORDED,), (Ailment.PAID_NOT_RECORDED,)),
        (RuleName.ORPHAN_GRACE, (), (Ailment.MONEY_WITHOUT_ORDER,), (Ailment.MONEY_WITHOUT_ORDER,)),
        (RuleName.UNPAID_EXPIRY, (), (Ailment.EXPIRED_UNPAID,), (Ailment.EXPIRED_UNPAID,)),
        (RuleName.UNPAID_EXPIRY_VIRTUAL, (), (Ailment.EXPIRED_UNPAID,), (Ailment.EXPIRED_UNPAID,)),
        (RuleName.RECOVERY_WINDOW, (Ailment.EXPIRED_UNPAID,), (Ailment.EXPIRED_UNPAID,), ()),
        (RuleName.REFUND_STUCK_AFTER, (), (), (Ailment.REFUND_STUCK,)),
        (RuleName.RESOURCE_GRACE, (), (Ailment.STOCK_NOT_RETURNED,), (Ailment.STOCK_NOT_RETURNED,)),
    ],
    ids=lambda v: v.value if isinstance(v, policy.RuleName) else None,
)
def test_both_sides_of_every_limit(
    name: RuleName, before: tuple[Ailment, ...], at: tuple[Ailment, ...], after: tuple[Ailment, ...]
) -> None:
    """A second before the limit, at it, and a second after it."""
    limit = told.limit(name)
    assert told.ailments(dossier_at(name, limit - TICK)) == before
    assert told.ailments(dossier_at(name, limit)) == at
    assert told.ailments(dossier_at(name, limit + TICK)) == after


def test_a_deposit_and_a_balance_are_recorded_by_a_person() -> None:
    """Two parts that make the price are no double payment; an open order that they settle is told to a person."""
    parts = (
        told.attempt(AttemptState.PAID, amount=money.Money(fen=900)),
        told.attempt(
            AttemptState.PAID, amount=money.Money(fen=9_000), number=ids.OutTradeNo("M-1-2"), transaction=ids.TransactionId("4201")
        ),
    )
    assert told.ailments(told.heard(told.shop_order(OPEN), *parts)) == (Ailment.PAID_NOT_RECORDED,)
    assert told.planned(told.heard(told.shop_order(OPEN), *parts)).remedy.value == "ask-person"
    assert told.diagnose(told.heard(told.shop_order(OrderState.SHIPPED), *parts)) == finding.Whole()


def test_our_own_refund_of_a_surplus_hides_no_refund_that_was_never_sent() -> None:
    """The shop owes its refund although as much went back already: that was the other payment's."""
    ours = ids.refund_no(told.SHOP, ids.TransactionId("4201"))
    back = told.refund(RefundState.DONE, ours, payment=SECOND.number)
    surplus = told.attempt(AttemptState.REFUND, number=SECOND.number, transaction=SECOND.transaction, paid_at=SECOND.paid_at)
    shop = told.shop_order(OrderState.REFUNDED, transaction=PAID.transaction)
    row = told.shop_refund(RefundState.DONE, done_at=told.ago(hours=2))
    assert told.ailments(told.heard(shop, PAID, surplus, back, row)) == (Ailment.REFUND_NOT_SENT,)


def test_a_fresh_refund_has_its_callback_under_way() -> None:
    """Both sides of the grace that a refund's own callback has."""
    shop = told.shop_order(OrderState.AWAITING_SHIPMENT)
    grace = told.limit(RuleName.CALLBACK_GRACE)
    for age, wanted in ((grace - TICK, ()), (grace, (Ailment.REFUND_NOT_RECORDED,))):
        back = told.refund(RefundState.DONE, done_at=told.NOW - age)
        assert told.ailments(told.heard(shop, told.attempt(AttemptState.REFUND), back)) == wanted


def test_a_callback_of_another_channel_explains_nothing() -> None:
    """Two channels under one number: the cause is read from the callbacks of the one that has the money."""
    shop = told.shop_order(OPEN)
    for channel, wanted in ((told.ALIPAY, "nothing-tells"), (told.WECHAT, "callback-acknowledged-not-applied")):
        notice = payment.Notice(
            source=claim.RELAY,
            as_of=told.NOW,
            channel=channel,
            number=PAID.number,
            check=payment.NoticeCheck.GENUINE,
            received_at=told.NOW,
            answer=payment.ShopAnswer.ACKNOWLEDGED,
            answer_code=200,
        )
        assert told.first(told.heard(shop, PAID, notice)).reason.detail.value == wanted


def test_refunds_in_two_currencies_are_found_and_not_added_up() -> None:
    """A mix of currencies must not stop the diagnosis."""
    long_ago = told.ago(days=9)
    one = told.refund(RefundState.PROCESSING, "R-1", requested_at=long_ago)
    other = told.refund(RefundState.PROCESSING, "R-2", requested_at=long_ago, amount=money.Money(fen=5, currency="USD"))
    assert Ailment.REFUND_STUCK in told.ailments(told.heard(told.attempt(AttemptState.REFUND), one, other))


def test_the_case_of_a_finding_is_the_same_when_it_is_found_again() -> None:
    """By ailment and subject, not by when it was read; another order's is another."""
    one, later = (told.first(told.heard(told.shop_order(OPEN, as_of=at), PAID)) for at in (told.NOW, told.NOW + TICK))
    assert one.case(told.KEY) == later.case(told.KEY)
    assert one.case(told.KEY) != one.case(ids.OrderKey(shop=told.SHOP, number=ids.OrderNumber("M-2")))
