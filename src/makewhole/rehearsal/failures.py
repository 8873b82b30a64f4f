"""Failed payments (R9): a mix of stories and a seed go in; how many of them recovered without a person, and what became of each kind, out.

No document says how often payments fail in which way. So the mix is stated, with its ground, and others stand beside it; what is right for
each story, and what became of it, is in the world's own truth.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from makewhole.core import ids
from makewhole.model import act, plan
from makewhole.rehearsal import demo, lives, stage, watch
from makewhole.sandbox import grade, laws, world
from makewhole.sandbox.channel import faults
from makewhole.sandbox.stories import healthy, late, unrecorded
from makewhole.sandbox.stories.story import Tale

ASKED_AT = tuple(timedelta(seconds=s) for s in (5, 30, 60, 180, 300, 600, 1800))
"""After an order was placed, or we first looked: when WeChat Pay tells merchants to ask, if no callback came. All rows are looked at."""
WAITS = tuple(span for span in demo.TICKS if span > ASKED_AT[-1])
"""Afterwards: what waits has its turn; nothing new is looked for, but once at the end."""
SHEET = frozenset({"amount", "merchant_id", "out_trade_no", "callback_signature", "paid_at"})
"""What a person must see of both sides (R9)."""
NOTICES = {
    faults.Fault.NOTICE_DOUBLED: 0.1,
    faults.Fault.NOTICE_FORGED: 0.02,
    faults.Fault.NOTICE_TAMPERED: 0.02,
    faults.Fault.NOTICE_PROBE: 0.02,
    faults.Fault.NOTICE_STALE: 0.02,
}
"""How often a callback comes broken, beside those that a story loses: the sandbox's word, channels publish none."""

FIELD = MappingProxyType(
    {
        "callback-lost": 300,
        "shop-down": 120,
        "shop-fails": 120,
        "shop-refuses": 80,
        "acknowledged-not-applied": 80,
        "closed-without-asking": 90,
        "paid-late": 70,
        "closed-over-payment": 40,
        "paid-twice": 30,
        "order-lost": 15,
        "attempt-lost": 10,
        "sold-meanwhile": 10,
        "coupon-spent": 5,
        "too-old": 5,
        "dear": 8,
        "very-late": 5,
        "wrong-amount-refused": 4,
        "wrong-amount-applied": 3,
        "late-wrong-amount": 3,
        "price-rose": 2,
    }
)
"""Of a thousand failed payments, how many fail in each way: what we claim a share for. Callbacks that never arrive or are not applied lead,
as channels say that none is sure to arrive; twice paid and without an order stand two to one, as in the one count that a shop published."""
REPORTS = MappingProxyType(
    {
        "callback-lost": 9,
        "shop-fails": 2,
        "acknowledged-not-applied": 3,
        "closed-without-asking": 5,
        "paid-late": 5,
        "closed-over-payment": 4,
        "paid-twice": 3,
        "order-lost": 2,
        "sold-meanwhile": 2,
        "coupon-spent": 1,
        "very-late": 1,
        "wrong-amount-refused": 1,
        "wrong-amount-applied": 1,
        "late-wrong-amount": 1,
    }
)
"""Each public report of such a failure that we know of counts once: what hurts, not what is frequent."""
EVEN = MappingProxyType(dict.fromkeys(FIELD, 1))
"""Each kind as often as the others: far more that only a person can decide than any shop has."""
A_PERSONS = frozenset(
    {"dear", "very-late", "wrong-amount-refused", "wrong-amount-applied", "late-wrong-amount", "price-rose", "order-lost"}
)
"""Stories that policy gives to a person by their nature, always or sometimes."""
TALES: Mapping[str, Tale] = MappingProxyType({t.name: t for t in (*unrecorded.TALES, *late.TALES)})


@dataclass(kw_only=True)
class Kind:
    """What became of the failures of one story."""

    restored: int = 0
    refunded: int = 0
    handed_over: int = 0

    def recovered(self) -> int:
        """Without a person."""
        return self.restored + self.refunded


@dataclass(kw_only=True)
class Measured:
    """What one world came to, or many together."""

    failures: int = 0
    recovered: int = 0
    handed_over: int = 0
    within_schedule: int = 0
    """Recovered before the last question of the schedule, half an hour after we first looked."""
    wrong: int = 0
    missed: int = 0
    false_alarms: int = 0
    unexplained: int = 0
    """Handed over without the parameters of every attempt side by side."""
    kinds: dict[str, Kind] = field(default_factory=lambda: defaultdict(Kind))
    breaches: list[laws.Breach] = field(default_factory=list)

    def add(self, other: Measured) -> None:
        """Count another world."""
        for name in ("failures", "recovered", "handed_over", "within_schedule", "wrong", "missed", "false_alarms", "unexplained"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for story, kind in other.kinds.items():
            mine = self.kinds[story]
            mine.restored, mine.refunded = mine.restored + kind.restored, mine.refunded + kind.refunded
            mine.handed_over += kind.handed_over
        self.breaches += other.breaches

    def share(self) -> float:
        """Of the failures, those that recovered by themselves."""
        return self.recovered / self.failures if self.failures else 1.0


def play(seed: int, folder: Path, *, mix: Mapping[str, int] = FIELD, failures: int = 40, well: int = 10) -> Measured:
    """One world: `failures` orders whose payment fails and `well` that end well, a channel at its worst, then peace.

    The folder is emptied: it is the rehearsal's own.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    on = stage.stage(seed, folder)
    try:
        going = lives.Lives(on, watch.Hooks(quiet=True))
        _fill(on, mix, failures, well)
        on.day.run_until(world.SWEEP_AT)
        _look_after(going)
        graded, breaches = going.judge(lambda: going.course.sweep(going.worker))
        return _measured(on, graded, breaches)
    finally:
        on.close()


def _fill(on: stage.Stage, mix: Mapping[str, int], failures: int, well: int) -> None:
    chance = random.Random(f"failures {on.day.seed}")
    on.day.channel.notices.faults = faults.Faults(on.day.seed, NOTICES)
    told = chance.choices([TALES[name] for name in mix], list(mix.values()), k=failures)
    told += chance.choices(healthy.TALES, [t.weight for t in healthy.TALES], k=well)
    for tale in told:
        world.tell(on.day, chance, tale)


def _look_after(going: lives.Lives) -> None:
    """As `serve` does, with the schedule of questions that channels ask for, under a channel that fails at one call in seven."""
    channel = going.on.day.channel
    channel.faults = faults.Faults(going.on.day.seed, demo.TROUBLE)
    for span in (timedelta(0), *ASKED_AT, *WAITS):
        going.on.day.run_until(world.SWEEP_AT + span)
        if span >= demo.CALM_FROM:
            channel.faults.heal()
            channel.notices.faults.heal()
        going.alive(going.course.between)
        going.course.others()
        if span <= ASKED_AT[-1] or span == WAITS[-1]:
            going.alive(going.course.sweep)
        going.roots.note()


def _measured(on: stage.Stage, graded: grade.Grade, breaches: tuple[laws.Breach, ...]) -> Measured:
    told = Measured(
        failures=graded.broken,
        recovered=graded.restored + graded.refunded,
        handed_over=graded.handed_over,
        wrong=graded.wrong_repairs,
        missed=graded.missed,
        false_alarms=graded.false_alarms,
        breaches=list(breaches),
    )
    cases = defaultdict(list)
    for known in on.store.cases():
        cases[str(known.order.number)].append(known)
    # One order and its second payment, known under a number of its own, failed once.
    seconds = {p for n, t in on.day.truths.items() for p in t.payments if p != n}
    for number, really in on.day.truths.items():
        ends = Counter(c.terminal for c in cases[number])
        if not ends or number in seconds:
            continue  # none: it mended itself before anybody could look
        kind = told.kinds[really.story]
        last = max((c.ended_at for c in cases[number] if c.ended_at is not None), default=None)
        if ends[plan.Terminal.PERSON]:
            kind.handed_over += 1
            told.unexplained += not _side_by_side(on, number)
            continue
        kind.refunded += bool(ends[plan.Terminal.REFUNDED])
        kind.restored += not ends[plan.Terminal.REFUNDED]
        told.within_schedule += last is not None and last <= world.SWEEP_AT + ASKED_AT[-1]
    return told


def _side_by_side(on: stage.Stage, number: str) -> bool:
    """Whether whoever was asked about this order sees the parameters of every attempt of which money is known."""
    runs = on.store.runs_of(ids.OrderKey(shop=on.world.eyes.shop, number=ids.OrderNumber(number)))
    asked = [s.act.question for r in runs for s in r.plan.steps if isinstance(s.act, act.AskPerson)]
    return any({b.what for b in question.sheet} >= SHEET for question in asked)
