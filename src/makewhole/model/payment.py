"""What payment channels say, what the relay heard from them, and what the shop's own refund rows say."""

from __future__ import annotations

import enum
from datetime import datetime

from makewhole.core import ids, money
from makewhole.model import claim


class AttemptState(enum.Enum):
    """Where one attempt to pay stands, as its channel tells it."""

    UNPAID = "unpaid"
    PAID = "paid"
    REFUND = "refund"
    """Paid, and since then refunded in part or in full."""
    CLOSED = "closed"
    FAILED = "failed"
    PAYING = "paying"
    """The buyer is entering a password right now: neither paid nor unpaid."""


TOOK_MONEY = frozenset({AttemptState.PAID, AttemptState.REFUND})
SETTLED_UNPAID = frozenset({AttemptState.UNPAID, AttemptState.CLOSED, AttemptState.FAILED})


class Attempt(claim.Claim, frozen=True, kw_only=True, tag="attempt"):
    """One attempt to pay, as the channel tells it. `number` is the merchant's out_trade_no, `transaction` the channel's own."""

    channel: ids.ChannelName
    number: ids.OutTradeNo
    state: AttemptState
    merchant: str = ""
    amount: money.Money | None = None
    transaction: ids.TransactionId | None = None
    paid_at: datetime | None = None
    attach: str = ""
    payer: str = ""


class RefundState(enum.Enum):
    """Where a refund stands."""

    REQUESTED = "requested"
    PROCESSING = "processing"
    DONE = "done"
    CLOSED = "closed"
    ABNORMAL = "abnormal"
    """The buyer's account could not take it: only a person can go on."""


UNDER_WAY = frozenset({RefundState.REQUESTED, RefundState.PROCESSING})


class ChannelRefund(claim.Claim, frozen=True, kw_only=True, tag="channel-refund"):
    """A refund as the channel tells it."""

    channel: ids.ChannelName
    number: ids.RefundNo
    payment: ids.OutTradeNo
    state: RefundState
    amount: money.Money
    transaction: ids.TransactionId | None = None
    requested_at: datetime | None = None
    done_at: datetime | None = None


class ShopRefund(claim.Claim, frozen=True, kw_only=True, tag="shop-refund"):
    """A refund as the shop's own rows tell it."""

    number: ids.RefundNo | None
    state: RefundState
    amount: money.Money
    part: str = ""
    """What the sub-order is called that it was for, where its row names one."""
    requested_at: datetime | None = None
    done_at: datetime | None = None


class NoticeCheck(enum.Enum):
    """What the relay made of a callback before it kept it."""

    GENUINE = "genuine"
    BAD_SIGNATURE = "bad-signature"
    UNKNOWN_CERTIFICATE = "unknown-certificate"
    CLOCK = "clock"
    """Stamped more than five minutes from our clock."""
    UNREADABLE = "unreadable"
    FOREIGN = "foreign"
    """Properly signed, about another merchant's or another app's payment."""
    PROBE = "probe"
    """The channel's own deliberately wrong signature (SIGNTEST): must be refused, is no attack."""


class ShopAnswer(enum.Enum):
    """What the shop answered when the relay forwarded a callback."""

    NOT_FORWARDED = "not-forwarded"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"


class Notice(claim.Claim, frozen=True, kw_only=True, tag="notice"):
    """A callback that the relay received, and what the shop did with it."""

    channel: ids.ChannelName
    number: ids.OutTradeNo
    check: NoticeCheck
    received_at: datetime
    answer: ShopAnswer = ShopAnswer.NOT_FORWARDED
    answer_code: int | None = None
    forwarded: int = 0
    refund: ids.RefundNo | None = None
    """The refund that it is about; None for a payment's notice, and for one of which nothing was believed."""

    def said(self) -> object:
        """That it came; how often it was forwarded since changes no plan."""
        return ("notice", self.channel, self.number, self.check.value, *(() if self.refund is None else (self.refund,)))


class Match(enum.Enum):
    """Why an order may be the one that a payment belongs to."""

    ATTACH = "attach"
    AMOUNT = "amount"
    TIME = "time"
    PAYER = "payer"


class Candidate(claim.Claim, frozen=True, kw_only=True, tag="candidate"):
    """An order that money without an order may belong to, and on what grounds."""

    order: ids.OrderNumber
    due: money.Money
    open: bool
    on: tuple[Match, ...]
    created_at: datetime | None = None


class Link(claim.Claim, frozen=True, kw_only=True, tag="link"):
    """An alias that was decided on: this payment belongs to that order."""

    number: ids.OutTradeNo
    order: ids.OrderNumber
