"""What a shop's rows and our own runs say of some orders in, the lines of our side's book out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from makewhole.core import codec, ids
from makewhole.model import act, bill, dossier, order, payment

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


class Sent(codec.Noun, frozen=True, kw_only=True):
    """A refund that we sent ourselves: when, and when its payment had come."""

    act: act.RefundPayment
    at: datetime
    came_at: datetime


def with_sent(
    told: Sequence[bill.Line], sent: Iterable[Sent], merchants: Mapping[ids.ChannelName, str], of: ids.OrderNumber | None
) -> tuple[bill.Line, ...]:
    """The same with the refunds that we sent ourselves: the shop's rows may not know of them, or not under which number.

    What we gave back had come: the payment of such a refund stands in our book too, though the shop's rows never knew it.
    """
    found = list(told)
    for one in sent:
        if one.act.channel not in merchants:
            continue
        if not any(line.kind is bill.Kind.PAYMENT and _of(line, one.act) and line.standing is bill.Standing.PAID for line in found):
            found = [line for line in found if line.kind is not bill.Kind.PAYMENT or line.number != one.act.payment]
            found.append(_came(one, merchants[one.act.channel], of))
        if any(line.kind is bill.Kind.REFUND and line.number == one.act.number for line in found):
            continue
        same = next((i for i, line in enumerate(found) if _nameless(line, one.act)), None)
        if same is not None:
            del found[same]
        found.append(_ours(one, merchants[one.act.channel], of))
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


def _came(one: Sent, merchant: str, of: ids.OrderNumber | None) -> bill.Line:
    paid = one.act.paid
    return bill.Line(
        line=0,
        channel=one.act.channel,
        merchant=merchant,
        kind=bill.Kind.PAYMENT,
        number=one.act.payment,
        payment=one.act.payment,
        transaction=one.act.transaction,
        order=of,
        amount_fen=paid.fen,
        fee_millifen=None,
        currency=paid.currency,
        standing=bill.Standing.PAID,
        at=one.came_at,
        day=bill.day_of(one.came_at),
    )


def _ours(one: Sent, merchant: str, of: ids.OrderNumber | None) -> bill.Line:
    sent = one.act
    return bill.Line(
        line=0,
        channel=sent.channel,
        merchant=merchant,
        kind=bill.Kind.REFUND,
        number=sent.number,
        payment=sent.payment,
        transaction=sent.transaction,
        order=of,
        amount_fen=sent.amount.fen,
        fee_millifen=None,
        currency=sent.amount.currency,
        # A step is done once the channel says that the money went.
        standing=bill.Standing.REFUNDED,
        at=one.at,
        day=bill.day_of(one.at),
    )


def _of(line: bill.Line, sent: act.RefundPayment) -> bool:
    return line.transaction == sent.transaction if line.transaction is not None else line.number == sent.payment


def _nameless(line: bill.Line, sent: act.RefundPayment) -> bool:
    return line.kind is bill.Kind.REFUND and line.number is None and line.amount_fen == sent.amount.fen
