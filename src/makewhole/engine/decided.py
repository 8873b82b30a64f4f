"""An order that was looked at goes in; which of its findings people have decided about in the daily books comes out.

A decision moves our ledger and not the shop's rows: they go on showing what was decided. It is told apart, and is nobody's work.
"""

from __future__ import annotations

from dataclasses import replace

import structlog

from makewhole import ports
from makewhole.books import standing
from makewhole.engine import keepbook, look
from makewhole.model import decision, difference
from makewhole.ports import accounts

log = structlog.get_logger()


def heeded(world: ports.World, looked: look.Looked) -> look.Looked:
    """With what was decided, by now, about each finding. Asks the store once, of an order that is broken."""
    if world.books is None or not looked.findings():
        return looked
    try:
        booked = world.books.ledger.booked(looked.order)
    except accounts.Altered as altered:
        # Whoever keeps the daily books wakes a person about it; what was altered decides nothing.
        log.warning("altered", record=altered.record)
        return looked
    if not booked:
        return looked
    ours = keepbook.of_dossier(world, looked.dossier, {n: s.merchant for n, s in world.books.sources.items()})
    told = []
    for found in looked.findings():
        spoken = (b for b in booked if standing.speaks_of(b, found.ailment, ours, looked.dossier.claims))
        said = next((s for s in map(_said, spoken) if s is not None and s.at <= world.clock.now()), None)
        if said is not None:
            told.append((found, said))
    return replace(looked, decided=tuple(told))


def _said(one: difference.Followed) -> decision.Decision | None:
    return next((m.said for m in reversed(one.moves) if isinstance(m, difference.Decided)), None)
