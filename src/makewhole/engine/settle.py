"""Settle: cases are opened for findings and brought to their named ends (law 8): by our run, by others, or by asking a person."""

from __future__ import annotations

from makewhole import ports
from makewhole.engine import look, propose
from makewhole.flow import record
from makewhole.model import act, case, claim, dossier, fact, finding, payment, plan, resource, run, tally, verdict


def opened(world: ports.World, looked: look.Looked, found: finding.Finding) -> case.Case:
    """The case of this finding, opened if there is none."""
    now = world.clock.now()
    new = case.Case(id=found.case(looked.order), order=looked.order, finding=found, opened_at=now, deadline=found.deadline)
    return world.store.open_case(new, record.case_opened(new))


def settle(world: ports.World, looked: look.Looked) -> list[case.Case]:
    """End the cases of this order whose ailment is gone: by our run if one did it, else because somebody else mended it."""
    # Who is silent could still say that it is broken.
    if isinstance(looked.diagnosis, finding.Unjudged):
        return []
    still = {f.case(looked.order) for f in looked.findings()}
    known = [c for c in world.store.cases(looked.order) if c.id not in still and c.terminal in {None, plan.Terminal.PERSON}]
    gone = [c for c in known if not _unheard(looked.dossier, c.finding) and not _lapsed(world, looked, c)]
    if not gone:
        return []
    runs = world.store.runs_of(looked.order)
    # A run under way knows more than one look: a refund being accepted is not yet a refund.
    if any(r.end is None for r in runs):
        return []
    return [_ended_by(world, c, [r for r in runs if follows(r, c.finding)]) for c in gone]


def _unheard(told: dossier.Dossier, found: finding.Finding) -> bool:
    """Whether a channel says nothing of money that this case is about: it did when the case was opened, so "not found" is a lag."""
    if finding.family(found.ailment) is not finding.Family.PAYMENT or found.ailment is finding.Ailment.ORDER_CONTRADICTS_ITSELF:
        return False
    silent = (*told.silent(claim.About.PAYMENT), *told.silent(claim.About.REFUND))
    paying = any(a.state is payment.AttemptState.PAYING for a in told.of(payment.Attempt))
    return paying or any(s.why is not claim.Why.NOT_CONFIGURED for s in silent)


def _lapsed(world: ports.World, looked: look.Looked, known: case.Case) -> bool:
    """Whether nothing happened but that the time for a recall went by: the order is as unpaid as it was, and its person still has it."""
    if known.finding.ailment is not finding.Ailment.EXPIRED_UNPAID or known.terminal is not plan.Terminal.PERSON:
        return False
    late = known.finding.deadline is not None and world.clock.now() > known.finding.deadline
    return late and not tally.payments(looked.dossier) and not looked.dossier.of(resource.Reissue)


def follows(going: run.Run, found: finding.Finding) -> bool:
    """Whether this run is about this finding."""
    return going.plan.follows(found)


def to_person(world: ports.World, known: case.Case, made: plan.Plan) -> case.Case:
    """The case is a person's now, until the question's deadline."""
    asked = next(s.act for s in made.steps if isinstance(s.act, act.AskPerson))
    first = world.store.asked(made.order, asked.topic) or asked
    return _end(world, known, plan.Terminal.PERSON, "asked", first)


def before_person(world: ports.World, looked: look.Looked, found: finding.Finding) -> bool:
    """Whether a person was asked about this finding as it stands now: then there is nothing for us to do."""
    known = world.store.find_case(found.case(looked.order))
    if known is None or known.terminal is not plan.Terminal.PERSON:
        return False
    basis = looked.dossier.digest()
    asked = (r.plan for r in world.store.runs_of(looked.order) if r.plan.remedy is plan.Remedy.ASK_PERSON and r.end is run.End.DONE)
    return any(p.basis == basis and p.follows(found) and not _hand_came(world, looked, found, p) for p in asked)


def _hand_came(world: ports.World, looked: look.Looked, found: finding.Finding, asked: plan.Plan) -> bool:
    """Whether a person was asked only for want of a hand in the shop file, and there is one by now."""
    if fact.fact(fact.Says.HELD_BY_GUARD, verdict.Ground.NO_HAND) not in asked.why:
        return False
    made, missing = propose.planned(world, looked, found)
    return made.remedy is not plan.Remedy.ASK_PERSON and not missing


def _ended_by(world: ports.World, known: case.Case, runs: list[run.Run]) -> case.Case:
    ours = [r for r in runs if r.end is run.End.DONE and r.plan.remedy is not plan.Remedy.ASK_PERSON]
    if not ours:
        return _end(world, known, plan.Terminal.RESTORED, "mended by others")
    return _end(world, known, ours[-1].plan.terminal, ours[-1].plan.remedy.value)


def _end(world: ports.World, known: case.Case, terminal: plan.Terminal, reason: str, asked: act.AskPerson | None = None) -> case.Case:
    now = world.clock.now()
    over = case.Case(
        id=known.id,
        order=known.order,
        finding=known.finding,
        opened_at=known.opened_at,
        deadline=known.deadline if asked is None else asked.deadline,
        terminal=terminal,
        reason=reason,
        ended_at=now,
    )
    world.store.end_case(over, record.case_ended(over, now))
    return over
