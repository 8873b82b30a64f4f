"""An order that was looked at goes in; which of its findings people have decided about in the daily books comes out.

A decision moves our ledger. Where it says that a payment never came, and the shop has a hand for it, it moves the shop's row as well: then
it is work like any other. Of all else the rows go on showing what was decided: it is told apart, and is nobody's work.
"""

from __future__ import annotations

from dataclasses import replace

import structlog

from makewhole import ports
from makewhole.books import standing
from makewhole.engine import keepbook, look, propose
from makewhole.model import decision, difference, fact, finding, plan, takeback
from makewhole.ports import accounts

log = structlog.get_logger()


def heeded(world: ports.World, looked: look.Looked) -> look.Looked:
    """With what was decided, by now, about each finding. Asks the store once, of an order that is broken."""
    if world.books is None or not looked.findings():
        return looked
    try:
        known = world.books.ledger.decided(looked.order)
    except accounts.Altered as altered:
        # Whoever keeps the daily books wakes a person about it; what was altered decides nothing.
        log.warning("altered", record=altered.record)
        return looked
    booked = [f for f in known if isinstance(f.end(), difference.Booked)]
    if not booked:
        return looked
    ours = keepbook.of_dossier(world, looked.dossier, {n: s.merchant for n, s in world.books.sources.items()})
    told = []
    for found in looked.findings():
        spoken = (b for b in booked if standing.speaks_of(b, found.ailment, ours, looked.dossier.claims))
        said = next((s for s in map(_said, spoken) if s is not None and s.at <= world.clock.now()), None)
        if said is None:
            continue
        work, why = _left(world, looked, found)
        if not work:
            told.append(look.Decided(finding=found, said=said, why=why))
    return replace(looked, decided=tuple(told))


def _said(one: difference.Followed) -> decision.Decision | None:
    return next((m.said for m in reversed(one.moves) if isinstance(m, difference.Decided)), None)


def _left(world: ports.World, looked: look.Looked, found: finding.Finding) -> tuple[bool, fact.Fact | None]:
    """Whether anything is left to be done in the shop, and what is in the way of it."""
    if found.ailment is not finding.Ailment.PAID_IN_SHOP_ONLY or takeback.ruling(looked.dossier) is None:
        return False, None
    made, missing = propose.planned(world, looked, found)
    if made.remedy is plan.Remedy.TAKE_PAYMENT_BACK:
        return not missing, fact.fact(fact.Says.HAND_MISSING, ", ".join(missing)) if missing else None
    return False, next((w for w in made.why if w.says is not fact.Says.DECIDED), None)
