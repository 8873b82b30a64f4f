"""The port `Accountant` on a desk of its own: two books in, their comparison out, nothing left behind.

How a channel's bill is read is another wing's work, so whoever puts the parts together hands it in.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from makewhole.core import faults, ids
from makewhole.model import bill, comparison, fetched
from makewhole.ports import accounts

ReadBill = Callable[[Any, fetched.RawBill], int]
"""Puts a bill on a DuckDB connection as their book; the number of its lines. Raises `bill.Refused`."""

Body = Callable[[fetched.RawBill], bytes]
"""What a bill says, without when it was made. Raises `bill.Refused`."""


class Counter:
    """Compares books with DuckDB."""

    def __init__(self, read_bill: ReadBill, body: Body) -> None:
        self._read_bill, self._body = read_bill, body

    def same(self, one: fetched.RawBill, other: fetched.RawBill) -> bool:
        # An archive has the instant in it at which it was packed, and Alipay writes it above the lines, too.
        return one.content == other.content or self._body(one) == self._body(other)

    def compare(
        self,
        ours: Iterable[bill.Line],
        theirs: accounts.Theirs,
        window: bill.Window,
        *,
        carried: Sequence[bill.Line] = (),
        owner: accounts.Owner | None = None,
    ) -> comparison.Comparison:
        # Not above: the engine of the books costs every command that never compares any two thirds of a second.
        import duckdb  # noqa: PLC0415

        try:
            return self._compared(ours, theirs, window, carried, owner)
        except (duckdb.OutOfMemoryException, duckdb.IOException, OSError) as full:
            # The relay of this process must not end because the disk for scratch is full.
            raise faults.Unavailable(f"what comparing the books needs cannot be written: {full}") from full

    def _compared(
        self,
        ours: Iterable[bill.Line],
        theirs: accounts.Theirs,
        window: bill.Window,
        carried: Sequence[bill.Line],
        owner: accounts.Owner | None,
    ) -> comparison.Comparison:
        from makewhole.adapters.books import desk, duck  # noqa: PLC0415

        with tempfile.TemporaryDirectory(prefix="makewhole-") as scratch, duck.opened(Path(scratch)) as opened:
            # The bill first: one that is refused has cost the shop nothing.
            if isinstance(theirs, fetched.RawBill):
                self._read_bill(opened.connection, theirs)
            else:
                opened.book(bill.Side.THEIRS, theirs)
            if carried:
                opened.more(bill.Side.THEIRS, carried)
            opened.book(bill.Side.OURS, ours)
            found = desk.reconcile(opened, window, owner=owner)
            return comparison.Comparison(
                pairs=tuple(map(pair, desk.breaks(opened))),
                sums=tuple(map(total, found.sums)),
                settled=tuple(comparison.Settled(**row) for row in desk.settled(opened)),
            )


def pair(row: dict[str, Any]) -> comparison.Pair:
    """A row of the table of breaks (columns.BREAKS) as a noun."""
    return comparison.Pair(
        what=bill.Break(row["class"]),
        channel=ids.ChannelName(row["channel"]),
        merchant=row["merchant"],
        kind=bill.Kind(row["kind"]),
        number=row["number"],
        ours=_told(row, bill.Side.OURS),
        theirs=_told(row, bill.Side.THEIRS),
        group=row["group"],
    )


def total(row: dict[str, Any]) -> comparison.Sum:
    """A row of the sums (columns.SUMS) as a noun."""
    return comparison.Sum(
        side=bill.Side(row["side"]),
        channel=ids.ChannelName(row["channel"]),
        currency=row["currency"],
        kind=bill.Kind(row["kind"]),
        day=row["day"],
        what=bill.Break(row["class"]),
        lines=row["lines"],
        fen=row["fen"],
        fees_millifen=row["fees_millifen"],
    )


def _told(row: dict[str, Any], side: bill.Side) -> comparison.Told | None:
    of = {name.removeprefix(f"{side.value}_"): value for name, value in row.items() if name.startswith(f"{side.value}_")}
    if of["line"] is None:
        return None
    return comparison.Told(
        line=of["line"],
        amount_fen=of["amount_fen"],
        fee_millifen=of["fee_millifen"],
        currency=of["currency"],
        standing=bill.Standing(of["standing"]),
        at=datetime.fromtimestamp(of["at_s"], UTC),
        day=of["day"],
        payment=of["payment"],
        transaction=of["transaction"],
        order=of["order_number"],
    )
