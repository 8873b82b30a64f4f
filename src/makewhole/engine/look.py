"""Look: one order goes in; what every source says of it now, and what is made of that, come out. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from makewhole import ports
from makewhole.core import ids
from makewhole.engine import gather
from makewhole.flow.diagnose import rule, rules
from makewhole.model import dossier, finding


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


def look(world: ports.World, number: ids.OrderNumber) -> Looked:
    """Gather one order's dossier and diagnose it now."""
    return judge(world, gather.one(world, number))


def judge(world: ports.World, told: dossier.Dossier) -> Looked:
    """Diagnose a dossier now."""
    now = world.clock.now()
    view = rule.View(dossier=told, policy=world.policies.at(now), now=now)
    return Looked(dossier=told, diagnosis=rules.diagnose(view))
