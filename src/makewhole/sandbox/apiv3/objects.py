"""Truth as channels of APIv3 write it: transactions and refunds go in, the JSON objects of answers and callbacks come out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from makewhole.core import clock
from makewhole.sandbox.channel import truth

TRADE_TYPE: Mapping[str, str] = {"jsapi": "JSAPI", "native": "NATIVE", "app": "APP", "h5": "MWEB"}
STATE_TEXT: Mapping[str, str] = {
    "SUCCESS": "支付成功",
    "REFUND": "转入退款",
    "NOTPAY": "订单未支付",
    "CLOSED": "订单已关闭",
    "REVOKED": "已撤销",
    "USERPAYING": "用户支付中",
    "PAYERROR": "支付失败",
}


def transaction(found: truth.Transaction) -> dict[str, Any]:
    """The answer to a query; a paid one is also a callback's content."""
    order = found.order
    told: dict[str, Any] = {
        "appid": order.appid,
        "mchid": order.mchid,
        "out_trade_no": order.out_trade_no,
        "trade_state": found.state,
        "trade_state_desc": STATE_TEXT[found.state],
        "attach": order.attach,
        "promotion_detail": [],
    }
    if found.paid_at is None:
        return told | {"amount": {"total": order.total, "currency": order.currency}}
    return told | {
        "transaction_id": found.transaction_id,
        "trade_type": TRADE_TYPE[order.kind],
        "bank_type": "OTHERS",
        "success_time": clock.rfc3339(found.paid_at),
        "payer": {"openid": found.openid},
        "amount": {
            "total": found.paid,
            "payer_total": found.paid,
            "currency": order.currency,
            "payer_currency": order.currency,
        },
    }


def refund(found: truth.Refund) -> dict[str, Any]:
    """The answer to a refund and to its query."""
    told: dict[str, Any] = {
        "refund_id": found.refund_id,
        "out_refund_no": found.out_refund_no,
        "transaction_id": found.of.transaction_id,
        "out_trade_no": found.of.order.out_trade_no,
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": clock.rfc3339(found.created_at),
        "status": found.status,
        "funds_account": "AVAILABLE",
        "promotion_detail": [],
        "amount": {
            "total": found.total,
            "refund": found.amount,
            "payer_total": found.total,
            "payer_refund": found.amount,
            "settlement_refund": found.amount,
            "settlement_total": found.total,
            "discount_refund": 0,
            "currency": found.of.order.currency,
            "from": [],
        },
    }
    if found.done_at is not None:
        told["success_time"] = clock.rfc3339(found.done_at)
    return told


def refund_news(found: truth.Refund) -> dict[str, Any]:
    """The content of a refund callback: other fields than the query's."""
    told: dict[str, Any] = {
        "mchid": found.of.order.mchid,
        "transaction_id": found.of.transaction_id,
        "out_trade_no": found.of.order.out_trade_no,
        "refund_id": found.refund_id,
        "out_refund_no": found.out_refund_no,
        "refund_status": found.status,
        "user_received_account": "支付用户零钱",
        "amount": {"total": found.total, "refund": found.amount, "payer_total": found.total, "payer_refund": found.amount},
    }
    if found.done_at is not None:
        told["success_time"] = clock.rfc3339(found.done_at)
    return told
