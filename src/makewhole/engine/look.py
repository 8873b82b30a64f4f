"""Look: one order goes in; what every source says of it now, and what is made of that, come out. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

from makewhole import ports
from makewhole.core import ids
from makewhole.engine import gather
from makewhole.flow.diagnose import rule, rules
from makewhole.model import decision, dossier, fact, finding


@dataclass(frozen=True, kw_only=True)
class Decided:
    """A finding about which a person has decided in the daily books, and which is nobody's work."""

    finding: finding.Finding
    said: decision.Decision
    why: fact.Fact | None = None
    """Why the shop's row goes on showing it, where it might be corrected: a hand is missing, goods are out. None where it may not."""


@dataclass(frozen=True, kw_only=True)
class Looked:
    """An order as it was heard, and what is made of it."""

    dossier: dossier.Dossier
    diagnosis: finding.Diagnosis
    runs: int | None = None
    """How many runs of it were over before anybody was asked; None where one was under way, or nobody counted."""
    decided: tuple[Decided, ...] = ()
    """What people have decided, and what is not work for all that; empty where nobody asked (`decided.heeded`)."""

    @property
    def order(self) -> ids.OrderKey:
        """Its key."""
        return self.dossier.order

    def findings(self) -> tuple[finding.Finding, ...]:
        """What is broken, most harmful first."""
        return self.diagnosis.findings if isinstance(self.diagnosis, finding.Broken) else ()


def open_findings(looked: Looked) -> tuple[finding.Finding, ...]:
    """Those that are work, most harmful first."""
    over = [d.finding for d in looked.decided]
    return tuple(f for f in looked.findings() if f not in over)


def look(world: ports.World, number: ids.OrderNumber) -> Looked:
    """Gather one order's dossier and diagnose it now."""
    before = world.store.runs_of(ids.OrderKey(shop=world.eyes.shop, number=number))
    looked = judge(world, gather.one(world, number))
    return looked if any(r.end is None for r in before) else replace(looked, runs=len(before))


def judge(world: ports.World, told: dossier.Dossier) -> Looked:
    """Diagnose a dossier now."""
    now = world.clock.now()
    view = rule.View(dossier=told, policy=world.policies.at(now), now=now)
    return Looked(dossier=told, diagnosis=rules.diagnose(view))
