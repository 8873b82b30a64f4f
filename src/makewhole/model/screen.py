"""Predicates over a shop's rows, pushed down into its database: suspects come out. A screen may suspect too much, never too little.

The algebra is small on purpose: every node has one rendering in SQL and one evaluation here, and a property test holds them equal.
A comparison with a missing value is false, as in SQL's WHERE.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime

from makewhole.core import codec
from makewhole.model import order

Value = str | int | datetime | None
Row = Mapping[order.Field, Value]


class Child(enum.Enum):
    """Tables beside the order's own that a screen may look into."""

    ITEM = "item"
    REFUND = "refund"
    COUPON = "coupon"
    STOCK_MOVE = "stock_move"


class In(codec.Noun, frozen=True, kw_only=True, tag="in"):
    """The field is one of these words of ours (states, kinds)."""

    field: order.Field
    values: tuple[str, ...]


class Unknown(codec.Noun, frozen=True, kw_only=True, tag="unknown"):
    """The field holds a code that the map does not know."""

    field: order.Field


class Missing(codec.Noun, frozen=True, kw_only=True, tag="missing"):
    """The field holds nothing: NULL or empty text."""

    field: order.Field


class Present(codec.Noun, frozen=True, kw_only=True, tag="present"):
    """The field holds something."""

    field: order.Field


class Before(codec.Noun, frozen=True, kw_only=True, tag="before"):
    """The field's instant is earlier than this one."""

    field: order.Field
    instant: datetime


class NotBefore(codec.Noun, frozen=True, kw_only=True, tag="not-before"):
    """The field's instant is this one or later."""

    field: order.Field
    instant: datetime


class Less(codec.Noun, frozen=True, kw_only=True, tag="less"):
    """The left field is smaller (earlier) than the right one."""

    left: order.Field
    right: order.Field


class Differ(codec.Noun, frozen=True, kw_only=True, tag="differ"):
    """Two fields hold different values."""

    left: order.Field
    right: order.Field


class HasChild(codec.Noun, frozen=True, kw_only=True, tag="has-child"):
    """The order has a row of this table; with `state`, one in one of these states."""

    child: Child
    states: tuple[str, ...] = ()


class NoChild(codec.Noun, frozen=True, kw_only=True, tag="no-child"):
    """The order has no row of this table."""

    child: Child


class ForeignItem(codec.Noun, frozen=True, kw_only=True, tag="foreign-item"):
    """One of the order's items carries another order's number."""


class SharesCoupon(codec.Noun, frozen=True, kw_only=True, tag="shares-coupon"):
    """Two or more live orders name this order's coupon."""


class SharesNumber(codec.Noun, frozen=True, kw_only=True, tag="shares-number"):
    """Another row carries the same order number."""


class HasPart(codec.Noun, frozen=True, kw_only=True, tag="has-part"):
    """One of the order's sub-orders is so: a predicate over that part's own row."""

    of: Predicate


class PartsDisagree(codec.Noun, frozen=True, kw_only=True, tag="parts-disagree"):
    """The order's own row contradicts the states of its sub-orders (`model.suborder`)."""


class PartsDoNotAddUp(codec.Noun, frozen=True, kw_only=True, tag="parts-do-not-add-up"):
    """What the sub-orders are due is not, together, what it should be."""


class All(codec.Noun, frozen=True, kw_only=True, tag="all"):
    """Every part holds."""

    parts: tuple[Predicate, ...]


class Any(codec.Noun, frozen=True, kw_only=True, tag="any"):
    """At least one part holds."""

    parts: tuple[Predicate, ...]


Predicate = (
    In
    | Unknown
    | Missing
    | Present
    | Before
    | NotBefore
    | Less
    | Differ
    | HasChild
    | NoChild
    | ForeignItem
    | SharesCoupon
    | SharesNumber
    | HasPart
    | PartsDisagree
    | PartsDoNotAddUp
    | All
    | Any
)


def fields(predicate: Predicate) -> frozenset[order.Field]:
    """The fields that must be mapped for this predicate to mean anything."""
    match predicate:
        case All(parts=parts) | Any(parts=parts):
            return frozenset().union(*(fields(p) for p in parts))
        case Less(left=left, right=right) | Differ(left=left, right=right):
            return frozenset({left, right})
        case HasChild() | NoChild() | ForeignItem() | SharesNumber() | PartsDisagree():
            return frozenset()
        case HasPart(of=of):
            return fields(of)
        case PartsDoNotAddUp():
            return frozenset({order.Field.SUBORDER_AMOUNT_DUE})
        case SharesCoupon():
            return frozenset({order.Field.ORDER_COUPON})
        case _:
            return frozenset({predicate.field})


class Seen(codec.Noun, frozen=True, kw_only=True):
    """One order as a screen sees it: its fields, the states of its rows in other tables ("" where they have none), what it shares."""

    row: Row
    children: dict[Child, tuple[str, ...]]
    foreign_item: bool = False
    shares_coupon: bool = False
    shares_number: bool = False
    parts: tuple[Row, ...] = ()
    parts_disagree: bool = False
    parts_do_not_add_up: bool = False


def holds(predicate: Predicate, seen: Seen) -> bool:
    """Whether the predicate is true of an order: what its rendering in SQL must say too."""
    row = seen.row
    match predicate:
        case All(parts=parts):
            return all(holds(p, seen) for p in parts)
        case Any(parts=parts):
            return any(holds(p, seen) for p in parts)
        case In(field=field, values=values):
            return row.get(field) in values
        case Unknown(field=field) | Missing(field=field):
            return row.get(field) in {None, ""}
        case Present(field=field):
            return row.get(field) not in {None, ""}
        case Before(field=field, instant=instant):
            return _less(row.get(field), instant)
        case NotBefore(field=field, instant=instant):
            return row.get(field) == instant or _less(instant, row.get(field))
        case Less(left=left, right=right):
            return _less(row.get(left), row.get(right))
        case Differ(left=left, right=right):
            return None not in {row.get(left), row.get(right)} and row.get(left) != row.get(right)
        case HasChild(child=child, states=states):
            return any(not states or state in states for state in seen.children.get(child, ()))
        case NoChild(child=child):
            return not seen.children.get(child, ())
        case ForeignItem():
            return seen.foreign_item
        case SharesCoupon():
            return seen.shares_coupon
        case SharesNumber():
            return seen.shares_number
        case HasPart(of=of):
            return any(holds(of, Seen(row=part, children={})) for part in seen.parts)
        case PartsDisagree():
            return seen.parts_disagree
        case PartsDoNotAddUp():
            return seen.parts_do_not_add_up


def _less(left: Value, right: Value) -> bool:
    """A comparison with a missing value is false."""
    match left, right:
        case datetime(), datetime():
            return left < right
        case int(), int():
            return left < right
        case _:
            return False
