"""Findings about what two books say differently while the order itself shows nothing that explains it; and about what was decided then."""

from __future__ import annotations

from makewhole.flow.diagnose import causes, rule
from makewhole.model import bill, decision, difference, fact, finding, screen

_BY_HAND = frozenset({bill.Break.OURS_ONLY, bill.Break.DUPLICATE_OURS})
"""What only our side has was written by somebody on our side."""


def differ(view: rule.View) -> finding.Finding | None:
    """The one to work on first: what a person has decided and nobody has booked, then the oldest."""
    return next(iter(each(view)), None)


def each(view: rule.View) -> tuple[finding.Finding, ...]:
    """One finding for every difference: they are decided one by one."""
    told = sorted(view.dossier.of(difference.Differs), key=lambda d: (d.said_so is None, d.of.day, d.of.id))
    return tuple(_finding(d) for d in told)


def nothing_shows(_: rule.Horizon) -> screen.Predicate | None:
    """No row of the shop can be suspected of it: suspects come from the books."""
    return None


def decided(found: finding.Finding, view: rule.View) -> bool:
    """Whether a person has decided what to book about it: then that is done, whatever else is wrong with its order."""
    told = (d for d in view.dossier.of(difference.Differs) if found.subject == (d.of.id,))
    return any(d.said_so is not None and d.said_so.choice is not decision.Choice.WAIT for d in told)


def _finding(told: difference.Differs) -> finding.Finding:
    of = told.of
    first = of.theirs or of.ours
    lines = [rule.evidence(told, fact.Says.BOOKS_DIFFER, bill.date_of(of.day), told.what, of.number)]
    if of.ours is not None:
        lines.append(rule.evidence(told, fact.Says.BOOKS_OURS, of.ours.amount(), of.ours.standing, of.ours.at))
    if of.theirs is not None:
        lines.append(rule.evidence(told, fact.Says.BOOKS_THEIRS, of.theirs.amount(), of.theirs.standing, of.theirs.at))
    if told.said_so is not None:
        lines.append(rule.evidence(told, fact.Says.DECIDED, told.said_so.choice, told.said_so.by, told.said_so.why))
    return finding.Finding(
        ailment=finding.Ailment.BOOKS_DIFFER,
        subject=(of.id,),
        reason=_reason(told),
        stake=of.gap(),
        evidence=tuple(lines),
        since=None if first is None else first.at,
    )


def _reason(told: difference.Differs) -> finding.Reason:
    if told.what is bill.Break.FEE:
        return causes.because(finding.Cause.OPERATOR_ERROR, finding.CauseDetail.WRONG_RATE_CONFIGURED, 0.6)
    if told.what in _BY_HAND:
        return causes.because(finding.Cause.OPERATOR_ERROR, finding.CauseDetail.MANUAL_EDIT, 0.4)
    return finding.NOTHING_TELLS
