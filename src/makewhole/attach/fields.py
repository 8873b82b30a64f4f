"""A table in its role goes in; each of our fields gets the one column that says it best, and the columns that say it nearly as well."""

from __future__ import annotations

from dataclasses import dataclass

from makewhole.attach import columns, values, wants
from makewhole.attach.columns import Candidate, Read

NEARLY = 1.6
"""A runner-up whose doubt is less than this many times the best one's makes a choice a question, unless both columns hold the same."""
DOUBT_MIN = 0.004
"""Doubts below this are all alike."""
SAME_S, SAME_MIN = 3600.0, 0.95
"""Seconds between two instants of one row up to which they are of one event; the share of rows that must agree."""
RIVAL_MIN = 0.6


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The best column for a field, and its rivals."""

    best: Candidate
    rivals: tuple[Candidate, ...] = ()

    @property
    def name(self) -> str:
        """The column's name."""
        return self.best.column.name


Barred = frozenset[tuple[str, str]]
"""Fields with columns that cannot say them."""


def assign(read: Read, role: str, skip: frozenset[str] = frozenset(), barred: Barred = frozenset()) -> dict[str, Chosen]:
    """Columns for the fields of a role. The clearest claim is granted first; no column says two fields."""
    every = {w.field: columns.candidates(read, w, skip) for w in wants.WANTS[role]}
    offers = {field: tuple(c for c in offered if (field, c.column.name) not in barred) for field, offered in every.items()}
    claims = sorted(((c.score, w.field, c) for w in wants.WANTS[role] for c in offers[w.field]), key=lambda t: -t[0])
    chosen: dict[str, Candidate] = {}
    taken: set[str] = set()
    for _, field, claim in claims:
        if field in chosen or claim.column.name in taken:
            continue
        chosen[field] = claim
        taken.add(claim.column.name)
    return {field: Chosen(best=best, rivals=_rivals(read, best, offers[field], taken)) for field, best in chosen.items()}


def _rivals(read: Read, best: Candidate, offers: tuple[Candidate, ...], taken: set[str]) -> tuple[Candidate, ...]:
    return tuple(
        c
        for c in offers
        if c is not best and c.column.name not in taken and c.score >= RIVAL_MIN and _near(best.score, c.score) and not same(read, best, c)
    )


def _near(best: float, other: float) -> bool:
    return max(1 - other, DOUBT_MIN) < NEARLY * max(1 - best, DOUBT_MIN)


def same(read: Read, left: Candidate, right: Candidate) -> bool:
    """Whether two columns hold the same values wherever both hold one."""
    pairs = [
        (values.text(a), values.text(b))
        for a, b in zip(read.table.values(left.column.name), read.table.values(right.column.name), strict=True)
        if not values.absent(a) and not values.absent(b)
    ]
    return len(pairs) >= values.ROWS_TELL_MIN and (all(a == b for a, b in pairs) or _together(read, left, right))


def _together(read: Read, left: Candidate, right: Candidate) -> bool:
    """Whether two columns hold nearly the same instants: when a row was written, and when the order was placed."""
    if not left.look.unit or not right.look.unit or left.look.present < 1.0 or right.look.present < 1.0:
        return False
    pairs = zip(read.table.values(left.column.name), read.table.values(right.column.name), strict=True)
    seconds = [(values.instant_of(a, left.look.unit), values.instant_of(b, right.look.unit)) for a, b in pairs]
    near = sum(a is not None and b is not None and abs(a - b) <= SAME_S for a, b in seconds)
    return near >= SAME_MIN * len(seconds)
