"""Ailments of money coming in: each function finds one, as a ladder of early returns with the reason above each rung."""

from __future__ import annotations

from makewhole.core import money
from makewhole.flow.diagnose import causes, rule
from makewhole.model import claim, fact, finding, order, payment, policy, resource, screen, takeback, tally, terms

_OPEN = order.OrderState.AWAITING_PAYMENT


def paid_twice(view: rule.View) -> finding.Finding | None:
    """Two or more payments are kept for one order; all but the order's own are surplus. Certain, whoever else is silent."""
    shop, held = view.dossier.shop(), tally.kept(view.dossier)
    if shop is None or len(held) < 2:
        return None
    # Parts of the price: a deposit and a balance. Whoever counts payments instead of money refunds a good one.
    if tally.settles(shop, held):
        return None
    mine = tally.own(shop, held)
    surplus = tuple(p for p in held if p is not mine)
    two_channels = len({p.attempt.channel for p in held}) > 1
    detail = finding.CauseDetail.PAID_IN_TWO_CHANNELS if two_channels else finding.CauseDetail.RETRY_WITH_NEW_NUMBER
    return finding.Finding(
        ailment=finding.Ailment.PAID_TWICE,
        subject=tuple(sorted(p.transaction() for p in surplus)),
        reason=causes.because(finding.Cause.SYSTEM_DELAY, detail, 0.95),
        stake=_sum(surplus),
        evidence=(rule.shop_line(shop), *(_paid_line(p) for p in held)),
        since=max((p.attempt.paid_at for p in surplus if p.attempt.paid_at), default=None),
    )


def amount_differs(view: rule.View) -> finding.Finding | None:
    """The one payment kept is not what was due, in amount or currency, and no refund of a part has made it so."""
    shop, held = view.dossier.shop(), tally.kept(view.dossier)
    if shop is None or len(held) != 1:
        return None
    if tally.settles(shop, held):
        return None
    paid = held[0]
    return finding.Finding(
        ailment=finding.Ailment.AMOUNT_DIFFERS,
        subject=(paid.transaction(),),
        reason=causes.because(finding.Cause.OPERATOR_ERROR, finding.CauseDetail.WRONG_AMOUNT_CONFIGURED, 0.6),
        stake=_sum(held),
        evidence=(rule.shop_line(shop), _paid_line(paid)),
        since=paid.attempt.paid_at,
    )


def money_without_order(view: rule.View) -> finding.Finding | None:
    """Money is kept, and the shop, asked, knows no such order."""
    told = view.dossier
    held = tally.kept(told)
    unknown = [s for s in told.silent(claim.About.ORDER) if s.why is claim.Why.NOT_FOUND]
    if told.shop() is not None or not held or not unknown or told.of(payment.Link):
        return None
    # A young payment may have overtaken the shop's own insert, or a replica that lags.
    first = held[0].attempt
    if first.paid_at is not None and view.now - first.paid_at < view.policy.span(policy.RuleName.ORPHAN_GRACE):
        return None
    lines = tuple(
        rule.evidence(c, fact.Says.CANDIDATE, c.order, c.due, ", ".join(m.value for m in c.on)) for c in told.of(payment.Candidate)
    )
    return finding.Finding(
        ailment=finding.Ailment.MONEY_WITHOUT_ORDER,
        subject=tuple(sorted(p.transaction() for p in held)),
        reason=causes.because(finding.Cause.SYSTEM_DELAY, finding.CauseDetail.ORDER_NEVER_WRITTEN, 0.7),
        stake=_sum(held),
        evidence=(*(_paid_line(p) for p in held), *lines),
        since=first.paid_at,
    )


def paid_after_close(view: rule.View) -> finding.Finding | None:
    """Money is kept for an order that the shop has closed, and no refund of it is recorded or under way there."""
    told = view.dossier
    shop, held = told.shop(), tally.kept(told)
    if shop is None or shop.state not in order.ENDED_UNPAID:
        return None
    # Another amount than the one due is another ailment: to let the order live for it would give its goods away.
    if not tally.settles(shop, held):
        return None
    # The shop knows that the money must go back: that is a refund's ailment, not a late payment's.
    if any(r.state is not payment.RefundState.CLOSED for r in told.of(payment.ShopRefund)):
        return None
    paid = held[-1]
    reason = causes.late(shop, paid)
    found, lines = causes.callback(told, paid)
    at = paid.attempt.paid_at
    closed = () if shop.closed_at is None else (rule.evidence(shop, fact.Says.SHOP_CLOSED_AT, shop.closed_at),)
    return finding.Finding(
        ailment=finding.Ailment.PAID_AFTER_CLOSE,
        subject=tuple(sorted(p.transaction() for p in held)),
        reason=reason or found,
        stake=_sum(held),
        evidence=(rule.shop_line(shop), *(_paid_line(p) for p in held), *closed, *lines),
        since=at,
        deadline=None if at is None else at + view.policy.span(policy.RuleName.LATE_ACCEPT_AGE),
    )


def paid_not_recorded(view: rule.View) -> finding.Finding | None:
    """Money is kept for an order that the shop still believes unpaid, and the callback has had its time."""
    told = view.dossier
    shop, held = told.shop(), tally.kept(told)
    if shop is None or shop.state is not _OPEN:
        return None
    # Another amount than the one due is another ailment: to record it would give the goods away.
    if not tally.settles(shop, held):
        return None
    paid = held[-1]
    at = paid.attempt.paid_at
    if at is not None and view.now - at < view.policy.span(policy.RuleName.CALLBACK_GRACE):
        return None
    reason, lines = causes.callback(told, paid)
    return finding.Finding(
        ailment=finding.Ailment.PAID_NOT_RECORDED,
        subject=tuple(sorted(p.transaction() for p in held)),
        reason=reason,
        stake=_sum(held),
        evidence=(rule.shop_line(shop), *(_paid_line(p) for p in held), *lines),
        since=at,
        deadline=terms.expiry(shop, view.policy),
    )


def paid_in_shop_only(view: rule.View) -> finding.Finding | None:
    """The shop says paid; every channel that could hold the money was asked, answered, and says not paid."""
    told = view.dossier
    shop = told.shop()
    if shop is None or not shop.says_paid() or shop.state in order.REFUND_STATES:
        return None
    # One silent channel could hold it: then it is not ours to say.
    attempts = told.of(payment.Attempt)
    if told.silent(claim.About.PAYMENT) or not attempts:
        return None
    if any(a.state not in payment.SETTLED_UNPAID for a in attempts):
        return None
    return finding.Finding(
        ailment=finding.Ailment.PAID_IN_SHOP_ONLY,
        subject=(shop.number,),
        reason=causes.because(finding.Cause.OPERATOR_ERROR, finding.CauseDetail.MANUAL_EDIT, 0.5),
        stake=shop.due,
        evidence=(rule.shop_line(shop), *(_unpaid_line(a) for a in attempts)),
        since=shop.paid_at,
    )


def expired_unpaid(view: rule.View) -> finding.Finding | None:
    """The order ran out of time, every channel says unpaid, and it is within its recovery window; or nobody closed it in time."""
    told = view.dossier
    shop = told.shop()
    if shop is None or shop.state not in {_OPEN, order.OrderState.CLOSED}:
        return None
    # It lives on under its new number; and what was written again is not written again a second time.
    if any(not r.cancelled for r in told.of(resource.Reissue)):
        return None
    if shop.state is order.OrderState.CLOSED and told.of(resource.ReissuedFrom):
        return None
    # A person decided that its payment never came, and that closed it: nobody waits for it to be offered again.
    if shop.state is order.OrderState.CLOSED and takeback.was_taken_back(told):
        return None
    # An order is never expired without asking the channel (law 5).
    attempts = told.of(payment.Attempt)
    if not attempts or told.silent(claim.About.PAYMENT):
        return None
    if any(a.state not in payment.SETTLED_UNPAID for a in attempts):
        return None
    due = terms.expiry(shop, view.policy)
    if due is None or view.now < due:
        return None
    # Closed before its time: somebody cancelled it. That is no failure of anything.
    if shop.state is order.OrderState.CLOSED and (shop.closed_at is None or shop.closed_at < due):
        return None
    window = due + view.policy.span(policy.RuleName.RECOVERY_WINDOW)
    overdue = view.now > window
    if overdue and shop.state is order.OrderState.CLOSED:
        return None
    failed = any(a.state is payment.AttemptState.FAILED for a in attempts)
    detail = finding.CauseDetail.JOB_NOT_RUN if overdue else finding.CauseDetail.BUYER_DID_NOT_PAY
    cause = finding.Cause.SYSTEM_DELAY if overdue else finding.Cause.PAYMENT_FAILURE
    return finding.Finding(
        ailment=finding.Ailment.EXPIRED_UNPAID,
        subject=(shop.number,),
        reason=causes.because(cause, detail, 0.9 if failed or overdue else 0.7),
        stake=shop.due,
        evidence=(
            rule.shop_line(shop),
            rule.evidence(shop, fact.Says.SHOP_EXPIRED_AT, due),
            *(_unpaid_line(a) for a in attempts),
        ),
        since=due,
        deadline=window,
    )


def open_money(horizon: rule.Horizon) -> screen.Predicate | None:
    """Every open order, whatever its age: its money may have come."""
    return rule.states(_OPEN) if horizon.money else None


def ended_money(horizon: rule.Horizon) -> screen.Predicate | None:
    """Orders that ended unpaid, within the look-back."""
    return rule.recent_money(horizon, order.ENDED_UNPAID)


def paid_money(horizon: rule.Horizon) -> screen.Predicate | None:
    """Orders that the shop believes paid, within the look-back."""
    return rule.recent_money(horizon, order.SAYS_PAID - order.REFUND_STATES)


def any_money(horizon: rule.Horizon) -> screen.Predicate | None:
    """Every order that a payment could belong to."""
    kinds = (open_money(horizon), rule.recent_money(horizon, frozenset(order.OrderState) - {_OPEN}))
    parts = tuple(p for p in kinds if p is not None)
    return screen.Any(parts=parts) if parts else None


def expired(horizon: rule.Horizon) -> screen.Predicate | None:
    """Open orders, and orders closed lately enough to be recalled."""
    closed = rule.recent_money(horizon, frozenset({order.OrderState.CLOSED}))
    return None if closed is None else screen.Any(parts=(rule.states(_OPEN), closed))


def no_rows(_: rule.Horizon) -> screen.Predicate | None:
    """No row of the shop can be suspected: the shop does not know the order. Suspects come from callbacks and bills."""
    return None


def _paid_line(paid: tally.Paid) -> finding.Evidence:
    return rule.evidence(paid.attempt, fact.Says.CHANNEL_PAID, paid.attempt.number, paid.amount, paid.attempt.paid_at)


def _unpaid_line(attempt: payment.Attempt) -> finding.Evidence:
    says = fact.Says.CHANNEL_CLOSED if attempt.state is payment.AttemptState.CLOSED else fact.Says.CHANNEL_UNPAID
    return rule.evidence(attempt, says, attempt.number)


def _sum(paid: tuple[tally.Paid, ...]) -> money.Money:
    return tally.worth(tuple(money.Money(fen=p.kept_fen(), currency=p.amount.currency) for p in paid))
