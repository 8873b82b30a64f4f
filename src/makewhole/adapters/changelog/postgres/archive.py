"""Transactions go in, byte for byte but for card numbers, and are found again in order or by their rows' keys: one SQLite file in a folder.

A slot's changes are read once: what the server was told to forget stands here and nowhere else. So a transaction, its keys and the place
to read on from are one commit, on disk before the server hears of it.
"""

from __future__ import annotations

import contextlib
import sqlite3
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from makewhole.adapters.changelog import filing, queries, scanning
from makewhole.adapters.changelog.postgres import messages, starring
from makewhole.adapters.changelog.postgres.transactions import Decoder, Group, Only, instant
from makewhole.adapters.changelog.wrong import Unreadable
from makewhole.core import codec
from makewhole.model import change
from makewhole.model.change import Sought, Traced

FILE = "postgres.db"
WINDOW_GROUPS = 100_000
"""Transactions that are read where no place is known yet: some seconds of reading."""
_LEVEL = 1
"""Of zlib: rows repeat themselves, and the fastest level finds that."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS place (one INTEGER PRIMARY KEY CHECK (one = 1), server TEXT NOT NULL, slot TEXT NOT NULL,
  since INTEGER NOT NULL, ends INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS forms (id INTEGER PRIMARY KEY, raw BLOB NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS groups (id INTEGER PRIMARY KEY, ends INTEGER NOT NULL UNIQUE, xid INTEGER NOT NULL,
  commits_at INTEGER NOT NULL, committed_us INTEGER NOT NULL, raw BLOB NOT NULL, sha256 TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS gaps (id INTEGER PRIMARY KEY, told TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS indexed (name TEXT NOT NULL, column TEXT NOT NULL, PRIMARY KEY (name, column)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS keys (name TEXT NOT NULL, column TEXT NOT NULL, value TEXT NOT NULL, number INTEGER NOT NULL,
  PRIMARY KEY (name, column, value, number)) WITHOUT ROWID;
"""
_SPOKEN = "*"
"""The column under which a statement without rows is kept: it speaks of a table, and of every row."""
_SIZE = struct.Struct(">I")
_ROWS_FETCHED = 200


class Place(NamedTuple):
    """How far an archive goes."""

    server: str
    slot: str
    since: int
    """The place from which on everything was kept."""
    ends: int
    """Where to read on."""


class Archive:
    """What was kept. Make it with `opened`."""

    def __init__(self, connection: sqlite3.Connection, where: str) -> None:
        self._connection, self.where = connection, where
        self._decoder = Decoder()
        place = self.place()
        self._slot = FILE if place is None else place.slot

    def place(self) -> Place | None:
        """None for an empty one."""
        row = self._connection.execute("SELECT server, slot, since, ends FROM place").fetchone()
        return None if row is None else Place(*row)

    def begin(self, place: Place) -> None:
        """Say which log this is, and from where on; an archive that is begun already stays as it is."""
        with filing.writing(self._connection, self.where):
            self._connection.execute("INSERT OR IGNORE INTO place VALUES (1, ?, ?, ?, ?)", place)
        self._slot = place.slot

    def keep(self, groups: Sequence[Group], ends: int, tables: Iterable[Traced], own: Only = MappingProxyType({})) -> None:
        """Keep transactions, and that everything before `ends` is here; durable on return. `own` are more columns that hold the shop's own
        numbers. Raises BadInput for one that cannot be read, and keeps none of them then."""
        with filing.writing(self._connection, self.where):
            known = self._index(tables)
            keyed = Decoder(known)
            passing = {table: {*known.get(table, ()), *(c.lower() for c in own.get(table, ()))} for table in {*known, *own}}
            for group in groups:
                # The shop's own numbers are what rows are found by; whatever else looks like a card is taken for one.
                number = self._put(*starring.starred(group, passing))
                self._note(number, group, keyed, known)
            self._connection.execute("UPDATE place SET ends = max(ends, ?)", (ends,))

    def pass_over(self, gap: change.Gap) -> None:
        """Go on from a later place: the server has forgotten what comes before it, and the archive says so from now on."""
        with filing.writing(self._connection, self.where):
            moved = self._connection.execute("UPDATE place SET ends = ?1 WHERE ends < ?1", (gap.until.offset,)).rowcount
            # Of two who see the same gap, one says so.
            if moved:
                self._connection.execute("INSERT INTO gaps (told) VALUES (?)", (codec.canonical(gap).decode(),))

    def gaps(self) -> tuple[change.Gap, ...]:
        """What is missing, oldest first."""
        return tuple(codec.decode(told, change.Gap) for (told,) in self._connection.execute("SELECT told FROM gaps ORDER BY id"))

    def forget(self, before: datetime) -> int:
        """Let go of what was committed before this instant, up to the first transaction that was not; how many. The place from which on
        everything is known moves with it, and gaps before it are gone as well."""
        us = round(before.timestamp() * 1_000_000)
        (first,) = self._connection.execute("SELECT MIN(id) FROM groups WHERE committed_us >= ?", (us,)).fetchone()
        condition, given = ("id < ?", (first,)) if first is not None else ("committed_us < ?", (us,))
        with filing.writing(self._connection, self.where):
            (ends,) = self._connection.execute(f"SELECT MAX(ends) FROM groups WHERE {condition}", given).fetchone()  # noqa: S608
            if ends is None:
                return 0
            self._connection.execute("DELETE FROM keys WHERE number IN (SELECT id FROM groups WHERE ends <= ?)", (ends,))
            done = self._connection.execute("DELETE FROM groups WHERE ends <= ?", (ends,)).rowcount
            self._connection.execute("UPDATE place SET since = max(since, ?)", (ends,))
            gaps = self._connection.execute("SELECT id, told FROM gaps").fetchall()
            old = [(number,) for number, told in gaps if codec.decode(told, change.Gap).until.offset <= ends]
            self._connection.executemany("DELETE FROM gaps WHERE id = ?", old)
        return done

    def last(self) -> datetime | None:
        """When the last transaction that is here was committed."""
        row = self._connection.execute("SELECT committed_us FROM groups ORDER BY id DESC LIMIT 1").fetchone()
        return None if row is None else instant(row[0])

    def after(self, ends: int | None, until: int) -> Iterator[Group]:
        """Transactions that ended after this place and not after that one; without the first, the newest of them. In the order in which
        they were committed. What somebody adds meanwhile is for another call."""
        first = self._connection.execute(
            "SELECT COALESCE(MAX(id), 0) - ? FROM groups" if ends is None else "SELECT COALESCE(MAX(id), 0) FROM groups WHERE ends <= ?",
            (WINDOW_GROUPS if ends is None else ends,),
        ).fetchone()[0]
        while True:
            sql = "SELECT id FROM groups WHERE id > ? AND ends <= ? ORDER BY id LIMIT ?"
            numbers = [n for (n,) in self._connection.execute(sql, (first, until, _ROWS_FETCHED))]
            for number in numbers:
                yield self._group(number)
            if not numbers:
                return
            first = numbers[-1]

    def touching(self, sought: Sequence[Sought], until: int) -> Iterator[Group]:
        """Transactions that wrote one of these rows, or that speak of their tables without telling rows, and ended not after this place."""
        indexed = set(self._connection.execute("SELECT name, column FROM indexed"))
        if any((_name(s.schema, s.table), s.column.lower()) not in indexed for s in sought):
            # Columns of a shop file that is newer than what was kept: everything is looked through.
            yield from self.after(0, until)
            return
        found: set[int] = set()
        for s in sought:
            for column, value in ((s.column.lower(), s.value), (_SPOKEN, "")):
                rows = self._connection.execute(
                    "SELECT number FROM keys WHERE name = ? AND column = ? AND value = ?", (_name(s.schema, s.table), column, value)
                )
                found.update(number for (number,) in rows)
        groups = map(self._group, sorted(found))
        yield from (group for group in groups if group.ends <= until)

    def transaction(self, group: Group) -> change.Transaction:
        """What a transaction says. Raises BadInput where it cannot be read."""
        return self._decoder.transaction(group, self._slot)

    def _index(self, tables: Iterable[Traced]) -> scanning.Wanted:
        """The columns by which rows are found; those that are new here are looked up in all that was kept before."""
        wanted: scanning.Wanted = {}
        for t in tables:
            columns = wanted.setdefault((t.schema.lower(), t.table.lower()), {})
            columns |= {c.lower(): set() for c in (t.key, t.number, t.link, t.part) if c is not None}
        known = set(self._connection.execute("SELECT name, column FROM indexed"))
        new = {(_name(*table), c) for table, columns in wanted.items() for c in columns} - known
        if new:
            late = {t: {c: v for c, v in columns.items() if (_name(*t), c) in new} for t, columns in wanted.items()}
            keyed = Decoder(late)
            for (number,) in self._connection.execute("SELECT id FROM groups ORDER BY id").fetchall():
                self._note(number, self._group(number), keyed, late)
            self._connection.executemany("INSERT INTO indexed VALUES (?, ?)", sorted(new))
        return wanted

    def _note(self, number: int, group: Group, keyed: Decoder, wanted: scanning.Wanted) -> None:
        told = keyed.transaction(group, self._slot)
        keys = {(*key, number) for key in _keys(told, wanted)}
        self._connection.executemany("INSERT OR IGNORE INTO keys VALUES (?, ?, ?, ?)", sorted(keys))

    def _put(self, group: Group, sha256: str) -> int:
        framed = b"".join(_SIZE.pack(len(raw)) + raw for raw in (_SIZE.pack(len(group.forms)), *map(self._form, group.forms), *group.raw))
        begin = group.begin
        done = self._connection.execute(
            "INSERT INTO groups (ends, xid, commits_at, committed_us, raw, sha256) VALUES (?, ?, ?, ?, ?, ?)",
            (group.ends, begin.xid, begin.commits_at, begin.committed_us, zlib.compress(framed, _LEVEL), sha256),
        )
        return int(done.lastrowid or 0)

    def _form(self, raw: bytes) -> bytes:
        """A table's description is long, and the same for a million transactions: it is kept once, and its number in each of them."""
        self._connection.execute("INSERT OR IGNORE INTO forms (raw) VALUES (?)", (raw,))
        (number,) = self._connection.execute("SELECT id FROM forms WHERE raw = ?", (raw,)).fetchone()
        return _SIZE.pack(number)

    def _group(self, number: int) -> Group:
        """Raises BadInput where the bytes are damaged."""
        sql = "SELECT ends, xid, commits_at, committed_us, raw, sha256 FROM groups WHERE id = ?"
        ends, xid, commits_at, us, packed, sha256 = self._connection.execute(sql, (number,)).fetchone()
        with messages.placed(f"{self.where}, transaction {number}"):
            parts = list(_framed(zlib.decompress(packed)))
            count = _SIZE.unpack(parts[0])[0]
            forms = tuple(self._formed(_SIZE.unpack(p)[0]) for p in parts[1 : 1 + count])
        begin = messages.Begin(commits_at, us, xid)
        # The digest of what was sent is kept where it is another one.
        return Group(begin=begin, ends=ends, forms=forms, raw=tuple(parts[1 + count :]), starred=bool(sha256))

    def _formed(self, number: int) -> bytes:
        row = self._connection.execute("SELECT raw FROM forms WHERE id = ?", (number,)).fetchone()
        if row is None:
            raise Unreadable(f"the description {number} of a table is not there")
        return bytes(row[0])


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Archive]:
    """The archive in this folder, made if it is not there. Raises BadInput for a folder that cannot be written."""
    # The server forgets what we confirm: a commit must be on the disk, and not on its way there.
    with filing.opened(folder / FILE, _SCHEMA, flushed=True) as connection:
        yield Archive(connection, str(folder / FILE))


def exists(folder: Path) -> bool:
    """Whether there is one in this folder."""
    return (folder / FILE).exists()


def _framed(raw: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(raw):
        (size,) = _SIZE.unpack_from(raw, at)
        at += _SIZE.size
        if at + size > len(raw):
            raise Unreadable("a transaction that ends too early")
        yield raw[at : at + size]
        at += size


def _keys(told: change.Transaction, wanted: scanning.Wanted) -> Iterator[tuple[str, str, str]]:
    for one in told.changes:
        table = (one.table.schema.lower(), one.table.name.lower())
        columns = wanted.get(table, {})
        for image in (one.before, one.after):
            for name, value in (image or {}).items():
                if name.lower() in columns and value is not None:
                    yield _name(*table), name.lower(), change.spell(value)
    for text in told.statements:
        for table in wanted:
            if spoken(text, *table):
                yield _name(*table), _SPOKEN, ""


def spoken(text: str, schema: str, table: str) -> bool:
    """Whether a statement without rows speaks of this table."""
    return queries.names(text, table) and queries.names(text, schema)


def _name(schema: str, table: str) -> str:
    return f"{schema}.{table}".lower()
