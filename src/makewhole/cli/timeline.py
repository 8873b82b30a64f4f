"""Timeline: what every source says of an order, and what we did, come in; one story in the order of time comes out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from datetime import datetime

from makewhole.cli import words
from makewhole.model import act, case, claim, dossier, order, payment, plan, resource, rowchange, run

OURS = "makewhole"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Moment:
    """Something that happened at an instant, as its source dates it. `key` is a sentence of the catalogue."""

    at: datetime
    source: str
    key: str
    values: dict[str, str] = dataclasses.field(default_factory=dict)

    def told(self, say: words.Say) -> str:
        """The sentence."""
        return say(f"moment.{self.key}", **self.values)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ours:
    """What we ourselves remember of an order."""

    cases: Sequence[case.Case] = ()
    runs: Sequence[run.Run] = ()
    questions: Sequence[act.AskPerson] = ()


def timeline(told: dossier.Dossier, ours: Ours) -> list[Moment]:
    """Everything with a time, earliest first; of one instant, the shop's word before the others'."""
    found = [moment for spoken in told.claims for moment in _claim(spoken)]
    # Of one instant, in the order in which it must have happened: found, worked on, ended.
    found += [_opened(known) for known in ours.cases]
    found += [_begun(going) for going in ours.runs]
    found += [moment for known in ours.cases for moment in _ended(known)]
    return sorted(found, key=lambda m: (m.at, m.source != claim.SHOP))


def _claim(told: dossier.AnyClaim) -> Iterator[Moment]:
    match told:
        case order.ShopOrder():
            yield from _shop(told)
        case payment.Attempt(paid_at=datetime() as at):
            yield Moment(at=at, source=told.source, key="paid", values={"number": told.number, "amount": str(told.amount or words.NOTHING)})
        case payment.ChannelRefund():
            yield from _refund(told, told.number)
        case payment.ShopRefund():
            yield from _refund(told, told.number or words.NOTHING)
        case payment.Notice():
            about = "notice" if told.refund is None else "refund-notice"
            key = f"{about}-forwarded" if told.forwarded else about
            values = {
                "number": told.refund or told.number,
                "check": told.check.value,
                "answer": told.answer.value,
                "times": str(told.forwarded),
                "code": words.NOTHING if told.answer_code is None else str(told.answer_code),
            }
            yield Moment(at=told.received_at, source=told.source, key=key, values=values)
        case resource.CouponUse(used_at=datetime() as at):
            yield Moment(at=at, source=told.source, key="coupon-used", values={"coupon": told.coupon})
        case rowchange.RowChange():
            yield Moment(
                at=told.as_of, source=told.source, key=f"row-{told.did.value}", values={"transaction": told.transaction, "who": told.who()}
            )
        case _:
            return


def _shop(told: order.ShopOrder) -> Iterator[Moment]:
    instants = {
        "created": told.created_at,
        # Once paid in time, the end of that time says nothing.
        "expires": None if told.paid_at and told.expires_at and told.paid_at <= told.expires_at else told.expires_at,
        "shop-paid": told.paid_at,
        "shipped": told.shipped_at,
        "completed": told.completed_at,
        "closed": told.closed_at,
    }
    values = {"amount": str(told.due), "tracking": told.tracking or words.NOTHING, "carrier": told.carrier or words.NOTHING}
    for key, at in instants.items():
        if at is not None:
            yield Moment(at=at, source=told.source, key=key, values=values)
    for part in told.suborders.parts if told.suborders is not None else ():
        named = {"part": part.called(), "tracking": part.tracking or words.NOTHING, "carrier": part.carrier or words.NOTHING}
        for key, at in (("part-shipped", part.shipped_at), ("part-completed", part.completed_at)):
            if at is not None:
                yield Moment(at=at, source=told.source, key=key, values=named)


def _refund(told: payment.ChannelRefund | payment.ShopRefund, number: str) -> Iterator[Moment]:
    values = {"number": number, "amount": str(told.amount), "state": told.state.value}
    if told.requested_at is not None:
        yield Moment(at=told.requested_at, source=told.source, key="refund-requested", values=values)
    if told.done_at is not None:
        yield Moment(at=told.done_at, source=told.source, key="refund-done", values=values)


def _opened(known: case.Case) -> Moment:
    return Moment(at=known.opened_at, source=OURS, key="case-opened", values={"ailment": known.finding.ailment.value})


def _ended(known: case.Case) -> Iterator[Moment]:
    if known.ended_at is None or known.terminal is None:
        return
    values = {"ailment": known.finding.ailment.value, "terminal": known.terminal.value}
    person = known.terminal is plan.Terminal.PERSON
    yield Moment(at=known.ended_at, source=OURS, key="person-asked" if person else "case-ended", values=values)
    if person and known.deadline is not None:
        yield Moment(at=known.deadline, source=OURS, key="person-deadline", values=values)


def _begun(going: run.Run) -> Moment:
    done = sum(mark is run.Mark.DONE for mark in going.marks)
    values = {"remedy": going.plan.remedy.value, "done": str(done), "steps": str(len(going.steps))}
    return Moment(at=going.begun_at, source=OURS, key="run", values=values)
