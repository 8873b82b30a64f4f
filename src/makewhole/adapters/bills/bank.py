"""A bank's statement in, as its counter or its online banking exports it (a table with named columns), the lines of channels out.

Banks agree on no format, but on what they call things: the columns are found by their names, wherever they stand, below whatever title
stands above them. What is not understood is refused whole, with its line: a line that is skipped is money that nobody misses.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from makewhole.adapters.bills import unpacking
from makewhole.core import codec, ids, money
from makewhole.model import bank, bill
from makewhole.model.bill import Refused, Wrong

BYTES_MAX = 16 * 2**20
"""Bytes of a statement: a hundred thousand lines. A merchant with more exports it by the month."""
TITLE_LINES_MAX = 30
"""Lines above the columns' names: the account, the span, who exported it and when."""
MEMO_LENGTH = 200
"""Characters that are kept of what the bank wrote beside a line."""
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "date": ("交易日期", "记账日期", "入账日期", "交易时间", "记账时间", "交易日", "记账日", "入账日", "日期", "date"),
    "income": ("收入金额", "收入", "贷方发生额", "贷方金额", "贷方", "存入金额", "转入金额", "收入发生额", "credit"),
    "amount": ("交易金额", "发生额", "金额", "amount"),
    "direction": ("借贷标志", "借贷标识", "借贷方向", "借贷", "收支方向", "收/支", "收支", "来往账标志"),
    "payer": ("对方户名", "对方名称", "对方账户名称", "对方单位名称", "对方单位", "付款人名称", "付款方户名", "付款人户名"),
    "memo": ("摘要", "交易摘要", "摘要说明", "用途", "交易用途", "附言", "交易附言", "客户附言", "备注"),
    "serial": ("交易流水号", "流水号", "核心流水号", "业务流水号", "交易序列号", "凭证号"),
    "balance": ("账户余额", "余额", "交易后余额", "本次余额"),
}  # fmt: skip
"""What banks call their columns, the likeliest first. What stands in brackets behind a name, a unit mostly, is not looked at."""
_IN = frozenset({"贷", "贷方", "收入", "收", "来账", "入", "C", "CR"})
_OUT = frozenset({"借", "借方", "支出", "支", "往账", "出", "D", "DR"})
_SUMS = ("合计", "总计")
_SUMS_OF_ONE = ("收入合计", "支出合计", "借方合计", "贷方合计", "借方发生额合计", "贷方发生额合计")
_ENDS = (*_SUMS, "本页合计", "总笔数", "汇总", "累计", "打印", "制表", "操作员", "温馨提示", "注:", *_SUMS_OF_ONE)
"""How the lines begin that stand below the last movement."""
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{1,2})-|/([0-9]{1,2})/|年([0-9]{1,2})月|([0-9]{2}))([0-9]{1,2})日?(?:[ T].*|[0-9]{6})?", re.ASCII)
_AMOUNT = re.compile(r"[¥+]?-?[0-9][0-9,]*(?:\.[0-9]{1,2})?", re.ASCII)
_SERIAL = re.compile(r"([0-9]{5})(?:\.[0-9]+)?", re.ASCII)
_THOUSANDS = re.compile(r"-?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]{1,2})?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Words:
    """How a merchant's bank calls things, where it is not as most do: by the keys of `COLUMNS`, and by channel."""

    columns: Mapping[str, str] = field(default_factory=dict)
    payers: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _Row:
    place: int
    cells: Mapping[str, str]
    memos: tuple[str, ...]
    sums: bool = False
    """Whether it is no movement, but says what all of them come to."""


@dataclass(frozen=True, kw_only=True)
class _Lines:
    """What stands in a file, each line with its number. `day_zero`: from where a workbook counts days; text counts none."""

    lines: Iterator[tuple[int, Sequence[str]]]
    day_zero: date | None = None


def read(name: str, raw: bytes, words: Words | None = None) -> bank.Statement:
    """The statement. Raises Refused for the first line that is wrong, nothing taken over."""
    from makewhole.adapters.bills import formats  # noqa: PLC0415  its engine takes longer to import than a statement to read

    of = words or Words()
    payers: dict[str, Sequence[str]] = {**{form.channel: form.payers for form in formats.FORMATS.values()}, **of.payers}
    opened = _opened(raw, of)
    told_of = list(_rows(opened.lines, of))
    rows = [row for row in told_of if not row.sums]
    days = [_day(row, opened.day_zero) for row in rows]
    if not days:
        raise Refused(Wrong.TRUNCATED, 0, "no movement stands in it")
    _adds_up(rows, [row for row in told_of if row.sums])
    lines: list[bank.Line] = []
    alike: Counter[str] = Counter()
    for row, day in zip(rows, days, strict=True):
        fen = _income(row)
        channel = None if fen is None else _channel(row, payers)
        if fen is None or channel is None:
            continue
        told = "\x1f".join((str(bill.date_of(day)), row.cells.get("serial", "").lstrip("0"), _balance(row), *row.memos))
        alike[f"{fen}\x1f{told}"] += 1
        key = ids.derive("bank-line", channel, fen, told, alike[f"{fen}\x1f{told}"])
        memo = bank.private(" ".join(m for m in row.memos if m))[:MEMO_LENGTH]
        lines.append(bank.Line(id=key, place=row.place, channel=channel, day=day, fen=fen, memo=memo))
    return bank.Statement(
        digest=codec.digest_bytes(raw),
        name=bank.private(name),
        first=min(days),
        last=max(days),
        lines=tuple(lines),
        others=len(rows) - len(lines),
    )


def _opened(raw: bytes, words: Words) -> _Lines:
    """What stands in the file, whichever kind it is."""
    if len(raw) > BYTES_MAX:
        raise Refused(Wrong.TOO_LARGE, 0, f"{len(raw)} bytes; {BYTES_MAX} at most")
    if raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise Refused(
            Wrong.FOREIGN_FORMAT, 0, "a workbook of the old kind (.xls) or under a password: save it as .xlsx without one, or as CSV"
        )
    if not raw.startswith(b"PK\x03\x04"):
        return _Lines(lines=_csv(_text(raw), words))
    from makewhole.adapters.bills import workbook  # noqa: PLC0415  a third of a second that only a workbook is worth

    table = workbook.table(raw, lambda row: bool(_places(row, words)), TITLE_LINES_MAX)
    return _Lines(lines=enumerate(table.rows, start=1), day_zero=table.day_zero)


def _text(raw: bytes) -> str:
    unpacking.no_markup(raw, "a statement as CSV")
    if raw[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return unpacking.text(raw, "utf-16")
    try:
        return unpacking.text(raw, "utf-8")
    except Refused:
        return unpacking.text(raw, "gb18030")


def _csv(text: str, words: Words) -> Iterator[tuple[int, Sequence[str]]]:
    heading = text.split("\n", TITLE_LINES_MAX)[:TITLE_LINES_MAX]
    delimiter = "\t" if any("\t" in line and _places(line.split("\t"), words) for line in heading) else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        # Of a cell that spans lines, the first one is the one to be told.
        place = reader.line_num + 1
        try:
            yield place, next(reader)
        except StopIteration:
            return
        except csv.Error as broken:
            raise Refused(Wrong.COLUMNS, place, str(broken)) from broken


def _rows(lines: Iterator[tuple[int, Sequence[str]]], words: Words) -> Iterator[_Row]:
    """The movements. What stands above their columns' names is not looked at; below the last one only sums may stand."""
    places: dict[str, int] = {}
    memos: list[int] = []
    width, ended = 0, False
    for place, cells in lines:
        told = [_cell(cell) for cell in cells]
        if not any(told):
            continue
        if not places:
            places = _places(told, words)
            memos, width = [i for i, cell in enumerate(told) if _name(cell) in COLUMNS["memo"]], len(told)
            if not places and place >= TITLE_LINES_MAX:
                break
            continue
        head = next(cell for cell in told if cell)
        ends = head.startswith(_ENDS)
        if ended and not ends:
            raise Refused(Wrong.DOUBLED, place, "a movement stands below the sums")
        ended = ends
        if ends and not head.startswith(_SUMS):
            continue
        if not ends and (len(told) < max(places.values()) + 1 or any(told[width:])):
            raise Refused(Wrong.COLUMNS, place, f"{len(told)} cells, the heading has {width}")
        yield _Row(
            place=place,
            cells={key: told[at] for key, at in places.items() if at < len(told)},
            memos=tuple(told[at] for at in memos if at < len(told)),
            sums=ends,
        )
    if not places:
        lacking = "no line names a date and what came in (交易日期, 收入金额 or 贷方发生额, or an amount with its direction)"
        raise Refused(Wrong.COLUMNS, 0, lacking)


def _adds_up(rows: Sequence[_Row], sums: Sequence[_Row]) -> None:
    """Raises Refused where the last of the sums names another income than its lines: the file was cut, or somebody was at it."""
    told = sums[-1] if sums else None
    said = _fen(told, "income") if told is not None and _AMOUNT.fullmatch(told.cells.get("income", "")) else None
    if told is not None and said is not None:
        bill.adds_up("收入", counted=sum(_fen(row, "income") or 0 for row in rows), said=said, line=told.place)


def _places(cells: Sequence[str], words: Words) -> dict[str, int]:
    """Where each column stands; nothing where this is no heading. Raises Refused where one stands twice."""
    named = [_name(_cell(cell)) for cell in cells]
    found: dict[str, int] = {}
    for key, known in COLUMNS.items():
        wanted = (_name(words.columns[key]),) if key in words.columns else known
        name = next((one for one in wanted if one in named), None)
        if name is not None:
            found[key] = named.index(name)
    if "date" not in found or not ("income" in found or {"amount", "direction"} <= found.keys()):
        return {}
    twice = next((named[at] for key, at in found.items() if key != "memo" and named.count(named[at]) > 1), None)
    if twice is not None:
        raise Refused(Wrong.COLUMNS, 0, f"column {twice} stands twice")
    return found


def _name(cell: str) -> str:
    """A column's name without its blanks and what stands in brackets behind it."""
    return re.sub(r"\(.*\)$", "", re.sub(r"\s", "", cell)).casefold()


def _cell(cell: str) -> str:
    """A cell as it reads: in one width, without blanks, tabs and the quotes that keep a spreadsheet from reckoning with it."""
    told = unicodedata.normalize("NFKC", cell).strip("\ufeff \t\r\n")
    if told.startswith('="') and told.endswith('"'):
        told = told[2:-1]
    return told.removeprefix("'").strip()


def _day(row: _Row, day_zero: date | None) -> int:
    counted = _SERIAL.fullmatch(row.cells["date"]) if day_zero is not None else None
    if counted is not None and day_zero is not None:
        # A workbook's day that nobody formatted as one: 10000 is a day of 1927, 99999 one of 2173.
        return bill.day_number(day_zero + timedelta(days=int(counted[1])))
    told = _DATE.fullmatch(row.cells["date"])
    if told is not None:
        year, *months, day = told.groups()
        try:
            return bill.day_number(date(int(year), int(next(m for m in months if m)), int(day)))
        except ValueError:
            pass
    raise Refused(Wrong.CELL, row.place, f"no date: {_shown(row.cells['date'])}")


def _income(row: _Row) -> int | None:
    """What came in, in fen; None where nothing did."""
    if "income" in row.cells:
        return _fen(row, "income")
    direction = row.cells["direction"].upper()
    if direction not in _IN | _OUT:
        raise Refused(Wrong.CELL, row.place, f"neither in nor out: {_shown(direction)}")
    fen = _fen(row, "amount")
    if fen is None:
        raise Refused(Wrong.CELL, row.place, "no amount")
    return fen if direction in _IN else None


def _fen(row: _Row, key: str) -> int | None:
    cell = row.cells[key].removeprefix("¥").removeprefix("+").strip()
    if cell in {"", "-", "--"}:
        return None
    try:
        return money.parse_yuan(cell.replace(",", "") if _THOUSANDS.fullmatch(cell) else cell) or None
    except ValueError as wrong:
        raise Refused(Wrong.CELL, row.place, f"no amount: {_shown(cell)}") from wrong


def _balance(row: _Row) -> str:
    """As the same money reads wherever it is written; as it stands where it is none."""
    told = row.cells.get("balance", "")
    try:
        return str(money.parse_yuan(told.removeprefix("¥").replace(",", "")))
    except ValueError:
        return told


def _channel(row: _Row, payers: Mapping[str, Sequence[str]]) -> ids.ChannelName | None:
    """Who paid: by the payer's name; where it names none of them, by what is written beside it."""
    for told in (row.cells.get("payer", ""), " ".join(row.memos)):
        named = [channel for channel, names in payers.items() if any(name in told for name in names)]
        if len(named) > 1:
            raise Refused(Wrong.CELL, row.place, f"of {' and of '.join(named)}")
        if named:
            return ids.ChannelName(named[0])
    return None


def _shown(cell: str) -> str:
    """As much of a cell as says what is wrong with it: somebody's number may stand where it does not belong."""
    return repr(bank.private(cell)[:20])
