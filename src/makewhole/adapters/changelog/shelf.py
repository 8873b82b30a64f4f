"""Rows that were touched go in one by one and come out sorted by what belongs together: `reversals.Shelf`, a passing file on disk.

What is used often stays in memory, at most so many rows; the rest waits on disk. So a rollback of a thousand rows never writes, and one of
ten million does not grow.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

from makewhole.core import codec, faults
from makewhole.model import trail

ROWS_IN_MEMORY = 20_000
"""A row is about a kilobyte."""
_SCHEMA = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16384; PRAGMA temp_store = FILE;
CREATE TABLE trails (name TEXT PRIMARY KEY, unit TEXT NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE aliases (unit TEXT PRIMARY KEY, number TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE lines (place INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE events (name TEXT NOT NULL, body BLOB NOT NULL);
CREATE INDEX events_name ON events (name);
"""


class DiskShelf:
    """`reversals.Shelf`. Make it with `opened`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._near: dict[str, trail.Trail | None] = {}
        """Rows that are newer than on disk; None for one that is gone."""
        self._lines = self._events = 0

    def get(self, name: str) -> trail.Trail | None:
        """See the port."""
        if name in self._near:
            return self._near[name]
        row = self._connection.execute("SELECT body FROM trails WHERE name = ?", (name,)).fetchone()
        return None if row is None else codec.decode(row[0], trail.Trail)

    def put(self, name: str, told: trail.Trail | None) -> None:
        """See the port."""
        self._near[name] = told
        if len(self._near) >= ROWS_IN_MEMORY:
            self._settle()

    def same(self, unit: str, number: str) -> None:
        """See the port."""
        self._connection.execute("INSERT OR REPLACE INTO aliases VALUES (?, ?)", (unit, number))

    def number(self, unit: str) -> str:
        """See the port."""
        row = self._connection.execute("SELECT number FROM aliases WHERE unit = ?", (unit,)).fetchone()
        return "" if row is None else str(row[0])

    def trails(self) -> Iterator[tuple[str, trail.Trail]]:
        """See the port."""
        self._settle()
        sql = (
            # A part's key tells its order's key, and that its number.
            "SELECT COALESCE(b.number, a.number, trails.unit) AS whole, body FROM trails LEFT JOIN aliases a ON a.unit = trails.unit "
            "LEFT JOIN aliases b ON b.unit = a.number ORDER BY whole, name"
        )
        for unit, body in self._connection.execute(sql):
            yield unit, codec.decode(body, trail.Trail)

    def keep(self, line: bytes) -> None:
        """See the port."""
        self._lines += 1
        self._connection.execute("INSERT INTO lines VALUES (?, ?)", (self._lines, line))

    def lines(self) -> Iterator[bytes]:
        """See the port."""
        for (body,) in self._connection.execute("SELECT body FROM lines ORDER BY place"):
            yield bytes(body)

    def quiet(self) -> bool:
        """See the port."""
        return not self._events

    def happened(self, name: str, event: trail.Later) -> None:
        """See the port."""
        self._events += 1
        self._connection.execute("INSERT INTO events VALUES (?, ?)", (name, codec.canonical(event)))

    def since(self, name: str) -> tuple[trail.Later, ...]:
        """See the port."""
        if not self._events:
            return ()
        told = self._connection.execute("SELECT body FROM events WHERE name = ? ORDER BY rowid", (name,))
        return tuple(codec.decode(body, trail.Later) for (body,) in told)

    def _settle(self) -> None:
        gone = [(n,) for n, t in self._near.items() if t is None]
        self._connection.executemany("DELETE FROM trails WHERE name = ?", gone)
        there = [(n, t.unit, codec.canonical(t)) for n, t in self._near.items() if t is not None]
        self._connection.executemany("INSERT OR REPLACE INTO trails VALUES (?, ?, ?)", there)
        self._near.clear()


@contextlib.contextmanager
def opened() -> Iterator[DiskShelf]:
    """An empty shelf, which is gone at the end. Raises Unavailable where the disk has no room."""
    # An empty name is a database on disk of SQLite's own, deleted when it is closed.
    connection = sqlite3.connect("", isolation_level=None)
    try:
        connection.executescript(_SCHEMA)
        connection.execute("BEGIN")
        yield DiskShelf(connection)
    except sqlite3.OperationalError as full:
        raise faults.Unavailable(f"no room for the rows that were touched: {full}") from full
    finally:
        connection.close()
