"""A broken order followed from finding to named end; the people who are asked; and one line of evidence for everything that happened."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

import msgspec

from makewhole.core import codec, ids
from makewhole.model import finding, plan


class Case(codec.Noun, frozen=True, kw_only=True):
    """One finding followed to its end. `terminal` is None while it is open; `deadline` is when a person must have acted."""

    id: ids.CaseId
    order: ids.OrderKey
    finding: finding.Finding
    opened_at: datetime
    deadline: datetime | None = None
    terminal: plan.Terminal | None = None
    reason: str = ""
    ended_at: datetime | None = None


class EntryKind(enum.Enum):
    """What an evidence entry tells of."""

    CASE_OPENED = "case-opened"
    VERDICT = "verdict"
    RUN_BEGUN = "run-begun"
    INTENT = "intent"
    STEP_OUTCOME = "step-outcome"
    RUN_ENDED = "run-ended"
    OUTCOME = "outcome"
    CASE_ENDED = "case-ended"
    NOTICE = "notice"
    PERSON_ASKED = "person-asked"
    ROLLBACK = "rollback"
    BILL_KEPT = "bill-kept"
    DIFFERENCE_FOUND = "difference-found"
    DIFFERENCE_MOVED = "difference-moved"
    DAY_CLOSED = "day-closed"
    SETTLEMENT_HALTED = "settlement-halted"
    SETTLEMENT_RESUMED = "settlement-resumed"
    SIGNAL_SEEN = "signal-seen"
    STATEMENT_KEPT = "statement-kept"


class Entry(codec.Noun, frozen=True, kw_only=True):
    """One line of the append-only log. `body` is canonical JSON data without personal data; the leaf is this noun's canonical bytes."""

    kind: EntryKind
    at: datetime
    order: ids.OrderKey
    case: ids.CaseId | None = None
    run: ids.RunId | None = None
    body: dict[str, Any] = msgspec.field(default_factory=dict)
