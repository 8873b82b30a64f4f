"""A table of refunds goes in; the sampled orders whose money went back, or may go back, come out."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from makewhole.attach import axes, fields, labels, links, values
from makewhole.attach.columns import Read
from makewhole.attach.fields import Chosen
from makewhole.attach.tables import Cast


@dataclass(frozen=True, kw_only=True)
class Back:
    """Sampled orders, by row: those that ask for their money, and those that have all of it back."""

    asked: frozenset[int] = frozenset()
    done: frozenset[int] = frozenset()
    paid: frozenset[int] = frozenset()
    """Those for which a table of payments holds one that succeeded."""


NOTHING_BACK = Back()
"""No table tells."""
PART_MAX = Decimal("0.95")
"""Share of an order's amount up to which what went back was a part: the order goes on."""


def refunds(cast: Cast | None, to: links.Parent, due: str, lookups: dict[str, dict[str, str]]) -> Back:
    """What a table of refunds says of each order; nothing where its states, or its instant of being done, do not tell."""
    if cast is None or not (cast.link.key or cast.link.number):
        return NOTHING_BACK
    read, orders = cast.read, _orders(cast, to)
    chosen = fields.assign(read, "refund", frozenset(filter(None, (cast.link.key, cast.link.number))))
    told = _told(read, chosen, lookups)
    if told is None:
        return NOTHING_BACK
    sums: dict[int, Decimal] = defaultdict(Decimal)
    amounts = read.table.values(chosen["refund.amount"].name) if "refund.amount" in chosen else (None,) * len(orders)
    for order, (_, done), amount in zip(orders, told, amounts, strict=True):
        if order is not None and done:
            sums[order] += values.number(amount) or Decimal(0)
    wholes = to.read.table.values(due) if due else (None,) * len(to.read.table.sample)
    all_back = {i for i, back in sums.items() if back > PART_MAX * (values.number(wholes[i]) or Decimal(0))}
    open_ = {o for o, (asked, _) in zip(orders, told, strict=True) if o is not None and asked}
    return Back(asked=frozenset(open_ - set(sums)), done=frozenset(all_back))


def paid(cast: Cast | None, to: links.Parent, lookups: dict[str, dict[str, str]]) -> frozenset[int]:
    """The sampled orders, by row, with an attempt that succeeded: by its state's label, else by what only paid ones hold."""
    if cast is None or not (cast.link.key or cast.link.number):
        return frozenset()
    read = cast.read
    chosen = fields.assign(read, "payment", frozenset(filter(None, (cast.link.key, cast.link.number))))
    state = chosen.get("payment.state")
    told = axes.axis(read, state.name, labels.attempt_state, lookups) if state is not None else None
    witness = next((chosen[f].name for f in ("payment.at", "payment.transaction_id") if f in chosen), "")
    if told is not None and told.having("paid"):
        done = [c in told.having("paid") for c in told.told(read)]
    elif witness:
        done = [not values.absent(v) for v in read.table.values(witness)]
    else:
        return frozenset()
    return frozenset(i for i, yes in zip(_orders(cast, to), done, strict=True) if i is not None and yes)


def _orders(cast: Cast, to: links.Parent) -> list[int | None]:
    """The sampled order that each row belongs to."""
    there = to.read.table.values(to.key if cast.link.key else to.number)
    rows = {values.text(v): i for i, v in enumerate(there) if not values.absent(v)}
    return [rows.get(values.text(v)) for v in cast.read.table.values(cast.link.key or cast.link.number)]


def _told(read: Read, chosen: dict[str, Chosen], lookups: dict[str, dict[str, str]]) -> list[tuple[bool, bool]] | None:
    """Of each refund, whether it is still asked for, and whether it is done."""
    state, done_at = chosen.get("refund.state"), chosen.get("refund.done_at")
    told = axes.axis(read, state.name, labels.refund_state, lookups) if state is not None else None
    if told is not None and told.having("done"):
        return [(c not in told.having("closed", "none", "done"), c in told.having("done")) for c in told.told(read)]
    if done_at is None:
        return None
    return [(values.absent(v), not values.absent(v)) for v in read.table.values(done_at.name)]
