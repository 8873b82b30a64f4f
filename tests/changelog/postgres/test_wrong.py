"""What can be wrong with a PostgreSQL shop's log: one message each that says what to do, before every command; nothing moves."""

from __future__ import annotations

import shutil
import sqlite3
import zlib
from pathlib import Path

import pytest
import sqlalchemy as sa

from makewhole.adapters.changelog.postgres import archive, log, setup
from makewhole.core import faults
from tests.changelog.postgres import slotted
from tests.changelog.postgres.test_shop import ARCHIVE, Mall, lived, mall
from tests.changelog.postgres.test_slots import ORDERS, SOUGHT, TABLES, told
from tests.servers import postgres

__all__ = ("lived", "mall")
pytestmark = pytest.mark.server


def said(server: postgres.Server, database: str) -> str:
    """What whoever would have the log kept is told."""
    with pytest.raises((faults.BadInput, faults.Unavailable)) as wrong:
        setup.install(sa.make_url(server.url(database)), [("public", "orders")])
    return str(wrong.value)


def test_a_server_that_keeps_no_log_for_us_is_told_what_it_lacks(tmp_path: Path) -> None:
    """Its settings, one after the other; each wants a restart. Nothing is made that the next one would have to take away."""
    with postgres.started() as server:
        first, second = (server.create_database() for _ in range(2))
        for database in (first, second):
            with server.root_connection(database) as root:
                root.execute(ORDERS)
                root.execute("ALTER TABLE orders OWNER TO app")
        for settings, what in (
            ({"wal_level": "replica", "max_replication_slots": 0, "max_wal_senders": 0}, "wal_level is replica"),
            ({"wal_level": "logical"}, "max_replication_slots"),
            ({"max_replication_slots": 1, "max_wal_senders": 1}, ""),
        ):
            with server.root_connection() as root:
                for name, value in settings.items():
                    root.execute(f"ALTER SYSTEM SET {name} = '{value}'")
            server.restart()
            if what:
                assert what in said(server, first)
        setup.install(sa.make_url(server.url(first)), [("public", "orders")])
        assert "all replication slots are in use" in said(server, second)
        told_by = sa.make_url(server.url(first, "reader"))
        with log.opened(told_by, tmp_path, TABLES, keeps=True) as opened:
            assert list(opened.touching(SOUGHT)) == []
        # An archive is of one server, one database and one slot.
        with server.root_connection() as root:
            slotted.drop(root, first)
        setup.install(sa.make_url(server.url(second)), [("public", "orders")])
        with (
            pytest.raises(faults.BadInput, match="another server, or another slot"),
            log.opened(sa.make_url(server.url(second, "reader")), tmp_path, TABLES, keeps=True),
        ):
            pass


def test_an_archive_that_is_damaged_or_none_is_told_by_its_place(postgresql: postgres.Server, tmp_path: Path) -> None:
    """A byte of a transaction, the description of a table that is gone, a file of something else: what is whole is not told without it."""
    with slotted.slotted(postgresql, ORDERS) as shop:
        shop.keep("orders")
        shop.shop.execute("INSERT INTO orders VALUES (1, 'N1')")
        # Described once in a session: what comes second needs the description that is kept.
        shop.shop.execute("UPDATE orders SET id = 2")
        assert told(shop, tmp_path) == ["insert", "update"]
        file = tmp_path / archive.FILE
        for damage, what in (
            ("UPDATE groups SET raw = substr(raw, 1, length(raw) / 2)", "transaction 1"),
            ("DELETE FROM forms", "description 1 of a table is not there"),
        ):
            shutil.copy(file, tmp_path / "whole")
            with sqlite3.connect(file) as connection:
                connection.execute(damage)
            connection.close()
            with pytest.raises(faults.BadInput, match=what):
                told(shop, tmp_path)
            for left in tmp_path.glob(f"{archive.FILE}-*"):
                left.unlink()
            shutil.move(tmp_path / "whole", file)
        assert told(shop, tmp_path) == ["insert", "update"]
        file.write_bytes(zlib.compress(b"something else") * 400)
        with pytest.raises(faults.BadInput, match="the archive cannot be read"):
            told(shop, tmp_path)


def test_what_history_is_told_rollback_and_images_are_told(lived: Mall) -> None:
    """A slot that was dropped, and a table that nothing tells of any more: by every command that reads the log."""
    commands = (("history", "N1"), ("rollback", "--user", "nobody"), ("images", "take"))
    lived.told.shop.execute("ALTER PUBLICATION makewhole DROP TABLE oms_order")
    for command in commands:
        done = lived.call(*command)
        assert (done.exit_code, "nothing tells the changes of oms_order" in done.output) == (2, True), (command, done.output)
        assert 'ALTER PUBLICATION makewhole ADD TABLE "public"."oms_order"' in done.output.replace("\n", ""), command
    lived.told.shop.execute("ALTER PUBLICATION makewhole ADD TABLE oms_order")
    lived.told.ask("SELECT pg_drop_replication_slot(%s)", lived.told.slot)
    for command in commands:
        done = lived.call(*command)
        assert (done.exit_code, "there is no slot" in done.output, "attach --slot" in done.output) == (2, True, True), (
            command,
            done.output,
        )
    assert not (lived.folder / ARCHIVE).exists()
    assert not (lived.folder / "makewhole-images").exists()
