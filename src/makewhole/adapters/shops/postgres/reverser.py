"""The hand of a rollback on a PostgreSQL shop: `reversals.Reverser`.

One transaction writes at most a thousand rows. They are locked in the order of their keys, read, judged by whoever asked, then compared
once more and written in one statement for each shape of row, whose rows are counted and whose answer says what stands there now.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from makewhole.adapters import postgres
from makewhole.adapters.shops import errors, reverser, rowforms, writeback
from makewhole.adapters.shops.errors import During
from makewhole.adapters.shops.postgres import forms, printing, statements
from makewhole.adapters.shops.postgres.statements import Scribe, Statement
from makewhole.core import codec, faults
from makewhole.model import cell, rollback
from makewhole.model.rollback import Block, Form, Net
from makewhole.ports import reversals

_COLUMNS = "plan, block, written, row_names"
_AUDIT = f"""CREATE TABLE {reverser.AUDIT} (plan TEXT NOT NULL, block TEXT NOT NULL, written TEXT NOT NULL, row_names TEXT NOT NULL,
  PRIMARY KEY (plan, block, written))"""
_SESSION = (
    *printing.SESSION,
    "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED",
    # A policy that would hide rows is an error and no empty answer.
    "SET row_security TO off",
    # What was committed is on the disk before anybody is told of it.
    "SELECT set_config('synchronous_commit', CASE c WHEN 'off' THEN 'on' ELSE c END, false) FROM current_setting('synchronous_commit') c",
)
_STANDS = """SELECT pg_is_in_recovery(), current_setting('transaction_read_only'), current_setting('session_replication_role'),
 current_setting('wal_level')"""
_PLACE = "SELECT system_identifier || '/' || current_database(), current_schema() FROM pg_control_system()"
_TOLD = "SELECT 1 FROM pg_publication_tables WHERE pubname = %s AND schemaname = current_schema() AND tablename = %s"
_SAY = "SELECT pg_logical_emit_message(true, %s, %s)"


class PostgresReverser:
    """`reversals.Reverser`. Make it with `attach`."""

    def __init__(self, reader: sa.Engine, writer: sa.Engine | None, counters: rowforms.Counters, where: str) -> None:
        self._reader, self._writer, self._counters, self._where = reader, writer, counters, where

    def place(self) -> rollback.Place:
        """See the port. The schema stands for the database: by it the log tells whose rows are whose."""
        with errors.starting(self._writer or self._reader, self._where) as connection:
            return _place(connection)

    def ready(self) -> None:
        """See the port."""
        with errors.translated(During.START, self._where), self._hand().connect() as connection:
            _primary(connection)
            with errors.reading(self._reader, self._where) as reading:
                ours, theirs = _place(connection), _place(reading)
        if ours != theirs:
            todo = "shop.database and shop.hands_database must be the same database, with the same search_path."
            what = f"we read {theirs.database} of {theirs.server} and would write {ours.database} of {ours.server}"
            raise faults.BadInput(what, where="the settings", todo=todo)
        with errors.translated(During.START, self._where), self._hand().begin() as connection:
            self._audit(connection, ours.database)

    def describe(self, tables: Sequence[str]) -> Mapping[str, Form]:
        """See the port."""
        with errors.reading(self._writer or self._reader, self._where) as connection:
            return forms.describe(connection, tables, self._counters)

    def read(self, rows: Sequence[Net], forms: Mapping[str, Form]) -> reversals.Live:
        """See the port."""
        with errors.reading(self._writer or self._reader, self._where) as connection:
            return _read(connection, rows, forms, lock=False)

    def write(self, plan: str, block: Block, forms: Mapping[str, Form], decide: Callable[[reversals.Held], Block]) -> reversals.Wrote:
        """See the port."""
        if len(block.rows) > rollback.ROWS_MAX:
            raise faults.Defect(f"{len(block.rows)} rows in one transaction, at most {rollback.ROWS_MAX}")
        first = rollback.row_digest(block.rows[0].name())
        with errors.translated(During.WRITE, self._where), self._hand().connect() as connection, connection.begin() as transaction:
            connection.exec_driver_sql("SET CONSTRAINTS ALL DEFERRED")
            live = _read(connection, block.rows, forms, lock=True)
            done = _done(connection, plan, first)
            chosen = decide(reversals.Held(live=live, done=done))
            if not chosen.rows:
                transaction.rollback()
                return reversals.Wrote(before={}, block=chosen, earlier=len(done))
            _write(connection, chosen, forms)
            _note(connection, plan, first, chosen)
            # What was put off until now is looked at before the commit, whose refusal would be harder to tell from a lost answer.
            connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
            self._commit(connection, transaction)
        return reversals.Wrote(before={r.name(): live.get(r.name()) for r in chosen.rows}, block=chosen, earlier=len(done))

    def _audit(self, connection: sa.Connection, schema: str) -> None:
        """The table of what was written, published, so that the log tells of it."""
        if connection.exec_driver_sql("SELECT to_regclass(%s)", (reverser.AUDIT,)).scalar() is None:
            connection.exec_driver_sql(_AUDIT)
        if connection.exec_driver_sql(_TOLD, (postgres.PUBLICATION, reverser.AUDIT)).first() is not None:
            return
        sql = f"ALTER PUBLICATION {postgres.PUBLICATION} ADD TABLE {statements.name(schema)}.{reverser.AUDIT}"
        try:
            with connection.begin_nested():
                connection.exec_driver_sql(sql)
        except sa.exc.DBAPIError as denied:
            todo = f"Have the publication's owner run, once: {_AUDIT}; GRANT SELECT, INSERT ON {reverser.AUDIT} TO this account; {sql};"
            raise faults.BadInput(f"the log would not tell what is written to {reverser.AUDIT}", where=self._where, todo=todo) from denied

    def _hand(self) -> sa.Engine:
        if self._writer is None:
            todo = "Name an account that may write as shop.hands_database; reading needs none."
            raise faults.BadInput("no account may write here", where="shop.hands_database", todo=todo)
        return self._writer

    def _commit(self, connection: sa.Connection, transaction: sa.RootTransaction) -> None:
        try:
            with errors.translated(During.COMMIT, self._where):
                transaction.commit()
        except faults.Fault:
            connection.invalidate()
            raise


def attach(reader: sa.Engine, writer: sa.Engine | None, counters: rowforms.Counters, where: str) -> PostgresReverser:
    """A hand on these engines, every session of which says what it means."""
    for engine in filter(None, (reader, writer)):
        sa.event.listen(engine, "connect", _speak)
    return PostgresReverser(reader, writer, counters, where)


def _speak(connection: Any, _: Any) -> None:
    with connection.cursor() as cursor:
        for sql in _SESSION:
            cursor.execute(sql)
    # A setting lasts as long as its session where the transaction that it was made in is committed.
    connection.commit()


def _place(connection: sa.Connection) -> rollback.Place:
    server, schema = connection.exec_driver_sql(_PLACE).one()
    return rollback.Place(server=str(server), database=str(schema))


def _primary(connection: sa.Connection) -> None:
    """Raises Rejected on a server that others write for, that may not be written, or whose log would not tell what we write."""
    standby, read_only, role, level = connection.exec_driver_sql(_STANDS).one()
    if standby:
        raise faults.Rejected("the server is a standby: a rollback is written on the primary, and standbys get it from there")
    if read_only != "off":
        raise faults.Rejected("the server is read-only: a rollback is written where the shop writes")
    if role != "origin" or level != "logical":
        raise faults.Rejected(f"our own writes would not be the shop's (session_replication_role {role}, wal_level {level})")


def _read(connection: sa.Connection, rows: Sequence[Net], known: Mapping[str, Form], *, lock: bool) -> reversals.Live:
    live: dict[str, Mapping[str, cell.Cell] | None] = {r.name(): None for r in rows}
    for table, told in itertools.groupby(sorted(rows, key=lambda r: r.table.lower()), key=lambda r: r.table.lower()):
        scribe, these = _scribe(connection, known[table]), list(told)
        for begins in range(0, len(these), rollback.ROWS_MAX):
            some = these[begins : begins + rollback.ROWS_MAX]
            columns = writeback.columns_of(scribe.form, some)
            for cells in _asked(connection, scribe, scribe.read(columns, some, lock=lock)):
                live[rollback.row_name(scribe.form.table, {c: cells[c] for c in scribe.form.key})] = cells
    return live


def _write(connection: sa.Connection, block: Block, known: Mapping[str, Form]) -> None:
    """Raises Rejected where other rows were touched than were meant, or where they hold something else now."""
    for table, told in itertools.groupby(block.rows, key=lambda r: r.table.lower()):
        scribe = _scribe(connection, known[table])
        for statement in scribe.write(told):
            answer = connection.exec_driver_sql(statement.sql, statement.values)
            if answer.rowcount != len(statement.rows):
                what = f"{answer.rowcount} rows were written where {len(statement.rows)} were meant: {statement.sql[:80]}"
                raise faults.Rejected(what)
            if statement.told:
                _hold(scribe, statement, list(_cells(answer, scribe, statement)))


def _hold(scribe: Scribe, statement: Statement, told: Sequence[Mapping[str, cell.Cell]]) -> None:
    """Raises Rejected where a trigger of the shop wrote something else into a row than was meant."""
    key = scribe.form.key
    meant = {tuple({**row.key, **row.back}[c] for c in key): row.back for row in statement.rows}
    for cells in told:
        back = meant.get(tuple(cells[c] for c in key))
        over = list(key) if back is None else sorted(c for c, v in back.items() if cells[c] != v)
        if over:
            todo = f"leave it out with --column, or disable the trigger: {', '.join(scribe.form.triggers) or 'a rule'}"
            raise faults.Rejected(f"the shop's own trigger writes {', '.join(over)} of {scribe.form.table} over; {todo}")


def _scribe(connection: sa.Connection, form: Form) -> Scribe:
    schema = str(connection.exec_driver_sql("SELECT current_schema()").scalar_one())
    return Scribe(schema=schema, form=form, types=forms.types(connection, form.table))


def _asked(connection: sa.Connection, scribe: Scribe, statement: Statement) -> Iterator[dict[str, cell.Cell]]:
    yield from _cells(connection.exec_driver_sql(statement.sql, statement.values), scribe, statement)


def _cells(answer: sa.CursorResult[Any], scribe: Scribe, statement: Statement) -> Iterator[dict[str, cell.Cell]]:
    for row in printing.rows(answer, [scribe.types[c].number for c in statement.told]):
        yield dict(zip(statement.told, map(cell.pack, row), strict=True))


def _done(connection: sa.Connection, plan: str, first: str) -> frozenset[str]:
    """Rows of the block that this plan wrote before. Whoever wrote one of them had its lock, and had committed before we got it."""
    sql = f"SELECT row_names FROM {reverser.AUDIT} WHERE plan = %s AND block = %s"  # noqa: S608  names of our own
    told = connection.exec_driver_sql(sql, (plan, first)).scalars()
    return frozenset(row for names in told for row in codec.decode(str(names), list[str]))


def _note(connection: sa.Connection, plan: str, first: str, block: Block) -> None:
    """The audit row of what was written; and a word in the log, for whoever reads it, that no customer did this."""
    told = rollback.names(block.rows)
    values = (plan, first, rollback.row_digest(told[0]), codec.canonical(told).decode())
    connection.exec_driver_sql(f"INSERT INTO {reverser.AUDIT} ({_COLUMNS}) VALUES (%s, %s, %s, %s)", values)  # noqa: S608  names of our own
    connection.exec_driver_sql(_SAY, (postgres.SPOKEN_USER, f"makewhole rollback {plan[:16]}"))
