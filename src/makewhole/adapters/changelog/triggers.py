"""A SQLite shop has no log: triggers that write every change of chosen tables into a table beside them are its log, installed on request.

SQLite tells a trigger neither transaction nor user. What was written within one millisecond is one transaction here, all rows of a
statement at least; REPLACE does not fire the deleting trigger for rows that it pushes out; text is kept up to its first NUL.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from makewhole.adapters.changelog import scanning
from makewhole.core import faults
from makewhole.model import change
from makewhole.model.change import Kind, Position, Sought, Value

LOG = "makewhole_changes"
SHAPES = "makewhole_shapes"
PREFIX = "makewhole_log_"
BUSY_SECONDS_MAX = 5
_TABLES = f"""
CREATE TABLE IF NOT EXISTS {SHAPES} (id INTEGER PRIMARY KEY, name TEXT NOT NULL, columns TEXT NOT NULL, key TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS {LOG} (id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, shape INTEGER NOT NULL, kind TEXT NOT NULL,
  before TEXT, after TEXT);
CREATE INDEX IF NOT EXISTS {LOG}_at ON {LOG} (at)"""
_LITERAL = re.compile(r"NULL|X'([0-9A-Fa-f]*)'|'((?:[^']|'')*)'|([-+]?[\d.][\d.eE+-]*|[-+]?Inf)")
_ROWS_BUFFERED = 1000
WINDOW_ROWS_MAX = 200_000
"""Changes read where no place is known yet: some seconds of reading."""
_SETTLED_SECONDS = 0.01
"""A change this old has no companion to come: what is written within one millisecond is one transaction."""
_TODO = "Install the triggers (attach offers it): from then on every change is kept; what was before, nobody remembers."


def script(url: sa.URL, tables: Sequence[str]) -> tuple[str, ...]:
    """Every statement that `install` would carry out now, in its order. Reads only. Raises BadInput for a table that is not there."""
    with _connected(url) as connection:
        return _script(connection, tables)


def install(url: sa.URL, tables: Sequence[str]) -> None:
    """Make the log and its triggers on these tables, in one transaction; again after a table was altered, which keeps what is recorded.

    Raises BadInput for a table that is not there, Unavailable where somebody else is writing.
    """
    with _connected(url) as connection:
        # The script numbers what it adds: nobody may add between reading and writing.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        for sql in _script(connection, tables):
            connection.exec_driver_sql(sql)
        connection.commit()


def _script(connection: sa.Connection, tables: Sequence[str]) -> tuple[str, ...]:
    told = [sql.strip() for sql in _TABLES.split(";")]
    shape = max(_shapes(connection), default=0)
    for table in tables:
        columns, key = _live(connection, table)
        if not columns:
            raise faults.BadInput(
                f"the database has no table {table}", where=str(connection.engine.url.database), todo="Check the shop file."
            )
        shape += 1
        values = ", ".join([str(shape), *(_text(v) for v in (table, json.dumps(columns), json.dumps(key)))])
        told.append(f"INSERT INTO {SHAPES} (id, name, columns, key) VALUES ({values})")  # noqa: S608  names of our own, texts quoted
        told += _triggers(table, columns, shape)
    return tuple(told)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def remove(url: sa.URL) -> None:
    """Take the triggers away; what they recorded stays."""
    with _connected(url) as connection, connection.begin():
        for name in _installed(connection):
            connection.exec_driver_sql(f"DROP TRIGGER {_quoted(name)}")


class TriggeredLog:
    """`ports.ChangeLog` over what the triggers recorded."""

    def __init__(self, url: sa.URL) -> None:
        self._url = url

    def touching(self, sought: Sequence[Sought]) -> Iterator[change.Transaction]:
        """See the port."""
        asked = scanning.wanted(sought)
        with _connected(self._url) as connection:
            tables = sorted({table for _, table in asked})
            for table in tables:
                check(connection, table)
            shapes = _shapes(connection)
            instants = self._instants(connection, asked, shapes)
            for part in _batches(instants):
                yield from _transactions(connection, part, shapes)

    @staticmethod
    def _instants(connection: sa.Connection, asked: scanning.Wanted, shapes: Mapping[int, change.Table]) -> list[str]:
        """When rows that are sought were written. The value is looked for in the text first, which leaves little to read."""
        found: dict[str, None] = {}
        for (_, table), columns in asked.items():
            numbers = [str(i) for i, t in shapes.items() if t.name.lower() == table]
            for value in sorted({v for values in columns.values() for v in values}):
                sql = (
                    f"SELECT id, at, shape, kind, before, after FROM {LOG} WHERE shape IN ({', '.join(numbers)}) "  # noqa: S608  names of our own
                    "AND (instr(before, :value) OR instr(after, :value)) ORDER BY id"
                )
                for row in connection.execute(sa.text(sql), {"value": value.replace("'", "''")}):
                    if scanning.holds(_change(row, shapes), columns):
                        found[row.at] = None
        return sorted(found)


def check(connection: sa.Connection, table: str) -> None:
    """Raises BadInput where a table has no triggers, or triggers that were made for other columns."""
    if f"{PREFIX}{table}_insert".lower() not in {n.lower() for n in _installed(connection)}:
        raise faults.BadInput(f"nothing records the changes of {table}", where=str(connection.engine.url.database), todo=_TODO)
    live, _ = _live(connection, table)
    recorded = [t.columns for t in _shapes(connection).values() if t.name.lower() == table.lower()][-1]
    if tuple(live) != recorded:
        raise faults.BadInput(
            f"{table} was altered since its triggers were made, which record its old columns",
            where=str(connection.engine.url.database),
            todo="Install them again; what is recorded is kept.",
        )


def after(url: sa.URL, tables: Sequence[str], at: int | None, *, settled: bool) -> Iterator[change.Transaction]:
    """What was recorded from number `at` on (without one: the newest), oldest first; with `settled`, without what may still go on.

    Raises BadInput where nothing records these tables.
    """
    with _connected(url) as connection:
        for table in tables:
            check(connection, table)
        old = f" WHERE at < strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now', '-{_SETTLED_SECONDS} seconds')" if settled else ""
        top = connection.exec_driver_sql(f"SELECT COALESCE(MAX(id), 0) FROM {LOG}{old}").scalar_one()  # noqa: S608  names of our own
        begin = max(int(top) - WINDOW_ROWS_MAX, 0) if at is None else at
        sql = f"SELECT id, at, shape, kind, before, after FROM {LOG} WHERE id >= ? AND id <= ? ORDER BY id"  # noqa: S608  names of our own
        shapes, rows = _shapes(connection), connection.exec_driver_sql(sql, (begin, top))
        for instant, told in itertools.groupby(rows, key=lambda row: str(row.at)):
            yield _transaction(instant, list(told), shapes)


def _transactions(connection: sa.Connection, instants: Sequence[str], shapes: Mapping[int, change.Table]) -> Iterator[change.Transaction]:
    names = {f"a{i}": at for i, at in enumerate(instants)}
    sql = f"SELECT id, at, shape, kind, before, after FROM {LOG} WHERE at IN ({', '.join(':' + n for n in names)}) ORDER BY id"  # noqa: S608  names of our own
    for at, rows in itertools.groupby(connection.execute(sa.text(sql), names).all(), key=lambda row: str(row.at)):
        yield _transaction(at, list(rows), shapes)


def _transaction(at: str, told: Sequence[Any], shapes: Mapping[int, change.Table]) -> change.Transaction:
    return change.Transaction(
        id=str(told[0].id),
        begins=Position(file=LOG, offset=told[0].id),
        ends=Position(file=LOG, offset=told[-1].id + 1),
        committed_at=datetime.fromisoformat(at),
        changes=tuple(_change(row, shapes) for row in told),
    )


def _batches(instants: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(instants), _ROWS_BUFFERED):
        yield instants[first : first + _ROWS_BUFFERED]


def _change(row: Any, shapes: Mapping[int, change.Table]) -> change.Change:
    table = shapes[row.shape]
    return change.Change(table=table, kind=Kind(row.kind), before=_image(row.before, table), after=_image(row.after, table))


def _image(told: str | None, table: change.Table) -> change.Image | None:
    if told is None:
        return None
    values = [_value(m) for m in _LITERAL.finditer(told)]
    return dict(zip(table.columns, values, strict=True))


def _value(literal: re.Match[str]) -> Value:
    """What SQLite's quote() wrote: every storage class, exactly."""
    blob, text, number = literal.groups()
    if text is not None:
        return text.replace("''", "'")
    if blob is not None:
        return bytes.fromhex(blob)
    if number is None:
        return None
    return int(number) if re.fullmatch(r"[-+]?\d+", number) else float(number)


def _shapes(connection: sa.Connection) -> dict[int, change.Table]:
    if not connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = ?", (SHAPES,)).first():
        return {}
    rows = connection.exec_driver_sql(f"SELECT id, name, columns, key FROM {SHAPES} ORDER BY id")  # noqa: S608  names of our own
    return {
        int(number): change.Table(schema="", name=name, columns=tuple(json.loads(columns)), key=tuple(json.loads(key)))
        for number, name, columns, key in rows
    }


def _live(connection: sa.Connection, table: str) -> tuple[list[str], list[str]]:
    """Columns and key of a table; generated ones are no state of their own."""
    rows = connection.exec_driver_sql("SELECT name, pk FROM pragma_table_info(?)", (table,)).all()
    return [str(name) for name, _ in rows], [str(name) for name, place in rows if place]


def _installed(connection: sa.Connection) -> list[str]:
    rows = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE ?", (PREFIX + "%",))
    return [str(name) for (name,) in rows]


def _triggers(table: str, columns: Sequence[str], shape: int) -> Iterator[str]:
    old, new = ((" || ',' || ".join(f"quote({side}.{_quoted(c)})" for c in columns)) for side in ("OLD", "NEW"))
    for kind, before, after in ((Kind.INSERT, "NULL", new), (Kind.UPDATE, old, new), (Kind.DELETE, old, "NULL")):
        name = _quoted(f"{PREFIX}{table}_{kind.value}")
        yield f"DROP TRIGGER IF EXISTS {name}"
        # A row that was written as it was is no change, as in a binlog.
        same = f" WHEN {before} IS NOT {after}" if kind is Kind.UPDATE else ""
        yield (
            f"CREATE TRIGGER {name} AFTER {kind.value.upper()} ON {_quoted(table)} FOR EACH ROW{same} BEGIN "  # noqa: S608  names of our own
            f"INSERT INTO {LOG} (at, shape, kind, before, after) "
            f"VALUES (strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'), {shape}, '{kind.value}', {before}, {after}); END"
        )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@contextlib.contextmanager
def _connected(url: sa.URL) -> Iterator[sa.Connection]:
    """A connection to the shop's file, its errors translated."""
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_SECONDS_MAX})
    try:
        with engine.connect() as connection:
            yield connection
    except sa.exc.OperationalError as wrong:
        raise faults.Unavailable(f"the shop's database cannot be used: {wrong.orig}") from wrong
    except sa.exc.DatabaseError as wrong:
        todo = "Check that the address names the shop's file."
        raise faults.BadInput(f"not a database that can be read: {wrong.orig}", where=str(url.database), todo=todo) from wrong
    finally:
        engine.dispose()
