"""Recover: one order goes in and is looked at, planned for, judged and acted on, until it is whole, waits, or is a person's."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import assert_never

from makewhole import ports
from makewhole.core import faults, ids
from makewhole.engine import drive, gather
from makewhole.flow import execute, guard, record, verify
from makewhole.flow.diagnose import rule, rules
from makewhole.flow.plan import brief, plans
from makewhole.model import act, case, dossier, fact, finding, plan, run, verdict

ROUNDS_MAX = 6
"""Looks at one order in one go: as many ailments as an order was ever seen with, twice. Beyond, the next sweep goes on."""


@dataclass(frozen=True, kw_only=True)
class Looked:
    """An order as it was heard, and what is made of it."""

    dossier: dossier.Dossier
    diagnosis: finding.Diagnosis

    @property
    def order(self) -> ids.OrderKey:
        """Its key."""
        return self.dossier.order

    def findings(self) -> tuple[finding.Finding, ...]:
        """What is broken, most harmful first."""
        return self.diagnosis.findings if isinstance(self.diagnosis, finding.Broken) else ()


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A plan and what policy says to it."""

    looked: Looked
    finding: finding.Finding
    plan: plan.Plan
    verdict: verdict.Verdict


class State(enum.Enum):
    """How far an order is after we worked on it."""

    WHOLE = "whole"
    UNJUDGED = "unjudged"
    WAITING = "waiting"
    PERSON = "person"
    BUSY = "busy"
    """Another worker holds it."""
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


def look(world: ports.World, number: ids.OrderNumber) -> Looked:
    """Gather one order's dossier and diagnose it now."""
    return judge(world, gather.one(world, number))


def judge(world: ports.World, told: dossier.Dossier) -> Looked:
    """Diagnose a dossier now."""
    now = world.clock.now()
    view = rule.View(dossier=told, policy=world.policies.at(now), now=now)
    return Looked(dossier=told, diagnosis=rules.diagnose(view))


def propose(world: ports.World, looked: Looked, found: finding.Finding, actor: verdict.Actor = verdict.Actor.ENGINE) -> Proposal:
    """The plan for one finding and the verdict on it; nothing is changed."""
    now = world.clock.now()
    given = brief.Brief(dossier=looked.dossier, finding=found, policy=world.policies.at(now), now=now)
    made = plans.make(given, world.playbook)
    if not _possible(world, made):
        made = plans.hand_over(given, fact.fact(fact.Says.HELD_BY_GUARD, verdict.Ground.NO_HAND))
    return Proposal(looked=looked, finding=found, plan=made, verdict=_judge_plan(world, made, looked.dossier, actor))


def carry_out(world: ports.World, made: plan.Plan, actor: verdict.Actor = verdict.Actor.PERSON) -> tuple[verdict.Verdict, Result | None]:
    """Carry out a plan that was made earlier: the order is read again, and refused if anything about it changed since."""
    looked = look(world, made.order.number)
    said = _judge_plan(world, made, looked.dossier, actor)
    found = next((f for f in looked.findings() if f.ailment is made.ailment and f.subject == made.subject), None)
    if found is None or not isinstance(said, verdict.Allowed):
        if isinstance(said, verdict.Allowed):
            said = verdict.Refused(policy_version=said.policy_version, ground=verdict.Ground.DOSSIER_CHANGED)
        return said, None
    opened = _open(world, looked, found)
    return said, _run(world, Proposal(looked=looked, finding=found, plan=made, verdict=said), said, opened)


def recover(world: ports.World, number: ids.OrderNumber, actor: verdict.Actor = verdict.Actor.ENGINE) -> Result:
    """Work on one order until there is nothing left to do now."""
    ended: list[case.Case] = []
    looked = look(world, number)
    for _ in range(ROUNDS_MAX):
        ended += settle(world, looked)
        match looked.diagnosis:
            case finding.Whole():
                return Result(order=looked.order, state=State.WHOLE, diagnosis=looked.diagnosis, ended=tuple(ended))
            case finding.Unjudged():
                return Result(order=looked.order, state=State.UNJUDGED, diagnosis=looked.diagnosis, ended=tuple(ended))
            case finding.Broken(findings=findings):
                next_one = _first(world, looked, findings)
            case _:
                assert_never(looked.diagnosis)
        state = State.PERSON if next_one is None else _work_on(world, looked, next_one, actor)
        if state is not State.BROKEN:
            return Result(order=looked.order, state=state, diagnosis=looked.diagnosis, ended=tuple(ended))
        looked = look(world, number)
    return Result(order=looked.order, state=State.BROKEN, diagnosis=looked.diagnosis, ended=tuple(ended))


def resume(world: ports.World, held: ports.Claimed) -> Result:
    """Go on with a run that was left behind (a wait is over, a worker died), then with its order."""
    going = held.run if held.fence is None else drive.drive(world, held)
    if going.end is None:
        return Result(order=going.plan.order, state=State.WAITING, diagnosis=finding.Unjudged(missing=()))
    return recover(world, going.plan.order.number)


def settle(world: ports.World, looked: Looked) -> list[case.Case]:
    """End the cases of this order whose ailment is gone: by our run if one did it, else because somebody else mended it."""
    if isinstance(looked.diagnosis, finding.Unjudged):
        return []
    still = {f.case(looked.order) for f in looked.findings()}
    over = []
    for known in world.store.cases(looked.order, open_only=False):
        if known.id in still or known.terminal not in {None, plan.Terminal.PERSON}:
            continue
        done = [r for r in world.store.runs_of(looked.order) if _did(r, known)]
        # A run under way knows more than one look: a refund being accepted is not yet a refund.
        if any(r.end is None for r in done):
            continue
        mended = next((r for r in reversed(done) if r.end is run.End.DONE and r.plan.terminal is not plan.Terminal.PERSON), None)
        terminal = plan.Terminal.RESTORED if mended is None else mended.plan.terminal
        reason = "mended by others" if mended is None else mended.plan.remedy.value
        over.append(_end(world, known, terminal, reason))
    return over


def _did(going: run.Run, known: case.Case) -> bool:
    return going.plan.ailment is known.finding.ailment and going.plan.subject == known.finding.subject


def _first(world: ports.World, looked: Looked, findings: tuple[finding.Finding, ...]) -> finding.Finding | None:
    """The most harmful finding that is not already before a person as it stands."""
    for found in findings:
        known = world.store.find_case(found.case(looked.order))
        asked = [
            r
            for r in world.store.runs_of(looked.order)
            if r.plan.ailment is found.ailment
            and r.plan.subject == found.subject
            and r.plan.remedy is plan.Remedy.ASK_PERSON
            and r.plan.basis == looked.dossier.digest()
            and r.end is run.End.DONE
        ]
        if known is None or known.terminal is not plan.Terminal.PERSON or not asked:
            return found
    return None


def _work_on(world: ports.World, looked: Looked, found: finding.Finding, actor: verdict.Actor) -> State:
    opened = _open(world, looked, found)
    proposed = propose(world, looked, found, actor)
    now = world.clock.now()
    match proposed.verdict:
        case verdict.Allowed() as said:
            result = _run(world, proposed, said, opened)
            return result.state
        case verdict.Held(ground=ground) | verdict.Refused(ground=ground):
            world.store.append([record.judged(proposed.plan, proposed.verdict, opened.id, now)])
            if ground is verdict.Ground.DOSSIER_CHANGED:
                return State.BROKEN
            return _ask(world, proposed, opened, fact.fact(fact.Says.HELD_BY_GUARD, ground))


def _run(world: ports.World, proposed: Proposal, said: verdict.Allowed, opened: case.Case) -> Result:
    made, now = proposed.plan, world.clock.now()
    lease = ports.Lease(owner=world.owner, now=now, span=world.lease)
    entries = [record.judged(made, said, opened.id, now), record.begun(made, opened.id, now)]
    try:
        held = world.store.begin_run(execute.begin(made, now), opened.id, said.reservations, entries, lease)
    except ports.LimitReached as full:
        state = _ask(world, proposed, opened, fact.fact(fact.Says.HELD_BY_GUARD, full.reservation.ground))
        return _result(proposed, state)
    if held.fence is None and held.run.end is None:
        return _result(proposed, State.BUSY)
    again = held.run.end is not None
    going = held.run if again else drive.drive(world, held)
    return _result(proposed, _after_run(world, proposed, opened, going, again=again))


def _after_run(world: ports.World, proposed: Proposal, opened: case.Case, going: run.Run, *, again: bool) -> State:
    made = going.plan
    match going.end:
        case None:
            return State.WAITING
        case run.End.DONE if made.remedy is plan.Remedy.ASK_PERSON:
            _to_person(world, opened, made)
            return State.BROKEN
        case run.End.DONE if again:
            # This very plan was carried out on this very dossier, and the ailment is still here: not twice.
            return _ask(world, proposed, opened, fact.fact(fact.Says.STILL_BROKEN, made.remedy))
        case run.End.DONE:
            return _verified(world, proposed, opened, made)
        case run.End.PLAN_AGAIN:
            if again:
                return _ask(world, proposed, opened, fact.fact(fact.Says.STEP_REFUSED, going.why))
            return State.BROKEN
        case run.End.PERSON:
            return _ask(world, proposed, opened, fact.fact(fact.Says.GAVE_UP_WAITING, going.why))


def _verified(world: ports.World, proposed: Proposal, opened: case.Case, made: plan.Plan) -> State:
    """Look again: only an order that the sources agree on counts as restored. The round that follows settles the case."""
    after = look(world, made.order.number)
    outcome = verify.verify(made, proposed.looked.diagnosis, after.diagnosis)
    world.store.append([record.verified(made, outcome, opened.id, world.clock.now())])
    return State.BROKEN


def _ask(world: ports.World, proposed: Proposal, opened: case.Case, why: fact.Fact) -> State:
    now = world.clock.now()
    rules_now = world.policies.at(now)
    given = brief.Brief(dossier=proposed.looked.dossier, finding=proposed.finding, policy=rules_now, now=now)
    made = plans.hand_over(given, why)
    said = verdict.Allowed(policy_version=rules_now.version)
    lease = ports.Lease(owner=world.owner, now=now, span=world.lease)
    entries = [record.begun(made, opened.id, now)]
    held = world.store.begin_run(execute.begin(made, now), opened.id, said.reservations, entries, lease)
    going = held.run if held.run.end is not None else drive.drive(world, held)
    if going.end is run.End.DONE:
        _to_person(world, opened, made)
    return State.BROKEN if going.end is run.End.DONE else State.WAITING


def _to_person(world: ports.World, opened: case.Case, made: plan.Plan) -> None:
    asked = next(s.act for s in made.steps if isinstance(s.act, act.AskPerson))
    known = world.store.asked(made.order, asked.topic) or asked
    _end(world, opened, plan.Terminal.PERSON, "asked", deadline=known)


def _end(
    world: ports.World,
    known: case.Case,
    terminal: plan.Terminal,
    reason: str,
    deadline: act.AskPerson | None = None,
) -> case.Case:
    over = case.Case(
        id=known.id,
        order=known.order,
        finding=known.finding,
        opened_at=known.opened_at,
        deadline=known.deadline if deadline is None else deadline.deadline,
        terminal=terminal,
        reason=reason,
        ended_at=world.clock.now(),
    )
    world.store.end_case(over, record.case_ended(over, world.clock.now()))
    return over


def _open(world: ports.World, looked: Looked, found: finding.Finding) -> case.Case:
    now = world.clock.now()
    opened = case.Case(id=found.case(looked.order), order=looked.order, finding=found, opened_at=now, deadline=found.deadline)
    return world.store.open_case(opened, record.case_opened(opened))


def _possible(world: ports.World, made: plan.Plan) -> bool:
    """Whether somebody is there to carry out each step; found out before anything begins."""
    for step in made.steps:
        try:
            drive.doer_of(world, step)
        except faults.Rejected:
            return False
    return True


def _judge_plan(world: ports.World, made: plan.Plan, told: dossier.Dossier, actor: verdict.Actor) -> verdict.Verdict:
    now = world.clock.now()
    return guard.guard(made, world.policies.at(now), exposure(world, told, actor), now)


def exposure(world: ports.World, told: dossier.Dossier, actor: verdict.Actor) -> verdict.Exposure:
    """What was already done today that a rule counts."""
    day = guard.today(world.clock.now())
    repairs = guard.repairs_bucket(told.order.shop, day)
    buyer = guard.buyer_of(told)
    refunds = None if buyer is None else guard.refunds_bucket(told.order.shop, buyer, day)
    used = world.store.exposure([b for b in (repairs, refunds) if b is not None])
    count, fen = used.get(repairs, (0, 0))
    return verdict.Exposure(
        dossier=told,
        actor=actor,
        repairs_today=count,
        repaired_today_fen=fen,
        refunds_today=used.get(refunds, (0, 0))[0] if refunds else 0,
    )


def _result(proposed: Proposal, state: State) -> Result:
    return Result(order=proposed.looked.order, state=state, diagnosis=proposed.looked.diagnosis)
