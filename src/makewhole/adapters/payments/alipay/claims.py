"""What Alipay's objects claim in our words: a wire object goes in, an Attempt or a ChannelRefund comes out, or ValueError."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import unquote

from makewhole.adapters.payments.alipay import account, wire
from makewhole.core import codec, ids, money
from makewhole.model import payment


class Foreign(ValueError):
    """It speaks of another merchant's or another app's payment: not ours to act on, however well it is signed."""


def state(status: wire.TradeStatus, *, paid: bool, refunded: bool = False) -> payment.AttemptState:
    """Where an attempt stands. `paid` is whether the object has a time of payment, `refunded` whether it tells of money that went back.

    A partly refunded trade stays TRADE_SUCCESS, and its query does not tell of refunds: it is PAID here, and refunds are asked for by
    their own numbers.
    """
    match status:
        case wire.TradeStatus.WAIT_BUYER_PAY:
            return payment.AttemptState.UNPAID
        case wire.TradeStatus.TRADE_CLOSED:
            # One word for two ends: nothing ever came, or everything went back.
            return payment.AttemptState.REFUND if paid or refunded else payment.AttemptState.CLOSED
        case wire.TradeStatus.TRADE_SUCCESS | wire.TradeStatus.TRADE_FINISHED:
            return payment.AttemptState.REFUND if refunded else payment.AttemptState.PAID


def attempt(told: wire.Trade, of: account.Account, as_of: datetime, raw: bytes) -> payment.Attempt:
    """The claim of a query. Raises ValueError where the object contradicts itself."""
    if told.trans_currency != money.CNY:
        raise ValueError(f"a trade in {told.trans_currency[:8]!r}: the domestic gateway counts in {money.CNY}")
    stands = state(told.trade_status, paid=bool(told.send_pay_date))
    buyer = told.buyer_user_id or told.buyer_open_id
    return _attempt(told, stands, told.send_pay_date, buyer, of, as_of, raw)


def notice_attempt(told: wire.Notice, of: account.Account, as_of: datetime, raw: bytes) -> payment.Attempt:
    """The claim of a payment's callback. Raises ValueError where it contradicts itself."""
    stands = state(told.trade_status, paid=bool(told.gmt_payment), refunded=bool(told.gmt_refund))
    return _attempt(told, stands, told.gmt_payment, told.buyer_id or told.buyer_open_id, of, as_of, raw)


def refund(told: wire.Refund, of: account.Account, as_of: datetime, raw: bytes) -> payment.ChannelRefund:
    """The claim of a refund that was carried out. Raises ValueError where the object contradicts itself."""
    amount, total = wire.fen(told.refund_amount), wire.fen(told.total_amount)
    if not 0 < amount <= total:
        raise ValueError(f"a refund of {amount} out of {total}")
    return payment.ChannelRefund(
        source=of.name,
        as_of=as_of,
        raw=codec.digest_bytes(raw),
        channel=of.name,
        number=ids.RefundNo(told.out_request_no),
        payment=ids.OutTradeNo(told.out_trade_no),
        state=payment.RefundState.DONE,
        amount=money.Money(fen=amount),
        transaction=ids.TransactionId(told.trade_no),
        done_at=wire.instant(told.gmt_refund_pay),
    )


def notice_refund(told: wire.Notice, of: account.Account, as_of: datetime, raw: bytes) -> payment.ChannelRefund:
    """The claim of a refund's callback. Raises ValueError where it contradicts itself.

    `refund_fee` is all that went back of this trade so far: of the first refund its own amount, of a later one more. The amount of one
    refund is asked for under its number.
    """
    amount, total = wire.fen(told.refund_fee), wire.fen(told.total_amount)
    if not 0 < amount <= total:
        raise ValueError(f"a refund of {amount} out of {total}")
    return payment.ChannelRefund(
        source=of.name,
        as_of=as_of,
        raw=codec.digest_bytes(raw),
        channel=of.name,
        number=ids.RefundNo(told.out_biz_no),
        payment=ids.OutTradeNo(told.out_trade_no),
        state=payment.RefundState.DONE,
        amount=money.Money(fen=amount),
        transaction=ids.TransactionId(told.trade_no),
        done_at=wire.instant(told.gmt_refund),
    )


def _attempt(
    told: wire.Trade | wire.Notice,
    stands: payment.AttemptState,
    paid_at: str,
    buyer: str,
    of: account.Account,
    as_of: datetime,
    raw: bytes,
) -> payment.Attempt:
    amount = wire.fen(told.total_amount)
    if amount <= 0 or not told.trade_no:
        raise ValueError(f"{told.trade_status.value} without an amount or a trade number")
    return payment.Attempt(
        source=of.name,
        as_of=as_of,
        raw=codec.digest_bytes(raw),
        channel=of.name,
        number=ids.OutTradeNo(told.out_trade_no),
        state=stands,
        merchant=of.seller_id,
        amount=money.Money(fen=amount),
        transaction=ids.TransactionId(told.trade_no) if stands in payment.TOOK_MONEY else None,
        paid_at=wire.instant(paid_at) if stands in payment.TOOK_MONEY else None,
        # The merchant had to URL-encode it before it was sent, and it comes back as it was.
        attach=unquote(told.passback_params),
        payer=of.payer(buyer) if stands in payment.TOOK_MONEY else "",
    )
