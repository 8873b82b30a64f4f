"""Recover: one order goes in and is looked at, planned for, judged and acted on, until it is whole, waits, or is a person's."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import assert_never

from makewhole import ports
from makewhole.core import ids
from makewhole.engine import drive, look, propose, settle
from makewhole.flow import record, verify
from makewhole.model import case, fact, finding, payment, plan, run, verdict

ROUNDS_MAX = 6
"""Looks at one order in one go: as many ailments as an order was ever seen with, twice. Beyond, the next sweep goes on."""


class State(enum.Enum):
    """How far an order is after we worked on it."""

    WHOLE = "whole"
    UNJUDGED = "unjudged"
    WAITING = "waiting"
    """A run of it waits for its time, or another worker holds it."""
    PERSON = "person"
    BROKEN = "broken"
    DEFECT = "defect"
    """We ourselves are wrong about this order: its run is stopped, and a person must look at us."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of an order."""

    order: ids.OrderKey
    state: State
    diagnosis: finding.Diagnosis
    ended: tuple[case.Case, ...] = ()
    owner: ids.OrderKey | None = None
    """Whose money it was, where that was found out: then `state` and `diagnosis` are of that order, and `ended` of both."""


@dataclass(frozen=True, kw_only=True)
class _Round:
    """What one round of work came to: nothing more now, or look again (the look already taken, where one was)."""

    waits: bool = False
    seen: look.Looked | None = None


def recover(world: ports.World, number: ids.OrderNumber, actor: verdict.Actor = verdict.Actor.ENGINE) -> Result:
    """Work on one order until there is nothing left to do now."""
    ended: list[case.Case] = []
    looked = look.look(world, number)
    state = State.BROKEN
    for _ in range(ROUNDS_MAX):
        ended += settle.settle(world, looked)
        todo: finding.Finding | None = None
        match looked.diagnosis:
            case finding.Whole():
                state = State.WHOLE
            case finding.Unjudged():
                state = State.UNJUDGED
            case finding.Broken(findings=findings):
                todo = next((f for f in findings if not settle.before_person(world, looked, f)), None)
                state = State.PERSON if todo is None else State.BROKEN
            case _:
                assert_never(looked.diagnosis)
        if todo is None:
            break
        done = _work_on(world, looked, todo, actor)
        if done.waits:
            state = State.WAITING
            break
        looked = done.seen or look.look(world, number)
    owner = next((c.order for c in looked.dossier.of(payment.Link)), None)
    if owner is None or owner == number or state is not State.WHOLE:
        return Result(order=looked.order, state=state, diagnosis=looked.diagnosis, ended=tuple(ended))
    # The money has an order now: what it means there is the next question, and not the next sweep's.
    there = recover(world, owner, actor)
    return Result(
        order=looked.order, state=there.state, diagnosis=there.diagnosis, ended=(*ended, *there.ended), owner=there.owner or there.order
    )


def resume(world: ports.World, held: ports.Claimed) -> Result:
    """Go on with a run that was left behind (a wait is over, a worker died), then with its order."""
    going = held.run if held.fence is None else drive.drive(world, held)
    if going.end is None:
        return Result(order=going.plan.order, state=State.WAITING, diagnosis=finding.Unjudged(missing=()))
    return recover(world, going.plan.order.number)


def carry_out(world: ports.World, made: plan.Plan, actor: verdict.Actor = verdict.Actor.PERSON) -> tuple[verdict.Verdict, State]:
    """Carry out a plan that was made earlier: the order is read again, and refused if anything about it changed since."""
    looked = look.look(world, made.order.number)
    said = propose.judge(world, made, looked.dossier, actor)
    found = next((f for f in looked.findings() if f.ailment is made.ailment and f.subject == made.subject), None)
    if not isinstance(said, verdict.Allowed):
        return said, State.BROKEN
    if found is None:
        return verdict.Refused(policy_version=said.policy_version, ground=verdict.Ground.DOSSIER_CHANGED), State.BROKEN
    opened = settle.opened(world, looked, found)
    proposed = propose.Proposal(looked=looked, finding=found, plan=made, verdict=said)
    if _run(world, proposed, said, opened).waits:
        return said, State.WAITING
    return said, recover(world, made.order.number, actor).state


def _work_on(world: ports.World, looked: look.Looked, found: finding.Finding, actor: verdict.Actor) -> _Round:
    # One run of an order at a time: what is under way may have changed what we saw, or be about to.
    if looked.runs is None:
        return _Round(waits=True)
    opened = settle.opened(world, looked, found)
    proposed = propose.propose(world, looked, found, actor)
    match proposed.verdict:
        case verdict.Allowed() as said:
            return _run(world, proposed, said, opened)
        case verdict.Held(ground=ground) | verdict.Refused(ground=ground):
            now = world.clock.now()
            world.store.append([record.judged(proposed.plan, proposed.verdict, opened.id, now)])
            if ground is verdict.Ground.DOSSIER_CHANGED:
                return _Round()
            return _ask(world, proposed, opened, fact.fact(fact.Says.HELD_BY_GUARD, ground))


def _run(world: ports.World, proposed: propose.Proposal, said: verdict.Allowed, opened: case.Case) -> _Round:
    made = proposed.plan
    judged = record.judged(made, said, opened.id, world.clock.now())
    try:
        held = drive.begin(world, made, opened.id, said.reservations, [judged], proposed.looked.runs)
    except ports.Overtaken:
        return _Round()
    except ports.LimitReached as full:
        return _ask(world, proposed, opened, fact.fact(fact.Says.HELD_BY_GUARD, full.reservation.ground))
    # Carried out before, on this very dossier, and the ailment is still here: not twice.
    if held.run.end is not None:
        return _ran_before(world, proposed, opened, held.run)
    if held.fence is None:
        return _Round(waits=True)
    going = drive.drive(world, held)
    match going.end:
        case None:
            return _Round(waits=True)
        case run.End.DONE if made.remedy is plan.Remedy.ASK_PERSON:
            settle.to_person(world, opened, made)
            return _Round(seen=proposed.looked)
        case run.End.DONE:
            return _verified(world, proposed, opened)
        case run.End.PLAN_AGAIN:
            return _Round()
        case run.End.PERSON:
            return _ask(world, proposed, opened, fact.fact(fact.Says.GAVE_UP_WAITING, going.why))


def _ran_before(world: ports.World, proposed: propose.Proposal, opened: case.Case, going: run.Run) -> _Round:
    # Another worker may have carried it out since we looked: then it is the order that has changed, not the remedy that failed.
    now = look.look(world, going.plan.order.number)
    if now.dossier.digest() != going.plan.basis:
        return _Round(seen=now)
    if going.plan.remedy is plan.Remedy.ASK_PERSON and going.end is run.End.DONE:
        settle.to_person(world, opened, going.plan)
        return _Round(seen=proposed.looked)
    match going.end:
        case run.End.PERSON:
            why = fact.fact(fact.Says.GAVE_UP_WAITING, going.why)
        case run.End.PLAN_AGAIN:
            why = fact.fact(fact.Says.STEP_REFUSED, going.why)
        case _:
            why = fact.fact(fact.Says.STILL_BROKEN, going.plan.remedy)
    return _ask(world, proposed, opened, why)


def _verified(world: ports.World, proposed: propose.Proposal, opened: case.Case) -> _Round:
    """Look again: only an order that the sources agree on counts as restored. The round that follows settles the case."""
    made = proposed.plan
    after = look.look(world, made.order.number)
    outcome = verify.verify(made, proposed.looked.diagnosis, after.diagnosis)
    world.store.append([record.verified(made, outcome, opened.id, world.clock.now())])
    return _Round(seen=after)


def _ask(world: ports.World, proposed: propose.Proposal, opened: case.Case, why: fact.Fact) -> _Round:
    """Hand the finding to a person, through a run like any other: the question is durable before it counts as asked."""
    made = propose.question(world, proposed, why)
    held = drive.begin(world, made, opened.id)
    going = held.run if held.run.end is not None else drive.drive(world, held)
    if going.end is not run.End.DONE:
        return _Round(waits=True)
    settle.to_person(world, opened, made)
    return _Round(seen=proposed.looked)
