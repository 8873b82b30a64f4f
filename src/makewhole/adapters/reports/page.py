"""Days' sheets in, one page out that an accountant prints and files: Chinese first, English beside it, nothing fetched from anywhere."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from pathlib import Path

import jinja2

from makewhole.adapters.reports import table
from makewhole.core import money
from makewhole.model import bank, bill, daysheet


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
        books=_books,
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
    return f"{sign}{whole // 100_000}.{whole % 100_000:05d}"


def _books(sheet: daysheet.DaySheet) -> list[dict[str, object]]:
    """For each side, currency and kind: the whole book, what of it is settled and what is not. The three add up (law 7)."""
    found: dict[tuple[str, str, str], list[int]] = {}
    for one in sheet.sums:
        held = found.setdefault((one.side.value, one.kind.value, one.currency), [0, 0, 0, 0])
        held[0] += one.lines
        held[1] += one.fen
        held[2 if one.what in bill.SETTLED else 3] += one.fen
    return [
        {"side": side, "kind": kind, "currency": currency, "lines": held[0], "whole": held[1], "settled": held[2], "differs": held[3]}
        for (side, kind, currency), held in sorted(found.items())
    ]
