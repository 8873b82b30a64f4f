"""What is left alone (F9 to F11): whatever somebody wrote since, money that went back, and rows that the database changes by itself."""

from __future__ import annotations

import pytest

from makewhole.engine import rewinding
from makewhole.model import rollback
from tests.rollback.shop import Shop

pytestmark = pytest.mark.server
BAD = "UPDATE orders SET payment_status = 'CLOSED' WHERE id = 1"


@pytest.mark.parametrize(
    "why, good",
    [
        ("changed-later", ["UPDATE orders SET payment_status = 'UNPAID' WHERE id = 1"]),
        # There and back again is still somebody's work: equal is not untouched.
        (
            "changed-later",
            ["UPDATE orders SET payment_status = 'UNPAID' WHERE id = 1", "UPDATE orders SET payment_status = 'CLOSED' WHERE id = 1"],
        ),
        ("gone", ["DELETE FROM orders WHERE id = 1"]),
        (
            "gone",
            ["DELETE FROM orders WHERE id = 1", "INSERT INTO orders (id, order_sn, payment_status, amount) VALUES (1, 'N1', 'CLOSED', 1)"],
        ),
        ("gone", ["UPDATE orders SET id = 50 WHERE id = 1"]),
    ],
)
def test_f9_a_later_write_of_the_same_is_left_alone_and_shown(shop: Shop, why: str, good: list[str]) -> None:
    """By its transaction; nothing of the row moves."""
    bad = shop.sql(BAD)
    by = [shop.sql(one) for one in good][0 if why == "gone" else -len(good)]
    before = shop.rows("SELECT * FROM orders ORDER BY id")
    plan = shop.plan("--transaction", bad)
    assert (plan["rows"], plan["conflicts"]) == (0, 1)
    told = plan["lines"][0]["conflict"]
    assert (told["why"], told["by"]) == (why, by)
    assert shop.apply(plan)["rows"] == 0
    assert shop.rows("SELECT * FROM orders ORDER BY id") == before


def test_f9_a_row_that_came_again_is_not_overwritten(shop: Shop) -> None:
    """A deleted order whose number lives again is somebody's new order."""
    bad = shop.sql("DELETE FROM orders WHERE id = 1")
    shop.sql("INSERT INTO orders (id, order_sn, payment_status, amount, receiver) VALUES (1, 'N1', 'UNPAID', 5, '新')")
    plan = shop.plan("--transaction", bad)
    assert plan["lines"][0]["conflict"]["why"] == "back-again"


def test_f9_a_good_change_between_two_bad_ones_is_a_conflict(shop: Shop) -> None:
    """What it wrote would be lost, though the row holds the last bad value now."""
    first = shop.sql(BAD)
    good = shop.sql("UPDATE orders SET payment_status = 'UNPAID' WHERE id = 1")
    last = shop.sql(BAD)
    plan = shop.plan("--transaction", first, "--transaction", last)
    assert plan["lines"][0]["conflict"]["by"] == good
    # The last one alone goes back to what the good one wrote.
    assert shop.plan("--transaction", last)["lines"][0]["back"] == {"payment_status": "UNPAID"}


@pytest.mark.parametrize(
    "was, quiet",
    [
        ("receiver = 'abc'", "receiver = 'ABC'"),
        ("receiver = 'abc'", "receiver = 'abc '"),
        ("receiver = NULL", "receiver = ''"),
        ("weight = 0.3", "weight = 0.3000001"),
        ("amount = 10.10", "amount = 10.11"),
    ],
)
def test_f9_equal_is_equal_to_the_bit(shop: Shop, was: str, quiet: str) -> None:
    """Where the server's own `=` would call two values the same, they are not: here the log does not tell the second write at all (F20)."""
    bad = shop.sql(f"UPDATE orders SET {was} WHERE id = 1")
    plan = shop.plan("--transaction", bad)
    shop.sql(f"UPDATE orders SET {quiet} WHERE id = 1", session=["SET SESSION sql_log_bin = 0"])
    assert "does not hold everything" in shop.refused("--transaction", bad)
    result = shop.call("--apply", plan["plan"], "--hash", plan["hash"], *(["--approved-by", "wang"] if "amount" in was else []))
    assert "does not hold everything" in result.output


def test_f10_money_that_went_back_is_not_brought_here_by_sql(shop: Shop) -> None:
    """An order that says refunded leaves that state only where its channel holds no refund; here nobody can be asked."""
    bad = shop.sql("UPDATE orders SET payment_status = 'REFUNDED' WHERE id = 1")
    plan = shop.plan("--transaction", bad)
    assert plan["lines"][0]["conflict"]["why"] == "settled"
    assert shop.apply(plan)["rows"] == 0


def test_f10_amounts_want_a_second_person(shop: Shop) -> None:
    """The same name twice is one person."""
    bad = shop.sql("UPDATE orders SET amount = 0.01 WHERE id = 1")
    plan = shop.plan("--transaction", bad)
    assert plan["money"] is True
    call = ("--apply", plan["plan"], "--hash", plan["hash"], "--by", "li")
    for more in ((), ("--approved-by", "li"), ("--approved-by", " LI "), ("--approved-by", " ")):
        assert shop.call(*call, *more).exit_code == 4
    assert shop.rows("SELECT amount FROM orders WHERE id = 1 AND amount = 0.01") != []
    assert shop.apply(plan, "--by", "li", "--approved-by", "wang")["approved_by"] == "wang"
    assert shop.rows("SELECT amount + 0 FROM orders WHERE id = 1 AND amount = 101.50") != []


CHILD = """CREATE TABLE parcel (id INT PRIMARY KEY AUTO_INCREMENT, order_id BIGINT UNSIGNED, note VARCHAR(20),
FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE {rule})"""


@pytest.mark.parametrize("rule", ["CASCADE", "SET NULL"])
def test_f11_rows_that_the_database_changes_itself_are_not_guessed(shop: Shop, rule: str) -> None:
    """The log does not hold what a cascade did: the parent alone would be half an order."""
    shop.sql(CHILD.format(rule=rule), "INSERT INTO parcel (order_id, note) VALUES (2, 'a'), (2, 'b')")
    bad = shop.sql("DELETE FROM orders WHERE id = 2")
    plan = shop.plan("--transaction", bad)
    told = plan["lines"][0]["conflict"]
    assert (told["why"], told["by"].endswith("parcel")) == ("cascaded", True)
    # A rewrite of the same parent touches no child, and goes back.
    fine = shop.sql("UPDATE orders SET payment_status = 'CLOSED' WHERE id = 3")
    assert shop.plan("--transaction", fine)["rows"] == 1


def test_f11_parents_come_before_their_children(shop: Shop) -> None:
    """Both deleted in one transaction: inserted again in the order that the keys want, and deleted again the other way round."""
    shop.sql(CHILD.format(rule="RESTRICT"), "INSERT INTO parcel (order_id, note) VALUES (2, 'a'), (2, 'b')")
    bad = shop.together("DELETE FROM parcel", "DELETE FROM orders WHERE id = 2")
    plan = shop.plan("--transaction", bad)
    assert shop.apply(plan, "--approved-by", "wang")["proven"] == 3
    assert shop.rows("SELECT order_id, note FROM parcel ORDER BY id") == [(2, "a"), (2, "b")]
    undo = shop.plan("--undo", plan["plan"], "--hash", plan["hash"], name="undo")
    assert shop.apply(undo, "--approved-by", "wang")["proven"] == 3
    assert shop.rows("SELECT COUNT(*) FROM orders WHERE id = 2") == [(0,)]


def test_f11_triggers_fire_and_the_plan_says_so(shop: Shop) -> None:
    """This is ordinary SQL: the shop's own rules see it."""
    shop.sql(
        "CREATE TABLE heard (id INT PRIMARY KEY AUTO_INCREMENT, was VARCHAR(20), became VARCHAR(20))",
        """CREATE TRIGGER hears AFTER UPDATE ON orders FOR EACH ROW
        INSERT INTO heard (was, became) VALUES (OLD.payment_status, NEW.payment_status)""",
    )
    bad = shop.sql(BAD)
    plan = shop.plan("--transaction", bad)
    assert any("hears" in note for note in plan["notes"])
    shop.apply(plan)
    # What the trigger wrote in the bad transaction went back with it; what it wrote at ours is new.
    assert shop.rows("SELECT was, became FROM heard") == [("CLOSED", "PAID")]


def test_f9_what_is_written_while_a_plan_is_being_done_is_seen_too(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the apply began and before its rows are locked: the value is the same again, and only the log tells that it was not."""
    plan = shop.plan("--transaction", shop.sql("UPDATE orders SET payment_status = 'CLOSED'"))
    asked = rewinding.settled

    def meanwhile(bench: rewinding.Bench, block: rollback.Block) -> dict[str, rollback.Conflict]:
        shop.sql(*(f"UPDATE orders SET payment_status = '{state}' WHERE id = 2" for state in ("PAID", "CLOSED")))
        return asked(bench, block)

    monkeypatch.setattr(rewinding, "settled", meanwhile)
    receipt = shop.apply(plan)
    assert (receipt["rows"], receipt["left"]) == (3, 1)
    assert shop.rows("SELECT id FROM orders WHERE payment_status = 'CLOSED'") == [(2,)]
