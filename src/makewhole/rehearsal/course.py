"""The course of a rehearsal: what Makewhole, the shop's jobs and the buyers do in turn while virtual time passes; then the verdict."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from makewhole import ports
from makewhole.core import ids
from makewhole.engine import look, recover, relay, sweep
from makewhole.model import finding
from makewhole.rehearsal import stage
from makewhole.sandbox import day, grade, laws, truth, world
from makewhole.sandbox.shop import jobs, schema

Judged = tuple[grade.Grade, tuple[laws.Breach, ...]]
"""The grade, and every breach: of the laws first, then each mistake that the grade counts."""
PAYS, CANCELS = 0.65, 0.15
"""Shares of the buyers whose order was recalled; the rest let it lapse."""


ENDED = frozenset({recover.State.WHOLE, recover.State.PERSON})
"""States of an order that nothing more is to be done about."""


@dataclass(kw_only=True)
class Seen(sweep.Tally):
    """What a sweep saw, with the numbers of those that could not be judged."""

    unjudged_now: set[ids.OrderNumber] = field(default_factory=set)

    def add(self, looked: look.Looked) -> None:
        """Count one order."""
        super().add(looked)
        if isinstance(looked.diagnosis, finding.Unjudged):
            self.unjudged_now.add(looked.order.number)


@dataclass(kw_only=True)
class Course:
    """One world on its way."""

    on: stage.Stage
    left: set[ids.OrderNumber] = field(default_factory=set)
    """Orders that were not brought to an end: somebody was silent, or a run waits. `serve` meets them again in its next sweep."""

    def sweep(self, at: ports.World) -> None:
        """Look at every suspect; work on what is broken and on every case that is still open, the most urgent first."""
        seen = Seen()
        tasks = sweep.worklist(at, seen)
        self.left |= seen.unjudged_now
        for task in tasks:
            self._note(sweep.work(at, task.number), task.number)

    def between(self, at: ports.World) -> None:
        """What Makewhole does between sweeps: hand callbacks on, go on with what waited, look again at what is left."""
        relay.forward_due(at)
        while resumed := sweep.resume_left(at):
            for result in resumed:
                self._note(result, result.order.number)
        for number in sorted(self.left):
            self._note(sweep.work(at, number), number)

    def _note(self, result: recover.Result, number: ids.OrderNumber) -> None:
        if result.state in ENDED:
            self.left.discard(number)
        else:
            self.left.add(number)

    def others(self) -> None:
        """The shop's own jobs, and the buyers of recalled orders."""
        jobs.expire(self.on.day.shop)
        jobs.poll_refunds(self.on.day.shop)
        buyers(self.on.day)

    def judge(self, broken: Sequence[laws.Breach]) -> Judged:
        """Beside the truth."""
        graded, mistakes = grade.grade(self.on.day, self._told(), since=world.SWEEP_AT, laws_broken=len(broken))
        return graded, (*broken, *(laws.Breach(law=laws.GRADED, says=line) for line in mistakes))

    def _told(self) -> list[grade.Told]:
        """Every ailment that ever became a case, and how the order's cases ended."""
        by_number = defaultdict(list)
        for known in self.on.store.cases():
            by_number[str(known.order.number)].append(known)
        return [
            grade.Told(
                number=number,
                ailments=frozenset(c.finding.ailment for c in cases),
                terminals=tuple(c.terminal for c in cases),
                ended_at=_latest(c.ended_at for c in cases),
            )
            for number, cases in sorted(by_number.items())
        ]


def buyers(on: day.Day) -> None:
    """Whoever finds an order of his recalled pays it, lets it lapse, or cancels it in time."""
    asked = "SELECT order_sn, origin_sn FROM trade_order WHERE origin_sn IS NOT NULL AND status = ?"
    for row in on.shop.rows.all(asked, int(schema.Status.UNPAID)):
        sn = str(row["order_sn"])
        mood = random.Random(f"{on.seed} {sn}").random()
        if sn not in on.bank.transactions or on.bank.find(sn).state != "NOTPAY" or mood >= PAYS + CANCELS:
            continue
        if mood < PAYS:
            on.pays(sn, day.Fate.RELAY)
            continue
        on.bank.close(sn)
        on.shop.cancel(sn)
        # Cancelled before its time looks like a recall that was undone; to ask a person about the old order is right too.
        on.also_right(str(row["origin_sn"]), truth.End.HANDED_OVER)


def _latest(instants: Iterable[datetime | None]) -> datetime | None:
    return max((i for i in instants if i is not None), default=None)
