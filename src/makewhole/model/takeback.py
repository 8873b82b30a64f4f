"""A dossier goes in; whether the payment that its shop claims was decided never to have come, and what forbids taking it back, come out.

Planned and judged by the same words: the remedy asks here what may be done, and the guard whether it still may.
"""

from __future__ import annotations

from makewhole.model import difference, dossier, fact, order, payment

_UNSENT = frozenset({order.OrderState.AWAITING_PAYMENT, order.OrderState.AWAITING_SHIPMENT})


def ruling(told: dossier.Dossier) -> difference.Ruling | None:
    """The decision that this very money never came: for the channel, about what our book alone has, both sides still as they were."""
    return next((r for r in told.of(difference.Ruling) if r.speaks and r.never_came()), None)


def was_taken_back(told: dossier.Dossier) -> bool:
    """Whether it was decided so, and the shop claims no such payment any more: the order did not merely run out of time."""
    shop = told.shop()
    return shop is not None and not shop.says_paid() and any(r.never_came() for r in told.of(difference.Ruling))


def hinders(told: dossier.Dossier) -> fact.Fact | None:
    """What has happened since, so that the shop's row alone would no longer tell the truth: a person's, with this reason. None: nothing."""
    shop = told.shop()
    if shop is None:
        return None
    parts = () if shop.suborders is None else shop.suborders.parts
    sent = shop.shipped_at or shop.completed_at or shop.tracking or any(p.shipped_at or p.completed_at or p.tracking for p in parts)
    if sent or shop.state is not order.OrderState.AWAITING_SHIPMENT or any(p.state not in _UNSENT for p in parts):
        return fact.fact(fact.Says.GOODS_ARE_OUT, shop.state, shop.tracking)
    back: list[payment.ShopRefund | payment.ChannelRefund] = [*told.of(payment.ShopRefund), *told.of(payment.ChannelRefund)]
    alive = next((r for r in back if r.state is not payment.RefundState.CLOSED), None)
    return None if alive is None else fact.fact(fact.Says.MONEY_GOES_BACK, alive.number, alive.amount, alive.state)
