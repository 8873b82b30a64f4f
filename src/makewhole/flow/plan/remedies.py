"""The remedies, one function each: a Brief goes in, a Draft comes out, or None where the remedy does not apply to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from makewhole.core import ids, money
from makewhole.flow.plan import brief, late
from makewhole.model import act, claim, decision, difference, fact, order, payment, plan, policy, resource, takeback, tally, terms
from makewhole.model.plan import Remedy, Terminal

Draft = brief.Draft
Remedial = Callable[[brief.Brief], Draft | None]


def record_payment(given: brief.Brief) -> Draft | None:
    """Tell the shop's open order of its payment."""
    shop, paid = given.dossier.shop(), _only(given)
    if shop is None or paid is None:
        return None
    attempt, transaction, at = paid.attempt, paid.attempt.transaction, paid.attempt.paid_at
    if transaction is None or at is None or not tally.settles(shop, (paid,)):
        return None
    step = plan.Step(
        act=act.RecordPayment(
            channel=attempt.channel,
            payment=attempt.number,
            transaction=transaction,
            amount=paid.amount,
            paid_at=at,
        ),
        expects=shop.version,
    )
    return Draft(steps=(step,), terminal=Terminal.RESTORED)


def accept_late(given: brief.Brief) -> Draft | None:
    """Let the ended order live: paid, stock and coupon taken again, in one transaction of the shop."""
    shop, paid = given.dossier.shop(), _only(given)
    if shop is None or paid is None:
        return None
    attempt, transaction, at = paid.attempt, paid.attempt.transaction, paid.attempt.paid_at
    # Somebody has begun to give it back, or it is not the price.
    if transaction is None or at is None or paid.going_back_fen() > 0 or not tally.settles(shop, (paid,)):
        return None
    decision = late.decide(given, paid)
    if decision.choice is not late.Choice.ACCEPT:
        return None
    step = plan.Step(
        act=act.AcceptLate(
            channel=attempt.channel,
            payment=attempt.number,
            transaction=transaction,
            amount=paid.amount,
            paid_at=at,
            items=brief.lacks(given),
            coupon=_coupon_to_take(given),
        ),
        expects=shop.version,
    )
    return Draft(steps=(step,), terminal=Terminal.RESTORED, why=decision.why)


def refund_late(given: brief.Brief) -> Draft | None:
    """Give a late payment back in full."""
    paid = _only(given)
    if paid is None:
        return None
    decision = late.decide(given, paid)
    if decision.choice is not late.Choice.REFUND:
        return None
    return _refunds(given, (paid,), why=decision)


def refund_surplus(given: brief.Brief) -> Draft | None:
    """Give every payment but the order's own back, where one is plainly the order's own."""
    shop = given.dossier.shop()
    mine = None if shop is None else tally.own(shop, tally.kept(given.dossier))
    # Two amounts of which neither is the price: which of them is surplus, a person must say.
    if shop is None or mine is None or mine.amount != shop.due:
        return None
    return _refunds(given, given.about())


def match_order(given: brief.Brief) -> Draft | None:
    """Money without an order has exactly one order that it fits: by what the buyer's client attached, or by amount, time and payer."""
    paid = _only(given)
    if paid is None:
        return None
    told = given.dossier.of(payment.Candidate)
    fits = [c for c in told if c.open and c.due == paid.amount and {payment.Match.TIME, payment.Match.PAYER} <= set(c.on)]
    # What the shop itself attached settles whose money it is; what that means for the order, its own dossier then says.
    sure = [c for c in told if payment.Match.ATTACH in c.on] or fits
    # Two that fit equally well are a question, never a coin toss.
    if len(sure) != 1:
        return None
    link = act.LinkPayment(channel=paid.attempt.channel, payment=paid.attempt.number, order=sure[0].order)
    return Draft(steps=(plan.Step(act=link),), terminal=Terminal.RESTORED)


def refund_orphan(given: brief.Brief) -> Draft | None:
    """Money without an order that no order could explain goes back."""
    if given.dossier.of(payment.Candidate):
        return None
    return _refunds(given, given.about())


def finish_refund(given: brief.Brief) -> Draft | None:
    """Ask the channel again for a refund that got stuck, under the SAME number (law 3)."""
    stuck = [r for r in given.dossier.of(payment.ChannelRefund) if r.number in given.finding.subject]
    # An account that cannot take the money will not take it the second time either.
    if not stuck or any(r.state is payment.RefundState.ABNORMAL for r in stuck):
        return None
    steps = []
    for refund in stuck:
        paid = next((p for p in tally.payments(given.dossier) if refund in p.refunds), None)
        if paid is None:
            return None
        steps.append(_refund_step(paid, refund.number, refund.amount))
    return Draft(steps=tuple(steps), terminal=Terminal.REFUNDED)


def record_refund(given: brief.Brief) -> Draft | None:
    """Tell the shop of refunds that the channel carried out."""
    shop = given.dossier.shop()
    done = [r for r in given.dossier.of(payment.ChannelRefund) if r.number in given.finding.subject and r.state is payment.RefundState.DONE]
    if shop is None or len(done) != 1:
        return None
    refund = done[0]
    back = next((p.gone_back_fen() for p in tally.payments(given.dossier) if refund in p.refunds), refund.amount.fen)
    full = back >= shop.due.fen
    record = act.RecordRefund(number=refund.number, amount=refund.amount, full=full)
    return Draft(steps=(plan.Step(act=record, expects=shop.version),), terminal=Terminal.RESTORED)


def send_refund(given: brief.Brief) -> Draft | None:
    """Ask the channel for the refund that the shop believes done, under the shop's own number where it has one."""
    shop, paid = given.dossier.shop(), tally.payments(given.dossier)
    mine = None if shop is None else tally.own(shop, paid)
    if mine is None:
        return None
    known = {r.number for r in given.dossier.of(payment.ChannelRefund)}
    rows = [
        r
        for r in given.dossier.of(payment.ShopRefund)
        if r.number is not None and r.number in given.finding.subject and r.number not in known
    ]
    if rows:
        steps = tuple(_refund_step(mine, r.number, r.amount) for r in rows if r.number is not None)
        return Draft(steps=steps, terminal=Terminal.REFUNDED)
    number = ids.refund_no(given.dossier.order.shop, ids.TransactionId(mine.transaction()))
    if number in known:
        return None
    return Draft(steps=(_refund_step(mine, number, given.finding.stake),), terminal=Terminal.REFUNDED)


def recall(given: brief.Brief) -> Draft | None:
    """Close at the channel first, then write the order again under a new number with a new payment link (R1, R10)."""
    shop, tried = given.dossier.shop(), brief.attempts(given)
    if shop is None or not tried or given.finding.deadline is None or given.now > given.finding.deadline:
        return None
    # Once: a recalled order that expires again, or whose number is used up by an undone recall, is a person's.
    again: tuple[claim.Claim, ...] = (*given.dossier.of(resource.Reissue), *given.dossier.of(resource.ReissuedFrom))
    if again:
        return None
    items = shop.items
    left = {s.sku: s.available for s in given.dossier.of(resource.StockLeft)}
    given_back = {i.sku: i.quantity for i in brief.holds(given)} if _is_open(shop) else _kept_units(given)
    if not items or any(left.get(i.sku, 0) + given_back.get(i.sku, 0) < i.quantity for i in brief.by_sku(items)):
        return None
    use = brief.coupon_use(given)
    if shop.coupon is not None and (use is None or not _free_for(use, shop)):
        return None
    coupon = None if use is None else use.coupon
    number = ids.reissued_number(shop.number, 1)
    expires = given.now + given.policy.span(policy.RuleName.LINK_LIFETIME)
    channel, payment_no = tried[0].channel, ids.OutTradeNo(number)
    return Draft(
        steps=(
            *_close_steps(given),
            plan.Step(
                act=act.ReissueOrder(new_number=number, expires_at=expires, items=items, coupon=coupon),
                undo=act.CancelReissue(new_number=number, items=items, coupon=coupon),
            ),
            plan.Step(
                act=act.NewPaymentLink(channel=channel, payment=payment_no, amount=shop.due, expires_at=expires),
                undo=act.ClosePayment(channel=channel, payment=payment_no),
            ),
            plan.Step(act=act.PublishLink(new_number=number, channel=channel)),
        ),
        terminal=Terminal.RESTORED,
    )


def close_expired(given: brief.Brief) -> Draft | None:
    """Close at the channel, then in the shop: the order's time is over and nobody wants it back."""
    shop = given.dossier.shop()
    if shop is None or not _is_open(shop) or not brief.attempts(given):
        return None
    return Draft(steps=_close_steps(given), terminal=Terminal.RESTORED)


def give_stock_back(given: brief.Brief) -> Draft | None:
    """Return the units that an ended order still holds."""
    shop = given.dossier.shop()
    held = [(t, t.taken - t.returned) for t in given.dossier.of(resource.StockTally) if t.sku in given.finding.subject]
    if shop is None:
        return None
    steps = tuple(plan.Step(act=act.GiveStockBack(sku=t.sku, quantity=n), expects=shop.version) for t, n in held if n > 0)
    return Draft(steps=steps, terminal=Terminal.RESTORED) if steps else None


def take_stock_back(given: brief.Brief) -> Draft | None:
    """Take the units from sale that an order gave back once too often."""
    shop = given.dossier.shop()
    over = [(t, t.returned - t.taken) for t in given.dossier.of(resource.StockTally) if t.sku in given.finding.subject]
    if shop is None:
        return None
    steps = tuple(plan.Step(act=act.TakeStockBack(sku=t.sku, quantity=n), expects=shop.version) for t, n in over if n > 0)
    return Draft(steps=steps, terminal=Terminal.RESTORED) if steps else None


def give_coupon_back(given: brief.Brief) -> Draft | None:
    """Unbind the coupon from the ended order."""
    shop = given.dossier.shop()
    if shop is None:
        return None
    steps = tuple(
        plan.Step(act=act.GiveCouponBack(coupon=c.coupon), expects=shop.version)
        for c in given.dossier.of(resource.CouponUse)
        if c.coupon in given.finding.subject
    )
    return Draft(steps=steps, terminal=Terminal.RESTORED) if steps else None


def take_payment_back(given: brief.Brief) -> Draft | None:
    """Let the shop's row say that no money came, as a person decided: open again while it may be paid, closed once its time is over.

    Only what the finding itself proves: every channel was asked and has nothing. An order of which nobody knows how long it may be paid
    is a person's: to leave it open, or to close it, would be a guess.
    """
    shop, ruled = given.dossier.shop(), takeback.ruling(given.dossier)
    if shop is None or ruled is None or takeback.hinders(given.dossier) is not None:
        return None
    due = terms.expiry(shop, given.policy)
    if due is None:
        return None
    said = fact.fact(fact.Says.DECIDED, ruled.said_so.choice, ruled.said_so.by, ruled.said_so.why)
    if given.now < due:
        step = plan.Step(act=act.ReopenUnpaid(difference=ruled.of.id), expects=shop.version)
        return Draft(steps=(step,), terminal=Terminal.RESTORED, why=(said, fact.fact(fact.Says.MAY_BE_PAID_UNTIL, due)))
    use = brief.coupon_use(given)
    bound = use.coupon if use is not None and use.order == shop.number and use.state is resource.CouponState.USED else None
    close = act.CloseUnpaid(difference=ruled.of.id, items=_proven(given, shop), coupon=bound)
    steps = (*_close_at_channel(given), plan.Step(act=close, expects=shop.version))
    return Draft(steps=steps, terminal=Terminal.RESTORED, why=(said, fact.fact(fact.Says.SHOP_EXPIRED_AT, due)))


def book_decision(given: brief.Brief) -> Draft | None:
    """Make the entry that a person's decision asks for. Without one there is nothing to book."""
    told = next((d for d in given.dossier.of(difference.Differs) if (d.of.id,) == given.finding.subject), None)
    if told is None or told.said_so is None or told.said_so.choice not in _DECIDED:
        return None
    entry = act.BookDifference(difference=told.of.id, choice=told.said_so.choice, amount=told.of.gap())
    return Draft(steps=(plan.Step(act=entry),), terminal=_DECIDED[told.said_so.choice])


_DECIDED: Mapping[decision.Choice, Terminal] = {
    decision.Choice.CHANNEL_IS_RIGHT: Terminal.RESTORED,
    decision.Choice.SHOP_IS_RIGHT: Terminal.CLAIMED,
    decision.Choice.WRITE_OFF: Terminal.REJECTED,
    decision.Choice.CHARGE_BACK_FEE: Terminal.CLAIMED,
}
"""The named end by what was decided. Waiting is none."""

REMEDIES: Mapping[Remedy, Remedial] = {
    Remedy.RECORD_PAYMENT: record_payment,
    Remedy.ACCEPT_LATE: accept_late,
    Remedy.REFUND_LATE: refund_late,
    Remedy.REFUND_SURPLUS: refund_surplus,
    Remedy.MATCH_ORDER: match_order,
    Remedy.REFUND_ORPHAN: refund_orphan,
    Remedy.FINISH_REFUND: finish_refund,
    Remedy.RECORD_REFUND: record_refund,
    Remedy.SEND_REFUND: send_refund,
    Remedy.RECALL: recall,
    Remedy.CLOSE_EXPIRED: close_expired,
    Remedy.GIVE_STOCK_BACK: give_stock_back,
    Remedy.TAKE_STOCK_BACK: take_stock_back,
    Remedy.GIVE_COUPON_BACK: give_coupon_back,
    Remedy.TAKE_PAYMENT_BACK: take_payment_back,
    Remedy.BOOK_DECISION: book_decision,
}
"""Every remedy but asking a person, which always applies."""


def _only(given: brief.Brief) -> tally.Paid | None:
    about = given.about()
    return about[0] if len(about) == 1 else None


def _is_open(shop: order.ShopOrder) -> bool:
    return shop.state is order.OrderState.AWAITING_PAYMENT


def _free_for(use: resource.CouponUse, shop: order.ShopOrder) -> bool:
    return use.state is resource.CouponState.UNUSED or (use.state is resource.CouponState.USED and use.order == shop.number)


def _coupon_to_take(given: brief.Brief) -> ids.CouponId | None:
    """The coupon, unless it is still bound to the order: then there is nothing to take."""
    use = brief.coupon_use(given)
    return use.coupon if use is not None and use.state is resource.CouponState.UNUSED else None


def _close_steps(given: brief.Brief) -> tuple[plan.Step, ...]:
    """The channel first: an order that is closed while its attempt stays open will be paid late."""
    shop, at_channel = given.dossier.shop(), _close_at_channel(given)
    if shop is None:
        return at_channel
    if not _is_open(shop):
        return (*at_channel, *_leftovers(given, shop))
    use = brief.coupon_use(given)
    bound = use.coupon if use is not None and use.order == shop.number else None
    close = plan.Step(act=act.CloseExpired(items=brief.holds(given), coupon=bound), expects=shop.version)
    return (*at_channel, close)


def _close_at_channel(given: brief.Brief) -> tuple[plan.Step, ...]:
    return tuple(
        plan.Step(act=act.ClosePayment(channel=a.channel, payment=a.number))
        for a in brief.attempts(given)
        if a.state is not payment.AttemptState.CLOSED
    )


def _proven(given: brief.Brief, shop: order.ShopOrder) -> tuple[order.Item, ...]:
    """Of the order's own items, as much as the shop's ledger of stock shows that it holds; nothing where there is no such ledger."""
    held = _kept_units(given)
    told = ((i, min(i.quantity, held.get(i.sku, 0))) for i in brief.by_sku(shop.items))
    return tuple(order.Item(sku=i.sku, quantity=n, amount=i.amount) for i, n in told if n > 0)


def _kept_units(given: brief.Brief) -> dict[ids.Sku, int]:
    """Units that a closed order still holds."""
    return {t.sku: t.taken - t.returned for t in given.dossier.of(resource.StockTally) if t.taken > t.returned}


def _leftovers(given: brief.Brief, shop: order.ShopOrder) -> tuple[plan.Step, ...]:
    """What a closed order still holds goes back before the same is taken under the new number."""
    stock = tuple(plan.Step(act=act.GiveStockBack(sku=s, quantity=n), expects=shop.version) for s, n in _kept_units(given).items())
    use = brief.coupon_use(given)
    if use is None or use.order != shop.number or use.state is not resource.CouponState.USED:
        return stock
    return (*stock, plan.Step(act=act.GiveCouponBack(coupon=use.coupon), expects=shop.version))


def _refunds(given: brief.Brief, paid: tuple[tally.Paid, ...], why: late.Decision | None = None) -> Draft | None:
    if not paid:
        return None
    shop = given.dossier.order.shop
    steps = []
    for p in paid:
        number = ids.refund_no(shop, ids.TransactionId(p.transaction()))
        ours = next((r for r in p.refunds if r.number == number), None)
        # Our number exists there with an end that is no refund: only a person may open another.
        if ours is not None and ours.state in {payment.RefundState.CLOSED, payment.RefundState.ABNORMAL}:
            return None
        steps.append(_refund_step(p, number, money.Money(fen=p.kept_fen(), currency=p.amount.currency)))
    return Draft(steps=tuple(steps), terminal=Terminal.REFUNDED, why=() if why is None else why.why)


def _refund_step(paid: tally.Paid, number: ids.RefundNo, amount: money.Money) -> plan.Step:
    attempt = paid.attempt
    return plan.Step(
        act=act.RefundPayment(
            channel=attempt.channel,
            payment=attempt.number,
            transaction=ids.TransactionId(paid.transaction()),
            number=number,
            amount=amount,
            paid=paid.amount,
        )
    )
