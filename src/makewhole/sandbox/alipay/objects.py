"""Truth as Alipay writes it: trades and refunds go in, the objects of answers and the parameters of callbacks come out."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

from makewhole.core import clock
from makewhole.sandbox.channel import truth

_SUCCESS = {"code": "10000", "msg": "Success"}


def yuan(fen: int) -> str:
    """Two decimals."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def time(at: datetime) -> str:
    """Beijing time to the second."""
    return f"{at.astimezone(clock.BEIJING):%Y-%m-%d %H:%M:%S}"


def given_back(of: truth.Transaction) -> int:
    """Fen that went back to the buyer."""
    return sum(r.amount for r in of.refunds if r.status == "SUCCESS")


def status(of: truth.Transaction, now: datetime) -> str:
    """TRADE_CLOSED means two things: nothing came, or all went back."""
    if of.state == "NOTPAY":
        return "WAIT_BUYER_PAY"
    if of.paid_at is None or given_back(of) >= of.paid:
        return "TRADE_CLOSED"
    return "TRADE_FINISHED" if now - of.paid_at > truth.REFUND_AGE_MAX else "TRADE_SUCCESS"


def trade(of: truth.Transaction, now: datetime) -> dict[str, Any]:
    """The answer to a query."""
    total = of.paid if of.paid_at else of.order.total
    paid = yuan(of.paid if of.paid_at else 0)
    told = _SUCCESS | {
        "buyer_logon_id": "159****5620",
        "buyer_pay_amount": paid,
        "buyer_user_id": of.openid or "2088102177846880",
        "buyer_user_type": "PRIVATE",
        "invoice_amount": paid,
        "out_trade_no": of.order.out_trade_no,
        "point_amount": "0.00",
        "receipt_amount": paid,
        "total_amount": yuan(total),
        "trade_no": of.transaction_id,
        "trade_status": status(of, now),
    }
    if of.order.attach:
        told["passback_params"] = of.order.attach
    return told if of.paid_at is None else told | {"send_pay_date": time(of.paid_at)}


def closed(of: truth.Transaction) -> dict[str, Any]:
    """The answer to a close."""
    return _SUCCESS | {"out_trade_no": of.order.out_trade_no, "trade_no": of.transaction_id}


def precreated(of: truth.Transaction) -> dict[str, Any]:
    """The answer to a new payment by code."""
    return _SUCCESS | {"out_trade_no": of.order.out_trade_no, "qr_code": f"https://qr.alipay.com/bax{of.prepay[-12:]}"}


def refunded(of: truth.Refund, *, again: bool) -> dict[str, Any]:
    """The answer to a refund: how much went back of the trade in all, and whether this very request moved money."""
    moved = of.status == "SUCCESS"
    return _SUCCESS | {
        "buyer_logon_id": "159****5620",
        "buyer_user_id": of.of.openid,
        "fund_change": "Y" if moved and not again else "N",
        "gmt_refund_pay": time(of.done_at or of.created_at),
        "out_trade_no": of.of.order.out_trade_no,
        "refund_fee": yuan(given_back(of.of)),
        "send_back_fee": yuan(0 if again or not moved else of.amount),
        "trade_no": of.of.transaction_id,
    }


def refund(of: truth.Refund | None) -> dict[str, Any]:
    """The answer to a refund's query: nothing but success where it is unknown, under way or failed."""
    if of is None or of.status != "SUCCESS":
        return dict(_SUCCESS)
    return _SUCCESS | {
        "gmt_refund_pay": time(of.done_at or of.created_at),
        "out_request_no": of.out_refund_no,
        "out_trade_no": of.of.order.out_trade_no,
        "refund_amount": yuan(of.amount),
        "refund_status": "REFUND_SUCCESS",
        "total_amount": yuan(of.total),
        "trade_no": of.of.transaction_id,
    }


def news(of: truth.Transaction, refund: truth.Refund | None, now: datetime) -> dict[str, str]:
    """The parameters of a callback, but for what each sending has of its own."""
    paid = yuan(of.paid)
    told = {
        "app_id": of.order.appid,
        "auth_app_id": of.order.appid,
        "buyer_id": of.openid,
        "buyer_pay_amount": paid,
        "charset": "utf-8",
        "fund_bill_list": f'[{{"amount":"{paid}","fundChannel":"ALIPAYACCOUNT"}}]',
        "gmt_create": time(of.created_at),
        "gmt_payment": time(of.paid_at or now),
        "invoice_amount": paid,
        "notify_type": "trade_status_sync",
        "out_trade_no": of.order.out_trade_no,
        "point_amount": "0.00",
        "receipt_amount": paid,
        "seller_id": of.order.mchid,
        "subject": of.order.description,
        "total_amount": paid,
        "trade_no": of.transaction_id,
        "trade_status": status(of, now),
        "version": "1.0",
    }
    if of.order.attach:
        told["passback_params"] = of.order.attach
    if refund is None:
        return told
    return told | {
        "out_biz_no": refund.out_refund_no,
        "refund_fee": yuan(given_back(of)),
        "gmt_refund": time(refund.done_at or now) + ".536",
    }


def certificate(pem: bytes) -> dict[str, Any]:
    """The answer to alipay.open.app.alipaycert.download."""
    return _SUCCESS | {"alipay_cert_content": base64.b64encode(pem).decode()}
