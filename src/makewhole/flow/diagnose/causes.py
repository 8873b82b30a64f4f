"""Why a payment did not reach the shop's row: the callbacks that the relay kept, and the shop's own times, tell."""

from __future__ import annotations

from makewhole.flow.diagnose import rule
from makewhole.model import claim, dossier, fact, finding, order, payment, tally

_REFUSED = frozenset(
    {
        payment.NoticeCheck.BAD_SIGNATURE,
        payment.NoticeCheck.UNKNOWN_CERTIFICATE,
        payment.NoticeCheck.CLOCK,
        payment.NoticeCheck.UNREADABLE,
    }
)


def callback(told: dossier.Dossier, paid: tally.Paid) -> tuple[finding.Reason, tuple[finding.Evidence, ...]]:
    """The cause, and the notices that tell it."""
    about = (n for n in told.of(payment.Notice) if n.channel == paid.attempt.channel and n.number == paid.attempt.number)
    # What the shop did with a refund's notice tells nothing of the payment's.
    notices = [n for n in about if n.refund is None]
    genuine = [n for n in notices if n.check is payment.NoticeCheck.GENUINE]

    # A genuine callback that the shop said yes to, while its row shows nothing: the shop acknowledges before it applies.
    for notice in genuine:
        if notice.answer is payment.ShopAnswer.ACKNOWLEDGED:
            line = rule.evidence(notice, fact.Says.SHOP_ACKNOWLEDGED, notice.answer_code)
            return because(finding.Cause.SYSTEM_DELAY, finding.CauseDetail.CALLBACK_ACKNOWLEDGED_NOT_APPLIED, 0.95), (line,)

    # It arrived here and the shop would not have it.
    for notice in genuine:
        if notice.answer is payment.ShopAnswer.REFUSED:
            line = rule.evidence(notice, fact.Says.SHOP_REFUSED_NOTICE, notice.answer_code)
            return because(finding.Cause.SYSTEM_DELAY, finding.CauseDetail.CALLBACK_REFUSED, 0.9), (line,)
        if notice.answer is payment.ShopAnswer.UNREACHABLE:
            line = rule.evidence(notice, fact.Says.SHOP_UNREACHABLE, notice.forwarded)
            return because(finding.Cause.NETWORK_INTERRUPTION, finding.CauseDetail.CALLBACK_NOT_DELIVERED, 0.95), (line,)

    # It arrived, and failed our own check of key, certificate or clock: so it would have failed the shop's.
    for notice in notices:
        if notice.check in _REFUSED:
            line = rule.evidence(notice, fact.Says.NOTICE_BAD, notice.check)
            return because(finding.Cause.OPERATOR_ERROR, finding.CauseDetail.CALLBACK_REFUSED, 0.8), (line,)

    # We stand in front of the shop, and nothing came.
    stood_there = any(s.why is claim.Why.NOT_FOUND for s in told.silent(claim.About.NOTICE))
    if stood_there and not notices:
        line = rule.evidence(paid.attempt, fact.Says.NOTICE_MISSING)
        return because(finding.Cause.NETWORK_INTERRUPTION, finding.CauseDetail.CALLBACK_NOT_DELIVERED, 0.8), (line,)

    return finding.NOTHING_TELLS, ()


def late(shop: order.ShopOrder, paid: tally.Paid) -> finding.Reason | None:
    """Whether the shop closed without asking the channel: the money was there before, or came because the attempt was left open."""
    if shop.closed_at is None or paid.attempt.paid_at is None:
        return None
    return because(finding.Cause.SYSTEM_DELAY, finding.CauseDetail.CLOSED_WITHOUT_ASKING, 0.9)


def because(cause: finding.Cause, detail: finding.CauseDetail, confidence: float) -> finding.Reason:
    """A reason, in one line."""
    return finding.Reason(cause=cause, detail=detail, confidence=confidence)
