"""A SQLite shop's triggers, run through like a server's log: `imaging.Log` over what they recorded."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa

from makewhole.adapters.changelog import triggers
from makewhole.core import faults
from makewhole.model import change
from makewhole.model.change import Position


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
