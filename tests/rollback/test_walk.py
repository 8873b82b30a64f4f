"""A bad transaction is found, planned, taken back and brought again: the whole way, on real servers."""

from __future__ import annotations

import pytest

from tests.rollback.shop import Shop

pytestmark = pytest.mark.server


def test_a_bad_transaction_goes_back_and_can_come_again(shop: Shop) -> None:
    """Dry run, apply, undo: each writes what it says and nothing else."""
    before = shop.rows("SELECT id, payment_status, amount, receiver FROM orders ORDER BY id")
    bad = shop.sql("UPDATE orders SET payment_status = 'CLOSED'")
    plan = shop.plan("--transaction", bad)
    assert (plan["rows"], plan["conflicts"]) == (4, 0)
    assert shop.rows("SELECT DISTINCT payment_status FROM orders") == [("CLOSED",)]
    receipt = shop.apply(plan)
    assert (receipt["rows"], receipt["proven"], receipt["left"]) == (4, 4, 0)
    assert shop.rows("SELECT id, payment_status, amount, receiver FROM orders ORDER BY id") == before
    again = shop.plan("--undo", plan["plan"], "--hash", plan["hash"], name="undo")
    assert again["rows"] == 4
    shop.apply(again)
    assert shop.rows("SELECT DISTINCT payment_status FROM orders") == [("CLOSED",)]
