"""When an order's time runs out: its own instant where the shop gives one, else the rule for its kind (R1, R15)."""

from __future__ import annotations

from datetime import datetime

from makewhole.model import order, policy


def expiry(shop: order.ShopOrder, rules: policy.Policy) -> datetime | None:
    """The instant from which the order counts as unpaid for good; None where nothing tells when it began."""
    if shop.expires_at is not None:
        return shop.expires_at
    if shop.created_at is None:
        return None
    virtual = shop.kind is order.OrderKind.VIRTUAL
    name = policy.RuleName.UNPAID_EXPIRY_VIRTUAL if virtual else policy.RuleName.UNPAID_EXPIRY
    return shop.created_at + rules.span(name)
