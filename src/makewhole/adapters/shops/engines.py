"""Database addresses of a shop go in, engines come out: one that can only read, one that may write. Every statement is bounded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import psycopg
import sqlalchemy as sa

from makewhole.adapters import mysql
from makewhole.adapters.shops import errors
from makewhole.core import faults

READ_SECONDS_MAX = 60
"""A batch of dossiers is a second's work; whatever takes a minute hurts the shop."""
SCAN_SECONDS_MAX = 3600
"""One pass over all orders, which waits for whoever looks at the suspects meanwhile."""
LOCK_SECONDS_MAX = 5
"""Waiting for a row that the shop itself is writing. Longer, and the shop's own requests queue behind us."""
CONNECT_SECONDS_MAX = 5
SCAN_MEMORY_BYTES_MAX = 128 << 20
"""What a scan's own temporary tables may take of the shop's server: two million orders' keys. At the servers' usual 16 MB they would
go to disk, and a scan of a million orders takes ten times as long."""

_GRANT = re.compile(r"GRANT (.+?) ON ", re.IGNORECASE)
_COLUMNS = re.compile(r"\([^)]*\)")
_READS = frozenset(
    {"USAGE", "SELECT", "SHOW VIEW", "SHOW DATABASES", "REPLICATION SLAVE", "REPLICATION CLIENT", "BINLOG MONITOR", "PROCESS"}
)
"""Rights that change nothing. Those of a replica are what reading the change log needs."""


def spoken(engine: sa.Engine | sa.Connection) -> str:
    """The dialect of a database, as `language.DIALECTS` calls it."""
    return {"sqlite": "sqlite", "postgresql": "postgres"}.get(engine.dialect.name, "mysql")


def schema(engine: sa.Engine) -> str:
    """The schema of PostgreSQL in which names without one are looked up."""
    with errors.reading(engine, "shop.database") as connection:
        return str(connection.exec_driver_sql("SELECT COALESCE(CURRENT_SCHEMA(), 'public')").scalar_one())


def for_eyes(url: str | sa.URL) -> sa.Engine:
    """An engine whose sessions cannot write, whatever the account may do."""
    engine = _engine(url)

    @sa.event.listens_for(engine, "connect")
    def read_only(connection: Any, _: Any) -> None:
        if engine.dialect.name == "postgresql":
            connection.read_only = True
            return
        cursor = connection.cursor()
        if engine.dialect.name == "sqlite":
            cursor.execute("PRAGMA query_only = ON")
        else:
            cursor.execute("SET SESSION TRANSACTION READ ONLY")
            _bound(cursor, READ_SECONDS_MAX)
        cursor.close()

    return engine


def for_hands(url: str | sa.URL) -> sa.Engine:
    """An engine for writes: explicit transactions, and a short wait for locks."""
    engine = _engine(url)

    @sa.event.listens_for(engine, "connect")
    def careful(connection: Any, _: Any) -> None:
        if engine.dialect.name == "sqlite":
            # The driver's own BEGIN comes late and shared; ours is immediate, in the "begin" event below.
            connection.isolation_level = None
        if engine.dialect.name != "mysql":
            return
        cursor = connection.cursor()
        cursor.execute(f"SET SESSION innodb_lock_wait_timeout = {LOCK_SECONDS_MAX}")
        _bound(cursor, READ_SECONDS_MAX)
        cursor.close()

    if engine.dialect.name == "sqlite":

        @sa.event.listens_for(engine, "begin")
        def immediate(connection: sa.Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def grants_writes(grants: Sequence[str]) -> bool | None:
    """Whether one of an account's grants, as MySQL or MariaDB lists them, is more than to read; None where a role may hide one."""
    parts = [m[1] for text in grants if (m := _GRANT.match(text))]
    given = {word.strip().upper() for rights in parts for word in _COLUMNS.sub("", rights).split(",")}
    if given - _READS:
        return True
    return False if len(parts) == len(grants) else None


def allow_scan(connection: sa.Connection, *, by_hash: bool = False) -> None:
    """Other bounds for the statements of this connection: those of a pass over all orders. `by_hash`: which matches all with all."""
    if connection.dialect.name == "postgresql":
        # Until the transaction's end: a session's own setting would outlive the scan in the pool.
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{SCAN_SECONDS_MAX}s'")
        connection.exec_driver_sql(f"SET LOCAL work_mem = '{SCAN_MEMORY_BYTES_MAX >> 20}MB'")
    if connection.dialect.name == "mysql":
        cursor = connection.connection.cursor()
        _bound(cursor, SCAN_SECONDS_MAX)
        most = SCAN_MEMORY_BYTES_MAX
        cursor.execute(f"SET SESSION tmp_table_size = {most}, SESSION max_heap_table_size = {most}")
        # MariaDB joins by hash only where it is told that it may, and then everything, even what an index would find at once.
        level, size, limit = ("4", str(most), str(2 * most)) if by_hash else ("DEFAULT",) * 3
        hashing = f"SESSION join_cache_level = {level}, SESSION join_buffer_size = {size}, SESSION join_buffer_space_limit = {limit}"
        cursor.execute(f"SET /*M! {hashing}, */ @makewhole_joins = 1")
        cursor.close()


def _engine(url: str | sa.URL) -> sa.Engine:
    try:
        address = sa.make_url(url)
    except sa.exc.ArgumentError as wrong:
        todo = "Write mysql://user@host:3306/shop, postgresql://user@host:5432/shop or sqlite:///shop.db."
        raise faults.BadInput("not a database address", where="the shop's database", todo=todo) from wrong
    match address.get_backend_name():
        case "sqlite":
            return sa.create_engine(address, connect_args={"timeout": LOCK_SECONDS_MAX})
        case "mysql" | "mariadb":
            address = address.set(drivername="mysql+pymysql", query={"charset": "utf8mb4", **address.query})
            engine = sa.create_engine(
                address,
                pool_pre_ping=True,
                pool_recycle=1800,
                connect_args={"connect_timeout": CONNECT_SECONDS_MAX, "read_timeout": SCAN_SECONDS_MAX},
            )
            sa.event.listen(engine, "do_connect", lambda _dialect, _record, _, told: mysql.Connection(**told))
            return engine
        case "postgresql" | "postgres":
            bounds = f"-c statement_timeout={READ_SECONDS_MAX}s -c lock_timeout={LOCK_SECONDS_MAX}s"
            return sa.create_engine(
                address.set(drivername="postgresql+psycopg"),
                pool_pre_ping=True,
                pool_recycle=1800,
                # Literals take the type of the column they stand beside, as they do on the other databases; parameters would not.
                connect_args={"connect_timeout": CONNECT_SECONDS_MAX, "options": bounds, "cursor_factory": psycopg.ClientCursor},
            )
        case other:
            todo = "Shops are read on MySQL, MariaDB, PostgreSQL and SQLite."
            raise faults.BadInput(f"no shop can be attached on {other}", where="the shop's database", todo=todo)


def _bound(cursor: Any, seconds: int) -> None:
    """MariaDB counts seconds, MySQL milliseconds, under two names: each reads only its own kind of comment."""
    mariadb, mysql = f"/*M! SESSION max_statement_time = {seconds}, */", f"/*!50708 SESSION max_execution_time = {seconds * 1000}, */"
    cursor.execute(f"SET {mariadb} {mysql} @makewhole_bounded = 1")
