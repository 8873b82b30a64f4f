"""The archive outlives the server's log: the same transactions, byte for byte, whatever is purged, killed or restarted in between."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
import structlog
from click.testing import CliRunner

from makewhole import settings
from makewhole.adapters.changelog import archive, opening
from makewhole.cli import program, shoplog, words
from makewhole.core import faults
from makewhole.engine import history
from makewhole.model.change import Sought, Traced, Transaction
from makewhole.web import histories
from tests.changelog import test_history
from tests.servers import launch
from tests.servers import mariadb as mariadb_recipe
from tests.servers import mysql as mysql_recipe

pytestmark = pytest.mark.server
KILLS = 4


@pytest.fixture(params=["mariadb", "mysql8033"], scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[launch.Server]:
    """Of our own: its logs are purged."""
    recipe = mariadb_recipe.recipe() if request.param == "mariadb" else mysql_recipe.full_recipe()
    with launch.started(recipe) as told:
        yield told


@pytest.fixture
def shop(server: launch.Server) -> str:
    database = server.create_database()
    run(
        server,
        database,
        "CREATE TABLE orders (id INT PRIMARY KEY, number VARCHAR(40), status INT)",
        "CREATE TABLE noise (id INT PRIMARY KEY)",
    )
    return database


def run(server: launch.Server, database: str, *statements: str) -> None:
    with server.root_connection(database) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def purge(server: launch.Server) -> None:
    """All but the newest file, as soon as the server lets go of it: who read it just now still holds it."""
    for _ in range(100):
        with server.root_connection() as connection, connection.cursor() as cursor:
            cursor.execute("FLUSH BINARY LOGS")
            cursor.execute("SHOW BINARY LOGS")
            cursor.execute("PURGE BINARY LOGS TO %s", [cursor.fetchall()[-1][0]])
            cursor.execute("SHOW BINARY LOGS")
            if len(cursor.fetchall()) == 1:
                return
        time.sleep(0.1)
    raise AssertionError("the server does not let go of its old logs")


def traced(shop: str) -> tuple[Traced, ...]:
    return (Traced(role="order", schema=shop, table="orders", key="id", number="number"),)


def sought(shop: str, number: str) -> list[Sought]:
    return [Sought(schema=shop, table="orders", column="number", value=number)]


def keep(server: launch.Server, shop: str, folder: Path) -> int:
    with archive.opened(folder) as kept:
        return opening.keep_up(kept, sa.make_url(server.url(shop, "reader")), traced(shop))


def archived(folder: Path, shop: str, number: str) -> list[Transaction]:
    with archive.opened(folder) as kept:
        return list(kept.touching(sought(shop, number)))


def scanned(server: launch.Server, shop: str, number: str) -> list[Transaction]:
    return list(opening.open_log(sa.make_url(server.url(shop, "reader")), None).touching(sought(shop, number)))


def test_it_tells_what_the_server_tells_and_goes_on_telling_it_when_the_server_has_forgotten(
    server: launch.Server, shop: str, tmp_path: Path
) -> None:
    """Only transactions of the shop's tables are kept; read on from where it stopped; then the server purges all it has."""
    run(server, shop, "INSERT INTO orders VALUES (1, 'A1', 0), (2, 'A2', 0)", "INSERT INTO noise VALUES (1)")
    first = keep(server, shop, tmp_path)
    run(
        server,
        shop,
        "UPDATE orders SET status = 1 WHERE id = 1",
        "FLUSH BINARY LOGS",
        "UPDATE orders SET status = 4",
        "INSERT INTO noise VALUES (2)",
    )
    again, nothing = keep(server, shop, tmp_path), keep(server, shop, tmp_path)
    assert (first, again, nothing) == (2, 2, 0)
    told = scanned(server, shop, "A1")
    assert archived(tmp_path, shop, "A1") == told
    assert [len(t.changes) for t in told] == [0, 2, 1, 2]
    purge(server)
    assert scanned(server, shop, "A1") == []
    assert archived(tmp_path, shop, "A1") == told


def test_a_gap_is_told_and_what_comes_after_it_is_kept(server: launch.Server, shop: str, tmp_path: Path) -> None:
    """What was purged before it was read may have held anything: the archive says so for good, from where to where, and goes on."""
    run(server, shop, "INSERT INTO orders VALUES (1, 'A1', 0)")
    keep(server, shop, tmp_path)
    run(server, shop, "FLUSH BINARY LOGS", "UPDATE orders SET status = 4")
    purge(server)
    run(server, shop, "UPDATE orders SET status = 5")
    assert [keep(server, shop, tmp_path) for _ in range(2)] == [1, 0]
    told = archived(tmp_path, shop, "A1")
    assert [c.after["status"] for t in told for c in t.changes if c.after] == [0, 5]
    with archive.opened(tmp_path) as kept:
        (gap,) = kept.gaps()
    last = told[-1]
    assert (gap.since.file, gap.until.file) == (told[0].ends.file, last.begins.file)
    assert told[-2].committed_at <= gap.before <= last.committed_at + timedelta(seconds=1)
    assert gap.after == told[-2].committed_at
    assert "the server cannot send its log from there" in gap.why


def test_of_two_keepers_the_late_one_keeps_nothing_twice(
    server: launch.Server, shop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is at work when the other begins and ends: what he had read by then is not kept again, and he goes on where the other is."""
    run(server, shop, "INSERT INTO orders VALUES (1, 'A1', 0)")
    commit, others = archive.Archive._commit, [True]

    def late(self: archive.Archive, *told: Any) -> int:
        if others.pop() if others else False:
            assert keep(server, shop, tmp_path) == 2
            run(server, shop, "UPDATE orders SET status = 1")
        return commit(self, *told)

    monkeypatch.setattr(archive.Archive, "_commit", late)
    assert keep(server, shop, tmp_path) == 1
    assert archived(tmp_path, shop, "A1") == scanned(server, shop, "A1")


def test_it_reads_on_after_the_server_was_restarted_and_killed(server: launch.Server, shop: str, tmp_path: Path) -> None:
    """A new log file each time; one of them was never closed."""
    run(server, shop, "INSERT INTO orders VALUES (1, 'A1', 0)")
    keep(server, shop, tmp_path)
    run(server, shop, "UPDATE orders SET status = 1")
    server.kill9()
    server.restart()
    run(server, shop, "UPDATE orders SET status = 2")
    server.restart()
    run(server, shop, "UPDATE orders SET status = 3")
    keep(server, shop, tmp_path)
    told = archived(tmp_path, shop, "A1")
    assert [c.after["status"] for t in told for c in t.changes if c.after] == [0, 1, 2, 3]
    assert told == scanned(server, shop, "A1")


KEEPER = """
import sys
from pathlib import Path
import sqlalchemy as sa
from makewhole.adapters.changelog import archive, opening
from makewhole.model.change import Traced
archive.BATCH = 7
url, shop, folder = sys.argv[1:]
print("begun", flush=True)
with archive.opened(Path(folder)) as kept:
    opening.keep_up(kept, sa.make_url(url), (Traced(role="order", schema=shop, table="orders", key="id", number="number"),))
"""


def test_a_killed_keeper_loses_and_repeats_nothing(server: launch.Server, shop: str, tmp_path: Path) -> None:
    """Killed at several places; the last one ends its work, and every transaction is there once."""
    run(server, shop, *(f"INSERT INTO orders VALUES ({i}, 'N{i % 3}', 0)" for i in range(900)))
    arguments = [sys.executable, "-c", KEEPER, server.url(shop, "reader"), shop, str(tmp_path)]
    for i in range(KILLS):
        keeper = subprocess.Popen(arguments, stdout=subprocess.PIPE, start_new_session=True)
        assert keeper.stdout is not None
        keeper.stdout.readline()
        time.sleep(0.02 * i * i)
        with contextlib.suppress(ProcessLookupError):
            os.kill(keeper.pid, signal.SIGKILL)
        keeper.wait()
        keeper.stdout.close()
    keep(server, shop, tmp_path)
    told = archived(tmp_path, shop, "N1")
    assert [c.after["id"] for t in told for c in t.changes if c.after] == [i for i in range(900) if i % 3 == 1]


FULL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop()),) * 2)
"""


@pytest.mark.parametrize("kilobytes", [1, 40, 150, 400])
def test_a_disk_that_is_full_is_one_message_and_nothing_half_done(server: launch.Server, shop: str, tmp_path: Path, kilobytes: int) -> None:
    """At the first page or in the middle: no file may grow beyond so much. Then there is room, and it goes on as if nothing had been."""
    run(server, shop, *(f"INSERT INTO orders VALUES ({i}, '{i:040d}', 0)" for i in range(1200)))
    first, rest = KEEPER.split("from pathlib", 1)
    arguments = [sys.executable, "-c", f"{first}{FULL}from pathlib{rest}", server.url(shop, "reader"), shop, str(tmp_path)]
    done = subprocess.run([*arguments, str(kilobytes << 10)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("makewhole.core.faults")]
    assert "faults.Unavailable: the archive cannot be written" in said
    assert str(tmp_path) in said
    assert "make room and start again" in said
    keep(server, shop, tmp_path)
    for i in (0, 611, 1199):
        told = archived(tmp_path, shop, f"{i:040d}")
        assert [c.after["id"] for t in told for c in t.changes if c.after] == [i]
    with archive.opened(tmp_path) as kept:
        assert kept._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        ((groups,),) = kept._connection.execute("SELECT count(*) FROM groups WHERE id IN (SELECT number FROM keys WHERE column = 'id')")
        assert groups == 1200


def test_a_damaged_byte_is_seen(server: launch.Server, shop: str, tmp_path: Path) -> None:
    """The server's own checksums are kept with the bytes, and are checked whenever they are read."""
    run(server, shop, "INSERT INTO orders VALUES (1, 'A1', 0)", "UPDATE orders SET status = 1")
    keep(server, shop, tmp_path)
    with sqlite3.connect(tmp_path / archive.FILE) as connection:
        ((number, packed),) = connection.execute("SELECT id, raw FROM groups ORDER BY id DESC LIMIT 1").fetchall()
        raw = bytearray(zlib.decompress(packed))
        raw[len(raw) // 2] ^= 1
        connection.execute("UPDATE groups SET raw = ? WHERE id = ?", (zlib.compress(bytes(raw)), number))
    connection.close()
    with pytest.raises(faults.BadInput, match="checksum"):
        archived(tmp_path, shop, "A1")


def test_what_is_old_is_let_go_of_and_nothing_else_is_lost(server: launch.Server, shop: str, tmp_path: Path) -> None:
    """By their commits, in the order of the log; never less than the audit needs."""
    run(server, shop, "INSERT INTO orders VALUES (1, 'A1', 0)", "DO SLEEP(1.1)", "UPDATE orders SET status = 1")
    keep(server, shop, tmp_path)
    *old, last = archived(tmp_path, shop, "A1")
    with archive.opened(tmp_path) as kept:
        assert (kept.forget(old[0].committed_at), kept.forget(last.committed_at)) == (0, len(old))
    assert archived(tmp_path, shop, "A1") == [last]
    run(server, shop, "UPDATE orders SET status = 2")
    assert keep(server, shop, tmp_path) == 1
    now = datetime.now(UTC)
    assert history.kept_since(timedelta(days=180), now) == now - timedelta(days=180)
    with pytest.raises(faults.Rejected, match="180 days at least"):
        history.kept_since(timedelta(days=180) - timedelta(microseconds=1), now)


def test_tables_that_the_log_does_not_name_are_not_guessed(server: launch.Server, shop: str, tmp_path: Path) -> None:
    """An archive is read when today's schema is another one: it keeps nothing that only today's schema can name."""
    with server.root_connection(shop) as connection, connection.cursor() as cursor:
        cursor.execute("SET GLOBAL binlog_row_metadata = MINIMAL")
        try:
            cursor.execute("INSERT INTO orders VALUES (1, 'A1', 0)")
        finally:
            cursor.execute("SET GLOBAL binlog_row_metadata = FULL")
    with pytest.raises(faults.BadInput, match="must not guess"):
        keep(server, shop, tmp_path)
    assert archived(tmp_path, shop, "A1") == []


def test_serve_keeps_the_archive_that_the_settings_name_and_history_tells_its_gap(
    server: launch.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order's states are told from before and after what the server forgot; and of an order born later no gap is told."""
    database = test_history.lived(server)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAKEWHOLE_SHOP_PASSWORD", "reader")
    shop = {"database": f"mysql://reader@127.0.0.1:{server.port}/{database}", "file": str(test_history.shop_file(tmp_path))}
    lines = ["[shop]", *(f'{name} = "{value}"' for name, value in shop.items()), "[history]", 'archive = "kept"']
    (tmp_path / "makewhole.toml").write_text("\n".join(lines), encoding="utf-8")
    rounds = histories.Rounds(settings.load(sections={}))
    rounds()
    run(server, database, f"UPDATE oms_order SET status = 2 WHERE order_sn = '{test_history.NUMBER}'")
    purge(server)
    with structlog.testing.capture_logs() as said:
        rounds()
        time.sleep(1.1)  # the server's clock has seconds: what comes now is younger than its file
        run(server, database, "INSERT INTO oms_order (order_sn, status) VALUES ('later', 0)", "UPDATE oms_order SET status = 3")
        rounds()
    assert [line["event"] for line in said if line["log_level"] == "error"] == ["the server forgot changes before they were kept"]
    told = {n: json.loads(CliRunner().invoke(program.PROGRAM, ["history", n, "--json"]).stdout) for n in (test_history.NUMBER, "later")}
    states = [step["state"] for step in told[test_history.NUMBER]["steps"] if step["changes"]]
    assert states == ["awaiting-payment", "awaiting-shipment", "closed", "completed"]
    assert [len(of["gaps"]) for of in told.values()] == [1, 0]
    assert "The archive has a gap" in CliRunner().invoke(program.PROGRAM, ["history", test_history.NUMBER, "--lang", "en"]).output


@pytest.fixture
def globally(server: launch.Server) -> Iterator[Callable[..., None]]:
    """Settings of the server, as they were at the end."""
    with server.root_connection() as connection, connection.cursor() as cursor:
        was: dict[str, object] = {}

        def put(**settings: object) -> None:
            for name, value in settings.items():
                cursor.execute(f"SELECT @@GLOBAL.{name}")
                ((now,),) = cursor.fetchall()
                was.setdefault(name, now)
                cursor.execute(f"SET GLOBAL {name} = %s", [value])

        yield put
        put(**was)


def test_the_doctor_tells_what_a_server_forgets_and_what_an_archive_lacks(
    server: launch.Server, globally: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it is too late: a log that is kept for days, that names no columns; an archive never begun, stopped, left behind."""
    database = test_history.lived(server)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAKEWHOLE_SHOP_PASSWORD", "reader")
    monkeypatch.setenv("MAKEWHOLE_SHOP_DATABASE", f"mysql://reader@127.0.0.1:{server.port}/{database}")
    monkeypatch.setenv("MAKEWHOLE_SHOP_FILE", str(test_history.shop_file(tmp_path)))

    def seen() -> list[tuple[str, str]]:
        """The light and the first words of each line."""
        return [
            (c.light.value, " ".join(c.what.split()[:6]))
            for c in shoplog.log(settings.load(sections={}), words.Say(words.Language.ENGLISH))
        ]

    def reminded() -> list[str]:
        with structlog.testing.capture_logs() as said:
            histories.remind(settings.load(sections={}))
        return [str(line["kept_for"]) for line in said]

    days = {"expire_logs_days": 9} if server.recipe.name == "MariaDB" else {"binlog_expire_logs_seconds": 9 * 86_400}
    globally(**days)
    assert (seen(), reminded()) == ([("ok", "the server keeps its log of")], [])
    globally(**{name: value // 3 for name, value in days.items()}, binlog_row_metadata="MINIMAL")
    assert (seen(), reminded()) == (
        [("warn", "changes do not name their columns:"), ("warn", "the server keeps its log of")],
        ["3 days, 0:00:00"],
    )
    (nameless, _) = shoplog.log(settings.load(sections={}), words.Say(words.Language.ENGLISH))
    statement = nameless.todo.partition(";")[0]
    assert statement.startswith("SET GLOBAL" if server.recipe.name == "MariaDB" else "SET PERSIST")
    run(server, database, statement, *(["RESET PERSIST"] if "PERSIST" in statement else []))
    monkeypatch.setenv("MAKEWHOLE_HISTORY_ARCHIVE", "kept")
    assert seen() == [("warn", "nothing was ever kept in the")]
    assert not (tmp_path / "kept").exists()
    rounds = histories.Rounds(settings.load(sections={}))
    rounds()
    assert seen() == [("ok", "the archive of changes in kept")]
    run(server, database, "UPDATE oms_order SET status = 2")
    assert seen() == [("ok", "the archive of changes in kept")]
    monkeypatch.setattr(shoplog, "LATE", timedelta(0))
    monkeypatch.setattr(shoplog, "ROUNDS_LATE", 0)
    (stopped,) = shoplog.log(settings.load(sections={}), words.Say(words.Language.ENGLISH))
    assert (stopped.light.value, "has stopped: what was written since" in stopped.what) == ("warn", True)
    purge(server)
    (gone,) = shoplog.log(settings.load(sections={}), words.Say(words.Language.ENGLISH))
    assert (gone.light.value, "the server has forgotten what comes next" in gone.what) == ("warn", True)
    rounds()
    assert seen() == [("ok", "the archive of changes in kept")]


def test_a_card_is_not_kept_and_everything_beside_it_is(server: launch.Server, shop: str, tmp_path: Path) -> None:
    """In words, in a number and in a statement, of its tables or of another in the same transaction; own numbers pass."""
    card, number = "4111 1111 1111 1111", "4111111111111111"
    run(
        server,
        shop,
        "ALTER TABLE orders ADD note VARCHAR(80), ADD amount DECIMAL(20,2), ADD paid BIGINT",
        "CREATE TABLE words (id INT PRIMARY KEY, said TEXT)",
        f"INSERT INTO orders VALUES (1, '{number}', 0, '退到 {card} 谢谢', 12.30, {number}), (2, 'A2', 0, '尽快', NULL, 5)",
        "BEGIN",
        "UPDATE orders SET status = 1 WHERE id = 2",
        f"INSERT INTO words VALUES (1, '{card}')",
        "COMMIT",
        "UPDATE orders SET status = 2 WHERE id = 2",
    )
    keep(server, shop, tmp_path)
    before, after = scanned(server, shop, number), archived(tmp_path, shop, number)
    assert [msgspec.structs.replace(t, changes=()) for t in after] == [msgspec.structs.replace(t, changes=()) for t in before]
    was, now = before[-1].changes[0].after or {}, after[-1].changes[0].after or {}
    assert {n: v for n, v in now.items() if v != was[n]} == {"note": "退到 **** **** **** 1111 谢谢", "paid": "************1111"}
    assert now["number"] == number
    assert [len(t.changes) for t in archived(tmp_path, shop, "A2") if t.changes] == [2, 2, 1]
    with sqlite3.connect(tmp_path / archive.FILE) as connection:
        kept = [zlib.decompress(raw) for (raw,) in connection.execute("SELECT raw FROM groups")]
    connection.close()
    assert sum("谢谢".encode() in raw for raw in kept) == 1
    assert not any(card.encode() in raw for raw in kept)
    # Of the bytes that are not kept their digest is.
    assert sum(b"sha256" in raw for raw in kept) == 2
