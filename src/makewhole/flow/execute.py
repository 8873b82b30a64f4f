"""Execute: a Run and what happened go in, the Run to remember and the next command come out.

The engine saves the run before it carries the command out: intent before act (law 2). After doubt it looks, and never acts again
blindly (law 4). Undoing is ordinary steps: a rejected plan turns into the undoing of what was done, last first.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

import msgspec

from makewhole.model import plan, run
from makewhole.model.run import End, Mark

RETRY_WAITS = tuple(timedelta(seconds=s) for s in (1, 2, 5, 15, 60, 300, 900, 1800, 3600, 3600, 3600, 3600))
"""Waits after nothing happened or nothing can be told: 14 min in the first seven tries, then for channel outages of some hours."""
PENDING_WAITS = tuple(timedelta(seconds=s) for s in (5, 30, 120, 600, 3600)) + (timedelta(hours=6),) * 12
"""Waits for what was accepted and takes its time: a refund to a bank card may take three days."""

TRIES_MAX = len(PENDING_WAITS)
"""Waits on one step, of both kinds together: a refund that takes days must not be given up for one look that failed on its last day."""


def begin(made: plan.Plan, now: datetime) -> run.Run:
    """The run of a plan, nothing intended yet."""
    return run.Run(plan=made, steps=made.steps, marks=(Mark.PLANNED,) * len(made.steps), begun_at=now)


def advance(going: run.Run, news: run.News, now: datetime) -> tuple[run.Run, run.Command]:
    """What to remember and what to do next. A run that has ended stays ended, whatever is told to it."""
    if going.end is not None:
        return going, run.Finish(end=going.end, why=going.why)
    at = next((i for i, mark in enumerate(going.marks) if mark is not Mark.DONE), None)
    if at is None:
        return _finish(going, End.PLAN_AGAIN if going.gave_up else End.DONE, going.gave_up)
    step, mark = going.steps[at], going.marks[at]

    match news:
        case run.Woken() | run.Doubt():
            # An intention without an answer may have been carried out: look, never act again blindly.
            if mark is Mark.INTENDED:
                return going, run.Look(step=step, index=at)
            return _mark(going, at, Mark.INTENDED), run.Do(step=step, index=at)
        case run.Saw(there=True) | run.Succeeded():
            return advance(_mark(going, at, Mark.DONE), run.Woken(), now)
        case run.Saw(there=False):
            # Said only when a request under way can no longer land. Same step, same key: at once the first time, as after a crash
            # between intent and act; from then on with waits, or a world that loses every request would be asked in a circle.
            if going.tries == 0:
                return _mark(msgspec.structs.replace(going, tries=1), at, Mark.INTENDED), run.Do(step=step, index=at)
            return _wait(_mark(going, at, Mark.PLANNED, keep_tries=True), RETRY_WAITS, "it did not arrive", now)
        case run.Saw(why=why):
            return _wait(going, RETRY_WAITS, why or "cannot tell yet", now)
        case run.Pending(why=why):
            return _wait(going, PENDING_WAITS, why, now)
        case run.NotDone(why=why):
            return _wait(_mark(going, at, Mark.PLANNED, keep_tries=True), RETRY_WAITS, why, now)
        case run.Refusal(why=why):
            if going.gave_up:
                return _finish(going, End.PERSON, f"undoing was refused: {why}")
            return advance(_turn_back(going, at, why), run.Woken(), now)
        case _:
            assert_never(news)


def stop(going: run.Run, why: str) -> tuple[run.Run, run.Command]:
    """End a run for a person, as it stands: what is in doubt stays marked as in doubt."""
    return _finish(going, End.PERSON, why)


def _wait(going: run.Run, waits: tuple[timedelta, ...], why: str, now: datetime) -> tuple[run.Run, run.Command]:
    """Later; and when all waits are used up, a person. What is in doubt stays marked as in doubt."""
    if going.tries >= TRIES_MAX:
        return _finish(going, End.PERSON, f"gave up waiting: {why}")
    later = msgspec.structs.replace(going, tries=going.tries + 1)
    return later, run.Wait(until=now + waits[min(going.tries, len(waits) - 1)], why=why)


def _turn_back(going: run.Run, at: int, why: str) -> run.Run:
    done = going.steps[:at]
    undo = tuple(plan.Step(act=s.undo) for s in reversed(done) if s.undo is not None)
    marks = going.marks[:at] + (Mark.PLANNED,) * len(undo)
    return msgspec.structs.replace(going, steps=done + undo, marks=marks, gave_up=why, tries=0)


def _finish(going: run.Run, end: End, why: str | None) -> tuple[run.Run, run.Command]:
    ended = msgspec.structs.replace(going, end=end, why=why)
    return ended, run.Finish(end=end, why=why)


def _mark(going: run.Run, at: int, mark: Mark, *, keep_tries: bool = False) -> run.Run:
    marks = (*going.marks[:at], mark, *going.marks[at + 1 :])
    tries = going.tries if keep_tries or mark is Mark.INTENDED else 0
    return msgspec.structs.replace(going, marks=marks, tries=tries)
