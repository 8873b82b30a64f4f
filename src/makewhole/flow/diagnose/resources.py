"""Ailments of stock and coupons: the order's end and what it holds do not agree. Each resource goes back exactly once (R12, law 3)."""

from __future__ import annotations

from makewhole.flow.diagnose import causes, rule
from makewhole.model import claim, fact, finding, order, policy, resource, screen, tally

_NO_MONEY = frozenset({claim.Why.NOT_CONFIGURED, claim.Why.NOT_FOUND})
"""Silences about payment behind which no money can wait for a closed order: nobody attached, or never tried."""


def stock_not_returned(view: rule.View) -> finding.Finding | None:
    """The order ended unpaid and still holds units."""
    shop = _ended(view)
    held = [t for t in view.dossier.of(resource.StockTally) if t.taken > t.returned]
    if shop is None or not held:
        return None
    return finding.Finding(
        ailment=finding.Ailment.STOCK_NOT_RETURNED,
        subject=tuple(sorted(t.sku for t in held)),
        reason=causes.because(finding.Cause.SYSTEM_DELAY, finding.CauseDetail.JOB_NOT_RUN, 0.8),
        stake=rule.nothing(),
        evidence=(rule.shop_line(shop), *(_tally_line(t) for t in held)),
        since=shop.closed_at,
    )


def stock_returned_twice(view: rule.View) -> finding.Finding | None:
    """The order gave back more units than it took: certain in whatever state it is."""
    shop = view.dossier.shop()
    over = [t for t in view.dossier.of(resource.StockTally) if t.returned > t.taken]
    if shop is None or not over:
        return None
    return finding.Finding(
        ailment=finding.Ailment.STOCK_RETURNED_TWICE,
        subject=tuple(sorted(t.sku for t in over)),
        reason=causes.because(finding.Cause.SYSTEM_DELAY, finding.CauseDetail.JOB_RUN_TWICE, 0.9),
        stake=rule.nothing(),
        evidence=(rule.shop_line(shop), *(_tally_line(t) for t in over)),
        since=shop.closed_at,
    )


def coupon_not_returned(view: rule.View) -> finding.Finding | None:
    """The order ended unpaid, and its coupon is still bound to it."""
    shop = _ended(view)
    if shop is None:
        return None
    held = [c for c in view.dossier.of(resource.CouponUse) if c.state is resource.CouponState.USED and c.order == shop.number]
    if not held:
        return None
    return finding.Finding(
        ailment=finding.Ailment.COUPON_NOT_RETURNED,
        subject=tuple(sorted(c.coupon for c in held)),
        reason=causes.because(finding.Cause.SYSTEM_DELAY, finding.CauseDetail.JOB_NOT_RUN, 0.8),
        stake=rule.nothing(),
        evidence=(rule.shop_line(shop), *(rule.evidence(c, fact.Says.COUPON_HELD, c.coupon) for c in held)),
        since=shop.closed_at,
    )


def coupon_used_twice(view: rule.View) -> finding.Finding | None:
    """This live order names a coupon that another live order has the better right to."""
    shop = view.dossier.shop()
    if shop is None or shop.state not in order.LIVE:
        return None
    taken = [c for c in view.dossier.of(resource.CouponUse) if _belongs_to_another(c, shop)]
    if not taken:
        return None
    return finding.Finding(
        ailment=finding.Ailment.COUPON_USED_TWICE,
        subject=tuple(sorted(c.coupon for c in taken)),
        reason=causes.because(finding.Cause.SYSTEM_DELAY, finding.CauseDetail.JOB_RUN_TWICE, 0.7),
        stake=rule.nothing(),
        evidence=(
            rule.shop_line(shop),
            *(rule.evidence(c, fact.Says.COUPON_HOLDERS, c.coupon, ", ".join(c.holders)) for c in taken),
        ),
        since=shop.created_at,
    )


def ended_with_stock(_: rule.Horizon) -> screen.Predicate | None:
    """Orders that ended unpaid and moved stock."""
    return screen.All(parts=(rule.states(*order.ENDED_UNPAID), screen.HasChild(child=screen.Child.STOCK_MOVE)))


def moved_stock(_: rule.Horizon) -> screen.Predicate | None:
    """Orders that moved stock at all."""
    return screen.HasChild(child=screen.Child.STOCK_MOVE)


def ended_with_coupon(_: rule.Horizon) -> screen.Predicate | None:
    """Orders that ended unpaid, with a used coupon bound to them."""
    used = screen.HasChild(child=screen.Child.COUPON, states=(resource.CouponState.USED.value,))
    return screen.All(parts=(rule.states(*order.ENDED_UNPAID), used))


def shares_coupon(_: rule.Horizon) -> screen.Predicate | None:
    """Live orders that name a coupon which another live order names too."""
    return screen.All(parts=(rule.states(*order.LIVE), screen.SharesCoupon()))


def _ended(view: rule.View) -> order.ShopOrder | None:
    """The order, if it ended unpaid long enough ago and no money for it is kept: a late payment takes its stock and coupon again."""
    shop = view.dossier.shop()
    if shop is None or shop.state not in order.ENDED_UNPAID or tally.kept(view.dossier):
        return None
    # A channel that does not answer may hold a late payment, which would need exactly what is held here.
    if any(s.why not in _NO_MONEY for s in view.dossier.silent(claim.About.PAYMENT)):
        return None
    if shop.closed_at is not None and view.now - shop.closed_at < view.policy.span(policy.RuleName.RESOURCE_GRACE):
        return None
    return shop


def _belongs_to_another(use: resource.CouponUse, shop: order.ShopOrder) -> bool:
    others = [n for n in use.holders if n != shop.number]
    if not others:
        return False
    # The coupon's own row says whose it is; where it is silent, the earlier number has the better right.
    if use.order is not None:
        return use.order != shop.number and use.order in others
    return min(others) < shop.number


def _tally_line(told: resource.StockTally) -> finding.Evidence:
    return rule.evidence(told, fact.Says.STOCK_TALLY, told.sku, told.taken, told.returned)
