"""What is heard, what came of it, and what is written down: observe, verify and record."""

from __future__ import annotations

import itertools
from datetime import timedelta

import msgspec
import pytest

from makewhole.core import codec, ids, money
from makewhole.flow import execute, observe, record, verify
from makewhole.model import case, claim, dossier, finding, payment, plan, resource, run, verdict
from makewhole.model.finding import Ailment
from makewhole.model.order import OrderState
from makewhole.model.payment import AttemptState, RefundState
from tests.flow import told

TICK = timedelta(seconds=1)


def said_at(seconds: int, state: AttemptState) -> payment.Attempt:
    return told.attempt(state, as_of=told.NOW + seconds * TICK)


PAID, CLOSED, FAILED = said_at(10, AttemptState.PAID), said_at(5, AttemptState.CLOSED), said_at(1, AttemptState.FAILED)


@pytest.mark.parametrize("news", list(itertools.permutations((PAID, CLOSED, FAILED))))
def test_late_and_disordered_news_change_nothing(news: tuple[payment.Attempt, ...]) -> None:
    """Success, then an older failure, then an older closing, in every order of arrival: what was said last counts (attack 9)."""
    assert told.heard(*news).claims == (PAID,)


def test_news_of_a_success_after_a_refund_does_not_undo_it() -> None:
    """The older word "paid" arrives after the newer "refund"."""
    back = said_at(20, AttemptState.REFUND)
    assert told.heard(back, PAID).claims == told.heard(PAID, back).claims == (back,)


def test_the_same_news_a_thousand_times_is_one_news() -> None:
    """A replayed callback changes nothing (attack 5)."""
    assert told.heard(*([PAID] * 1_000)) == told.heard(PAID)


def test_two_words_of_one_instant_do_not_depend_on_who_came_first() -> None:
    """A source that contradicts itself within one instant gives one dossier, whichever word was heard first."""
    one, other = said_at(0, AttemptState.PAID), said_at(0, AttemptState.UNPAID)
    assert told.heard(one, other) == told.heard(other, one)


def topics() -> tuple[dossier.AnyClaim, ...]:
    """Pairs that look alike and are two things."""
    notice = payment.Notice(
        source=claim.RELAY,
        as_of=told.NOW,
        channel=told.WECHAT,
        number=ids.OutTradeNo("M-1"),
        check=payment.NoticeCheck.GENUINE,
        received_at=told.NOW,
    )
    left = resource.StockLeft(source=claim.SHOP, as_of=told.NOW, sku=ids.Sku("tea"), available=1)
    return (
        PAID,
        told.attempt(AttemptState.PAID, channel=told.ALIPAY),
        told.attempt(AttemptState.PAID, number=ids.OutTradeNo("M-2")),
        told.refund(RefundState.DONE, "R-1"),
        told.refund(RefundState.DONE, "R-2"),
        told.shop_refund(RefundState.DONE, "R-1"),
        told.shop_refund(RefundState.DONE, None, amount=money.Money(fen=1)),
        told.shop_refund(RefundState.DONE, None, amount=money.Money(fen=2)),
        told.shop_refund(RefundState.DONE, None, amount=money.Money(fen=2), done_at=told.NOW),
        notice,
        msgspec.structs.replace(notice, check=payment.NoticeCheck.BAD_SIGNATURE),
        left,
        msgspec.structs.replace(left, sku=ids.Sku("cup")),
        told.shop_order(OrderState.CLOSED),
    )


def test_what_looks_alike_stays_apart() -> None:
    """Two channels under one number, two refunds without a number, a genuine and a forged callback: each is kept."""
    assert set(told.heard(*topics()).claims) == set(topics())


def test_who_spoke_after_all_is_not_silent() -> None:
    """On a second try; but only of that number, and only of payments."""
    quiet = [
        told.silence(claim.Why.UNREACHABLE),
        told.silence(claim.Why.UNREACHABLE, number="M-2"),
        told.silence(claim.Why.UNREACHABLE, source=told.ALIPAY),
        told.silence(claim.Why.UNREACHABLE, claim.About.REFUND),
    ]
    assert set(observe.observe(told.KEY, [PAID], quiet).silences) == set(quiet[1:])


def test_a_digest_is_of_what_was_said() -> None:
    """Not of when it was read, not of the bytes; but of who was silent and why."""
    heard = told.heard(PAID)
    assert told.heard(msgspec.structs.replace(PAID, as_of=told.NOW, raw="ab")).digest() == heard.digest()
    assert told.heard(msgspec.structs.replace(PAID, amount=money.Money(fen=1))).digest() != heard.digest()
    quiet = [told.heard(PAID, silences=(told.silence(w, source=told.ALIPAY),)).digest() for w in claim.Why]
    assert len({heard.digest(), *quiet}) == len(claim.Why) + 1
    assert dossier.Dossier(order=told.KEY, claims=topics()).digest() == dossier.Dossier(order=told.KEY, claims=topics()[::-1]).digest()


MADE = told.planned(told.heard(told.shop_order(OrderState.AWAITING_PAYMENT), told.attempt(AttemptState.PAID)))
BEFORE = told.diagnose(told.heard(told.shop_order(OrderState.AWAITING_PAYMENT), told.attempt(AttemptState.PAID)))
SECOND = told.attempt(AttemptState.PAID, number=ids.OutTradeNo("M-2"), transaction=ids.TransactionId("4201"), paid_at=told.NOW)
HELD = resource.StockTally(source=claim.SHOP, as_of=told.NOW, sku=ids.Sku("tea"), taken=0, returned=1)


def after(*claims: dossier.AnyClaim, silences: tuple[claim.Silence, ...] = ()) -> run.Outcome:
    return verify.verify(MADE, BEFORE, told.diagnose(told.heard(*claims, silences=silences)))


def test_saying_done_is_not_being_done() -> None:
    """Restored only when the sources agree; the ailment still there, or a new one, remains; silence is neither."""
    shipped = told.shop_order(OrderState.AWAITING_SHIPMENT)
    quiet = told.silence(claim.Why.UNREACHABLE)
    assert after(shipped, told.attempt(AttemptState.PAID)) == run.Restored()
    still = after(told.shop_order(OrderState.AWAITING_PAYMENT), told.attempt(AttemptState.PAID))
    assert isinstance(still, run.Remaining)
    assert [f.ailment for f in still.findings] == [Ailment.PAID_NOT_RECORDED]
    worse = after(shipped, told.attempt(AttemptState.PAID), SECOND)
    assert isinstance(worse, run.Remaining)
    assert [f.ailment for f in worse.findings] == [Ailment.PAID_TWICE]
    assert after(shipped, silences=(quiet,)) == run.Unsure(missing=(quiet,))


def test_what_was_broken_besides_is_another_case() -> None:
    """An ailment known before and not ours does not make ours remain; unless somebody is silent who could tell."""
    waiting = told.shop_order(OrderState.AWAITING_PAYMENT)
    before = told.diagnose(told.heard(waiting, told.attempt(AttemptState.PAID), HELD))
    shipped = told.shop_order(OrderState.AWAITING_SHIPMENT)
    mended = told.diagnose(told.heard(shipped, told.attempt(AttemptState.PAID), HELD))
    assert isinstance(mended, finding.Broken)
    assert verify.verify(MADE, before, mended) == run.Restored()
    quiet = told.silence(claim.Why.UNREACHABLE, source=told.ALIPAY)
    unheard = told.diagnose(told.heard(shipped, told.attempt(AttemptState.PAID), HELD, silences=(quiet,)))
    assert verify.verify(MADE, before, unheard) == run.Unsure(missing=(quiet,))


def entries() -> list[case.Entry]:
    """One line of each kind that record writes, for an order with a buyer."""
    shop = told.shop_order(OrderState.AWAITING_PAYMENT, buyer="13800001234")
    heard = told.heard(shop, told.attempt(AttemptState.PAID, payer="openid-secret", attach="secret"))
    found = told.first(heard)
    opened = case.Case(id=found.case(told.KEY), order=told.KEY, finding=found, opened_at=told.NOW)
    going, _ = execute.advance(execute.begin(told.planned(heard), told.NOW), run.Woken(), told.NOW)
    allowed = verdict.Allowed(policy_version="v")
    return [
        record.case_opened(opened),
        record.judged(going.plan, allowed, opened.id, told.NOW),
        record.begun(going.plan, opened.id, told.NOW),
        record.intent(going, 0, opened.id, told.NOW),
        record.outcome_of_step(going, 0, run.Succeeded(), opened.id, told.NOW),
        record.ended(msgspec.structs.replace(going, end=run.End.DONE), opened.id, told.NOW),
        record.verified(going.plan, run.Remaining(findings=(found,)), opened.id, told.NOW),
        record.case_ended(msgspec.structs.replace(opened, terminal=plan.Terminal.RESTORED), told.NOW),
    ]


def test_evidence_holds_no_personal_data_and_survives_the_log() -> None:
    """Numbers, digests, amounts and words of ours; encode and decode are a pair."""
    for entry in entries():
        raw = codec.canonical(entry)
        assert codec.canonical(codec.decode(raw, case.Entry)) == raw
        assert not any(secret in raw for secret in (b"13800001234", b"openid-secret", b"secret"))
        assert entry.order == told.KEY
        assert entry.case is not None


def test_an_intent_names_the_key_and_the_content() -> None:
    """Whoever reads the log can tell which key stood for which act, and that the outcome is of the same."""
    intent, outcome = entries()[3:5]
    assert intent.body["act"] == "record-payment"
    assert (intent.body["key"], intent.body["content"]) == (outcome.body["key"], outcome.body["content"])
    assert outcome.body["news"] == {"type": "succeeded", "detail": ""}
