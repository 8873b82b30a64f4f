"""What an evidence line or a reason says, without a language: a word of ours and its values. The catalogue puts it into words."""

from __future__ import annotations

import enum
from datetime import datetime

from makewhole.core import clock, codec, money


class Says(enum.Enum):
    """The sentences that Makewhole can say. Each has a text in Chinese and English in the catalogue, held complete by a test."""

    SHOP_STATE = "shop-state"
    SHOP_DUE = "shop-due"
    SHOP_UNKNOWN_ORDER = "shop-unknown-order"
    SHOP_CLOSED_AT = "shop-closed-at"
    SHOP_EXPIRED_AT = "shop-expired-at"
    SHOP_REFUND = "shop-refund"
    CHANNEL_PAID = "channel-paid"
    CHANNEL_UNPAID = "channel-unpaid"
    CHANNEL_CLOSED = "channel-closed"
    CHANNEL_REFUND = "channel-refund"
    CHANNEL_TURNED_REFUND = "channel-turned-refund"
    CHANNEL_NOT_REFUNDED = "channel-not-refunded"
    NOTICE_RECEIVED = "notice-received"
    NOTICE_MISSING = "notice-missing"
    NOTICE_BAD = "notice-bad"
    SHOP_ACKNOWLEDGED = "shop-acknowledged"
    SHOP_REFUSED_NOTICE = "shop-refused-notice"
    SHOP_UNREACHABLE = "shop-unreachable"
    CANDIDATE = "candidate"
    STOCK_TALLY = "stock-tally"
    STOCK_LEFT = "stock-left"
    COUPON_HELD = "coupon-held"
    COUPON_HOLDERS = "coupon-holders"
    COUPON_ELSEWHERE = "coupon-elsewhere"
    PAID_WITHOUT_TIME = "paid-without-time"
    PAID_WITHOUT_CHANNEL = "paid-without-channel"
    UNPAID_WITH_TIME = "unpaid-with-time"
    CLOSED_BUT_PAID = "closed-but-paid"
    SHIPPED_WITHOUT_PARCEL = "shipped-without-parcel"
    SHIPPED_WITHOUT_TIME = "shipped-without-time"
    PARCEL_BEFORE_SHIPPING = "parcel-before-shipping"
    COMPLETED_WITHOUT_TIME = "completed-without-time"
    TIMES_OUT_OF_ORDER = "times-out-of-order"
    AMOUNTS_DO_NOT_ADD_UP = "amounts-do-not-add-up"
    PAID_AMOUNT_DIFFERS = "paid-amount-differs"
    PARTS_DISAGREE = "parts-disagree"
    PARTS_DO_NOT_ADD_UP = "parts-do-not-add-up"
    PART_WITHOUT_PARCEL = "part-without-parcel"
    PART_WITHOUT_TIME = "part-without-time"
    PART_PARCEL_BEFORE_SHIPPING = "part-parcel-before-shipping"
    PART_TIMES_OUT_OF_ORDER = "part-times-out-of-order"
    WITHOUT_ITEMS = "without-items"
    FOREIGN_ITEM = "foreign-item"
    ITEMS_WITHOUT_ORDER = "items-without-order"
    NUMBER_NOT_UNIQUE = "number-not-unique"
    BOOKS_DIFFER = "books-differ"
    BOOKS_OURS = "books-ours"
    BOOKS_THEIRS = "books-theirs"
    DECIDED = "decided"
    GOODS_ARE_OUT = "goods-are-out"
    MONEY_GOES_BACK = "money-goes-back"
    MAY_BE_PAID_UNTIL = "may-be-paid-until"
    NO_TIME_TO_PAY = "no-time-to-pay"
    HAND_MISSING = "hand-missing"
    BILL_REFUSED = "bill-refused"
    BANK_DIFFERS = "bank-differs"
    BILL_WITHDRAWN = "bill-withdrawn"
    DAY_OPEN = "day-open"
    STATEMENT_REFUSED = "statement-refused"
    RECORD_ALTERED = "record-altered"
    ROW_MOVED = "row-moved"
    PART_MOVED = "part-moved"
    PART_GONE = "part-gone"
    ROW_GONE = "row-gone"
    ROW_STATEMENT = "row-statement"
    TAKE_BACK_WITH = "take-back-with"
    RESTS_ON_OVERWRITTEN_ROW = "rests-on-overwritten-row"
    LATE_UNKNOWN_TIME = "late-unknown-time"
    LATE_TOO_OLD = "late-too-old"
    LATE_FRAUD_WINDOW = "late-fraud-window"
    LATE_STOCK_UNKNOWN = "late-stock-unknown"
    LATE_STOCK_SHORT = "late-stock-short"
    LATE_PRICE_ROSE = "late-price-rose"
    LATE_COUPON_UNKNOWN = "late-coupon-unknown"
    LATE_COUPON_GONE = "late-coupon-gone"
    LATE_FITS = "late-fits"
    HELD_BY_GUARD = "held-by-guard"
    STEP_REFUSED = "step-refused"
    GAVE_UP_WAITING = "gave-up-waiting"
    STILL_BROKEN = "still-broken"


class Fact(codec.Noun, frozen=True, kw_only=True):
    """One sentence: its word and its values, already in neutral spelling (amounts, RFC 3339 instants, numbers, slugs)."""

    says: Says
    values: tuple[str, ...] = ()


def fact(says: Says, *values: object) -> Fact:
    """A sentence from typed values."""
    return Fact(says=says, values=tuple(_spell(v) for v in values))


def _spell(value: object) -> str:
    match value:
        case None:
            return "–"
        case datetime():
            return clock.rfc3339(value)
        case money.Money():
            return str(value)
        case enum.Enum():
            return str(value.value)
        case _:
            return str(value)
