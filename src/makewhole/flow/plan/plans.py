"""The whole decision in one place: the first remedy that the playbook allows and that applies; else a person."""

from __future__ import annotations

from makewhole.flow.plan import ask, brief, late, remedies
from makewhole.model import difference, fact, finding, plan, playbook, takeback, terms

_FROM_LOG = frozenset({finding.Ailment.ROW_DELETED, finding.Ailment.ROW_OVERWRITTEN})
"""What the change log alone tells."""
_APART = _FROM_LOG | {finding.Ailment.BOOKS_DIFFER}
"""What does not rest on the order's row: the log, and the channel's bill, on which a person has decided."""


def make(given: brief.Brief, book: playbook.Playbook) -> plan.Plan:
    """The plan for one finding, bound to what was said (the dossier's digest), not to when we read it."""
    # What the row says now was never the shop's own word: nothing is paid back, closed or returned on the strength of it.
    if given.finding.ailment not in _APART and given.dossier.unexplained():
        return hand_over(given, fact.fact(fact.Says.RESTS_ON_OVERWRITTEN_ROW, given.dossier.unexplained()[0].transaction))
    for remedy in book.allowed(given.finding.ailment):
        draft = _ask(given) if remedy is plan.Remedy.ASK_PERSON else remedies.REMEDIES[remedy](given)
        if draft is not None:
            return _bind(given, remedy, draft)
    raise AssertionError("a person can always be asked")


def hand_over(given: brief.Brief, *why: fact.Fact) -> plan.Plan:
    """The plan that asks a person, for reasons found after planning (a guard that holds, a step that was refused)."""
    return _bind(given, plan.Remedy.ASK_PERSON, ask.ask(given, topic=_topic(given), why=why))


def _ask(given: brief.Brief) -> brief.Draft:
    return ask.ask(given, topic=_topic(given), why=(*_late_why(given), *_take_back(given), *not_taken_back(given)))


def _take_back(given: brief.Brief) -> tuple[fact.Fact, ...]:
    """The command that takes the change back: shown and asked for, and never run without a person."""
    if given.finding.ailment not in _FROM_LOG:
        return ()
    told = dict.fromkeys(r.transaction for r in given.dossier.unexplained() if r.reversible)
    order = given.dossier.order.number
    return tuple(fact.fact(fact.Says.TAKE_BACK_WITH, f"makewhole rollback --order {order} --transaction {t}") for t in told)


def _late_why(given: brief.Brief) -> tuple[fact.Fact, ...]:
    about = given.about()
    if given.finding.ailment is not finding.Ailment.PAID_AFTER_CLOSE or len(about) != 1:
        return ()
    return late.decide(given, about[0]).why


def not_taken_back(given: brief.Brief) -> tuple[fact.Fact, ...]:
    """Why a payment that a person decided never came is not taken back from the shop's row: who decided what, and what is in the way."""
    ruled, shop = _ruling(given), given.dossier.shop()
    if ruled is None or shop is None:
        return ()
    why = takeback.hinders(given.dossier)
    if why is None and terms.expiry(shop, given.policy) is None:
        why = fact.fact(fact.Says.NO_TIME_TO_PAY)
    said = fact.fact(fact.Says.DECIDED, ruled.said_so.choice, ruled.said_so.by, ruled.said_so.why)
    return (said,) if why is None else (said, why)


def _ruling(given: brief.Brief) -> difference.Ruling | None:
    return takeback.ruling(given.dossier) if given.finding.ailment is finding.Ailment.PAID_IN_SHOP_ONLY else None


def _topic(given: brief.Brief) -> str:
    """What the question is about; what is in the way of a decision is another question than the one that was decided."""
    ruled = _ruling(given)
    topic = f"{given.finding.ailment.value}:{','.join(given.finding.subject)}"
    return topic if ruled is None else f"{topic}:{ruled.of.id}"


def _bind(given: brief.Brief, remedy: plan.Remedy, draft: brief.Draft) -> plan.Plan:
    return plan.Plan(
        order=given.dossier.order,
        ailment=given.finding.ailment,
        subject=given.finding.subject,
        basis=given.dossier.digest(),
        remedy=remedy,
        terminal=draft.terminal,
        stake=given.finding.stake,
        steps=draft.steps,
        why=draft.why,
    )
