"""`makewhole show ORDER`: one order, told so that a merchant understands it. Changes nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any, assert_never

import click

from makewhole import ports
from makewhole.cli import exits, options, orders, scan, session, shapes, start, timeline, words
from makewhole.engine import look, propose
from makewhole.model import act, case, difference, dossier, finding, order, payment, rowchange, run, verdict

COMPARABLE = frozenset({"amount", "transaction_id", "paid_at"})
"""Lines of a person's sheet on which both sides ought to say the same; a payment's number need not look like the order's."""


def command(say: words.Say) -> click.Command:
    """The command in the reader's language."""
    params = [click.Argument(["number"], metavar=say("arg.order")), *options.attached(say), options.at(say), options.as_json(say)]
    return options.Command("show", say, params=params, callback=click.pass_obj(run_))


def run_(
    begun: start.Start, /, *, number: str, config: str | None, database: str | None, shop: str | None, at: str | None, as_json: bool
) -> int:
    """Look, gather what we remember, and tell it."""
    now = session.Session(begun, as_json=as_json)
    told = now.settings(config=config, database=database, shop=shop)
    instant = now.instant(at)
    with now.world(told, at=instant, need_store=False) as world:
        named = orders.named(world, number, now.say)
        looked = named.looked
        proposals = [propose.propose(world, looked, found) for found in looked.findings()]
        ours = remembered(world, looked)
        if as_json:
            now.out.document(document(named, proposals, ours))
        else:
            _tell(now, named, proposals, ours, world.clock.now())
    return _exit(looked)


def remembered(world: ports.World, looked: look.Looked) -> timeline.Ours:
    """Our own cases, runs and questions about this order."""
    cases, runs = world.store.cases(looked.order), world.store.runs_of(looked.order)
    topics = dict.fromkeys(s.act.topic for r in runs for s in r.steps if isinstance(s.act, act.AskPerson))
    asked = [question for topic in topics if (question := world.store.asked(looked.order, topic)) is not None]
    return timeline.Ours(cases=cases, runs=runs, questions=asked)


def document(named: orders.Named, proposals: list[propose.Proposal], ours: timeline.Ours) -> dict[str, Any]:
    """`show --json`."""
    looked = named.looked
    return {
        "order": looked.order.number,
        "shop": looked.order.shop,
        "payment": named.payment,
        "diagnosis": type(looked.diagnosis).__name__.lower(),
        "claims": [shapes.public(c) for c in looked.dossier.claims],
        "silences": [shapes.silence(s) for s in looked.dossier.silences],
        "timeline": [
            {"at": shapes.instant(m.at), "source": m.source, "what": m.key, "says": m.told(shapes.ENGLISH)}
            for m in timeline.timeline(looked.dossier, ours)
        ],
        "findings": [shapes.broken(looked, p.finding, p) for p in proposals],
        "plans": [shapes.planned(p, [()] * len(p.plan.steps)) for p in proposals],
        "cases": [shapes.followed(c) for c in ours.cases],
        "runs": [shapes.ran(r) for r in ours.runs],
    }


def _tell(now: session.Session, named: orders.Named, proposals: list[propose.Proposal], ours: timeline.Ours, at: datetime) -> None:
    out, say, looked = now.out, now.say, named.looked
    if named.payment is not None:
        out.line(say("show.by-payment", payment=named.payment, order=looked.order.number), "yellow")
    out.line(say("show.order", order=looked.order.number, shop=looked.order.shop, verdict=_verdict(say, looked)), "bold")
    out.table(
        (say("head.source"), say("head.says"), say("head.as-of")),
        [(say.word("Source", c.source), line, say.instant(c.as_of)) for c in looked.dossier.claims for line in claim_lines(say, c)],
        title=say("show.claims"),
    )
    if looked.dossier.silences:
        out.line(say("show.silences"), "italic")
        for quiet in looked.dossier.silences:
            out.line(f"  {scan.silence(say, quiet)}", "dim")
        out.line()
    out.line(say("show.timeline"), "italic")
    for moment in timeline.timeline(looked.dossier, ours):
        later = f" {say('show.to-come')}" if moment.at > at else ""
        source = say.word("Source", moment.source)
        out.line(f"  {say.instant(moment.at)}  {source}{say('punctuation.colon')}{moment.told(say)}{later}")
    out.line()
    for proposed in proposals:
        _finding(now, looked, proposed)
    for going in ours.runs:
        _run(now, going)
    for known in ours.cases:
        _case(now, known)
    for question in ours.questions:
        _question(now, question)


def _verdict(say: words.Say, looked: look.Looked) -> str:
    match looked.diagnosis:
        case finding.Whole():
            return say("show.whole")
        case finding.Unjudged():
            return say("show.unjudged")
        case finding.Broken(findings=findings):
            return say("show.broken", ailments=say("punctuation.and").join(say.meaning(f.ailment) for f in findings))
        case _:
            assert_never(looked.diagnosis)


def claim_lines(say: words.Say, told: dossier.AnyClaim) -> list[str]:
    """One claim, in plain words: a line, and one for each part of an order."""
    parts = told.suborders.parts if isinstance(told, order.ShopOrder) and told.suborders is not None else ()
    return [claim_line(say, told), *(_part_line(say, p) for p in parts)]


def _part_line(say: words.Say, part: order.Suborder) -> str:
    state = part.raw_state if part.state is None else say.meaning(part.state)
    due, tracking = str(part.due or words.NOTHING), part.tracking or words.NOTHING
    return say("claim.part", part=part.called(), state=state, due=due, tracking=tracking)


def claim_line(say: words.Say, told: dossier.AnyClaim) -> str:
    """One claim in one line, in plain words."""
    match told:
        case order.ShopOrder():
            state = told.raw_state if told.state is None else say.meaning(told.state)
            return say("claim.order", state=state, due=str(told.due), paid=str(told.paid or words.NOTHING), items=len(told.items))
        case payment.Attempt():
            values = {"number": told.number, "state": say.meaning(told.state), "amount": str(told.amount or words.NOTHING)}
            return say("claim.attempt", at=say.instant(told.paid_at), **values)
        case payment.ChannelRefund() | payment.ShopRefund():
            values = {"number": told.number or words.NOTHING, "amount": str(told.amount), "state": say.meaning(told.state)}
            part = told.part if isinstance(told, payment.ShopRefund) else ""
            return say("claim.refund-part", part=part, **values) if part else say("claim.refund", **values)
        case payment.Notice():
            heard = {"check": say.meaning(told.check), "answer": say.meaning(told.answer), "times": told.forwarded}
            if told.refund is not None:
                return say("claim.refund-notice", number=told.refund, **heard)
            return say("claim.notice", number=told.number, **heard)
        case payment.Candidate():
            return say("claim.candidate", order=told.order, due=str(told.due), on=", ".join(say.meaning(m) for m in told.on))
        case order.OrphanRows():
            return say("claim.orphan-rows", order=told.order, items=len(told.items))
        case payment.Link():
            return say("claim.link", number=told.number, order=told.order)
        case difference.Differs():
            return say("claim.difference", what=told.what.value, number=told.of.number or "–")
        case difference.Ruling(said_so=said):
            return say("claim.ruling", by=said.by, choice=said.choice.value, number=told.of.number or "–", why=said.why)
        case rowchange.RowChange():
            fields = ", ".join(f"{told.part} {m.field.value}".strip() for m in told.moved) or words.NOTHING
            what = say(f"history.{told.did.value}")
            return say("claim.row-change", what=what, transaction=told.transaction, who=told.who(), fields=fields)
        case _:
            return _resource_line(say, told)


def _resource_line(say: words.Say, told: dossier.AnyClaim) -> str:
    fields = {name: str(value) for name, value in shapes.public(told).items()}
    known = f"claim.{fields['says']}"
    values = {**fields, "state": say.word("CouponState", fields.get("state", "")), "for": fields.get("order", words.NOTHING)}
    return say(known, **values)


def _finding(now: session.Session, looked: look.Looked, proposed: propose.Proposal) -> None:
    out, say = now.out, now.say
    out.line(scan.headline(say, looked, proposed.finding), "bold red")
    for line in scan.grounds(say, proposed.finding):
        out.line(f"    {line}", "dim")
    for why in proposed.plan.why:
        out.line(f"    {say('plan.because', why=say.fact(why))}", "dim")
    out.line(f"    {scan.remedy(say, proposed)}", "yellow" if shapes.blocked_by(proposed) else "green")
    for line in verdict_lines(say, proposed.verdict):
        out.line(f"    {line}")


def verdict_lines(say: words.Say, judged: verdict.Verdict) -> list[str]:
    """What policy says, and the rule it says it by: value, source, row."""
    match judged:
        case verdict.Allowed(policy_version=version):
            return [say("verdict.allowed", version=version)]
        case verdict.Held(role=role, ground=ground, rule=rule, policy_version=version):
            told = [say("verdict.held", role=say.meaning(role), ground=say.meaning(ground), version=version)]
        case verdict.Refused(ground=ground, rule=rule, policy_version=version):
            told = [say("verdict.refused", ground=say.meaning(ground), version=version)]
        case _:
            assert_never(judged)
    if rule is not None:
        told.append(
            say(
                "verdict.rule", name=say.meaning(rule.name), value=rule.value, unit=say.meaning(rule.unit), source=rule.source, row=rule.row
            )
        )
    return told


def _run(now: session.Session, going: run.Run) -> None:
    out, say = now.out, now.say
    ended = say("run.under-way") if going.end is None else say.meaning(going.end)
    why = "" if not going.why else f" ({going.why})"
    out.line(say("run.line", remedy=say.meaning(going.plan.remedy), begun=say.instant(going.begun_at), end=ended) + why)
    for step, mark in zip(going.steps, going.marks, strict=True):
        out.line(f"    {say.meaning(mark)}{say('punctuation.colon')}{say.word('Act', shapes.act_slug(step.act))}", "dim")


def _case(now: session.Session, known: case.Case) -> None:
    say = now.say
    end = say("case.open") if known.terminal is None else say.meaning(known.terminal)
    now.out.line(say("case.line", ailment=say.meaning(known.finding.ailment), opened=say.instant(known.opened_at), end=end), "dim")


def _question(now: session.Session, asked: act.AskPerson) -> None:
    """What a person is asked: the reasons, both sides beside one another, what may be answered, until when."""
    out, say = now.out, now.say
    out.line(say("question.head", deadline=say.instant(asked.deadline)), "bold")
    for reason in asked.question.reasons:
        out.line(f"    {say.fact(reason)}", "dim")
    rows = [
        (
            say.word("Beside", b.what),
            b.shop,
            b.channel,
            "" if b.agrees() or words.NOTHING in {b.shop, b.channel} else say("question.differs"),
        )
        for b in asked.question.sheet
    ]
    if rows:
        out.table((say("head.what"), say("head.shop"), say("head.channel"), ""), rows)
    out.line(say("question.choices", choices=say("punctuation.comma").join(say.word("Choice", c) for c in asked.question.choices)))


def _beside(say: words.Say, kind: str, told: str) -> str:
    """A side of the sheet for people: states in their words, instants in theirs; numbers and amounts as they are."""
    spoken = say.word(kind, told)
    return spoken if spoken != told else say.spelt(told)


def _exit(looked: look.Looked) -> exits.Exit:
    silent = any(s.why not in scan.ANSWERED for s in shapes.heard_of(looked))
    return exits.Exit.INCOMPLETE if silent else exits.Exit.FINE
