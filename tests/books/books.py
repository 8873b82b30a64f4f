"""Lines for tests, and one reconciliation of them: two lists of lines go in, breaks and sums come out."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from makewhole.adapters.books import desk, duck
from makewhole.books import columns
from makewhole.core import ids
from makewhole.model import bill

DAY = 20_780
NOON = datetime(1970, 1, 1, 4, tzinfo=UTC) + timedelta(days=DAY)
WINDOW = bill.Window(day=DAY)


def line(number: str | None = "A1", amount_fen: int = 100, **told: Any) -> bill.Line:
    """A payment of one yuan at noon, but for what is told."""
    kind = told.pop("kind", bill.Kind.PAYMENT)
    at = told.pop("at", NOON)
    known: dict[str, Any] = {
        "line": 0,
        "channel": ids.ChannelName("wechatpay"),
        "merchant": "1601",
        "payment": number if kind is bill.Kind.PAYMENT else None,
        "transaction": None,
        "order": None,
        "fee_millifen": None,
        "currency": "CNY",
        "standing": bill.Standing.PAID if kind is bill.Kind.PAYMENT else bill.Standing.REFUNDED,
        "day": bill.day_of(at),
    }
    return bill.Line(kind=kind, number=number, amount_fen=amount_fen, at=at, **(known | told))


def numbered(lines: Sequence[bill.Line]) -> list[bill.Line]:
    """With their places."""
    return [line_at(place, told) for place, told in enumerate(lines, start=1)]


def line_at(place: int, told: bill.Line) -> bill.Line:
    """The same, standing elsewhere."""
    return bill.Line(**{name: getattr(told, name) for name in told.__struct_fields__ if name != "line"}, line=place)


def reconciled(
    ours: Sequence[bill.Line],
    theirs: Sequence[bill.Line],
    window: bill.Window = WINDOW,
    *,
    owner: desk.Owner | None = None,
    pairs: bool = False,
) -> tuple[list[dict[str, Any]], desk.Reconciled]:
    """Breaks as rows of columns.BREAKS, and the sums."""
    with tempfile.TemporaryDirectory() as folder, duck.opened(Path(folder), threads=1) as opened:
        opened.book(bill.Side.OURS, numbered(ours))
        opened.book(bill.Side.THEIRS, numbered(theirs))
        told = desk.reconcile(opened, window, owner=owner, pairs_to=Path(folder) / "pairs.parquet" if pairs else None)
        rows = opened.rows("SELECT * FROM breaks ORDER BY class, number, ours_line, theirs_line")
    return [dict(zip(columns.BREAKS, row, strict=True)) for row in rows], told


def classes(ours: Sequence[bill.Line], theirs: Sequence[bill.Line], window: bill.Window = WINDOW, **more: Any) -> list[str]:
    """The class of every break."""
    return [row["class"] for row in reconciled(ours, theirs, window, **more)[0]]
