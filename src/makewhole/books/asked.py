"""What a channel answered about one order in, the lines of its book out: before there is a bill, this is what the day is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from makewhole.core import ids
from makewhole.model import bill, dossier, payment

_ATTEMPTS = {
    payment.AttemptState.PAID: bill.Standing.PAID,
    # A bill shows the payment whole, and the refund in a line of its own.
    payment.AttemptState.REFUND: bill.Standing.PAID,
    payment.AttemptState.UNPAID: bill.Standing.UNPAID,
    payment.AttemptState.CLOSED: bill.Standing.UNPAID,
    payment.AttemptState.FAILED: bill.Standing.UNPAID,
    payment.AttemptState.PAYING: bill.Standing.UNPAID,
}
_REFUNDS = {
    payment.RefundState.REQUESTED: bill.Standing.ACCEPTED,
    payment.RefundState.PROCESSING: bill.Standing.ACCEPTED,
    payment.RefundState.DONE: bill.Standing.REFUNDED,
    payment.RefundState.CLOSED: bill.Standing.FAILED,
    payment.RefundState.ABNORMAL: bill.Standing.ABNORMAL,
}


def lines(told: dossier.Dossier, merchants: Mapping[ids.ChannelName, str], *, settled_by: datetime) -> tuple[bill.Line, ...]:
    """The attempts and refunds that were heard of; not what is younger than `settled_by`: its callback may still be under way."""
    order = None if told.shop() is None else told.order.number
    found = []
    for heard in told.claims:
        match heard:
            case payment.Attempt(channel=channel, amount=amount) if channel in merchants and amount is not None:
                if heard.paid_at is None or heard.paid_at <= settled_by:
                    found.append(_attempt(heard, amount.fen, amount.currency, merchants[channel], order))
            case payment.ChannelRefund(channel=channel) if channel in merchants:
                found.append(_refund(heard, merchants[channel], order))
            case _:
                pass
    return tuple(found)


def _attempt(heard: payment.Attempt, fen: int, currency: str, merchant: str, order: ids.OrderNumber | None) -> bill.Line:
    at = heard.paid_at or heard.as_of
    return bill.Line(
        line=0,
        channel=heard.channel,
        merchant=merchant,
        kind=bill.Kind.PAYMENT,
        number=heard.number,
        payment=heard.number,
        transaction=heard.transaction,
        order=order,
        amount_fen=fen,
        fee_millifen=None,
        currency=currency,
        standing=_ATTEMPTS[heard.state],
        at=at,
        day=bill.day_of(at),
    )


def _refund(heard: payment.ChannelRefund, merchant: str, order: ids.OrderNumber | None) -> bill.Line:
    at = heard.requested_at or heard.done_at or heard.as_of
    return bill.Line(
        line=0,
        channel=heard.channel,
        merchant=merchant,
        kind=bill.Kind.REFUND,
        number=heard.number,
        payment=heard.payment,
        transaction=heard.transaction,
        order=order,
        amount_fen=heard.amount.fen,
        fee_millifen=None,
        currency=heard.amount.currency,
        standing=_REFUNDS[heard.state],
        at=at,
        day=bill.day_of(at),
    )
