"""Verify: the plan, the diagnosis before and the one after go in, an Outcome comes out. Saying done is not being done."""

from __future__ import annotations

from typing import assert_never

from makewhole.model import finding, plan, run


def verify(made: plan.Plan, before: finding.Diagnosis, after: finding.Diagnosis) -> run.Outcome:
    """Restored when the ailment is gone and nothing new broke; Unsure while somebody who could tell is silent."""
    match after:
        case finding.Whole():
            return run.Restored()
        case finding.Unjudged(missing=missing):
            return run.Unsure(missing=missing)
        case finding.Broken(findings=findings, unheard=unheard):
            known = {(f.ailment, f.subject) for f in before.findings} if isinstance(before, finding.Broken) else set()
            remains = tuple(f for f in findings if _same(f, made) or (f.ailment, f.subject) not in known)
            if remains:
                return run.Remaining(findings=remains)
            return run.Unsure(missing=unheard) if unheard else run.Restored()
        case _:
            assert_never(after)


def _same(found: finding.Finding, made: plan.Plan) -> bool:
    return found.ailment is made.ailment and found.subject == made.subject
