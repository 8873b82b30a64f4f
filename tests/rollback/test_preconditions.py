"""What must hold before anything is taken back (F1 to F5): refused where it does not, and nothing is written, not even a plan."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from makewhole.cli import program
from tests.changelog import test_archive
from tests.rollback.shop import Shop

pytestmark = pytest.mark.server
STATES = "SELECT id, payment_status FROM orders ORDER BY id"


@pytest.mark.parametrize("image", ["MINIMAL", "NOBLOB"])
def test_f1_a_change_without_its_whole_row_is_refused(shop: Shop, image: str) -> None:
    """The server says FULL, a session said otherwise: the change itself is looked at, and not the variable."""
    shop.sql("UPDATE orders SET remark = 'long' WHERE id = 1")
    bad = shop.sql("UPDATE orders SET payment_status = 'CLOSED' WHERE id = 1", session=[f"SET SESSION binlog_row_image = {image}"])
    assert "binlog_row_image is not FULL" in shop.refused("--transaction", bad)
    whole = shop.sql("UPDATE orders SET payment_status = 'CLOSED' WHERE id = 2")
    assert shop.plan("--transaction", whole)["rows"] == 1


def test_whoever_is_not_let_in_has_wrong_settings(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """One message and no report of a mistake of ours, whichever command knocks first; and so where the hand alone is turned away."""
    plan = shop.plan("--transaction", shop.sql("UPDATE orders SET payment_status = 'CLOSED' WHERE id = 1"))
    monkeypatch.setenv("MAKEWHOLE_SHOP_HANDS_PASSWORD", "wrong")
    hand = shop.call("--apply", plan["plan"], "--hash", plan["hash"])
    monkeypatch.setenv("MAKEWHOLE_SHOP_PASSWORD", "wrong")
    for arguments in (["images", "list"], ["history", "N1"], ["rollback", "--transaction", "x"]):
        told = CliRunner().invoke(program.PROGRAM, [*arguments, *shop.attached(), "--lang", "en"], catch_exceptions=False)
        assert (told.exit_code, "Access denied" in told.output) == (2, True), told.output
    assert (hand.exit_code, "Access denied" in hand.output) == (2, True), hand.output


def copied(shop: Shop) -> Path:
    """The server's closed files, as a backup has them."""
    shop.sql("FLUSH BINARY LOGS")
    folder = shop.folder / "logs"
    folder.mkdir()
    files = sorted(p for p in (shop.server.folder / "data").glob("binlog.[0-9]*"))
    for file in files[:-1]:
        shutil.copy(file, folder)
    return folder


def test_f2_a_damaged_byte_stops_all(shop: Shop) -> None:
    """Every event's checksum is verified; one bit is enough."""
    bad = shop.sql("UPDATE orders SET payment_status = 'CLOSED' WHERE id = 1")
    folder = copied(shop)
    assert shop.plan("--transaction", bad, "--log", str(folder))["rows"] == 1
    newest = max(folder.iterdir())
    raw = bytearray(newest.read_bytes())
    raw[len(raw) // 2] ^= 1
    newest.write_bytes(raw)
    assert "damaged" in shop.refused("--transaction", bad, "--log", str(folder))


def test_f2_a_gap_in_the_files_stops_all(shop: Shop) -> None:
    """What lies in the missing file may be the very change that stands in the way."""
    shop.sql("FLUSH BINARY LOGS")  # a file before the one that will be missing, on a fresh server too
    bad = shop.sql("UPDATE orders SET payment_status = 'CLOSED' WHERE id = 1")
    shop.sql("FLUSH BINARY LOGS")
    folder = copied(shop)
    sorted(folder.iterdir())[-2].unlink()
    assert "missing" in shop.refused("--transaction", bad, "--log", str(folder))


def test_f2_a_purged_beginning_is_no_beginning(shop: Shop) -> None:
    """A span of time that began before the oldest file cannot be known whole."""
    shop.sql("UPDATE orders SET payment_status = 'CLOSED' WHERE id = 1")
    test_archive.purge(shop.server)
    shop.sql("UPDATE orders SET payment_status = 'CLOSED' WHERE id = 2")
    assert "purged" in shop.refused("--since", "2020-01-01T00:00:00+08:00", "--partial")


def test_f2_compressed_rows_are_read_like_others(shop: Shop) -> None:
    """MariaDB compresses row events, MySQL whole transactions: readers that skip them lose changes without a word."""
    if shop.mariadb:
        shop.sql("SET GLOBAL log_bin_compress = 1", "SET GLOBAL log_bin_compress_min_len = 10")
    session = [] if shop.mariadb else ["SET SESSION binlog_transaction_compression = ON"]
    try:
        bad = shop.sql("UPDATE orders SET payment_status = 'CLOSED', remark = REPEAT('长', 500)", session=session)
    finally:
        if shop.mariadb:
            shop.sql("SET GLOBAL log_bin_compress = 0")
    plan = shop.plan("--transaction", bad)
    assert plan["rows"] == 4
    shop.apply(plan)
    assert shop.rows("SELECT DISTINCT payment_status, remark FROM orders") == [("PAID", None)]


def test_f2_a_document_told_as_differences_comes_back_whole(shop: Shop) -> None:
    """MySQL may log only what changed in a JSON column; the document before it is in the same event."""
    if shop.mariadb:
        shop.sql("ALTER TABLE orders ADD extra LONGTEXT", "UPDATE orders SET extra = JSON_OBJECT('a', 1, 'b', '茶')")
        bad = shop.sql("UPDATE orders SET extra = JSON_SET(extra, '$.a', 2)")
    else:
        shop.sql("ALTER TABLE orders ADD extra JSON", "UPDATE orders SET extra = JSON_OBJECT('a', 1, 'b', '茶')")
        session = ["SET SESSION binlog_row_value_options = PARTIAL_JSON"]
        bad = shop.sql("UPDATE orders SET extra = JSON_SET(extra, '$.a', 2)", session=session)
    before = "SELECT DISTINCT JSON_EXTRACT(extra, '$.a') + 0, JSON_UNQUOTE(JSON_EXTRACT(extra, '$.b')) FROM orders"
    assert shop.rows(before) == [(2, "茶")]
    shop.apply(shop.plan("--transaction", bad))
    assert shop.rows(before) == [(1, "茶")]


@pytest.mark.parametrize(
    "between", ["TRUNCATE TABLE orders", "ALTER TABLE orders ADD between_them INT", "UPDATE orders SET remark = 'statement' WHERE id = 3"]
)
def test_f3_a_statement_inside_the_range_is_refused(shop: Shop, between: str) -> None:
    """DDL, TRUNCATE or rows logged as a statement between two bad changes: images are offered instead."""
    first = shop.sql("UPDATE orders SET payment_status = 'CLOSED' WHERE id = 1")
    statement = ["SET SESSION binlog_format = STATEMENT", "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"]
    shop.sql(between, session=statement if between.startswith("UPDATE") else [])
    shop.sql("INSERT IGNORE INTO orders (id, order_sn, payment_status, amount) VALUES (2, 'N2', 'PAID', 1)")
    last = shop.sql("UPDATE orders SET payment_status = 'CLOSED' WHERE id = 2")
    assert "image" in shop.refused("--transaction", first, "--transaction", last)


def test_f3_rows_that_only_a_statement_tells_cannot_come_back(shop: Shop) -> None:
    """The bad change itself, or a later one that nobody can see into."""
    statement = ["SET SESSION binlog_format = STATEMENT", "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"]
    bad = shop.sql("UPDATE orders SET payment_status = 'CLOSED' WHERE id = 1")
    assert shop.plan("--transaction", bad)["rows"] == 1
    unseen = shop.sql("UPDATE orders SET payment_status = 'CLOSED' WHERE id = 2", session=statement)
    assert "without rows" in shop.refused("--transaction", unseen)
    assert "which rows it wrote" in shop.refused("--transaction", bad)


def test_f4_columns_are_found_by_name_and_not_by_place(shop: Shop) -> None:
    """A column added in front of the touched one moves every place; the name stays."""
    bad = shop.sql("UPDATE orders SET payment_status = 'CLOSED' WHERE id = 1")
    shop.sql("ALTER TABLE orders ADD pay_channel VARCHAR(16) AFTER order_sn")
    shop.apply(shop.plan("--transaction", bad))
    assert shop.rows("SELECT payment_status, pay_channel, receiver FROM orders WHERE id = 1") == [("PAID", None, "张三1")]


@pytest.mark.parametrize(
    "now",
    [
        "MODIFY payment_status VARCHAR(16) CHARACTER SET utf8mb4 NOT NULL",
        "MODIFY payment_status ENUM('UNPAID','CLOSED','PAID','REFUNDED') NOT NULL",
        "RENAME COLUMN payment_status TO state",
        "DROP PRIMARY KEY, ADD PRIMARY KEY (id, order_sn)",
    ],
)
def test_f4_another_type_under_the_same_name_is_left_alone(shop: Shop, now: str) -> None:
    """Type, labels, sign, character set and the table's key are compared with what they were when the change was made."""
    bad = shop.sql("UPDATE orders SET payment_status = 'CLOSED' WHERE id = 1")
    shop.sql(f"ALTER TABLE orders {now}")
    plan = shop.plan("--transaction", bad)
    assert (plan["rows"], plan["conflicts"]) == (0, 1)
    assert plan["lines"][0]["conflict"]["why"] == "type-changed"


@pytest.fixture
def nameless(shop: Shop) -> Iterator[Shop]:
    """A server that logs no names of columns."""
    known = shop.rows("SELECT @@GLOBAL.binlog_row_metadata")[0][0]
    shop.sql("SET GLOBAL binlog_row_metadata = MINIMAL")
    yield shop
    shop.sql(f"SET GLOBAL binlog_row_metadata = {known}")


def test_f4_a_log_without_names_is_refused(nameless: Shop) -> None:
    """Today's schema is a guess about yesterday's row, and orders are not written by guesses."""
    bad = nameless.sql("UPDATE orders SET payment_status = 'CLOSED' WHERE id = 1")
    assert "binlog_row_metadata=FULL" in nameless.refused("--transaction", bad)


def test_f5_what_the_server_makes_is_never_written(shop: Shop) -> None:
    """Generated and invisible columns are left to it; a clock of the row goes on, in the server's own zone, and never back."""
    hidden = "ALTER TABLE orders ADD secret INT INVISIBLE" if not shop.mariadb else "ALTER TABLE orders ADD secret INT INVISIBLE DEFAULT 1"
    shop.sql("ALTER TABLE orders ADD upper_sn VARCHAR(40) GENERATED ALWAYS AS (UPPER(CONCAT(order_sn, payment_status))) STORED", hidden)
    shop.sql("UPDATE orders SET updated_at = '2020-01-01 00:00:00', lock_version = 7")
    bad = shop.sql("UPDATE orders SET payment_status = 'CLOSED', lock_version = 8, secret = 5")
    plan = shop.plan("--transaction", bad)
    assert {tuple(line["back"]) for line in plan["lines"]} == {("payment_status",)}
    shop.apply(plan)
    told = shop.rows(
        "SELECT upper_sn, secret, lock_version, ABS(TIMESTAMPDIFF(SECOND, updated_at, UTC_TIMESTAMP() + INTERVAL 8 HOUR)) < 60"
        " FROM orders WHERE id = 1"
    )
    assert told == [("N1PAID", 5, 9, 1)]


def test_f5_a_hidden_key_comes_back_and_a_past_of_the_servers_own_is_refused(shop: Shop) -> None:
    """Of what nobody sees, the key alone is written: a row that came back under another would be another row."""
    made = "note VARCHAR(9), twice VARCHAR(18) GENERATED ALWAYS AS (CONCAT(note, note)) STORED"
    if shop.mariadb:
        shop.sql("CREATE TABLE notes (id INT PRIMARY KEY, note VARCHAR(9)) WITH SYSTEM VERSIONING", "INSERT INTO notes VALUES (1, 'a')")
        assert "versioned" in shop.refused("--transaction", shop.sql("UPDATE notes SET note = 'b'"))
        shop.sql(f"CREATE TABLE seen ({made}, id INT INVISIBLE AUTO_INCREMENT PRIMARY KEY)")
    else:
        shop.sql(f"CREATE TABLE seen ({made})", session=["SET SESSION sql_generate_invisible_primary_key = ON"])
    shop.sql("INSERT INTO seen (note) VALUES ('a'), ('b'), ('c')")
    rows = f"SELECT {'id' if shop.mariadb else 'my_row_id'}, note FROM seen ORDER BY 1"
    known = shop.rows(rows)
    assert shop.apply(shop.plan("--transaction", shop.sql("DELETE FROM seen WHERE note = 'b'")))["proven"] == 1
    assert shop.rows(rows) == known
