"""Sweep: the shop's rows go in, suspects come out, and of those the broken ones, dearest and most urgent first. Level-triggered:
a sweep that was cut off is simply begun again."""

from __future__ import annotations

import heapq
import itertools
import queue
from collections.abc import Callable, Iterator
from concurrent import futures
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import structlog

from makewhole import ports
from makewhole.core import batching, faults, ids
from makewhole.engine import beside, decided, gather, look, recover
from makewhole.flow.diagnose import rule, rules
from makewhole.model import claim, finding

BATCH = 200
"""Orders read at once: large enough that statements cost little, small enough that a dossier is seconds old at most."""
log = structlog.get_logger()
_NEVER = datetime.max.replace(tzinfo=UTC)

Progress = Callable[["Tally"], None]


@dataclass(kw_only=True)
class Tally:
    """What a sweep has seen so far."""

    suspects: int = 0
    whole: int = 0
    one_sided: int = 0
    """Nothing wrong in the shop's rows, and the channel that they name is not attached: of its money nobody knows."""
    broken: int = 0
    decided: int = 0
    """Broken as ever, and a person has decided what to make of all of it."""
    unjudged: int = 0
    done: int = 0
    total: int | None = None
    ailments: dict[str, int] = field(default_factory=dict)

    def add(self, looked: look.Looked) -> None:
        """Count one order."""
        match looked.diagnosis:
            case finding.Whole() if any(s.why is claim.Why.NOT_CONFIGURED for s in looked.dossier.silent(claim.About.PAYMENT)):
                self.one_sided += 1
            case finding.Whole():
                self.whole += 1
            case finding.Unjudged():
                self.unjudged += 1
            case finding.Broken() if not look.open_findings(looked):
                self.decided += 1
            case finding.Broken():
                self.broken += 1
                for found in look.open_findings(looked):
                    self.ailments[found.ailment.value] = self.ailments.get(found.ailment.value, 0) + 1


def scan(
    world: ports.World,
    tally: Tally | None = None,
    changed_since: str | None = None,
    pool: futures.Executor | None = None,
) -> Iterator[look.Looked]:
    """Every suspect that is broken or cannot be judged, as it is found. Changes nothing."""
    counted = tally if tally is not None else Tally()
    for batch in batching.batches(suspects(world, changed_since), BATCH):
        for told in gather.gather(world, batch, pool):
            looked = decided.heeded(world, look.judge(world, told))
            counted.suspects += 1
            counted.add(looked)
            if not isinstance(looked.diagnosis, finding.Whole):
                yield looked


def suspects(world: ports.World, changed_since: str | None = None) -> Iterator[ids.OrderNumber]:
    """Numbers of orders that a screen names, then payments that callbacks told of and no row has settled, and orders whose rows the
    change log shows overwritten or deleted: no screen sees a row that is gone."""
    now = world.clock.now()
    horizon = rule.Horizon(policy=world.policies.at(now), now=now, money=bool(world.channels))
    told_of: dict[ids.OrderNumber, None] = {}
    for number in world.store.unsettled_payments(world.eyes.shop, now):
        told_of[world.store.linked(world.eyes.shop, number) or world.eyes.owner(number) or ids.OrderNumber(number)] = None
    told_of.update(dict.fromkeys(_differing(world)))
    if world.trail is not None:
        world.trail.catch_up(now)
        told_of.update(dict.fromkeys(world.trail.orders()))
    for suspect in world.eyes.suspects(rules.suspects(horizon), changed_since):
        told_of.pop(suspect.number, None)
        yield suspect.number
    yield from told_of


def _differing(world: ports.World) -> Iterator[ids.OrderNumber]:
    """Orders of which the daily books tell differently, and that are not over: the rows of some show nothing."""
    if world.books is not None:
        for channel in sorted(world.books.sources):
            yield from (f.found.order.number for f in beside.unsettled(world, world.books, channel))


@dataclass(frozen=True, order=True)
class Task:
    """One order to work on, comparable by urgency: the nearest deadline first, within a day the most money."""

    day: int
    minus_stake: int
    deadline: datetime
    number: ids.OrderNumber = field(compare=True)


def urgency(looked: look.Looked) -> Task:
    """By deadline (to the hour) and money at stake, not by age."""
    findings = look.open_findings(looked)
    deadline = min((f.deadline for f in findings if f.deadline), default=_NEVER)
    return _task(looked.order.number, deadline, sum(f.stake.fen for f in findings))


def _task(number: ids.OrderNumber, deadline: datetime, stake_fen: int) -> Task:
    hour = int(deadline.timestamp() // 3600) if deadline is not _NEVER else 1 << 40
    return Task(day=hour, minus_stake=-stake_fen, deadline=deadline, number=number)


def worklist(
    world: ports.World, tally: Tally | None = None, pool: futures.Executor | None = None, stopped: Callable[[], bool] = lambda: False
) -> list[Task]:
    """The broken orders of a whole sweep, most urgent first: numbers only, so that a million fit.

    And whatever case is still open: an order that was mended while a source was silent looks whole by now, and must still get its end.
    Nothing where it was `stopped` in the middle: half a list is in no order.
    """
    still = {c.order.number: c for c in world.store.cases(open_only=True) if c.order.shop == world.eyes.shop}
    heap: list[Task] = []
    for looked in scan(world, tally, pool=pool):
        if stopped():
            return []
        if look.open_findings(looked):
            heapq.heappush(heap, urgency(looked))
            still.pop(looked.order.number, None)
    for number, known in still.items():
        heapq.heappush(heap, _task(number, known.deadline or _NEVER, known.finding.stake.fen))
    return [heapq.heappop(heap) for _ in range(len(heap))]


def drain(world: ports.World, tasks: list[Task], pool: futures.Executor) -> Iterator[recover.Result]:
    """Work on these orders in their order, in parallel, as results come; memory holds numbers and the results not yet taken.

    No order waits for a slow one before it: whenever some are done, the next ones are handed out. Whoever stops asking for results
    stops what has not begun.
    """
    left, busy = iter(tasks), set[futures.Future[recover.Result]]()
    over: queue.SimpleQueue[futures.Future[recover.Result]] = queue.SimpleQueue()

    def hand_out(count: int) -> None:
        for task in itertools.islice(left, count):
            given = pool.submit(work, world, task.number)
            busy.add(given)
            given.add_done_callback(over.put)

    try:
        hand_out(BATCH)
        while busy:
            one = over.get()
            busy.remove(one)
            hand_out(1)
            yield one.result()
    finally:
        for one in busy:
            one.cancel()


def work(world: ports.World, number: ids.OrderNumber) -> recover.Result:
    """Recover one order among many: whatever is wrong about this one must not stop the others."""
    key = ids.OrderKey(shop=world.eyes.shop, number=number)
    return _apart(key, partial(recover.recover, world, number))


def resume_left(world: ports.World, limit: int = 100) -> list[recover.Result]:
    """Go on with runs whose wait is over or whose worker died."""
    lease = ports.Lease(owner=world.owner, now=world.clock.now(), span=world.lease)
    left = world.store.claim_runs(world.eyes.shop, lease, limit)
    return [_apart(held.run.plan.order, partial(recover.resume, world, held)) for held in left]


def _apart(key: ids.OrderKey, one: Callable[[], recover.Result]) -> recover.Result:
    """One order's work, its faults kept to itself: our own mistake, a silent source, a lease that somebody else has taken over.

    Raises Credentials, which would be each order's fault: it is told once, and the sweep is over.
    """
    try:
        return one()
    except faults.Credentials:
        raise
    except faults.Defect:
        log.exception("defect", order=str(key))
        state = recover.State.DEFECT
    except faults.Unavailable as down:
        log.warning("left for the next sweep", order=str(key), why=down.why)
        state = recover.State.UNJUDGED
    except (faults.Rejected, faults.Indeterminate) as lost:
        # A stale fence, or a save of which nobody knows whether it happened: the journal and its next holder know what to do.
        log.warning("left to whoever holds it now", order=str(key), why=lost.why)
        state = recover.State.WAITING
    return recover.Result(order=key, state=state, diagnosis=finding.Unjudged(missing=()))
