"""Runs, their steps, leases and fences: pieces of work for the writer, and rows put together again as nouns."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from makewhole import ports
from makewhole.adapters.store import limits, names, statements, tables
from makewhole.core import codec, faults, ids
from makewhole.model import plan, run, verdict

WHOLE_RUN = -1
"""The position of a step row that tells of the run and not of one of its steps."""
HELD_MAX = 4_096
"""Runs remembered at once: more than threads ever drive together."""
FREE = 0
"""A lease that ended in 1970: nobody holds it."""


class Phase(enum.Enum):
    """What a row of the append-only list of steps tells."""

    BEGUN = "begun"
    PLANNED = "planned"
    """Also: undoing took this position, or nothing came of the intention."""
    INTENDED = "intended"
    DONE = "done"
    WAITED = "waited"
    ENDED = "ended"


# As they are written: reading an enum's value costs as much as comparing a mark.
_PHASES = {run.Mark.PLANNED: Phase.PLANNED.value, run.Mark.INTENDED: Phase.INTENDED.value, run.Mark.DONE: Phase.DONE.value}
_ENDED, _WAITED = Phase.ENDED.value, Phase.WAITED.value


class Begun(codec.Noun, frozen=True, kw_only=True):
    """The part of a run that never changes."""

    plan: plan.Plan
    begun_at: datetime


class Progress(codec.Noun, frozen=True, kw_only=True):
    """The part of a run that every save rewrites. `steps` is None while they are the plan's own."""

    marks: tuple[run.Mark, ...]
    steps: tuple[plan.Step, ...] | None = None
    tries: int = 0
    gave_up: str | None = None
    end: run.End | None = None
    why: str | None = None


def progress(going: run.Run) -> Progress:
    """What a save writes."""
    return Progress(
        marks=going.marks,
        steps=None if going.steps is going.plan.steps or going.steps == going.plan.steps else going.steps,
        tries=going.tries,
        gave_up=going.gave_up,
        end=going.end,
        why=going.why,
    )


def whole(begun: bytes, rest: bytes) -> run.Run:
    """The run from its two parts."""
    first, now = codec.decode(begun, Begun), codec.decode(rest, Progress)
    return run.Run(
        plan=first.plan,
        steps=first.plan.steps if now.steps is None else now.steps,
        marks=now.marks,
        begun_at=first.begun_at,
        tries=now.tries,
        gave_up=now.gave_up,
        end=now.end,
        why=now.why,
    )


@dataclass(frozen=True, kw_only=True)
class Held:
    """A run's row as this process last wrote it. Fence and count of saves name one content: if the row has others, it is read again."""

    n: int
    fence: int
    saves: int
    rest: Progress


class Memory:
    """The rows of runs that this process is driving, so that a save need not read first what it wrote itself."""

    def __init__(self) -> None:
        self._held: dict[ids.RunId, Held] = {}

    def get(self, of: ids.RunId) -> Held | None:
        """As last written, if it was by us."""
        return self._held.get(of)

    def put(self, of: ids.RunId, held: Held) -> None:
        """Remember. Forgetting all of it costs one reading a run."""
        if len(self._held) >= HELD_MAX:
            self._held.clear()
        self._held[of] = held

    def forget(self, of: ids.RunId) -> None:
        """It is over, or somebody else's."""
        self._held.pop(of, None)


@dataclass(frozen=True, kw_only=True)
class Start:
    """A run to begin, made ready outside the transaction."""

    first: run.Run
    case: ids.CaseId
    reservations: Sequence[verdict.Reservation]
    leaves: Sequence[tuple[bytes, bytes]]
    lease: ports.Lease
    id: ids.RunId
    begun: bytes
    rest: Progress
    memory: Memory
    known: int | None
    """Runs of the order that were over when it was looked at; None: it does not matter."""

    def carry_out(self, tx: statements.Tx) -> ports.Claimed:
        """The run with its limits; or the run of this id as it stands; or the one that is under way on this order."""
        order = self.first.plan.order
        known = tx.one(statements.RUN_FIND, w_id=self.id)
        if known is not None:
            return self._join(tx, known)
        other = tx.one(statements.RUN_UNDER_WAY, w_shop=order.shop, w_number=order.number, w_ended=0)
        if other is not None:
            return ports.Claimed(run=whole(other[0], other[1]), case=ids.CaseId(other[2]), fence=None)
        if self.known is not None and tx.one(statements.RUN_COUNT, w_shop=order.shop, w_number=order.number) != (self.known,):
            raise ports.Overtaken(f"{order} has had another run since it was looked at")
        if self.reservations:
            tx.savepoint()
            writes = tx.writes
            try:
                limits.reserve(tx, self.reservations, self.id)
            except ports.LimitReached:
                tx.back()
                tx.writes = writes
                raise
            tx.keep()
        n = tx.insert(
            statements.RUN_INSERT,
            id=self.id,
            shop=order.shop,
            number=order.number,
            case_id=self.case,
            owner=self.lease.owner[: tables.OWNER_LENGTH],
            fence=1,
            lease_until=names.ticks(self.lease.now + self.lease.span),
            not_before=FREE,
            ended=int(self.first.end is not None),
            saves=0,
            progress=codec.canonical(self.rest),
        )
        tx.run(statements.PLAN_INSERT, run_n=n, body=self.begun)
        at = names.ticks(self.lease.now)
        tx.steps.append((n, 0, WHOLE_RUN, Phase.BEGUN.value, self.id, 1, at))
        # A run may begin with its first step intended: one commit less, and whoever finds it after a crash looks first.
        for i, mark in enumerate(self.first.marks):
            if mark is not run.Mark.PLANNED:
                tx.steps.append((n, 0, i, _PHASES[mark], plan.key(order, self.first.steps[i]), 1, at))
        tx.entries.extend(self.leaves)
        self.memory.put(self.id, Held(n=n, fence=1, saves=0, rest=self.rest))
        return ports.Claimed(run=self.first, case=self.case, fence=1, begun=True)

    def _join(self, tx: statements.Tx, known: statements.Row) -> ports.Claimed:
        begun, rest, case_id, old, n, not_before = known
        due = not_before <= names.ticks(self.lease.now)
        fence = _lease(tx, n, old, self.lease) if due else None
        return ports.Claimed(run=whole(begun, rest), case=ids.CaseId(case_id), fence=fence)


def _lease(tx: statements.Tx, n: int, fence: int, lease: ports.Lease) -> int | None:
    """The new fence, or None where the run is over or its lease held."""
    found = tx.run(
        statements.RUN_LEASE,
        w_n=n,
        w_fence=fence,
        w_ended=0,
        now=names.ticks(lease.now),
        owner=lease.owner[: tables.OWNER_LENGTH],
        lease_until=names.ticks(lease.now + lease.span),
    )
    return fence + 1 if found else None


def claim(tx: statements.Tx, shop: ids.ShopName, lease: ports.Lease, limit: int) -> list[ports.Claimed]:
    """Runs that are due and free, the longest due first."""
    now = names.ticks(lease.now)
    claimed = []
    for begun, rest, case_id, old, n, _ in tx.all(statements.RUNS_DUE, w_shop=shop, w_ended=0, now=now, now_too=now, row_limit=limit):
        fence = _lease(tx, n, old, lease)
        if fence is not None:
            claimed.append(ports.Claimed(run=whole(begun, rest), case=ids.CaseId(case_id), fence=fence))
    return claimed


def release(tx: statements.Tx, of: ids.RunId, fence: int) -> None:
    """Free its lease. Raises Rejected where the fence is stale."""
    if tx.run(statements.RUN_RELEASE, w_id=of, w_fence=fence, owner="", lease_until=FREE) == 0:
        # Nothing was found, so nothing was written.
        tx.writes -= 1
        raise stale(of, fence)


def stale(of: ids.RunId, fence: int) -> faults.Rejected:
    """Somebody else holds the run since."""
    return faults.Rejected(f"run {of} is no longer ours to write: fence {fence} is stale", code="stale-fence")


@dataclass(frozen=True, kw_only=True)
class Save:
    """A run to save, made ready outside the transaction."""

    going: run.Run
    fence: int
    leaves: Sequence[tuple[bytes, bytes]]
    not_before: datetime | None
    id: ids.RunId
    rest: Progress
    body: bytes
    at: datetime | None
    memory: Memory

    def carry_out(self, tx: statements.Tx) -> None:
        """The run, the steps that moved, its evidence. Raises Rejected where the fence is stale or the run is over."""
        held = self.memory.get(self.id)
        if held is None or held.fence != self.fence or not self._written(tx, held):
            self.memory.forget(self.id)
            held = self._read(tx)
            if held is None:
                return  # ending it twice is ending it once
            if not self._written(tx, held):
                raise faults.Defect(f"run {self.id} changed beside us although we hold the lock")
        tx.steps.extend(self._moved(held))
        tx.entries.extend(self.leaves)
        if self.going.end is None:
            self.memory.put(self.id, Held(n=held.n, fence=self.fence, saves=held.saves + 1, rest=self.rest))
        else:
            self.memory.forget(self.id)

    def _written(self, tx: statements.Tx, held: Held) -> bool:
        """One conditional update. Where it finds nothing, it has written nothing."""
        found = tx.run(
            statements.RUN_SAVE,
            w_n=held.n,
            w_fence=self.fence,
            w_ended=0,
            w_saves=held.saves,
            saves=held.saves + 1,
            progress=self.body,
            not_before=FREE if self.not_before is None else names.ticks(self.not_before),
            ended=int(self.going.end is not None),
        )
        tx.writes -= found == 0
        return found == 1

    def _read(self, tx: statements.Tx) -> Held | None:
        """The row as it stands; None where it already says what we want to write."""
        row = tx.one(statements.RUN_HELD, w_id=self.id)
        if row is None:
            raise faults.Rejected(f"there is no run {self.id}", code="no-run")
        n, _, fence, _, ended, saves, rest = row
        if fence != self.fence:
            raise stale(self.id, self.fence)
        if not ended:
            return Held(n=n, fence=fence, saves=saves, rest=codec.decode(rest, Progress))
        if rest == self.body:
            return None
        raise faults.Rejected(f"run {self.id} is over", code="run-ended")

    def _moved(self, held: Held) -> list[statements.Row]:
        """A row for each step whose mark changed or that became another step; every save leaves at least one row."""
        at = None if self.at is None else names.ticks(self.at)
        going, marks, seq = self.going, held.rest.marks, held.saves + 1
        before = going.plan.steps if held.rest.steps is None else held.rest.steps
        # The very same steps in nearly every save: an undoing makes others.
        same = before is going.steps
        rows: list[statements.Row] = []
        for i, mark in enumerate(going.marks):
            if i < len(marks) and mark is marks[i] and (same or going.steps[i] == before[i]):
                continue
            key = plan.key(going.plan.order, going.steps[i])
            rows.append((held.n, seq, i, _PHASES[mark], key, self.fence, at))
        if going.end is not None:
            rows.append((held.n, seq, WHOLE_RUN, _ENDED, self.id, self.fence, at))
        elif not rows:
            rows.append((held.n, seq, WHOLE_RUN, _WAITED, self.id, self.fence, at))
        return rows
