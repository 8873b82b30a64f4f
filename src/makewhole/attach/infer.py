"""A survey goes in, a proposal comes out: which table and column says what, why, how surely, and what must be asked."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping

from makewhole.attach import amounts, around, drafts, ledgers, links, lookups, naming, orders, shards, survey, tables
from makewhole.attach.columns import Read, read
from makewhole.attach.proposal import Proposal

NOBODY: Mapping[str, str] = types.MappingProxyType({})
TABLES_MAX = 2000
"""Tables looked at; beyond, names alone decide which are worth it, and no shop is known to have more."""


def propose(told: survey.Survey, named: Mapping[str, str] = NOBODY) -> Proposal | None:
    """The proposal; None where no table looks like orders. `named` are tables by role, where somebody said which it is."""
    told = shards.together(told)
    initials = naming.speaks_initials(tuple(c.name for t in told.tables for c in t.columns))
    whole = amounts.said_of_whole(told.tables)
    reads = tuple(read(t, initials=initials, whole_money=whole) for t in told.tables[:TABLES_MAX] if t.columns)
    reads = _same_clock(reads)
    order = tables.order(reads, named.get("order", ""))
    if order is None:
        return None
    draft = drafts.Draft(dialect=told.dialect)
    if order.rivals or order.doubtful:
        # Every other field hangs on this table: nothing is stated before it is told which it is.
        draft.table(order.role, order.read.table.name, order.rivals)
        return drafts.finished(draft, told)
    chosen, barred = orders.columns_of(order.read)
    parent = links.parent(
        order.read, orders.key_of(order.read), chosen["order.number"].name if "order.number" in chosen else orders.key_of(order.read)
    )
    casts = tables.children(reads, parent, named)
    by_role = {c.role: c for c in casts}
    words = lookups.Words(reads)
    refund = by_role.get("refund")
    due = chosen["order.amount_due"].name if "order.amount_due" in chosen else ""
    back = ledgers.refunds(refund, parent, due, words.of(refund.read) if refund is not None else {})
    payment = by_role.get("payment")
    paid = ledgers.paid(payment, parent, words.of(payment.read) if payment is not None else {})
    back = dataclasses.replace(back, paid=paid)
    orders.propose(draft, order, chosen, barred, words.of(order.read), back)
    for cast in casts:
        if cast.rivals:
            draft.table(cast.role, cast.read.table.name, cast.rivals)
        around.propose(draft, cast, by_role, parent, words.of(cast.read))
    return drafts.finished(draft, told)


def _same_clock(reads: tuple[Read, ...]) -> tuple[Read, ...]:
    """With the unit in which this database's whole numbers tell instants, where they all use one."""
    whole = [(r, c) for r in reads for c in r.table.columns if c.kind is survey.Kind.INTEGER]
    units = {r.look(c.name).unit or (drafts.clock_said(c) if "time" in r.ideas(c.name) else "") for r, c in whole} - {""}
    return tuple(dataclasses.replace(r, whole_time=next(iter(units))) for r in reads) if len(units) == 1 else reads
