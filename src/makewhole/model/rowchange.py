"""What a shop's change log says of an order's own row and of its parts', one change a claim; and which changes its own rules explain.

A change that no legal transition explains stands until the row is what it was before, or goes on from there as it may: whoever takes a
bad change back, by whatever means, heals it. What was healed is not told any more; the log itself keeps it (`makewhole history`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from makewhole.core import codec, ids, money
from makewhole.model import change, claim
from makewhole.model.order import ENDED_UNPAID, SAYS_PAID, Field, OrderState

SOURCE = "changelog"
GONE = "gone"
"""The word that follows a state in which the shop itself deletes the row."""
BULK_MIN = 2
"""Orders that one transaction changed and nothing explains: one is a slip of the pen, more are a statement that said too much."""
STANDING_MAX = 16
"""Changes of one order that stand at once: the first, and the newest. A statement that is run in a loop says nothing new each time."""
_PAYS = frozenset({OrderState.AWAITING_PAYMENT, *ENDED_UNPAID})
_LIVE = (OrderState.AWAITING_SHIPMENT, OrderState.PARTLY_SHIPPED, OrderState.SHIPPED, OrderState.COMPLETED)
_BACK = (OrderState.REFUNDING, OrderState.REFUNDED)
FOLLOWS: dict[OrderState, tuple[OrderState, ...]] = {
    OrderState.AWAITING_PAYMENT: (*_LIVE, OrderState.CLOSED, OrderState.INVALID),
    OrderState.AWAITING_SHIPMENT: (*_LIVE[1:], *_BACK, OrderState.CLOSED),
    OrderState.PARTLY_SHIPPED: (*_LIVE[2:], *_BACK, OrderState.CLOSED),
    OrderState.SHIPPED: (OrderState.COMPLETED, *_BACK, OrderState.CLOSED),
    OrderState.COMPLETED: (*_BACK, OrderState.CLOSED),
    # A late payment that is accepted, or given back.
    OrderState.CLOSED: (*_LIVE, *_BACK),
    # An application for a refund that was refused.
    OrderState.REFUNDING: (*_LIVE, OrderState.REFUNDED, OrderState.CLOSED),
    OrderState.REFUNDED: (OrderState.CLOSED,),
    OrderState.INVALID: (),
}
"""What may follow a state where the shop file does not say: wide, as most shops have a way of their own. Money decides the rest: who
enters a paid state brings the time of payment, and who closes a paid order has given the money back."""
STATES = frozenset({Field.ORDER_STATE, Field.SUBORDER_STATE})
"""The two fields that hold a row's state."""
_NEVER = frozenset({Field.ORDER_NUMBER, Field.ORDER_BUYER, Field.ORDER_CREATED_AT, Field.SUBORDER_NUMBER})
"""Once told, no shop ever writes them again."""
_ONCE_PAID = frozenset(
    {Field.ORDER_AMOUNT_DUE, Field.ORDER_PAID_AT, Field.ORDER_CHANNEL, Field.ORDER_TRANSACTION_ID, Field.SUBORDER_AMOUNT_DUE}
)
"""Not written again while the row counts as paid; before, a price may be bargained over."""
_TOLD = sorted(STATES | _NEVER | _ONCE_PAID, key=lambda f: (f not in STATES, f.value))
JUDGED = tuple(f for f in _TOLD if f.value.startswith("order."))
"""The fields of an order's own row that are told of, its state first; what else a shop writes is its own affair."""
JUDGED_OF_PARTS = tuple(f for f in _TOLD if f.value.startswith("suborder."))
"""Those of a sub-order's row."""


class Moved(codec.Noun, frozen=True, kw_only=True):
    """One field of ours before and after: a state by our word, anything else as the shop spells it, guarded; None is nothing."""

    field: Field
    before: str | None = None
    after: str | None = None


class RowChange(claim.Claim, frozen=True, kw_only=True, tag="row-change"):
    """What one transaction did to an order's own row, or to a part's. `as_of` is when it was committed.

    A part's row is judged by the same laws as the order's: `was`, `now` and `due` are the part's then.
    """

    order: ids.OrderNumber
    part: str = ""
    """What the sub-order is called whose row it is; empty for the order's own."""
    did: change.Kind
    transaction: str
    user: str = ""
    """Who the log says did it: rarely known."""
    connection: int | None = None
    statement: str = ""
    """The statement without its values, where the log keeps it."""
    ours: bool = False
    """Written by our own rollback, which somebody planned, looked at and approved."""
    reversible: bool = True
    """Whether the log holds what `makewhole rollback` needs, so that it may be named as the way back."""
    orders: int = 1
    """Orders that this transaction changed in ways that nothing explains, this one among them."""
    was: OrderState | None = None
    now: OrderState | None = None
    due: money.Money | None = None
    """What the order cost before, or after where there was no before."""
    moved: tuple[Moved, ...] = ()
    paid_at: bool = True
    """Whether the row holds a time of payment afterwards; true as well where the map does not tell."""
    refunds_told: bool = True
    """Whether the shop's rows would tell of a refund."""
    may_follow: tuple[str, ...] | None = None
    """What may follow `was` by the shop file's own word; None where it does not say."""
    may_change: tuple[Field, ...] = ()
    """Fields that this shop writes again, by the shop file's word."""

    def who(self) -> str:
        """Whom the log names; a dash for nobody."""
        return self.user or ("–" if self.connection is None else f"#{self.connection}")


def follows(told: RowChange, was: OrderState, now: OrderState) -> bool:
    """Whether a state may follow another in this shop."""
    allowed = told.may_follow if told.may_follow is not None and was is told.was else tuple(s.value for s in FOLLOWS[was])
    return now is was or now.value in allowed


def needs_refund(told: RowChange) -> bool:
    """Whether only a refund explains this change: an order that counted as paid was closed, and nothing in the shop file says so."""
    return told.did is change.Kind.UPDATE and told.may_follow is None and told.was in SAYS_PAID and told.now is OrderState.CLOSED


def takes_back(told: RowChange) -> bool:
    """Whether an order that counted as paid, and of which nothing was sent, counts as unpaid after this change."""
    unpaid = told.now is OrderState.AWAITING_PAYMENT or told.now in ENDED_UNPAID
    return told.did is change.Kind.UPDATE and told.was is OrderState.AWAITING_SHIPMENT and unpaid


def breaches(told: RowChange) -> tuple[Moved, ...]:
    """What of this change no legal transition explains; a refund may still explain it (`needs_refund`)."""
    if told.ours:
        return ()
    match told.did:
        case change.Kind.INSERT:
            return ()
        case change.Kind.DELETE:
            return () if told.may_follow is not None and GONE in told.may_follow else told.moved
        case change.Kind.UPDATE:
            return tuple(m for m in told.moved if _breaks(told, m))


def unexplained(told: Iterable[RowChange], explains: Callable[[RowChange], bool]) -> tuple[RowChange, ...]:
    """Those of these changes that nothing explains, with what of each that is. `explains`: something else tells why its state changed."""
    left = []
    for one in told:
        broken = breaches(one)
        if broken and explains(one):
            broken = tuple(m for m in broken if m.field not in STATES)
        if broken:
            left.append(msgspec.structs.replace(one, moved=broken))
    return tuple(left)


def standing(known: tuple[RowChange, ...], new: RowChange) -> tuple[RowChange, ...]:
    """The unexplained changes of an order's rows that stand after one more change of one of them, oldest first."""
    # Each row is healed by itself.
    others, same = tuple(r for r in known if r.part != new.part), tuple(r for r in known if r.part == new.part)
    stands = _of_row(same, new)
    return _bounded(tuple(sorted((*others, *stands), key=lambda r: r.as_of))) if others else stands


def _of_row(known: tuple[RowChange, ...], new: RowChange) -> tuple[RowChange, ...]:
    match new.did:
        case change.Kind.DELETE:
            left = breaches(new)
            return _bounded((*known, msgspec.structs.replace(new, moved=left))) if left else ()
        case change.Kind.INSERT:
            return _back(known, new)
        case change.Kind.UPDATE:
            return _judged(known, new)


def explained(known: tuple[RowChange, ...], to: OrderState) -> tuple[RowChange, ...]:
    """What stands once the shop's own history tells that the order became this: its own hand did it."""
    told = (_without(r, STATES) if r.now is to and r.did is change.Kind.UPDATE else r for r in known)
    return tuple(r for r in told if r.moved)


def _breaks(told: RowChange, moved: Moved) -> bool:
    if moved.field in STATES:
        return _state_breaks(told)
    if moved.before is None or moved.field in told.may_change:
        return False
    paid = told.was in SAYS_PAID and told.now in SAYS_PAID
    return moved.field in _NEVER or (moved.field in _ONCE_PAID and paid)


def _state_breaks(told: RowChange) -> bool:
    # A code that the map does not know says nothing of what may follow it.
    if told.was is None or told.now is None:
        return False
    if not follows(told, told.was, told.now):
        return True
    if needs_refund(told):
        return told.refunds_told
    return told.was in _PAYS and told.now in SAYS_PAID and not told.paid_at


def _back(known: tuple[RowChange, ...], new: RowChange) -> tuple[RowChange, ...]:
    """The row is there (again): what was deleted is compared with what came back."""
    gone = next((r for r in reversed(known) if r.did is change.Kind.DELETE), None)
    if gone is None:
        return known
    rest = tuple(r for r in known if r.did is not change.Kind.DELETE)
    there = {m.field: m.after for m in new.moved}
    other = tuple(Moved(field=m.field, before=m.before, after=there.get(m.field)) for m in gone.moved if there.get(m.field) != m.before)
    return _judged(rest, msgspec.structs.replace(new, did=change.Kind.UPDATE, was=gone.was, may_follow=gone.may_follow, moved=other))


def _judged(known: tuple[RowChange, ...], new: RowChange) -> tuple[RowChange, ...]:
    left = {m.field: m for m in breaches(new)}
    for moved in new.moved:
        healed = next((i for i, r in enumerate(known) if _heals(r, moved)), None)
        if healed is None:
            continue
        # Whatever was done to this field since is undone with it.
        left.pop(moved.field, None)
        known = (*known[:healed], *(_without(r, frozenset({moved.field})) for r in known[healed:]))
    kept = tuple(r for r in known if r.moved)
    return _bounded((*kept, msgspec.structs.replace(new, moved=tuple(left.values())))) if left else kept


def _heals(told: RowChange, new: Moved) -> bool:
    """Whether this field is again what it was before that change, or went on from there as it may."""
    old = next((m for m in told.moved if m.field is new.field), None)
    if old is None or told.did is not change.Kind.UPDATE:
        return False
    if new.after == old.before:
        return True
    if new.field not in STATES or old.before is None or new.after is None:
        return False
    was, now = OrderState(old.before), OrderState(new.after)
    return follows(told, was, now) and not (was in SAYS_PAID and now is OrderState.CLOSED)


def _without(told: RowChange, fields: frozenset[Field]) -> RowChange:
    return msgspec.structs.replace(told, moved=tuple(m for m in told.moved if m.field not in fields))


def _bounded(told: tuple[RowChange, ...]) -> tuple[RowChange, ...]:
    return told if len(told) <= STANDING_MAX else (told[0], *told[-STANDING_MAX + 1 :])
