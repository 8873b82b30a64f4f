"""A plan on its way: which steps are intended, done or undone. What is in doubt leaves doubt only through a look."""

from __future__ import annotations

import enum
from datetime import datetime

from makewhole.core import codec
from makewhole.model import claim, finding
from makewhole.model.plan import Plan, Step


class Mark(enum.Enum):
    """How far one step is."""

    PLANNED = "planned"
    INTENDED = "intended"
    """Durable, may have been carried out: only looking tells."""
    DONE = "done"


class End(enum.Enum):
    """How a run ended."""

    DONE = "done"
    PLAN_AGAIN = "plan-again"
    PERSON = "person"


class Run(codec.Noun, frozen=True, kw_only=True):
    """A plan under way. Undoing is not a second machine: a rejected plan's steps become the undoing of what was done."""

    plan: Plan
    steps: tuple[Step, ...]
    marks: tuple[Mark, ...]
    begun_at: datetime
    tries: int = 0
    """Waits on the current step so far."""
    gave_up: str | None = None
    end: End | None = None
    why: str | None = None


class Do(codec.Noun, frozen=True, kw_only=True, tag="do"):
    """Carry this step out."""

    step: Step
    index: int


class Look(codec.Noun, frozen=True, kw_only=True, tag="look"):
    """Find out whether this step was carried out."""

    step: Step
    index: int


class Wait(codec.Noun, frozen=True, kw_only=True, tag="wait"):
    """Nothing now; wake the run at `until`."""

    until: datetime
    why: str


class Finish(codec.Noun, frozen=True, kw_only=True, tag="finish"):
    """Over."""

    end: End
    why: str | None = None


Command = Do | Look | Wait | Finish


class Woken(codec.Noun, frozen=True, kw_only=True, tag="woken"):
    """Begun, resumed after a crash, or a wait is over."""


class Succeeded(codec.Noun, frozen=True, kw_only=True, tag="succeeded"):
    """The other side said that it is done."""

    detail: str = ""


class Pending(codec.Noun, frozen=True, kw_only=True, tag="pending"):
    """The other side has accepted it and is not done yet: look again later."""

    why: str


class Refusal(codec.Noun, frozen=True, kw_only=True, tag="refusal"):
    """Understood, and said no."""

    why: str
    code: str = ""


class NotDone(codec.Noun, frozen=True, kw_only=True, tag="not-done"):
    """It did not happen, and we know it."""

    why: str


class Doubt(codec.Noun, frozen=True, kw_only=True, tag="doubt"):
    """It may have happened."""

    why: str


class Saw(codec.Noun, frozen=True, kw_only=True, tag="saw"):
    """What a look found. None: still cannot tell; False only once a request under way can no longer land."""

    there: bool | None
    why: str = ""


News = Woken | Succeeded | Pending | Refusal | NotDone | Doubt | Saw


class Restored(codec.Noun, frozen=True, kw_only=True, tag="restored"):
    """The sources agree again; the ailment is gone."""


class Remaining(codec.Noun, frozen=True, kw_only=True, tag="remaining"):
    """Something is still, or newly, broken."""

    findings: tuple[finding.Finding, ...]


class Unsure(codec.Noun, frozen=True, kw_only=True, tag="unsure"):
    """A source that matters is silent."""

    missing: tuple[claim.Silence, ...]


Outcome = Restored | Remaining | Unsure
