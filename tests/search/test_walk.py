"""The whole way with the real shop of the sandbox: a piece of whatever somebody has in hand leads to the order, and `show` knows it."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from makewhole.cli import program
from makewhole.sandbox import world


@pytest.fixture
def order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An order of twenty minutes ago, with a parcel, in a folder with settings and a log that speaks of it."""
    start = datetime.now(UTC) - timedelta(minutes=20)
    monkeypatch.setattr(world, "START", start)
    monkeypatch.chdir(tmp_path)
    for name in ("MAKEWHOLE_LANGUAGE", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    made = world.found(1, tmp_path / "shop.db")
    number, other = made.order(), made.order()
    made.run_until(start + timedelta(minutes=2))
    made.pays(number)
    made.pays(other)
    made.run_until(start + timedelta(minutes=20))
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.execute("UPDATE trade_order SET express_company = '顺丰', express_no = 'SF7788990011' WHERE order_sn = ?", (number,))
    database.close()
    lines = [
        f"2026-11-23 12:00:00 INFO [4bf92f3577b34da6] order_sn={number} 提交支付",
        "2026-11-23 12:00:01 ERROR [4bf92f3577b34da6] 渠道应答超时 PaymentTimeoutException",
    ]
    (tmp_path / "app.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "makewhole.toml").write_text('[shop]\nfile = "demo"\ndatabase = "sqlite:///shop.db"\n', encoding="utf-8")
    return number


def run(*arguments: str) -> Result:
    return CliRunner().invoke(program.PROGRAM, list(arguments))


def test_any_piece_leads_to_the_order_and_show_knows_it(order: str) -> None:
    """Tracking number, order number, carrier, trace id, and an error whose line names no order."""
    filled = run("search", "--refresh", "--import", "app.log")
    assert filled.exit_code == 0, filled.stderr
    assert "2 orders" in filled.stderr
    for piece in ("88990011", "SF7788", order[-7:], "顺丰", "92f3577b34", "应答超时", "TimeoutExc"):
        found = run("search", "--json", piece)
        orders = {json.loads(line)["order"] for line in found.stdout.splitlines()}
        assert order in orders, piece
    shown = run("show", order, "--json")
    assert json.loads(shown.stdout)["order"] == order


def test_a_refresh_without_its_shop_is_incomplete_and_what_is_there_is_still_found(order: str, tmp_path: Path) -> None:
    """The index answers when the shop does not."""
    assert run("search", "--refresh").exit_code == 0
    (tmp_path / "shop.db").rename(tmp_path / "away.db")
    assert run("search", "--refresh").exit_code in {2, 3}
    assert order in run("search", "SF7788").stdout
