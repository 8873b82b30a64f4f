"""Ailments of money going back: stuck, known to one side only, or more than ever came."""

from __future__ import annotations

from datetime import datetime

import msgspec

from makewhole.core import ids, money
from makewhole.flow.diagnose import causes, payments, rule
from makewhole.model import claim, dossier, fact, finding, order, payment, policy, screen, tally

_COUNTED = frozenset({payment.RefundState.DONE, payment.RefundState.PROCESSING, payment.RefundState.ABNORMAL})


def refunded_too_much(view: rule.View) -> finding.Finding | None:
    """Refunds add up to more than was paid: at one channel payment, or in the shop's own rows."""
    told = view.dossier
    shop, paid = told.shop(), tally.payments(told)
    over = [p for p in paid if p.kept_fen() < 0]
    lines = [_refund_line(r) for p in over for r in p.refunds]
    stake = sum(-p.kept_fen() for p in over)
    if shop is not None and not over and not _open_word(told):
        rows = [r for r in told.of(payment.ShopRefund) if r.state in _COUNTED]
        came = sum(p.amount.fen for p in paid) or (shop.due.fen if _had_money(shop) else 0)
        booked = sum(r.amount.fen for r in rows)
        if booked > came:
            stake = booked - came
            lines = [rule.evidence(r, fact.Says.SHOP_REFUND, r.number, r.amount, r.state) for r in rows]
    if stake <= 0:
        return None
    return finding.Finding(
        ailment=finding.Ailment.REFUNDED_TOO_MUCH,
        subject=tuple(sorted(p.transaction() for p in over)) or (told.order.number,),
        reason=causes.because(finding.Cause.SYSTEM_DELAY, finding.CauseDetail.JOB_RUN_TWICE, 0.6),
        stake=money.Money(fen=stake),
        evidence=(*(() if shop is None else (rule.shop_line(shop),)), *lines),
    )


def refund_stuck(view: rule.View) -> finding.Finding | None:
    """A refund at the channel neither succeeded nor failed past its time, or waits for a person there."""
    told = view.dossier
    limit = view.policy.span(policy.RuleName.REFUND_STUCK_AFTER)
    stuck = [r for r in told.of(payment.ChannelRefund) if _stuck(r, view.now - limit)]
    if not stuck:
        return None
    abnormal = any(r.state is payment.RefundState.ABNORMAL for r in stuck)
    detail = finding.CauseDetail.REFUND_ACCOUNT_ABNORMAL if abnormal else finding.CauseDetail.CHANNEL_SLOW
    cause = finding.Cause.PAYMENT_FAILURE if abnormal else finding.Cause.SYSTEM_DELAY
    shop = told.shop()
    return finding.Finding(
        ailment=finding.Ailment.REFUND_STUCK,
        subject=tuple(sorted(r.number for r in stuck)),
        reason=causes.because(cause, detail, 0.9),
        stake=tally.worth(tuple(r.amount for r in stuck)),
        evidence=(*(() if shop is None else (rule.shop_line(shop),)), *(_refund_line(r) for r in stuck)),
        since=min((r.requested_at for r in stuck if r.requested_at), default=None),
    )


def refund_not_recorded(view: rule.View) -> finding.Finding | None:
    """The channel gave back money of the order's own payment, and the shop's rows do not know it."""
    told = view.dossier
    shop, paid = told.shop(), tally.payments(told)
    if shop is None or not shop.says_paid() or shop.state is order.OrderState.REFUNDED:
        return None
    mine = tally.own(shop, paid)
    if mine is None or _another(shop, mine) or _open_word(told):
        return None
    # Turned into a refund, and nobody told how much: recorded or not, a person must look.
    if mine.refund_unexplained() and not told.of(payment.ShopRefund) and not told.silent(claim.About.REFUND):
        return _not_recorded(shop, mine, mine.amount, rule.evidence(mine.attempt, fact.Says.CHANNEL_TURNED_REFUND, mine.attempt.number))
    rows = [r for r in told.of(payment.ShopRefund) if r.state in _COUNTED | payment.UNDER_WAY]
    # Its callback may still be under way.
    grace = view.policy.span(policy.RuleName.CALLBACK_GRACE)
    done = [r for r in mine.refunds if r.state is payment.RefundState.DONE and (r.done_at is None or view.now - r.done_at >= grace)]
    missing = sum(r.amount.fen for r in done) - sum(r.amount.fen for r in rows)
    if missing <= 0:
        return None
    booked = {r.number for r in rows}
    unknown = [r for r in done if r.number not in booked] or done
    lines = tuple(_refund_line(r) for r in unknown)
    stake = money.Money(fen=missing, currency=mine.amount.currency)
    return _not_recorded(shop, mine, stake, *lines, numbers=tuple(sorted(r.number for r in unknown)))


def refund_not_sent(view: rule.View) -> finding.Finding | None:
    """The shop says that money went back, and the channel, asked, knows no refund that covers it."""
    told = view.dossier
    shop, paid = told.shop(), tally.payments(told)
    if shop is None or not paid or told.silent(claim.About.REFUND) or _open_word(told):
        return None
    mine = tally.own(shop, paid)
    if mine is None or _another(shop, mine) or mine.refund_unexplained():
        return None
    rows = [r for r in told.of(payment.ShopRefund) if r.state in {payment.RefundState.DONE, payment.RefundState.PROCESSING}]
    owed = sum(r.amount.fen for r in rows)
    if not rows and shop.state is order.OrderState.REFUNDED:
        owed = mine.amount.fen
    since = max((at for r in rows if (at := r.done_at or r.requested_at)), default=shop.closed_at)
    # The shop's own sending may be under way.
    if since is not None and view.now - since < view.policy.span(policy.RuleName.RESOURCE_GRACE):
        return None
    short = min(owed, mine.amount.fen) - sum(_known_to_the_shop(p, mine, told.order.shop).going_back_fen() for p in paid)
    if short <= 0:
        return None
    lines = tuple(rule.evidence(r, fact.Says.SHOP_REFUND, r.number, r.amount, r.state) for r in rows)
    return finding.Finding(
        ailment=finding.Ailment.REFUND_NOT_SENT,
        subject=tuple(sorted(r.number or "" for r in rows)) or (mine.transaction(),),
        reason=causes.because(finding.Cause.NETWORK_INTERRUPTION, finding.CauseDetail.JOB_NOT_RUN, 0.6),
        stake=money.Money(fen=short, currency=mine.amount.currency),
        evidence=(
            rule.shop_line(shop),
            *lines,
            rule.evidence(mine.attempt, fact.Says.CHANNEL_NOT_REFUNDED, mine.attempt.number, mine.amount),
        ),
        since=since,
    )


def _open_word(told: dossier.Dossier) -> bool:
    """Whether a channel's word on some attempt is still out: it may be the order's own payment, and what was refunded a surplus."""
    paying = any(a.state is payment.AttemptState.PAYING for a in told.of(payment.Attempt))
    return paying or bool(told.silent(claim.About.PAYMENT))


def _another(shop: order.ShopOrder, mine: tally.Paid) -> bool:
    """Whether the shop recorded another payment than this one: then this one's refund is none of the order's."""
    return shop.transaction is not None and mine.attempt.transaction is not None and shop.transaction != mine.attempt.transaction


def refund_rows(horizon: rule.Horizon) -> screen.Predicate | None:
    """Orders with a refund row, in a refund state, or whose payment a channel may have given back."""
    if not horizon.money:
        return None
    parts = (
        rule.states(*order.REFUND_STATES),
        screen.HasChild(child=screen.Child.REFUND),
        payments.any_money(horizon),
    )
    return screen.Any(parts=tuple(p for p in parts if p is not None))


def too_much_rows(horizon: rule.Horizon) -> screen.Predicate | None:
    """Orders with a refund row; with a channel, every order that money may have gone back for."""
    return refund_rows(horizon) or screen.HasChild(child=screen.Child.REFUND)


def _had_money(shop: order.ShopOrder) -> bool:
    """Whether the shop's row leaves open that money ever came: an ended order whose time of payment is known to be empty does not."""
    return shop.says_paid() or shop.paid_at is not None or not shop.speaks(order.Field.ORDER_PAID_AT)


def _known_to_the_shop(paid: tally.Paid, mine: tally.Paid, shop: ids.ShopName) -> tally.Paid:
    """A payment without the refund by which we gave a surplus back: the shop's rows never spoke of that one."""
    if paid == mine:
        return paid
    ours = ids.refund_no(shop, ids.TransactionId(paid.transaction()))
    return msgspec.structs.replace(paid, refunds=tuple(r for r in paid.refunds if r.number != ours))


def _not_recorded(
    shop: order.ShopOrder, mine: tally.Paid, stake: money.Money, *lines: finding.Evidence, numbers: tuple[str, ...] = ()
) -> finding.Finding:
    return finding.Finding(
        ailment=finding.Ailment.REFUND_NOT_RECORDED,
        subject=numbers or (mine.transaction(),),
        reason=causes.because(finding.Cause.NETWORK_INTERRUPTION, finding.CauseDetail.CALLBACK_NOT_DELIVERED, 0.6),
        stake=stake,
        evidence=(rule.shop_line(shop), *lines),
        since=max((r.done_at for r in mine.refunds if r.done_at), default=None),
    )


def _stuck(refund: payment.ChannelRefund, oldest: datetime) -> bool:
    # The buyer's account cannot take it: waiting longer changes nothing.
    if refund.state is payment.RefundState.ABNORMAL:
        return True
    return refund.state in payment.UNDER_WAY and refund.requested_at is not None and refund.requested_at < oldest


def _refund_line(refund: payment.ChannelRefund) -> finding.Evidence:
    return rule.evidence(refund, fact.Says.CHANNEL_REFUND, refund.number, refund.amount, refund.state)
