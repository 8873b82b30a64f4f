"""Tables beside the orders, and columns beside the right one: parts, callbacks, discounts, quantities that look like keys."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from makewhole.attach import labels, proposal
from tests.attach.asking import proposed

ROWS = 60
HEAD = "id INTEGER PRIMARY KEY, order_sn VARCHAR(32) UNIQUE, user_id INT"
AT = "2026-01-02 03:04:05"
STATES = ("unpaid", "paid", "shipped", "completed", "cancelled")
Row = Sequence[object]


def table(path: Path, name: str, columns: str, rows: Sequence[Row]) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(f"CREATE TABLE {name} ({columns})")
        connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows[0]))})", rows)
    connection.close()


def orders(path: Path) -> None:
    columns = f"{HEAD}, pay_amount DECIMAL(10,2), status VARCHAR(20), create_time DATETIME"
    rows = [(i, f"SN{20260000 + i}", i % 7, i + 0.5, STATES[i % 5], AT) for i in range(1, ROWS + 1)]
    table(path, "mall_order", columns, rows)


def column(made: proposal.Proposal, field: str) -> str:
    found = made.field(field)
    return "" if found is None else found.rests_on()


def test_parts_that_name_their_order_are_no_rivals_of_it(tmp_path: Path) -> None:
    """They hold more of what orders have, parcels and arrival; but each names the order that it is a part of, and that one has states."""
    orders(tmp_path / "shop.db")
    columns = (
        "id INTEGER PRIMARY KEY, sub_order_sn VARCHAR(40), order_sn VARCHAR(32), status VARCHAR(20), pay_amount DECIMAL(10,2), "
        "express_no VARCHAR(40), delivery_time DATETIME, receive_time DATETIME, create_time DATETIME"
    )
    rows = [
        (i, f"SUB{20260000 + i}", f"SN{20260000 + (i + 1) // 2}", STATES[i % 5], 1.5, f"SF{770000 + i}", AT, AT, AT)
        for i in range(1, 2 * ROWS + 1)
    ]
    table(tmp_path / "shop.db", "mall_sub_order", columns, rows)
    made = proposed(f"sqlite:///{tmp_path / 'shop.db'}")
    order = made.role("order")
    assert order is not None
    assert order.table == "mall_order"
    assert column(made, "order.number") == "order_sn"


def test_the_instant_of_the_callback_is_that_of_the_payment(tmp_path: Path) -> None:
    """Nothing is called the time of paying; one instant is there exactly where the channel numbered the payment."""
    orders(tmp_path / "shop.db")
    columns = (
        "id INTEGER PRIMARY KEY, pay_no VARCHAR(32), order_id INT, amount DECIMAL(10,2), trade_no VARCHAR(64), status INT, "
        "notify_time DATETIME, create_time DATETIME"
    )
    rows: list[Row] = []
    for i in range(1, ROWS + 1):
        paid = i % 3 > 0
        rows.append((i, f"P{20260000 + i}", i, i + 0.5, f"42{i:026d}" if paid else None, int(paid), AT if paid else None, AT))
    table(tmp_path / "shop.db", "mall_payment", columns, rows)
    made = proposed(f"sqlite:///{tmp_path / 'shop.db'}")
    assert column(made, "payment.at") == "notify_time"
    payment = made.role("payment")
    assert payment is not None
    assert dict(payment.states) == {"status = 1": "paid"}


def test_what_few_orders_hold_is_not_due(tmp_path: Path) -> None:
    """`pmt_order` reads like a payment of the order; it is what was taken off some of them."""
    columns = f"{HEAD}, total_amount DECIMAL(10,2), pmt_order DECIMAL(10,2), status VARCHAR(20)"
    rows = [(i, f"SN{20260000 + i}", i % 7, i + 0.5, 2 if i % 4 == 0 else 0, STATES[i % 5]) for i in range(1, ROWS + 1)]
    table(tmp_path / "shop.db", "mall_order", columns, rows)
    assert column(proposed(f"sqlite:///{tmp_path / 'shop.db'}"), "order.amount_due") == "total_amount"


def test_pieces_are_no_keys(tmp_path: Path) -> None:
    """`ord_qty` holds small numbers that all are keys of orders too."""
    orders(tmp_path / "shop.db")
    rows = [(i, f"SN{20260000 + i}", f"A{i % 9}", 1 + i % 3, 1.5) for i in range(1, ROWS + 1)]
    columns = "id INTEGER PRIMARY KEY, order_sn VARCHAR(32), sku_code VARCHAR(20), ord_qty INT, line_amount DECIMAL(10,2)"
    table(tmp_path / "shop.db", "mall_order_item", columns, rows)
    made = proposed(f"sqlite:///{tmp_path / 'shop.db'}")
    item = made.role("item")
    assert item is not None
    assert (item.link, column(made, "item.order"), column(made, "item.quantity")) == ("", "order_sn", "ord_qty")


def test_a_net_amount_is_due_unless_a_tax_stands_beside_it(tmp_path: Path) -> None:
    columns = f"{HEAD}, gross_amount DECIMAL(10,2), disc_amount DECIMAL(10,2), net_amount DECIMAL(10,2), status VARCHAR(20)"
    rows = [(i, f"SN{20260000 + i}", i % 7, i + 9.5, i % 3, i + 9.5 - i % 3, STATES[i % 5]) for i in range(1, ROWS + 1)]
    table(tmp_path / "one.db", "sales_order", columns, rows)
    assert column(proposed(f"sqlite:///{tmp_path / 'one.db'}"), "order.amount_due") == "net_amount"
    taxed = columns + ", tax_amount DECIMAL(10,2), total_amount DECIMAL(10,2)"
    table(tmp_path / "two.db", "sales_order", taxed, [(*row, 1, i + 10.5) for i, row in enumerate(rows)])
    assert column(proposed(f"sqlite:///{tmp_path / 'two.db'}"), "order.amount_due") != "net_amount"


@pytest.mark.parametrize("label, word", [("cancel", "closed"), ("进行中", "processing"), ("succ", "done"), ("can apply", "none")])
def test_what_a_refund_is_called(label: str, word: str) -> None:
    assert labels.refund_state(label) == word
