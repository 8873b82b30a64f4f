"""`makewhole images restore ORDER --at INSTANT`: writes a rollback's plan that brings the order back; `rollback --apply` carries it out."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from makewhole.cli import exits, rollback, session
from makewhole.core import ids
from makewhole.engine import image as mover


def run(now: session.Session, told: Any, studio: mover.Studio, number: ids.OrderNumber, at: datetime | None, target: str | None) -> int:
    """Plan, write the plan, tell it. Nothing in the shop is written."""
    from makewhole.adapters.store import plans
    from makewhole.engine import restoring
    from makewhole.wiring import rollback as wiring_rollback

    moment = studio.clock.now()
    with wiring_rollback.open_rollback(told, None) as (bench, known):
        draft = restoring.plan(bench, studio, number, at or moment, moment)
        if not draft.header.rows and not draft.header.conflicts:
            now.out.note(now.say("images.nothing-to-do"))
            return exits.Exit.FINE
        hash_ = draft.hash()
        path = Path(target or f"restore-{hash_[: rollback.PLAN_NAME_LENGTH]}.plan")
        plans.write(path, draft.sealed())
        lines = plans.decoded(draft.lines())
        if now.out.as_json:
            now.out.document(rollback.document(draft.header, hash_, path, lines, known.shown))
        else:
            rollback.tell(now, draft.header, hash_, path, lines, known.shown)
    return exits.Exit.BROKEN if draft.header.conflicts else exits.Exit.FINE
