"""The handing over to a person: what each side says of the same thing, beside one another, and a deadline (R9)."""

from __future__ import annotations

from makewhole.core import clock
from makewhole.flow.plan import brief
from makewhole.model import act, comparison, decision, difference, fact, finding, payment, plan, policy

BOOK_CHOICES = tuple(c.value for c in decision.Choice)
"""What may be decided about a difference between two books."""
CHOICES = ("shop-is-right", "channel-is-right", "refund", "accept", "nothing-to-do")
"""What a person may answer."""


def ask(given: brief.Brief, *, topic: str, why: tuple[fact.Fact, ...] = ()) -> brief.Draft:
    """The one step of asking, with every payment parameter checked side by side."""
    deadline = given.now + given.policy.span(policy.RuleName.PERSON_DEADLINE)
    reasons = (*why, *(e.what for e in given.finding.evidence))
    books = given.finding.ailment is finding.Ailment.BOOKS_DIFFER
    question = act.Question(reasons=reasons, sheet=_sheet(given), choices=BOOK_CHOICES if books else CHOICES)
    step = plan.Step(act=act.AskPerson(topic=topic, question=question, deadline=deadline))
    return brief.Draft(steps=(step,), terminal=plan.Terminal.PERSON, why=why)


def _sheet(given: brief.Brief) -> tuple[act.Beside, ...]:
    """Amount, merchant id, out_trade_no, transaction, signature and times, for every attempt that was heard of."""
    shop = given.dossier.shop()
    lines = []
    for attempt in brief.attempts(given):
        notices = [n for n in given.dossier.of(payment.Notice) if n.number == attempt.number]
        signature = ", ".join(sorted({n.check.value for n in notices})) or "–"
        lines += [
            act.Beside(what="out_trade_no", shop=shop.number if shop else "–", channel=attempt.number),
            act.Beside(what="transaction_id", shop=_or_dash(shop and shop.transaction), channel=_or_dash(attempt.transaction)),
            act.Beside(what="amount", shop=_or_dash(shop and shop.due), channel=_or_dash(attempt.amount)),
            act.Beside(what="merchant_id", shop="–", channel=attempt.merchant or "–"),
            act.Beside(
                what="state",
                shop=_or_dash(shop and (shop.state.value if shop.state else shop.raw_state)),
                channel=attempt.state.value,
            ),
            act.Beside(
                what="paid_at",
                shop=clock.rfc3339(shop.paid_at) if shop and shop.paid_at else "–",
                channel=clock.rfc3339(attempt.paid_at) if attempt.paid_at else "–",
            ),
            act.Beside(what="callback_signature", shop="–", channel=signature),
        ]
    return (*lines, *_books(given))


def _books(given: brief.Brief) -> list[act.Beside]:
    """Both sides of each difference that the finding is about."""
    told = [d.of for d in given.dossier.of(difference.Differs) if d.of.id in given.finding.subject]
    return [
        act.Beside(what=what, shop=_side(of.ours, what), channel=_side(of.theirs, what))
        for of in told
        for what in ("amount", "standing", "at")
    ]


def _side(said: comparison.Told | None, what: str) -> str:
    if said is None:
        return "–"
    return {"amount": str(said.amount()), "standing": said.standing.value, "at": clock.rfc3339(said.at)}[what]


def _or_dash(value: object) -> str:
    return str(value) if value else "–"
