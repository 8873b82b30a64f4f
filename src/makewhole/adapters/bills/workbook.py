"""A bank's workbook (.xlsx) in, the rows of its one table out as text, as the same statement would read as CSV.

Everything is measured and looked through before the library that understands workbooks sees it. Nothing in it is run, fetched or
reckoned: macros, pictures and links to other files are not opened, and a formula is refused, since a bank writes values.
"""

from __future__ import annotations

import io
import math
import re
import warnings
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import IO, Any
from xml.parsers import expat

import openpyxl

from makewhole.adapters.bills import unpacking
from makewhole.model.bill import Refused, Wrong

UNPACKED_BYTES_MAX = 128 * 2**20
"""All files of the archive together: a hundred thousand lines of fifteen cells come to half of it."""
MEMBERS_MAX = 200
"""Files in the archive. A workbook of one sheet has ten; each sheet, picture and link is one or two more."""
SHEETS_MAX = 20
"""Sheets that are looked through for the table."""
ROWS_MAX = 200_000
"""Of a sheet; twice what a statement of `bank.BYTES_MAX` has."""
COLUMNS_MAX = 256
"""Of a sheet: banks have thirty at most, and the old workbooks could have no more."""
CELLS_MAX = 1_500_000
"""Of all sheets together: a hundred thousand lines of fifteen. They take half a minute to read."""
TEXTS_MAX = 2 * CELLS_MAX
"""Elements that hold values: a cell's own, and two more for a text that cells share."""
OTHER_ELEMENTS_MAX = 200_000
"""What is neither cell nor text: styles, merged cells, rules. They are kept while the file is read, at a kilobyte each."""
ATTRIBUTE_CHARS_MAX = 8_192
"""Of an attribute: a list of ranges that a rule holds for takes time that grows with its square."""
CHARS_MAX = 64 * 2**20
"""Of all cells together. Cells share their texts, so that a small file may spell a long one a million times."""
NUMBER_DIGITS = 15
"""As many of a number as a spreadsheet keeps and shows: yuan and fen of ten trillion. What is beyond is the noise of binary fractions."""
_TEXTS = frozenset({"v", "is", "t", "si"})
_PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})", re.ASCII)
_HEAD = 64
_BEFORE_MARKUP = b"\xef\xbb\xbf\xfe\xff\x00 \t\r\n"
_CHUNK = 2**20


@dataclass(frozen=True, kw_only=True)
class Table:
    """`rows`: of the sheet, from its first one on. `day_zero`: from where it counts days, where a date is written as a number."""

    rows: Sequence[Sequence[str]]
    day_zero: date


def is_one(raw: bytes) -> bool:
    """Whether it is packed as workbooks are."""
    return raw.startswith(b"PK\x03\x04")


def table(raw: bytes, heads: Callable[[Sequence[str]], bool], titles: int) -> Table:
    """The sheet in which one of the first rows (`titles` of them at most) `heads` a table. Raises Refused where that is not just one."""
    _looked_through(raw)
    with warnings.catch_warnings():
        # Of styles and rules that it does not know; a statement is read without them.
        warnings.simplefilter("ignore")
        try:
            book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True, keep_links=False)
            sheets = book.worksheets
            if len(sheets) > SHEETS_MAX:
                raise Refused(Wrong.TOO_LARGE, 0, f"{len(sheets)} sheets; {SHEETS_MAX} at most")
            found = [sheet for sheet in sheets if any(heads(row) for row in _rows(sheet, titles))]
            if len(found) > 1:
                raise Refused(Wrong.DOUBLED, 0, f"a statement in {len(found)} sheets: leave one")
            rows = _rows(found[0], ROWS_MAX) if found else []
            return Table(rows=rows, day_zero=book.epoch.date())
        except Refused:
            raise
        except Exception as broken:  # the library has no one word for a file that it cannot read
            why = f"not a workbook that can be read ({type(broken).__name__}): save its sheet as CSV"
            raise Refused(Wrong.FOREIGN_FORMAT, 0, why) from broken


def _rows(sheet: Any, most: int) -> list[list[str]]:
    """The first rows, and Refused where there are more than `ROWS_MAX`. A sheet's own word on how large it is is often wrong."""
    sheet.reset_dimensions()
    told: list[list[str]] = []
    chars = 0
    for place, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        if place > most:
            if most == ROWS_MAX:
                raise Refused(Wrong.TOO_LARGE, place, f"more than {ROWS_MAX} rows")
            break
        if len(row) > COLUMNS_MAX:
            raise Refused(Wrong.TOO_LARGE, place, f"{len(row)} columns; {COLUMNS_MAX} at most")
        told.append([_text(cell) for cell in row])
        chars += sum(map(len, told[-1]))
        if chars > CHARS_MAX:
            raise Refused(Wrong.TOO_LARGE, place, f"more than {CHARS_MAX} characters in its cells")
    return told


def _text(cell: Any) -> str:
    """A cell as the bank's CSV would have it."""
    match cell:
        case None:
            return ""
        case float():
            # 1281.4999999999998 is how a program wrote 1281.50; 1281.505 stays what it is, and is no amount.
            whole = math.isfinite(cell) and cell.is_integer() and abs(cell) < 10**NUMBER_DIGITS
            return str(int(cell)) if whole else f"{cell:.{NUMBER_DIGITS}g}"
        case datetime():
            return str(cell.date()) if cell.time() == time() else f"{cell:%Y-%m-%d %H:%M:%S}"
        case _:
            return str(cell)


def _looked_through(raw: bytes) -> None:
    """Raises Refused unless all of it is as large as it says, plain and in its order."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            listed = archive.infolist()
            unpacked = sum(one.file_size for one in listed)
            if len(listed) > MEMBERS_MAX or unpacked > UNPACKED_BYTES_MAX:
                allowed = f"{MEMBERS_MAX} and {UNPACKED_BYTES_MAX} at most"
                raise Refused(Wrong.TOO_LARGE, 0, f"{len(listed)} files in it, {unpacked} bytes together; {allowed}")
            if len({one.filename for one in listed}) < len(listed):
                raise Refused(Wrong.ARCHIVE, 0, "two files of one name in it")
            counted = _Counted()
            for one in listed:
                unpacking.harmless(one)
                with archive.open(one) as opened:
                    # By what it is, not by its name: a sheet may be called a picture.
                    head = opened.read(_HEAD)
                    if head.lstrip(_BEFORE_MARKUP)[:1] in {b"<", b""}:
                        _Look(one.filename, counted).through(head, opened)
    except (EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, ValueError) as broken:
        raise Refused(Wrong.ARCHIVE, 0, f"not a whole workbook: {broken}") from broken


@dataclass
class _Counted:
    """Over all files of a workbook."""

    cells: int = 0
    texts: int = 0
    others: int = 0


class _Look:
    """One file of a workbook, looked through without being kept."""

    def __init__(self, name: str, counted: _Counted) -> None:
        self._name, self._counted = name, counted
        self._row, self._column, self._in_cell = 0, 0, False
        self._root = ""

    def through(self, head: bytes, opened: IO[bytes]) -> None:
        """Raises Refused at what no statement has, or has in another order."""
        parser = expat.ParserCreate(namespace_separator="}")
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        try:
            parser.Parse(head, False)
            while part := opened.read(_CHUNK):
                parser.Parse(part, False)
            parser.Parse(b"", True)
        except expat.ExpatError as broken:
            raise Refused(Wrong.FOREIGN_FORMAT, 0, f"{self._name} is not whole: {broken}") from broken

    def _doctype(self, *_: object) -> None:
        # Entities, of which a hundred bytes unfold to gigabytes or name a file of ours, can only be declared there.
        raise Refused(Wrong.FOREIGN_FORMAT, 0, f"{self._name} declares a document type, which no workbook does")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition("}")[2]
        if any(len(value) > ATTRIBUTE_CHARS_MAX for value in attributes.values()):
            raise Refused(Wrong.TOO_LARGE, 0, f"{self._name} has an attribute of more than {ATTRIBUTE_CHARS_MAX} characters")
        self._root = self._root or local
        of_sheet = self._root == "worksheet"
        if of_sheet and local == "c":
            self._cell(attributes)
        elif of_sheet and local == "row":
            self._next_row(attributes)
        elif local == "f" and self._in_cell:
            raise Refused(Wrong.CELL, self._row, "a formula; a bank writes values: give the statement as it was exported")
        elif local in _TEXTS:
            self._counted.texts += 1
            if self._counted.texts > TEXTS_MAX:
                raise Refused(Wrong.TOO_LARGE, self._row, f"more than {TEXTS_MAX} values")
        else:
            self._counted.others += 1
            if self._counted.others > OTHER_ELEMENTS_MAX:
                raise Refused(Wrong.TOO_LARGE, 0, f"more than {OTHER_ELEMENTS_MAX} styles, rules and merged cells: save its sheet as CSV")

    def _end(self, name: str) -> None:
        if name.rpartition("}")[2] == "c":
            self._in_cell = False

    def _next_row(self, attributes: dict[str, str]) -> None:
        # A row behind its place is one that readers leave out or write over: money that nobody misses.
        place = int(attributes.get("r", self._row + 1))
        if place <= self._row:
            raise Refused(Wrong.DOUBLED, self._row, f"row {place} stands behind row {self._row}")
        if place > ROWS_MAX:
            raise Refused(Wrong.TOO_LARGE, place, f"more than {ROWS_MAX} rows")
        self._row, self._column = place, 0

    def _cell(self, attributes: dict[str, str]) -> None:
        self._counted.cells += 1
        if self._counted.cells > CELLS_MAX:
            raise Refused(Wrong.TOO_LARGE, self._row, f"more than {CELLS_MAX} cells")
        told = _PLACE.fullmatch(attributes["r"]) if "r" in attributes else None
        if "r" in attributes and (told is None or int(told[2]) != self._row):
            raise Refused(Wrong.COLUMNS, self._row, "a cell that stands in no place, or in another row's")
        column = self._column + 1 if told is None else _number(told[1])
        if column <= self._column:
            raise Refused(Wrong.DOUBLED, self._row, f"column {column} stands behind column {self._column}")
        if column > COLUMNS_MAX:
            raise Refused(Wrong.TOO_LARGE, self._row, f"{column} columns; {COLUMNS_MAX} at most")
        if attributes.get("t") == "e":
            raise Refused(Wrong.CELL, self._row, "an error where a value should be")
        self._column, self._in_cell = column, True


def _number(letters: str) -> int:
    """A column's letters as its number, from 1."""
    found = 0
    for letter in letters:
        found = found * 26 + ord(letter) - ord("A") + 1
    return found
