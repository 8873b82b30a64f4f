"""A SQLite shop: its triggers are its log, and the same rules hold as far as they tell."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from makewhole.adapters.changelog import triggers
from makewhole.adapters.shops import writeback
from makewhole.adapters.store import journal
from makewhole.cli import program
from tests.rollback import dying
from tests.rollback import shop as shops

SCHEMA = """
CREATE TABLE orders (id INTEGER PRIMARY KEY, order_sn TEXT NOT NULL UNIQUE, payment_status TEXT NOT NULL, amount TEXT, receiver TEXT,
  lock_version INTEGER NOT NULL DEFAULT 0);
CREATE TABLE order_item (id INTEGER PRIMARY KEY, order_id INTEGER, sku TEXT, quantity REAL);
CREATE TABLE order_log (id INTEGER PRIMARY KEY, order_sn TEXT, operator TEXT);
INSERT INTO orders (order_sn, payment_status, amount, receiver) VALUES ('N1', 'PAID', '1.50', '张三'), ('N2', 'PAID', '2.50', NULL);
INSERT INTO order_item (order_id, sku, quantity) VALUES (1, 'tea', 0.1), (1, 'cup', 2);
"""


class Lite:
    """The shop's file, and `rollback` on it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / "shop.db"
        with sqlite3.connect(self.file) as connection:
            connection.executescript(SCHEMA)
        triggers.install(sa.make_url(f"sqlite:///{self.file}"), ["orders", "order_item", "order_log"])
        (folder / "tea.toml").write_text(shops.SHOP.replace('"mysql"', '"sqlite"'), encoding="utf-8")
        (folder / "makewhole.toml").write_text(f'[shop]\nhands_database = "sqlite:///{self.file}"\n', encoding="utf-8")

    def sql(self, *statements: str) -> str:
        """Each committed by itself, in a millisecond of its own; the number of the last change."""
        with sqlite3.connect(self.file) as connection:
            for statement in statements:
                time.sleep(0.003)
                connection.execute(statement)
                connection.commit()
            rows = connection.execute("SELECT MIN(id) FROM makewhole_changes GROUP BY at ORDER BY 1 DESC LIMIT 1").fetchall()
        time.sleep(0.003)
        return str(rows[0][0])

    def rows(self, sql: str) -> list[Any]:
        """What stands there."""
        with sqlite3.connect(self.file) as connection:
            return connection.execute(sql).fetchall()

    def call(self, *arguments: str) -> Result:
        """`makewhole rollback`."""
        return CliRunner().invoke(program.PROGRAM, ["rollback", *arguments, *self.attached()], catch_exceptions=False)

    def attached(self) -> list[str]:
        """Which database, and which shop file."""
        return ["--database", f"sqlite:///{self.file}", "--shop", str(self.folder / "tea.toml"), "--lang", "en"]

    def told(self, *arguments: str) -> dict[str, Any]:
        """A call that must succeed, as scripts read it."""
        result = self.call(*arguments, "--json")
        assert result.exit_code in {0, 1}, result.output
        read: dict[str, Any] = json.loads(result.stdout)
        return read

    def apply(self, plan: dict[str, Any], *more: str) -> dict[str, Any]:
        """Done."""
        return self.told("--apply", plan["plan"], "--hash", plan["hash"], *more)


@pytest.fixture
def lite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lite:
    monkeypatch.chdir(tmp_path)
    return Lite(tmp_path)


def test_a_bad_statement_goes_back_and_can_come_again(lite: Lite) -> None:
    """Plan, apply, undo; a colleague's later edit of another column stays, one of the same column is left alone."""
    bad = lite.sql("UPDATE orders SET payment_status = 'CLOSED', lock_version = lock_version + 1")
    lite.sql("UPDATE orders SET receiver = '李四' WHERE id = 1", "UPDATE orders SET payment_status = 'REFUNDED' WHERE id = 2")
    plan = lite.told("--transaction", bad, "--output", "plan")
    assert (plan["rows"], plan["conflicts"]) == (1, 1)
    assert lite.apply(plan)["proven"] == 1
    states = "SELECT payment_status, receiver, lock_version FROM orders ORDER BY id"
    assert lite.rows(states) == [("PAID", "李四", 2), ("REFUNDED", None, 1)]
    assert lite.apply(plan)["earlier"] == 1
    undo = lite.told("--undo", plan["plan"], "--hash", plan["hash"], "--output", "undo")
    assert lite.apply(undo)["rows"] == 1
    assert lite.rows(states)[0][0] == "CLOSED"


def test_deleted_rows_come_back_exactly(lite: Lite) -> None:
    """Whole rows, every storage class, in one piece with their order."""
    before = lite.rows("SELECT * FROM order_item ORDER BY id")
    bad = lite.sql("DELETE FROM order_item")
    plan = lite.told("--transaction", bad, "--output", "plan")
    assert {line["how"] for line in plan["lines"]} == {"reinsert"}
    assert lite.apply(plan)["proven"] == 2
    assert lite.rows("SELECT * FROM order_item ORDER BY id") == before


def test_a_write_past_the_triggers_stops_everything(lite: Lite) -> None:
    """Whoever drops them writes unseen."""
    bad = lite.sql("UPDATE orders SET payment_status = 'CLOSED'")
    with sqlite3.connect(lite.file) as connection:
        connection.execute("DROP TRIGGER makewhole_log_orders_update")
        connection.execute("UPDATE orders SET payment_status = 'UNPAID' WHERE id = 1")
    result = lite.call("--transaction", bad, "--output", "plan")
    assert (result.exit_code, "does not hold everything" in result.output) == (2, True)


def test_what_we_write_is_one_transaction_however_long_it_takes(lite: Lite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every statement a hundred milliseconds after the other: the log still knows it for ours, and it can go back."""
    bad = lite.sql("UPDATE orders SET payment_status = 'CLOSED'")
    plan = lite.told("--transaction", bad, "--output", "plan")
    written = writeback.Scribe.write

    def slowly(*arguments: Any) -> Iterator[Any]:
        for statement in written(*arguments):
            yield statement
            time.sleep(0.1)

    monkeypatch.setattr(writeback.Scribe, "write", slowly)
    receipt = lite.apply(plan)
    assert (receipt["proven"], len(receipt["transactions"])) == (2, 1)
    undo = lite.told("--undo", plan["plan"], "--hash", plan["hash"], "--output", "undo")
    assert (undo["rows"], undo["conflicts"]) == (2, 0)


@pytest.mark.slow
@pytest.mark.parametrize("where", dying.PLACES)
def test_what_was_committed_and_not_told_is_told_by_the_next_run(lite: Lite, where: str) -> None:
    """Killed between the commit and the entry: the triggers' log knows the batch by its audit rows."""
    bad = lite.sql("UPDATE orders SET payment_status = 'CLOSED'")
    plan = lite.told("--transaction", bad, "--output", "plan")
    dying.dies(where, 1, ["--apply", plan["plan"], "--hash", plan["hash"], *lite.attached()], lite.folder)
    assert lite.rows("SELECT DISTINCT payment_status FROM orders") == [("PAID",)]
    for _ in range(2):
        assert lite.apply(plan)["earlier"] == 2
        with journal.SqlStore("sqlite:///makewhole.db") as store:
            told = [line.entry().body for line in store.entries()]
        (batch,) = [body for body in told if body["stage"] == "done" and body["rows"]]
        assert (batch["rows"], batch["recovered"]) == (2, True)


def test_f13_as_many_rows_are_written_as_were_meant_or_none(lite: Lite) -> None:
    """The shop's own trigger lets one of two writes fall silently: the other one does not stand either."""
    shy = "CREATE TRIGGER shy BEFORE UPDATE ON orders WHEN OLD.id = 2 AND NEW.payment_status = 'PAID' BEGIN SELECT RAISE(IGNORE); END"
    bad = lite.sql(shy, "UPDATE orders SET payment_status = 'CLOSED'")
    plan = lite.told("--transaction", bad, "--output", "plan")
    result = lite.call("--apply", plan["plan"], "--hash", plan["hash"])
    assert (result.exit_code, "0 rows were written where 1 were meant" in result.output) == (2, True)
    assert lite.rows("SELECT DISTINCT payment_status FROM orders") == [("CLOSED",)]
    assert lite.rows("SELECT COUNT(*) FROM makewhole_rollbacks") == [(0,)]


def test_a_lawful_change_that_was_taken_back_is_nobodys_overwriting(lite: Lite) -> None:
    """From paid to unpaid no shop goes by itself: the audit table says that we did it, and a scan tells only what nobody noted."""
    lite.sql("INSERT INTO orders (order_sn, payment_status, amount) VALUES ('N3', 'UNPAID', '3.50'), ('N4', 'UNPAID', '4.50')")
    paid = lite.sql("UPDATE orders SET payment_status = 'PAID' WHERE id > 2")
    assert lite.apply(lite.told("--transaction", paid, "--order", "N3", "--partial", "--output", "plan"))["rows"] == 1
    lite.sql("UPDATE orders SET payment_status = 'UNPAID' WHERE order_sn = 'N4'")
    assert lite.rows("SELECT payment_status FROM orders WHERE id > 2") == [("UNPAID",), ("UNPAID",)]
    result = CliRunner().invoke(program.PROGRAM, ["scan", "--json", *lite.attached()], catch_exceptions=False)
    told = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    assert [line["order"] for line in told if line["ailment"] == "row-overwritten"] == ["N4"]
