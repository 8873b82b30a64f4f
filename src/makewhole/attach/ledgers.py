"""A table of refunds goes in; the sampled orders whose money went back, or may go back, come out."""

from __future__ import annotations

from dataclasses import dataclass

from makewhole.attach import axes, fields, labels, links, values
from makewhole.attach.tables import Cast


@dataclass(frozen=True, kw_only=True)
class Back:
    """Sampled orders, by row: with a refund that was asked for and not refused, and with one that is done."""

    asked: frozenset[int] = frozenset()
    done: frozenset[int] = frozenset()


NOTHING_BACK = Back()
"""No table tells."""


def refunds(cast: Cast | None, to: links.Parent, lookups: dict[str, dict[str, str]]) -> Back:
    """What a table of refunds says of each order; nothing where its states, or its instant of being done, do not tell."""
    if cast is None or not (cast.link.key or cast.link.number):
        return NOTHING_BACK
    read, by_key = cast.read, bool(cast.link.key)
    there = to.read.table.values(to.key if by_key else to.number)
    rows = {values.text(v): i for i, v in enumerate(there) if not values.absent(v)}
    orders = [rows.get(values.text(v)) for v in read.table.values(cast.link.key or cast.link.number)]
    chosen = fields.assign(read, "refund", frozenset(filter(None, (cast.link.key, cast.link.number))))
    state, done_at = chosen.get("refund.state"), chosen.get("refund.done_at")
    told = axes.axis(read, state.name, labels.refund_state, lookups) if state is not None else None
    if told is not None and told.having("done"):
        codes = told.told(read)
        done = [c in told.having("done") for c in codes]
        asked = [c not in told.having("closed", "none") for c in codes]
    elif done_at is not None:
        done = [not values.absent(v) for v in read.table.values(done_at.name)]
        asked = [True] * len(orders)
    else:
        return NOTHING_BACK
    return Back(
        asked=frozenset(i for i, yes in zip(orders, asked, strict=True) if i is not None and yes),
        done=frozenset(i for i, yes in zip(orders, done, strict=True) if i is not None and yes),
    )
