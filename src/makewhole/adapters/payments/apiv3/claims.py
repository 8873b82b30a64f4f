"""What a channel's objects claim in our words: a wire object goes in, an Attempt or a ChannelRefund comes out, or ValueError."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from makewhole.adapters.payments import claiming
from makewhole.adapters.payments.apiv3 import account, wire
from makewhole.core import clock, money
from makewhole.model import payment

ATTEMPT: Mapping[wire.TradeState, payment.AttemptState] = {
    wire.TradeState.SUCCESS: payment.AttemptState.PAID,
    wire.TradeState.REFUND: payment.AttemptState.REFUND,
    wire.TradeState.NOTPAY: payment.AttemptState.UNPAID,
    wire.TradeState.CLOSED: payment.AttemptState.CLOSED,
    # Code payments only: taken back before it was settled, no money can arrive any more.
    wire.TradeState.REVOKED: payment.AttemptState.CLOSED,
    wire.TradeState.USERPAYING: payment.AttemptState.PAYING,
    wire.TradeState.ACCEPT: payment.AttemptState.PAYING,
    wire.TradeState.PAYERROR: payment.AttemptState.FAILED,
}
REFUND: Mapping[wire.RefundStatus, payment.RefundState] = {
    wire.RefundStatus.SUCCESS: payment.RefundState.DONE,
    wire.RefundStatus.PROCESSING: payment.RefundState.PROCESSING,
    wire.RefundStatus.CLOSED: payment.RefundState.CLOSED,
    wire.RefundStatus.ABNORMAL: payment.RefundState.ABNORMAL,
}


def attempt(told: wire.Transaction, of: account.Account, as_of: datetime, raw: bytes) -> payment.Attempt:
    """The claim. Raises Foreign, or ValueError where the object contradicts itself."""
    if told.mchid != of.mchid:
        raise claiming.Foreign(f"merchant {told.mchid}, ours is {of.mchid}")
    if not of.knows_app(told.appid):
        raise claiming.Foreign(f"app {told.appid}, ours is {of.appid}")
    return _told(of, as_of, raw).attempt(
        told.out_trade_no,
        ATTEMPT[told.trade_state],
        amount=None if told.amount is None else money.Money(fen=told.amount.total, currency=told.amount.currency),
        transaction=told.transaction_id,
        paid_at=clock.parse(told.success_time) if told.success_time else None,
        attach=told.attach,
        payer=of.payer(told.payer.openid) if told.payer else "",
    )


def refund(told: wire.Refund, of: account.Account, as_of: datetime, raw: bytes) -> payment.ChannelRefund:
    """The claim. Raises ValueError where the object contradicts itself."""
    requested_at = clock.parse(told.create_time) if told.create_time else None
    return _refund(told, told.status, requested_at, of, as_of, raw)


def refund_news(told: wire.RefundNews, of: account.Account, as_of: datetime, raw: bytes) -> payment.ChannelRefund:
    """The claim of a callback; one that names no merchant was sealed for us. Raises Foreign, or ValueError where it contradicts itself."""
    if told.mchid != of.mchid and told.mchid is not None:
        raise claiming.Foreign(f"merchant {told.mchid}, ours is {of.mchid}")
    return _refund(told, told.refund_status, None, of, as_of, raw)


def _refund(
    told: wire.Refund | wire.RefundNews,
    status: wire.RefundStatus,
    requested_at: datetime | None,
    of: account.Account,
    as_of: datetime,
    raw: bytes,
) -> payment.ChannelRefund:
    return _told(of, as_of, raw).refund(
        told.out_refund_no,
        told.out_trade_no,
        REFUND[status],
        amount=money.Money(fen=told.amount.refund, currency=told.amount.currency),
        paid_fen=told.amount.total,
        transaction=told.transaction_id,
        requested_at=requested_at,
        done_at=clock.parse(told.success_time) if told.success_time else None,
    )


def _told(of: account.Account, as_of: datetime, raw: bytes) -> claiming.Told:
    return claiming.Told(channel=of.name, merchant=of.mchid, as_of=as_of, raw=raw)
