"""What a contradiction is, and those of an order in parts: its row against its sub-orders, and each of these against itself."""

from __future__ import annotations

from collections.abc import Callable

from makewhole.core import codec
from makewhole.model import fact, order, screen, suborder
from makewhole.model.order import Field, OrderState, Suborder

SHOWN_MAX = 5
"""Parts that a line of evidence names: enough to find the others."""
_SENT = frozenset({OrderState.SHIPPED, OrderState.COMPLETED})
_UNSENT = frozenset({OrderState.AWAITING_PAYMENT, OrderState.AWAITING_SHIPMENT})
"""Not `closed`: a part that was sent, came back and was refunded has had a parcel."""
_PHYSICAL = screen.In(field=Field.ORDER_KIND, values=("fresh", "normal", "presale"))


class Contradiction(codec.Noun, frozen=True, kw_only=True):
    """One way in which a shop's rows of an order can disagree: what it is called, which rows it is, and which values show it."""

    says: fact.Says
    holds: Callable[[order.ShopOrder], bool]
    screen: screen.Predicate
    shows: Callable[[order.ShopOrder], tuple[object, ...]]


def _of_a_part(
    says: fact.Says, broken: Callable[[Suborder, order.ShopOrder], bool], seen: screen.Predicate, *, physical: bool = False
) -> Contradiction:
    """One that a part shows by itself; `physical`: only where something is sent at all."""

    def found(told: order.ShopOrder) -> tuple[Suborder, ...]:
        if physical and told.kind is order.OrderKind.VIRTUAL:
            return ()
        return tuple(p for p in _parts(told) if broken(p, told))

    def shows(told: order.ShopOrder) -> tuple[object, ...]:
        parts = found(told)[:SHOWN_MAX]
        return ", ".join(p.called() for p in parts), ", ".join(_word(p) for p in parts)

    part = screen.HasPart(of=seen)
    return Contradiction(
        says=says,
        holds=lambda told: bool(found(told)),
        screen=screen.All(parts=(_PHYSICAL, part)) if physical else part,
        shows=shows,
    )


def _parts(told: order.ShopOrder) -> tuple[Suborder, ...]:
    return () if told.suborders is None else told.suborders.parts


def _word(part: Suborder) -> str:
    return part.raw_state if part.state is None else part.state.value


def _states(of: frozenset[OrderState]) -> screen.In:
    return screen.In(field=Field.SUBORDER_STATE, values=tuple(sorted(s.value for s in of)))


def _lacks(told: order.ShopOrder, field: Field, value: object) -> bool:
    return told.speaks(field) and value is None


def _disagree(told: order.ShopOrder) -> bool:
    return told.suborders is not None and suborder.contradicts(told.suborders)


def _said(told: order.ShopOrder) -> tuple[object, ...]:
    """The order's own word, and those of its parts."""
    if told.suborders is None:
        return ()
    words = dict.fromkeys(_word(p) for p in told.suborders.parts)
    return told.suborders.own, ", ".join(words)


def _sums_differ(told: order.ShopOrder) -> bool:
    total = None if told.suborders is None else suborder.total(told.suborders)
    return told.suborders is not None and total is not None and total != told.suborders.due


def _sums(told: order.ShopOrder) -> tuple[object, ...]:
    return () if told.suborders is None else (told.suborders.due, suborder.total(told.suborders))


ALL: tuple[Contradiction, ...] = (
    Contradiction(says=fact.Says.PARTS_DISAGREE, holds=_disagree, screen=screen.PartsDisagree(), shows=_said),
    Contradiction(says=fact.Says.PARTS_DO_NOT_ADD_UP, holds=_sums_differ, screen=screen.PartsDoNotAddUp(), shows=_sums),
    _of_a_part(
        fact.Says.PART_WITHOUT_PARCEL,
        lambda p, o: p.state in _SENT and _lacks(o, Field.SUBORDER_TRACKING_NUMBER, p.tracking),
        screen.All(parts=(_states(_SENT), screen.Missing(field=Field.SUBORDER_TRACKING_NUMBER))),
        physical=True,
    ),
    _of_a_part(
        fact.Says.PART_WITHOUT_TIME,
        lambda p, o: (
            (p.state in _SENT and _lacks(o, Field.SUBORDER_SHIPPED_AT, p.shipped_at))
            or (p.state is OrderState.COMPLETED and _lacks(o, Field.SUBORDER_COMPLETED_AT, p.completed_at))
        ),
        screen.Any(
            parts=(
                screen.All(parts=(_states(_SENT), screen.Missing(field=Field.SUBORDER_SHIPPED_AT))),
                screen.All(parts=(_states(frozenset({OrderState.COMPLETED})), screen.Missing(field=Field.SUBORDER_COMPLETED_AT))),
            )
        ),
    ),
    _of_a_part(
        fact.Says.PART_PARCEL_BEFORE_SHIPPING,
        lambda p, _: p.state in _UNSENT and (p.tracking is not None or p.shipped_at is not None),
        screen.All(
            parts=(
                _states(_UNSENT),
                screen.Any(parts=(screen.Present(field=Field.SUBORDER_TRACKING_NUMBER), screen.Present(field=Field.SUBORDER_SHIPPED_AT))),
            )
        ),
    ),
    _of_a_part(
        fact.Says.PART_TIMES_OUT_OF_ORDER,
        lambda p, _: p.shipped_at is not None and p.completed_at is not None and p.completed_at < p.shipped_at,
        screen.Less(left=Field.SUBORDER_COMPLETED_AT, right=Field.SUBORDER_SHIPPED_AT),
    ),
)
