"""Days' sheets in, a workbook out: one sheet of sums, one of differences, written line by line in memory that does not grow with them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter

from makewhole.adapters.reports import table
from makewhole.model import bill, daysheet

_OPTIONS = {
    "constant_memory": True,
    # Text stays text: a number that begins with "=" is a number that begins with "=".
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}
_SUMS = ("day", "channel", "class", "side", "kind", "lines", "amount", "fees", "currency")
_PAYOUTS = ("channel", "paid-days", "bank-settled", "bank-days", "bank", "state")
_WIDTH = 16


def write(path: Path, sheets: Sequence[daysheet.DaySheet], words: table.Words) -> None:
    """The workbook, whole. In constant memory every line is written once, from top to bottom."""
    with xlsxwriter.Workbook(str(path), _OPTIONS) as book:
        strong = book.add_format({"bold": True, "bottom": 1})
        # Spreadsheets know no exact decimals: an amount is the nearest binary number, right to the fen up to ninety trillion yuan.
        amount, fees = book.add_format({"num_format": "#,##0.00"}), book.add_format({"num_format": "#,##0.00000"})
        sums = book.add_worksheet(words("sheet.sums")[0])
        _head(sums, [table.both(words, f"sheet.{name}") for name in _SUMS], strong)
        told = ((sheet, s) for sheet in sheets for s in sheet.sums)
        for place, (sheet, one) in enumerate(told, start=1):
            texts = (str(bill.date_of(one.day)), f"Source.{sheet.channel}", f"Break.{one.what.value}", f"Side.{one.side.value}")
            sums.write_string(place, 0, texts[0])
            for column, key in enumerate((*texts[1:], f"Kind.{one.kind.value}"), start=1):
                sums.write_string(place, column, table.both(words, key))
            sums.write_number(place, 5, one.lines)
            sums.write_number(place, 6, float(Decimal(one.fen).scaleb(-2)), amount)
            sums.write_number(place, 7, float(Decimal(one.fees_millifen).scaleb(-5)), fees)
            sums.write_string(place, 8, one.currency)
        rows = book.add_worksheet(words("sheet.differences")[0])
        _head(rows, table.heads(words), strong)
        for place, line in enumerate(table.lines(sheets, words), start=1):
            for column, cell in enumerate(line):
                if isinstance(cell, Decimal):
                    rows.write_number(place, column, float(cell), amount)
                elif cell:
                    rows.write_string(place, column, cell)
        _payouts(book, sheets, words, strong, amount)


def _payouts(book: Any, sheets: Sequence[daysheet.DaySheet], words: table.Words, strong: Any, amount: Any) -> None:
    """A third sheet, where a statement of the bank was given."""
    told = [(sheet, p) for sheet in sheets for p in sheet.payouts]
    if not told:
        return
    page = book.add_worksheet(words("sheet.payouts")[0])
    _head(page, [table.both(words, f"sheet.{name}") for name in _PAYOUTS], strong)
    for place, (sheet, one) in enumerate(told, start=1):
        page.write_string(place, 0, table.both(words, f"Source.{sheet.channel}"))
        page.write_string(place, 1, ", ".join(str(bill.date_of(day)) for day in one.days))
        page.write_number(place, 2, float(Decimal(one.settled_fen).scaleb(-2)), amount)
        page.write_string(place, 3, ", ".join(str(bill.date_of(line.day)) for line in one.lines))
        page.write_number(place, 4, float(Decimal(one.bank_fen).scaleb(-2)), amount)
        page.write_string(place, 5, table.both(words, f"Paid.{one.state.value}"))


def _head(sheet: Any, heads: Sequence[str], strong: Any) -> None:
    sheet.set_column(0, len(heads) - 1, _WIDTH)
    sheet.freeze_panes(1, 0)
    for column, head in enumerate(heads):
        sheet.write_string(0, column, head, strong)
