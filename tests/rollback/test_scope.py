"""What is taken back, and what it comes to (F6 to F8): whole transactions are shown, touched columns written, chains are one step."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.rollback.shop import Shop

pytestmark = pytest.mark.server


def test_f6_the_whole_transaction_is_shown_and_taken_back(shop: Shop) -> None:
    """Rows of other tables too, mapped or not; the shop's own line of history stays."""
    shop.sql("CREATE TABLE member (id INT PRIMARY KEY, points INT)", "INSERT INTO member VALUES (7, 100)")
    bad = shop.together(
        "UPDATE orders SET payment_status = 'CLOSED' WHERE id = 1",
        "DELETE FROM order_item WHERE order_id = 1",
        "UPDATE member SET points = 0",
        "INSERT INTO order_log (order_sn, operator, note) VALUES ('N1', 'li', 'closed')",
    )
    plan = shop.plan("--transaction", bad)
    (seen,) = plan["transactions"]
    assert seen["taken"] == {"orders update": 1, "order_item delete": 2, "member update": 1}
    assert seen["left"] == {}
    assert any("order_log" in note for note in plan["notes"])
    assert shop.apply(plan)["rows"] == 4
    assert shop.rows("SELECT payment_status FROM orders WHERE id = 1") == [("PAID",)]
    assert shop.rows("SELECT id, order_id, sku, quantity FROM order_item ORDER BY id") == [(1, 1, "tea", 2), (2, 1, "cup", 1)]
    assert shop.rows("SELECT points FROM member") == [(100,)]
    assert shop.rows("SELECT COUNT(*) FROM order_log") == [(1,)]


def test_f6_a_part_of_a_transaction_is_agreed_to_in_so_many_words(shop: Shop) -> None:
    """One order of a bulk edit: refused until --partial is said, which the plan then holds."""
    bad = shop.together("UPDATE orders SET payment_status = 'CLOSED'", "DELETE FROM order_item")
    assert "3 other rows" in shop.refused("--transaction", bad, "--order", "N1")
    plan = shop.plan("--transaction", bad, "--order", "N1", "--partial")
    assert plan["partial"] is True
    assert (plan["rows"], {line["order"] for line in plan["lines"]}) == (3, {"N1"})
    (seen,) = plan["transactions"]
    assert seen["left"] == {"orders update": 3}
    shop.apply(plan)
    assert shop.rows("SELECT id, payment_status FROM orders ORDER BY id") == [(1, "PAID"), (2, "CLOSED"), (3, "CLOSED"), (4, "CLOSED")]
    assert shop.rows("SELECT COUNT(*) FROM order_item") == [(2,)]


def test_f6_half_an_order_is_left_alone(shop: Shop) -> None:
    """A conflict on one of its rows keeps the others: an order goes back whole or not at all."""
    bad = shop.together("UPDATE orders SET payment_status = 'CLOSED' WHERE id IN (1, 2)", "UPDATE order_item SET quantity = 9")
    shop.sql("UPDATE order_item SET quantity = 3 WHERE id = 2")
    plan = shop.plan("--transaction", bad)
    assert {line["order"] for line in plan["lines"] if "conflict" not in line} == {"N2"}
    assert sorted(line["conflict"]["why"] for line in plan["lines"] if "conflict" in line) == ["changed-later", "with-order", "with-order"]
    shop.apply(plan)
    assert shop.rows("SELECT id, payment_status FROM orders ORDER BY id LIMIT 2") == [(1, "CLOSED"), (2, "PAID")]


def test_f7_only_the_touched_columns_are_written(shop: Shop) -> None:
    """A colleague's later edit of another column stays, and is listed."""
    bad = shop.sql("UPDATE orders SET payment_status = 'CLOSED' WHERE id = 1")
    shop.sql("UPDATE orders SET receiver = '李四', amount = 7 WHERE id = 1")
    plan = shop.plan("--transaction", bad)
    (line,) = plan["lines"]
    assert line["back"] == {"payment_status": "PAID"}
    assert line["left_alone"] == ["amount", "receiver"]
    shop.apply(plan)
    assert shop.rows("SELECT payment_status, receiver, amount = 7 FROM orders WHERE id = 1") == [("PAID", "李四", 1)]


def test_f7_columns_can_be_chosen(shop: Shop) -> None:
    """Of two columns that the bad change touched, one goes back: a part, and so agreed to."""
    bad = shop.sql("UPDATE orders SET payment_status = 'CLOSED', receiver = 'x' WHERE id = 1")
    assert "other rows" in shop.refused("--transaction", bad, "--column", "payment_status")
    shop.apply(shop.plan("--transaction", bad, "--column", "payment_status", "--partial"))
    assert shop.rows("SELECT payment_status, receiver FROM orders WHERE id = 1") == [("PAID", "x")]


def test_f8_a_chain_is_one_step(shop: Shop) -> None:
    """Three bad changes of one row are one way back: the states between, which another row's unique number forbids now, never appear."""
    first = shop.sql("UPDATE orders SET order_sn = 'TMP', payment_status = 'CLOSED' WHERE id = 1")
    second = shop.sql("UPDATE orders SET order_sn = 'N9', payment_status = 'UNPAID' WHERE id = 1")
    third = shop.sql("UPDATE orders SET payment_status = 'REFUNDED' WHERE id = 1")
    shop.sql("INSERT INTO orders (order_sn, payment_status, amount) VALUES ('TMP', 'PAID', 1)")
    # No channel is attached: nobody can say that no refund was made.
    scope = ("--transaction", first, "--transaction", second)
    assert shop.plan(*scope, "--transaction", third)["lines"][0]["conflict"]["why"] == "settled"
    shop.sql("UPDATE orders SET payment_status = 'UNPAID' WHERE id = 1")
    assert shop.plan(*scope)["lines"][0]["conflict"]["why"] == "changed-later"
    fourth = shop.sql("UPDATE orders SET order_sn = 'N8' WHERE id = 2")
    fifth = shop.sql("UPDATE orders SET order_sn = 'N7' WHERE id = 2")
    plan = shop.plan("--transaction", fourth, "--transaction", fifth)
    (line,) = plan["lines"]
    assert (line["now"], line["back"], line["taken_back"]) == ({"order_sn": "N7"}, {"order_sn": "N2"}, [fourth, fifth])


def test_f8_changes_that_undid_each_other_are_nothing(shop: Shop) -> None:
    """There and back again, inserted and deleted again: nothing is left to write."""
    told = [
        shop.sql("UPDATE orders SET payment_status = 'CLOSED' WHERE id = 1"),
        shop.sql("UPDATE orders SET payment_status = 'PAID' WHERE id = 1"),
        shop.sql("INSERT INTO orders (id, order_sn, payment_status, amount) VALUES (99, 'N99', 'PAID', 1)"),
        shop.sql("DELETE FROM orders WHERE id = 99"),
    ]
    plan = shop.plan(*(a for t in told for a in ("--transaction", t)))
    assert (plan["rows"], plan["conflicts"], len(plan["transactions"])) == (0, 0, 4)


def test_f8_deleted_and_inserted_again_is_one_rewrite(shop: Shop) -> None:
    """Whoever repaired by DELETE and INSERT changed columns: those go back, in place."""
    bad = shop.together(
        "DELETE FROM orders WHERE id = 2",
        "DO SLEEP(0.01)",
        "INSERT INTO orders (id, order_sn, payment_status, amount, receiver, weight) VALUES (2, 'N2', 'CLOSED', 102.50, '张三2', 0.1)",
    )
    plan = shop.plan("--transaction", bad)
    (line,) = plan["lines"]
    assert line["how"] == "rewrite"
    assert line["back"]["payment_status"] == "PAID"
    # What the row was made anew with, and nothing that it has as it had: a clock and a version of the row go on.
    assert set(line["back"]) == {"payment_status", "created_at"}
    assert shop.apply(plan)["proven"] == 1


def test_a_row_s_own_key_comes_back(shop: Shop) -> None:
    """The identity itself was overwritten: the row is found under its new key and gets its old one."""
    bad = shop.sql("UPDATE orders SET id = 77, payment_status = 'CLOSED' WHERE id = 4")
    plan = shop.plan("--transaction", bad)
    assert plan["lines"][0]["key"] == {"id": "77"}
    assert shop.apply(plan)["proven"] == 1
    assert shop.rows("SELECT id, payment_status FROM orders WHERE order_sn = 'N4'") == [(4, "PAID")]


def test_a_span_of_time_and_a_user_are_scopes(shop: Shop) -> None:
    """By when, and by whom as the shop's own line of history in the same transaction says."""
    note = "INSERT INTO order_log (order_sn, operator, note) VALUES ('N1', '{}', 'x')"
    shop.sql("DO SLEEP(1.1)")
    since = datetime.now(UTC).replace(microsecond=0)
    shop.together("UPDATE orders SET payment_status = 'CLOSED' WHERE id = 1", note.format("li"))
    shop.together("UPDATE orders SET payment_status = 'CLOSED' WHERE id = 2", note.format("wang"))
    until = since + timedelta(hours=1)
    span = ("--since", since.isoformat(), "--until", until.isoformat())
    assert shop.plan(*span)["rows"] == 2
    assert shop.plan("--since", until.isoformat())["rows"] == 0
    plan = shop.plan("--user", "li", *span)
    assert [line["order"] for line in plan["lines"]] == ["N1"]
    assert shop.plan("--user", "nobody", *span)["rows"] == 0


def test_a_connection_is_a_scope_on_mysql(shop: Shop) -> None:
    """MySQL's log holds the connection's number of every transaction; MariaDB's does not."""
    with shop.server.root_connection(shop.database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT CONNECTION_ID()")
        row = cursor.fetchone()
        assert row is not None
        cursor.execute("UPDATE orders SET payment_status = 'CLOSED' WHERE id = 3")
    shop.sql("UPDATE orders SET payment_status = 'CLOSED' WHERE id = 4")
    since = (datetime.now(UTC) - timedelta(seconds=2)).isoformat()
    plan = shop.plan("--connection", str(row[0]), "--since", since, "--order", "N3", "--partial")
    assert plan["rows"] == (0 if shop.mariadb else 1)


@pytest.mark.parametrize("alone", [("--order", "N1"), ("--column", "amount"), ("--until", "2099-01-01T00:00:00+08:00")])
def test_what_does_not_say_which_change_is_no_scope(shop: Shop, alone: tuple[str, str]) -> None:
    """Which change was the bad one is for a person to say; all that ever happened is never meant."""
    assert "which changes are the bad ones" in shop.refused(*alone)
