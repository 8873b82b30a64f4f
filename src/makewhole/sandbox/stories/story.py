"""What a story is to a world: its name, when it may begin, and its script."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from makewhole.sandbox import day, truth
from makewhole.sandbox.shop.schema import Status

Script = Callable[[day.Day], day.Story]


@dataclass(frozen=True, kw_only=True)
class Tale:
    """One kind of story. It begins between `earliest` and `latest` before the first sweep."""

    name: str
    script: Script
    earliest: timedelta
    latest: timedelta
    weight: int = 1
    orders: int = 1
    """How many orders it writes."""


PAID = frozenset({Status.PAID, Status.SHIPPED, Status.FINISHED})
CLOSED = frozenset({Status.CLOSED})
NO_CLAIM = truth.Right()
"""Handed over: what is right is the person's to say."""


def hours(number: float) -> timedelta:
    """A span."""
    return timedelta(hours=number)


def minutes(number: float) -> timedelta:
    """A span."""
    return timedelta(minutes=number)


def paid(fen: int) -> truth.Right:
    """The order lives, and its price is kept."""
    return truth.Right(kept_fen=fen, status=PAID)


def given_back(status: frozenset[Status] | None = None) -> truth.Right:
    """Nothing is kept."""
    return truth.Right(kept_fen=0, status=status)
