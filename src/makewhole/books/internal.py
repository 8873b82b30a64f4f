"""What a shop's rows and our own runs say of some orders in, the lines of our side's book out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from makewhole.core import ids
from makewhole.model import act, bill, dossier, order, payment, run

Numbers = Sequence[tuple[ids.ChannelName, ids.OutTradeNo]]
"""Under which numbers an order's payment may be known at which channels, most likely first (`ports.Eyes.payment_numbers`)."""
_REFUNDS = {
    # Asked for by the buyer and not yet sent: no money has moved, and the channel rightly knows nothing.
    payment.RefundState.REQUESTED: bill.Standing.UNPAID,
    payment.RefundState.PROCESSING: bill.Standing.ACCEPTED,
    payment.RefundState.DONE: bill.Standing.REFUNDED,
    payment.RefundState.CLOSED: bill.Standing.FAILED,
    payment.RefundState.ABNORMAL: bill.Standing.ABNORMAL,
}


def lines(heard: Sequence[dossier.AnyClaim], numbers: Numbers, merchants: Mapping[ids.ChannelName, str]) -> tuple[bill.Line, ...]:
    """The payment and the refunds of one order; none where its rows name no channel of ours, or no instant at all.

    An order has one line of payment however often it was tried: which try took the money only the channel knows, and the books find
    it by transaction and by order. `line` is 0: who puts the book together numbers it.
    """
    shop = next((c for c in heard if isinstance(c, order.ShopOrder)), None)
    if shop is None or not numbers:
        return ()
    channel, number = next(((c, n) for c, n in numbers if c == shop.channel), numbers[0])
    at = shop.paid_at or shop.created_at
    if channel not in merchants or at is None or shop.state is None:
        return ()
    paid = _payment(shop, channel, number, merchants[channel], at)
    refunds = [_refund(r, paid, at) for r in heard if isinstance(r, payment.ShopRefund)]
    return (paid, *refunds)


def with_runs(told: Sequence[bill.Line], runs: Iterable[run.Run]) -> tuple[bill.Line, ...]:
    """The same with the refunds that we sent ourselves: the shop's rows may not know of them, or not under which number."""
    known = {line.number for line in told if line.kind is bill.Kind.REFUND}
    paid = next((line for line in told if line.kind is bill.Kind.PAYMENT), None)
    found = list(told)
    for going in runs:
        for step, mark in zip(going.steps, going.marks, strict=True):
            sent = step.act
            if paid is None or not isinstance(sent, act.RefundPayment) or mark is not run.Mark.DONE or sent.number in known:
                continue
            known.add(sent.number)
            same = next((i for i, line in enumerate(found) if _nameless(line, sent)), None)
            if same is not None:
                del found[same]
            found.append(_ours(sent, paid, going.begun_at))
    return tuple(found)


def _payment(shop: order.ShopOrder, channel: ids.ChannelName, number: ids.OutTradeNo, merchant: str, at: datetime) -> bill.Line:
    amount = shop.paid if shop.paid is not None and shop.says_paid() else shop.due
    return bill.Line(
        line=0,
        channel=channel,
        merchant=merchant,
        kind=bill.Kind.PAYMENT,
        number=number,
        payment=number,
        transaction=shop.transaction,
        order=shop.number,
        amount_fen=amount.fen,
        fee_millifen=None,
        currency=amount.currency,
        standing=bill.Standing.PAID if shop.says_paid() else bill.Standing.UNPAID,
        at=at,
        day=bill.day_of(at),
    )


def _refund(told: payment.ShopRefund, paid: bill.Line, otherwise: datetime) -> bill.Line:
    # A bill has a refund on the day on which it was accepted.
    at = told.requested_at or told.done_at or otherwise
    return bill.Line(
        line=0,
        channel=paid.channel,
        merchant=paid.merchant,
        kind=bill.Kind.REFUND,
        number=told.number,
        payment=paid.payment,
        transaction=paid.transaction,
        order=paid.order,
        amount_fen=told.amount.fen,
        fee_millifen=None,
        currency=told.amount.currency,
        standing=_REFUNDS[told.state],
        at=at,
        day=bill.day_of(at),
    )


def _ours(sent: act.RefundPayment, paid: bill.Line, at: datetime) -> bill.Line:
    return bill.Line(
        line=0,
        channel=sent.channel,
        merchant=paid.merchant,
        kind=bill.Kind.REFUND,
        number=sent.number,
        payment=sent.payment,
        transaction=sent.transaction,
        order=paid.order,
        amount_fen=sent.amount.fen,
        fee_millifen=None,
        currency=sent.amount.currency,
        standing=bill.Standing.ACCEPTED,
        at=at,
        day=bill.day_of(at),
    )


def _nameless(line: bill.Line, sent: act.RefundPayment) -> bool:
    return line.kind is bill.Kind.REFUND and line.number is None and line.amount_fen == sent.amount.fen
