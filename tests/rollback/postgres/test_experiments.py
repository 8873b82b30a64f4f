"""Experiments in which tools harm orders in silence (E1 to E10), with the right answer, on PostgreSQL, as far as they mean something."""

from __future__ import annotations

import pytest

from tests.rollback.postgres.shop import Shop

pytestmark = pytest.mark.server
BAD = "UPDATE orders SET payment_status = 'CLOSED' WHERE id = 1"


def test_e1_e2_later_work_stays_and_stops_nothing_else(shop: Shop) -> None:
    """A refund of the first order, the third deleted: both are left alone with the reason, the others go back."""
    bad = shop.sql("UPDATE orders SET payment_status = 'CLOSED'")
    refund = shop.sql("UPDATE orders SET payment_status = 'REFUNDED', amount = 0 WHERE id = 1")
    shop.run("DELETE FROM orders WHERE id = 3")
    plan = shop.plan("--transaction", bad)
    told = {line["order"]: line.get("conflict", {}) for line in plan["lines"]}
    assert {n: c.get("why") for n, c in told.items()} == {"N1": "changed-later", "N2": None, "N3": "gone", "N4": None}
    assert told["N1"]["by"] == refund
    assert shop.apply(plan)["proven"] == 2
    assert shop.rows("SELECT id, payment_status FROM orders ORDER BY id") == [(1, "REFUNDED"), (2, "PAID"), (4, "PAID")]


def test_e3_what_went_with_its_parent_comes_back_with_it_where_the_log_tells_it(shop: Shop) -> None:
    """PostgreSQL's log holds what ON DELETE CASCADE deleted, of tables that are published; of others it does not, and that is said."""
    shop.run(
        "CREATE TABLE parcel (id SERIAL PRIMARY KEY, order_id BIGINT REFERENCES orders ON DELETE CASCADE, note TEXT)",
        "INSERT INTO parcel (order_id, note) VALUES (2, 'a'), (2, 'b'), (3, 'c')",
    )
    plan = shop.plan("--transaction", shop.sql("DELETE FROM orders WHERE id = 3"))
    assert [line["conflict"]["why"] for line in plan["lines"]] == ["cascaded"]
    shop.told.keep("parcel")
    before = shop.rows("SELECT * FROM parcel ORDER BY id")
    plan = shop.plan("--transaction", shop.sql("DELETE FROM orders WHERE id = 2"), name="whole")
    assert [line["how"] for line in plan["lines"]] == ["reinsert"] * 3
    assert shop.apply(plan, "--approved-by", "wang")["proven"] == 3
    assert shop.rows("SELECT * FROM parcel ORDER BY id") == before
    # What was set to NULL with it refers to it again, once it is there.
    shop.run("CREATE TABLE claim (id SERIAL PRIMARY KEY, order_id BIGINT REFERENCES orders ON DELETE SET NULL)")
    shop.told.keep("claim")
    shop.run("INSERT INTO claim (order_id) VALUES (4)")
    freed = shop.plan("--transaction", shop.sql("DELETE FROM orders WHERE id = 4"), name="freed")
    assert sorted(line["how"] for line in freed["lines"]) == ["reinsert", "rewrite"]
    assert shop.apply(freed, "--approved-by", "wang")["proven"] == 2
    assert shop.rows("SELECT order_id FROM claim") == [(4,)]
    # A parent that is deleted again would take along what came since: that is nobody's to guess.
    undo = shop.plan("--undo", plan["plan"], "--hash", plan["hash"], name="undo")
    assert {line["conflict"]["why"] for line in undo["lines"] if line["table"] == "orders"} == {"cascaded"}


def test_e4_e5_a_row_that_is_not_told_as_it_was_is_refused_with_the_remedy(shop: Shop) -> None:
    """REPLICA IDENTITY DEFAULT: of an update the old values are nowhere. An insert is told whole, and can be taken back."""
    shop.run("ALTER TABLE orders REPLICA IDENTITY DEFAULT")
    updated, deleted = shop.sql(BAD), shop.sql("DELETE FROM orders WHERE id = 4")
    new = "INSERT INTO orders (order_sn, payment_status, amount) VALUES ('N{0}', 'PAID', 1)"
    inserted, touched = shop.sql(new.format(8)), shop.sql(new.format(9))
    shop.run("UPDATE orders SET remark = 'x' WHERE order_sn = 'N9'")
    remedy = 'ALTER TABLE "public"."orders" REPLICA IDENTITY FULL'
    assert remedy in shop.refused("--transaction", inserted)
    shop.run(remedy)
    for bad in (updated, deleted):
        assert remedy in shop.refused("--transaction", bad)
    assert [line["conflict"]["why"] for line in shop.plan("--transaction", touched)["lines"]] == ["changed-later"]
    assert shop.apply(shop.plan("--transaction", inserted), "--approved-by", "wang")["proven"] == 1
    assert shop.rows("SELECT order_sn FROM orders ORDER BY id") == [("N1",), ("N2",), ("N3",), ("N9",)]


def test_e6_e8_columns_are_found_by_name_and_types_compared(shop: Shop) -> None:
    """Added, dropped and of another type since: what is gone is told, what is there is found."""
    bad = shop.sql("UPDATE orders SET payment_status = 'CLOSED', receiver = 'x', weight = 7 WHERE id = 1")
    other = shop.sql("UPDATE orders SET payment_status = 'CLOSED' WHERE id = 2")
    shop.run("ALTER TABLE orders DROP COLUMN receiver, ADD COLUMN consignee TEXT DEFAULT '?', ALTER weight TYPE NUMERIC(10,3)")
    plan = shop.plan("--transaction", bad)
    assert (plan["lines"][0]["conflict"]["why"], plan["lines"][0]["conflict"]["columns"]) == ("type-changed", ["receiver", "weight"])
    plan = shop.plan("--transaction", other, name="other")
    shop.apply(plan)
    assert shop.rows("SELECT payment_status, consignee FROM orders WHERE id = 2") == [("PAID", "?")]
    # A plan holds for the table that it was made of.
    shop.run("ALTER TABLE orders ALTER remark TYPE VARCHAR(500)")
    assert "another one than when the plan was made" in shop.call("--apply", plan["plan"], "--hash", plan["hash"]).output
    truncated = shop.sql("TRUNCATE order_item")
    assert "TRUNCATE" in shop.refused("--transaction", truncated)


def test_e7_the_audit_trail_is_not_erased_and_triggers_fire(shop: Shop) -> None:
    """A trigger wrote the shop's history in the bad transaction: those rows stay, and it fires for ours."""
    shop.run(
        """CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO order_log (order_sn, operator, note) VALUES (NEW.order_sn, 'trigger', NEW.payment_status); RETURN NULL; END $$""",
        "CREATE TRIGGER tells AFTER UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION tell()",
    )
    plan = shop.plan("--transaction", shop.sql(BAD))
    assert any("tells (AFTER UPDATE)" in note for note in plan["notes"])
    assert any("order_log stay" in note for note in plan["notes"])
    shop.apply(plan)
    assert shop.rows("SELECT note FROM order_log ORDER BY id") == [("CLOSED",), ("PAID",)]


EVERY: tuple[tuple[str, ...], ...] = (
    # A column, and what stands in it in three rows.
    ("free NUMERIC", "1.00", "'NaN'", "1.0000000000000000000000000000001"),
    ("price DOUBLE PRECISION", "0.1", "'-0'", "'Infinity'"),
    ("at TIMESTAMPTZ", "'2026-11-23 20:00:00.000869+08'", "'infinity'", "'0044-03-15 12:00 BC'"),
    ("at3 TIMESTAMP(3)", "'2026-11-23 20:00:00.869'", "'-infinity'", "NULL"),
    ("day DATE", "'2026-02-28'", "'0044-03-15 BC'", "NULL"),
    ("clock TIME", "'24:00:00'", "'00:00:00.000001'", "NULL"),
    ("span INTERVAL", "'1 day'", "'24:00:00'", "'-1 mon'"),
    ("raw BYTEA", "'\\x00ff'", "''", "NULL"),
    ("doc JSON", """'{"a":  1.0}'""", "'[1, null]'", "NULL"),
    ("docb JSONB", """'{"b": 1.00}'""", """'""'""", "NULL"),
    ("tags TEXT[]", """'{"a,b",NULL,"\\""}'""", "'{}'", "NULL"),
    ("states payment[]", "'{PAID,CLOSED}'", "'{}'", "NULL"),
    ("ok BOOLEAN", "true", "false", "NULL"),
    ("fixed CHAR(8)", "'ab'", "''", "NULL"),
    ("flags BIT(5)", "B'10101'", "B'00000'", "NULL"),
    ("who UUID", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "NULL", "NULL"),
    ("net INET", "'10.0.0.1'", "'::1/64'", "NULL"),
    ("period TSRANGE", "'[2026-01-01,2026-02-01)'", "'empty'", "NULL"),
    ('"Odd %s Name" TEXT', "'a%sb''\\'", "''", "'NULL'"),
    # Large, kept out of the row, and not sent again where an update leaves it alone.
    ("long TEXT", "(SELECT string_agg(md5(i::text), '长') FROM generate_series(1, 900) i)", "''", "NULL"),
)


def test_e9_e10_every_value_comes_back_exactly(shop: Shop) -> None:
    """Rewritten and inserted again: digits, bits, blanks, instants, documents as they were spelled, and large values that the bad change
    left alone."""
    more = ", ".join(f"ADD COLUMN {c}" for c, *_ in EVERY)
    shop.run(f"ALTER TABLE orders {more}, ADD twice NUMERIC GENERATED ALWAYS AS (amount * 2) STORED")
    names = [c.rpartition(" ")[0].removesuffix(" DOUBLE") for c, *_ in EVERY]
    for number, values in enumerate(zip(*(told for _, *told in EVERY), strict=True), 1):
        shop.run(f"UPDATE orders SET {', '.join(f'{c} = {v}' for c, v in zip(names, values, strict=True))} WHERE id = {number}")
    columns = f"SELECT id, format('%L', ROW({', '.join(names)}, twice, receiver, weight, created_at)) FROM orders ORDER BY id"
    before = shop.rows(columns)
    nulled = ", ".join(f"{c} = NULL" for c in names[:-1])
    bad = shop.sql(f"UPDATE orders SET {nulled}, weight = 7.0 / 3, receiver = '👍🏽', created_at = 'epoch'")
    plan = shop.plan("--transaction", bad)
    assert not any({"twice", "long", "updated_at"} & set(line["back"]) for line in plan["lines"])
    assert shop.apply(plan)["proven"] == 4
    assert shop.rows(columns) == before
    bad = shop.sql("DELETE FROM orders")
    assert shop.apply(shop.plan("--transaction", bad), "--approved-by", "wang")["proven"] == 4
    assert shop.rows(columns) == before
