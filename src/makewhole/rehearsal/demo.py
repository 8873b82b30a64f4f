"""The demo: a trading day breaks on purpose, is found and made whole in virtual time, and is graded against its own truth."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from makewhole.rehearsal import lives, retold, stage, watch
from makewhole.sandbox import grade, laws, world
from makewhole.sandbox.channel import faults

TICKS = (
    *(timedelta(seconds=s) for s in (5, 15, 30)),
    *(
        timedelta(minutes=m)
        for m in (*range(1, 31), 35, 40, 45, 50, 60, 75, 90, 120, 150, 180, 240, 300, 360, 480, 600, 720, 960, 1200, 1440)
    ),
    *(timedelta(hours=h) for h in range(30, 97, 6)),
)
"""After the first sweep: every minute for half an hour, as `serve` sweeps; then as runs have to wait for. At each of them waiting runs,
callbacks, and orders about which somebody was silent get their turn."""
SWEEPS = frozenset({timedelta(minutes=5), timedelta(minutes=45), timedelta(hours=90)})
"""When all of the shop's rows are looked at once more: one look in fifty meets a replica of the channel that lags and knows of no payment,
so with two early looks one order in some 2,500 was found days late. In between nothing new breaks; `serve` would look every minute and
find that."""
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


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a demo came to."""

    grade: grade.Grade
    breaches: tuple[laws.Breach, ...]
    cases: tuple[retold.Retold, ...]


def run(*, seed: int = 1, orders: int = 1000, broken: float = 0.05, folder: Path, progress: Progress | None = None) -> Shown:
    """Build, break, find, mend, judge. The folder is emptied first: it is the demo's own."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tell = progress or _quiet
    on = stage.stage(seed, folder)
    try:
        going = lives.Lives(on, watch.Hooks(quiet=True))
        tell("trade", 0, orders)
        world.fill(on.day, world.Size(orders=orders, broken=round(orders * broken)))
        on.day.run_until(world.SWEEP_AT)
        tell("trade", orders, orders)
        _recover(going, tell)
        graded, breaches = going.judge(lambda: going.course.sweep(going.worker))
        return Shown(grade=graded, breaches=breaches, cases=tuple(retold.retell(on.store)))
    finally:
        on.close()


def _recover(going: lives.Lives, tell: Progress) -> None:
    """Sweep, mend, and let time pass until everything that waits has had its time."""
    day = going.on.day
    # The day's own trade went undisturbed, so that its truth is certain; from here on the channel is at its worst.
    day.channel.faults = faults.Faults(day.seed, TROUBLE)
    going.alive(going.course.sweep)
    for i, span in enumerate(TICKS):
        day.run_until(world.SWEEP_AT + span)
        if span == CALM_FROM:
            day.channel.faults.heal()
        going.alive(going.course.between)
        going.course.others()
        if span in SWEEPS:
            going.alive(going.course.sweep)
        going.roots.note()
        tell("recover", i + 1, len(TICKS))


def _quiet(_what: str, _done: int, _all: int) -> None:
    return None
