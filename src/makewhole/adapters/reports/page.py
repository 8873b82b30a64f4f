"""Days' sheets in, one page out that an accountant prints and files: Chinese first, English beside it, nothing fetched from anywhere."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import jinja2

from makewhole.adapters.reports import table
from makewhole.core import money
from makewhole.model import bank, bill, comparison, daysheet


def write(path: Path, sheets: Sequence[daysheet.DaySheet], words: table.Words) -> None:
    """The page."""
    path.write_text(render(sheets, words), encoding="utf-8")


def render(sheets: Sequence[daysheet.DaySheet], words: table.Words) -> str:
    """Its text. What comes from bills and buyers is escaped."""

    def en(key: str) -> str:
        return words(key)[1]

    return _template().render(
        sheets=sheets,
        zh=lambda key: words(key)[0],
        en=en,
        date_of=bill.date_of,
        at=table.instant,
        yuan=_amount,
        fees=_fees,
        when=_when,
        books=_books,
        classes=_classes,
        gaps=_gaps,
        fee=bill.Break.FEE,
        bank_wrong=bank.WRONG,
    )


@functools.cache
def _template() -> jinja2.Template:
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    return jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).get_template("page.html")


def _amount(fen: int, currency: str) -> str:
    """As accountants write it: thousands apart."""
    return re.sub(r"\d+", lambda whole: f"{int(whole[0]):,}", str(money.Money(fen=fen, currency=currency)), count=1)


def _fees(millifen: int) -> str:
    """Finer than money can be paid: as the channel writes them, in yuan with five places."""
    sign, whole = ("-" if millifen < 0 else ""), abs(millifen)
    return f"{sign}{whole // 100_000:,}.{whole % 100_000:05d}"


def _when(at: datetime | None, day: int) -> str:
    """The time alone where it is of the sheet's own day."""
    return table.instant(at).removeprefix(f"{bill.date_of(day)} ") or "–"


def _books(sheet: daysheet.DaySheet) -> list[dict[str, object]]:
    """For each kind, currency and side: the whole book, what of it is settled and what is not, which add up (law 7); then ours less theirs.

    Fees are as the bill writes them, and ours where a rate was agreed on.
    """
    found: dict[tuple[str, str], dict[str, list[int]]] = {}
    for one in sheet.sums:
        sides = found.setdefault((one.kind.value, one.currency), {side.value: [0] * 5 for side in bill.Side})
        held = sides[one.side.value]
        settled = one.what in bill.SETTLED
        for i, more in enumerate((one.lines, one.fen, one.fen * settled, one.fen * (not settled), one.fees_millifen)):
            held[i] += more
    rows: list[dict[str, object]] = []
    for (kind, currency), sides in sorted(found.items()):
        gap = [ours - theirs for ours, theirs in zip(sides[bill.Side.OURS.value], sides[bill.Side.THEIRS.value], strict=True)]
        for side, told in (*sides.items(), ("gap", gap)):
            lines, whole, settled_fen, differs, fees = told
            rows.append(
                {
                    "side": side,
                    "kind": kind,
                    "currency": currency,
                    "lines": lines,
                    "whole": whole,
                    "settled": settled_fen,
                    "differs": differs,
                    "fees": fees if side != "gap" else 0,
                }
            )
    return rows


def _classes(sheet: daysheet.DaySheet) -> list[dict[str, object]]:
    """Each class with both sides beside one another; what is settled first, as accountants tick off."""
    found: dict[tuple[bool, str, str, str], dict[str, comparison.Sum]] = {}
    for one in sheet.sums:
        found.setdefault((one.what not in bill.SETTLED, one.what.value, one.kind.value, one.currency), {})[one.side.value] = one
    return [
        {"what": what, "kind": kind, **{side.value: sides.get(side.value) for side in bill.Side}}
        for (_, what, kind, _), sides in sorted(found.items(), key=lambda told: told[0])
    ]


def _gaps(sheet: daysheet.DaySheet) -> dict[str, tuple[int, int]]:
    """Differences and what is in question, for each currency."""
    told: dict[str, tuple[int, int]] = {}
    for row in sheet.rows:
        gap = row.of.found.gap()
        lines, fen = told.get(gap.currency, (0, 0))
        told[gap.currency] = (lines + 1, fen + gap.fen)
    return told
