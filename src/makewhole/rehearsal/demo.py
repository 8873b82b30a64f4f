"""The demo: a trading day breaks on purpose, is found and made whole in virtual time, and is graded against its own truth."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from makewhole.rehearsal import course, stage
from makewhole.sandbox import grade, laws, world
from makewhole.sandbox.wechatpay import faults

TICKS = tuple(timedelta(minutes=m) for m in (1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480, 600, 720, 960, 1200, 1440))
"""After the first sweep: when waiting runs, forwardings and the shop's own jobs get their turn. Then every six hours until `LAST`."""
LAST = timedelta(days=4)
SWEEPS = frozenset({timedelta(minutes=2), timedelta(minutes=45), LAST})
"""When all of the shop's rows are looked at once more."""
TROUBLE = {
    faults.Fault.REFUSED: 0.01,
    faults.Fault.REQUEST_LOST: 0.02,
    faults.Fault.ANSWER_LOST: 0.03,
    faults.Fault.RATE_LIMITED: 0.02,
    faults.Fault.SYSTEM_ERROR_BEFORE: 0.02,
    faults.Fault.SYSTEM_ERROR_AFTER: 0.02,
    faults.Fault.UNSIGNED: 0.01,
    faults.Fault.ANSWER_BAD_SIGNATURE: 0.01,
    faults.Fault.REPLICA_LAG: 0.02,
}
"""How often the channel fails while Makewhole works: on a bad day, about one call in seven."""
CALM_FROM = timedelta(days=3)
"""From then on nothing fails any more: whatever still waits must come to its end."""

Progress = Callable[[str, int, int], None]
"""What is being done, how far, of how much."""


def run(
    *, seed: int = 1, orders: int = 1000, broken: float = 0.05, folder: Path, progress: Progress | None = None
) -> tuple[grade.Grade, tuple[laws.Breach, ...]]:
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
        return _recover(course.Course(on=on), tell)
    finally:
        on.close()


def _recover(going: course.Course, tell: Progress) -> tuple[grade.Grade, tuple[laws.Breach, ...]]:
    """Sweep, mend, and let time pass until everything that waits has had its time."""
    on = going.on
    # The day's own trade went undisturbed, so that its truth is certain; from here on the channel is at its worst.
    on.day.channel.faults = faults.Faults(on.day.seed, TROUBLE)
    going.sweep(on.world)
    spans = [*TICKS, *(timedelta(hours=h) for h in range(30, round(LAST.total_seconds() / 3600) + 1, 6))]
    for i, span in enumerate(spans):
        on.day.run_until(world.SWEEP_AT + span)
        if span == CALM_FROM:
            on.day.channel.faults.heal()
        going.between(on.world)
        going.others()
        if span in SWEEPS:
            going.sweep(on.world)
        tell("recover", i + 1, len(spans))
    return going.judge(())


def _quiet(_what: str, _done: int, _all: int) -> None:
    return None
