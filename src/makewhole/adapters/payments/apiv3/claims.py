"""What a channel's objects claim in our words: a wire object goes in, an Attempt or a ChannelRefund comes out, or ValueError."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from makewhole.adapters.payments.apiv3 import account, wire
from makewhole.core import clock, codec, ids, money
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


class Foreign(ValueError):
    """It speaks of another merchant's or another app's payment: not ours to act on, however well it is signed."""


def attempt(told: wire.Transaction, of: account.Account, as_of: datetime, raw: bytes) -> payment.Attempt:
    """The claim. Raises Foreign, or ValueError where the object contradicts itself."""
    if told.mchid != of.mchid:
        raise Foreign(f"merchant {told.mchid}, ours is {of.mchid}")
    if not of.knows_app(told.appid):
        raise Foreign(f"app {told.appid}, ours is {of.appid}")
    state = ATTEMPT[told.trade_state]
    if state in payment.TOOK_MONEY and (told.amount is None or told.amount.total <= 0 or not told.transaction_id):
        raise ValueError(f"{told.trade_state.value} without an amount or a transaction number")
    return payment.Attempt(
        source=of.name,
        as_of=as_of,
        raw=codec.digest_bytes(raw),
        channel=of.name,
        number=ids.OutTradeNo(told.out_trade_no),
        state=state,
        merchant=told.mchid,
        amount=None if told.amount is None else money.Money(fen=told.amount.total, currency=told.amount.currency),
        transaction=ids.TransactionId(told.transaction_id) if told.transaction_id else None,
        paid_at=clock.parse(told.success_time) if told.success_time else None,
        attach=told.attach,
        payer=of.payer(told.payer.openid) if told.payer else "",
    )


def refund(told: wire.Refund, of: account.Account, as_of: datetime, raw: bytes) -> payment.ChannelRefund:
    """The claim. Raises ValueError where the object contradicts itself."""
    if not 0 < told.amount.refund <= told.amount.total:
        raise ValueError(f"a refund of {told.amount.refund} out of {told.amount.total}")
    return payment.ChannelRefund(
        source=of.name,
        as_of=as_of,
        raw=codec.digest_bytes(raw),
        channel=of.name,
        number=ids.RefundNo(told.out_refund_no),
        payment=ids.OutTradeNo(told.out_trade_no),
        state=REFUND[told.status],
        amount=money.Money(fen=told.amount.refund, currency=told.amount.currency),
        transaction=ids.TransactionId(told.transaction_id),
        requested_at=clock.parse(told.create_time) if told.create_time else None,
        done_at=clock.parse(told.success_time) if told.success_time else None,
    )


def refund_news(told: wire.RefundNews, of: account.Account, as_of: datetime, raw: bytes) -> payment.ChannelRefund:
    """The claim of a callback; one that names no merchant was sealed for us. Raises Foreign, or ValueError where it contradicts itself."""
    if told.mchid != of.mchid and told.mchid is not None:
        raise Foreign(f"merchant {told.mchid}, ours is {of.mchid}")
    if not 0 < told.amount.refund <= told.amount.total:
        raise ValueError(f"a refund of {told.amount.refund} out of {told.amount.total}")
    return payment.ChannelRefund(
        source=of.name,
        as_of=as_of,
        raw=codec.digest_bytes(raw),
        channel=of.name,
        number=ids.RefundNo(told.out_refund_no),
        payment=ids.OutTradeNo(told.out_trade_no),
        state=REFUND[told.refund_status],
        amount=money.Money(fen=told.amount.refund, currency=told.amount.currency),
        transaction=ids.TransactionId(told.transaction_id) if told.transaction_id else None,
        done_at=clock.parse(told.success_time) if told.success_time else None,
    )
