"""Pairs in, sums by class out; books in, their own sums out; and law 7: what the classes hold is the whole book, to the fen."""

from __future__ import annotations

import ibis
from ibis.expr.types import Table, Value

from makewhole.books import columns
from makewhole.model import bill

BY = ("channel", "currency", "kind", "day")
"""Law 7 holds for each of these by itself."""
_SUMS = ("lines", "fen", "fees_millifen")
_SHOWN = ("side", *BY, "lines", "fen", "found_in")


def of_books(ours: Table, theirs: Table) -> Table:
    """What each book adds up to by itself, of columns `columns.SUMS` without a class."""
    return _summed(ours, "ours", BY).union(_summed(theirs, "theirs", BY))


def settled(theirs: Table) -> Table:
    """What their book pays out, of columns channel, currency, gross_fen, fees_millifen, fees_fen (`bank.Due`).

    What was carried into it from earlier days, numbered below 0, was paid out with these.
    """
    own = theirs.filter(theirs["line"] > 0)
    paid = (own["kind"] == bill.Kind.PAYMENT.value) & (own["standing"] == bill.Standing.PAID.value)
    # A refund is taken off when it is accepted; one that failed came back.
    back = (own["kind"] == bill.Kind.REFUND.value) & ~own["standing"].isin([s.value for s in bill.IDLE])
    amount = ibis.ifelse(paid, own["amount_fen"], ibis.ifelse(back, -own["amount_fen"], 0))
    fee = own["fee_millifen"].fill_null(0)
    rounded = fee.sign().cast("int64") * ((fee.abs() + bill.MILLIFEN // 2) // bill.MILLIFEN).cast("int64")
    return own.group_by(["channel", "currency"]).agg(
        gross_fen=_whole(amount.sum()), fees_millifen=_whole(fee.sum()), fees_fen=_whole(rounded.sum())
    )


def of_classes(few: Table) -> Table:
    """What breaks or pairs add up to, of columns `columns.SUMS`: both sides of each, each on its own day and in its own currency."""
    return _both(few, ("class",)).select(*columns.SUMS)


def matched(books: Table, broken: Table) -> Table:
    """What is left of each book after its breaks, as sums of class matched: ten million pairs need not be written to be added up."""
    key = ["side", *BY]
    held = _regrouped(broken, key)
    left = books.left_join(held, [books[k] == held[k] for k in key], rname="held_{name}")
    rest = {name: left[name] - left[f"held_{name}"].fill_null(0) for name in _SUMS}
    told = left.select(*key, **rest, **{"class": ibis.literal(bill.Break.MATCHED.value)})
    return told.filter((told["lines"] != 0) | (told["fen"] != 0)).select(*columns.SUMS)


def unbalanced(books: Table, classes: Table) -> Table:
    """Where law 7 does not hold; must be empty. Rows of side, channel, currency, kind, day, lines, fen, `found_in`.

    First, the classes of a book together are that book, and no class holds what no book has. Second, what is matched has on both sides
    as many lines and as much money: where matched was reckoned as the rest, only this shows a pair that lost a side.
    """
    key = ["side", *BY]
    held = _regrouped(classes, key)
    same = [*key, *_SUMS]
    lost = books.anti_join(held, same).mutate(found_in=ibis.literal("book")).select(*_SHOWN)
    made = held.anti_join(books, same).mutate(found_in=ibis.literal("classes")).select(*_SHOWN)
    pairs = classes.filter(classes["class"] == bill.Break.MATCHED.value)
    ours, theirs = (pairs.filter(pairs["side"] == side) for side in ("ours", "theirs"))
    alike = [*BY, "lines", "fen"]
    left = ours.anti_join(theirs, alike).mutate(found_in=ibis.literal("matched")).select(*_SHOWN)
    right = theirs.anti_join(ours, alike).mutate(found_in=ibis.literal("matched")).select(*_SHOWN)
    return lost.union(made).union(left).union(right)


def _regrouped(sums: Table, key: list[str]) -> Table:
    return sums.group_by(key).agg(**{name: _whole(sums[name].sum()) for name in _SUMS})


def _both(all_pairs: Table, more: tuple[str, ...]) -> Table:
    """Lines of either side that are there, summed each under its own day and currency."""
    shared = ("channel", "kind", *more)
    sides = []
    for side in (bill.Side.OURS.value, bill.Side.THEIRS.value):
        there = all_pairs.filter(all_pairs[f"{side}_line"].notnull())
        own = {name: there[f"{side}_{name}"] for name in ("currency", "day", "amount_fen", "fee_millifen")}
        sides.append(_summed(there.select(*shared, **own), side, (*BY, *more)))
    return sides[0].union(sides[1])


def _summed(lines: Table, side: str, by: tuple[str, ...]) -> Table:
    summed = lines.group_by(list(by)).agg(
        lines=lines.count(), fen=_whole(lines["amount_fen"].sum()), fees_millifen=_whole(lines["fee_millifen"].fill_null(0).sum())
    )
    return summed.mutate(side=ibis.literal(side)).select("side", *by, *_SUMS)


def _whole(total: Value) -> Value:
    """DuckDB's sums are 128 bits wide whatever Ibis believes, and would be written as floats; a sum past 64 bits must fail, not wrap."""
    return total.cast("decimal(38,0)").cast("int64")
