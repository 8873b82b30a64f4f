"""Rows of one code go in; which instants they hold, and what that says of the code, come out."""

from __future__ import annotations

from dataclasses import dataclass

from makewhole.attach import values
from makewhole.attach.axes import Axis
from makewhole.attach.columns import Read

MOSTLY, HARDLY = 0.8, 0.25
NEARLY_ALL = 0.95
"""Share of a code's rows that must hold an instant before the instant alone says what the code means."""


@dataclass(frozen=True, kw_only=True)
class Instants:
    """Columns of the order's row that tell how far it came; empty where there is none."""

    paid: str = ""
    shipped: str = ""
    completed: str = ""
    closed: str = ""
    paying: str = ""
    parcel: str = ""
    """What paid, and what sent orders hold besides: an amount, a parcel's number. Evidence where the instant itself is not there."""

    def witnesses(self) -> dict[str, str]:
        """The column that shows how far an order came, step by step."""
        told = {
            "paid": self.paid or self.paying,
            "shipped": self.shipped or self.parcel,
            "completed": self.completed,
            "closed": self.closed,
        }
        return {step: column for step, column in told.items() if column}


def rows_of(read: Read, told: Axis) -> dict[str, list[int]]:
    """The sampled rows of each code."""
    there = told.told(read)
    return {c: [i for i, code in enumerate(there) if code == c] for c in (*told.words, *told.unclear)}


def share(read: Read, column: str, rows: list[int]) -> float:
    """How many of these rows hold a value in a column, as a share of them."""
    told = read.table.values(column)
    return sum(1 for i in rows if not values.absent(told[i])) / len(rows) if rows else 0.0


def among(rows: list[int], there: frozenset[int]) -> float:
    """How many of these rows are among some others, as a share of them."""
    return sum(i in there for i in rows) / len(rows) if rows else 0.0


def from_times(share: dict[str, float]) -> str | None:
    """What a code means by the times of its rows, as shares of them by step; None where they do not tell."""
    if "paid" not in share:
        return None
    paid = share["paid"]
    if share.get("closed", 0.0) >= MOSTLY and paid <= MOSTLY:
        # Those among them that were paid are asked about.
        return "closed"
    if paid <= HARDLY / 2 and "closed" in share and share["closed"] <= HARDLY / 2:
        return "awaiting-payment"
    if paid < NEARLY_ALL or share.get("closed", 0.0) > HARDLY:
        return None
    if "completed" in share and share["completed"] >= NEARLY_ALL:
        return "completed"
    if "shipped" in share and share["shipped"] >= NEARLY_ALL and share.get("completed", 0.0) <= HARDLY and "completed" in share:
        return "shipped"
    if "shipped" in share and share["shipped"] <= HARDLY and share.get("completed", 0.0) <= HARDLY:
        return "awaiting-shipment"
    return None


def in_order(sure: dict[str, str]) -> bool:
    """Numbered codes grow as an order goes on; where they do not, the times were read wrongly."""
    steps = ("awaiting-payment", "awaiting-shipment", "shipped", "completed")
    ranks = [int(c) for word in steps for c, w in sure.items() if w == word and c.lstrip("-").isdigit()]
    return ranks == sorted(ranks)


def hint(share: dict[str, float], rows: int) -> str:
    """What is known of the rows of a code, for whoever is asked about it."""
    return ", ".join([f"{rows} rows", *(f"{name} {part:.0%}" for name, part in share.items())])
