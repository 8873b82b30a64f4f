"""A shop file's own transitions go in, what may follow each state and which fields may change again come out, or BadInput."""

from __future__ import annotations

from collections.abc import Mapping

from makewhole.adapters.shops import language
from makewhole.core import faults
from makewhole.model import order, rowchange
from makewhole.model.order import Field, OrderState

_HANDS: Mapping[str, tuple[frozenset[OrderState], tuple[OrderState, ...]]] = {
    "record-payment": (frozenset({OrderState.AWAITING_PAYMENT}), (OrderState.AWAITING_SHIPMENT, OrderState.COMPLETED)),
    "accept-late": (order.ENDED_UNPAID, (OrderState.AWAITING_SHIPMENT, OrderState.COMPLETED)),
    "close-expired": (frozenset({OrderState.AWAITING_PAYMENT}), (OrderState.CLOSED,)),
    "cancel-reissue": (frozenset({OrderState.AWAITING_PAYMENT}), (OrderState.CLOSED,)),
    "record-refund": (order.SAYS_PAID | order.ENDED_UNPAID, (OrderState.REFUNDING, OrderState.REFUNDED, OrderState.CLOSED)),
}
"""What each act of ours may make of which states: declared hands are a part of the shop's own way."""


def follows(spec: language.TableSpec, hands: frozenset[str], where: str) -> Mapping[OrderState, tuple[str, ...]]:
    """What may follow each state that the file names. Raises BadInput for a word that is none of ours."""
    told: dict[OrderState, tuple[str, ...]] = {}
    states = [s.value for s in OrderState]
    for state, after in spec.transitions.items():
        for word in (state, *after):
            if word not in states and not (word == rowchange.GONE and word is not state):
                todo = f"Use one of: {', '.join(states)}; and after a state, {rowchange.GONE} for a row that the shop itself deletes."
                raise faults.BadInput(f"{word!r} is no state of ours", where=f"{where}: {state!r}", todo=todo)
        was = OrderState(state)
        ours = (now.value for name, (of, into) in _HANDS.items() if name in hands and was in of for now in into)
        told[was] = tuple(dict.fromkeys((*after, *ours)))
    return told


def changes(spec: language.TableSpec, where: str) -> tuple[Field, ...]:
    """Fields that this shop writes again. Raises BadInput for one that no trail tells."""
    known = {f.value.removeprefix("order."): f for f in rowchange.JUDGED if f is not Field.ORDER_STATE}
    for short in spec.may_change:
        if short not in known:
            raise faults.BadInput(f"{short!r} is no field that settles", where=where, todo=f"Use: {', '.join(sorted(known))}.")
    return tuple(known[short] for short in spec.may_change)
