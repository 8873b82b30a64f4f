"""Retold: a store's cases, runs and evidence go in; for each case a line comes out of what was found, why, and what made it whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from makewhole.adapters.store import journal
from makewhole.core import codec, ids
from makewhole.engine import settle
from makewhole.model import case, finding, plan, run


class Retold(codec.Noun, frozen=True, kw_only=True):
    """One case from finding to end. Minutes are of the world's own clock."""

    order: str
    ailment: finding.Ailment
    cause: finding.Cause
    cause_detail: finding.CauseDetail
    confidence: float
    stake_fen: int
    evidence: tuple[finding.Evidence, ...]
    found_at: datetime
    remedies: tuple[plan.Remedy, ...]
    """Of its runs, in the order of their beginning; the last one is what ended it."""
    steps: tuple[str, ...]
    """The acts of the last run, by their tag."""
    terminal: plan.Terminal | None
    reason: str
    ended_at: datetime | None
    minutes: float | None
    """From the moment it was found to its end."""
    waited_for_channel_minutes: float
    """Of these: between the channel's "accepted" and its "done"."""


def retell(store: journal.SqlStore) -> list[Retold]:
    """Every case, in the order of their finding."""
    waits = _waits(line.entry() for line in store.entries())
    return [_one(known, store.runs_of(known.order), waits) for known in sorted(store.cases(), key=lambda c: (c.opened_at, str(c.order)))]


def _one(known: case.Case, runs: Sequence[run.Run], waits: dict[ids.RunId, timedelta]) -> Retold:
    mine = [r for r in runs if settle.follows(r, known.finding)]
    found, ended = known.finding, known.ended_at
    return Retold(
        order=str(known.order.number),
        ailment=found.ailment,
        cause=found.reason.cause,
        cause_detail=found.reason.detail,
        confidence=found.reason.confidence,
        stake_fen=found.stake.fen,
        evidence=found.evidence,
        found_at=known.opened_at,
        remedies=tuple(r.plan.remedy for r in mine),
        steps=tuple(str(type(s.act).__struct_config__.tag) for s in mine[-1].steps) if mine else (),
        terminal=known.terminal,
        reason=known.reason,
        ended_at=ended,
        minutes=None if ended is None else _minutes(ended - known.opened_at),
        waited_for_channel_minutes=_minutes(sum((waits[r.plan.run_id()] for r in mine), timedelta())),
    )


def _waits(entries: Iterable[case.Entry]) -> dict[ids.RunId, timedelta]:
    """How long each run waited for something that the other side had accepted."""
    since: dict[tuple[ids.RunId, str], datetime] = {}
    waited: dict[ids.RunId, timedelta] = defaultdict(timedelta)
    for entry in entries:
        if entry.kind is not case.EntryKind.STEP_OUTCOME or entry.run is None:
            continue
        step = (entry.run, str(entry.body["key"]))
        if entry.body["news"]["type"] == "pending":
            since.setdefault(step, entry.at)
        elif step in since:
            waited[entry.run] += entry.at - since.pop(step)
    return waited


def _minutes(span: timedelta) -> float:
    return round(span.total_seconds() / 60, 1)
