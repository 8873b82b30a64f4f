"""The demo: a trading day breaks on purpose, is found and made whole in virtual time, and is graded against its own truth."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from makewhole.core import ids
from makewhole.engine import look, relay, sweep
from makewhole.model import finding
from makewhole.rehearsal import stage
from makewhole.sandbox import day, grade, world
from makewhole.sandbox.shop import jobs, schema

TICKS = tuple(timedelta(minutes=m) for m in (1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480, 600, 720, 960, 1200, 1440))
"""After the first sweep: when waiting runs, forwardings and the shop's own jobs get their turn. Then every six hours until `LAST`."""
LAST = timedelta(days=4)
SWEEPS = frozenset({timedelta(0), timedelta(minutes=45), LAST})
"""When all of the shop's rows are looked at."""

Progress = Callable[[str, int, int], None]
"""What is being done, how far, of how much."""


@dataclass(kw_only=True)
class Show:
    """One run of the demo, as it goes."""

    on: stage.Stage
    found: dict[str, set[finding.Ailment]] = field(default_factory=lambda: defaultdict(set))

    @property
    def day(self) -> day.Day:
        """The world."""
        return self.on.day


def run(
    *, seed: int = 1, orders: int = 1000, broken: float = 0.05, folder: Path, progress: Progress | None = None
) -> tuple[grade.Grade, tuple[str, ...]]:
    """Build, break, find, mend, grade. The folder is emptied first: it is the demo's own."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tell = progress or _quiet
    on = stage.stage(seed, folder)
    try:
        tell("trade", 0, orders)
        world.fill(on.day, world.Size(orders=orders, broken=round(orders * broken)))
        on.day.run_until(world.SWEEP_AT)
        tell("trade", orders, orders)
        show = Show(on=on)
        recover(show, tell)
        return judge(show)
    finally:
        on.close()


def recover(show: Show, tell: Progress) -> None:
    """Sweep, mend, and let time pass until everything that waits has had its time."""
    full_sweep(show)
    spans = [*TICKS, *(timedelta(hours=h) for h in range(30, round(LAST.total_seconds() / 3600) + 1, 6))]
    for i, span in enumerate(spans):
        show.day.run_until(world.SWEEP_AT + span)
        tick(show)
        if span in SWEEPS:
            full_sweep(show)
        tell("recover", i + 1, len(spans))


def tick(show: Show) -> None:
    """The shop's jobs, the buyers, and what Makewhole does between sweeps."""
    on = show.on
    jobs.expire(on.day.shop)
    jobs.poll_refunds(on.day.shop)
    relay.forward_due(on.world)
    while sweep.resume_left(on.world):
        pass
    buyers(on.day)


def full_sweep(show: Show) -> None:
    """Look at every suspect; work on what is broken, the most urgent first."""
    on = show.on
    tasks = []
    for looked in sweep.scan(on.world):
        _note(show, looked)
        if looked.findings():
            tasks.append(sweep.urgency(looked))
    for task in sorted(tasks):
        sweep.work(on.world, task.number)


def buyers(on: day.Day) -> None:
    """Whoever finds an order of his recalled pays it, or thinks better of it in time."""
    for row in on.shop.rows.all("SELECT order_sn FROM trade_order WHERE origin_sn IS NOT NULL AND status = ?", int(schema.Status.UNPAID)):
        sn = str(row["order_sn"])
        if sn not in on.bank.transactions:
            continue
        if on.chance.random() < 0.7:
            on.pays(sn, day.Fate.RELAY)
        else:
            on.bank.close(sn)
            on.shop.cancel(sn)


def judge(show: Show) -> tuple[grade.Grade, tuple[str, ...]]:
    """Beside the truth."""
    on = show.on
    told = []
    for number, ailments in show.found.items():
        key = ids.OrderKey(shop=on.world.eyes.shop, number=ids.OrderNumber(number))
        cases = on.store.cases(key)
        ended = [c.ended_at for c in cases if c.ended_at is not None]
        told.append(
            grade.Told(
                number=number,
                ailments=frozenset(ailments),
                terminals=tuple(c.terminal for c in cases),
                ended_at=max(ended, default=None),
            )
        )
    return grade.grade(on.day, told, laws_broken=0)


def _note(show: Show, looked: look.Looked) -> None:
    if looked.findings():
        show.found[looked.order.number] |= {f.ailment for f in looked.findings()}


def _quiet(_what: str, _done: int, _all: int) -> None:
    return None
