"""The late-payment decision, taken whole and once: money came for an order that had ended. Accept it, give it back, or ask."""

from __future__ import annotations

import enum

from makewhole.core import codec
from makewhole.flow.plan import brief
from makewhole.model import fact, order, policy, resource, tally, terms


class Choice(enum.Enum):
    """The three ends of the decision."""

    ACCEPT = "accept"
    REFUND = "refund"
    ASK = "ask"


class Decision(codec.Noun, frozen=True, kw_only=True):
    """The choice and the rungs that led to it."""

    choice: Choice
    why: tuple[fact.Fact, ...]


def decide(given: brief.Brief, paid: tally.Paid) -> Decision:
    """Age, fraud window, stock, price, coupon: the first rung that does not hold decides. What is unknown is asked, never assumed."""
    shop = given.dossier.shop()
    at = paid.attempt.paid_at
    if shop is None or at is None:
        return _so(Choice.ASK, fact.Says.LATE_UNKNOWN_TIME)

    # Too old: the buyer has bought elsewhere by now (R1: 24 h).
    limit = given.policy.span(policy.RuleName.LATE_ACCEPT_AGE)
    if given.now - at > limit:
        return _so(Choice.REFUND, fact.Says.LATE_TOO_OLD, at, limit)

    # Money long after the end smells of a leaked key or a resold link: a person looks before goods leave.
    ended = shop.closed_at or terms.expiry(shop, given.policy)
    window = given.policy.span(policy.RuleName.FRAUD_WINDOW)
    if ended is not None and at - ended > window:
        return _so(Choice.ASK, fact.Says.LATE_FRAUD_WINDOW, ended, at)

    # An oversold order breaks a second time; unknown stock is not enough stock.
    if not shop.items:
        return _so(Choice.ASK, fact.Says.LATE_STOCK_UNKNOWN, None)
    lacking = brief.lacks(given)
    left = {s.sku: s for s in given.dossier.of(resource.StockLeft)}
    for item in lacking:
        if item.sku not in left:
            return _so(Choice.ASK, fact.Says.LATE_STOCK_UNKNOWN, item.sku)
        if left[item.sku].available < item.quantity:
            return _so(Choice.REFUND, fact.Says.LATE_STOCK_SHORT, item.sku, item.quantity, left[item.sku].available)

    # The price has risen since: the merchant may not want to sell at the old one.
    for item in shop.items:
        if item.sku in left and _dearer(item, left[item.sku], given.policy.count(policy.RuleName.PRICE_DRIFT_MAX)):
            return _so(Choice.ASK, fact.Says.LATE_PRICE_ROSE, item.sku, left[item.sku].price)

    # The coupon made the price; spent elsewhere, the price no longer holds.
    if shop.coupon is not None:
        use = brief.coupon_use(given)
        if use is None:
            return _so(Choice.ASK, fact.Says.LATE_COUPON_UNKNOWN, shop.coupon)
        elsewhere = use.state is resource.CouponState.USED and use.order != shop.number
        if elsewhere or use.state is resource.CouponState.EXPIRED:
            return _so(Choice.REFUND, fact.Says.LATE_COUPON_GONE, use.coupon, use.state)

    return _so(Choice.ACCEPT, fact.Says.LATE_FITS, at)


def _dearer(item: order.Item, left: resource.StockLeft, percent_max: int) -> bool:
    if item.amount is None or left.price is None or item.quantity <= 0:
        return False
    return left.price.fen * item.quantity * 100 > item.amount.fen * (100 + percent_max)


def _so(choice: Choice, says: fact.Says, *values: object) -> Decision:
    return Decision(choice=choice, why=(fact.fact(says, *values),))
