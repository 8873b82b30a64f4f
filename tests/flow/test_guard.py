"""What policy says: every rung alone, both sides of each limit, refusals before holds; and what is reserved with a run."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from makewhole.core import ids, money
from makewhole.flow import guard
from makewhole.model import act, claim, dossier, finding, payment, plan, policy, resource, verdict
from makewhole.model.order import OrderState
from makewhole.model.payment import AttemptState, RefundState
from makewhole.model.policy import RuleName
from makewhole.model.verdict import Ground
from tests.flow import told


def unrecorded(due: money.Money = told.DUE) -> dossier.Dossier:
    shop = told.shop_order(OrderState.AWAITING_PAYMENT, due=due, buyer="b")
    return told.heard(shop, told.attempt(AttemptState.PAID, amount=due))


def surplus(times: int = 1, buyer: str | None = "b") -> dossier.Dossier:
    more = [
        told.attempt(
            AttemptState.PAID,
            number=ids.OutTradeNo(f"M-1-{n}"),
            transaction=ids.TransactionId(f"42{n:02}"),
            paid_at=told.ago(minutes=4),
        )
        for n in range(1, times + 1)
    ]
    shop = told.shop_order(OrderState.AWAITING_SHIPMENT, buyer=buyer, transaction=ids.TransactionId("4200"))
    return told.heard(shop, told.attempt(AttemptState.PAID), *more)


def expired(at: datetime = told.NOW - timedelta(hours=1)) -> dossier.Dossier:
    left = resource.StockLeft(source=claim.SHOP, as_of=told.NOW, sku=ids.Sku("tea"), available=3)
    shop = told.shop_order(OrderState.AWAITING_PAYMENT, created_at=at - timedelta(minutes=30), expires_at=at)
    return told.heard(shop, told.attempt(AttemptState.UNPAID), left)


def judge(
    heard: dossier.Dossier, made: plan.Plan | None = None, rules: policy.Policy = told.RULES, now: datetime = told.NOW, **exposed: Any
) -> verdict.Verdict:
    exposure = verdict.Exposure(**{"dossier": heard, **exposed})
    return guard.guard(made or told.planned(heard, now), rules, exposure, now)


def ground(said: verdict.Verdict) -> Ground | None:
    return None if isinstance(said, verdict.Allowed) else said.ground


def ruled(name: RuleName, value: int) -> policy.Policy:
    changed = tuple(msgspec.structs.replace(r, value=value) if r.name is name else r for r in told.RULES.rules)
    return policy.Policy(version="test", rules=changed)


def of(heard: dossier.Dossier, *steps: plan.Step, remedy: plan.Remedy = plan.Remedy.CLOSE_EXPIRED) -> plan.Plan:
    return plan.Plan(
        order=told.KEY,
        ailment=finding.Ailment.EXPIRED_UNPAID,
        subject=("M-1",),
        basis=heard.digest(),
        remedy=remedy,
        terminal=plan.Terminal.RESTORED,
        stake=told.DUE,
        steps=steps,
    )


def refund(amount: money.Money = told.DUE, number: str = "R-9", **fields: Any) -> plan.Step:
    asked: dict[str, Any] = {
        "channel": told.WECHAT,
        "payment": ids.OutTradeNo("M-1"),
        "transaction": ids.TransactionId("4200"),
        "number": ids.RefundNo(number),
        "amount": amount,
        "paid": told.DUE,
    }
    return plan.Step(act=act.RefundPayment(**{**asked, **fields}))


def test_every_verdict_names_the_policy() -> None:
    """Allowed, held and refused alike: the version by which it was judged (law 1)."""
    for said in (
        judge(unrecorded()),
        judge(unrecorded(), rules=told.RULES, repairs_today=9999),
        judge(surplus(), told.planned(unrecorded())),
    ):
        assert said.policy_version == told.RULES.version


@pytest.mark.parametrize("fen, said", [(499_999, None), (500_000, Ground.REVIEW_AMOUNT), (500_001, Ground.REVIEW_AMOUNT)])
def test_five_thousand_yuan_is_reviewed(fen: int, said: Ground | None) -> None:
    """Both sides of R15's amount."""
    assert ground(judge(unrecorded(money.Money(fen=fen)))) == said


@pytest.mark.parametrize("times, said", [(3, None), (4, Ground.TOO_MANY_PAYMENTS)])
def test_more_than_three_repeated_payments_are_a_risk(times: int, said: Ground | None) -> None:
    """Three repeats beside the order's own payment pass, the fourth does not."""
    assert ground(judge(surplus(times))) == said


@pytest.mark.parametrize(
    "today, refunds, said", [(4, 1, None), (5, 1, Ground.TOO_MANY_REFUNDS), (3, 2, None), (4, 2, Ground.TOO_MANY_REFUNDS)]
)
def test_more_than_five_refunds_a_day_are_stopped(today: int, refunds: int, said: Ground | None) -> None:
    """Those of the plan count with those of the day."""
    assert ground(judge(surplus(refunds), refunds_today=today)) == said


def test_refunds_of_the_day_hold_no_plan_that_refunds_nothing() -> None:
    """The limit is of refunds, not of buyers."""
    assert ground(judge(unrecorded(), refunds_today=99)) is None


@pytest.mark.parametrize("today, said", [(1999, None), (2000, Ground.DAILY_COUNT)])
def test_repairs_a_day_are_counted(today: int, said: Ground | None) -> None:
    """Both sides of the house's number."""
    assert ground(judge(unrecorded(), repairs_today=today)) == said


@pytest.mark.parametrize("today, said", [(50_000_000 - 9_900, None), (50_000_000 - 9_899, Ground.DAILY_AMOUNT)])
def test_money_repaired_a_day_is_counted(today: int, said: Ground | None) -> None:
    """To the fen."""
    assert ground(judge(unrecorded(), repaired_today_fen=today)) == said


@pytest.mark.parametrize("switch, said", [(1, None), (0, Ground.KILL_SWITCH)])
def test_the_kill_switch_holds_everything(switch: int, said: Ground | None) -> None:
    """Except asking a person, which harms nobody."""
    off = ruled(RuleName.AUTOMATIC_REPAIRS, switch)
    assert ground(judge(unrecorded(), rules=off)) == said
    wrong = told.heard(told.shop_order(OrderState.AWAITING_PAYMENT), told.attempt(AttemptState.PAID, amount=money.Money(fen=1)))
    assert told.planned(wrong).remedy is plan.Remedy.ASK_PERSON
    assert judge(wrong, rules=off) == verdict.Allowed(policy_version="test")


@pytest.mark.parametrize("over", [-1, 0, 1])
@pytest.mark.parametrize(
    "actor, name", [(verdict.Actor.ENGINE, RuleName.RECOVERY_WINDOW), (verdict.Actor.PERSON, RuleName.RECALL_BY_PERSON)]
)
def test_a_recall_has_its_window(actor: verdict.Actor, name: RuleName, over: int) -> None:
    """24 hours for the engine, two for a person's hand; a second before, at, and after."""
    limit = told.RULES.span(name)
    heard = expired(told.NOW - limit)
    made = told.planned(heard)
    assert made.remedy is plan.Remedy.RECALL
    said = judge(heard, made, now=told.NOW + timedelta(seconds=over), actor=actor)
    assert ground(said) == (Ground.OUTSIDE_WINDOW if over > 0 else None)


def test_a_changed_dossier_needs_another_plan() -> None:
    """Whatever changed: the row's version, the payment, or who is silent. Reading the same again changes nothing."""
    heard, made = unrecorded(), told.planned(unrecorded())
    shop, paid = heard.shop(), heard.of(payment.Attempt)[0]
    assert shop is not None
    changes = [
        told.heard(msgspec.structs.replace(shop, version="2"), paid),
        told.heard(shop, msgspec.structs.replace(paid, state=AttemptState.REFUND)),
        told.heard(shop, paid, silences=(told.silence(claim.Why.UNREACHABLE, source=told.ALIPAY),)),
    ]
    assert [ground(judge(changed, made)) for changed in changes] == [Ground.DOSSIER_CHANGED] * 3
    later = told.heard(msgspec.structs.replace(shop, as_of=told.NOW + timedelta(hours=1)), paid)
    assert ground(judge(later, made)) is None


CLOSE = plan.Step(act=act.CloseExpired(items=(told.TEA,)), expects="1")
REISSUE = plan.Step(act=act.ReissueOrder(new_number=ids.OrderNumber("M-1R1"), expires_at=told.NOW, items=(told.TEA,)))


@pytest.mark.parametrize("step", [CLOSE, REISSUE], ids=["close", "reissue"])
@pytest.mark.parametrize(
    "attempts, silences, said",
    [
        ((AttemptState.UNPAID,), (), None),
        ((AttemptState.CLOSED,), (), None),
        ((AttemptState.FAILED,), (), None),
        ((AttemptState.PAYING,), (), Ground.EXPIRES_WITHOUT_ASKING),
        ((AttemptState.PAID,), (), Ground.EXPIRES_WITHOUT_ASKING),
        ((AttemptState.REFUND,), (), Ground.EXPIRES_WITHOUT_ASKING),
        ((), (), Ground.EXPIRES_WITHOUT_ASKING),
        ((), (claim.Why.NOT_FOUND,), Ground.EXPIRES_WITHOUT_ASKING),
        ((AttemptState.UNPAID,), (claim.Why.UNREACHABLE,), Ground.EXPIRES_WITHOUT_ASKING),
        ((AttemptState.UNPAID,), (claim.Why.NOT_CONFIGURED,), Ground.EXPIRES_WITHOUT_ASKING),
    ],
)
def test_nothing_is_expired_without_asking(
    step: plan.Step, attempts: tuple[AttemptState, ...], silences: tuple[claim.Why, ...], said: Ground | None
) -> None:
    """Law 5: every channel was asked, answered, and said unpaid."""
    quiet = tuple(told.silence(w, source=told.ALIPAY) for w in silences)
    heard = told.heard(told.shop_order(OrderState.AWAITING_PAYMENT), *(told.attempt(a) for a in attempts), silences=quiet)
    assert ground(judge(heard, of(heard, step))) == said


LINK = plan.Step(act=act.NewPaymentLink(channel=told.WECHAT, payment=ids.OutTradeNo("M-1R1"), amount=told.DUE, expires_at=told.NOW))


def closing(channel: ids.ChannelName) -> plan.Step:
    return plan.Step(act=act.ClosePayment(channel=channel, payment=ids.OutTradeNo("M-1")))


@pytest.mark.parametrize(
    "attempts, steps, said",
    [
        ((told.attempt(AttemptState.CLOSED),), (LINK,), None),
        ((told.attempt(AttemptState.UNPAID),), (closing(told.WECHAT), LINK), None),
        ((told.attempt(AttemptState.UNPAID),), (LINK,), Ground.PAYS_AGAIN_BLINDLY),
        ((told.attempt(AttemptState.UNPAID),), (LINK, closing(told.WECHAT)), Ground.PAYS_AGAIN_BLINDLY),
        ((told.attempt(AttemptState.UNPAID, channel=told.ALIPAY),), (closing(told.WECHAT), LINK), Ground.PAYS_AGAIN_BLINDLY),
        ((told.attempt(AttemptState.FAILED),), (LINK,), Ground.PAYS_AGAIN_BLINDLY),
        ((told.attempt(AttemptState.PAID),), (closing(told.WECHAT), LINK), Ground.PAYS_AGAIN_BLINDLY),
    ],
    ids=["closed", "closes-first", "left-open", "closes-after", "closes-the-other-channel", "failed", "paid"],
)
def test_nobody_pays_again_blindly(attempts: tuple[payment.Attempt, ...], steps: tuple[plan.Step, ...], said: Ground | None) -> None:
    """R11: a new way to pay only after every old one is closed, in its own channel, and only while nothing was paid."""
    heard = told.heard(told.shop_order(OrderState.AWAITING_PAYMENT), *attempts)
    assert ground(judge(heard, of(heard, *steps))) == said


@pytest.mark.parametrize(
    "done",
    [
        act.CloseExpired(items=()),
        act.GiveStockBack(sku=ids.Sku("tea"), quantity=1),
        act.TakeStockBack(sku=ids.Sku("tea"), quantity=1),
        act.GiveCouponBack(coupon=ids.CouponId("c")),
        act.RecordRefund(number=ids.RefundNo("R-1"), amount=told.DUE, full=True),
    ],
    ids=lambda a: type(a).__name__,
)
def test_no_row_is_written_without_compare_and_set(done: act.AnyAct) -> None:
    """With the version that was read it passes this rung, without it is refused."""
    heard = told.heard(told.shop_order(OrderState.AWAITING_PAYMENT), told.attempt(AttemptState.UNPAID))
    assert ground(judge(heard, of(heard, plan.Step(act=done)))) is Ground.WITHOUT_COMPARE_AND_SET
    assert ground(judge(heard, of(heard, plan.Step(act=done, expects="1")))) is None


YUAN = money.Money(fen=100)


@pytest.mark.parametrize(
    "steps, said",
    [
        ((refund(),), None),
        ((refund(money.Money(fen=1)),), None),
        ((refund(money.Money(fen=0)),), Ground.REFUND_EXCEEDS_PAYMENT),
        ((refund(money.Money(fen=-1)),), Ground.REFUND_EXCEEDS_PAYMENT),
        ((refund(money.Money(fen=9_901)),), Ground.REFUND_EXCEEDS_PAYMENT),
        ((refund(money.Money(fen=9_900, currency="USD")),), Ground.REFUND_EXCEEDS_PAYMENT),
        ((refund(money.Money(fen=99_000), paid=money.Money(fen=99_000)),), Ground.REFUND_EXCEEDS_PAYMENT),
        ((refund(payment=ids.OutTradeNo("M-2")),), Ground.REFUND_EXCEEDS_PAYMENT),
        ((refund(channel=told.ALIPAY),), Ground.REFUND_EXCEEDS_PAYMENT),
        ((refund(money.Money(fen=9_800)), refund(YUAN, "R-10")), None),
        ((refund(money.Money(fen=9_801)), refund(YUAN, "R-10")), Ground.REFUND_EXCEEDS_PAYMENT),
        ((refund(), refund(YUAN)), Ground.SAME_KEY_OTHER_CONTENT),
    ],
)
def test_a_refund_is_within_what_came(steps: tuple[plan.Step, ...], said: Ground | None) -> None:
    """Alone and with the plan's other refunds; what came is what the channel says, in its currency, not what the plan says."""
    heard = told.heard(told.shop_order(OrderState.AWAITING_SHIPMENT), told.attempt(AttemptState.PAID))
    assert ground(judge(heard, of(heard, *steps, remedy=plan.Remedy.REFUND_SURPLUS))) == said


@pytest.mark.parametrize(
    "state, fits", [(RefundState.DONE, False), (RefundState.PROCESSING, False), (RefundState.ABNORMAL, False), (RefundState.CLOSED, True)]
)
def test_earlier_refunds_count(state: RefundState, fits: bool) -> None:  # noqa: FBT001
    """Whatever went back, or may: only a refund that the channel closed leaves room. The same number asked again is one refund."""
    back = told.refund(state, "R-1")
    heard = told.heard(told.shop_order(OrderState.REFUNDING), told.attempt(AttemptState.REFUND), back)
    assert ground(judge(heard, of(heard, refund()))) == (None if fits else Ground.REFUND_EXCEEDS_PAYMENT)
    assert ground(judge(heard, of(heard, refund(number="R-1")))) is None
    assert ground(judge(heard, of(heard, refund(YUAN, number="R-1")))) is Ground.SAME_KEY_OTHER_CONTENT


@pytest.mark.parametrize("why", list(claim.Why))
@pytest.mark.parametrize("source", [told.WECHAT, told.ALIPAY])
def test_money_waits_for_who_could_know(why: claim.Why, source: str) -> None:
    """The refund query of the same channel must have been answered; "no such refund" is an answer."""
    quiet = told.silence(why, claim.About.REFUND, source)
    heard = told.heard(told.shop_order(OrderState.AWAITING_SHIPMENT), told.attempt(AttemptState.PAID), silences=(quiet,))
    answered = why in {claim.Why.NOT_FOUND, claim.Why.NOT_CONFIGURED} or source != told.WECHAT
    assert ground(judge(heard, of(heard, refund()))) == (None if answered else Ground.SOURCE_SILENT)


def test_refusals_come_before_holds() -> None:
    """What nobody may do is not put before somebody to approve."""
    heard = told.heard(told.shop_order(OrderState.AWAITING_PAYMENT), silences=(told.silence(claim.Why.UNREACHABLE),))
    said = judge(heard, of(heard, CLOSE), rules=ruled(RuleName.AUTOMATIC_REPAIRS, 0), repairs_today=9_999)
    assert isinstance(said, verdict.Refused)


def test_limits_are_reserved_with_the_run() -> None:
    """One repair of the day for the case, one refund of the day for the buyer, and the payment's own sum for each refund."""
    heard = surplus(2)
    said = judge(heard)
    assert isinstance(said, verdict.Allowed)
    assert [(r.bucket, r.count, r.amount_fen, r.count_max, r.amount_max_fen) for r in said.reservations] == [
        ("repairs/mall/2026-11-20", 1, 19_800, 2_000, 50_000_000),
        ("refunds/mall/b/2026-11-20", 1, 0, 5, None),
        ("refunded/wechatpay/4201", 0, 9_900, None, 9_900),
        ("refunds/mall/b/2026-11-20", 1, 0, 5, None),
        ("refunded/wechatpay/4202", 0, 9_900, None, 9_900),
    ]
    assert len({(r.bucket, r.key) for r in said.reservations}) == 5


def test_the_same_case_reserves_the_same_use() -> None:
    """Judged again after something else changed, it counts once: bucket and key are of the case, not of the plan."""
    once, again = judge(unrecorded()), judge(told.heard(*unrecorded().claims, told.shop_refund(RefundState.CLOSED)))
    assert isinstance(once, verdict.Allowed)
    assert isinstance(again, verdict.Allowed)
    assert once.reservations == again.reservations


def test_the_day_is_beijings() -> None:
    """Midnight there, whatever the server's zone."""
    assert guard.today(datetime.fromisoformat("2026-11-20T15:59:59+00:00")) == "2026-11-20"
    assert guard.today(datetime.fromisoformat("2026-11-20T16:00:00+00:00")) == "2026-11-21"


def test_the_buyer_is_who_the_shop_says_or_else_who_paid() -> None:
    """Nobody known: no refund is counted against anybody."""
    assert guard.buyer_of(surplus(buyer="b")) == "b"
    payer = told.attempt(AttemptState.PAID, payer="openid")
    assert guard.buyer_of(told.heard(told.shop_order(OrderState.AWAITING_SHIPMENT), payer)) == "openid"
    assert guard.buyer_of(surplus(buyer=None)) is None
    said = judge(surplus(buyer=None))
    assert isinstance(said, verdict.Allowed)
    assert len(said.reservations) == 2


def test_every_remedy_but_a_persons_writes_with_a_version() -> None:
    """Each plan of the shipped playbook passes the rung of compare-and-set by itself."""
    for heard in (unrecorded(), expired()):
        on_rows = [s for s in told.planned(heard).steps if isinstance(s.act, act.RecordPayment | act.CloseExpired)]
        assert on_rows
        assert all(s.expects == "1" for s in on_rows)
