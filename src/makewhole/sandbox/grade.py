"""What was found and how it ended, beside what is really so: counts of what was missed, alarmed about for nothing, or repaired wrongly."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from makewhole.core import codec
from makewhole.model import finding, plan
from makewhole.sandbox import day, truth
from makewhole.sandbox.shop import schema
from makewhole.sandbox.truth import End

_ENDS: Mapping[plan.Terminal, End] = {
    plan.Terminal.RESTORED: End.RESTORED,
    plan.Terminal.REFUNDED: End.REFUNDED,
    plan.Terminal.PERSON: End.HANDED_OVER,
}
"""Which end of a world a case's terminal means."""
MENDED = frozenset({End.RESTORED, End.REFUNDED})
"""Ends that a person has no part in."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What Makewhole says of one order: which ailments it ever found, how its cases ended, when the last one did."""

    number: str
    ailments: frozenset[finding.Ailment]
    terminals: tuple[plan.Terminal | None, ...] = ()
    ended_at: datetime | None = None


class Where(codec.Noun, frozen=True, kw_only=True):
    """All money that came in, by where it is now; the last three add up to the first."""

    paid: int
    whole: int
    refunded: int
    open: int


class Minutes(codec.Noun, frozen=True, kw_only=True):
    """Of the orders that were restored or refunded: from the moment they broke, or that Makewhole first looked, to their named end."""

    median: float
    p95: float


class Grade(codec.Noun, frozen=True, kw_only=True):
    """The JSON of `demo`."""

    seed: int
    orders: int
    broken: int
    found: int
    missed: int
    false_alarms: int
    restored: int
    refunded: int
    compensated: int
    handed_over: int
    wrong_repairs: int
    laws_broken: int
    money: Where = msgspec.field(name="money_fen")
    recovery_minutes: Minutes

    def flawless(self) -> bool:
        """Nothing missed, nothing alarmed about for nothing, nothing repaired wrongly, no law broken."""
        return not (self.missed or self.false_alarms or self.wrong_repairs or self.laws_broken)


def grade(world: day.Day, told: Iterable[Told], *, since: datetime | None = None, laws_broken: int) -> tuple[Grade, tuple[str, ...]]:
    """The grade, and a line for every mistake. `since`: when Makewhole first looked, where it came later than the trouble."""
    by_number = {t.number: t for t in told if t.ailments}
    truths = {n: t for n, t in world.truths.items() if n in by_number or not _mended_itself(world, t)}
    missed = [n for n, t in truths.items() if n not in by_number or not by_number[n].ailments & t.ailments]
    alarms = [n for n in by_number if n not in truths and not _unplanned(world, by_number[n])]
    ends = {n: _end(by_number[n]) for n in truths if n in by_number}
    wrong = [line for n, e in ends.items() if (line := _wrong(world, truths[n], e))]
    complaints = [f"missed: {truths[n].story} {n}" for n in missed]
    complaints += [f"false alarm: {n} {sorted(a.value for a in by_number[n].ailments)}" for n in alarms]
    # A payment that its order's rows do not know is broken with its order, and is one order with it.
    of_order = {p: n for n, t in truths.items() for p in t.payments if p != n and p in truths}
    orders = truths.keys() - of_order.keys()
    lost = {of_order.get(n, n) for n in missed}
    graded = Grade(
        seed=world.seed,
        orders=world.shop.placed,
        broken=len(orders),
        found=len(orders) - len(lost),
        missed=len(lost),
        false_alarms=len(alarms),
        restored=sum(e is End.RESTORED for n, e in ends.items() if n in orders),
        refunded=sum(e is End.REFUNDED for n, e in ends.items() if n in orders),
        compensated=0,
        handed_over=sum(e is End.HANDED_OVER for n, e in ends.items() if n in orders),
        wrong_repairs=len(wrong),
        laws_broken=laws_broken,
        money=_money(world, {n for n, e in ends.items() if e in MENDED}),
        recovery_minutes=_minutes({n: truths[n] for n, e in ends.items() if e in MENDED}, by_number, since),
    )
    return graded, (*complaints, *wrong)


def _mended_itself(world: day.Day, really: truth.Truth) -> bool:
    """Whether the shop's own job, or a callback that came in the end, made it right before anybody could judge it."""
    right = really.ends.get(End.RESTORED)
    return really.ailments == {finding.Ailment.PAID_NOT_RECORDED} and right is not None and not _wrong(world, really, End.RESTORED)


def _unplanned(world: day.Day, told: Told) -> bool:
    """Broken indeed, though no story planned it: a recall that ran out of time again, a broken notice, half an order."""
    row = world.shop.rows.order(told.number)
    if row is not None and row["origin_sn"] is not None and told.ailments == {finding.Ailment.EXPIRED_UNPAID}:
        return True
    if told.number in world.strays and told.ailments == {finding.Ailment.EXPIRED_UNPAID}:
        return True
    return told.number in world.delayed and told.ailments == {finding.Ailment.PAID_NOT_RECORDED}


def _end(told: Told) -> End | None:
    """The gravest of the cases' ends: an order that is still with a person is a person's."""
    ends = {_ENDS.get(t) if t is not None else None for t in told.terminals}
    for grave in (None, End.HANDED_OVER, End.REFUNDED, End.RESTORED):
        if grave in ends:
            return grave
    return None


def _wrong(world: day.Day, really: truth.Truth, end: End | None) -> str:
    """Why this end is not right; empty where it is."""
    name = f"wrong: {really.story} {really.number}"
    if end is None:
        return f"{name} has not ended"
    if end not in really.ends:
        return f"{name} ended {end.value}, right were {sorted(e.value for e in really.ends)}"
    right = really.ends[end]
    kept = sum(world.bank.kept(p) for p in really.payments)
    if right.kept_fen is not None and kept != right.kept_fen:
        return f"{name} keeps {kept} fen, right were {right.kept_fen}"
    row = world.shop.rows.order(really.number)
    if right.status is not None and (row is None or row["status"] not in right.status):
        return f"{name} has status {None if row is None else schema.Status(row['status']).name}"
    return ""


def _money(world: day.Day, mended: set[str]) -> Where:
    """Every fen of the channel's ledger, once."""
    paid = sum(line.moved for line in world.bank.ledger if line.kind == "payment")
    refunded = -sum(line.moved for line in world.bank.ledger if line.kind != "payment")
    still = {p for n, t in world.truths.items() if n not in mended for p in t.payments}
    unsettled = sum(world.bank.kept(p) for p in still)
    return Where(paid=paid, whole=paid - refunded - unsettled, refunded=refunded, open=unsettled)


def _minutes(truths: Mapping[str, truth.Truth], told: Mapping[str, Told], watched: datetime | None) -> Minutes:
    spans = []
    for number, really in truths.items():
        ended = told[number].ended_at if number in told else None
        if ended is not None:
            spans.append(max(0.0, (ended - max(really.since, watched or really.since)).total_seconds() / 60))
    if not spans:
        return Minutes(median=0.0, p95=0.0)
    spans.sort()
    return Minutes(median=round(statistics.median(spans), 1), p95=round(spans[min(len(spans) - 1, int(len(spans) * 0.95))], 1))
