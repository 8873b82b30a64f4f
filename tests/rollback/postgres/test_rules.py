"""The rules of a rollback (F9 to F20) where PostgreSQL asks something else of them than MySQL does: on a real server."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from makewhole.adapters.changelog.postgres import log
from makewhole.adapters.store import journal
from tests.rollback import dying
from tests.rollback.postgres.shop import Shop

pytestmark = pytest.mark.server
BAD = "UPDATE orders SET payment_status = 'CLOSED'"
CLOSED = "SELECT COUNT(*) FROM orders WHERE payment_status = 'CLOSED'"


def many(shop: Shop, rows: int) -> None:
    """So many more orders."""
    new = "INSERT INTO orders (order_sn, payment_status, amount) SELECT 'M' || i, 'PAID', 1 FROM generate_series(1, %s) i"
    shop.told.shop.execute(new, (rows,))


def test_f13_f14_a_bulk_edit_goes_back_but_for_conflicts_and_a_killed_run_goes_on(shop: Shop) -> None:
    """Killed after a batch's commit, before anybody heard of it: the log knows the batch, and its entry is written, once."""
    many(shop, 1496)
    bad = shop.sql(BAD)
    shop.run("UPDATE orders SET payment_status = 'UNPAID' WHERE id % 150 = 0")
    plan = shop.plan("--transaction", bad)
    assert (plan["rows"], plan["conflicts"]) == (1490, 10)
    dying.dies("committed", 1, ["--apply", plan["plan"], "--hash", plan["hash"], *shop.attached()], shop.folder, dying.POSTGRES)
    assert shop.rows(CLOSED) == [(490,)]
    shop.run("UPDATE orders SET payment_status = 'UNPAID' WHERE order_sn = 'N4'")
    receipt = shop.apply(plan)
    assert (receipt["rows"], receipt["earlier"], receipt["left"], receipt["proven"]) == (489, 1000, 1, 489)
    assert shop.rows(CLOSED) == [(0,)]
    with journal.SqlStore("sqlite:///makewhole.db") as store:
        told = [line.entry().body for line in store.entries()]
    batches = [(e["rows"], e.get("recovered", False)) for e in told if e["stage"] == "done" and e["rows"]]
    assert batches == [(1000, True), (489, False)]
    undo = shop.plan("--undo", plan["plan"], "--hash", plan["hash"], name="undo")
    assert (undo["rows"], undo["conflicts"]) == (1489, 0)


def test_f9_f20_equal_is_equal_to_the_last_digit_and_a_write_past_the_log_stops_everything(shop: Shop) -> None:
    """What is written while the table is not published is in no log; where SQL's own `=` would call two values the same, they are not."""
    shop.run("ALTER TABLE orders ADD COLUMN free NUMERIC DEFAULT 1.0, ADD COLUMN doc JSONB")
    bad = shop.sql("UPDATE orders SET free = 2.0, doc = '{\"a\": 2.0}', payment_status = 'CLOSED'")
    plan = shop.plan("--transaction", bad)
    for past in ("free = 2.00 WHERE id = 4", "doc = '{\"a\": 2.00}', free = 2.0 WHERE id = 4"):
        shop.run(
            "ALTER PUBLICATION makewhole DROP TABLE orders", f"UPDATE orders SET {past}", "ALTER PUBLICATION makewhole ADD TABLE orders"
        )
        for call in (("--transaction", bad), ("--apply", plan["plan"], "--hash", plan["hash"])):
            result = shop.call(*call)
            assert (result.exit_code, "does not hold everything" in result.output) == (2, True)
    assert shop.rows(CLOSED) == [(4,)]
    assert shop.rows("SELECT COUNT(*) FROM makewhole_rollbacks") == [(0,)]


def test_f9_what_is_not_flushed_yet_is_not_passed_by(shop: Shop) -> None:
    """With synchronous_commit off a commit is seen before the log has it on disk: it is somebody's work all the same."""
    bad = shop.sql(BAD)
    plan = shop.plan("--transaction", bad)
    shop.told.shop.execute("SET synchronous_commit = off")
    shop.told.shop.execute("UPDATE orders SET payment_status = 'UNPAID' WHERE id = 1")
    again = shop.plan("--transaction", bad, name="again")
    shop.told.shop.execute("UPDATE orders SET payment_status = 'UNPAID' WHERE id = 2")
    assert [line["order"] for line in again["lines"] if "conflict" in line] == ["N1"]
    assert (receipt := shop.apply(plan))["left"] == 2, receipt
    assert shop.rows("SELECT id FROM orders WHERE payment_status = 'PAID' ORDER BY id") == [(3,), (4,)]


def test_f13_what_the_shops_own_triggers_write_over_is_seen_before_the_commit(shop: Shop) -> None:
    """A trigger that lets a write fall, and one that writes another value: nothing stands. A column that is always set is set to now."""
    shop.run(
        """CREATE FUNCTION shy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.payment_status = 'PAID' AND OLD.id = 2 THEN RETURN NULL; END IF;
        IF NEW.payment_status = 'PAID' AND OLD.id = 1 THEN NEW.receiver := 'x'; END IF; RETURN NEW; END $$""",
        "CREATE TRIGGER shies BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION shy()",
    )
    first = shop.sql(BAD + ", receiver = 'y' WHERE id = 1")
    second = shop.sql(BAD + " WHERE id IN (2, 3)")
    for bad, why in ((first, "writes receiver of orders over"), (second, "1 rows were written where 2 were meant")):
        plan = shop.plan("--transaction", bad)
        assert any("updated_at" in note for note in plan["notes"])
        result = shop.call("--apply", plan["plan"], "--hash", plan["hash"])
        assert (result.exit_code, why in result.output) == (2, True), result.output
    assert shop.rows("SELECT payment_status, receiver FROM orders WHERE id < 4 ORDER BY id")[0] == ("CLOSED", "y")
    assert shop.rows(CLOSED) == [(3,)]
    assert shop.rows("SELECT COUNT(*) FROM makewhole_rollbacks") == [(0,)]


def test_constraints_that_may_wait_are_looked_at_before_the_commit(shop: Shop) -> None:
    """Two numbers that were exchanged go back where their constraint may wait; what it forbids is refused, and nothing stands."""
    shop.run("ALTER TABLE orders DROP CONSTRAINT orders_order_sn_key, ADD UNIQUE (order_sn) DEFERRABLE INITIALLY DEFERRED")
    bad = shop.sql("UPDATE orders SET order_sn = CASE id WHEN 1 THEN 'N2' ELSE 'N1' END WHERE id < 3")
    renamed = shop.sql("UPDATE orders SET order_sn = 'N9' WHERE id = 4")
    assert shop.apply(shop.plan("--transaction", bad))["proven"] == 2
    plan = shop.plan("--transaction", renamed, name="renamed")
    many(shop, 1)
    shop.run("UPDATE orders SET order_sn = 'N4' WHERE order_sn = 'M1'")
    result = shop.call("--apply", plan["plan"], "--hash", plan["hash"])
    assert (result.exit_code, "refuses" in result.output) == (2, True), result.output
    assert shop.rows("SELECT order_sn FROM orders ORDER BY id LIMIT 4") == [("N1",), ("N2",), ("N3",), ("N9",)]


def test_rows_that_a_policy_hides_are_not_taken_for_gone(shop: Shop) -> None:
    """The account that reads sees none of them: refused, with the remedy."""
    bad = shop.sql(BAD)
    shop.run("ALTER TABLE orders ENABLE ROW LEVEL SECURITY", "ALTER TABLE orders FORCE ROW LEVEL SECURITY")
    assert "BYPASSRLS" in shop.refused("--transaction", bad)


def test_a_divided_table_goes_back_across_its_parts(shop: Shop) -> None:
    """A row that the bad change moved to another part is deleted there and inserted here, in the log and on the way back."""
    shop.run(
        "CREATE TABLE visit (id INT, place TEXT, PRIMARY KEY (id, place)) PARTITION BY LIST (place)",
        *(f"CREATE TABLE visit_{p} PARTITION OF visit FOR VALUES IN ('{p}')" for p in "ab"),
        "ALTER TABLE visit_a REPLICA IDENTITY FULL",
        "ALTER TABLE visit_b REPLICA IDENTITY FULL",
        "ALTER PUBLICATION makewhole ADD TABLE visit",
        "ALTER PUBLICATION makewhole SET (publish_via_partition_root = true)",
        "INSERT INTO visit VALUES (1, 'a'), (2, 'b')",
    )
    plan = shop.plan("--transaction", shop.sql("UPDATE visit SET place = 'b'"))
    assert {line["how"] for line in plan["lines"]} == {"reinsert", "remove"}
    assert shop.apply(plan)["proven"] == 2
    assert shop.rows("SELECT id, place FROM visit ORDER BY id") == [(1, "a"), (2, "b")]


def test_a_slot_that_serve_reads_meanwhile_is_read_in_its_archive(shop: Shop) -> None:
    """One alone reads a slot: the log up to now, under the locks too, is what that one keeps. What is starred there is lost."""
    shop.run("UPDATE orders SET remark = '6222021234567890128' WHERE id < 3")
    folder, stop, begun = shop.folder / "makewhole-changes", threading.Event(), threading.Event()

    def serve() -> None:
        for _ in log.SlotStream(shop.told.url, folder, (), keeps=True).read(None, follow=True):
            begun.set()
            if stop.is_set():
                return

    serving = threading.Thread(target=serve)
    serving.start()
    try:
        assert begun.wait(60)
        bad, worse = shop.sql(BAD + " WHERE id < 3"), shop.sql("UPDATE orders SET remark = NULL WHERE id = 1")
        plan = shop.plan("--transaction", bad)
        shop.run("UPDATE orders SET payment_status = 'UNPAID' WHERE id = 2")
        receipt = shop.apply(plan)
        assert (receipt["rows"], receipt["left"], receipt["proven"]) == (1, 1, 1)
        assert "starred" in shop.refused("--transaction", worse)
    finally:
        stop.set()
        serving.join(60)
    assert not serving.is_alive()


def test_a_span_of_time_a_user_and_an_order_are_scopes(shop: Shop) -> None:
    """By when, by whom the shop says in its log, one order of several; what came before the slot nobody can say."""
    ((since,),) = shop.rows("SELECT clock_timestamp()")
    shop.together("SELECT pg_logical_emit_message(true, 'makewhole.user', 'li')", BAD + " WHERE id = 1")
    ((until,),) = shop.rows("SELECT clock_timestamp()")
    shop.run(BAD + " WHERE id > 1")
    span = ("--since", since.isoformat())
    assert [shop.plan(*more)["rows"] for more in (span, (*span, "--until", until.isoformat()), ("--user", "li"), ("--user", "wang"))] == [
        4,
        1,
        1,
        0,
    ]
    plan = shop.plan(*span, "--order", "N3", "--partial")
    assert [line["order"] for line in plan["lines"]] == ["N3"]
    assert shop.apply(plan)["proven"] == 1
    assert shop.rows(CLOSED) == [(3,)]
    said = shop.refused("--since", "2020-01-01T00:00:00+08:00")
    assert ("the log begins at" in said, "--log" in said) == (True, False)


def test_what_cannot_be_reached_back_to_is_said(shop: Shop, tmp_path: Path) -> None:
    """Before a gap, of a table that nothing tells of, by files, in another schema's tables, for another database: one message each."""
    bad = shop.sql(BAD)
    plan = shop.plan("--transaction", bad)
    assert "in no file" in shop.refused("--transaction", bad, "--log", str(tmp_path))
    shop.run("CREATE TABLE extra (id INT PRIMARY KEY, note TEXT)", "INSERT INTO extra VALUES (1, 'a')")
    shop.told.keep("extra")
    gone = shop.sql("UPDATE extra SET note = 'b'")
    shop.run("ALTER TABLE extra RENAME COLUMN note TO notes")
    assert [line["conflict"]["why"] for line in shop.plan("--transaction", gone, name="gone")["lines"]] == ["type-changed"]
    shop.run("DROP TABLE extra", "CREATE TABLE extra (id INT PRIMARY KEY, note TEXT)", "INSERT INTO extra VALUES (1, 'b')")
    assert "does not tell the changes of" in shop.refused("--transaction", gone)
    shop.told.keep("extra")
    assert [line["conflict"]["why"] for line in shop.plan("--transaction", gone, name="gone")["lines"]] == ["type-changed"]
    shop.run("DROP TABLE extra")
    assert "has no table public.extra any more" in shop.refused("--transaction", gone)
    shop.run("CREATE SCHEMA other", "CREATE TABLE other.orders (LIKE orders INCLUDING ALL)")
    shop.run("ALTER TABLE other.orders REPLICA IDENTITY FULL", "ALTER PUBLICATION makewhole ADD TABLE other.orders")
    elsewhere = shop.together(BAD + " WHERE id = 1", "INSERT INTO other.orders (order_sn, payment_status, amount) VALUES ('X', 'PAID', 1)")
    assert "1 other rows" in shop.refused("--transaction", elsewhere)
    shop.told.take_out()
    said = shop.refused("--transaction", bad).replace("\n", " ")
    assert (f"no transaction {bad}" in said, "public.orders alone, from 0/" in said) == (True, True), said
    result = shop.call("--apply", plan["plan"], "--hash", plan["hash"])
    assert (result.exit_code, "nothing is known of the log before" in result.output) == (2, True), result.output
    shop.run("ALTER PUBLICATION makewhole DROP TABLE orders")
    assert "nothing tells the changes of orders" in shop.refused("--transaction", bad)
