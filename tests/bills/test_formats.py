"""The contract of every format of bill: what it says, and each way in which a file is refused whole, nothing stored."""

from __future__ import annotations

import gzip
import io
import re
import zipfile
from typing import Any

import duckdb
import pytest

from makewhole.adapters.bills import formats, reading
from makewhole.core import ids
from makewhole.model import fetched
from makewhole.model.bill import Refused, Wrong
from tests.bills import making
from tests.bills.making import Made

EACH = pytest.mark.parametrize("told", making.made(), ids=lambda m: m.form.channel)


@pytest.fixture
def desk() -> Any:
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        yield connection


def read(desk: Any, told: Made, raw: bytes, expected: reading.Expected | None = None) -> list[dict[str, Any]]:
    """The book's rows."""
    reading.read(desk, told.form, raw, expected or told.expected(raw))
    found = desk.execute("SELECT * FROM theirs ORDER BY line")
    return [dict(zip((c[0] for c in found.description), row, strict=True)) for row in found.fetchall()]


def clean(desk: Any) -> None:
    desk.execute("DROP VIEW theirs; DROP TABLE bill_of_theirs")


def refused(desk: Any, told: Made, raw: bytes, expected: reading.Expected | None = None) -> Refused:
    """The refusal; no table was left."""
    with pytest.raises(Refused) as caught:
        read(desk, told, raw, expected or told.expected())
    assert desk.execute("SELECT count(*) FROM duckdb_tables()").fetchone() == (0,)
    return caught.value


def test_a_bill_says_the_same_whenever_it_was_exported_and_packed() -> None:
    """And another thing where one line is another."""

    def had(text: str, name: str) -> fetched.RawBill:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(name, text.encode("gb18030"))
        channel = ids.ChannelName("alipay")
        return fetched.RawBill(channel=channel, merchant=making.MERCHANT["alipay"], day=making.DAY, name=name, content=packed.getvalue())

    text = making.alipay_text()
    later = text.replace("05:46:49", "09:00:01")
    assert later != text
    assert formats.body(had(text, "a.csv")) == formats.body(had(later, "b.csv"))
    assert formats.body(had(text, "a.csv")) != formats.body(had(text.replace("12.50", "12.60"), "a.csv"))


def test_every_format_of_the_wing_is_under_the_contract() -> None:
    """Who adds a file adds a bill to `making`."""
    assert {m.form.channel for m in making.made()} == set(formats.FORMATS)


@EACH
def test_what_a_bill_says(desk: Any, told: Made) -> None:
    """Two payments and a refund, exact, each at its line of the file."""
    rows = read(desk, told, told.raw)
    seen = [tuple(r[k] for k in ("kind", "number", "payment", "amount_fen", "currency", "at_s")) for r in rows]
    nine = 1_795_395_600
    assert seen == [
        ("payment", "S1", "S1", 1250, "CNY", nine),
        ("payment", "S2", "S2", 10_000, "CNY", nine + 3600),
        ("refund", "R2", "S2", 3000, "CNY", nine + 7200),
    ]
    assert [r["fee_millifen"] > 0 for r in rows] == [True, True, False]
    assert {(r["channel"], r["merchant"], r["day"]) for r in rows} == {(told.form.channel, told.expected().merchant, told.expected().day)}
    lines = told.text.split("\r\n")
    for row in rows:
        assert row["payment"] in lines[row["line"] - 1]


@EACH
def test_line_ends_and_columns_may_be_otherwise(desk: Any, told: Made) -> None:
    """Bare line feeds, and a column more: columns are found by name."""
    plain = read(desk, told, told.raw)
    assert read(desk, told, told.pack(told.text.replace("\r\n", "\n"))) == plain
    tick = "`" if "`" in told.text else ""
    more = re.sub(r"(?m)^(?=[`0-9])(?=[^\n]*2026-11)([^\r\n]*)", rf"\g<1>,{tick}new", told.text)
    more = re.sub(r"(?m)^((?:交易时间|支付宝交易号)[^\r\n]*)", r"\g<1>,新列", more)
    assert read(desk, told, told.pack(more)) == plain


@EACH
@pytest.mark.parametrize("attack", ["truncated", "cut in a line", "doubled line", "doubled file", "a line gone", "an amount changed"])
def test_attack_27_poisoned_lines(desk: Any, told: Made, attack: str) -> None:
    """Cut short, doubled, a line gone, a fen changed: with no hash to help, the bill's own sums tell."""
    lines = told.text.split("\r\n")
    first = next(i for i, line in enumerate(lines) if "12.50" in line and "2026-11" in line)
    poisoned, wrong = {
        "truncated": ("\r\n".join(lines[: first + 2]) + "\r\n", {Wrong.TRUNCATED}),
        "cut in a line": ("\r\n".join(lines[: first + 1]) + "\r\n" + lines[first + 1][:60], {Wrong.TRUNCATED}),
        "doubled line": ("\r\n".join([*lines[: first + 1], lines[first], *lines[first + 1 :]]), {Wrong.DOUBLED}),
        "doubled file": (told.text + told.text, {Wrong.DOUBLED, Wrong.COLUMNS, Wrong.CELL}),
        "a line gone": ("\r\n".join([*lines[:first], *lines[first + 1 :]]), {Wrong.SUMS}),
        "an amount changed": ("\r\n".join([*lines[:first], lines[first].replace("12.50", "12.51"), *lines[first + 1 :]]), {Wrong.SUMS}),
    }[attack]
    found = refused(desk, told, told.pack(poisoned))
    assert found.wrong in wrong
    assert found.line > 0


@EACH
def test_attack_27_another_day_or_merchant(desk: Any, told: Made) -> None:
    """A true bill, of yesterday or of somebody else."""
    asked = told.expected()
    assert refused(desk, told, told.raw, reading.Expected(day=asked.day + 1, merchant=asked.merchant)).wrong is Wrong.OTHER_DAY
    assert refused(desk, told, told.raw, reading.Expected(day=asked.day, merchant="999")).wrong is Wrong.OTHER_MERCHANT


@pytest.mark.parametrize(
    "account", ["", "#账号：[]", "#账号：[shop@example.com]", "#账号:[9988021109625633]", "#账号：[20880211096256339999999]"]
)
def test_attack_27_a_bill_that_does_not_say_whose_it_is(desk: Any, account: str) -> None:
    """Alipay's lines name no merchant: the line above them decides, and must be there; a sub-account's four digits behind it may."""
    told = making.ALIPAY_MADE
    line = f"#账号：[{making.MERCHANT['alipay']}0156]"
    assert refused(desk, told, told.pack(told.text.replace(line, account))).wrong is Wrong.OTHER_MERCHANT
    assert len(read(desk, told, told.pack(told.text.replace(line, line.replace("0156", "").replace("：", ":"))))) == 3


@EACH
@pytest.mark.parametrize("mark", ["\x00", "\x1b[31m", "\u202e", "\u200b", "\x85"])
def test_a_number_that_cannot_be_written_is_refused(desk: Any, told: Made, mark: str) -> None:
    """It would move a terminal's cursor, turn a line round, or stop a database: no channel gives such a number."""
    found = refused(desk, told, told.pack(told.text.replace("S1", f"S{mark}1")))
    assert (found.wrong, found.line > 1) == (Wrong.CELL, True)


@EACH
def test_attack_27_tampered_with(desk: Any, told: Made) -> None:
    """Not the bytes that the channel's hash was made of; the hash may be of the packed bytes or of the text."""
    genuine = told.expected(told.raw)
    changed = told.pack(told.text.replace("茶", "差"))
    assert len(read(desk, told, told.raw, genuine)) == 3
    clean(desk)
    assert refused(desk, told, changed, genuine).wrong is Wrong.TAMPERED


@EACH
@pytest.mark.parametrize("amount", ["1,2.50", "1e3", "１２.50", "12.505", "12.5", "", "NaN", "0x10", " 12.50", "12_0.50", "+12.50"])
def test_attack_27_amounts_that_are_none(desk: Any, told: Made, amount: str) -> None:
    """Thousand separators, exponents, full-width digits, other places: refused at their line, never rounded."""
    lines = told.text.split("\r\n")
    first = next(i for i, line in enumerate(lines) if "12.50" in line and "2026-11" in line)
    lines[first] = lines[first].replace("12.50", amount)
    if amount == " 12.50" and told.form.layout.trimmed:
        # Spaces around a cell are this channel's own.
        assert len(read(desk, told, told.pack("\r\n".join(lines)))) == 3
        return
    found = refused(desk, told, told.pack("\r\n".join(lines)))
    assert (found.wrong, found.line) in {(Wrong.CELL, first + 1), (Wrong.COLUMNS, first + 1)}


@EACH
def test_attack_27_swapped_columns(desk: Any, told: Made) -> None:
    """Heading and cells in another order together are the same bill; the heading alone is another's."""
    sep = ",`" if "`" in told.text else ","
    swapped = []
    for line in told.text.split("\r\n"):
        cut = "," if "交易状态,付款" in line or "业务类型," in line else sep
        cells = line.split(cut)
        if len(cells) > 20:
            cells[5], cells[6] = cells[6], cells[5]
            cells[1], cells[2] = cells[2], cells[1]
        swapped.append(cut.join(cells))
    assert [r["number"] for r in read(desk, told, told.pack("\r\n".join(swapped)))] == ["S1", "S2", "R2"]
    clean(desk)
    head = next(i for i, line in enumerate(told.text.split("\r\n")) if len(line.split(",")) > 20)
    lines = told.text.split("\r\n")
    lines[head] = swapped[head]
    assert refused(desk, told, told.pack("\r\n".join(lines))).wrong in {Wrong.COLUMNS, Wrong.OTHER_MERCHANT, Wrong.CELL}


@EACH
def test_attack_27_columns_missing_or_twice(desk: Any, told: Made) -> None:
    """No amount to be found, or two of them."""
    assert refused(desk, told, told.pack(told.text.replace("订单金额", "金额"))).wrong is Wrong.COLUMNS
    twice = told.text.replace("商品名称", "订单金额（元）" if told.form.channel == "alipay" else "订单金额")
    assert refused(desk, told, told.pack(twice)).wrong is Wrong.COLUMNS


@EACH
def test_attack_26_markup_is_no_bill(desk: Any, told: Made) -> None:
    """XML with entities (XXE, billion laughs), a web page, deep JSON: never parsed, so none of it can go off."""
    for text in ('<?xml version="1.0"?><!DOCTYPE b [<!ENTITY x SYSTEM "file:///etc/passwd">]><b>&x;</b>', "<html>", "[" * 100_000, ""):
        found = refused(desk, told, text.encode())
        assert found.wrong in {Wrong.FOREIGN_FORMAT, Wrong.TRUNCATED}


@EACH
def test_a_card_number_is_refused_before_it_is_stored(desk: Any, told: Made) -> None:
    """In what people write; a system's own number may look like one."""
    for card in ("4111 1111 1111 1111", "６２１２３４５６７８９０１２３２"):
        assert refused(desk, told, told.pack(told.text.replace("茶", card))).wrong is Wrong.CARD_NUMBER
    own = told.text.replace("S1", "4111111111111111").replace("茶", "4111111111111111", 1)
    assert read(desk, told, told.pack(own))[0]["number"] == "4111111111111111"


@EACH
def test_what_is_written_in_a_cell_is_never_sql(desk: Any, told: Made) -> None:
    """Nor is it a formula here: a number is what stands there."""
    evil = "'); DROP VIEW theirs; --"
    rows = read(desk, told, told.pack(told.text.replace("S1", evil)))
    assert rows[0]["number"] == evil


def test_wechat_bills_come_in_gzip_too(desk: Any) -> None:
    """The hash is of the text."""
    told = making.WECHATPAY
    packed = gzip.compress(told.raw)
    assert len(read(desk, told, packed)) == 3
    clean(desk)
    assert refused(desk, told, packed[:-20]).wrong is Wrong.TRUNCATED
    assert refused(desk, told, packed[:40] + bytes(20) + packed[60:]).wrong in {Wrong.ARCHIVE, Wrong.TRUNCATED}


def test_wechat_bills_of_all_ages(desk: Any) -> None:
    """With a byte order mark; without back-ticks; SUCCESS without the refunds' columns; v2 with its old names."""
    told = making.WECHATPAY
    rows = read(desk, told, told.raw)
    assert read(desk, told, "\ufeff".encode() + told.raw) == rows
    assert read(desk, told, told.pack(told.text.replace("`", ""))) == rows
    lines = told.text.split("\r\n")
    refunds = slice(14, 20)

    def less(line: str, sep: str) -> str:
        cells = line.split(sep)
        del cells[-2], cells[refunds]
        return sep.join(cells)

    success = [less(lines[0], ","), less(lines[1], ",`"), less(lines[2], ",`"), "总交易单数,应结订单总金额,手续费总金额,订单总金额"]
    told_success = "\r\n".join([*success, "`2,`112.50,`0.67500,`112.50", ""])
    assert read(desk, told, told_success.encode()) == rows[:2]
    old = (
        told.text.replace(",应结订单金额,", ",总金额,").replace(",订单金额,申请退款金额,费率备注", "").replace("应结订单总金额", "总交易额")
    )
    old = old.replace(",订单总金额,申请退款总金额", "").replace(",`112.50,`30.00\r\n", "\r\n")
    old = re.sub(r"(?m)^(`2026.*?),`[0-9.]+,`[0-9.]+,`\r$", r"\1\r", old)
    paid = [r for r in read(desk, told, old.encode()) if r["kind"] == "payment"]
    assert paid == rows[:2]


def test_a_revoked_payment_is_money_that_went_back(desk: Any) -> None:
    """撤销 has no refund's number: it stands under the payment's."""
    told = making.WECHATPAY
    text = told.text.replace("`REFUND,", "`REVOKED,").replace("`50300000000000000001,`R2,", "`0,`0,")
    last = read(desk, told, text.encode())[-1]
    assert (last["kind"], last["number"], last["standing"], last["amount_fen"]) == ("refund", "S2", "refunded", 3000)


def test_alipay_saved_by_a_spreadsheet_is_read_or_refused(desk: Any) -> None:
    """As UTF-8 it is the same; its long numbers as 2.02611E+27 are no numbers."""
    told = making.ALIPAY_MADE
    rows = read(desk, told, told.raw)
    assert read(desk, told, told.text.encode()) == rows
    assert read(desk, told, told.text.encode("utf-8-sig")) == rows
    clean(desk)
    assert refused(desk, told, told.pack(told.text.replace("2026112322001400000000000001", "2.02611E+27"))).wrong is Wrong.COLUMNS
    wechat = making.WECHATPAY
    assert refused(desk, wechat, wechat.raw.replace("茶".encode(), b"\xff\xfe")).wrong is Wrong.ENCODING
    broken = told.text.encode("gbk").replace("茶叶".encode("gbk"), b"\xff\xff\xff")
    assert refused(desk, told, making.zipped(broken)).wrong is Wrong.ENCODING
