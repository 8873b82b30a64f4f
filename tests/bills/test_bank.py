"""Statements as banks export them: columns by their names, refused whole with the line, nothing kept that is nobody's business."""

from __future__ import annotations

from datetime import date

import pytest

from makewhole.adapters.bills import bank
from makewhole.core import codec
from makewhole.model import bill
from makewhole.model.bill import Refused, Wrong

ICBC = """\
账号：,6222021234567890123,户名：,某某商贸有限公司
查询时间：,2026-11-21 09:00:00
交易日期,交易时间,借方发生额(元),贷方发生额(元),账户余额,对方户名,对方账号,摘要,用途,交易流水号
20261119,08:12:33,,"1,281.50","10,281.50",财付通支付科技有限公司,243300133,财付通,1900000001结算款,="0001"\t
20261119,09:00:00,500.00,,"9,781.50",某某物流,622848001234567890,运费,,0002
20261120,08:10:00,,300.00,"10,081.50",张三,6222020000000000000,货款 13800138000,,0003
20261120,08:12:30,,99.90,"10,181.40",支付宝（中国）网络技术有限公司,,提现 6222021234567890123,,0004
合计,,500.00,"1,681.40",,,,,,
"""
CMB = "日期\t收支方向\t金额\t对方名称\t备注\n2026/11/19\t收入\t12.30\t抖音支付科技有限公司\t结算\n2026/11/20\t支出\t9.00\t房东\t\n"


def read(text: str, encoding: str = "utf-8", words: bank.Words | None = None) -> list[tuple[str, int, int, str]]:
    """Channel, day, fen, memo of each line."""
    told = bank.read("a.csv", text.encode(encoding), words)
    return [(line.channel, line.day, line.fen, line.memo) for line in told.lines]


def day(told: str) -> int:
    return bill.day_number(date.fromisoformat(told))


@pytest.mark.parametrize("encoding", ["gbk", "utf-8", "utf-8-sig", "utf-16"])
def test_lines_of_channels_are_found_whatever_the_bank_writes(encoding: str) -> None:
    """Below a title, with sums at the end; only what channels sent is kept, without the numbers of accounts and cards."""
    told = bank.read("icbc.csv", ICBC.encode(encoding))
    assert (told.first, told.last, told.others) == (day("2026-11-19"), day("2026-11-20"), 2)
    assert told.digest == codec.digest_bytes(ICBC.encode(encoding))
    assert [(line.channel, line.day, line.fen, line.place) for line in told.lines] == [
        ("wechatpay", day("2026-11-19"), 128150, 4),
        ("alipay", day("2026-11-20"), 9990, 7),
    ]
    assert [line.memo for line in told.lines] == ["财付通 ******0001结算款", "提现 ***************0123"]
    kept = codec.canonical(told).decode()
    assert not any(number in kept for number in ("6222", "13800138000", "张三", "243300133", "1900000001"))


def test_one_amount_with_its_direction_and_tabs() -> None:
    """Some banks have one column and say beside it which way the money went."""
    assert read(CMB) == [("douyinpay", day("2026-11-19"), 1230, "结算")]


def test_statements_that_overlap_tell_of_a_line_once() -> None:
    """By what the bank says of it; two that are alike in one statement are two."""
    line = next(line for line in ICBC.splitlines(keepends=True) if "财付通支付" in line)
    two = ICBC.replace(line, line + line).replace("1,681.40", "2,962.90")
    first, second = (bank.read("a.csv", text.encode()) for text in (ICBC, two))
    assert len({line.id for line in second.lines}) == 3
    assert {line.id for line in first.lines} < {line.id for line in second.lines}


def test_a_bank_with_words_of_its_own_is_told_of_in_the_settings() -> None:
    """Columns and payers by name."""
    text = "入帐日,进帐,来源\n2026年11月19日,¥7.00,某支付\n"
    words = bank.Words(columns={"date": "入帐日", "income": "进帐", "payer": "来源"}, payers={"wechatpay": ["某支付"]})
    assert read(text, words=words) == [("wechatpay", day("2026-11-19"), 700, "")]
    with pytest.raises(Refused):
        read(text)


HEAD = "交易日期,收入金额,对方户名,摘要\n"


@pytest.mark.parametrize(
    "text, wrong, line",
    [
        ("a,b\n1,2\n", Wrong.COLUMNS, 0),
        ("交易日期,收入金额,收入金额\n", Wrong.COLUMNS, 0),
        (HEAD, Wrong.TRUNCATED, 0),
        (HEAD + "昨天,1.00,财付通,\n", Wrong.CELL, 2),
        (HEAD + "2026-02-30,1.00,财付通,\n", Wrong.CELL, 2),
        (HEAD + "2026-11-19,1.005,财付通,\n", Wrong.CELL, 2),
        (HEAD + '2026-11-19,"1,00.00",财付通,\n', Wrong.CELL, 2),
        (HEAD + "2026-11-19,1e3,财付通,\n", Wrong.CELL, 2),
        # A thousand that was not put into quotes is two cells.
        (HEAD + "2026-11-19,1,281.50,财付通,x\n", Wrong.COLUMNS, 2),
        (HEAD + "2026-11-19\n", Wrong.COLUMNS, 2),
        (HEAD + '2026-11-19,1.00,"财付通', Wrong.COLUMNS, 2),
        (HEAD + "2026-11-19,1.00,财付通,\n合计,1.00,,\n2026-11-20,2.00,财付通,\n", Wrong.DOUBLED, 4),
        (HEAD + "2026-11-19,1.00,财付通,\n合计,3.00,,\n", Wrong.SUMS, 3),
        (HEAD + "2026-11-19,1.00,财付通支付宝,\n", Wrong.CELL, 2),
        (CMB.replace("收入", "转"), Wrong.CELL, 2),
        ("<html>" + HEAD, Wrong.FOREIGN_FORMAT, 1),
        ("PK\x03\x04", Wrong.ARCHIVE, 0),
    ],
)
def test_a_statement_that_is_wrong_in_one_line_is_refused_whole(text: str, wrong: Wrong, line: int) -> None:
    """With the line, and why."""
    with pytest.raises(Refused) as caught:
        bank.read("a.csv", text.encode())
    assert (caught.value.wrong, caught.value.line) == (wrong, line)


def test_a_refusal_shows_no_account() -> None:
    """A number that stands in the wrong column is not told on."""
    with pytest.raises(Refused) as caught:
        bank.read("a.csv", (HEAD + "2026-11-19,6222021234567890123,财付通,\n").encode())
    assert "6222" not in str(caught.value)


def test_bytes_that_are_no_text_and_files_that_are_too_large_are_refused() -> None:
    """Both sides of the limit."""
    with pytest.raises(Refused) as caught:
        bank.read("a.csv", HEAD.encode() + b"2026-11-19,1.00,\xff\xff,\n")
    assert (caught.value.wrong, caught.value.line) == (Wrong.ENCODING, 2)
    right = (HEAD + "2026-11-19,1.00,财付通,\n").encode()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bank, "BYTES_MAX", len(right))
        assert bank.read("a.csv", right).lines
        with pytest.raises(Refused) as caught:
            bank.read("a.csv", right + b"\n")
    assert caught.value.wrong is Wrong.TOO_LARGE
