"""What is broken about an order, why, and on which claims that rests; or that it is whole; or that it could not be judged."""

from __future__ import annotations

import enum
from datetime import datetime

from makewhole.core import codec, ids, money
from makewhole.model import claim, fact


class Family(enum.Enum):
    """The seed's families (R1), and resources."""

    PAYMENT = "payment"
    SHIPPING = "shipping"
    LOGISTICS = "logistics"
    RESOURCES = "stock-and-coupons"


class Ailment(enum.Enum):
    """What the claims show. The slugs are stable for users and scripts."""

    ROW_DELETED = "row-deleted"
    ROW_OVERWRITTEN = "row-overwritten"
    PAID_TWICE = "paid-twice"
    REFUNDED_TOO_MUCH = "refunded-too-much"
    AMOUNT_DIFFERS = "amount-differs"
    MONEY_WITHOUT_ORDER = "money-without-order"
    PAID_AFTER_CLOSE = "paid-after-close"
    PAID_NOT_RECORDED = "paid-not-recorded"
    REFUND_STUCK = "refund-stuck"
    REFUND_NOT_RECORDED = "refund-not-recorded"
    REFUND_NOT_SENT = "refund-not-sent"
    PAID_IN_SHOP_ONLY = "paid-in-shop-only"
    EXPIRED_UNPAID = "expired-unpaid"
    STOCK_RETURNED_TWICE = "stock-returned-twice"
    STOCK_NOT_RETURNED = "stock-not-returned"
    COUPON_USED_TWICE = "coupon-used-twice"
    COUPON_NOT_RETURNED = "coupon-not-returned"
    ORDER_CONTRADICTS_ITSELF = "order-contradicts-itself"
    BOOKS_DIFFER = "books-differ"
    """The channel's bill and our book say different things, and the order itself shows nothing that explains it."""


_RESOURCES = frozenset(
    {
        Ailment.STOCK_RETURNED_TWICE,
        Ailment.STOCK_NOT_RETURNED,
        Ailment.COUPON_USED_TWICE,
        Ailment.COUPON_NOT_RETURNED,
    }
)


def family(ailment: Ailment) -> Family:
    """The family an ailment belongs to."""
    return Family.RESOURCES if ailment in _RESOURCES else Family.PAYMENT


class Cause(enum.Enum):
    """The seed's four root causes, or unknown."""

    NETWORK_INTERRUPTION = "network-interruption"
    PAYMENT_FAILURE = "payment-failure"
    SYSTEM_DELAY = "system-delay"
    OPERATOR_ERROR = "operator-error"
    UNKNOWN = "unknown"


class CauseDetail(enum.Enum):
    """Finer than the cause."""

    CALLBACK_NOT_DELIVERED = "callback-not-delivered"
    CALLBACK_REFUSED = "callback-refused"
    CALLBACK_ACKNOWLEDGED_NOT_APPLIED = "callback-acknowledged-not-applied"
    CALLBACK_NEVER_SENT = "callback-not-sent"
    CLOSED_WITHOUT_ASKING = "closed-without-asking"
    PAID_IN_TWO_CHANNELS = "paid-in-two-channels"
    RETRY_WITH_NEW_NUMBER = "retry-with-new-number"
    WRONG_AMOUNT_CONFIGURED = "wrong-amount-configured"
    JOB_NOT_RUN = "job-not-run"
    JOB_RUN_TWICE = "job-run-twice"
    BUYER_DID_NOT_PAY = "buyer-did-not-pay"
    ORDER_NEVER_WRITTEN = "order-never-written"
    REFUND_ACCOUNT_ABNORMAL = "refund-account-abnormal"
    CHANNEL_SLOW = "channel-slow"
    MANUAL_EDIT = "manual-edit"
    WRONG_RATE_CONFIGURED = "wrong-rate-configured"
    BULK_EDIT = "bulk-edit"
    MANUAL_DELETE = "manual-delete"
    NOTHING_TELLS = "nothing-tells"


class Evidence(codec.Noun, frozen=True, kw_only=True):
    """One claim's part in a finding: who said it, as of when, and what."""

    source: str
    as_of: datetime
    what: fact.Fact


class Reason(codec.Noun, frozen=True, kw_only=True):
    """Why it happened, as far as the claims tell. `confidence` is between 0 and 1."""

    cause: Cause
    detail: CauseDetail
    confidence: float


NOTHING_TELLS = Reason(cause=Cause.UNKNOWN, detail=CauseDetail.NOTHING_TELLS, confidence=0.0)


class Finding(codec.Noun, frozen=True, kw_only=True):
    """One ailment of one order. `subject` are the numbers that it is about: the same ailment of other payments is another case."""

    ailment: Ailment
    subject: tuple[str, ...]
    reason: Reason
    stake: money.Money
    evidence: tuple[Evidence, ...]
    since: datetime | None = None
    deadline: datetime | None = None

    def case(self, order: ids.OrderKey) -> ids.CaseId:
        """The id of the case that follows this finding, however often it is found again."""
        return ids.CaseId(ids.derive(order, self.ailment.value, self.subject))


class Whole(codec.Noun, frozen=True, kw_only=True, tag="whole"):
    """The sources that matter were heard, and they agree."""


class Broken(codec.Noun, frozen=True, kw_only=True, tag="broken"):
    """Findings, most harmful first; `unheard` could still add to them."""

    findings: tuple[Finding, ...]
    unheard: tuple[claim.Silence, ...] = ()


class Unjudged(codec.Noun, frozen=True, kw_only=True, tag="unjudged"):
    """Somebody who could change the answer is silent: not whole, not broken."""

    missing: tuple[claim.Silence, ...]


Diagnosis = Whole | Broken | Unjudged
