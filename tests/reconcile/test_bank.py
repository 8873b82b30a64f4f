"""The bank's line beside what the closed days settle: it agrees to the fen after fees, or differs and is told once."""

from __future__ import annotations

import dataclasses
import json
import os
import threading
from datetime import timedelta
from pathlib import Path

import pytest
import xlsxwriter

from makewhole.adapters.bills import bank as reading
from makewhole.adapters.bills import drawer
from makewhole.core import codec, ids
from makewhole.engine import daily, daysheets, payouts, signals
from makewhole.model import bank, bill, case, daysheet
from makewhole.model.signal import Sign
from makewhole.web import serve
from tests.reconcile import conftest, morning

pytestmark = pytest.mark.slow
HEAD = "交易日期,贷方发生额,对方户名,对方账号,摘要,交易流水号\n"


def traded(shop: morning.Shop, days: int) -> list[int]:
    """Orders on so many days, each closed on its next morning; what each day's bill settles, every fee rounded by itself."""
    net = []
    for day in range(days):
        numbers = [shop.paid(at=morning.NOON + timedelta(days=day)) for _ in range(2)]
        paid = [shop.day.bank.find(sn).paid for sn in numbers]
        net.append(sum(fen - (fen * 6 + 500) // 1000 for fen in paid))
        shop.until(morning.TEN + timedelta(days=day))
        daily.keep(shop.world, shop.books)
    return net


def yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def told(net: list[int]) -> str:
    """A statement with each day's money on the next, and a stranger's."""
    lines = [
        f"{bill.date_of(morning.DAY + 1 + day)},{yuan(fen)},财付通支付科技有限公司,243300133123,1900000001 结算,S{day}\n"
        for day, fen in enumerate(net)
    ]
    return HEAD + "".join(lines) + f"{bill.date_of(morning.DAY + len(net))},12.00,张三,6222021234567890123,货款,S99\n"


def test_a_statement_that_is_right_contradicts_nothing(shop: morning.Shop, call: conftest.Call, tmp_path: Path) -> None:
    """Kept once, however often it is given; the sheet of each day shows its money at the bank; nobody is asked."""
    net = traded(shop, 2)
    (tmp_path / "bank.csv").write_text(told(net), encoding="gbk")
    shown = {}
    for fresh in (True, False):
        done = call("reconcile", "--bank", "bank.csv", "--json")
        assert done.exit_code == 0, done.output
        shown = json.loads(done.stdout)
        assert (shown["new"], shown["lines"], shown["others"]) == (fresh, 2, 1)
    assert [(p["settled_fen"], p["bank_fen"], p["state"]) for p in shown["payouts"]] == [(fen, fen, "agrees") for fen in net]
    sheet = daysheets.sheet(shop.world, shop.books, morning.WECHAT, morning.DAY)
    assert sheet is not None
    assert [(p.state, p.bank_fen) for p in sheet.payouts] == [(bank.Paid.AGREES, net[0])]
    done = call("reconcile", "--day", str(bill.date_of(morning.DAY)), "--report", "reports")
    assert (done.exit_code, "agrees" in done.output) == (0, True)
    page = (tmp_path / "reports" / f"{bill.date_of(morning.DAY)}.html").read_text(encoding="utf-8")
    assert "银行入账" in page
    assert "243300133123" not in page
    assert signals.keep(shop.world) == ()
    assert shop.on.store.counts()["questions"] == 0
    assert [e.entry().kind for e in shop.on.store.entries()].count(case.EntryKind.STATEMENT_KEPT) == 1
    kept = shop.books.ledger.statements(shop.world.eyes.shop, 0)
    assert not any(secret in str(kept) for secret in ("张三", "6222021234567890123", "243300133123", "1900000001"))
    # The bank's workbook of the same days is another file, and its lines are the same lines: no money came twice.
    with xlsxwriter.Workbook(tmp_path / "bank.xlsx") as book:
        sheet_ = book.add_worksheet()
        for at, line in enumerate(told(net).splitlines()):
            cells: list[object] = [*line.split(",")]
            sheet_.write_row(at, 0, [*cells[:1], float(str(cells[1])), *cells[2:]] if at else cells)
    done = call("reconcile", "--bank", "bank.xlsx", "--json")
    assert (done.exit_code, json.loads(done.stdout)["new"], json.loads(done.stdout)["payouts"]) == (0, True, shown["payouts"])


def test_a_fen_that_is_short_is_told_once_and_is_a_persons(shop: morning.Shop, call: conftest.Call, tmp_path: Path) -> None:
    """As a signal with both amounts, a question with a deadline, and on the day's sheet; the days beside it agree."""
    net = traded(shop, 3)
    (tmp_path / "bank.csv").write_text(told([net[0], net[1] - 1, net[2]]), encoding="utf-8")
    for _ in range(2):
        done = call("reconcile", "--bank", "bank.csv")
        assert done.exit_code == 1, done.output
        assert "1 payouts are not what the bills settle" in done.output
    (seen,) = signals.keep(shop.world)
    assert (seen.sign, seen.about, seen.seen, seen.usual) == (Sign.BANK_DIFFERS, "wechatpay", net[1] - 1, net[1])
    assert signals.keep(shop.world)[0].id() == seen.id()
    assert shop.on.store.counts()["questions"] == 1
    books = ids.OrderKey(shop=shop.world.eyes.shop, number=ids.OrderNumber("books/wechatpay"))
    asked = shop.on.store.asked(books, f"bank/{bill.date_of(morning.DAY + 1)}")
    assert asked is not None
    assert asked.question.reasons[0].values[1:] == (f"¥{yuan(net[1])}", f"¥{yuan(net[1] - 1)}")
    shown = [daysheets.sheet(shop.world, shop.books, morning.WECHAT, morning.DAY + day) for day in range(3)]
    assert [p.state for s in shown if s is not None for p in s.payouts] == [bank.Paid.AGREES, bank.Paid.DIFFERS, bank.Paid.AGREES]


def test_a_statement_that_is_wrong_is_refused_with_its_line_and_nothing_is_kept(
    shop: morning.Shop, call: conftest.Call, tmp_path: Path
) -> None:
    net = traded(shop, 1)
    (tmp_path / "bank.csv").write_text(told(net) + "gestern,1.00,财付通,,,\n", encoding="utf-8")
    done = call("reconcile", "--bank", "bank.csv")
    assert done.exit_code == 2
    assert "bank.csv:4" in done.output
    assert shop.books.ledger.statements(shop.world.eyes.shop, 0) == []


def test_serve_takes_what_lies_in_the_folder_and_prints_the_day_anew(shop: morning.Shop, tmp_path: Path) -> None:
    """Each file once; one that is refused is one question; one that is still being copied is left for the next round."""
    net = traded(shop, 1)
    folder = tmp_path / "bank"
    folder.mkdir()
    for name, text in {"a.csv": told(net), "6222021234567890123.csv": "no statement", "c.csv": told([*net, 700])}.items():
        (folder / name).write_text(text, encoding="utf-8")
        if name != "c.csv":
            os.utime(folder / name, (0, 0))
    books = dataclasses.replace(shop.books, bank=drawer.Folder(folder, reading.Words()))
    world = dataclasses.replace(shop.world, books=books)
    printed: list[list[daysheet.DaySheet]] = []
    for _ in range(2):
        serve._daily(world, threading.Event(), lambda sheets: printed.append(list(sheets)))
    ((sheet,),) = printed
    assert (sheet.day, [p.state for p in sheet.payouts]) == (morning.DAY, [bank.Paid.AGREES])
    assert shop.on.store.counts()["questions"] == 1
    books_of_bank = ids.OrderKey(shop=shop.world.eyes.shop, number=ids.OrderNumber("books/bank"))
    refused = shop.on.store.asked(books_of_bank, f"statement/{codec.digest_bytes(b'no statement')}")
    assert refused is not None
    assert refused.question.reasons[0].values[0] == "***************0123.csv"
    os.utime(folder / "c.csv", (0, 0))
    assert payouts.keep(world, books) == {morning.DAY}
    assert [p.state for p in payouts.of_channel(world, books, morning.WECHAT)] == [bank.Paid.AGREES, bank.Paid.WAITS]
