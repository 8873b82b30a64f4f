"""What attach does not decide: which table holds the orders, what rows that hang on others are. It asks, and takes the answer."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from makewhole.attach import proposal
from makewhole.attach.proposal import Asked
from makewhole.cli import program
from tests.attach.asking import proposed

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


def call(*arguments: str) -> Result:
    return CliRunner().invoke(program.PROGRAM, ["attach", "--database", "sqlite:///shop.db", *arguments])


def test_rows_that_hang_on_another_are_left_out_until_somebody_says_what_they_are(tmp_path: Path) -> None:
    """Parts, refunds, orders of their own: nothing tells. With the answer that all are orders, the condition goes."""
    fill(tmp_path / "shop.db", "t_order", 1, parts=6)
    made = proposed(f"sqlite:///{tmp_path / 'shop.db'}")
    order = made.role("order")
    assert order is not None
    assert order.where == "COALESCE(parent_order_id, 0) = 0"
    (question,) = [q for q in made.questions if q.asked is Asked.PARENT]
    every = proposal.answered(made, question, question.choices[-1]).role("order")
    assert every is not None
    assert every.where == ""


def test_a_column_for_parents_that_nobody_uses_is_no_question(tmp_path: Path) -> None:
    fill(tmp_path / "shop.db", "t_order", 1)
    made = proposed(f"sqlite:///{tmp_path / 'shop.db'}")
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


def made_of(path: Path, table: str, codes: tuple[tuple[object, ...], ...], more: str = "") -> proposal.Proposal:
    """What is proposed of a table of orders whose state, and what `more` says, take these codes in turn."""
    with sqlite3.connect(path) as connection:
        connection.execute(f"CREATE TABLE {table} ({ORDERS}{more})")
        for i in range(1, ROWS + 1):
            state, *others = codes[i % len(codes)]
            row = (i, f"SN{20260000 + i}", i % 7, i + 0.5, state, "2026-01-02 03:04:05", *others)
            connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
    connection.close()
    return proposed(f"sqlite:///{path}")


def states(made: proposal.Proposal) -> dict[str, str]:
    order = made.role("order")
    assert order is not None
    return dict(order.states)


def asked_codes(made: proposal.Proposal) -> set[str]:
    return {q.about for q in made.questions if q.asked is Asked.CODE}


def test_codes_of_which_none_is_explained_are_asked_and_not_passed_over(tmp_path: Path) -> None:
    """Letters that say nothing, and no time that tells: one question each."""
    made = made_of(tmp_path / "shop.db", "t_order", (("P",), ("K",), ("X",)))
    assert states(made) == {}
    assert asked_codes(made) == {"status = 'P'", "status = 'K'", "status = 'X'"}


def test_submitted_is_unpaid_only_beside_the_steps_that_follow(tmp_path: Path) -> None:
    """A column that ends with it says nothing of paying; one that knows what comes after means the step before."""
    alone = made_of(tmp_path / "one.db", "t_order", (("SUBMITTED",), ("CANCELLED",)))
    assert states(alone) == {"status = 'CANCELLED'": "closed"}
    assert asked_codes(alone) == {"status = 'SUBMITTED'"}
    among = made_of(tmp_path / "two.db", "t_order", (("SUBMITTED",), ("PAID",), ("SHIPPED",), ("CANCELLED",)))
    assert states(among)["status = 'SUBMITTED'"] == "awaiting-payment"


def test_an_offer_that_was_sent_is_no_parcel(tmp_path: Path) -> None:
    """`sent` where no code waits to be sent and no row holds a parcel."""
    made = made_of(tmp_path / "shop.db", "sale_order", (("draft",), ("sent",), ("sale",), ("done",), ("cancel",)))
    assert "status = 'sent'" in asked_codes(made)
    assert "shipped" not in states(made).values()


def test_purchases_among_the_orders_are_left_out_and_asked(tmp_path: Path) -> None:
    codes = (("PAID", "SALES_ORDER"), ("SHIPPED", "PURCHASE_ORDER"), ("COMPLETED", "SALES_ORDER"))
    made = made_of(tmp_path / "shop.db", "t_order", codes, ", order_type VARCHAR(20)")
    order = made.role("order")
    assert order is not None
    assert order.where == "order_type = 'SALES_ORDER'"
    (question,) = [q for q in made.questions if q.asked is Asked.PAPER]
    assert question.hint == "PURCHASE_ORDER"
    every = proposal.answered(made, question, question.choices[-1]).role("order")
    assert every is not None
    assert every.where == ""


def test_arrival_beside_a_column_that_stops_at_sending(tmp_path: Path) -> None:
    """`is_received` moves on what was sent; a flag that unsent orders carry too is the shop's own confirmation, and tells nothing."""
    codes = (("unpaid", 0), ("paid", 0), ("shipped", 0), ("shipped", 1), ("cancelled", 0))
    said = states(made_of(tmp_path / "one.db", "t_order", codes, ", is_received INT"))
    assert next(iter(said.items())) == ("status = 'shipped' AND is_received = 1", "completed")
    codes = (("unpaid", 1), ("paid", 1), ("shipped", 0), ("shipped", 1), ("cancelled", 0))
    assert "completed" not in states(made_of(tmp_path / "two.db", "t_order", codes, ", is_confirmed INT")).values()


def test_a_table_that_is_not_called_the_orders_is_asked_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is stated of it until somebody says that it is."""
    monkeypatch.chdir(tmp_path)
    made = made_of(tmp_path / "shop.db", "wp_order_stats", (("unpaid",), ("completed",)))
    assert [(q.field, q.asked, [c.table for c in q.choices]) for q in made.questions] == [("order", Asked.TABLE, ["wp_order_stats"])]
    assert made.found == ()
    assert "--table order=" in call("--yes", "--output", "shop.toml").stderr
    assert call("--yes", "--output", "shop.toml", "--table", "order=wp_order_stats").exit_code == 0
