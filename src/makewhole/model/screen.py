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


class SharesCoupon(codec.Noun, frozen=True, kw_only=True, tag="shares-coupon"):
    """Another live order names the same coupon."""


class SharesNumber(codec.Noun, frozen=True, kw_only=True, tag="shares-number"):
    """Another row carries the same order number."""


class All(codec.Noun, frozen=True, kw_only=True, tag="all"):
    """Every part holds."""

    parts: tuple[Predicate, ...]


class Any(codec.Noun, frozen=True, kw_only=True, tag="any"):
    """At least one part holds."""

    parts: tuple[Predicate, ...]


Predicate = (
    In | Unknown | Missing | Present | Before | NotBefore | Less | Differ | HasChild | NoChild | SharesCoupon | SharesNumber | All | Any
)


def fields(predicate: Predicate) -> frozenset[order.Field]:
    """The fields that must be mapped for this predicate to mean anything."""
    match predicate:
        case All(parts=parts) | Any(parts=parts):
            return frozenset().union(*(fields(p) for p in parts))
        case Less(left=left, right=right) | Differ(left=left, right=right):
            return frozenset({left, right})
        case HasChild() | NoChild() | SharesNumber():
            return frozenset()
        case SharesCoupon():
            return frozenset({order.Field.ORDER_COUPON})
        case _:
            return frozenset({predicate.field})
