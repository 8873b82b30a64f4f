"""The servers of the tests are the real ones, and what was committed survives their sudden death."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest
import sqlalchemy
from sqlalchemy.exc import DBAPIError

from tests.servers import launch, mariadb, mysql, postgres
from tests.servers.packages import ServerUnavailableError

pytestmark = pytest.mark.server

Server = launch.Server | postgres.Server
SERVERS = ["mariadb", "mysql8", "postgresql"]


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Server:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Server)
    return found


def version(server: launch.Server) -> str:
    with server.root_connection() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT VERSION()")
        row = cursor.fetchone()
        assert row is not None
        return str(row[0])


def test_mariadb_is_mariadb_10_11(mariadb: launch.Server) -> None:
    assert version(mariadb).startswith("10.11.")
    assert "MariaDB" in version(mariadb)


def test_mysql_is_mysql_8_0(mysql8: launch.Server) -> None:
    assert version(mysql8).startswith("8.0.")
    assert "MariaDB" not in version(mysql8)


def test_postgresql_is_15_or_newer(postgresql: postgres.Server) -> None:
    with postgresql.root_connection() as connection:
        assert connection.info.server_version >= 150_000


@pytest.mark.parametrize("server", SERVERS, indirect=True)
def test_a_committed_row_survives_kill_9_and_an_uncommitted_one_does_not(server: Server) -> None:
    database = server.create_database()
    engine = sqlalchemy.create_engine(server.url(database))
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE kept (number INT PRIMARY KEY)"))
        connection.execute(sqlalchemy.text("INSERT INTO kept VALUES (1)"))
    open_connection = engine.connect()
    open_connection.execute(sqlalchemy.text("INSERT INTO kept VALUES (2)"))
    address_before = server.url(database)

    server.kill9()
    with pytest.raises(DBAPIError):
        open_connection.execute(sqlalchemy.text("SELECT 1"))
    open_connection.invalidate()
    open_connection.close()
    server.restart()

    assert server.url(database) == address_before
    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("SELECT number FROM kept")).scalars().all() == [1]
    engine.dispose()


@pytest.mark.parametrize("server", SERVERS, indirect=True)
def test_a_database_is_fresh_each_time_and_the_reader_may_only_look(server: Server) -> None:
    first, second = server.create_database(), server.create_database()
    assert first != second
    writer = sqlalchemy.create_engine(server.url(first))
    reader = sqlalchemy.create_engine(server.url(first, user="reader"))
    with writer.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE orders (number INT PRIMARY KEY)"))
    with reader.connect() as connection:
        assert connection.execute(sqlalchemy.text("SELECT COUNT(*) FROM orders")).scalar_one() == 0
        with pytest.raises(DBAPIError, match="denied"):
            connection.execute(sqlalchemy.text("INSERT INTO orders VALUES (1)"))
    writer.dispose()
    reader.dispose()


@pytest.mark.parametrize("recipe", [mariadb.recipe, mysql.recipe], ids=SERVERS[:2])
def test_a_durable_server_flushes_every_commit(recipe: Callable[[], launch.Recipe]) -> None:
    with (
        launch.started(recipe(), durable=True) as server,
        server.root_connection() as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT @@innodb_flush_log_at_trx_commit, @@sync_binlog")
        assert cursor.fetchone() == (1, 1)


@pytest.mark.parametrize("recipe", [mariadb.recipe, mysql.recipe], ids=SERVERS[:2])
def test_a_port_that_was_taken_in_the_meantime_is_given_up_for_another(
    recipe: Callable[[], launch.Recipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = iter([taken.getsockname()[1], launch.free_port()])
        monkeypatch.setattr(launch, "free_port", lambda: next(ports))
        with launch.started(recipe()) as server:
            assert server.port != taken.getsockname()[1]
            assert next(ports, None) is None


def test_a_server_that_refuses_its_options_says_so_at_once_and_leaves_nothing() -> None:
    good = mariadb.recipe()
    bad = launch.Recipe(
        name="MariaDB with a wrong option",
        section=good.section,
        settings={**good.settings, "no-such-option": "1"},
        durable_settings={},
        initialise=lambda options: ["touch", str(options.parent / "data" / "something")],
        serve=good.serve,
    )
    with pytest.raises(ServerUnavailableError, match="no-such-option"), launch.started(bad):
        raise AssertionError("it started")
