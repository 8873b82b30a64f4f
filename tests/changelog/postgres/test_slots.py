"""What can happen to a slot on a real server: each is one message that says what to do, and nothing is passed by in silence."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from makewhole.adapters.changelog.postgres import archive, health, log, reading, session, setup
from makewhole.adapters.changelog.postgres.transactions import instant
from makewhole.core import faults
from makewhole.model.change import Sought, Traced
from makewhole.ports import trails
from tests.changelog.postgres import slotted
from tests.servers import postgres

pytestmark = pytest.mark.server
ORDERS = "CREATE TABLE orders (id int PRIMARY KEY, number text)"
TABLES = (Traced(role="order", schema="public", table="orders", key="id", number="number"),)
SOUGHT = (Sought(schema="public", table="orders", column="number", value="N1"),)


def told(shop: slotted.Slotted, folder: Path, *, keeps: bool = True) -> list[str]:
    """What was done to N1."""
    with log.opened(shop.url, folder, TABLES, keeps=keeps) as opened:
        changes = [c for t in opened.touching(SOUGHT) for c in t.changes]
        return [c.kind.value for c in changes if "N1" in {(i or {}).get("number") for i in (c.before, c.after)}]


def test_a_divided_table_is_told_as_one(postgresql: postgres.Server, tmp_path: Path) -> None:
    """With its old rows, as each part has its own identity; a row that moves from part to part is the same order."""
    parts = [f"CREATE TABLE part{i} PARTITION OF orders FOR VALUES FROM ({10 * i}) TO ({10 * i + 10})" for i in range(2)]
    with slotted.slotted(postgresql, "CREATE TABLE orders (id int, number text) PARTITION BY RANGE (id)", *parts) as shop:
        shop.keep("orders")
        shop.shop.execute("INSERT INTO orders VALUES (1, 'N1')")
        shop.shop.execute("UPDATE orders SET id = 11")
        shop.shop.execute("DELETE FROM orders")
        assert told(shop, tmp_path) == ["insert", "delete", "insert", "delete"]
        assert health.look(shop.url, [("public", "orders")]).partly == ()


def test_an_update_in_the_shop_never_fails_because_of_us(postgresql: postgres.Server) -> None:
    """A table without a key that is published before it can tell its rows refuses them: the statements come in an order that avoids it."""
    with slotted.slotted(postgresql, "CREATE TABLE orders (number text)", "INSERT INTO orders VALUES ('N1')") as shop:
        for statement in setup.script(sa.make_url(postgresql.url(shop.database)), [("public", "orders")]):
            shop.shop.execute(statement)
            shop.shop.execute("UPDATE orders SET number = 'N2'")
            shop.shop.execute("DELETE FROM orders WHERE number = 'N3'")
        assert setup.script(shop.url, [("public", "orders")]) == ()


def test_a_slot_that_the_server_gave_up_is_said_and_made_anew_with_a_gap(postgresql: postgres.Server, tmp_path: Path) -> None:
    """max_slot_wal_keep_size saved the shop's disk; what the archive holds stays, and what was lost is named."""
    with slotted.slotted(postgresql, ORDERS) as shop, postgresql.root_connection() as root:
        shop.keep("orders")
        shop.shop.execute("INSERT INTO orders VALUES (1, 'N1')")
        assert told(shop, tmp_path) == ["insert"]
        try:
            root.execute("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'")
            root.execute("SELECT pg_reload_conf()")
            for number in range(2, 6):
                shop.shop.execute("INSERT INTO orders VALUES (%s, 'x')", (number,))
                root.execute("SELECT pg_switch_wal()")
                root.execute("CHECKPOINT")
        finally:
            root.execute("ALTER SYSTEM RESET max_slot_wal_keep_size")
            root.execute("SELECT pg_reload_conf()")
        for read in (lambda: health.look(shop.url, [("public", "orders")]), lambda: told(shop, tmp_path)):
            with pytest.raises(faults.BadInput, match=f"thrown away what the slot {shop.slot} still needed"):
                read()
        shop.ask("SELECT pg_drop_replication_slot(%s)", shop.slot)
        with pytest.raises(faults.BadInput, match="attach --slot"):
            told(shop, tmp_path)
        shop.keep("orders")
        shop.shop.execute("UPDATE orders SET number = 'N1b' WHERE id = 1")
        assert told(shop, tmp_path) == ["insert", "update"]
        with log.opened(shop.url, tmp_path, TABLES, keeps=False) as opened:
            assert len(opened.gaps) == 1


def test_an_account_that_may_not_read_the_log_is_told_what_it_lacks(postgresql: postgres.Server, tmp_path: Path) -> None:
    """The server says so before there is a session."""
    with slotted.slotted(postgresql, ORDERS) as shop, postgresql.root_connection() as root:
        shop.keep("orders")
        root.execute(f"CREATE ROLE weak_{shop.database} LOGIN")
        weak = sa.make_url(postgresql.url(shop.database, f"weak_{shop.database}"))
        with pytest.raises(faults.BadInput, match="ALTER ROLE"):
            list(log.SlotStream(weak, tmp_path, TABLES, keeps=False).read(None))


def test_of_two_who_keep_the_late_one_goes_on_from_where_the_other_was_killed(
    postgresql: postgres.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the other put on the disk and the server was never told of comes again, and is neither lost nor kept twice."""
    with slotted.slotted(postgresql, ORDERS) as shop:
        shop.keep("orders")
        with reading.Reading(url=shop.url, slot=shop.slot, folder=tmp_path, keeps=True, tables=TABLES) as late:
            groups = late.groups(None, follow=False)
            assert isinstance(next(groups), reading.Progress)
            shop.shop.execute("INSERT INTO orders VALUES (1, 'N1')")
            begun = shop.confirmed()
            with monkeypatch.context() as patched:
                patched.setattr(session.Copying, "_speak", slotted.unheard)
                assert log.keep_up(shop.url, tmp_path, TABLES)[0] == 1
            assert shop.confirmed() == begun
            assert sum(not isinstance(g, reading.Progress) for g in groups) == 1
        assert shop.confirmed() != begun
        assert told(shop, tmp_path) == ["insert"]


def test_whoever_follows_is_told_when_the_server_ends_it_and_others_read_what_it_keeps(
    postgresql: postgres.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One alone reads a slot. Who has no part in its archive is told so, and not that there is nothing."""
    monkeypatch.setattr(reading, "BUSY_SECONDS_MAX", 0.5)
    with slotted.slotted(postgresql, ORDERS) as shop, postgresql.root_connection() as root:
        shop.keep("orders")
        ended, begun = list[Exception](), threading.Event()

        def follow() -> None:
            try:
                for _ in log.SlotStream(shop.url, tmp_path, TABLES, keeps=True).read(None, follow=True):
                    begun.set()
            except faults.Unavailable as over:
                ended.append(over)

        follower = threading.Thread(target=follow)
        follower.start()
        assert begun.wait(60)
        with pytest.raises(faults.Unavailable, match="somebody else reads"):
            told(shop, tmp_path / "elsewhere", keeps=False)
        monkeypatch.setattr(reading, "BUSY_SECONDS_MAX", 60)
        shop.shop.execute("INSERT INTO orders VALUES (1, 'N1')")
        assert told(shop, tmp_path) == ["insert"]
        root.execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = %s", (shop.slot,))
        follower.join(60)
        assert "ended its log" in str(*ended)


def test_what_is_old_is_let_go_of_and_nothing_else_is_lost(postgresql: postgres.Server, tmp_path: Path) -> None:
    """By their commits; what the archive knows of begins later then, and whoever would read on from before it is told so."""
    with slotted.slotted(postgresql, ORDERS) as shop:
        shop.keep("orders")
        for number in range(1, 4):
            shop.shop.execute("INSERT INTO orders VALUES (%s, 'N' || %s)", (number, number))
            log.keep_up(shop.url, tmp_path, TABLES)
        with archive.opened(tmp_path) as kept:
            first, second, third = kept.after(0, 1 << 62)
            assert kept.forget(instant(first.begin.committed_us)) == 0
            assert kept.forget(instant(third.begin.committed_us)) == 2
            assert [g.ends for g in kept.after(0, 1 << 62)] == [third.ends]
            place = kept.place()
            assert place is not None
            assert (place.since, place.ends >= third.ends) == (second.ends, True)
        shop.shop.execute("UPDATE orders SET number = 'N1' WHERE id = 3")
        assert told(shop, tmp_path) == ["update"]
        with reading.Reading(url=shop.url, slot=shop.slot, folder=tmp_path, keeps=False, tables=TABLES) as read:
            assert read.unbroken(second.ends) == second.ends
            with pytest.raises(trails.Purged):
                read.unbroken(first.ends)
        with archive.opened(tmp_path) as kept:
            assert kept.forget(datetime.now(UTC) + timedelta(days=1)) == 2
        assert told(shop, tmp_path) == []
