"""What attach does not decide: which table holds the orders, what rows that hang on others are. It asks, and takes the answer."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from makewhole.adapters.shops import engines, survey
from makewhole.attach import infer, proposal
from makewhole.attach.proposal import Asked
from makewhole.cli import program

ROWS = 40
ORDERS = "id INTEGER PRIMARY KEY, order_no VARCHAR(32), user_id INT, pay_amount DECIMAL(10,2), status VARCHAR(20), create_time DATETIME"


def fill(path: Path, table: str, first: int, parts: int = 0) -> None:
    """Orders, of which the last `parts` are parts of the first one."""
    with sqlite3.connect(path) as connection:
        connection.execute(f"CREATE TABLE {table} ({ORDERS}, parent_order_id INT)")
        for i in range(first, first + ROWS):
            parent = first if parts and i >= first + ROWS - parts else 0
            word = "unpaid" if i % 2 else "completed"
            connection.execute(
                f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?, ?)", (i, f"SN{20260000 + i}", i % 7, i, word, "2026-01-02 03:04:05", parent)
            )
    connection.close()


def proposed(path: Path) -> proposal.Proposal:
    engine = engines.for_eyes(f"sqlite:///{path}")
    made = infer.propose(survey.take(engine, "test"))
    engine.dispose()
    assert made is not None
    return made


def call(*arguments: str) -> Result:
    return CliRunner().invoke(program.PROGRAM, ["attach", "--database", "sqlite:///shop.db", *arguments])


def test_rows_that_hang_on_another_are_left_out_until_somebody_says_what_they_are(tmp_path: Path) -> None:
    """Parts, refunds, orders of their own: nothing tells. With the answer that all are orders, the condition goes."""
    fill(tmp_path / "shop.db", "t_order", 1, parts=6)
    made = proposed(tmp_path / "shop.db")
    order = made.role("order")
    assert order is not None
    assert order.where == "COALESCE(parent_order_id, 0) = 0"
    (question,) = [q for q in made.questions if q.asked is Asked.PARENT]
    every = proposal.answered(made, question, question.choices[-1]).role("order")
    assert every is not None
    assert every.where == ""


def test_a_column_for_parents_that_nobody_uses_is_no_question(tmp_path: Path) -> None:
    fill(tmp_path / "shop.db", "t_order", 1)
    made = proposed(tmp_path / "shop.db")
    assert Asked.PARENT not in {q.asked for q in made.questions}


@pytest.mark.parametrize(
    "table, problem",
    [("orders", "does not say which table"), ("waiter=t_order_1", "does not say which table"), ("order=", "does not say which")],
)
def test_a_table_for_no_role_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, problem: str) -> None:
    monkeypatch.chdir(tmp_path)
    fill(tmp_path / "shop.db", "t_order_1", 1)
    told = call("--yes", "--table", table)
    assert told.exit_code == 2
    assert problem in told.stderr


def test_which_table_holds_the_orders_is_never_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two alike: --yes writes nothing and names both; --table settles it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANG", "C.UTF-8")
    for table, first in (("my_orders", 1), ("old_orders", 500)):
        fill(tmp_path / "shop.db", table, first)
    told = call("--yes", "--output", "shop.toml")
    assert told.exit_code == 2
    assert "my_orders" in told.stderr
    assert "old_orders" in told.stderr
    assert "--table order=" in told.stderr
    assert not (tmp_path / "shop.toml").exists()
    told = call("--yes", "--output", "shop.toml", "--table", "order=old_orders")
    assert told.exit_code == 0, told.output
    assert 'table = "old_orders"' in (tmp_path / "shop.toml").read_text(encoding="utf-8")
