"""A database address comes in, opened connections that keep our promises go out: durable commits, real isolation, bounded waits."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Iterator
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy import event, pool

from makewhole.adapters.store import faults as foreign
from makewhole.adapters.store import statements
from makewhole.core import faults

BUSY_MS = 10_000
"""Milliseconds a SQLite writer waits for another process's commit: thousands of commits long, short enough for a caller to be told."""
LOCK_WAIT_S = 10
"""Seconds a server lets us wait for another process's lock, instead of its 50."""
IDLE_S = 600
"""Seconds after which a server ends a silent connection of ours: a stopped process must not hold the log's lock for its default 8 hours."""
CONNECT_S = 10
READ_S = 30
"""Seconds without an answer after which a connection counts as lost."""
POOL_SIZE = 8
POOL_MORE = 56
"""Readers at once before one waits; a worker thread reads between its writes."""
CACHE_KIB = 16_384
WAL_PAGES = 1_000
"""Pages (4 MB) after which SQLite copies its log back into the file, as by default: four times as many were measured and no faster."""


class Link:
    """One writing connection: begin, commit and roll back are told to the driver directly."""

    def __init__(self, engine: sa.Engine) -> None:
        self._proxied = engine.raw_connection()
        self._sqlite = engine.dialect.name == "sqlite"
        self.cursor = cast("statements.Cursor", self._proxied.cursor())

    def begin(self) -> None:
        """On SQLite with the write lock at once: a reader that becomes a writer later may only be refused."""
        self.cursor.execute("BEGIN IMMEDIATE" if self._sqlite else "START TRANSACTION")

    def commit(self) -> None:
        """Durable on return. When it raises, nobody knows."""
        self.cursor.execute("COMMIT")

    def rollback(self) -> None:
        """Nothing of it happened."""
        self.cursor.execute("ROLLBACK")

    def drop(self) -> None:
        """Not to be used again; the server rolls back what was open."""
        with contextlib.suppress(*foreign.DRIVER_ERRORS):
            self.cursor.close()
        if self._proxied.is_valid:
            self._proxied.invalidate()

    def close(self) -> None:
        """Give it back in order."""
        with contextlib.suppress(*foreign.DRIVER_ERRORS):
            self.cursor.close()
        self._proxied.close()


def in_memory(url: sa.URL) -> bool:
    """Whether the database lives and dies with this process."""
    return url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}


def engine(address: str) -> sa.Engine:
    """The engine of an address. `mysql://` and `mariadb://` mean PyMySQL, the driver that is everywhere. Connects to nothing yet."""
    try:
        url = sa.make_url(address)
    except sa.exc.ArgumentError as wrong:
        raise faults.BadInput(
            "not a database address",
            where="the store's address",
            todo="Write it like sqlite:///makewhole.db or mysql://user@host:3306/name.",
        ) from wrong
    if url.drivername in {"mysql", "mariadb"}:
        url = url.set(drivername=f"{url.drivername}+pymysql")
    match url.get_backend_name():
        case "sqlite":
            return _sqlite(url)
        case "mysql" | "mariadb":
            return _server(url)
        case other:
            raise faults.BadInput(f"the store does not live in {other}", where=url.render_as_string(), todo="Use sqlite, mysql or mariadb.")


def _sqlite(url: sa.URL) -> sa.Engine:
    arguments: dict[str, Any] = {"timeout": BUSY_MS / 1000, "isolation_level": None, "check_same_thread": False}
    chosen = pool.StaticPool if in_memory(url) else pool.QueuePool
    more = {} if in_memory(url) else {"pool_size": POOL_SIZE, "max_overflow": POOL_MORE}
    made = sa.create_engine(url, connect_args=arguments, poolclass=chosen, pool_reset_on_return=None, **more)
    event.listen(made, "connect", _sqlite_connected)
    return made


def _sqlite_connected(connection: Any, _record: object) -> None:
    """FULL: with NORMAL a power cut may take back an intention that was already acted on."""
    # A file holds whatever was written into it. What is no text is read as text that fits no digest, and so is told by its record.
    connection.text_factory = functools.partial(str, encoding="utf-8", errors="replace")
    cursor = connection.cursor()
    _journal_mode(cursor)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    cursor.execute(f"PRAGMA wal_autocheckpoint={WAL_PAGES}")
    cursor.close()


def _journal_mode(cursor: Any) -> None:
    """The change to WAL needs the file alone for a moment, and SQLite does not wait for that by itself."""
    for tries_left in reversed(range(200)):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except foreign.DRIVER_ERRORS as error:
            if foreign.meaning(error) is not foreign.Meaning.BUSY or not tries_left:
                raise
            time.sleep(0.02)
        else:
            return


def _server(url: sa.URL) -> sa.Engine:
    url = url.update_query_dict({"charset": "utf8mb4"})
    made = sa.create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        paramstyle="format",  # positional, so that many rows are handed over as they are
        connect_args={"connect_timeout": CONNECT_S, "read_timeout": READ_S, "write_timeout": READ_S},
        pool_size=POOL_SIZE,
        max_overflow=POOL_MORE,
        pool_pre_ping=True,
        pool_recycle=IDLE_S // 2,
        pool_reset_on_return=None,
    )
    event.listen(made, "connect", _server_connected)
    return made


def _server_connected(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
    cursor.execute(f"SET SESSION innodb_lock_wait_timeout={LOCK_WAIT_S}, wait_timeout={IDLE_S}, time_zone='+00:00'")
    # Refuse what does not fit, where a server's own setting would cut it.
    cursor.execute("SET SESSION sql_mode='STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO'")
    cursor.close()


@contextlib.contextmanager
def reading(made: sa.Engine, texts: statements.Texts) -> Iterator[statements.Tx]:
    """A reading connection of the pool; sees what was committed."""
    proxied = made.raw_connection()
    try:
        cursor = cast("statements.Cursor", proxied.cursor())
        try:
            yield statements.Tx(cursor, texts)
        finally:
            cursor.close()
    except foreign.DRIVER_ERRORS as error:
        # A connection that failed once is not given to the next reader.
        if foreign.meaning(error) is foreign.Meaning.LOST:
            proxied.invalidate()
        raise
    finally:
        proxied.close()
