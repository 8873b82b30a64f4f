"""What WeChat Pay puts on the wire: raw bytes go in, typed objects come out, or ValueError. Amounts are JSON integers or refused.

Unknown fields are let pass, because the channel adds some every year; duplicate keys, floats where integers stand, NaN, deep nesting
and large bodies are not.
"""

from __future__ import annotations

import enum
import json
import re
from typing import Any, NoReturn, TypeVar

import msgspec

BODY_BYTES_MAX = 64 * 1024
"""A transaction with many coupons has 4 KB; a list of certificates 6 KB."""
DEPTH_MAX = 12
"""Documented objects nest to 4."""
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")

Shape = TypeVar("Shape")


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

    mchid: str
    out_trade_no: str
    out_refund_no: str
    refund_status: RefundStatus
    amount: RefundAmount
    transaction_id: str = ""
    success_time: str | None = None


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a new payment: one of the three, by the kind of link."""

    code_url: str = ""
    h5_url: str = ""
    prepay_id: str = ""


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


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """One platform certificate, sealed."""

    serial_no: str
    effective_time: str
    expire_time: str
    encrypt_certificate: Sealed


class Certificates(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of /v3/certificates."""

    data: tuple[Certificate, ...]


def parse(raw: bytes, shape: type[Shape]) -> Shape:
    """The object. Raises ValueError, saying what is wrong, for anything that is not exactly one."""
    if len(raw) > BODY_BYTES_MAX:
        raise ValueError(f"{len(raw)} bytes, allowed are {BODY_BYTES_MAX}")
    depth = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub(b"", raw)):
        depth += 1 if bracket in b"[{" else -1
        if depth > DEPTH_MAX:
            raise ValueError(f"nested deeper than {DEPTH_MAX}")
    try:
        told = json.loads(raw.decode("utf-8"), object_pairs_hook=_object, parse_constant=_constant)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as wrong:
        raise ValueError(f"not JSON: {wrong}") from wrong
    try:
        return msgspec.convert(told, shape, strict=True)
    except msgspec.ValidationError as wrong:
        raise ValueError(str(wrong)) from wrong


def problem(raw: bytes) -> Problem:
    """What an error answer says; an empty one where a proxy's page came instead."""
    try:
        return parse(raw, Problem)
    except ValueError:
        return Problem()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two values under one key are two stories; whoever signs one and reads the other can be fooled."""
    told = dict(pairs)
    if len(told) != len(pairs):
        raise json.JSONDecodeError("a key comes twice", "", 0)
    return told


def _constant(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is no JSON", "", 0)
