"""When the shop's database goes away at the wrong moment: what is known not to have happened is said so, and what is not is looked at."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from makewhole.adapters.shops import engines, eyes
from makewhole.core import clock, faults, ids
from makewhole.model import plan, run
from tests.servers import launch, postgres
from tests.shops import tea
from tests.shops.conftest import Shop, attach
from tests.shops.test_hands import given


@pytest.fixture
def on_mariadb(mariadb: launch.Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """The shop on MariaDB, with little patience for locks."""
    monkeypatch.setattr(engines, "LOCK_SECONDS_MAX", 1)
    database = mariadb.create_database()
    made = attach(mariadb.url(database), mariadb.url(database, "reader"))
    yield made
    made.writer.dispose()
    made.reader.dispose()


@contextlib.contextmanager
def cut_in_commit(shop: Shop, server: launch.Server, *, after: bool) -> Iterator[None]:
    """The server drops the connection just before it sees the commit, or just after it has committed."""

    def cut(connection: sa.Connection) -> None:
        number = connection.connection.driver_connection.thread_id()  # type: ignore[union-attr]
        if after:
            connection.connection.driver_connection.commit()  # type: ignore[union-attr]
        with server.root_connection() as root, root.cursor() as cursor:
            cursor.execute(f"KILL {number}")

    sa.event.listen(shop.writer, "commit", cut)
    try:
        yield
    finally:
        sa.event.remove(shop.writer, "commit", cut)


@pytest.mark.server
@pytest.mark.parametrize("after", [False, True])
def test_a_connection_lost_in_the_commit_is_doubt_and_a_look_ends_it(mariadb: launch.Server, on_mariadb: Shop, *, after: bool) -> None:
    """The answer is lost either way; only the rows know, and they are asked behind the lock."""
    shop = on_mariadb
    order_key, step = given(shop, "close-expired")
    with cut_in_commit(shop, mariadb, after=after), pytest.raises(faults.Indeterminate):
        shop.hands.do(order_key, step, tea.NOW)
    assert shop.hands.look(order_key, step, tea.NOW) == run.Saw(there=after)
    done = shop.hands.do(order_key, step, tea.NOW)
    assert done == run.Succeeded(detail="it was done before" if after else "")
    assert shop.sql("SELECT is_del FROM t_order WHERE id = 1") == [(1,)]
    assert shop.sql("SELECT locked FROM t_sku ORDER BY sku") == [(0,), (0,)]


@pytest.mark.server
def test_a_look_waits_for_who_holds_the_row_and_says_that_it_cannot_tell(on_mariadb: Shop) -> None:
    """While a transaction that may be ours holds the row, "not there" would be a guess."""
    shop = on_mariadb
    order_key, step = given(shop, "close-expired")
    with shop.writer.begin() as other:
        other.exec_driver_sql("SELECT * FROM t_order WHERE id = 1 FOR UPDATE")
        for asked in (shop.hands.look, shop.hands.do):
            with pytest.raises(faults.Unavailable, match="busy"):
                asked(order_key, step, tea.NOW)
    assert shop.hands.look(order_key, step, tea.NOW) == run.Saw(there=False)


def test_a_locked_sqlite_file_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing happened, and we know it."""
    monkeypatch.setattr(engines, "LOCK_SECONDS_MAX", 1)
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    shop = attach(url, url)
    order_key, step = given(shop, "close-expired")
    with shop.writer.begin(), pytest.raises(faults.Unavailable, match="busy"):
        shop.hands.do(order_key, step, tea.NOW)
    shop.writer.dispose()
    shop.reader.dispose()


@pytest.mark.server
def test_wrong_settings_are_told_at_the_start(mariadb: launch.Server) -> None:
    """Account, database, table: each with what to do, none of them with the password."""
    database, now = mariadb.create_database(), clock.ManualClock(tea.NOW)
    wrong = {
        mariadb.url(database, "reader").replace("reader:reader", "reader:hunter2"): "denied",
        mariadb.url("no_such_database"): "no_such_database",
        mariadb.url(database): "no table t_order",
    }
    for url, word in wrong.items():
        engine = engines.for_eyes(url)
        with pytest.raises(faults.BadInput, match=word) as told:
            eyes.attach(tea.shop_map(), engine, now, tea.SECRET)
        assert "hunter2" not in str(told.value)
        engine.dispose()
    engine = engines.for_eyes("mysql://app@127.0.0.1:1/shop")
    with pytest.raises(faults.Unavailable, match="reached"):
        eyes.attach(tea.shop_map(), engine, now, tea.SECRET)
    with pytest.raises(faults.BadInput, match="no shop can be attached on oracle"):
        engines.for_eyes("oracle://app@127.0.0.1/shop")
    with pytest.raises(faults.BadInput, match="not a database address"):
        engines.for_eyes("shop.db")


@pytest.mark.server
def test_wrong_settings_on_postgresql_are_told_at_the_start(postgresql: postgres.Server) -> None:
    """The library tells a refused account and a missing database in its own words, without a code."""
    database, now = postgresql.create_database(), clock.ManualClock(tea.NOW)
    wrong = {
        postgresql.url("no_such_database"): "no_such_database",
        postgresql.url(database, "nobody"): "nobody",
        postgresql.url(database): "no table t_order",
    }
    for url, word in wrong.items():
        engine = engines.for_eyes(url)
        with pytest.raises(faults.BadInput, match=word):
            eyes.attach(tea.shop_map(), engine, now, tea.SECRET)
        engine.dispose()
    with pytest.raises(faults.Unavailable, match="reached"):
        eyes.attach(tea.shop_map(), engines.for_eyes("postgresql://app@127.0.0.1:1/shop"), now, tea.SECRET)


@pytest.mark.server
def test_a_postgresql_that_dies_while_it_is_read_is_unavailable(postgresql: postgres.Server) -> None:
    """And is read again once it is back."""
    database = postgresql.create_database()
    shop = attach(postgresql.url(database), postgresql.url(database, "reader"))
    number = ids.OrderNumber("O1")
    shop.eyes.read([number])
    postgresql.kill9()
    try:
        with pytest.raises(faults.Unavailable):
            shop.eyes.read([number])
    finally:
        postgresql.restart()
    assert shop.order("O1").number == number
    shop.writer.dispose()
    shop.reader.dispose()


@pytest.mark.server
def test_a_server_that_dies_while_it_is_read_is_unavailable(mariadb: launch.Server, on_mariadb: Shop) -> None:
    """And the eyes see again once it is back."""
    number = ids.OrderNumber("O1")
    on_mariadb.eyes.read([number])
    mariadb.kill9()
    try:
        with pytest.raises(faults.Unavailable):
            on_mariadb.eyes.read([number])
        step = plan.Step(act=given_act(), expects="x")
        with pytest.raises(faults.Unavailable):
            on_mariadb.hands.do(ids.OrderKey(shop=ids.ShopName("tea"), number=number), step, tea.NOW)
    finally:
        mariadb.restart()
    assert on_mariadb.order("O1").number == number


def given_act() -> plan.AnyAct:
    """Any act with a hand."""
    from tests.shops.test_hands import ACTS

    return ACTS["close-expired"][1]
