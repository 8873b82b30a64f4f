"""A bad transaction on a PostgreSQL shop is found, planned, taken back and brought again: the whole way, on a real server."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from makewhole.cli import program
from tests.rollback.postgres.shop import Shop

pytestmark = pytest.mark.server


def test_a_bad_transaction_goes_back_and_can_come_again(shop: Shop) -> None:
    """Dry run, apply, a second run that does nothing, undo."""
    columns = "SELECT id, payment_status, amount, receiver FROM orders ORDER BY id"
    before = shop.rows(columns)
    bad = shop.sql("UPDATE orders SET payment_status = 'CLOSED', receiver = NULL")
    plan = shop.plan("--transaction", bad)
    assert (plan["rows"], plan["conflicts"]) == (4, 0)
    assert any("alone" in note for note in plan["notes"])
    assert shop.rows("SELECT DISTINCT payment_status FROM orders") == [("CLOSED",)]
    receipt = shop.apply(plan)
    assert (receipt["rows"], receipt["proven"], receipt["left"], len(receipt["transactions"])) == (4, 4, 0, 1)
    assert shop.rows(columns) == before
    assert shop.rows("SELECT DISTINCT lock_version, updated_at IS NULL FROM orders") == [(1, False)]
    again = shop.apply(plan)
    assert (again["rows"], again["earlier"], again["transactions"]) == (0, 4, receipt["transactions"])
    undo = shop.plan("--undo", plan["plan"], "--hash", plan["hash"], name="undo")
    assert undo["rows"] == 4
    shop.apply(undo)
    assert shop.rows("SELECT DISTINCT payment_status, receiver FROM orders") == [("CLOSED", None)]
    # Whoever reads the log sees that no customer did it.
    assert [s["user"] for s in shop.history("N1")][-2:] == [f"makewhole rollback {p['hash'][:16]}" for p in (plan, undo)]


def test_orders_that_are_not_there_are_asked_for_all_the_same(shop: Shop) -> None:
    """An order that was deleted, and a name that a person mistyped: where lines name their order's key, no number can be one."""
    shop.run("DELETE FROM orders WHERE id = 2")
    told = CliRunner().invoke(program.PROGRAM, ["scan", "--json", *shop.attached()], catch_exceptions=False)
    found = [json.loads(line) for line in told.stdout.splitlines()]
    assert ("N2", "row-deleted") in {(f["order"], f["ailment"]) for f in found}, told.output
    unknown = CliRunner().invoke(program.PROGRAM, ["show", "NOPE", *shop.attached(), "--lang", "en"], catch_exceptions=False)
    assert (unknown.exit_code, "Check the number" in unknown.output) == (2, True), unknown.output
