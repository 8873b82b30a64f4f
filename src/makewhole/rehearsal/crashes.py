"""Crash points: a small world with one broken order is mended by one remedy; a worker is killed at every place that it passes, and at
every pair of places. However often it dies, the next one must come to the same end.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from makewhole import ports
from makewhole.core import ids
from makewhole.engine import daily
from makewhole.model import act, decision, finding
from makewhole.model.plan import Remedy
from makewhole.rehearsal import decided, judgement, lives, stage, watch
from makewhole.sandbox import laws, lightkeys, truth, world
from makewhole.sandbox.shop import jobs, schema
from makewhole.sandbox.stories import healthy


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A remedy and the story whose order it mends."""

    remedy: Remedy
    story: str
    decides: decision.Choice | None = None
    """The daily books have a difference of its order that only a person can explain, and a person has."""
    refuses: type[act.Act] | None = None
    """The shop refuses this act, so that what was done before it is undone."""

    in_time: bool = False
    """The order may still be paid when it is mended."""

    @property
    def name(self) -> str:
        """For tables and tests."""
        return f"{self.remedy.value}-undone" if self.refuses else f"{self.remedy.value}-in-time" if self.in_time else self.remedy.value


SCENES = (
    Scene(remedy=Remedy.RECORD_PAYMENT, story="acknowledged-not-applied"),
    Scene(remedy=Remedy.ACCEPT_LATE, story="closed-over-payment"),
    Scene(remedy=Remedy.REFUND_LATE, story="too-old"),
    Scene(remedy=Remedy.REFUND_SURPLUS, story="paid-twice"),
    Scene(remedy=Remedy.MATCH_ORDER, story="attempt-lost"),
    Scene(remedy=Remedy.REFUND_ORPHAN, story="order-lost"),
    Scene(remedy=Remedy.FINISH_REFUND, story="stuck"),
    Scene(remedy=Remedy.RECORD_REFUND, story="taken-for-failed"),
    Scene(remedy=Remedy.SEND_REFUND, story="not-sent"),
    Scene(remedy=Remedy.RECALL, story="never-closed"),
    Scene(remedy=Remedy.RECALL, story="never-closed", refuses=act.PublishLink),
    Scene(remedy=Remedy.CLOSE_EXPIRED, story="forgotten"),
    Scene(remedy=Remedy.GIVE_STOCK_BACK, story="stock-kept"),
    Scene(remedy=Remedy.TAKE_STOCK_BACK, story="stock-twice"),
    Scene(remedy=Remedy.GIVE_COUPON_BACK, story="coupon-kept"),
    Scene(remedy=Remedy.TAKE_PAYMENT_BACK, story="paid-by-hand", decides=decision.Choice.CHANNEL_IS_RIGHT),
    Scene(remedy=Remedy.TAKE_PAYMENT_BACK, story="paid-by-hand", decides=decision.Choice.CHANNEL_IS_RIGHT, in_time=True),
    Scene(remedy=Remedy.BOOK_DECISION, story="paid", decides=decision.Choice.CHANNEL_IS_RIGHT),
    Scene(remedy=Remedy.ASK_PERSON, story="price-rose"),
)
"""Every remedy once, and the one that has something to undo undone."""
SEED = 1
STEPS = (
    *(timedelta(seconds=70),) * 6,
    *(timedelta(minutes=11),) * 2,
    *(timedelta(minutes=71),) * 2,
    *(timedelta(hours=32),) * 4,
)
"""Between two turns: first a little longer than a lease, then than the longer waits, and at last than a refund takes that got stuck."""
LATER = timedelta(days=30)
"""How much longer an order may be paid that is mended in time: longer than all turns together."""
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


def play(scene: Scene, kills: frozenset[int], folder: Path) -> Ending:
    """One small world, its worker killed at these places; the folder is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tale = next(t for t in (*world.BROKEN, *healthy.TALES) if t.name == scene.story)
    with lightkeys.used():
        on = stage.stage(SEED, folder)
        try:
            world.tell(on.day, random.Random("crashes"), tale)
            going = lives.Lives(on, watch.Hooks(crashes=kills, quiet=True), lambda step: type(step.act) is scene.refuses)
            on.day.run_until(world.SWEEP_AT)
            if scene.in_time:
                on.day.shop.edit(next(iter(on.day.truths)), expire_at=schema.wall(on.day.clock.now() + LATER))
            if scene.decides:
                _decide(on, scene, scene.decides)
            if scene.refuses:
                for number in on.day.truths:
                    on.day.also_right(number, truth.End.HANDED_OVER)
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


def singles(scene: Scene, folder: Path, part: int = 0, parts: int = 1) -> Iterator[tuple[frozenset[int], Ending]]:
    """Killed at each place that the undisturbed world passes; with `parts`, only at every `parts`-th of them."""
    for place in range(1, play(scene, frozenset(), folder).places + 1):
        if place % parts == part:
            yield frozenset({place}), play(scene, frozenset({place}), folder)


def pairs(scene: Scene, folder: Path, part: int = 0, parts: int = 1) -> Iterator[tuple[frozenset[int], Ending]]:
    """Killed at each place, and its successor at each place that it passes until all is done; `parts` as above, of the first kills."""
    for once, ending in singles(scene, folder, part, parts):
        for place in range(max(once) + 1, ending.places + 1):
            yield once | {place}, play(scene, once | {place}, folder)


def _to_rest(going: lives.Lives) -> None:
    """Turn by turn, until no case is open and no run is left."""
    fresh = True
    for step in STEPS:
        done = going.alive(going.course.between)
        # A new life knows nothing of what the last one saw: it sweeps, as `serve` does when it starts.
        if fresh or not done:
            done = going.alive(going.course.sweep) and done
        fresh = not done
        done = going.alive(_follow_books) and done
        jobs.poll_refunds(going.on.day.shop)
        going.roots.note()
        if done and _rests(going):
            return
        going.on.day.run_until(going.on.day.clock.now() + step)


def _follow_books(worker: ports.World) -> None:
    """As `serve` does every minute: what of the books' differences still stands."""
    if worker.books is not None:
        daily.follow(worker, worker.books)


def _decide(on: stage.Stage, scene: Scene, choice: decision.Choice) -> None:
    """What only a person can explain about the scene's order, and a person's word about it."""
    row = on.day.shop.rows.one("SELECT order_sn FROM trade_order ORDER BY id LIMIT 1")
    if row is None:
        raise LookupError("no order")
    number = str(row["order_sn"])
    if scene.remedy is Remedy.TAKE_PAYMENT_BACK:
        decided.paid_by_hand(on, number)
        on.day.truths[number] = replace(on.day.truths[number], ends={truth.End.RESTORED: truth.Right(kept_fen=0)})
    else:
        decided.second_line(on, number, choice)
        on.day.broken(number, "decided", {finding.Ailment.BOOKS_DIFFER}, {truth.End.RESTORED: truth.Right()})


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
    of_books = on.store.ledger.of_days(on.world.eyes.shop, stage.CHANNEL, 0, 10**6)
    told["differences"] = [(f.found.id, [type(m).__name__ for m in f.moves]) for f in of_books]
    told["aliases"] = [(n, on.store.linked(on.world.eyes.shop, ids.OutTradeNo(n))) for n in sorted(on.day.bank.transactions)]
    return told
