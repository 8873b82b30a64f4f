"""Ten experiments in which other flashback tools harm orders in silence (E1 to E10), with the right answer, on MariaDB and MySQL 8."""

from __future__ import annotations

import pytest

from tests.rollback.shop import Shop

pytestmark = pytest.mark.server
BAD = "UPDATE orders SET payment_status = 'CLOSED' WHERE id = 1"
STATE = "SELECT payment_status FROM orders WHERE id = 1"


def test_e1_a_later_refund_stays(shop: Shop) -> None:
    """The bad transaction closed the order, a good one refunded it and set its amount to nothing: nothing of that is undone."""
    bad = shop.sql(BAD + " OR id = 2")
    refund = shop.sql("UPDATE orders SET payment_status = 'REFUNDED', amount = 0 WHERE id = 1")
    plan = shop.plan("--transaction", bad)
    assert [(line["order"], line.get("conflict", {}).get("by")) for line in plan["lines"]] == [("N1", refund), ("N2", None)]
    shop.apply(plan)
    assert shop.rows("SELECT payment_status, amount = 0 FROM orders WHERE id < 3") == [("REFUNDED", 1), ("PAID", 0)]


def test_e2_a_row_that_was_deleted_later_stops_nothing_else(shop: Shop) -> None:
    """One row is gone; the others go back."""
    bad = shop.sql("UPDATE orders SET payment_status = 'CLOSED'")
    shop.sql("DELETE FROM orders WHERE id = 3")
    plan = shop.plan("--transaction", bad)
    assert (plan["rows"], plan["conflicts"]) == (3, 1)
    assert shop.apply(plan)["proven"] == 3
    assert shop.rows("SELECT COUNT(*) FROM orders WHERE payment_status = 'PAID'") == [(3,)]


def test_e3_a_parent_does_not_come_back_without_its_children(shop: Shop) -> None:
    """What ON DELETE CASCADE took is nowhere in the log: said, and not half done."""
    shop.sql(
        """CREATE TABLE parcel (id INT PRIMARY KEY AUTO_INCREMENT, order_id BIGINT UNSIGNED,
        FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE)""",
        "INSERT INTO parcel (order_id) VALUES (2), (2)",
    )
    bad = shop.sql("DELETE FROM orders WHERE id = 2")
    plan = shop.plan("--transaction", bad)
    assert [line["conflict"]["why"] for line in plan["lines"]] == ["cascaded"]
    shop.apply(plan)
    assert shop.rows("SELECT COUNT(*) FROM orders WHERE id = 2") == [(0,)]


def test_e4_a_minimal_image_is_refused_and_not_passed_by(shop: Shop) -> None:
    """No plan, no success, a reason."""
    bad = shop.sql(BAD, session=["SET SESSION binlog_row_image = MINIMAL"])
    assert "not FULL" in shop.refused("--transaction", bad)
    assert shop.rows(STATE) == [("CLOSED",)]


def test_e5_a_deleted_row_without_its_texts_is_refused(shop: Shop) -> None:
    """NOBLOB leaves the remark out: the row would come back without it."""
    shop.sql("UPDATE orders SET remark = '请放门口' WHERE id = 2")
    bad = shop.sql("DELETE FROM orders WHERE id = 2", session=["SET SESSION binlog_row_image = NOBLOB"])
    assert "not FULL" in shop.refused("--transaction", bad)
    whole = shop.together("INSERT INTO orders (id, order_sn, payment_status, amount, remark) VALUES (9, 'N9', 'PAID', 1, '请放门口')")
    gone = shop.sql("DELETE FROM orders WHERE id = 9")
    assert whole != gone
    shop.apply(shop.plan("--transaction", gone), "--approved-by", "wang")
    assert shop.rows("SELECT remark FROM orders WHERE id = 9") == [("请放门口",)]


def test_e6_a_column_added_in_front_moves_nothing(shop: Shop) -> None:
    """Other tools put the receiver's name into the state."""
    bad = shop.sql(BAD)
    shop.sql("ALTER TABLE orders ADD COLUMN pay_channel VARCHAR(32) AFTER id")
    shop.apply(shop.plan("--transaction", bad))
    assert shop.rows("SELECT pay_channel, payment_status, receiver FROM orders WHERE id = 1") == [(None, "PAID", "张三1")]


def test_e7_the_audit_trail_is_not_erased(shop: Shop) -> None:
    """A trigger wrote the shop's history in the bad transaction: those rows stay, and it fires for ours."""
    shop.sql(
        """CREATE TRIGGER tells AFTER UPDATE ON orders FOR EACH ROW
        INSERT INTO order_log (order_sn, operator, note) VALUES (NEW.order_sn, 'trigger', NEW.payment_status)"""
    )
    plan = shop.plan("--transaction", shop.sql(BAD))
    assert any("tells" in note for note in plan["notes"])
    assert any("order_log stay" in note for note in plan["notes"])
    shop.apply(plan)
    assert shop.rows("SELECT note FROM order_log ORDER BY id") == [("CLOSED",), ("PAID",)]


def test_e8_todays_columns_do_not_name_yesterdays_values(shop: Shop) -> None:
    """Added, dropped and reordered since: what is gone is told, what is there is found."""
    bad = shop.sql("UPDATE orders SET payment_status = 'CLOSED', receiver = 'x' WHERE id = 1")
    other = shop.sql("UPDATE orders SET payment_status = 'CLOSED' WHERE id = 2")
    shop.sql("ALTER TABLE orders DROP COLUMN receiver, ADD COLUMN consignee VARCHAR(64) FIRST, MODIFY remark TEXT AFTER id")
    plan = shop.plan("--transaction", bad)
    assert (plan["lines"][0]["conflict"]["why"], plan["lines"][0]["conflict"]["columns"]) == ("type-changed", ["receiver"])
    shop.apply(shop.plan("--transaction", other, name="other"))
    assert shop.rows("SELECT payment_status, consignee FROM orders WHERE id = 2") == [("PAID", None)]


def test_e9_generated_columns_fractions_and_floats_come_back_exactly(shop: Shop) -> None:
    """A generated column is never written; milliseconds keep their place; a FLOAT is told by its bits and found by its key."""
    shop.sql(
        "ALTER TABLE orders ADD twice DECIMAL(12,2) AS (amount * 2) STORED, ADD at3 TIMESTAMP(3) NULL, ADD at6 DATETIME(6)",
        "ALTER TABLE orders ADD span TIME(3)",
        "UPDATE orders SET at3 = '2026-11-23 20:00:00.869', at6 = '2026-11-23 20:00:00.000869', span = '-12:34:56.007', weight = 0.1",
    )
    columns = "SELECT id, amount, twice, at3, at6, span, weight + 0e0, receiver FROM orders ORDER BY id"
    before = shop.rows(columns)
    bad = shop.sql("UPDATE orders SET amount = 1, at3 = NULL, at6 = NULL, span = '00:00:01', weight = 7 / 3, receiver = NULL")
    plan = shop.plan("--transaction", bad)
    assert all("twice" not in line["back"] for line in plan["lines"])
    assert shop.apply(plan, "--approved-by", "wang")["proven"] == 4
    assert shop.rows(columns) == before


def test_e10_chinese_and_emoji_of_any_length_come_back(shop: Shop) -> None:
    """Longer than any block that a reader might cut text in, in the character sets that shops have."""
    charset = "gbk"
    shop.sql(f"ALTER TABLE orders ADD old_name VARCHAR(100) CHARACTER SET {charset}")
    shop.sql(
        "UPDATE orders SET remark = CONCAT(REPEAT('中文🧧', 3000), id), receiver = CONCAT('收件人', id, '🍵'), old_name = '繁體與简体'"
    )
    columns = "SELECT id, remark, receiver, HEX(old_name) FROM orders ORDER BY id"
    before = shop.rows(columns)
    bad = shop.sql("UPDATE orders SET remark = REPEAT('坏', 5000), receiver = '👍🏽', old_name = '坏'")
    assert shop.apply(shop.plan("--transaction", bad))["proven"] == 4
    assert shop.rows(columns) == before
