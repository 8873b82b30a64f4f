"""An engine comes in, a store with our tables goes out; two processes may ask at once, and a store of another version is refused."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import sqlalchemy as sa

from makewhole.adapters.store import faults as foreign
from makewhole.adapters.store import ledger, runs, tables
from makewhole.core import codec, faults
from makewhole.model import act, case

LOCK_S = 60
"""Seconds to wait for another process that makes the tables."""


def ensure(engine: sa.Engine) -> None:
    """Make what is missing. Raises BadInput for a store of another version, Unavailable where the database cannot be reached."""
    # Whoever opens the store is alone with it; those who read from it will be many.
    codec.prepare(case.Case, case.Entry, act.AskPerson, runs.Begun, runs.Progress, tuple[tuple[str, str], ...], *ledger.NOUNS)
    address = engine.url.render_as_string()
    try:
        with _alone(engine) as connection:
            found = _version(connection)
            if found is None:
                _make(connection)
                connection.execute(tables.meta.insert().values(name="schema_version", value=str(tables.SCHEMA_VERSION)))
            elif tables.GROWN_FROM <= found < tables.SCHEMA_VERSION:
                _make(connection)
                grown = tables.meta.update().where(tables.meta.c.name == "schema_version")
                connection.execute(grown.values(value=str(tables.SCHEMA_VERSION)))
            elif found != tables.SCHEMA_VERSION:
                raise _other_version(found, address)
    except foreign.DRIVER_ERRORS as error:
        raise foreign.at_opening(error, address) from error


@contextlib.contextmanager
def _alone(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One process at a time: SQLite's write lock; on a server a named lock, as there each CREATE commits by itself."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")
            return
        name = sa.literal(f"makewhole-schema-{engine.url.database}"[:64])
        if connection.scalar(sa.select(sa.func.get_lock(name, LOCK_S))) != 1:
            raise faults.Unavailable("another process is making the store's tables and does not finish")
        try:
            yield connection
        finally:
            connection.scalar(sa.select(sa.func.release_lock(name)))


def _version(connection: sa.Connection) -> int | None:
    if not sa.inspect(connection).has_table(tables.meta.name):
        return None
    told = connection.scalar(sa.select(tables.meta.c.value).where(tables.meta.c.name == "schema_version"))
    return None if told is None else int(told)


def _make(connection: sa.Connection) -> None:
    """What is missing. The version is written after it: where we were cut off before that, whoever comes next makes the rest."""
    tables.metadata.create_all(connection)
    for table in tables.metadata.sorted_tables:
        known = {index["name"] for index in sa.inspect(connection).get_indexes(table.name)}
        for index in table.indexes:
            if index.name not in known:
                index.create(connection)
    known = connection.scalar(sa.select(sa.func.count()).select_from(tables.marks).where(tables.marks.c.name == tables.SEALED_FROM))
    if known == 0:
        latest = connection.scalar(sa.select(sa.func.max(tables.notices.c.received_at)))
        begun = 0 if latest is None else latest + 1
        connection.execute(tables.marks.insert().values(name=tables.SEALED_FROM, value=str(begun).encode()))
    if connection.scalar(sa.select(sa.func.count()).select_from(tables.tree)) == 0:
        connection.execute(tables.tree.insert().values(id=1, size=0, frontier=b"", writer="", token=0))


def _other_version(found: int, address: str) -> faults.BadInput:
    if found > tables.SCHEMA_VERSION:
        todo = "Start the newer Makewhole that wrote it, or name another store."
    else:
        todo = "Move its content over with the Makewhole that wrote it, or name another store."
    return faults.BadInput(f"the store has schema version {found}, this Makewhole knows {tables.SCHEMA_VERSION}", where=address, todo=todo)
