"""The hand of a rollback: `reversals.Reverser` on a shop's MariaDB, MySQL or SQLite.

One transaction writes at most a thousand rows: they are locked in the order of their keys, read as they stand, judged by whoever asked,
written by statements whose rows are counted, and noted in the audit table, which is committed with them or not at all.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from makewhole.adapters.shops import alike, engines, errors, rowcells, rowforms, writeback
from makewhole.adapters.shops.errors import During
from makewhole.core import faults
from makewhole.model import cell, rollback
from makewhole.model.rollback import Form, Net
from makewhole.ports import reversals

AUDIT = "makewhole_rollbacks"
_CHANGES = "makewhole_changes"
"""Where the triggers of a SQLite shop write every change, and when."""
_NAME_LENGTH_MAX = 255
_INSTANT_SECONDS = 0.002
"""Two of the milliseconds by which a SQLite log tells transactions apart."""
_AUDIT_MYSQL = f"""CREATE TABLE IF NOT EXISTS {AUDIT} (
  plan CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, row_key CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  row_name VARCHAR({_NAME_LENGTH_MAX}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, how VARCHAR(16) NOT NULL,
  PRIMARY KEY (plan, row_key)) ENGINE = InnoDB"""
_AUDIT_SQLITE = f"""CREATE TABLE IF NOT EXISTS {AUDIT} (plan TEXT NOT NULL, row_key TEXT NOT NULL, row_name TEXT NOT NULL,
  how TEXT NOT NULL, PRIMARY KEY (plan, row_key)) WITHOUT ROWID"""
_SESSION = (
    # Before the zone is ours: how far the server's own wall clock is from UTC, for columns that it would set itself.
    "SET @makewhole_offset = TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW())",
    "SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', foreign_key_checks = 1, unique_checks = 1",
    # MariaDB makes a join of a thousand keys in a list, and scans the table for it: InnoDB would lock all that it scans.
    "SET /*M! SESSION in_predicate_conversion_threshold = 0, */ @makewhole_keys = 1",
    "SET NAMES utf8mb4 COLLATE utf8mb4_bin",
)
_NAMES = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('server_uuid', 'server_uid', 'server_id', 'hostname', 'port')"
_GRANT = "GRANT REPLICATION CLIENT (MariaDB: SLAVE MONITOR) ON *.* TO the account: on a replica nothing may be written."
_INSERT = f"INSERT INTO {AUDIT} (plan, row_key, row_name, how) VALUES "  # noqa: S608  names of our own


class SqlReverser:
    """`reversals.Reverser`. Make it with `attach`."""

    def __init__(self, reader: sa.Engine, writer: sa.Engine | None, counters: rowforms.Counters, where: str) -> None:
        self._reader, self._writer, self._counters, self._where = reader, writer, counters, where
        self._dialect = engines.spoken(reader)
        self._fresh: set[str] = set()
        """Plans of which nothing was written before we began."""
        self._last: tuple[Sequence[Net], list[alike.Group] | None] = (), None
        """What was written last, and how it was grouped: it is asked for again at once."""

    def place(self) -> rollback.Place:
        """See the port."""
        with errors.reading(self._writer or self._reader, self._where) as connection:
            return _place(connection)

    def ready(self) -> None:
        """See the port."""
        with errors.translated(During.START, self._where), self._hand().connect() as connection:
            if self._dialect == "mysql":
                _primary(connection, self._where)
                _logged(connection)
            self._same_place(connection)
        with errors.translated(During.START, self._where), self._hand().begin() as connection:
            connection.exec_driver_sql(_AUDIT_SQLITE if self._dialect == "sqlite" else _AUDIT_MYSQL)

    def describe(self, tables: Sequence[str]) -> Mapping[str, Form]:
        """See the port. By the account that writes, where there is one: who may only read is not told of triggers."""
        with errors.reading(self._writer or self._reader, self._where) as connection:
            return rowforms.describe(connection, tables, self._counters)

    def read(self, rows: Sequence[Net], forms: Mapping[str, Form]) -> reversals.Live:
        """See the port."""
        with errors.reading(self._writer or self._reader, self._where) as connection:
            if together := self._together(rows, forms):
                scribe = writeback.Scribe(dialect=self._dialect)
                if _all_there(connection, [g.there(scribe, g.now, lock=False) for g in together]):
                    return {r.name(): rollback.expected(r) for r in rows}
            return self._read(connection, rows, forms, lock=False)

    def write(
        self, plan: str, rows: Sequence[Net], forms: Mapping[str, Form], decide: Callable[[reversals.Held], Sequence[Net]]
    ) -> reversals.Wrote:
        """See the port."""
        if len(rows) > rollback.ROWS_MAX:
            raise faults.Defect(f"{len(rows)} rows in one transaction, at most {rollback.ROWS_MAX}")
        scribe = writeback.Scribe(dialect=self._dialect, tag=f"/* makewhole rollback {plan[:16]} */ ")
        with errors.translated(During.WRITE, self._where), self._hand().connect() as connection:
            transaction = connection.begin()
            newest = self._alone_in_time(connection)
            together = self._together(rows, forms)
            exact = together is not None and _all_there(connection, [g.there(scribe, g.now, lock=True) for g in together])
            live = {} if exact else self._read(connection, rows, forms, lock=True)
            # Behind the rows' locks, and with one of its own: another run of the same plan may have waited here, or been waited for.
            done = self._done(connection, plan, rows)
            chosen = tuple(decide(reversals.Held(live=live, done=done, exact=exact)))
            if not chosen:
                transaction.rollback()
                return reversals.Wrote(before={}, rows=(), earlier=len(done))
            if not exact or len(chosen) != len(rows):
                together = self._together(chosen, forms)
            for statement in self._statements(plan, chosen, forms, scribe, together):
                touched = connection.exec_driver_sql(statement.sql, statement.values).rowcount
                if touched != statement.rows:
                    raise faults.Rejected(f"{touched} rows were written where {statement.rows} were meant: {statement.sql[:80]}")
            self._one_instant(connection, newest)
            self._commit(connection, transaction)
        self._last = chosen, together
        before = {} if exact else {r.name(): live.get(r.name()) for r in chosen}
        return reversals.Wrote(before=before, rows=chosen, earlier=len(done), exact=exact)

    def holds(self, rows: Sequence[Net], forms: Mapping[str, Form]) -> bool:
        """See the port."""
        known, together = self._last
        if known is not rows:
            together = self._together(rows, forms)
        if not together or not all(group.provable() for group in together):
            return False
        scribe = writeback.Scribe(dialect=self._dialect)
        with errors.reading(self._writer or self._reader, self._where) as connection:
            return _all_there(connection, [g.there(scribe, g.back, lock=False) for g in together])

    def _same_place(self, connection: sa.Connection) -> None:
        """Raises BadInput where what is read is another database than what is written."""
        addresses = {(e.url.host, e.url.port, e.url.database) for e in (self._reader, connection.engine)}
        if len(addresses) == 1:
            return
        with errors.reading(self._reader, self._where) as reading:
            ours, theirs = _place(connection), _place(reading)
        if ours != theirs:
            todo = "shop.database and shop.hands_database must be the same database of the same server."
            raise faults.BadInput(f"we read {theirs.database} and would write {ours.database}", where="the settings", todo=todo)

    def _statements(
        self, plan: str, rows: Sequence[Net], forms: Mapping[str, Form], scribe: writeback.Scribe, together: list[alike.Group] | None
    ) -> Iterator[writeback.Statement]:
        """The rows and their audit rows."""
        if together is not None:
            yield from (group.write(scribe) for group in together)
            yield from alike.notes(together, scribe, AUDIT, plan)
            return
        for table, told in itertools.groupby(rows, key=lambda r: r.table.lower()):
            yield from scribe.write(forms[table], told)
        one = f"({', '.join([scribe.mark] * 4)})"
        values = tuple(v for r in rows for v in (plan, rollback.row_digest(r.name()), _short(r), r.how.value))
        yield writeback.Statement(sql=f"{scribe.tag}{_INSERT}{', '.join([one] * len(rows))}", values=values, rows=len(rows))

    def _hand(self) -> sa.Engine:
        if self._writer is None:
            todo = "Name an account that may write as shop.hands_database; reading needs none."
            raise faults.BadInput("no account may write here", where="shop.hands_database", todo=todo)
        return self._writer

    def _read(self, connection: sa.Connection, rows: Sequence[Net], forms: Mapping[str, Form], *, lock: bool) -> reversals.Live:
        scribe = writeback.Scribe(dialect=self._dialect)
        live: dict[str, Mapping[str, cell.Cell] | None] = {r.name(): None for r in rows}
        for table, told in itertools.groupby(sorted(rows, key=lambda r: r.table.lower()), key=lambda r: r.table.lower()):
            form, these = forms[table], list(told)
            for some in _batched(these):
                columns = writeback.columns_of(form, some)
                kinds = {c.name: c for c in form.columns}
                readers = [rowcells.reader(kinds[c], self._dialect) for c in columns]
                statement = scribe.read(form, columns, some, lock=lock)
                for row in connection.exec_driver_sql(statement.sql, statement.values).cursor.fetchall():
                    cells = {c: read(v) for c, read, v in zip(columns, readers, row, strict=True)}
                    live[rollback.row_name(form.table, {c: cells[c] for c in form.key})] = cells
        return live

    def _together(self, rows: Sequence[Net], forms: Mapping[str, Form]) -> list[alike.Group] | None:
        """The rows in groups of the same contents; None where they are not of that kind."""
        small = self._dialect == "mysql" and 0 < len(rows) <= rollback.ROWS_MAX
        return alike.groups(rows, dict(forms)) if small else None

    def _done(self, connection: sa.Connection, plan: str, rows: Sequence[Net]) -> frozenset[str]:
        """Rows that this plan wrote before: a repeat is no second write."""
        if plan in self._fresh:
            return frozenset()
        keys = {rollback.row_digest(r.name()): r.name() for r in rows}
        mark = writeback.Scribe(dialect=self._dialect).mark
        lock = "" if self._dialect == "sqlite" else " LOCK IN SHARE MODE"
        sql = f"SELECT row_key FROM {AUDIT} WHERE plan = {mark} AND row_key IN ({', '.join([mark] * len(keys))}){lock}"  # noqa: S608  names of our own
        done = frozenset(keys[str(key)] for (key,) in connection.exec_driver_sql(sql, (plan, *keys)))
        if not connection.exec_driver_sql(f"SELECT 1 FROM {AUDIT} WHERE plan = {mark} LIMIT 1{lock}", (plan,)).first():  # noqa: S608  the same
            # Not a row of this plan is there. Should another run of it begin now, its rows are not ours to write: their keys are taken.
            self._fresh.add(plan)
        return done

    def _alone_in_time(self, connection: sa.Connection) -> int:
        """A SQLite log knows transactions by their millisecond: under the lock, before our first write, it passes. The newest change."""
        if self._dialect != "sqlite":
            return 0
        time.sleep(_INSTANT_SECONDS)
        return int(connection.exec_driver_sql(f"SELECT COALESCE(MAX(id), 0) FROM {_CHANGES}").scalar_one())  # noqa: S608  names of our own

    def _one_instant(self, connection: sa.Connection, newest: int) -> None:
        """And all that we wrote since is one transaction there too, however long it took; after it the millisecond passes again."""
        if self._dialect == "sqlite":
            first = f"SELECT at FROM {_CHANGES} WHERE id > ? ORDER BY id LIMIT 1"  # noqa: S608  names of our own
            connection.exec_driver_sql(f"UPDATE {_CHANGES} SET at = ({first}) WHERE id > ?", (newest, newest))  # noqa: S608  the same
            time.sleep(_INSTANT_SECONDS)

    def _commit(self, connection: sa.Connection, transaction: sa.RootTransaction) -> None:
        try:
            with errors.translated(During.COMMIT, self._where):
                transaction.commit()
        except faults.Fault:
            connection.invalidate()
            connection.invalidate()
            raise


def attach(reader: sa.Engine, writer: sa.Engine | None, counters: rowforms.Counters, where: str) -> SqlReverser:
    """A hand on these engines, every session of which says what it means."""
    for engine in filter(None, (reader, writer)):
        sa.event.listen(engine, "connect", _speak if engine.dialect.name == "mysql" else _nothing)
    return SqlReverser(reader, writer, counters, where)


def _speak(connection: Any, _: Any) -> None:
    connection.encoders |= {alike.Keys: alike.Keys.spelled, alike.Listed: alike.Listed.spelled}
    cursor = connection.cursor()
    for sql in _SESSION:
        cursor.execute(sql)
    cursor.close()


def _nothing(connection: Any, _: Any) -> None:
    """SQLite has one meaning of everything; foreign keys are off by default, and are on here."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _place(connection: sa.Connection) -> rollback.Place:
    if connection.dialect.name == "sqlite":
        return rollback.Place(server=str(connection.exec_driver_sql("PRAGMA database_list").all()[0][2]), database="")
    told = {str(name): str(value) for name, value in connection.exec_driver_sql(_NAMES)}
    name = told.get("server_uuid") or told.get("server_uid") or f"{told.get('server_id')}@{told.get('hostname')}:{told.get('port')}"
    return rollback.Place(server=str(name), database=str(connection.exec_driver_sql("SELECT DATABASE()").scalar()))


def _primary(connection: sa.Connection, where: str) -> None:
    """Raises Rejected on a server that others write for, or that may not be written."""
    if int(connection.exec_driver_sql("SELECT @@GLOBAL.read_only").scalar() or 0):
        raise faults.Rejected("the server is read-only: a rollback is written on the primary, and replicas get it from there")
    try:
        mariadb = "mariadb" in str(connection.exec_driver_sql("SELECT VERSION()").scalar()).lower()
        replica = connection.exec_driver_sql("SHOW ALL SLAVES STATUS" if mariadb else "SHOW SLAVE STATUS").mappings().all()
    except sa.exc.DBAPIError as denied:
        raise faults.BadInput("nobody tells us whether this server is a replica", where=where, todo=_GRANT) from denied
    if any("Yes" in {row.get("Slave_SQL_Running"), row.get("Slave_IO_Running")} for row in replica):
        raise faults.Rejected("the server is a replica: a rollback is written on the primary, and replicas get it from there")


def _logged(connection: sa.Connection) -> None:
    """Raises Rejected where our own writes would not stand in the log whole: then they could not be taken back."""
    sql = "SELECT @@GLOBAL.log_bin, @@SESSION.sql_log_bin, @@SESSION.binlog_format, @@SESSION.binlog_row_image"
    on, session, form, image = (str(v).upper() for v in connection.exec_driver_sql(sql).one())
    if on != "1" or session != "1" or form != "ROW" or image not in {"FULL", "FULL_NODUP"}:
        raise faults.Rejected(
            f"our own writes would not be in the log whole (log_bin {on}, sql_log_bin {session}, binlog_format {form}, "
            f"binlog_row_image {image}): they could not be taken back"
        )


def _all_there(connection: sa.Connection, asked: Sequence[writeback.Statement]) -> bool:
    """Whether as many rows are what was asked for as were meant: the server says it in numbers."""
    return all(connection.exec_driver_sql(one.sql, one.values).scalar() == one.rows for one in asked)


def _short(row: Net) -> str:
    return row.name().replace("\x1f", " ")[:_NAME_LENGTH_MAX]


def _batched(rows: Sequence[Net]) -> Iterator[Sequence[Net]]:
    for first in range(0, len(rows), rollback.ROWS_MAX):
        yield rows[first : first + rollback.ROWS_MAX]
