"""Statements as workbooks: what banks make of a sheet reads as their CSV does, and what attacks a reader of sheets is refused."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from makewhole.adapters.bills import bank, workbook
from makewhole.model import bill
from makewhole.model.bill import Refused, Wrong
from tests.bills import test_bank

HEADS = ["交易日期", "借方发生额(元)", "贷方发生额(元)", "账户余额", "对方户名", "摘要", "交易流水号"]
WE, ALI = "财付通支付科技有限公司", "支付宝(中国)网络技术有限公司"


def made(fill: Callable[[Any, Any], None], **options: Any) -> bytes:
    """A workbook of one sheet."""
    raw = io.BytesIO()
    with xlsxwriter.Workbook(raw, options) as book:
        fill(book, book.add_worksheet("明细"))
    return raw.getvalue()


def rows(*lines: list[Any]) -> bytes:
    """A sheet with the columns' names and these lines."""

    def fill(_: Any, sheet: Any) -> None:
        for at, cells in enumerate([HEADS, *lines]):
            sheet.write_row(at, 0, cells)

    return made(fill)


def line(at: object = "2026-11-19", fen: object = 12.5, payer: str = WE) -> list[Any]:
    return [at, "", fen, 100, payer, "结算", "0001"]


def told(raw: bytes) -> list[tuple[str, str, int]]:
    return [(one.channel, str(bill.date_of(one.day)), one.fen) for one in bank.read("a.xlsx", raw).lines]


def refused(raw: bytes) -> tuple[Wrong, int]:
    with pytest.raises(Refused) as caught:
        bank.read("a.xlsx", raw)
    return caught.value.wrong, caught.value.line


def altered(raw: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """The same workbook with one of its files changed, or a new one."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as read, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as write:
        for one in read.namelist():
            write.writestr(one, change(read.read(one)) if one == name else read.read(one))
        if name not in read.namelist():
            write.writestr(name, change(b""))
    return out.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
PLAIN = rows(line())


def swapped(old: str, new: str, name: str = SHEET) -> bytes:
    assert old.encode() in zipfile.ZipFile(io.BytesIO(PLAIN)).read(name)
    return altered(PLAIN, name, lambda xml: xml.replace(old.encode(), new.encode()))


def of_a_bank(book: Any, sheet: Any) -> None:
    """Merged titles, a blank line, dates as a spreadsheet counts them, money as numbers, the sum and who printed it below."""
    day, yuan = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}), book.add_format({"num_format": "#,##0.00"})
    sheet.merge_range("A1:G1", "某某银行 对公账户交易明细")
    sheet.merge_range("A2:G2", "账号：6222021234567890123    户名：某某商贸有限公司")
    sheet.write_row(3, 0, HEADS)
    moves = [
        (datetime.fromisoformat("2026-11-19T08:12:33"), None, 1281.5, WE, "1900000001结算款", "0001"),
        (datetime.fromisoformat("2026-11-19T09:00:00"), 500.0, None, "某某物流", "运费", "0002"),
        (datetime.fromisoformat("2026-11-20"), None, 99.9, ALI, "提现", "0004"),
    ]
    for at, (when, out, came, *rest) in enumerate(moves, start=4):
        sheet.write_datetime(at, 0, when, day)
        for column, amount in ((1, out), (2, came), (3, 10281.5)):
            if amount is not None:
                sheet.write_number(at, column, amount, yuan)
        sheet.write_row(at, 4, rest)
    sheet.write_row(7, 0, ["合计", 500, 1381.4])
    sheet.write(8, 0, "打印时间：2026-11-21 09:00:00")


@pytest.mark.parametrize("date_1904", [False, True])
def test_a_banks_workbook_reads_as_its_lines(date_1904: bool) -> None:  # noqa: FBT001  pytest hands it over
    """Whichever day it counts from; with the rows' own numbers."""
    read = bank.read("icbc.xlsx", made(of_a_bank, date_1904=date_1904))
    assert [(one.channel, str(bill.date_of(one.day)), one.fen, one.place) for one in read.lines] == [
        ("wechatpay", "2026-11-19", 128150, 5),
        ("alipay", "2026-11-20", 9990, 7),
    ]
    assert (read.others, read.lines[0].memo) == (1, "******0001结算款")


def test_a_statement_is_the_same_whichever_file_it_came_in() -> None:
    """Given as CSV once and as a workbook next, its lines are the same lines, and no money is there twice."""

    def fill(book: Any, sheet: Any) -> None:
        for at, text in enumerate(test_bank.ICBC.splitlines()):
            for column, cell in enumerate(next(csv.reader([text]))):
                number = cell.replace(",", "")
                if column in {2, 3, 4} and number.replace(".", "").isdigit():
                    sheet.write_number(at, column, float(number))
                elif column == 0 and number.isdigit():
                    sheet.write_datetime(at, 0, datetime.fromisoformat(number), book.add_format({"num_format": "yyyy/m/d"}))
                else:
                    sheet.write_string(at, column, cell)

    assert {one.id for one in bank.read("a.xlsx", made(fill)).lines} == {
        one.id for one in bank.read("a.csv", test_bank.ICBC.encode()).lines
    }


@pytest.mark.parametrize(
    "cell, fen",
    [
        (12, 1200),
        (12.5, 1250),
        (0.1 + 0.2, 30),
        (1281.4999999999998, 128150),
        ("1,281.50", 128150),
        ("¥7.00", 700),
        (9999999999999.99, 999999999999999),
    ],
)
def test_a_number_is_money_to_the_fen(cell: object, fen: int) -> None:
    """As a spreadsheet shows it: what a binary fraction adds in the sixteenth digit is no money."""
    assert told(rows(line(fen=cell))) == [("wechatpay", "2026-11-19", fen)]


@pytest.mark.parametrize("cell", [12.505, 0.001, 1e-7, 1e17, 12345678901234.5, "12.505", True, "1e3"])
def test_a_number_that_is_no_money_is_refused(cell: object) -> None:
    """Not rounded."""
    assert refused(rows(line(fen=cell))) == (Wrong.CELL, 2)


@pytest.mark.parametrize("cell", [46345, 46345.34, 20261119, "2026/11/19", "20261119 08:12:33", "2026年11月19日"])
def test_a_day_as_a_number_or_as_text(cell: object) -> None:
    """A day that nobody formatted is a number of days."""
    assert date(1899, 12, 30).toordinal() + 46345 == date(2026, 11, 19).toordinal()
    assert told(rows(line(at=cell))) == [("wechatpay", "2026-11-19", 1250)]


def test_the_one_sheet_with_a_statement_is_read() -> None:
    """Others may stand beside it; two statements are one too many; none is none."""

    def fill(book: Any, sheet: Any, second: list[str]) -> None:
        sheet.write_row(0, 0, ["说明"])
        book.add_worksheet("流水").write_row(0, 0, HEADS)
        book.sheetnames["流水"].write_row(1, 0, line())
        book.add_worksheet("又一").write_row(0, 0, second)

    assert told(made(lambda book, sheet: fill(book, sheet, ["汇总"]))) == [("wechatpay", "2026-11-19", 1250)]
    assert refused(made(lambda book, sheet: fill(book, sheet, HEADS))) == (Wrong.DOUBLED, 0)
    assert refused(made(lambda _, sheet: sheet.write(0, 0, "x"))) == (Wrong.COLUMNS, 0)


def test_a_sheet_that_says_it_is_smaller_is_read_whole() -> None:
    """Programs that write row by row do not know how many will follow."""
    assert told(altered(rows(line(), line(payer=ALI)), SHEET, lambda xml: xml.replace(b'ref="A1:G3"', b'ref="A1"')))[1][0] == "alipay"


@pytest.mark.parametrize("value", ["", "<v>12.5</v>"])
def test_a_formula_is_refused_whatever_it_came_to(value: str) -> None:
    """What it showed is the word of whoever opened it last."""
    assert refused(swapped('<c r="C2"><v>12.5</v></c>', f'<c r="C2"><f>A1*2</f>{value}</c>')) == (Wrong.CELL, 2)


@pytest.mark.parametrize(
    "old, new, wrong",
    [
        ('<row r="2"', '<row r="1"', (Wrong.DOUBLED, 1)),
        ('<row r="2"', '<row r="9999999"', (Wrong.TOO_LARGE, 9999999)),
        ('r="C2"', 'r="C1"', (Wrong.COLUMNS, 2)),
        ('r="C2"', 'r="A2"', (Wrong.DOUBLED, 2)),
        ('r="G2"', 'r="XFD2"', (Wrong.TOO_LARGE, 2)),
        ('<c r="C2">', '<c r="C2" t="e">', (Wrong.CELL, 2)),
        ('<c r="A2" t="s"><v>', '<c r="A2" t="s"><v>9', (Wrong.FOREIGN_FORMAT, 0)),
        ("</sheetData>", "", (Wrong.FOREIGN_FORMAT, 0)),
    ],
)
def test_a_sheet_that_readers_would_not_read_alike_is_refused(old: str, new: str, wrong: tuple[Wrong, int]) -> None:
    """A row out of its place, a cell of another row's, a column nobody has: somewhere money would be left out."""
    assert refused(swapped(old, new)) == wrong


ENTITIES = '<!DOCTYPE x [<!ENTITY a SYSTEM "{}"><!ENTITY b "&a;&a;">]>'


@pytest.mark.parametrize("name", [SHEET, "xl/sharedStrings.xml", "xl/workbook.xml", "[Content_Types].xml", "xl/media/image1.png"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_attack_27_entities_are_refused_before_they_are_read(name: str, encoding: str, tmp_path: Path) -> None:
    """In any file of the workbook, whatever it is called and however it is written."""
    secret = tmp_path / "secret"
    secret.write_text("2026-11-19")
    text = f'<?xml version="1.0" encoding="{encoding}"?>{ENTITIES.format(secret.as_uri())}<x>&b;</x>'
    assert refused(altered(PLAIN, name, lambda _: text.encode(encoding))) == (Wrong.FOREIGN_FORMAT, 0)


def test_attack_26_bombs_are_refused_unopened(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what they unpack to, each and together; by many files; by two of one name."""
    assert refused(altered(PLAIN, "xl/media/a.bin", lambda _: bytes(20 * 2**20))) == (Wrong.TOO_LARGE, 0)
    many = PLAIN
    with zipfile.ZipFile(opened := io.BytesIO(many), "a") as archive:
        for at in range(workbook.MEMBERS_MAX):
            archive.writestr(f"xl/media/{at}", b"x")
    assert refused(opened.getvalue()) == (Wrong.TOO_LARGE, 0)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(opened := io.BytesIO(PLAIN), "a") as archive:
        archive.writestr(SHEET, b"<x/>")
    assert refused(opened.getvalue()) == (Wrong.ARCHIVE, 0)
    assert refused(altered(PLAIN, "../a.xml", lambda _: b"<x/>")) == (Wrong.ARCHIVE, 0)
    size = sum(one.file_size for one in zipfile.ZipFile(io.BytesIO(PLAIN)).infolist())
    monkeypatch.setattr(workbook, "UNPACKED_BYTES_MAX", size)
    assert told(PLAIN)
    monkeypatch.setattr(workbook, "UNPACKED_BYTES_MAX", size - 1)
    assert refused(PLAIN) == (Wrong.TOO_LARGE, 0)


@pytest.mark.parametrize(
    "limit, just, over",
    [
        ("ROWS_MAX", 2, 1),
        ("COLUMNS_MAX", 7, 6),
        ("CELLS_MAX", 13, 12),
        ("TEXTS_MAX", 35, 34),
        ("SHEETS_MAX", 1, 0),
        ("CHARS_MAX", 69, 68),
    ],
)
def test_both_sides_of_each_limit(limit: str, just: int, over: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """So much may be in it and no more."""
    monkeypatch.setattr(workbook, limit, just)
    assert told(PLAIN)
    monkeypatch.setattr(workbook, limit, over)
    assert refused(PLAIN)[0] is Wrong.TOO_LARGE


def test_a_rule_over_endless_ranges_and_endless_styles_are_refused() -> None:
    """What costs a reader more than it says."""
    ranges = " ".join(["A1"] * workbook.ATTRIBUTE_CHARS_MAX)
    assert refused(swapped("</sheetData>", f'</sheetData><conditionalFormatting sqref="{ranges}"/>')) == (Wrong.TOO_LARGE, 0)
    assert refused(swapped("<fonts ", "<x/>" * workbook.OTHER_ELEMENTS_MAX + "<fonts ", "xl/styles.xml")) == (Wrong.TOO_LARGE, 0)


def test_macros_and_links_to_other_files_are_not_opened() -> None:
    """They may lie in it: what a workbook links to is nobody's statement."""
    link = b'<externalLink xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>'
    linked = altered(PLAIN, "xl/externalLinks/externalLink1.xml", lambda _: link)
    assert told(altered(linked, "xl/vbaProject.bin", lambda _: b"\xd0\xcf\x11\xe0macro")) == told(PLAIN)


@pytest.mark.parametrize("raw", [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), PLAIN[: len(PLAIN) // 2], b"PK\x03\x04"])
def test_old_workbooks_locked_ones_and_pieces_of_one_are_refused(raw: bytes) -> None:
    """With a word for what to do."""
    assert refused(raw)[0] in {Wrong.FOREIGN_FORMAT, Wrong.ARCHIVE}
