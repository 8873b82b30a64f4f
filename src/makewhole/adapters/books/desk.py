"""Two books on an engine's desk in; breaks, sums and, where wanted, all pairs out: the steps of a reconciliation, the same on every engine.

What a step needs twice is stored once: an engine that is handed one great expression would join the books again for every use of it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import ibis

from makewhole.books import columns, grouping, pairing, totals
from makewhole.core import faults, ids
from makewhole.model import bill

OWNERS_MAX = 10_000
"""Payments without an order that the shop is asked about in one reconciliation: each costs it a few statements."""
Row = tuple[Any, ...]
Owner = Callable[[ids.OutTradeNo], ids.OrderNumber | None]


class Desk(Protocol):
    """An engine with the tables `ours` and `theirs` (columns.BOOK) on it."""

    dialect: str
    """As Ibis calls the engine."""

    def keep(self, name: str, sql: str) -> None:
        """Store the rows of this statement under this name."""
        ...

    def load(self, name: str, schema: Mapping[str, str], rows: Iterable[Row]) -> None:
        """Store these few rows under this name."""
        ...

    def write(self, name: str, sql: str, path: Path) -> None:
        """Write the rows of this statement as Parquet to this path, and know them under this name."""
        ...

    def rows(self, sql: str) -> list[Row]:
        """The rows of a statement that has few."""
        ...


@dataclass(frozen=True, kw_only=True)
class Reconciled:
    """What two books showed. The breaks themselves stay on the desk, in the table `breaks` (columns.BREAKS)."""

    sums: tuple[dict[str, Any], ...]
    """columns.SUMS: both sides of every class, matched included."""

    def broken(self) -> bool:
        """Whether anything differs that neither time nor a sum explains."""
        settled = {c.value for c in bill.SETTLED}
        return any(row["class"] not in settled for row in self.sums)


def reconcile(desk: Desk, window: bill.Window, *, owner: Owner | None = None, pairs_to: Path | None = None) -> Reconciled:
    """Pairs, breaks and sums. With `pairs_to` all pairs, matched ones too, are written there, as numbers alone pair them.

    Raises Defect where the result does not hold the whole of both books (law 7).
    """
    fees = all(count for ((count,),) in (desk.rows(f"SELECT count(fee_millifen) FROM {side.value}") for side in bill.Side))  # noqa: S608
    say = _statements(desk.dialect, pairs_to is not None, fees)
    desk.load("day_window", columns.WINDOW, [(window.day - window.waits_days, window.margin_s)])
    if pairs_to is None:
        for name in ("met", "suspects", "ours_few", "theirs_few"):
            desk.keep(name, say[name])
    desk.keep("repeated", say["repeated"])
    if pairs_to is not None:
        desk.write("pairs", say["pairs"], pairs_to)
    desk.keep("few", say["few"])
    desk.keep("named", say["named"])
    desk.load("owners", columns.OWNERS, _owners(desk, say["wanted"], owner))
    for name in ("breaks", "of_books", "of_breaks", "sums"):
        desk.keep(name, say[name])
    lost = desk.rows(say["unbalanced"])
    if lost:
        raise faults.Defect(f"the reconciliation lost or made money (law 7): {lost}")
    return Reconciled(sums=tuple(dict(zip(columns.SUMS, row, strict=True)) for row in desk.rows(say["told"])))


def breaks(desk: Desk) -> list[dict[str, Any]]:
    """What `reconcile` left in the table `breaks`: what is broken first, then what is settled."""
    order = columns.breaks("breaks").order_by(["class", "kind", "number", "ours_line", "theirs_line"])
    rows = desk.rows(str(ibis.to_sql(order, dialect=desk.dialect, pretty=False)))
    found = [dict(zip(columns.BREAKS, row, strict=True)) for row in rows]
    return sorted(found, key=lambda row: bill.Break(row["class"]) in bill.SETTLED)


def settled(desk: Desk) -> list[dict[str, Any]]:
    """What their book pays out, by channel and currency (totals.settled)."""
    return [dict(zip(columns.SETTLED, row, strict=True)) for row in desk.rows(_settled(desk.dialect))]


@functools.cache
def _settled(dialect: str) -> str:
    asked = totals.settled(columns.book(bill.Side.THEIRS.value)).select(*columns.SETTLED).order_by(["channel", "currency"])
    return str(ibis.to_sql(asked, dialect=dialect, pretty=False))


def _owners(desk: Desk, wanted: str, owner: Owner | None) -> list[Row]:
    if owner is None:
        return []
    return [(number, order) for (number,) in desk.rows(wanted) if (order := owner(ids.OutTradeNo(number))) is not None]


@functools.cache
def _statements(dialect: str, written: bool, fees: bool) -> Mapping[str, str]:  # noqa: FBT001 - keys of the cache
    """Every step's statement in the engine's own words. Put into words once for all days: that takes as long as a small day's books.

    Without all pairs to write, the books are first thinned to the lines that are not simply alike; the steps are then the same.
    """
    ours, theirs = columns.book("ours"), columns.book("theirs")
    left, right = (ours, theirs) if written else (columns.book("ours_few"), columns.book("theirs_few"))
    found = pairing.pairs(left, right, columns.digests("repeated"), columns.window("day_window"))
    named, broken = columns.breaks("named"), columns.sums("of_breaks")
    of_books = columns.book_sums("of_books")
    rest = totals.of_classes(pairing.matched(columns.pairs("pairs"))) if written else totals.matched(of_books, broken)
    steps = {
        "met": pairing.met(ours, theirs, fees=fees),
        "suspects": pairing.suspects(columns.met("met"), ours, theirs),
        "ours_few": pairing.few(ours, columns.numbers("suspects")),
        "theirs_few": pairing.few(theirs, columns.numbers("suspects")),
        "repeated": pairing.repeated(left, right),
        "pairs": found,
        "few": pairing.breaks(columns.pairs("pairs") if written else found),
        "named": pairing.detailed(columns.pairs("few"), left, right),
        "wanted": grouping.wanted(named).limit(OWNERS_MAX),
        "breaks": grouping.grouped(named, columns.owners("owners")),
        "of_books": totals.of_books(ours, theirs),
        "of_breaks": totals.of_classes(columns.breaks("breaks")),
        "sums": broken.union(rest),
        "unbalanced": totals.unbalanced(of_books, columns.sums("sums")).limit(5),
        "told": columns.sums("sums").order_by(list(columns.SUMS)[:6]),
    }
    return {name: str(ibis.to_sql(rows, dialect=dialect, pretty=False)) for name, rows in steps.items()}
