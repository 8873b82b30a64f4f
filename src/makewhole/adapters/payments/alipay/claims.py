"""What Alipay's objects claim in our words: a wire object goes in, an Attempt or a ChannelRefund comes out, or ValueError."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import unquote

from makewhole.adapters.payments import claiming
from makewhole.adapters.payments.alipay import account, wire
from makewhole.core import money
from makewhole.model import payment


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
    return _refund(told, told.out_request_no, told.refund_amount, told.gmt_refund_pay, of, as_of, raw)


def notice_refund(told: wire.Notice, of: account.Account, as_of: datetime, raw: bytes) -> payment.ChannelRefund:
    """The claim of a refund's callback. Raises ValueError where it contradicts itself.

    `refund_fee` is all that went back of this trade so far: of the first refund its own amount, of a later one more. The amount of one
    refund is asked for under its number.
    """
    return _refund(told, told.out_biz_no, told.refund_fee, told.gmt_refund, of, as_of, raw)


def _attempt(
    told: wire.Trade | wire.Notice,
    stands: payment.AttemptState,
    paid_at: str,
    buyer: str,
    of: account.Account,
    as_of: datetime,
    raw: bytes,
) -> payment.Attempt:
    amount, paid = wire.fen(told.total_amount), stands in payment.TOOK_MONEY
    if amount <= 0 or not told.trade_no:
        raise ValueError(f"{told.trade_status.value} without an amount or a trade number")
    return _told(of, as_of, raw).attempt(
        told.out_trade_no,
        stands,
        amount=money.Money(fen=amount),
        transaction=told.trade_no if paid else None,
        paid_at=wire.instant(paid_at) if paid else None,
        # The merchant had to URL-encode it before it was sent, and it comes back as it was.
        attach=unquote(told.passback_params),
        payer=of.payer(buyer) if paid else "",
    )


def _refund(
    told: wire.Refund | wire.Notice, number: str, amount: str, at: str, of: account.Account, as_of: datetime, raw: bytes
) -> payment.ChannelRefund:
    return _told(of, as_of, raw).refund(
        number,
        told.out_trade_no,
        payment.RefundState.DONE,
        amount=money.Money(fen=wire.fen(amount)),
        paid_fen=wire.fen(told.total_amount),
        transaction=told.trade_no,
        done_at=wire.instant(at),
    )


def _told(of: account.Account, as_of: datetime, raw: bytes) -> claiming.Told:
    return claiming.Told(channel=of.name, merchant=of.seller_id, as_of=as_of, raw=raw)
