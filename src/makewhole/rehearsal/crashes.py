"""Crash points: a small world with one broken order is mended by one remedy; a worker is killed at every place that it passes, and at
every pair of places. However often it dies, the next one must come to the same end.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from makewhole.core import ids
from makewhole.model.plan import Remedy
from makewhole.rehearsal import judgement, lives, stage, watch
from makewhole.sandbox import laws, lightkeys, world
from makewhole.sandbox.shop import jobs

STORIES: Mapping[Remedy, str] = {
    Remedy.RECORD_PAYMENT: "acknowledged-not-applied",
    Remedy.ACCEPT_LATE: "closed-over-payment",
    Remedy.REFUND_LATE: "too-old",
    Remedy.REFUND_SURPLUS: "paid-twice",
    Remedy.MATCH_ORDER: "attempt-lost",
    Remedy.REFUND_ORPHAN: "order-lost",
    Remedy.FINISH_REFUND: "stuck",
    Remedy.RECORD_REFUND: "taken-for-failed",
    Remedy.SEND_REFUND: "not-sent",
    Remedy.RECALL: "never-closed",
    Remedy.CLOSE_EXPIRED: "forgotten",
    Remedy.GIVE_STOCK_BACK: "stock-kept",
    Remedy.TAKE_STOCK_BACK: "stock-twice",
    Remedy.GIVE_COUPON_BACK: "coupon-kept",
    Remedy.ASK_PERSON: "price-rose",
}
"""The story whose order is mended by this remedy."""
STEPS = (
    *(timedelta(seconds=70),) * 6,
    *(timedelta(minutes=11),) * 2,
    *(timedelta(minutes=71),) * 2,
    *(timedelta(hours=32),) * 4,
)
"""Between two turns: first a little longer than a lease, then than the longer waits, and at last than a refund takes that got stuck."""
_WHEN = frozenset({"id", "created_at", "updated_at", "closed_at", "expire_at", "used_at", "done_at"})
"""Columns that tell when and not what: a worker that was killed is later than one that was not."""


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What a small world came to."""

    remedies: tuple[Remedy, ...]
    """Of its runs, in the order of their beginning."""
    breaches: tuple[laws.Breach, ...]
    result: Mapping[str, object]
    """The shop's rows, the channel's ledger and the cases, without their instants."""
    places: int
    trace: tuple[str, ...]


def play(remedy: Remedy, kills: frozenset[int], folder: Path, seed: int = 1) -> Ending:
    """One small world, its worker killed at these places; the folder is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tale = next(t for t in world.BROKEN if t.name == STORIES[remedy])
    with lightkeys.used():
        on = stage.stage(seed, folder)
        try:
            world.tell(on.day, random.Random(f"crashes {seed}"), tale)
            going = lives.Lives(on, watch.Hooks(crashes=kills, quiet=True))
            on.day.run_until(world.SWEEP_AT)
            going.hooks.quiet = False
            _to_rest(going)
            places = going.hooks.count
            going.hooks.quiet = True
            _, broken = going.judge(lambda: going.course.sweep(going.worker))
            return Ending(
                remedies=tuple(r.plan.remedy for o in {c.order: None for c in on.store.cases()} for r in on.store.runs_of(o)),
                breaches=broken,
                result=_result(on),
                places=places,
                trace=tuple(going.hooks.trace),
            )
        finally:
            on.close()


def singles(remedy: Remedy, folder: Path, part: int = 0, parts: int = 1) -> Iterator[tuple[frozenset[int], Ending]]:
    """Killed at each place that the undisturbed world passes; with `parts`, only at every `parts`-th of them."""
    for place in range(1, play(remedy, frozenset(), folder).places + 1):
        if place % parts == part:
            yield frozenset({place}), play(remedy, frozenset({place}), folder)


def pairs(remedy: Remedy, folder: Path, part: int = 0, parts: int = 1) -> Iterator[tuple[frozenset[int], Ending]]:
    """Killed at each place, and its successor at each place that it passes until all is done; `parts` as above, of the first kills."""
    for once, ending in singles(remedy, folder, part, parts):
        for place in range(max(once) + 1, ending.places + 1):
            yield once | {place}, play(remedy, once | {place}, folder)


def _to_rest(going: lives.Lives) -> None:
    """Turn by turn, until no case is open and no run is left."""
    fresh = True
    for step in STEPS:
        done = going.alive(going.course.between)
        # A new life knows nothing of what the last one saw: it sweeps, as `serve` does when it starts.
        if fresh or not done:
            done = going.alive(going.course.sweep) and done
        fresh = not done
        jobs.poll_refunds(going.on.day.shop)
        going.roots.note()
        if done and _rests(going):
            return
        going.on.day.run_until(going.on.day.clock.now() + step)


def _rests(going: lives.Lives) -> bool:
    store = going.on.store
    open_runs = (r for c in store.cases() for r in store.runs_of(c.order) if r.end is None)
    return not store.cases(open_only=True) and next(open_runs, None) is None


def _result(on: stage.Stage) -> Mapping[str, object]:
    told: dict[str, object] = {}
    for table in judgement.TABLES:
        rows = on.day.shop.rows.all(f"SELECT * FROM {table}")  # noqa: S608 - names of our own
        told[table] = [{k: r[k] for k in r.keys() if k not in _WHEN} for r in rows]  # noqa: SIM118 - sqlite3.Row iterates over values
    told["ledger"] = [(line.kind, line.number, line.moved) for line in on.day.bank.ledger]
    told["cases"] = sorted((c.id, c.finding.ailment.value, c.terminal) for c in on.store.cases())
    told["aliases"] = [(n, on.store.linked(on.world.eyes.shop, ids.OutTradeNo(n))) for n in sorted(on.day.bank.transactions)]
    return told
