"""The contract of `ports.Channel` on acting, for every connector over every transport: what it does is done once, and a look tells."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from makewhole.adapters.payments import connecting
from makewhole.adapters.payments.wechatpay import account
from makewhole.core import faults as our_faults
from makewhole.core import ids, money
from makewhole.flow import execute
from makewhole.model import act, finding, payment, plan, run
from makewhole.sandbox.channel.faults import Fault
from makewhole.sandbox.channel.truth import No, Outcome
from tests.payments import every
from tests.payments import shop as shops

UNKNOWN = "the channel says that it knows no such number"
NOTHING_HAPPENED = {Fault.REFUSED, Fault.RATE_LIMITED}


def look(shop: shops.Shop, step: plan.Step) -> run.News:
    return shop.channel.look(shops.ORDER, step, shop.clock.now())


def carry(shop: shops.Shop, step: plan.Step) -> run.Run:
    """A run of one step, to its end, on the shop's clock."""
    made = plan.Plan(
        order=shops.ORDER,
        ailment=finding.Ailment.PAID_AFTER_CLOSE,
        subject=("A1",),
        basis="0" * 64,
        remedy=plan.Remedy.REFUND_LATE,
        terminal=plan.Terminal.REFUNDED,
        stake=money.Money(fen=1),
        steps=(step,),
    )
    going = execute.begin(made, shop.clock.now())
    told: run.News = run.Woken()
    for _ in range(60):
        going, command = execute.advance(going, told, shop.clock.now())
        match command:
            case run.Do():
                told = shops.do(shop, step)
            case run.Look():
                told = look(shop, step)
            case run.Wait(until=until):
                shop.clock.advance(until - shop.clock.now())
                told = run.Woken()
            case run.Finish():
                return going
    raise AssertionError(f"still going after 60 turns: {told}")


def step_of(shop: shops.Shop, kind: type[act.Act]) -> plan.Step:
    """A step of this kind that can be done now."""
    if kind is act.RefundPayment:
        return shops.refund_step(shop.paid())
    if kind is act.ClosePayment:
        shop.opened()
        return shops.close_step()
    return shops.link_step("LINK-A1")


def effect(shop: shops.Shop, kind: type[act.Act]) -> object:
    """What this kind of act leaves behind."""
    if kind is act.RefundPayment:
        return [(r.out_refund_no, r.amount) for r in shop.truth.refunds.values()], shop.truth.kept("A1")
    return {n: t.state for n, t in shop.truth.transactions.items()}


DONE = {
    act.RefundPayment: ([("MW0001", 12850)], 0),
    act.ClosePayment: {"A1": "CLOSED"},
    act.NewPaymentLink: {"LINK-A1": "NOTPAY"},
}


def test_every_connector_declares_what_a_repeat_does(shop: shops.Shop) -> None:
    """Of each act that a channel can be asked for, and of no other."""
    assert isinstance(shop.channel, connecting.Connector)
    told = shop.channel._acts.REPEATS
    assert set(told) == set(shops.Shop.ACTS)
    assert all(told.values())


@pytest.mark.parametrize("kind", shops.Shop.ACTS)
def test_a_repeat_is_one_effect(shop: shops.Shop, kind: type[act.Act]) -> None:
    """What the connector declares of a repeat is so: three times asked, done once, the same answer."""
    step = step_of(shop, kind)
    first = shops.do(shop, step)
    assert [shops.do(shop, step), shops.do(shop, step)] == [first, first]
    assert effect(shop, kind) == DONE[kind]


@pytest.mark.parametrize("shop, fault", every.spoilt(), indirect=["shop"])
@pytest.mark.parametrize("kind", shops.Shop.ACTS)
def test_an_act_that_was_spoilt_once_is_done_once(shop: shops.Shop, kind: type[act.Act], fault: Fault) -> None:
    """Whatever is lost, refused or forged on the first try, the run ends done with one effect, though requests may land late."""
    step = step_of(shop, kind)
    before = effect(shop, kind)
    shop.ask("warm-up")
    shop.faults.next(fault)
    news = shops.do(shop, step)
    if isinstance(news, run.NotDone):
        assert effect(shop, kind) == before
    if fault in NOTHING_HAPPENED and shop.gate.patience is not None:
        assert isinstance(news, run.NotDone)
    ended = carry(shop, step)
    assert ended.end is run.End.DONE
    # What was held up on the way lands now.
    shop.clock.advance(timedelta(minutes=5))
    shop.ask()
    assert effect(shop, kind) == DONE[kind]


@pytest.mark.parametrize("kind", shops.Shop.ACTS)
def test_a_look_after_a_lost_answer_tells(shop: shops.Shop, kind: type[act.Act]) -> None:
    """It was carried out, and the look says so; a link that was lost with the answer is asked for again."""
    step = step_of(shop, kind)
    shop.faults.next(Fault.ANSWER_LOST)
    assert isinstance(shops.do(shop, step), run.Doubt)
    news = look(shop, step)
    if kind is act.RefundPayment and shop.refunds_take_time:
        assert isinstance(news, run.Pending)
    else:
        assert isinstance(news, run.Saw)
        assert news.there is (kind is not act.NewPaymentLink)


@pytest.mark.parametrize("fault", [Fault.REQUEST_LOST, Fault.UNSIGNED, Fault.RATE_LIMITED])
@pytest.mark.parametrize("kind", shops.Shop.ACTS)
def test_a_look_that_fails_says_neither_yes_nor_no(shop: shops.Shop, kind: type[act.Act], fault: Fault) -> None:
    """Trouble while looking is said of the look, not of the act."""
    step = step_of(shop, kind)
    shops.do(shop, step)
    shop.faults.next(fault, times=3)
    news = look(shop, step)
    assert isinstance(news, run.Saw)
    assert news.there is None


def test_closing_what_was_paid_is_refused(shop: shops.Shop) -> None:
    """The money stays, and the plan is made again."""
    shop.paid()
    news = shops.do(shop, shops.close_step())
    assert isinstance(news, run.Refusal)
    assert news.code == shop.gate.word(No.PAID)
    assert shop.truth.transactions["A1"].state == "SUCCESS"
    assert isinstance(look(shop, shops.close_step()), run.Refusal)


def test_an_open_attempt_is_not_seen_as_closed(shop: shops.Shop) -> None:
    """Before the close, and after one that was lost on the way."""
    shop.opened()
    still_open = run.Saw(there=False, why="the attempt is still open")
    assert look(shop, shops.close_step()) == still_open
    shop.faults.next(Fault.REQUEST_LOST, where="close")
    assert isinstance(shops.do(shop, shops.close_step()), run.Doubt)
    assert look(shop, shops.close_step()) == still_open


def test_a_close_that_was_answered_and_does_not_show_yet_is_pending(shop: shops.Shop) -> None:
    """The query after it met a replica that lags: not done, and not to be repeated in a circle."""
    shop.opened()
    shop.faults.next(Fault.REPLICA_LAG)
    assert isinstance(shops.do(shop, shops.close_step()), run.Pending)
    assert look(shop, shops.close_step()) == run.Saw(there=True)


def test_a_refund_of_another_payment_under_our_number_is_not_ours(shop: shops.Shop) -> None:
    """The look compares both of the payment's numbers, not only the refund's."""
    paid = shop.paid()
    step = shops.refund_step(paid)
    shops.do(shop, step)
    for other in ({"payment": ids.OutTradeNo("B1")}, {"transaction": ids.TransactionId("4200")}):
        changed = msgspec.structs.replace(step, act=msgspec.structs.replace(step.act, **other))
        news = look(shop, changed)
        # Where refunds are asked for by both numbers, one of a payment that nobody knows is not seen at all.
        assert news == run.Saw(there=None, why=UNKNOWN) or (isinstance(news, run.Refusal) and news.code == "CONTENT_DIFFERS")


def test_closing_a_number_that_the_channel_does_not_know_is_not_done(shop: shops.Shop) -> None:
    """Whatever the close was answered; the query after it knows nothing, and nothing is not closed."""
    news = shops.do(shop, shops.close_step("nowhere"))
    assert isinstance(news, run.Pending)
    assert [route for route, _ in shop.gate.asked if route != "certificates"] == ["close", "query"]
    assert look(shop, shops.close_step("nowhere")) == run.Saw(there=None, why=UNKNOWN)


def test_closing_is_not_done_while_the_buyer_types() -> None:
    """WeChat Pay's 202 on the close: nothing happened, later the same again."""
    shop = shops.shop()
    shop.opened()
    shop.faults.next(Fault.USERPAYING, where="close")
    assert isinstance(shops.do(shop, shops.close_step()), run.NotDone)
    assert shops.attempt(shop).state is payment.AttemptState.UNPAID


def test_money_that_comes_between_close_and_query_is_seen(shop: shops.Shop) -> None:
    """The close was answered, and yet it was paid: a refusal, never a success."""
    shop.opened()
    shop.faults.next(Fault.ANSWER_LOST, where="close")
    assert isinstance(shops.do(shop, shops.close_step()), run.Doubt)
    shop.truth.buyer_pays("A1", late=True)
    news = look(shop, shops.close_step())
    assert isinstance(news, run.Refusal)
    assert news.code == shop.gate.word(No.PAID)


def test_a_refund_ends_as_wechat_pay_says() -> None:
    """Success is seen; closed and abnormal are refusals with their code; a stuck one stays pending."""
    shop = shops.shop()
    paid = shop.paid(total=1000)
    expected = {
        Outcome.SUCCESS: run.Saw(there=True),
        Outcome.CLOSED: "REFUND.CLOSED",
        Outcome.ABNORMAL: "REFUND.ABNORMAL",
    }
    for at, outcome in enumerate(Outcome):
        shop.truth.plan_refund(f"R{at}", outcome)
        step = shops.refund_step(paid, 100, f"R{at}")
        assert isinstance(shops.do(shop, step), run.Pending)
        shop.clock.advance(shop.truth.refund_takes)
        news = look(shop, step)
        if outcome is Outcome.STUCK:
            assert isinstance(news, run.Pending)
        elif isinstance(news, run.Refusal):
            assert news.code == expected[outcome]
        else:
            assert news == expected[outcome]


def test_a_new_link_for_a_number_that_was_paid_closed_or_used_is_refused(shop: shops.Shop) -> None:
    """The plan is made again."""
    shop.paid("LINK-P1")
    shop.opened("LINK-C1")
    shop.truth.close("LINK-C1")
    shop.opened("LINK-U1", 777)
    codes = {}
    for number in ("LINK-P1", "LINK-C1", "LINK-U1"):
        news = shops.do(shop, shops.link_step(number))
        assert isinstance(news, run.Refusal)
        codes[number] = news.code
    assert codes == {"LINK-P1": shop.gate.word(No.PAID), "LINK-C1": shop.gate.word(No.CLOSED), "LINK-U1": shop.gate.word(No.NUMBER_USED)}
    assert shop.truth.transactions["LINK-U1"].order.total == 777


@pytest.mark.parametrize(
    "kind, begins",
    [
        (account.LinkKind.NATIVE, "weixin://wxpay/bizpayurl"),
        (account.LinkKind.H5, "http"),
        (account.LinkKind.APP, "wx2026"),
        (account.LinkKind.JSAPI, "wx2026"),
    ],
)
def test_kinds_of_links(kind: account.LinkKind, begins: str) -> None:
    """Each kind by a setting; jsapi only where somebody knows the buyer's openid."""
    shop = shops.shop(link=kind, openid_of=lambda number: "oBuyer" if number == "A1" else None)
    news = shops.do(shop, shops.link_step())
    assert isinstance(news, run.Succeeded)
    assert news.detail.startswith(begins)
    refused = shops.do(shop, shops.link_step("A2"))
    if kind is account.LinkKind.JSAPI:
        assert isinstance(refused, run.Refusal)
        assert refused.code == "NO_OPENID"
        assert "A2" not in shop.truth.transactions


def test_the_channel_does_only_its_own_acts(shop: shops.Shop) -> None:
    """An act of the shop's is a Defect, before anything is sent."""
    step = plan.Step(act=act.GiveCouponBack(coupon=ids.CouponId("c")))
    for verb in (shop.channel.do, shop.channel.look, shop.channel.preview):
        with pytest.raises(our_faults.Defect):
            verb(shops.ORDER, step, shop.clock.now())
    assert shop.gate.asked == []


@pytest.mark.parametrize("kind", shops.Shop.ACTS)
def test_a_preview_sends_nothing(shop: shops.Shop, kind: type[act.Act]) -> None:
    """One line a call, with number and amount."""
    step = step_of(shop, kind)
    (line,) = shop.channel.preview(shops.ORDER, step, shop.clock.now())
    assert "A1" in line or "MW0001" in line
    assert shop.gate.asked == []
