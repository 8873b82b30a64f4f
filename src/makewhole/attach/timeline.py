"""Columns that may tell an order's instants go in; those that its other instants contradict come out, to be believed no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from makewhole.attach import values
from makewhole.attach.columns import Read
from makewhole.attach.fields import Chosen
from makewhole.attach.proposal import Evidence, Why

ROWS_MIN = 5
"""Rows that hold both instants, from which their order is believed."""
AGAINST_MAX = 0.2
"""Share of rows that may go against it: real tables hold a few that do, and cash on delivery is paid last."""
SLACK_S = 60.0
"""Two clocks of one shop may differ so much."""
FIRST, FIRST_ROWS_MIN, FIRST_OF_MIN, FIRST_MAX = 0.84, 20, 2, 0.02
"""How sure an instant is that stands in every order and before all others; orders and other instants that it takes; exceptions."""
_BEFORE: Mapping[str, tuple[str, ...]] = {
    "order.shipped_at": ("order.paid_at",),
    "order.completed_at": ("order.paid_at", "order.shipped_at"),
}
"""What must be there, and not later, where this is."""


def contradicted(read: Read, chosen: Mapping[str, Chosen]) -> dict[str, str]:
    """Fields whose column other instants contradict. Goods are not sent before they are paid for, nor is what was closed completed."""
    seconds = {f: _seconds(read, chosen[f].name) for f in (*_BEFORE, "order.paid_at", "order.closed_at") if f in chosen}
    if "order.paid_at" not in seconds and "order.amount_paid" in chosen:
        # Where no instant tells that an order was paid, what was paid does.
        seconds["order.paid_at"] = [None if values.absent(v) else 0.0 for v in read.table.values(chosen["order.amount_paid"].name)]
    found = {}
    for field, earlier in _BEFORE.items():
        if field in seconds and any(_against(seconds[e], seconds[field]) for e in earlier if e in seconds):
            found[field] = chosen[field].name
    closed, done = seconds.get("order.closed_at"), seconds.get("order.completed_at")
    if closed is not None and done is not None and "order.completed_at" not in found and _ends_both(closed, done):
        found["order.closed_at"] = chosen["order.closed_at"].name
    if "order.transaction_id" in chosen and "order.paid_at" in seconds and _before_paid(read, chosen["order.transaction_id"].name, seconds):
        found["order.transaction_id"] = chosen["order.transaction_id"].name
    return found


def placed(read: Read, chosen: Mapping[str, Chosen]) -> dict[str, Chosen]:
    """With more trust in an instant that every order has and that no other instant of its row precedes: that of placing it."""
    told = chosen.get("order.created_at")
    if told is None or told.rivals or told.best.score >= FIRST or len(read.table.sample) < FIRST_ROWS_MIN:
        return dict(chosen)
    own = _seconds(read, told.name)
    instants = (c.name for c in read.table.columns if c.name != told.name and read.look(c.name).unit and read.look(c.name).told)
    others = [_seconds(read, name) for name in instants]
    if len(others) < FIRST_OF_MIN or any(_earlier(own, other) > FIRST_MAX * len(own) for other in others):
        return dict(chosen)
    by = Evidence(why=Why.VALUES, what="")
    return {**chosen, "order.created_at": Chosen(best=replace(told.best, score=FIRST, evidence=(*told.best.evidence, by)))}


def _earlier(own: list[float | None], other: list[float | None]) -> int:
    """In how many rows the first instant is missing, or not the earlier one."""
    return sum(a is None or (b is not None and b + SLACK_S < a) for a, b in zip(own, other, strict=True))


def _before_paid(read: Read, column: str, seconds: Mapping[str, list[float | None]]) -> bool:
    """Whether unpaid orders carry it already: no channel numbers a payment that nobody made."""
    unpaid = [not values.absent(v) for v, at in zip(read.table.values(column), seconds["order.paid_at"], strict=True) if at is None]
    return len(unpaid) >= ROWS_MIN and len(unpaid) < len(read.table.sample) and sum(unpaid) > AGAINST_MAX * len(unpaid)


def _seconds(read: Read, column: str) -> list[float | None]:
    unit = read.look(column).unit
    return [values.instant_of(v, unit) for v in read.table.values(column)]


def _against(earlier: list[float | None], later: list[float | None]) -> bool:
    """Whether the later instant stands in rows that lack the earlier one, or lies before it. Nothing is said by a column without values."""
    pairs = [(a, b) for a, b in zip(earlier, later, strict=True) if b is not None]
    if len(pairs) < ROWS_MIN or sum(a is not None for a in earlier) < ROWS_MIN:
        return False
    return sum(a is None or b + SLACK_S < a for a, b in pairs) > AGAINST_MAX * len(pairs)


def _ends_both(closed: list[float | None], done: list[float | None]) -> bool:
    """Whether the instant of closing stands in completed orders as well: then it is the end of any order."""
    ends = [d is not None for c, d in zip(closed, done, strict=True) if c is not None]
    return len(ends) >= ROWS_MIN and sum(ends) > AGAINST_MAX * len(ends)
