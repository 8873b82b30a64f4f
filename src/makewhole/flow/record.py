"""Record: what happened goes in, an Entry of evidence comes out. No personal data: numbers, digests, amounts, words of ours."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from makewhole.core import codec, ids
from makewhole.model import case, finding, plan, run, verdict
from makewhole.model.case import EntryKind


def case_opened(opened: case.Case) -> case.Entry:
    """A finding became a case."""
    found = opened.finding
    body = {
        "ailment": found.ailment.value,
        "subject": list(found.subject),
        "stake": codec.builtins(found.stake),
        "cause": found.reason.cause.value,
        "cause_detail": found.reason.detail.value,
        "evidence": codec.digest(found.evidence),
    }
    return case.Entry(kind=EntryKind.CASE_OPENED, at=opened.opened_at, order=opened.order, case=opened.id, body=body)


def judged(made: plan.Plan, said: verdict.Verdict, of: ids.CaseId, at: datetime) -> case.Entry:
    """A plan was judged, under which policy, with which ground."""
    body = {
        "remedy": made.remedy.value,
        "basis": made.basis,
        "plan": codec.digest(made),
        "verdict": codec.builtins(said),
    }
    return case.Entry(kind=EntryKind.VERDICT, at=at, order=made.order, case=of, run=made.run_id(), body=body)


def begun(made: plan.Plan, of: ids.CaseId, at: datetime) -> case.Entry:
    """A run began, its limits reserved."""
    return case.Entry(kind=EntryKind.RUN_BEGUN, at=at, order=made.order, case=of, run=made.run_id(), body={"plan": codec.digest(made)})


def intent(going: run.Run, index: int, of: ids.CaseId, at: datetime) -> case.Entry:
    """A step is intended; the act follows only after this is durable."""
    return _step(EntryKind.INTENT, going, index, of, at, {})


def outcome_of_step(going: run.Run, index: int, news: run.News, of: ids.CaseId, at: datetime) -> case.Entry:
    """What became of a step."""
    return _step(EntryKind.STEP_OUTCOME, going, index, of, at, {"news": codec.builtins(news)})


def ended(going: run.Run, of: ids.CaseId, at: datetime) -> case.Entry:
    """A run ended."""
    body = {"end": going.end.value if going.end else None, "why": going.why}
    return case.Entry(kind=EntryKind.RUN_ENDED, at=at, order=going.plan.order, case=of, run=going.plan.run_id(), body=body)


def case_ended(over: case.Case, at: datetime) -> case.Entry:
    """A case reached its named end (law 8)."""
    body = {"terminal": over.terminal.value if over.terminal else None, "reason": over.reason}
    return case.Entry(kind=EntryKind.CASE_ENDED, at=at, order=over.order, case=over.id, body=body)


def verified(made: plan.Plan, result: run.Outcome, of: ids.CaseId, at: datetime) -> case.Entry:
    """The order was looked at again."""
    body: dict[str, Any] = {"outcome": type(result).__name__.lower()}
    if isinstance(result, run.Remaining):
        body["remaining"] = [f.ailment.value for f in result.findings]
    return case.Entry(kind=EntryKind.OUTCOME, at=at, order=made.order, case=of, run=made.run_id(), body=body)


def diagnosis_word(told: finding.Diagnosis) -> str:
    """One word for a diagnosis."""
    return type(told).__name__.lower()


def _step(kind: EntryKind, going: run.Run, index: int, of: ids.CaseId, at: datetime, more: dict[str, Any]) -> case.Entry:
    step = going.steps[index]
    body = {
        "index": index,
        "act": codec.builtins(step.act)["act"],
        "key": plan.key(going.plan.order, step),
        "content": codec.digest(step),
        **more,
    }
    return case.Entry(kind=kind, at=at, order=going.plan.order, case=of, run=going.plan.run_id(), body=body)
