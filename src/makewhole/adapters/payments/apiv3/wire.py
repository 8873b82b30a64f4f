"""What channels of APIv3 put on the wire: raw bytes go in, typed objects come out, or ValueError. Amounts are JSON integers or refused.

Unknown fields are let pass, because the channel adds some every year; duplicate keys, floats where integers stand, NaN, deep nesting
and large bodies are not.
"""

from __future__ import annotations

import enum

import msgspec

from makewhole.adapters.payments import strictjson


class TradeState(enum.Enum):
    """Where a transaction stands, in the channel's words."""

    SUCCESS = "SUCCESS"
    REFUND = "REFUND"
    NOTPAY = "NOTPAY"
    CLOSED = "CLOSED"
    REVOKED = "REVOKED"
    USERPAYING = "USERPAYING"
    PAYERROR = "PAYERROR"
    ACCEPT = "ACCEPT"


class RefundStatus(enum.Enum):
    """Where a refund stands, in the channel's words."""

    SUCCESS = "SUCCESS"
    CLOSED = "CLOSED"
    PROCESSING = "PROCESSING"
    ABNORMAL = "ABNORMAL"


class Amount(msgspec.Struct, frozen=True, kw_only=True):
    """Of a transaction, in the currency's minor unit."""

    total: int
    currency: str = "CNY"


class Payer(msgspec.Struct, frozen=True, kw_only=True):
    """Who paid."""

    openid: str = ""


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a query, and the content of a payment callback."""

    mchid: str
    out_trade_no: str
    trade_state: TradeState
    appid: str = ""
    transaction_id: str | None = None
    success_time: str | None = None
    attach: str = ""
    payer: Payer | None = None
    amount: Amount | None = None


class RefundAmount(msgspec.Struct, frozen=True, kw_only=True):
    """Of a refund, in the currency's minor unit."""

    total: int
    refund: int
    currency: str = "CNY"


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a refund and to its query."""

    refund_id: str
    out_refund_no: str
    transaction_id: str
    out_trade_no: str
    status: RefundStatus
    amount: RefundAmount
    create_time: str | None = None
    success_time: str | None = None


class RefundNews(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a refund callback."""

    mchid: str | None = None
    out_trade_no: str
    out_refund_no: str
    refund_status: RefundStatus
    amount: RefundAmount
    transaction_id: str = ""
    success_time: str | None = None


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a new payment: one of them, by the kind of link. A code to scan has two names."""

    code_url: str = ""
    qr_code: str = ""
    h5_url: str = ""
    prepay_id: str = ""


class BillAddress(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to the question for a bill."""

    hash_type: str
    hash_value: str
    download_url: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """An error answer."""

    code: str = ""
    message: str = ""


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """AES-256-GCM under the APIv3 key."""

    algorithm: str
    nonce: str
    ciphertext: str
    associated_data: str = ""
    original_type: str = ""


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """A callback's body."""

    id: str
    event_type: str
    resource_type: str
    resource: Sealed
    create_time: str = ""


def problem(raw: bytes) -> Problem:
    """What an error answer says; an empty one where a proxy's page came instead."""
    try:
        return strictjson.parse(raw, Problem)
    except ValueError:
        return Problem()
