"""Opening a store: wrong addresses and other versions are the user's to mend; a busy or full disk is said in words."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pymysql
import pytest
import sqlalchemy as sa

from makewhole.adapters.store import faults as foreign
from makewhole.adapters.store import journal, links, tables
from makewhole.core import faults, ids
from tests.store import scenes
from tests.store.conftest import FILES

on_every_file = pytest.mark.parametrize("address", FILES, indirect=True)
on_a_file = pytest.mark.parametrize("address", ["sqlite"], indirect=True)


@on_every_file
@pytest.mark.parametrize("version", [0, tables.GROWN_FROM - 1, tables.SCHEMA_VERSION + 1])
def test_a_store_of_another_version_is_refused(address: str, version: int) -> None:
    journal.SqlStore(address).close()
    engine = sa.create_engine(address)
    with engine.begin() as connection:
        connection.execute(tables.meta.update().values(value=str(version)))
    with pytest.raises(faults.BadInput, match=f"version {version}"):
        journal.SqlStore(address)
    with engine.begin() as connection:
        connection.execute(tables.meta.update().values(value=str(tables.SCHEMA_VERSION)))
    engine.dispose()
    journal.SqlStore(address).close()


@on_every_file
def test_a_store_from_before_the_daily_books_is_given_their_tables(address: str) -> None:
    """Nothing of what it holds is touched, and from then on it is one of this version."""
    with journal.SqlStore(address) as store:
        scenes.drive(store, scenes.made("1"))
        before = store.counts()
    engine = sa.create_engine(address)
    with engine.begin() as connection:
        connection.execute(tables.meta.update().values(value=str(tables.GROWN_FROM)))
        for table in (tables.bills, tables.bill_parts, tables.differences, tables.moves, tables.closings):
            table.drop(connection)
    with journal.SqlStore(address) as store:
        assert store.counts() == before
        assert store.ledger.unsettled(ids.ShopName("mall"), ids.ChannelName("wechatpay")) == []
    with engine.connect() as connection:
        assert connection.scalar(sa.select(tables.meta.c.value)) == str(tables.SCHEMA_VERSION)
    engine.dispose()


@on_every_file
def test_a_making_of_tables_that_was_cut_off_is_finished(address: str) -> None:
    journal.SqlStore(address).close()
    engine = sa.create_engine(address)
    with engine.begin() as connection:
        connection.execute(tables.meta.delete())
        tables.questions.drop(connection)
        next(iter(tables.notices.indexes)).drop(connection)
    with journal.SqlStore(address) as store:
        assert set(store.counts().values()) == {0}
    found = sa.inspect(engine)
    assert {i["name"] for i in found.get_indexes(tables.notices.name)} == {i.name for i in tables.notices.indexes}
    engine.dispose()


@pytest.mark.parametrize("address", ["nonsense", "postgresql://localhost/x", "sqlite:////nowhere/at/all/x.db"])
def test_an_address_that_cannot_be_used_is_bad_input(address: str) -> None:
    with pytest.raises(faults.BadInput):
        journal.SqlStore(address)


def test_a_file_that_is_no_database_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(faults.BadInput):
        journal.SqlStore(f"sqlite:///{tmp_path / 'x.db'}")


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(faults.Unavailable):
        journal.SqlStore("mysql://app@127.0.0.1:1/x")


def test_a_password_is_never_shown() -> None:
    with pytest.raises(faults.BadInput) as refused:
        journal.SqlStore("postgresql://app:sesame@localhost/x")
    assert "sesame" not in str(refused.value)


@on_a_file
def test_sqlite_is_opened_for_durability(store: journal.SqlStore) -> None:
    with store._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


@pytest.mark.server
@pytest.mark.parametrize("address", ["mariadb", "mysql8"], indirect=True)
def test_servers_are_told_what_we_rely_on(store: journal.SqlStore) -> None:
    with store._engine.connect() as connection:
        name = "tx_isolation" if "MariaDB" in str(connection.exec_driver_sql("SELECT VERSION()").scalar()) else "transaction_isolation"
        assert connection.exec_driver_sql(f"SELECT @@{name}").scalar() == "READ-COMMITTED"
        assert "STRICT_ALL_TABLES" in str(connection.exec_driver_sql("SELECT @@sql_mode").scalar())
        engines = connection.exec_driver_sql(
            "SELECT DISTINCT engine FROM information_schema.tables WHERE table_schema = DATABASE()"
        ).scalars()
        assert list(engines) == ["InnoDB"]


@on_a_file
def test_a_lock_that_another_holds_is_unavailable_and_then_gone(
    address: str, store: journal.SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes.begin(store, scenes.made("1"))
    assert store.writer._link is not None
    store.writer._link.cursor.execute("PRAGMA busy_timeout=50")
    other = sqlite3.connect(address.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(faults.Unavailable, match="locked"):
        scenes.begin(store, scenes.made("2"))
    other.execute("ROLLBACK")
    other.close()
    assert scenes.begin(store, scenes.made("2")).fence == 1
    assert store.counts()["runs"] == 2


@on_a_file
def test_a_full_disk_is_said_and_nothing_is_half_written(store: journal.SqlStore) -> None:
    scenes.drive(store, scenes.made("0"))
    before = store.counts()
    assert store.writer._link is not None
    store.writer._link.cursor.execute("PRAGMA max_page_count=1")
    kept = 0
    with pytest.raises(faults.Unavailable, match="no room left"):  # noqa: PT012  whichever of them finds no room
        for kept in range(1_000):
            scenes.begin(store, scenes.made(f"n{kept}"))
    assert store.counts()["runs"] == before["runs"] + kept
    assert store.counts()["entries"] == before["entries"] + kept
    assert store.find_run(scenes.made(f"n{kept}").run_id()) is None
    assert store.audit().complaints == ()
    # The next connection has room again.
    assert scenes.begin(store, scenes.made("after")).fence == 1


@pytest.mark.parametrize(
    "error, told",
    [
        (pymysql.err.OperationalError(1213, "Deadlock found"), foreign.Meaning.AGAIN),
        (pymysql.err.OperationalError(1205, "Lock wait timeout exceeded"), foreign.Meaning.AGAIN),
        (pymysql.err.OperationalError(2013, "Lost connection"), foreign.Meaning.LOST),
        (pymysql.err.InterfaceError(0, ""), foreign.Meaning.LOST),
        (ConnectionResetError("reset"), foreign.Meaning.LOST),
        (pymysql.err.OperationalError(2003, "Can't connect"), foreign.Meaning.BUSY),
        (sa.exc.TimeoutError("pool"), foreign.Meaning.BUSY),
        (pymysql.err.OperationalError(1114, "The table is full"), foreign.Meaning.FULL),
        (pymysql.err.OperationalError(1045, "Access denied"), foreign.Meaning.REFUSED),
        (pymysql.err.IntegrityError(1062, "Duplicate entry"), foreign.Meaning.OURS),
        (pymysql.err.DataError(1406, "Data too long"), foreign.Meaning.OURS),
        (sqlite3.IntegrityError("UNIQUE"), foreign.Meaning.OURS),
        (pymysql.err.OperationalError(9999, "never seen"), foreign.Meaning.OURS),
        (sa.exc.OperationalError("x", {}, pymysql.err.OperationalError(2013, "Lost")), foreign.Meaning.LOST),
    ],
)
def test_foreign_errors_are_understood(error: Exception, told: foreign.Meaning) -> None:
    assert foreign.meaning(error) is told


@on_a_file
def test_a_broken_invariant_is_a_defect(store: journal.SqlStore) -> None:
    scenes.drive(store, scenes.made("1"))
    with store._engine.begin() as connection:
        connection.execute(tables.tree.update().values(size=3))
    with pytest.raises(faults.Defect):
        store.append([line.entry() for line in store.entries()])


def test_memory_and_files_are_told_apart() -> None:
    for address, memory in (("sqlite://", True), ("sqlite:///:memory:", True), ("sqlite:///x.db", False)):
        assert links.in_memory(sa.make_url(address)) is memory
