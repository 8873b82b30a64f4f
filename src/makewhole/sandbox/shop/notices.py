"""The shop's notify URL: a channel's notice goes in, the order is paid with all its side effects, an HTTP status comes out."""

from __future__ import annotations

from makewhole.sandbox.shop import schema, till
from makewhole.sandbox.shop.defects import Defect
from makewhole.sandbox.shop.schema import AttemptStatus, RefundStatus, Status
from makewhole.sandbox.shop.shop import CHANNEL, Shop

Answer = tuple[int, bytes]
SUCCESS: Answer = (200, b'{"code":"SUCCESS","message":"OK"}')
_REFUND_WORDS = {"SUCCESS": RefundStatus.DONE, "CLOSED": RefundStatus.FAILED, "PROCESSING": RefundStatus.PROCESSING}


def receive(shop: Shop, headers: till.Headers, body: bytes) -> Answer:
    """The whole handler. Raises ConnectionError where the shop is down."""
    try:
        told = shop.till.read(headers, body)
    except till.BadNotice as bad:
        return 401, f'{{"code":"FAIL","message":"{bad}"}}'.encode()
    if isinstance(told, till.RefundNews):
        if told.status in _REFUND_WORDS:
            shop.set_refund(told.refund_sn, _REFUND_WORDS[told.status])
        return SUCCESS
    sn = order_of(shop, told.out_trade_no)
    if shop.defects.holds(Defect.DOWN, sn):
        raise ConnectionError("the shop is down")
    if shop.defects.holds(Defect.REFUSES_NOTICES, sn):
        return 401, b'{"code":"FAIL","message":"bad signature"}'
    if shop.defects.holds(Defect.FAILS, sn):
        return 500, b'{"code":"FAIL","message":"internal error"}'
    if shop.defects.holds(Defect.ACKNOWLEDGES_BEFORE_APPLYING, sn):
        return SUCCESS
    return _apply(shop, sn, told)


def order_of(shop: Shop, number: str) -> str:
    """The order that an out_trade_no belongs to, by the attempts' rows; else the number itself."""
    row = shop.rows.one("SELECT order_sn FROM pay_attempt WHERE out_trade_no = ?", number)
    return number if row is None else str(row["order_sn"])


def _apply(shop: Shop, sn: str, paid: till.Paid) -> Answer:
    order = shop.rows.order(sn)
    if order is None:
        return 404, b'{"code":"FAIL","message":"no such order"}'
    if paid.amount_fen != order["pay_amount"] and not shop.defects.holds(Defect.SKIPS_AMOUNT_CHECK, sn):
        return 400, b'{"code":"FAIL","message":"amount differs"}'
    if order["status"] == Status.CLOSED:
        if shop.defects.holds(Defect.SWALLOWS_NOTICES_OF_CLOSED, sn):
            return SUCCESS
        return 409, b'{"code":"FAIL","message":"order closed"}'
    # A repeat of what was applied, or a second payment of a paid order: this shop does not look which.
    if order["status"] != Status.UNPAID:
        return SUCCESS
    record(shop, sn, paid)
    return SUCCESS


def record(shop: Shop, sn: str, paid: till.Paid) -> None:
    """The order is paid, its stock sold, its attempt done: one transaction."""
    now = shop.clock.now()
    with shop.transaction() as write:
        columns = {
            "paid_at": schema.wall(paid.paid_at),
            "paid_amount": paid.amount_fen,
            "pay_channel": CHANNEL,
            "trade_no": paid.transaction,
        }
        if not write.set_status(sn, Status.PAID, now, "channel", only_from=(Status.UNPAID,), **columns):
            return
        write.sell_stock(write.lines(sn))
        write.run(
            "UPDATE pay_attempt SET status = ?, trade_no = ?, paid_at = ? WHERE out_trade_no = ?",
            int(AttemptStatus.PAID),
            paid.transaction,
            schema.wall(paid.paid_at),
            paid.out_trade_no,
        )
