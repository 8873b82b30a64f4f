"""What a rollback did goes in, entries of evidence come out: before the first row, for each order, and at the end. No personal data."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from makewhole.core import ids
from makewhole.model import case, cell, rollback
from makewhole.model.case import EntryKind

Shown = Callable[[str, str, str], str | None]
"""Table, column and spelled value: the value as its privacy class lets it be shown, None where it may not."""
_NAME_SEPARATOR = "\x1f"


def begun(header: rollback.Header, plan: str, by: str, approved_by: str, at: datetime) -> case.Entry:
    """The intention, durable before the first row is written (law 2)."""
    body = {
        "plan": plan,
        "stage": "begun",
        "by": by,
        "approved_by": approved_by,
        "rows": header.rows,
        "conflicts": header.conflicts,
        "partial": header.partial,
        "mode": header.mode.value,
    }
    return _entry(header.shop, "", at, body)


def done(shop: str, batch: rollback.Batch, shown: Shown) -> Iterator[case.Entry]:
    """One entry for each order of a batch: what stood there, what stands there now, under which transaction of the database."""
    pairs = zip(batch.rows, batch.before, strict=True)
    for unit, told in itertools.groupby(pairs, key=lambda p: p[0].unit):
        rows = [_row(net, before, shown) for net, before in told]
        body = {"plan": batch.plan, "stage": "done", "batch": batch.number, "transactions": list(batch.transactions), "rows": rows}
        yield _entry(shop, "" if _NAME_SEPARATOR in unit else unit, batch.at, body)


def ended(shop: str, receipt: rollback.Receipt) -> case.Entry:
    """The whole, proven."""
    body = {
        "plan": receipt.plan,
        "stage": "ended",
        "rows": receipt.rows,
        "left": receipt.left,
        "earlier": receipt.earlier,
        "proven": receipt.proven,
        "transactions": list(receipt.transactions),
    }
    return _entry(shop, "", receipt.ended_at, body)


def _row(net: rollback.Net, before: Mapping[str, cell.Cell], shown: Shown) -> dict[str, Any]:
    def told(cells: Mapping[str, cell.Cell]) -> dict[str, str | None]:
        return {c: None if v is None else shown(net.table, c, cell.shown(v)) for c, v in cells.items()}

    after = {} if net.how is rollback.How.REMOVE else net.back
    return {"table": net.table, "how": net.how.value, "key": told(net.key), "before": told(before), "after": told(after)}


def _entry(shop: str, number: str, at: datetime, body: dict[str, Any]) -> case.Entry:
    """Of no order in particular, the number is empty: it is the shop's."""
    order = ids.OrderKey(shop=ids.ShopName(shop), number=ids.OrderNumber(number))
    return case.Entry(kind=EntryKind.ROLLBACK, at=at, order=order, body=body)
