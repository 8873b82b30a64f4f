"""Names of things, and keys derived from intentions: the same intention always has the same key, so that it has one effect (law 3)."""

from __future__ import annotations

import hashlib
from typing import NewType

from makewhole.core import codec

ShopName = NewType("ShopName", str)
OrderNumber = NewType("OrderNumber", str)
ChannelName = NewType("ChannelName", str)
OutTradeNo = NewType("OutTradeNo", str)
"""The merchant's number of one attempt to pay."""
TransactionId = NewType("TransactionId", str)
"""The channel's number of a payment."""
RefundNo = NewType("RefundNo", str)
"""The merchant's number of a refund (out_refund_no)."""
Sku = NewType("Sku", str)
CouponId = NewType("CouponId", str)
CaseId = NewType("CaseId", str)
RunId = NewType("RunId", str)
Key = NewType("Key", str)
"""An idempotency key: 32 hex characters derived from an intention."""

KEY_LENGTH = 32
"""Characters. 128 bits: no two intentions of all the world's orders share a key by chance; fits every channel's number field."""


class OrderKey(codec.Noun, frozen=True, kw_only=True, order=True):
    """One order of one shop. Every key is scoped by shop: one process may serve many."""

    shop: ShopName
    number: OrderNumber

    def __str__(self) -> str:
        return f"{self.shop}/{self.number}"


def derive(*parts: object) -> Key:
    """The key of an intention, from what it is about. Never drawn by chance (law 2)."""
    return Key(hashlib.sha256(codec.canonical(parts)).hexdigest()[:KEY_LENGTH])


def refund_no(shop: ShopName, transaction: TransactionId) -> RefundNo:
    """The one number under which Makewhole refunds this payment in full, however often it is asked (law 3).

    32 characters of [0-9A-Za-z], within WeChat Pay's limit of 64 for out_refund_no.
    """
    return RefundNo("MW" + derive(shop, "refund", transaction)[: KEY_LENGTH - 2])


def reissued_number(number: OrderNumber, ordinal: int, length_max: int = 32) -> OrderNumber:
    """The number of an order that is issued again (R1). WeChat Pay allows 32 characters in out_trade_no.

    A number that would grow too long is shortened at its front, and a piece of its digest keeps it unique.
    """
    tail = f"R{ordinal}"
    if len(number) + len(tail) <= length_max:
        return OrderNumber(number + tail)
    mark = derive(number)[:8]
    return OrderNumber(mark + number[len(number) + len(mark) + len(tail) - length_max :] + tail)
