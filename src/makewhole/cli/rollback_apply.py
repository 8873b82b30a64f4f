"""`makewhole rollback --apply`: a plan that was reviewed is done, with evidence before, between and after, and a receipt beside it."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

from makewhole.cli import exits, session
from makewhole.core import codec, faults
from makewhole.model import rollback

RECEIPT = ".receipt"
"""What is put behind a plan's name."""


def run(now: session.Session, told: Any, bench: Any, shown: Any, path: Path, asked: dict[str, Any]) -> int:
    """Do it. A plan with amounts wants a second name."""
    from makewhole.adapters.store import journal, plans
    from makewhole.engine import reversal
    from makewhole.wiring import clocks

    if not asked["known"]:
        raise faults.BadInput(now.say("bad.rollback-hash"), where="--hash", todo=now.say("bad.rollback-hash-todo"))
    ticking = clocks.SystemClock()
    receipt_path = path.with_name(path.name + RECEIPT)
    with plans.read(path, asked["known"]) as plan, journal.SqlStore(told.store) as store:
        by = asked["by"] or getpass.getuser()
        order = reversal.Order(header=plan.header, hash=plan.hash, rows=plan.rows(), by=by, approved_by=asked["approved_by"])
        if plan.header.money and not order.approved:
            now.out.line(now.say("rollback.approve"), "yellow")
            return exits.Exit.REFUSED
        with plans.appending(receipt_path) as receipt:
            told_receipt = reversal.recorded(bench, order, ticking, store, shown, receipt)
    _tell(now, told_receipt, receipt_path, path)
    return exits.Exit.BROKEN if told_receipt.left else exits.Exit.FINE


def _tell(now: session.Session, receipt: rollback.Receipt, path: Path, plan: Path) -> None:
    if now.out.as_json:
        now.out.document({"receipt": str(path), **codec.builtins(receipt)})
        return
    out, say = now.out, now.say
    out.line(say("rollback.done", rows=receipt.rows, proven=receipt.proven, left=receipt.left), "bold")
    if receipt.earlier:
        out.line(say("rollback.earlier", rows=receipt.earlier))
    out.line(say("rollback.transactions", names=", ".join(receipt.transactions[:5]), count=len(receipt.transactions)), "dim")
    out.line(say("rollback.receipt", file=path))
    out.line(say("rollback.undo", command=f"makewhole rollback --undo {plan} --hash {receipt.plan}"))
