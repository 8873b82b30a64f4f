"""What a rule is, and the words that rules share: a function that finds one ailment, and the screen that suspects it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from makewhole.core import codec, money
from makewhole.model import claim, dossier, fact, finding, order, policy, screen


class View(codec.Noun, frozen=True, kw_only=True):
    """What a rule looks at: the dossier, the rules in force, the instant."""

    dossier: dossier.Dossier
    policy: policy.Policy
    now: datetime


class Horizon(codec.Noun, frozen=True, kw_only=True):
    """What a screen is made from. `money` tells whether any channel is attached: without one, nobody can say what was paid."""

    policy: policy.Policy
    now: datetime
    money: bool


Find = Callable[[View], finding.Finding | None]
Screen = Callable[[Horizon], screen.Predicate | None]


class Rule(codec.Noun, frozen=True, kw_only=True):
    """One ailment: how to find it in a dossier, and which rows to suspect of it (None: none, without a channel)."""

    ailment: finding.Ailment
    find: Find
    screen: Screen


def evidence(told: claim.Claim, says: fact.Says, *values: object) -> finding.Evidence:
    """One claim's line in a finding."""
    return finding.Evidence(source=told.source, as_of=told.as_of, what=fact.fact(says, *values))


def shop_line(shop: order.ShopOrder) -> finding.Evidence:
    """What the shop's row says of the order, in one line."""
    return evidence(shop, fact.Says.SHOP_STATE, shop.state or shop.raw_state, shop.due)


def states(*of: order.OrderState) -> screen.In:
    """The screen's word for orders in one of these states."""
    return screen.In(field=order.Field.ORDER_STATE, values=tuple(sorted(s.value for s in of)))


def recent_money(horizon: Horizon, of: frozenset[order.OrderState]) -> screen.Predicate | None:
    """Orders in these states whose money is worth asking for: none without a channel, none older than the look-back."""
    if not horizon.money:
        return None
    oldest = horizon.now - horizon.policy.span(policy.RuleName.MONEY_LOOK_BACK)
    return screen.All(parts=(states(*of), screen.NotBefore(field=order.Field.ORDER_CREATED_AT, instant=oldest)))


def nothing() -> money.Money:
    """No stake."""
    return money.Money(fen=0)
