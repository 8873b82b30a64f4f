"""Breaks in, breaks out: lines that stand alone or differ, and together are what the other side has under another name, are whole.

One payment for several orders stands once in the bill and once for each order in the shop. Several payments for one order stand
the other way round. A refund may have no number in the shop at all. So what is left over is added up once more: under its number,
then under the channel's transaction, then under the order; where both sides have the same sum, and something, the lines are grouped.
"""

from __future__ import annotations

import ibis
from ibis.expr.types import Table

from makewhole.books import columns
from makewhole.model import bill

_LOOSE = (
    bill.Break.OURS_ONLY,
    bill.Break.THEIRS_ONLY,
    bill.Break.WAITING,
    bill.Break.AMOUNT,
    bill.Break.DUPLICATE_OURS,
    bill.Break.DUPLICATE_THEIRS,
)
"""What another name may explain. Another state, currency or fee of the same line is not explained by a sum."""
_SCOPE = ("channel", "merchant", "kind", "currency")
_BY = ("number", "transaction", "order_number")
_SIDES = ("ours", "theirs")
_KINDS = {"number": "number:", "transaction": "transaction:", "order_number": "order:"}


def grouped(few: Table, owners: Table) -> Table:
    """The breaks, of columns `columns.BREAKS`; rows that grouping explains come apart into one row for each line."""
    loose = few.filter(few["class"].isin([c.value for c in _LOOSE]))
    found = _found(_lines(loose, owners))
    told = few.drop("group")
    for side in _SIDES:
        mine = found.filter(found["side"] == side).select(found_line="line", **{f"{side}_group": "group"})
        told = told.left_join(mine, told[f"{side}_line"] == mine["found_line"]).drop("found_line")
    explained = told["ours_group"].notnull() | told["theirs_group"].notnull()
    kept = told.filter(~explained).mutate(group=ibis.null("string")).select(*columns.BREAKS)
    split = told.filter(explained)
    return kept.union(_apart(split, "ours")).union(_apart(split, "theirs"))


def wanted(few: Table) -> Table:
    """The payments that the channel alone knows and of which nobody has said which order they belong to: one column, `payment`."""
    alone = few.filter(few["class"].isin([bill.Break.THEIRS_ONLY.value, bill.Break.WAITING.value]))
    unknown = alone.filter(alone["ours_line"].isnull() & alone["theirs_order_number"].isnull() & alone["theirs_payment"].notnull())
    return unknown.select(payment=unknown["theirs_payment"]).distinct()


def _lines(loose: Table, owners: Table) -> Table:
    """One row for each line, under every name that it has. An order that nobody named is called as its payment."""
    sides = []
    for side in _SIDES:
        there = loose.filter(loose[f"{side}_line"].notnull())
        named = there.left_join(owners, there[f"{side}_payment"] == owners["payment"])
        sides.append(
            named.select(
                "channel",
                "merchant",
                "kind",
                "number",
                side=ibis.literal(side),
                line=named[f"{side}_line"],
                currency=named[f"{side}_currency"],
                transaction=named[f"{side}_transaction"],
                order_number=ibis.coalesce(named[f"{side}_order_number"], named["order_number"], named[f"{side}_payment"]),
                amount_fen=named[f"{side}_amount_fen"],
            )
        )
    return sides[0].union(sides[1])


def _found(lines: Table) -> Table:
    """side, line, group of the lines that some name explains; by the first name that does."""
    left, found = lines, []
    for name in _BY:
        named = left.filter(left[name].notnull())
        key = [*_SCOPE, name]
        ours, theirs = named["side"] == "ours", named["side"] == "theirs"
        sums = named.group_by(key).agg(
            ours_lines=ours.cast("int64").sum(),
            theirs_lines=theirs.cast("int64").sum(),
            apart=ibis.ifelse(ours, named["amount_fen"], -named["amount_fen"]).sum(),
        )
        equal = sums.filter((sums["ours_lines"] > 0) & (sums["theirs_lines"] > 0) & (sums["apart"] == 0)).select(*key)
        taken = named.semi_join(equal, key)
        found.append(taken.select("side", "line", group=ibis.literal(_KINDS[name]) + taken[name]))
        left = left.anti_join(equal, key)
    return found[0].union(found[1]).union(found[2])


def _apart(split: Table, side: str) -> Table:
    """One side's lines of the split rows, grouped where a name explains them, else alone."""
    other, alone = ("theirs", bill.Break.OURS_ONLY) if side == "ours" else ("ours", bill.Break.THEIRS_ONLY)
    there = split.filter(split[f"{side}_line"].notnull())
    blank = {name: ibis.null(kind) for name, kind in columns.BREAKS.items() if name.startswith(f"{other}_")}
    group = there[f"{side}_group"]
    verdict = ibis.ifelse(group.notnull(), bill.Break.GROUPED.value, alone.value)
    return there.mutate(**blank, **{"class": verdict, "group": group}).select(*columns.BREAKS)
