"""An order in parts: its own word and the stages of its parts go in, its state comes out, and whether the two contradict each other.

The only place that says so. Everything that tells an order's state asks here, and SQL is made from the answers to every set of stages.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable

from makewhole.core import money
from makewhole.model import order
from makewhole.model.order import OrderState


class Stage(enum.IntFlag):
    """How far a part has come, as far as the whole has to know; a set of them is a number."""

    UNPAID = 1
    WAITING = 2
    PARTLY = 4
    SENT = 8
    RECEIVED = 16
    REFUNDING = 32
    OVER = 64
    """Refunded or closed: it holds nothing up any more."""
    UNKNOWN = 128


NONE = Stage(0)
SETS = tuple(Stage(i) for i in range(1, sum(Stage) + 1))
"""Every set of stages that an order with parts can be in."""
_STAGES = {
    OrderState.AWAITING_PAYMENT: Stage.UNPAID,
    OrderState.AWAITING_SHIPMENT: Stage.WAITING,
    OrderState.PARTLY_SHIPPED: Stage.PARTLY,
    OrderState.SHIPPED: Stage.SENT,
    OrderState.COMPLETED: Stage.RECEIVED,
    OrderState.REFUNDING: Stage.REFUNDING,
    OrderState.REFUNDED: Stage.OVER,
    OrderState.CLOSED: Stage.OVER,
    OrderState.INVALID: Stage.OVER,
}
WAY = (OrderState.AWAITING_SHIPMENT, OrderState.PARTLY_SHIPPED, OrderState.SHIPPED, OrderState.COMPLETED)
"""The way of a paid order, step by step. On it, its state follows from its parts."""
_LEFT = Stage.PARTLY | Stage.SENT | Stage.RECEIVED
"""At least something of the part has left the house."""
ENDS = frozenset(s for s, stage in _STAGES.items() if stage is Stage.OVER)
"""Words by which a part is over."""


def stage(state: OrderState | None) -> Stage:
    """How far a part in this state has come."""
    return Stage.UNKNOWN if state is None else _STAGES[state]


def stages(states: Iterable[OrderState | None]) -> Stage:
    """The set of stages that parts in these states are in."""
    found = NONE
    for state in states:
        found |= stage(state)
    return found


def whole(own: OrderState | None, told: Stage) -> OrderState | None:
    """The state of an order whose own row says `own` and whose parts are in these stages; None where nobody can tell."""
    # The money is the order's: whether it came, and whether all of it goes back, is its own row's to say.
    return follows(told) if own in WAY and told else own


def follows(told: Stage) -> OrderState | None:
    """The state of an order on its way by its parts alone; None where one of them is in a state that nobody knows."""
    if told & Stage.UNKNOWN:
        return None
    living = told & ~(Stage.OVER | Stage.REFUNDING)
    if not living:
        return OrderState.REFUNDING if told & Stage.REFUNDING else OrderState.REFUNDED
    if living == Stage.RECEIVED:
        return OrderState.COMPLETED
    if not living & ~(Stage.SENT | Stage.RECEIVED):
        return OrderState.SHIPPED
    return OrderState.PARTLY_SHIPPED if living & _LEFT else OrderState.AWAITING_SHIPMENT


def disagree(own: OrderState | None, told: Stage, own_words: Iterable[OrderState], part_words: Iterable[OrderState]) -> bool:
    """Whether an order's own row contradicts its parts. Who has no word for something contradicts nobody by not saying it."""
    # An application for a refund may be noted on the order, on the part, or on both: shops differ, and all of them are right.
    if own in {None, OrderState.REFUNDING} or not told or told & Stage.UNKNOWN:
        return False
    if own is OrderState.AWAITING_PAYMENT:
        paid = Stage.WAITING if OrderState.AWAITING_PAYMENT in part_words else NONE
        return bool(told & (_LEFT | paid))
    if own in ENDS:
        return bool(ENDS & set(part_words)) and bool(told & (Stage.WAITING | _LEFT))
    # A paid order has no part that waits for its payment.
    return bool(told & Stage.UNPAID) or own is not _said(own, told, frozenset(own_words))


def _said(own: OrderState | None, told: Stage, words: frozenset[OrderState]) -> OrderState | None:
    """What an order on its way ought to say, of the words that it has."""
    state = follows(told)
    if state not in WAY:
        return state if state is OrderState.REFUNDED and state in words else own
    # Where it has no word for a step, it stays at the one before.
    return next((s for s in reversed(WAY[: WAY.index(state) + 1]) if s in words), own)


def of(told: order.Suborders) -> Stage:
    """The set of stages that an order's parts are in."""
    return stages(p.state for p in told.parts)


def contradicts(told: order.Suborders) -> bool:
    """Whether an order's own row contradicts its parts."""
    return disagree(told.own, of(told), told.own_words, told.part_words)


def total(told: order.Suborders) -> money.Money | None:
    """What the parts are due together; None without parts, or where one of them does not say."""
    amounts = tuple(p.due for p in told.parts if p.due is not None)
    return money.total(amounts) if amounts and len(amounts) == len(told.parts) else None
