"""What a rollback did goes in, entries of evidence come out: before the first row, for each batch, and at the end. No personal data."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from makewhole.core import codec, ids
from makewhole.model import case, cell, rollback
from makewhole.model.case import EntryKind

Shown = Callable[[str, str, str], str | None]
"""Table, column and spelled value: the value as its privacy class lets it be shown, None where it may not."""
Alike = tuple[rollback.How, rollback.Contents]
"""What was done, and the values before and after: the same for many orders of a bulk edit."""
Kinds = Mapping[rollback.Contents, Sequence[rollback.Net]]
CHANGES_MAX = 100
"""Different changes that one entry tells; all of them are in the receipt."""


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


def done(shop: str, batch: rollback.Batch, kinds: Kinds, receipt: bytes, shown: Shown) -> case.Entry:
    """A batch, its rows by their contents: what stood there, what stands there now, in how many rows, under which transactions of the
    database. Which rows they are stands in the receipt, whose line's digest is here: a bulk edit changed many alike, and an entry is no
    copy of a table."""
    alike: Counter[Alike] = Counter()
    stood = {} if batch.exact else dict(zip(rollback.names(batch.rows), batch.before, strict=True))
    for contents, rows in kinds.items():
        if rows[0].how is rollback.How.REWRITE:
            # It was compared: what stood there is what its plan says. No other kind is told in the same words.
            if len(alike) < CHANGES_MAX:
                alike[rows[0].how, contents] = len(rows)
            continue
        for net in rows:
            was = tuple((c, v) for c, v in stood[net.name()].items() if c in net.now or c in net.back)
            alike[net.how, (net.table, was, contents[2])] += 1

    def told(table: str, cells: Iterable[tuple[str, cell.Cell]]) -> dict[str, str | None]:
        return {c: None if v is None else shown(table, c, cell.shown(v)) for c, v in cells}

    changes = [
        {"table": table, "how": how.value, "before": told(table, was), "after": told(table, back), "rows": rows}
        for (how, (table, was, back)), rows in itertools.islice(alike.items(), CHANGES_MAX)
    ]
    body = {
        "plan": batch.plan,
        "stage": "done",
        "batch": batch.number,
        "transactions": list(batch.transactions),
        "rows": len(batch.rows),
        "changes": changes,
        "content": codec.digest_bytes(receipt),
    }
    if batch.recovered:
        body["recovered"] = True
    return _entry(shop, "", batch.at, body)


def key(plan: str, transaction: str) -> str:
    """Under which a batch stands in the evidence, once, whoever tells it and however often."""
    return f"rollback/{plan}/{transaction}"


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


def _entry(shop: str, number: str, at: datetime, body: dict[str, Any]) -> case.Entry:
    """Of no order in particular, the number is empty: it is the shop's."""
    order = ids.OrderKey(shop=ids.ShopName(shop), number=ids.OrderNumber(number))
    return case.Entry(kind=EntryKind.ROLLBACK, at=at, order=order, body=body)
