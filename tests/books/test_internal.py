"""Our side's book: what the shop's rows say, and what our own runs sent, each once."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from makewhole.books import internal
from makewhole.core import clock, ids, money
from makewhole.model import act, bill, claim, order, payment

WECHAT = ids.ChannelName("wechatpay")
NINE = datetime(2026, 11, 23, 9, tzinfo=clock.BEIJING)
NUMBERS = ((WECHAT, ids.OutTradeNo("PS1")),)
MERCHANTS = {WECHAT: "1900000001"}


def shop(state: order.OrderState = order.OrderState.AWAITING_SHIPMENT, transaction: str | None = "T") -> order.ShopOrder:
    return order.ShopOrder(
        source=claim.SHOP,
        as_of=NINE,
        number=ids.OrderNumber("S1"),
        state=state,
        raw_state="",
        due=money.Money(fen=1250),
        version="v",
        speaks_of=(),
        created_at=NINE,
        paid_at=NINE,
        channel=WECHAT,
        transaction=None if transaction is None else ids.TransactionId(transaction),
    )


def row(number: str | None, fen: int = 300) -> payment.ShopRefund:
    told = None if number is None else ids.RefundNo(number)
    return payment.ShopRefund(
        source=claim.SHOP, as_of=NINE, number=told, state=payment.RefundState.DONE, amount=money.Money(fen=fen), requested_at=NINE
    )


def sent(payment_no: str = "PS1", transaction: str = "T", fen: int = 300) -> internal.Sent:
    refund = act.RefundPayment(
        channel=WECHAT,
        payment=ids.OutTradeNo(payment_no),
        transaction=ids.TransactionId(transaction),
        number=ids.RefundNo("MW1"),
        amount=money.Money(fen=fen),
        paid=money.Money(fen=1250),
    )
    return internal.Sent(act=refund, at=NINE + timedelta(hours=1), came_at=NINE)


def told(*lines: bill.Line) -> list[tuple[str, str | None, str, int]]:
    return [(line.kind.value, line.number, line.standing.value, line.amount_fen) for line in lines]


PAID = ("payment", "PS1", "paid", 1250)


@pytest.mark.parametrize("rows", [(), (row(None),), (row("MW1"),)])
def test_a_refund_that_we_sent_stands_in_our_book_once(rows: tuple[payment.ShopRefund, ...]) -> None:
    """Whether the shop's rows lack it, have it without a number, or have it; and however often our runs tell of it."""
    lines = internal.lines((shop(), *rows), NUMBERS, MERCHANTS)
    whole = internal.with_sent(lines, [sent(), sent()], MERCHANTS, ids.OrderNumber("S1"))
    assert [(kind, number, amount) for kind, number, _, amount in told(*whole)] == [("payment", "PS1", 1250), ("refund", "MW1", 300)]


def test_another_refund_stays_beside_ours() -> None:
    lines = internal.lines((shop(), row("R9", 500)), NUMBERS, MERCHANTS)
    whole = internal.with_sent(lines, [sent()], MERCHANTS, ids.OrderNumber("S1"))
    assert [number for _, number, _, _ in told(*whole)] == ["PS1", "R9", "MW1"]


def test_what_we_gave_back_had_come() -> None:
    """A closed order's late payment, and a payment that no order explains: the shop's rows know of neither."""
    closed = internal.lines((shop(order.OrderState.CLOSED, None),), NUMBERS, MERCHANTS)
    assert told(*closed) == [("payment", "PS1", "unpaid", 1250)]
    for lines in (closed, ()):
        whole = internal.with_sent(lines, [sent(fen=1250)], MERCHANTS, None)
        assert told(*whole) == [PAID, ("refund", "MW1", "refunded", 1250)]
        assert [line.at for line in whole] == [NINE, NINE + timedelta(hours=1)]


def test_a_second_payment_that_we_gave_back_is_another_payment() -> None:
    lines = internal.lines((shop(),), NUMBERS, MERCHANTS)
    whole = internal.with_sent(lines, [sent("PS1-2", "T2", 1250)], MERCHANTS, ids.OrderNumber("S1"))
    assert told(*whole) == [PAID, ("payment", "PS1-2", "paid", 1250), ("refund", "MW1", "refunded", 1250)]


def test_a_channel_whose_book_is_not_kept_is_left_out() -> None:
    assert internal.with_sent((), [sent()], {}, None) == ()
