"""A SQLite shop's triggers, run through like a server's log: `imaging.Log` over what they recorded."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa

from makewhole.adapters.changelog import triggers
from makewhole.core import faults
from makewhole.model import change
from makewhole.model.change import Position
from makewhole.ports import reversals


@dataclass(frozen=True)
class Recorded:
    """`imaging.Passing`: what was written within one millisecond."""

    head: change.Transaction
    rows: tuple[change.Change, ...]

    def changes(self, tables: frozenset[tuple[str, str]] | None) -> Iterator[change.Change]:
        """See the port."""
        return (c for c in self.rows if tables is None or (c.table.schema.lower(), c.table.name.lower()) in tables)

    def speaks(self, schema: str, table: str) -> str:
        """Nothing: triggers record rows and no statements, and say themselves where a table was altered after they were made."""
        return ""


class RecordedLog:
    """See the port. A place is the number of the next change."""

    def __init__(self, url: sa.URL, tables: Sequence[str]) -> None:
        self._url, self._tables = url, tables

    def end(self) -> Position:
        """See the port."""
        try:
            with contextlib.closing(sqlite3.connect(f"file:{self._url.database}?mode=ro", uri=True)) as connection:
                (newest,) = connection.execute(f"SELECT COALESCE(MAX(id), 0) FROM {triggers.LOG}").fetchone()  # noqa: S608  a name of our own
        except sqlite3.OperationalError as lost:
            todo = "Install the triggers (attach offers it)."
            raise faults.BadInput(f"nothing records this shop's changes: {lost}", where=str(self._url.database), todo=todo) from lost
        return Position(file=triggers.LOG, offset=newest + 1)

    def run(self, since: Position | None = None) -> Iterator[Recorded]:
        """See the port."""
        for told in triggers.after(self._url, self._tables, 0 if since is None else since.offset, settled=False):
            yield Recorded(msgspec.structs.replace(told, changes=()), told.changes)


class RecordedFilm:
    """`reversals.Film`: the same, for taking changes back. What the triggers were not yet there to record, nobody remembers."""

    def __init__(self, url: sa.URL) -> None:
        self._url, self._log = url, RecordedLog(url, ())

    def end(self) -> Position:
        """See the port."""
        return self._log.end()

    def run(self, since: Position | None = None) -> Iterator[reversals.Passing]:
        """See the port."""
        for told in self._log.run(since):
            tables = frozenset((c.table.schema.lower(), c.table.name.lower()) for c in told.rows)
            yield reversals.Passing(head=told.head, tables=tables, changes=told.changes, speaks=told.speaks)

    def whole(self) -> bool:
        """See the port."""
        return False

    def watch(self, table: str) -> None:
        """See the port."""
        with contextlib.closing(sqlite3.connect(str(self._url.database))) as connection:
            known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (f"{triggers.PREFIX}{table}_insert",)).fetchone()
        if known is None:
            triggers.install(self._url, [table])

    def lacking(self, table: change.Table) -> str:
        """See the port. Triggers hold every column that the table had when they were made."""
        return "its triggers are older than its columns"

    def beyond(self) -> str:
        """See the port."""
        return "only tables with triggers of ours are known: what was written elsewhere at the same instant stays"

    def drift(self, table: change.Table) -> Mapping[str, str]:
        """See the port. SQLite's columns have no types that bind: names and key are all that can differ."""
        if not table.key:
            todo = "Give the table a primary key: a row without one cannot be told from its twin."
            raise faults.BadInput(f"{table.name} has no primary key", where=str(self._url.database), todo=todo)
        with contextlib.closing(sqlite3.connect(str(self._url.database))) as connection:
            told = connection.execute("SELECT name, pk, hidden FROM pragma_table_xinfo(?)", (table.name,)).fetchall()
        now = {name for name, _, hidden in told if not hidden}
        key = {name for name, place, _ in told if place}
        gone = dict.fromkeys(sorted(set(table.columns) - now), "the column is not there any more")
        new = dict.fromkeys(sorted(now - set(table.columns)), "the column is new")
        return gone | new | dict.fromkeys(sorted(key ^ set(table.key)), "the primary key is another one")
