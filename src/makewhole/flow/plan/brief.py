"""What a remedy is planned from, and what it drafts: shared by the files of this room."""

from __future__ import annotations

from datetime import datetime

from makewhole.core import codec, money
from makewhole.model import dossier, fact, finding, order, payment, plan, policy, resource, tally


class Brief(codec.Noun, frozen=True, kw_only=True):
    """One finding to be remedied, on this dossier, under these rules, at this instant."""

    dossier: dossier.Dossier
    finding: finding.Finding
    policy: policy.Policy
    now: datetime

    def about(self) -> tuple[tally.Paid, ...]:
        """The payments that the finding is about."""
        return tuple(p for p in tally.payments(self.dossier) if p.transaction() in self.finding.subject)


class Draft(codec.Noun, frozen=True, kw_only=True):
    """Steps, how the case ends when they succeed, and the rungs of the decision that were climbed."""

    steps: tuple[plan.Step, ...]
    terminal: plan.Terminal
    why: tuple[fact.Fact, ...] = ()


def by_sku(items: tuple[order.Item, ...]) -> tuple[order.Item, ...]:
    """One line for each sku: two lines of one sku that fit one by one may not fit together."""
    merged: dict[str, order.Item] = {}
    for item in items:
        so_far = merged.get(item.sku)
        if so_far is None:
            merged[item.sku] = order.Item(sku=item.sku, quantity=item.quantity, amount=item.amount)
            continue
        both = _together(so_far.amount, item.amount)
        merged[item.sku] = order.Item(sku=item.sku, quantity=so_far.quantity + item.quantity, amount=both)
    return tuple(merged.values())


def _together(one: money.Money | None, other: money.Money | None) -> money.Money | None:
    return None if one is None or other is None or one.currency != other.currency else one + other


def lacks(brief: Brief) -> tuple[order.Item, ...]:
    """What an ended order must take again to live: its items, less what it never gave back, and more where it gave back too much.

    A unit that was returned twice is for sale and does not exist: a late payment must not be accepted on the strength of it.
    """
    shop = brief.dossier.shop()
    if shop is None:
        return ()
    held = {t.sku: t.taken - t.returned for t in brief.dossier.of(resource.StockTally)}
    short = ((i, i.quantity - held.get(i.sku, 0)) for i in by_sku(shop.items))
    return tuple(order.Item(sku=i.sku, quantity=n, amount=i.amount) for i, n in short if n > 0)


def holds(brief: Brief) -> tuple[order.Item, ...]:
    """What an open order holds and must give back when it is closed."""
    shop = brief.dossier.shop()
    if shop is None:
        return ()
    tallies = {t.sku: t.taken - t.returned for t in brief.dossier.of(resource.StockTally)}
    held = ((i, min(i.quantity, tallies.get(i.sku, i.quantity))) for i in by_sku(shop.items))
    return tuple(order.Item(sku=i.sku, quantity=n, amount=i.amount) for i, n in held if n > 0)


def coupon_use(brief: Brief) -> resource.CouponUse | None:
    """What is known of the order's coupon."""
    shop = brief.dossier.shop()
    uses = brief.dossier.of(resource.CouponUse)
    if shop is None:
        return None
    return next((c for c in uses if c.coupon == shop.coupon), None) or next((c for c in uses if c.order == shop.number), None)


def attempts(brief: Brief) -> tuple[payment.Attempt, ...]:
    """Every attempt to pay that was heard of."""
    return brief.dossier.of(payment.Attempt)
