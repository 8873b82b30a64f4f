"""A day's sheet in, the lines of a table out: what a workbook and a CSV file have in common. Words come from whoever speaks them."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from makewhole.core import clock, money
from makewhole.model import bill, comparison, daysheet

Words = Callable[[str], tuple[str, str]]
"""The Chinese and the English of a word of ours, such as `Break.amount` or `sheet.order`."""
Cell = str | Decimal | None
"""Amounts are numbers of whole yuan and fen, everything else is text."""
COLUMNS = (
    "day",
    "channel",
    "class",
    "kind",
    "number",
    "order",
    "ours-amount",
    "ours-standing",
    "ours-at",
    "theirs-amount",
    "theirs-standing",
    "theirs-at",
    "gap",
    "currency",
    "ailment",
    "cause",
    "state",
    "owner",
    "deadline",
    "decision",
    "why",
    "id",
)
_FORMULA = re.compile(r"^[\s\ufeff]*[=+\-@＝＋－＠]|^[\t\r\n]", re.MULTILINE)
"""What a spreadsheet takes for a formula at the beginning of a cell, or of a line in it where it reads lines for itself; what it skips to
find one; and the same in full width, which some make narrow (OWASP, CSV injection)."""


def heads(words: Words) -> list[str]:
    """The heads of the columns, Chinese first."""
    return [" ".join(words(f"sheet.{name}")) for name in COLUMNS]


def lines(sheets: Sequence[daysheet.DaySheet], words: Words) -> Iterator[list[Cell]]:
    """One line for every difference of every sheet."""
    for sheet in sheets:
        for row in sheet.rows:
            yield _line(sheet, row, words)


def write_csv(path: Path, sheets: Sequence[daysheet.DaySheet], words: Words) -> None:
    """UTF-8 with the mark that spreadsheets look for; no text in it is taken for a formula."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([harmless(head) for head in heads(words)])
        for line in lines(sheets, words):
            writer.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in line])


def harmless(text: str) -> str:
    """The text, behind a quote where a spreadsheet would reckon with it: buyers and bills can write what they like into a number."""
    return f"'{text}" if _FORMULA.search(text) else text


def yuan(amount: money.Money) -> Decimal:
    """As people write it."""
    return Decimal(amount.fen).scaleb(-2)


def both(words: Words, key: str) -> str:
    """The Chinese and the English of it, in one."""
    return " ".join(words(key))


def _line(sheet: daysheet.DaySheet, row: daysheet.Row, words: Words) -> list[Cell]:
    of, known = row.of.found, row.case
    reason = None if known is None else known.finding.reason
    return [
        str(bill.date_of(of.day)),
        both(words, f"Source.{sheet.channel}"),
        both(words, f"Break.{row.of.what().value}"),
        both(words, f"Kind.{of.kind.value}"),
        of.number or "",
        of.order.number,
        *_side(of.ours, words),
        *_side(of.theirs, words),
        yuan(of.gap()),
        of.gap().currency,
        "" if known is None else both(words, f"Ailment.{known.finding.ailment.value}"),
        "" if reason is None else both(words, f"CauseDetail.{reason.detail.value}"),
        both(words, f"DayState.{row.state.value}"),
        row.owner(),
        instant(row.deadline()),
        "" if row.decided is None else both(words, f"Choice.{row.decided.choice.value}"),
        "" if row.decided is None else row.decided.why,
        of.id,
    ]


def _side(told: comparison.Told | None, words: Words) -> list[Cell]:
    if told is None:
        return [None, "", ""]
    return [yuan(told.amount()), both(words, f"Standing.{told.standing.value}"), instant(told.at)]


def instant(at: datetime | None) -> str:
    """Beijing time to the second, as accountants file it."""
    return "" if at is None else f"{at.astimezone(clock.BEIJING):%Y-%m-%d %H:%M:%S}"
