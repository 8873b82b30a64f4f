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


def _head(sheet: Any, heads: Sequence[str], strong: Any) -> None:
    sheet.set_column(0, len(heads) - 1, _WIDTH)
    sheet.freeze_panes(1, 0)
    for column, head in enumerate(heads):
        sheet.write_string(0, column, head, strong)
