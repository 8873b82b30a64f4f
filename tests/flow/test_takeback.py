"""A payment that a person decided never came: taken back only on that word, while the channel has nothing and nothing has followed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from makewhole.core import ids
from makewhole.flow import guard
from makewhole.model import (
    act,
    bill,
    claim,
    comparison,
    decision,
    difference,
    dossier,
    fact,
    finding,
    order,
    payment,
    plan,
    policy,
    resource,
    verdict,
)
from makewhole.model.order import OrderState as S
from makewhole.model.payment import AttemptState, RefundState
from makewhole.model.plan import Remedy
from makewhole.model.verdict import Ground
from tests.flow import told

OF = ids.Key("d" * ids.KEY_LENGTH)
HOUR_AGO = told.ago(hours=1)
GOODS, BACK, NO_TIME = fact.Says.GOODS_ARE_OUT, fact.Says.MONEY_GOES_BACK, fact.Says.NO_TIME_TO_PAY


def ruling(choice: decision.Choice = decision.Choice.CHANNEL_IS_RIGHT, *, speaks: bool = True, **fields: Any) -> difference.Ruling:
    """Finance has looked at what our book alone has."""
    ours = comparison.Told(
        line=1, amount_fen=9_900, fee_millifen=None, currency="CNY", standing=bill.Standing.PAID, at=HOUR_AGO, day=bill.day_of(HOUR_AGO)
    )
    of: dict[str, Any] = {
        "id": OF, "order": told.KEY, "channel": told.WECHAT, "merchant": "19", "kind": bill.Kind.PAYMENT, "number": "M-1",
        "what": bill.Break.OURS_ONLY, "day": ours.day, "ours": ours, "theirs": None, "found_at": HOUR_AGO, "source": "b1",
    }  # fmt: skip
    said = decision.Decision(choice=choice, by="Lin", why="no such money", at=HOUR_AGO)
    return difference.Ruling(source=told.WECHAT, as_of=HOUR_AGO, of=difference.Difference(**{**of, **fields}), said_so=said, speaks=speaks)


def marked(*more: dossier.AnyClaim, silences: tuple[claim.Silence, ...] = (), **fields: Any) -> dossier.Dossier:
    """An order of an hour ago that says paid, its attempt closed without money; `more` says what else is heard."""
    shop = told.shop_order(fields.pop("state", S.AWAITING_SHIPMENT), **{"created_at": HOUR_AGO, "paid_at": HOUR_AGO, **fields})
    attempts = () if any(isinstance(m, payment.Attempt) for m in more) else (told.attempt(AttemptState.CLOSED),)
    return told.heard(shop, *attempts, *more, silences=silences)


def test_it_is_reopened_while_it_may_be_paid_and_closed_from_then_on() -> None:
    """Both sides of the instant at which its time is over; only what the stock ledger proves goes back with it, and its own coupon."""
    due = told.NOW + told.limit(policy.RuleName.CALLBACK_GRACE)
    use = resource.CouponUse(
        source=claim.SHOP, as_of=told.NOW, coupon=ids.CouponId("c"), state=resource.CouponState.USED, order=told.KEY.number
    )
    tally = resource.StockTally(source=claim.SHOP, as_of=told.NOW, sku=ids.Sku("tea"), taken=3, returned=0)
    heard = marked(ruling(), use, tally, told.attempt(AttemptState.UNPAID), expires_at=due, coupon=ids.CouponId("c"))
    early, late = told.planned(heard, due - due.resolution), told.planned(heard, due)
    assert [s.act for s in early.steps] == [act.ReopenUnpaid(difference=OF)]
    assert [s.act for s in late.steps] == [
        act.ClosePayment(channel=told.WECHAT, payment=ids.OutTradeNo("M-1")),
        act.CloseUnpaid(difference=OF, items=(told.TEA,), coupon=ids.CouponId("c")),
    ]
    assert [(p.remedy, p.steps[-1].expects, p.terminal) for p in (early, late)] == [
        (Remedy.TAKE_PAYMENT_BACK, "1", plan.Terminal.RESTORED)
    ] * 2
    assert [[w.says.value for w in p.why] for p in (early, late)] == [["decided", "may-be-paid-until"], ["decided", "shop-expired-at"]]
    bare = told.planned(marked(ruling())).steps[-1].act
    assert bare == act.CloseUnpaid(difference=OF), "no ledger of stock: nothing proves that it holds anything"


UNDECIDED = {
    "nobody decided": (),
    "the shop is right": (ruling(decision.Choice.SHOP_IS_RIGHT),),
    "written off": (ruling(decision.Choice.WRITE_OFF),),
    "to wait": (ruling(decision.Choice.WAIT),),
    "something has changed since": (ruling(speaks=False),),
    "about a refund": (ruling(kind=bill.Kind.REFUND),),
    "about an amount": (ruling(what=bill.Break.AMOUNT),),
    "the channel had it": (ruling(theirs=ruling().of.ours),),
}


@pytest.mark.parametrize("rulings", UNDECIDED.values(), ids=UNDECIDED.keys())
def test_without_that_very_decision_it_stays_a_persons(rulings: tuple[difference.Ruling, ...]) -> None:
    """Nothing is planned; and what somebody plans all the same is refused."""
    heard = marked(*rulings)
    made = told.planned(heard)
    assert (made.remedy, made.why) == (Remedy.ASK_PERSON, ())
    for one in (act.ReopenUnpaid(difference=OF), act.CloseUnpaid(difference=OF)):
        assert judged(heard, plan.Step(act=one, expects="1")) is Ground.NOT_DECIDED


HINDERED: dict[str, tuple[dossier.Dossier, fact.Says]] = {
    "shipped": (marked(ruling(), state=S.SHIPPED), GOODS),
    "completed": (marked(ruling(), state=S.COMPLETED), GOODS),
    "in part": (marked(ruling(), state=S.PARTLY_SHIPPED), GOODS),
    "with a parcel": (marked(ruling(), tracking="SF1"), GOODS),
    "at an instant": (marked(ruling(), shipped_at=told.ago(minutes=1)), GOODS),
    "a part of it": (
        marked(
            ruling(),
            suborders=order.Suborders(
                own=S.AWAITING_SHIPMENT,
                own_words=(S.AWAITING_SHIPMENT,),
                part_words=tuple(S),
                due=told.DUE,
                parts=tuple(order.Suborder(key=s.value, state=s, raw_state="?") for s in (S.AWAITING_SHIPMENT, S.SHIPPED)),
            ),
        ),
        GOODS,
    ),
    "refund asked for": (marked(ruling(), told.shop_refund(RefundState.REQUESTED)), BACK),
    "refund done": (marked(ruling(), told.shop_refund(RefundState.DONE)), BACK),
    "refund at the channel": (marked(ruling(), told.refund(RefundState.PROCESSING)), BACK),
}


@pytest.mark.parametrize("heard, why", HINDERED.values(), ids=HINDERED.keys())
def test_what_went_on_is_a_persons_with_the_reason(heard: dossier.Dossier, why: fact.Says) -> None:
    """Goods are out, or money is going back: asked anew, as another question than the one that was decided; a plan for it is refused."""
    made = told.planned(heard)
    assert (made.remedy, [w.says for w in made.why]) == (Remedy.ASK_PERSON, [fact.Says.DECIDED, why])
    asked = made.steps[0].act
    assert isinstance(asked, act.AskPerson)
    assert asked.topic.endswith(OF)
    assert judged(heard, plan.Step(act=act.CloseUnpaid(difference=OF), expects="1")) is Ground.ORDER_WENT_ON


def test_an_order_that_may_be_paid_for_ever_is_a_persons() -> None:
    """To leave it open, or to close it, would be a guess."""
    made = told.planned(marked(ruling(), created_at=None))
    assert (made.remedy, [w.says for w in made.why]) == (Remedy.ASK_PERSON, [fact.Says.DECIDED, NO_TIME])


UNSURE = {
    "not found": ((), (claim.Why.NOT_FOUND,)),
    "not reached": ((told.attempt(AttemptState.CLOSED),), (claim.Why.UNREACHABLE,)),
    "being paid": ((told.attempt(AttemptState.PAYING),), ()),
    "paid at another channel": ((told.attempt(AttemptState.CLOSED), told.attempt(AttemptState.PAID, channel=told.ALIPAY)), ()),
}


@pytest.mark.parametrize("attempts, silences", UNSURE.values(), ids=UNSURE.keys())
def test_unless_every_channel_says_that_there_is_no_money_nothing_is_lowered(
    attempts: tuple[payment.Attempt, ...], silences: tuple[claim.Why, ...]
) -> None:
    """`Not found` is not `unpaid` here either: no plan for it is found, and none is let through."""
    shop = told.shop_order(S.AWAITING_SHIPMENT, created_at=HOUR_AGO, paid_at=HOUR_AGO)
    heard = told.heard(shop, *attempts, ruling(), silences=tuple(told.silence(w, source=told.ALIPAY) for w in silences))
    assert finding.Ailment.PAID_IN_SHOP_ONLY not in told.ailments(heard)
    for one in (act.ReopenUnpaid(difference=OF), act.CloseUnpaid(difference=OF)):
        assert judged(heard, plan.Step(act=one, expects="1")) is Ground.EXPIRES_WITHOUT_ASKING


def judged(heard: dossier.Dossier, *steps: plan.Step, rules: policy.Policy = told.RULES) -> Ground | None:
    made = plan.Plan(
        order=told.KEY,
        ailment=finding.Ailment.PAID_IN_SHOP_ONLY,
        subject=("M-1",),
        basis=heard.digest(),
        remedy=Remedy.TAKE_PAYMENT_BACK,
        terminal=plan.Terminal.RESTORED,
        stake=told.DUE,
        steps=steps,
    )
    said = guard.guard(made, rules, verdict.Exposure(dossier=heard), told.NOW)
    return None if isinstance(said, verdict.Allowed) else said.ground


def test_a_decision_is_no_way_around_the_policy() -> None:
    """Compare-and-set, the very difference, the attempt closed before its order; and the kill switch holds it like any other."""
    heard = marked(ruling(), told.attempt(AttemptState.UNPAID))
    closing = plan.Step(act=act.ClosePayment(channel=told.WECHAT, payment=ids.OutTradeNo("M-1")))
    close = plan.Step(act=act.CloseUnpaid(difference=OF), expects="1")
    assert judged(heard, closing, close) is None
    assert judged(heard, close, closing) is Ground.EXPIRES_WITHOUT_ASKING
    assert judged(heard, closing, msgspec.structs.replace(close, expects=None)) is Ground.WITHOUT_COMPARE_AND_SET
    other = plan.Step(act=act.CloseUnpaid(difference=ids.Key("e" * ids.KEY_LENGTH)), expects="1")
    assert judged(heard, closing, other) is Ground.NOT_DECIDED
    off = tuple(msgspec.structs.replace(r, value=0) if r.name is policy.RuleName.AUTOMATIC_REPAIRS else r for r in told.RULES.rules)
    assert judged(heard, closing, close, rules=policy.Policy(version="test", rules=off)) is Ground.KILL_SWITCH


def test_what_was_closed_so_is_whole_and_not_recalled() -> None:
    """Beside it, the same order that nobody decided about: it ran out of time, and its window is open."""
    closed: dict[str, Any] = {"state": S.CLOSED, "paid_at": None, "closed_at": told.ago(minutes=1)}
    assert told.ailments(marked(ruling(speaks=False), **closed)) == ()
    assert told.ailments(marked(**closed)) == (finding.Ailment.EXPIRED_UNPAID,)
