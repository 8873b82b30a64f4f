"""How a plan is done (F12 to F20): as it was reviewed, under locks, once, in bounded pieces, provably, and so that it can go back."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import msgspec
import pytest

from makewhole.adapters.changelog import segments
from makewhole.adapters.changelog import shelf as shelves
from makewhole.adapters.store import journal
from makewhole.core import codec
from makewhole.model import case, rollback
from tests.rollback import dying
from tests.rollback.shop import Shop

pytestmark = pytest.mark.server
BAD = "UPDATE orders SET payment_status = 'CLOSED'"
LOGGED = ["SET SESSION binlog_rows_query_log_events = ON"]
STATEMENTS = ["SET SESSION binlog_format = STATEMENT", "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"]
CLOSED = "SELECT COUNT(*) FROM orders WHERE payment_status = 'CLOSED'"


def many(shop: Shop, rows: int) -> None:
    """So many more orders, made in one statement."""
    shop.sql(
        "INSERT INTO orders (order_sn, payment_status, amount, receiver) "
        f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) "
        "SELECT CONCAT('M', i), 'PAID', 5 + i, CONCAT('李', i) FROM n",
        session=["SET SESSION max_recursive_iterations = 1000000" if shop.mariadb else "SET SESSION cte_max_recursion_depth = 1000000"],
    )


def test_f12_a_dry_run_writes_nothing_but_its_plan(shop: Shop) -> None:
    """Not a row, not a table of ours, not the store."""
    bad = shop.sql(BAD)
    tables, rows = shop.rows("SHOW TABLES"), shop.rows("SELECT * FROM orders ORDER BY id")
    before = {p.name for p in shop.folder.iterdir()}
    shop.plan("--transaction", bad)
    assert (shop.rows("SHOW TABLES"), shop.rows("SELECT * FROM orders ORDER BY id")) == (tables, rows)
    assert {p.name for p in shop.folder.iterdir()} - before == {"plan"}
    assert (shop.folder / "plan").stat().st_mode & 0o077 == 0


def test_f12_what_may_not_be_shown_is_in_no_statement_either(shop: Shop) -> None:
    """Values, in the rows and in the words of whoever wrote them: only with --all, and in the plan itself."""
    secret = "13812345678"
    written = shop.sql(f"UPDATE orders SET receiver = '{secret}' WHERE id = 1", session=LOGGED if not shop.mariadb else [])
    assert secret not in json.dumps(shop.plan("--transaction", written))
    assert secret in json.dumps(shop.plan("--transaction", written, "--all"))
    unseen = shop.sql(f"UPDATE orders SET remark = '{secret}'", session=STATEMENTS)
    assert secret not in shop.refused("--transaction", unseen) + shop.refused("--transaction", written)


def test_f12_a_plan_is_done_as_it_was_reviewed_or_not_at_all(shop: Shop) -> None:
    """Every byte of it is in its hash, and the hash is what the reviewer says."""
    plan = shop.plan("--transaction", shop.sql(BAD))
    file = Path(plan["plan"])
    whole = file.read_bytes()
    for wrong in (plan["hash"][:8], "0" * 64, ""):
        assert shop.call("--apply", str(file), "--hash", wrong).exit_code == 2
    for at in range(0, len(whole), 97):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert shop.call("--apply", str(file), "--hash", plan["hash"]).exit_code == 2, at
    file.write_bytes(whole[: len(whole) // 2])
    assert shop.call("--apply", str(file), "--hash", plan["hash"]).exit_code == 2
    assert shop.rows(CLOSED) == [(4,)]
    file.write_bytes(whole)
    assert shop.apply(plan)["rows"] == 4


def test_f12_a_plan_from_before_the_log_was_begun_anew_is_not_done(shop: Shop) -> None:
    """After RESET MASTER nobody can tell who wrote since: an order that says the same may have said otherwise in between."""
    plan = shop.plan("--transaction", shop.sql(BAD))
    file = Path(plan["plan"])
    head, *rows, _ = file.read_bytes().splitlines()
    told = codec.decode(head, rollback.Header)
    read_to = msgspec.structs.replace(told.read_to, offset=told.read_to.offset + 1_000_000)
    hasher = rollback.Hasher()
    lines = [codec.canonical(msgspec.structs.replace(told, read_to=read_to)), *rows]
    hasher.add_whole(b"".join(line + b"\n" for line in lines))
    file.write_bytes(b"\n".join([*lines, codec.canonical(rollback.End(hash=hasher.hex())), b""]))
    result = shop.call("--apply", str(file), "--hash", hasher.hex())
    assert (result.exit_code, "begun anew" in result.output) == (2, True), result.output
    assert shop.rows(CLOSED) == [(4,)]


def test_f12_what_happened_meanwhile_is_seen_under_the_lock(shop: Shop) -> None:
    """The plan says four rows; one was written since it was made, and is left alone."""
    plan = shop.plan("--transaction", shop.sql(BAD))
    shop.sql("UPDATE orders SET payment_status = 'UNPAID' WHERE id = 2")
    receipt = shop.apply(plan)
    assert (receipt["rows"], receipt["left"], receipt["proven"]) == (3, 1, 3)
    assert shop.rows("SELECT id, payment_status FROM orders ORDER BY id") == [(1, "PAID"), (2, "UNPAID"), (3, "PAID"), (4, "PAID")]


def test_f12_a_table_that_was_altered_since_wants_a_new_plan(shop: Shop) -> None:
    """Whatever of it changed: a plan holds for one form of a table."""
    plan = shop.plan("--transaction", shop.sql(BAD))
    shop.sql("ALTER TABLE orders ADD more INT")
    result = shop.call("--apply", plan["plan"], "--hash", plan["hash"])
    assert (result.exit_code, "another one than when the plan was made" in result.output) == (2, True)
    assert shop.rows(CLOSED) == [(4,)]


def test_f13_batches_are_bounded_and_a_conflict_stops_all_where_that_was_chosen(shop: Shop) -> None:
    """Two and a half thousand rows are three transactions; all or nothing is one, and so has a bound."""
    many(shop, 2496)
    plan = shop.plan("--transaction", shop.sql(BAD))
    assert plan["rows"] == 2500
    whole = shop.plan("--transaction", plan["transactions"][0]["id"], "--all-or-nothing", name="whole")
    assert shop.call("--apply", whole["plan"], "--hash", whole["hash"]).exit_code == 2
    receipt = shop.apply(plan)
    assert (receipt["rows"], len(receipt["transactions"])) == (2500, 3)
    lines = [json.loads(line) for line in (shop.folder / "plan.receipt").read_text(encoding="utf-8").splitlines()]
    assert [len(line["rows"]) for line in lines[:-1]] == [1000, 1000, 500]
    assert max(len(line["rows"]) for line in lines[:-1]) <= rollback.ROWS_MAX
    few = shop.plan("--transaction", shop.sql(BAD + " WHERE id < 4"), "--all-or-nothing", name="few")
    shop.sql("UPDATE orders SET payment_status = 'UNPAID' WHERE id = 2")
    assert shop.call("--apply", few["plan"], "--hash", few["hash"]).exit_code == 2
    assert shop.rows(CLOSED) == [(2,)]


def test_f13_a_row_that_somebody_holds_stops_the_batch_and_nothing_moves(shop: Shop) -> None:
    """The wait is short, the answer is "later", and the same call then does it."""
    plan = shop.plan("--transaction", shop.sql(BAD))
    with shop.server.root_connection(shop.database) as holder, holder.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT * FROM orders WHERE id = 3 FOR UPDATE")
        assert shop.call("--apply", plan["plan"], "--hash", plan["hash"]).exit_code == 3
        assert shop.rows(CLOSED) == [(4,)]
        cursor.execute("ROLLBACK")
    assert shop.apply(plan)["rows"] == 4


def test_f13_as_many_rows_are_written_as_were_meant_or_none(shop: Shop) -> None:
    """A trigger of the shop deletes the order while its item goes back: one row less than the plan says, and nothing stands."""
    shop.sql(
        """CREATE TRIGGER tidies AFTER UPDATE ON order_item FOR EACH ROW
        DELETE FROM orders WHERE id = NEW.order_id AND NEW.quantity = 2 AND payment_status = 'CLOSED'"""
    )
    bad = shop.together("UPDATE orders SET payment_status = 'CLOSED' WHERE id = 1", "UPDATE order_item SET quantity = 9 WHERE id = 1")
    plan = shop.plan("--transaction", bad)
    assert [line["table"] for line in plan["lines"]] == ["order_item", "orders"]
    result = shop.call("--apply", plan["plan"], "--hash", plan["hash"])
    assert (result.exit_code, "0 rows were written where 1 were meant" in result.output) == (2, True)
    assert shop.rows("SELECT payment_status FROM orders WHERE id = 1") == [("CLOSED",)]
    assert shop.rows("SELECT quantity FROM order_item WHERE id = 1") == [(9,)]
    assert shop.rows("SELECT COUNT(*) FROM makewhole_rollbacks") == [(0,)]


def test_f14_a_second_run_is_no_second_write(shop: Shop) -> None:
    """The audit rows say what was done, though somebody may have written the same rows since."""
    plan = shop.plan("--transaction", shop.sql(BAD))
    first = shop.apply(plan)
    shop.sql(BAD)
    again = shop.apply(plan)
    assert (first["rows"], again["rows"], again["earlier"], again["transactions"]) == (4, 0, 4, first["transactions"])
    assert shop.rows(CLOSED) == [(4,)]
    names = json.dumps([f"orders\x1fid=i:{i}" for i in range(1, 5)], separators=(",", ":"))
    assert shop.rows("SELECT plan, row_names FROM makewhole_rollbacks") == [(plan["hash"], names)]


def test_f14_an_older_versions_table_of_what_was_done_is_not_passed_by(shop: Shop) -> None:
    """Whether a row was written before cannot be read from it: refused, and nothing moves."""
    plan = shop.plan("--transaction", shop.sql(BAD))
    shop.sql("CREATE TABLE makewhole_rollbacks (plan CHAR(64), row_key CHAR(64), PRIMARY KEY (plan, row_key))")
    result = shop.call("--apply", plan["plan"], "--hash", plan["hash"])
    assert (result.exit_code, "makewhole_rollbacks has other columns" in result.output) == (2, True)
    assert shop.rows(CLOSED) == [(4,)]
    shop.sql("RENAME TABLE makewhole_rollbacks TO older")
    assert shop.apply(plan)["rows"] == 4


@pytest.mark.parametrize("key", ["SMALLINT(6) ZEROFILL", "BIGINT UNSIGNED", "BIGINT"])
def test_f14_rows_are_noted_by_the_name_that_their_plan_gives_them(shop: Shop, key: str) -> None:
    """However the server prints a number: the second run finds every row done."""
    high = {"SMALLINT(6) ZEROFILL": 65535, "BIGINT UNSIGNED": 2**64 - 1, "BIGINT": -(2**63)}[key]
    shop.sql(f"CREATE TABLE ticket (id {key} PRIMARY KEY, note VARCHAR(9))", f"INSERT INTO ticket VALUES (7, 'a'), ({high}, 'a')")
    plan = shop.plan("--transaction", shop.sql("UPDATE ticket SET note = 'b'"))
    assert shop.apply(plan)["rows"] == 2
    assert shop.apply(plan)["earlier"] == 2


def test_f14_what_was_interrupted_goes_on_where_it_stopped(shop: Shop) -> None:
    """The second batch waits for a lock in vain: the first is done, and done once."""
    many(shop, 1496)
    plan = shop.plan("--transaction", shop.sql(BAD))
    last = shop.rows("SELECT MAX(order_sn) FROM orders")[0][0]
    with shop.server.root_connection(shop.database) as holder, holder.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT * FROM orders WHERE order_sn = %s FOR UPDATE", [last])
        assert shop.call("--apply", plan["plan"], "--hash", plan["hash"]).exit_code == 3
        cursor.execute("ROLLBACK")
    done = 1500 - shop.rows(CLOSED)[0][0]
    assert done == 1000
    receipt = shop.apply(plan)
    assert (receipt["rows"], receipt["earlier"]) == (500, 1000)
    assert shop.rows(CLOSED) == [(0,)]


def test_f14_a_killed_run_goes_on_where_it_died(shop: Shop) -> None:
    """SIGKILL after the first batch was committed, at whatever place: a second run finds out and does the rest, once."""
    many(shop, 4996)
    plan = shop.plan("--transaction", shop.sql(BAD))
    attached = ["--database", f"mysql://reader@127.0.0.1:{shop.server.port}/{shop.database}", "--shop", str(shop.folder / "tea.toml")]
    command = [
        sys.executable,
        "-c",
        "from makewhole.cli import main; main()",
        "rollback",
        "--apply",
        plan["plan"],
        "--hash",
        plan["hash"],
        *attached,
    ]
    with subprocess.Popen(command, cwd=shop.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while shop.rows(CLOSED) == [(5000,)]:
            assert process.poll() is None
        process.kill()
    done = 5000 - shop.rows(CLOSED)[0][0]
    assert done > 0
    receipt = shop.apply(plan)
    assert (receipt["earlier"], receipt["rows"]) == (done, 5000 - done)
    assert shop.rows(CLOSED) == [(0,)]
    noted = [name for (names,) in shop.rows("SELECT row_names FROM makewhole_rollbacks") for name in json.loads(names)]
    assert len(noted) == len(set(noted)) == 5000


@pytest.mark.parametrize("where", dying.PLACES)
def test_f14_what_was_committed_and_not_told_is_told_by_the_next_run(shop: Shop, where: str) -> None:
    """Killed between the second batch's commit and its entry: the log knows the batch, and its entry is written, once."""
    many(shop, 2496)
    plan = shop.plan("--transaction", shop.sql(BAD))
    dying.dies(where, 2, ["--apply", plan["plan"], "--hash", plan["hash"], *shop.attached()], shop.folder)
    assert shop.rows(CLOSED) == [(500,)]
    assert [e["batch"] for e in batches()] == [1]
    receipt = shop.apply(plan)
    assert (receipt["rows"], receipt["earlier"]) == (500, 2000)
    told = batches()
    assert [(e["batch"], e["rows"], e.get("recovered", False)) for e in told] == [(1, 1000, False), (2, 1000, True), (3, 500, False)]
    assert [t for e in told for t in e["transactions"]] == receipt["transactions"]
    assert sum(c["rows"] for c in told[1]["changes"]) == 1000
    assert [(c["before"], c["after"]) for c in told[1]["changes"]] == [({"payment_status": "CLOSED"}, {"payment_status": "PAID"})]
    lines = {hashlib.sha256(line).hexdigest() for line in (shop.folder / "plan.receipt").read_bytes().splitlines()}
    assert {e["content"] for e in told} <= lines
    shop.apply(plan)
    assert batches() == told


def batches() -> list[dict[str, Any]]:
    """What the evidence tells of batches that wrote rows, in its order."""
    with journal.SqlStore("sqlite:///makewhole.db") as store:
        told = [line.entry().body for line in store.entries()]
    return [body for body in told if body["stage"] == "done" and body["rows"]]


def test_f15_it_stands_in_the_log_itself_and_goes_back_like_anything_else(shop: Shop) -> None:
    """Ordinary writes with GTIDs of their own, which the receipt names; the same rules hold for the way back."""
    plan = shop.plan("--transaction", shop.sql(BAD))
    receipt = shop.apply(plan)
    assert shop.plan("--transaction", receipt["transactions"][0], name="own")["rows"] == 4
    shop.sql("UPDATE orders SET payment_status = 'UNPAID' WHERE id = 4")
    undo = shop.plan("--undo", plan["plan"], "--hash", plan["hash"], name="undo")
    assert (undo["rows"], undo["conflicts"]) == (3, 1)
    shop.apply(undo)
    assert shop.rows(CLOSED) == [(3,)]


def test_f15_nothing_is_written_where_it_would_not_stand_in_the_log(shop: Shop) -> None:
    """A read-only server, or one whose new sessions do not log whole rows."""
    plan = shop.plan("--transaction", shop.sql(BAD))
    for on, off in (("read_only = 1", "read_only = 0"), ("binlog_row_image = MINIMAL", "binlog_row_image = FULL")):
        shop.sql(f"SET GLOBAL {on}")
        try:
            assert shop.call("--apply", plan["plan"], "--hash", plan["hash"]).exit_code == 2
        finally:
            shop.sql(f"SET GLOBAL {off}")
    assert shop.rows(CLOSED) == [(4,)]


NASTY = ("'; DROP TABLE orders; --", "%s %d %%", "\\", "emoji 😀", "`\"'", "茶\n壶", " a ", "")


def test_f16_values_are_never_sql(shop: Shop) -> None:
    """Whatever stood in a row comes back as it was, and another zone of the server's moves no instant."""
    for i, text in enumerate(NASTY, start=10):
        with shop.server.root_connection(shop.database) as connection, connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO orders (id, order_sn, payment_status, amount, remark) VALUES (%s, %s, 'PAID', 1, %s)", (i, text[:30], text)
            )
    before = shop.rows("SELECT id, order_sn, remark, UNIX_TIMESTAMP(created_at) FROM orders ORDER BY id")
    bad = shop.sql("UPDATE orders SET remark = 'gone', created_at = '2001-02-03 04:05:06.789', order_sn = CONCAT('x', id)")
    plan = shop.plan("--transaction", bad)
    shop.apply(plan)
    assert shop.rows("SELECT id, order_sn, remark, UNIX_TIMESTAMP(created_at) FROM orders ORDER BY id") == before


@pytest.mark.parametrize("odd", ["", "\\'\"\x00\x01\n%s"], ids=["as one JSON", "with letters that are escaped"])
def test_f16_many_values_of_their_own_are_compared_and_written_as_they_were(shop: Shop, odd: str) -> None:
    """More rows than are told by their keys, in one statement: quotes, emoji, NULL, the longest number and a long text come back."""
    names = [None, "", "O'Neil", "张三😀", "a" * 60, "\u2028\x7f", " 空 ", "null", "1", "[]", f"x{odd}"]
    with shop.server.root_connection(shop.database) as connection, connection.cursor() as cursor:
        cursor.execute("ALTER TABLE orders ADD large BIGINT UNSIGNED, MODIFY receiver VARCHAR(64) CHARACTER SET utf8mb4")
        told = [(f"M{i}", n, (n or "") * 500, 2**64 - 1 - i if i else None) for i, n in enumerate(names)]
        insert = "INSERT INTO orders (order_sn, payment_status, amount, receiver, remark, large) VALUES (%s, 'PAID', 1, %s, %s, %s)"
        cursor.executemany(insert, told)
        connection.commit()
    asked = "SELECT order_sn, HEX(receiver), MD5(remark), large FROM orders ORDER BY id"
    before = shop.rows(asked)
    bad = shop.sql("UPDATE orders SET receiver = CONCAT('坏', id), remark = '坏', large = id")
    told_receipt = shop.apply(shop.plan("--transaction", bad))
    assert (told_receipt["rows"], told_receipt["proven"]) == (15, 15)
    assert shop.rows(asked) == before
    batch = json.loads(Path(told_receipt["receipt"]).read_text(encoding="utf-8").split("\n")[0])
    assert batch["exact"] is True
    if shop.mariadb:
        (own,) = [s for s in shop.history("M1") if s["transaction"] in told_receipt["transactions"]]
        assert ("JSON_TABLE(" in own["changes"][0]["statement"]) is not bool(odd)


def test_f16_a_plan_is_for_one_database_of_one_server(shop: Shop) -> None:
    """The same tables elsewhere are other rows."""
    plan = shop.plan("--transaction", shop.sql(BAD))
    other = shop.server.create_database()
    shop.sql(f"CREATE TABLE {other}.orders LIKE {shop.database}.orders", f"INSERT INTO {other}.orders SELECT * FROM {shop.database}.orders")
    file = shop.folder / "makewhole.toml"
    file.write_text(file.read_text(encoding="utf-8").replace(shop.database, other), encoding="utf-8")
    text = shop.call("--apply", plan["plan"], "--hash", plan["hash"]).output
    assert f"the plan is for {shop.database}" in text
    assert shop.rows(f"SELECT COUNT(*) FROM {other}.orders WHERE payment_status = 'CLOSED'") == [(4,)]


@pytest.mark.slow
def test_f17_memory_does_not_grow_with_the_transaction(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """One transaction of some sixty megabytes is planned in a fraction of them: its bytes and its rows lie on disk."""
    monkeypatch.setattr(shelves, "ROWS_IN_MEMORY", 500)
    monkeypatch.setattr(segments, "BYTES", 1 << 20)
    many(shop, 8000)
    shop.sql("UPDATE orders SET remark = REPEAT('长', 1200)")
    bad = shop.sql("UPDATE orders SET remark = REPEAT('短', 1200)")
    shop.plan("--transaction", bad)
    tracemalloc.start()
    result = shop.call("--transaction", bad, "--output", str(shop.folder / "big"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.exit_code == 0
    assert (shop.folder / "big").stat().st_size > 50 << 20
    assert peak < 40 << 20


def test_f18_whoever_reads_the_log_sees_that_no_customer_did_it(shop: Shop) -> None:
    """The audit rows stand in the same transaction, and the statement says it where the server keeps statements."""
    plan = shop.plan("--transaction", shop.sql(BAD))
    receipt = shop.apply(plan)
    steps = shop.history("N1")
    (own,) = [s for s in steps if s["transaction"] in receipt["transactions"]]
    assert [a["rows"] for a in own["also"] if a["table"].endswith("makewhole_rollbacks")] == [1]
    if shop.mariadb:
        assert own["changes"][0]["statement"].startswith(f"/* makewhole rollback {plan['hash'][:16]} */")


def test_f19_everything_is_read_again_and_kept(shop: Shop) -> None:
    """The receipt holds every value before and after; the evidence holds plan hash, before, after, GTIDs and the receipt's digest."""
    plan = shop.plan("--transaction", shop.sql(BAD + ", receiver = '王五' WHERE id < 3"))
    receipt = shop.apply(plan)
    assert receipt["proven"] == receipt["rows"] == 2
    batch = json.loads((shop.folder / "plan.receipt").read_text(encoding="utf-8").splitlines()[0])
    assert (batch["exact"], [r["now"]["payment_status"] for r in batch["rows"]]) == (True, ["s:CLOSED", "s:CLOSED"])
    assert [r["back"]["receiver"] for r in batch["rows"]] == ["s:张三1", "s:张三2"]
    with journal.SqlStore("sqlite:///makewhole.db") as store:
        told = [line.entry() for line in store.entries()]
    assert {e.kind for e in told} == {case.EntryKind.ROLLBACK}
    assert [e.body["stage"] for e in told] == ["begun", "done", "ended"]
    assert {e.body["plan"] for e in told} == {plan["hash"]}
    (row,) = told[1].body["changes"][:1]
    assert (row["before"]["payment_status"], row["after"]["payment_status"]) == ("CLOSED", "PAID")
    line = (shop.folder / "plan.receipt").read_bytes().splitlines()[0]
    assert told[1].body["content"] == hashlib.sha256(line).hexdigest()
    assert told[1].body["transactions"] == receipt["transactions"]
    # Who received the parcel is nobody's business in the evidence: the shop's map does not look at it.
    assert row["after"]["receiver"] is None
    assert "王五" not in json.dumps([e.body for e in told], ensure_ascii=False)


def test_f20_a_write_past_the_log_stops_everything(shop: Shop) -> None:
    """One row that the log cannot explain: not even the others are written, neither planned nor applied."""
    bad = shop.sql(BAD)
    plan = shop.plan("--transaction", bad)
    shop.sql("UPDATE orders SET payment_status = 'UNPAID' WHERE id = 4", session=["SET SESSION sql_log_bin = 0"])
    for call in (("--transaction", bad), ("--apply", plan["plan"], "--hash", plan["hash"])):
        result = shop.call(*call)
        assert (result.exit_code, "does not hold everything" in result.output) == (2, True)
    assert shop.rows(CLOSED) == [(3,)]
    assert shop.rows("SELECT COUNT(*) FROM makewhole_rollbacks") == [(0,)]
