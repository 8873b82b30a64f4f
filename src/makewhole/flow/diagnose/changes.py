"""What the shop's change log shows and nothing explains: an order's row was overwritten, or deleted, outside of the shop's own way."""

from __future__ import annotations

from makewhole.flow.diagnose import causes, rule
from makewhole.model import change, fact, finding
from makewhole.model.rowchange import BULK_MIN, RowChange

STATEMENT_CHARS_MAX = 200
"""Characters of a statement in evidence: enough to know it again; `history` tells the whole."""


def row_deleted(view: rule.View) -> finding.Finding | None:
    """The log shows that the order's row was deleted, and the shop has none of its number now."""
    told = [r for r in view.dossier.unexplained() if r.did is change.Kind.DELETE and not r.part]
    if not told or view.dossier.shop() is not None:
        return None
    return _finding(view, finding.Ailment.ROW_DELETED, told[-1:])


def row_overwritten(view: rule.View) -> finding.Finding | None:
    """The log shows a change of the order's row or of a part's that no legal transition explains, and that nobody has taken back.

    A part that is gone is an order overwritten: the order itself is there.
    """
    told = [r for r in view.dossier.unexplained() if r.did is change.Kind.UPDATE or r.part]
    if not told or view.dossier.shop() is None:
        return None
    return _finding(view, finding.Ailment.ROW_OVERWRITTEN, told)


def no_rows(_: rule.Horizon) -> None:
    """No row shows what it was before: the log itself names the orders to look at."""


def _finding(view: rule.View, ailment: finding.Ailment, told: list[RowChange]) -> finding.Finding:
    shop = view.dossier.shop()
    return finding.Finding(
        ailment=ailment,
        # The first one alone: what is done to the row while it stands is another line of the same case.
        subject=(told[0].transaction,),
        reason=_reason(told[0]),
        stake=shop.due if shop is not None else told[-1].due or rule.nothing(),
        evidence=tuple(line for r in told for line in _lines(r)),
        since=told[0].as_of,
    )


def _reason(told: RowChange) -> finding.Reason:
    """Somebody's hand. How sure that is grows with what the log tells: many orders at once, a name, a statement."""
    if told.did is change.Kind.DELETE:
        return causes.because(finding.Cause.OPERATOR_ERROR, finding.CauseDetail.MANUAL_DELETE, 0.9)
    if told.orders >= BULK_MIN:
        return causes.because(finding.Cause.OPERATOR_ERROR, finding.CauseDetail.BULK_EDIT, 0.9)
    return causes.because(finding.Cause.OPERATOR_ERROR, finding.CauseDetail.MANUAL_EDIT, 0.8)


def _lines(told: RowChange) -> list[finding.Evidence]:
    """Who, when, in which transaction; what, field by field; and by which statement."""
    if told.part:
        lines = _lines_of_part(told)
    elif told.did is change.Kind.DELETE:
        lines = [rule.evidence(told, fact.Says.ROW_GONE, told.transaction, told.who(), told.orders, told.was)]
    else:
        lines = [
            rule.evidence(told, fact.Says.ROW_MOVED, m.field, m.before, m.after, told.transaction, told.who(), told.orders)
            for m in told.moved
        ]
    if told.statement:
        lines.append(rule.evidence(told, fact.Says.ROW_STATEMENT, told.statement[:STATEMENT_CHARS_MAX]))
    return lines


def _lines_of_part(told: RowChange) -> list[finding.Evidence]:
    if told.did is change.Kind.DELETE:
        return [rule.evidence(told, fact.Says.PART_GONE, told.part, told.transaction, told.who(), told.orders, told.was)]
    return [
        rule.evidence(told, fact.Says.PART_MOVED, told.part, m.field, m.before, m.after, told.transaction, told.who(), told.orders)
        for m in told.moved
    ]
