"""Propose: an order as it was looked at and one of its findings go in, a plan and the verdict on it come out. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from makewhole import ports
from makewhole.core import faults
from makewhole.engine import drive, look, signals
from makewhole.flow import guard
from makewhole.flow.plan import brief, plans
from makewhole.model import dossier, fact, finding, plan, verdict


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A plan and what policy says to it."""

    looked: look.Looked
    finding: finding.Finding
    plan: plan.Plan
    verdict: verdict.Verdict


def propose(world: ports.World, looked: look.Looked, found: finding.Finding, actor: verdict.Actor = verdict.Actor.ENGINE) -> Proposal:
    """The plan for one finding and the verdict on it."""
    made, missing = planned(world, looked, found)
    if missing:
        made = plans.hand_over(_brief(world, looked, found), fact.fact(fact.Says.HELD_BY_GUARD, verdict.Ground.NO_HAND))
    return Proposal(looked=looked, finding=found, plan=made, verdict=judge(world, made, looked.dossier, actor))


def planned(world: ports.World, looked: look.Looked, found: finding.Finding) -> tuple[plan.Plan, tuple[str, ...]]:
    """The plan for one finding before policy has seen it, and the acts in it that nobody here has a hand for."""
    made = plans.make(_brief(world, looked, found), world.playbook)
    return made, tuple(str(type(s.act).__struct_config__.tag) for s in made.steps if not _doer(world, s))


def question(world: ports.World, asked_for: Proposal, why: fact.Fact) -> plan.Plan:
    """The plan that hands this finding to a person instead, and says why."""
    return plans.hand_over(_brief(world, asked_for.looked, asked_for.finding), why)


def judge(world: ports.World, made: plan.Plan, told: dossier.Dossier, actor: verdict.Actor) -> verdict.Verdict:
    """What policy says to a plan, on the order as it is now."""
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
        refunds_elsewhere=0 if refunds is None else len(signals.refunds_elsewhere(world.store, refunds)),
    )


def _brief(world: ports.World, looked: look.Looked, found: finding.Finding) -> brief.Brief:
    now = world.clock.now()
    return brief.Brief(dossier=looked.dossier, finding=found, policy=world.policies.at(now), now=now)


def _doer(world: ports.World, step: plan.Step) -> bool:
    """Whether somebody is there to carry it out; found out before anything begins."""
    try:
        drive.doer_of(world, step)
    except faults.Rejected:
        return False
    return True
