"""The hand of a rollback: `reversals.Reverser` on a shop's MariaDB, MySQL or SQLite.

One transaction writes at most a thousand rows: they are locked in the order of their keys, compared as they stand, judged by whoever
asked, written by statements whose rows are counted, and noted in the audit table, which is committed with them or not at all.

Where the server can compare as exactly as we do, comparing and writing is one statement (`alike`), rolled back where it does not touch all
of the rows, or where whoever judges does not want them all. Then, and for all others, rows are locked and read first.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from makewhole.adapters.shops import alike, engines, errors, rowcells, rowforms, writeback
from makewhole.adapters.shops.errors import During
from makewhole.core import codec, faults
from makewhole.model import cell, rollback
from makewhole.model.rollback import Block, Form, Net
from makewhole.ports import reversals

AUDIT = "makewhole_rollbacks"
_CHANGES = "makewhole_changes"
"""Where the triggers of a SQLite shop write every change, and when."""
_INSTANT_SECONDS = 0.002
"""Two of the milliseconds by which a SQLite log tells transactions apart."""
_AUDIT_MYSQL = f"""CREATE TABLE IF NOT EXISTS {AUDIT} (
  plan CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, block CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  written CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  row_names MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, PRIMARY KEY (plan, block, written)) ENGINE = InnoDB"""
"""One row for each transaction: the digests of the first row of its block and of the first that it wrote, and the names of all that it
wrote, as JSON. A row for each row would cost more than the rows themselves."""
_AUDIT_SQLITE = f"""CREATE TABLE IF NOT EXISTS {AUDIT} (plan TEXT NOT NULL, block TEXT NOT NULL, written TEXT NOT NULL,
  row_names TEXT NOT NULL, PRIMARY KEY (plan, block, written)) WITHOUT ROWID"""
_UNKNOWN_COLUMN = 1054
"""What MySQL and MariaDB answer then."""
_AUDIT_COLUMNS = "plan, block, written, row_names"
_SESSION = (
    # Before the zone is ours: how far the server's own wall clock is from UTC, for columns that it would set itself.
    "SET @makewhole_offset = TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW())",
    # Rows that are looked for and are not there lock no gaps: what else is written beside them is nobody's business here.
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', foreign_key_checks = 1, unique_checks = 1",
    # MariaDB makes a join of a thousand keys in a list, and scans the table for it: InnoDB would lock all that it scans.
    "SET /*M! SESSION in_predicate_conversion_threshold = 0, */ @makewhole_keys = 1",
    "SET NAMES utf8mb4 COLLATE utf8mb4_bin",
)
_NAMES = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('server_uuid', 'server_uid', 'server_id', 'hostname', 'port')"
_GRANT = "GRANT REPLICATION CLIENT (MariaDB: SLAVE MONITOR) ON *.* TO the account: on a replica nothing may be written."


@dataclass(frozen=True, kw_only=True)
class _Going:
    """What one transaction is asked to do."""

    plan: str
    block: Block
    forms: Mapping[str, Form]
    decide: Callable[[reversals.Held], Block]

    def first(self) -> str:
        """Which block of the plan it is: a row is in one of them."""
        return rollback.row_digest(self.block.rows[0].name())


class SqlReverser:
    """`reversals.Reverser`. Make it with `attach`."""

    def __init__(self, reader: sa.Engine, writer: sa.Engine | None, counters: rowforms.Counters, where: str) -> None:
        self._reader, self._writer, self._counters, self._where = reader, writer, counters, where
        self._dialect = engines.spoken(reader)

    def place(self) -> rollback.Place:
        """See the port."""
        with errors.starting(self._writer or self._reader, self._where) as connection:
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
            try:
                connection.exec_driver_sql(f"SELECT {_AUDIT_COLUMNS} FROM {AUDIT} LIMIT 0")  # noqa: S608  names of our own
            except sa.exc.OperationalError as other:
                if not _unknown_column(other):
                    raise
                todo = f"It is an older version's. Rename {AUDIT} once no plan that was made before is to be applied again."
                raise faults.BadInput(f"the table {AUDIT} has other columns", where=self._where, todo=todo) from other

    def describe(self, tables: Sequence[str]) -> Mapping[str, Form]:
        """See the port. By the account that writes, where there is one: who may only read is not told of triggers."""
        with errors.reading(self._writer or self._reader, self._where) as connection:
            return rowforms.describe(connection, tables, self._counters)

    def read(self, rows: Sequence[Net], forms: Mapping[str, Form]) -> reversals.Live:
        """See the port."""
        with errors.reading(self._writer or self._reader, self._where) as connection:
            scribe, parts = self._scribe(connection), self._parts(Block(rows=rows), forms)
            if parts and _all_there(connection, [part.there(scribe, written=False) for part in parts]):
                return {r.name(): rollback.expected(r) for r in rows}
            return self._read(connection, rows, forms, lock=False)

    def write(self, plan: str, block: Block, forms: Mapping[str, Form], decide: Callable[[reversals.Held], Block]) -> reversals.Wrote:
        """See the port."""
        if len(block.rows) > rollback.ROWS_MAX:
            raise faults.Defect(f"{len(block.rows)} rows in one transaction, at most {rollback.ROWS_MAX}")
        going = _Going(plan=plan, block=block, forms=forms, decide=decide)
        with errors.translated(During.WRITE, self._where), self._hand().connect() as connection:
            return self._at_once(connection, going) or self._looked_at(connection, going)

    def _at_once(self, connection: sa.Connection, going: _Going) -> reversals.Wrote | None:
        """Compared and written in one statement; None, with nothing written, where not all of the rows are."""
        parts = self._parts(going.block, going.forms)
        if not parts:
            return None
        transaction, scribe = connection.begin(), self._scribe(connection, going.plan)
        for statement in (part.write(scribe) for part in parts):
            if _touched(connection, statement) != statement.rows:
                transaction.rollback()
                return None
        # Behind the rows' locks: another run of the same plan may have waited here, or been waited for.
        if going.decide(reversals.Held(live={}, done=self._done(connection, going), exact=True)) is not going.block:
            transaction.rollback()
            return None
        self._note(connection, going, going.block)
        self._commit(connection, transaction)
        return reversals.Wrote(before={}, block=going.block, earlier=0, exact=True, proven=self._proven(connection, parts))

    def _proven(self, connection: sa.Connection, parts: Sequence[alike.Part]) -> bool:
        """Whether all rows hold what was written; it is, whatever happens to this question."""
        scribe = self._scribe(connection)
        try:
            return _all_there(connection, [part.there(scribe, written=True) for part in parts])
        except sa.exc.DBAPIError:
            return False

    def _looked_at(self, connection: sa.Connection, going: _Going) -> reversals.Wrote:
        """Locked and read, then judged row by row, then written."""
        transaction, scribe = connection.begin(), self._scribe(connection, going.plan)
        newest = self._alone_in_time(connection)
        live = self._read(connection, going.block.rows, going.forms, lock=True)
        done = self._done(connection, going)
        chosen = going.decide(reversals.Held(live=live, done=done))
        if not chosen.rows:
            transaction.rollback()
            return reversals.Wrote(before={}, block=chosen, earlier=len(done))
        for table, told in itertools.groupby(chosen.rows, key=lambda r: r.table.lower()):
            for statement in scribe.write(going.forms[table], told):
                touched = _touched(connection, statement)
                if touched != statement.rows:
                    raise faults.Rejected(f"{touched} rows were written where {statement.rows} were meant: {statement.sql[:80]}")
        self._note(connection, going, chosen)
        self._one_instant(connection, newest)
        self._commit(connection, transaction)
        return reversals.Wrote(before={r.name(): live.get(r.name()) for r in chosen.rows}, block=chosen, earlier=len(done))

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

    def _note(self, connection: sa.Connection, going: _Going, block: Block) -> None:
        """The audit row of what was written."""
        told = rollback.names(block.rows)
        values = (going.plan, going.first(), rollback.row_digest(told[0]), codec.canonical(told).decode())
        scribe = self._scribe(connection, going.plan)
        marks = ", ".join([scribe.mark] * len(values))
        connection.exec_driver_sql(f"{scribe.tag}INSERT INTO {AUDIT} ({_AUDIT_COLUMNS}) VALUES ({marks})", values)  # noqa: S608  names of our own

    def _scribe(self, connection: sa.Connection, plan: str = "") -> writeback.Scribe:
        tag = f"/* makewhole rollback {plan[:16]} */ " if plan else ""
        return writeback.Scribe(dialect=self._dialect, tag=tag, json=self._dialect == "mysql" and _takes_json(connection.dialect))

    def _hand(self) -> sa.Engine:
        if self._writer is None:
            todo = "Name an account that may write as shop.hands_database; reading needs none."
            raise faults.BadInput("no account may write here", where="shop.hands_database", todo=todo)
        return self._writer

    def _read(self, connection: sa.Connection, rows: Sequence[Net], forms: Mapping[str, Form], *, lock: bool) -> reversals.Live:
        scribe = self._scribe(connection)
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

    def _parts(self, block: Block, forms: Mapping[str, Form]) -> list[alike.Part]:
        """The rows as the server compares and writes them; nothing where it does not."""
        small = self._dialect == "mysql" and 0 < len(block.rows) <= rollback.ROWS_MAX
        return alike.parts(block, forms) if small else []

    def _done(self, connection: sa.Connection, going: _Going) -> frozenset[str]:
        """Rows of the block that this plan wrote before: a repeat is no second write. Whoever wrote one of them had its lock, and had
        committed before we got it."""
        mark = self._scribe(connection).mark
        lock = "" if self._dialect == "sqlite" else " LOCK IN SHARE MODE"
        sql = f"SELECT row_names FROM {AUDIT} WHERE plan = {mark} AND block = {mark}{lock}"  # noqa: S608  names of our own
        told = connection.exec_driver_sql(sql, (going.plan, going.first())).scalars()
        return frozenset(name for names in told for name in codec.decode(str(names), list[str]))

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
    connection.encoders |= {alike.Keys: alike.Keys.spelled, alike.Document: alike.Document.spelled}
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


def _takes_json(dialect: Any) -> bool:
    return bool(dialect.server_version_info >= ((10, 6) if dialect.is_mariadb else (8, 0, 4)))


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


def _touched(connection: sa.Connection, statement: writeback.Statement) -> int:
    """How many rows it wrote."""
    return connection.exec_driver_sql(statement.sql, statement.values).rowcount


def _all_there(connection: sa.Connection, asked: Sequence[writeback.Statement]) -> bool:
    """Whether as many rows are what was asked for as were meant: the server says it in numbers, all in one statement."""
    told = connection.exec_driver_sql(" UNION ALL ".join(a.sql for a in asked), tuple(v for a in asked for v in a.values)).scalars().all()
    return told == [a.rows for a in asked]


def _unknown_column(wrong: sa.exc.OperationalError) -> bool:
    return "no such column" in str(wrong.orig) or getattr(wrong.orig, "args", (0,))[0] == _UNKNOWN_COLUMN


def _batched(rows: Sequence[Net]) -> Iterator[Sequence[Net]]:
    for first in range(0, len(rows), rollback.ROWS_MAX):
        yield rows[first : first + rollback.ROWS_MAX]
