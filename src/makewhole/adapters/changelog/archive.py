"""Transactions that touched a shop's tables go in, byte for byte, and are found again by their rows' keys, when the server has long
forgotten them: one SQLite file in a folder.

A transaction, its keys and the place to read on from are one commit: whatever is killed and whenever, the archive is whole and goes on
where it stopped; of two who keep it, the one that comes late stops. Rows keep the server's own bytes and checksums, so that they can be
read anew, and are proof. What the server forgot before it was read is a gap, which is kept and told like what was read.
"""

from __future__ import annotations

import bisect
import contextlib
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from makewhole.adapters.changelog import decoding, events, filing, scanning, starring, stretches, wrong
from makewhole.adapters.changelog.segments import Segment
from makewhole.adapters.changelog.stretches import Stretch
from makewhole.adapters.changelog.transactions import Assembler, Group
from makewhole.core import codec, faults
from makewhole.model import change
from makewhole.model.change import Position, Sought, Traced

FILE = "changes.db"
BATCH = 500
"""Transactions in one commit: a kill costs reading them once more."""
BATCH_BYTES_MAX = 32 << 20
_LEVEL = 1
"""Of zlib: rows repeat themselves, and the fastest level finds that."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS place (one INTEGER PRIMARY KEY CHECK (one = 1), server TEXT NOT NULL, file TEXT NOT NULL,
  offset INTEGER NOT NULL, gtids TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS forms (id INTEGER PRIMARY KEY, raw BLOB NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS groups (id INTEGER PRIMARY KEY, file TEXT NOT NULL, executed TEXT NOT NULL, form INTEGER NOT NULL,
  raw BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS gaps (id INTEGER PRIMARY KEY, told TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS keys (name TEXT NOT NULL, column TEXT NOT NULL, value TEXT NOT NULL, number INTEGER NOT NULL,
  PRIMARY KEY (name, column, value, number)) WITHOUT ROWID;
"""
_Kept = tuple[Group, set[tuple[str, str, str]]]
"""A transaction, and under which keys it is kept: table, column, value."""
_STARRED = 0
"""Instead of the form of bytes: a card's number stood in them, and the transaction is kept as `starring` writes it."""
_SPOKEN = "*"
"""The column under which a statement without images is kept: it speaks of a table, and of every row."""


class Overtaken(Exception):
    """Somebody else keeps this archive, and was faster: what he read is kept, and there is a newer place to read on from."""


class Archive:
    """`ports.ChangeLog` over what was kept. Make it with `opened`."""

    def __init__(self, connection: sqlite3.Connection, where: str) -> None:
        self._connection, self._where = connection, where
        self._expected: tuple[str, Position] | None = None
        """Where whoever keeps it stopped: he alone goes on from there."""

    def place(self) -> tuple[str, Position] | None:
        """The server that was read, and where to read on; None for an empty archive."""
        row = self._connection.execute("SELECT server, file, offset, gtids FROM place").fetchone()
        return None if row is None else (row[0], Position(file=row[1], offset=row[2], gtids=row[3]))

    def keep(self, server: str, log: Iterable[Segment], tables: Sequence[Traced], executed: str = "") -> int:
        """Keep those transactions of this log that touch the tables; how many were. `executed` are the GTIDs before it.

        Raises BadInput where a table's rows have no names, Overtaken where somebody else keeps them at the same time.
        """
        self._expected = self.place()
        traced: dict[str, frozenset[str]] = {}
        for t in tables:
            # Two kinds of rows may stand in one table, each with its own keys.
            traced[_name(t.schema, t.table)] = traced.get(_name(t.schema, t.table), frozenset()) | _keyed(t)
        decoder, kept, batch, passed, size = decoding.Decoder(), 0, list[_Kept](), 0, 0
        scan = starring.Scan(traced, decoder)
        ends = None
        for told in stretches.read(log, lambda shape: traced.get(_name(shape.schema, shape.table)), executed=executed):
            if isinstance(told, Stretch):
                batch += _of_stretch(told)
                passed += told.count
            else:
                batch += _of_group(told, tables, traced, decoder)
                passed, size = passed + 1, size + sum(map(len, told.raw))
            ends = told.ends
            if passed >= BATCH or size > BATCH_BYTES_MAX:
                kept += self._commit(server, batch, ends, scan)
                batch, passed, size = [], 0, 0
        return kept + (self._commit(server, batch, ends, scan) if ends is not None and passed else 0)

    def touching(self, sought: Sequence[Sought]) -> Iterator[change.Transaction]:
        """See the port."""
        found: set[int] = set()
        for s in sought:
            name = _name(s.schema, s.table)
            sql = "SELECT number FROM keys WHERE name = ? AND column = ? AND value = ?"
            for column, value in ((s.column.lower(), s.value), (_SPOKEN, "")):
                found.update(number for (number,) in self._connection.execute(sql, (name, column, value)))
        decoder = decoding.Decoder()
        for number in sorted(found):
            yield self._transaction(number, decoder)

    def _commit(self, server: str, batch: Sequence[_Kept], place: Position, scan: starring.Scan) -> int:
        with filing.writing(self._connection, self._where):
            self._go_on(server, place)
            for group, keys in batch:
                self._keep(group, keys, scan.starred(group))
        return len(batch)

    def pass_over(self, server: str, until: Position, before: datetime, why: str) -> change.Gap:
        """Go on from a later place: the server has forgotten what comes next, and the archive says so from now on."""
        self._expected = known = self.place()
        if known is None:
            raise faults.Defect("an empty archive has no place after which a gap could be")
        (last,) = self._connection.execute("SELECT MAX(id) FROM groups").fetchone()
        after = None if last is None else self._transaction(last, decoding.Decoder()).committed_at
        gap = change.Gap(since=known[1], until=until, after=after, before=before, why=why)
        with filing.writing(self._connection, self._where):
            self._go_on(server, until)
            self._connection.execute("INSERT INTO gaps (told) VALUES (?)", (codec.canonical(gap).decode(),))
        return gap

    def gaps(self) -> Sequence[change.Gap]:
        """What is missing, oldest first."""
        return [codec.decode(told, change.Gap) for (told,) in self._connection.execute("SELECT told FROM gaps ORDER BY id")]

    def forget(self, before: datetime) -> int:
        """Let go of what was committed before this instant, up to the first transaction that was not; how many. So with gaps."""
        decoder = decoding.Decoder()
        numbers = [n for (n,) in self._connection.execute("SELECT id FROM groups ORDER BY id")]
        kept = bisect.bisect_left(numbers, before, key=lambda number: self._transaction(number, decoder).committed_at)
        old = [n for n, told in self._connection.execute("SELECT id, told FROM gaps") if codec.decode(told, change.Gap).before < before]
        if not kept and not old:
            return 0
        with filing.writing(self._connection, self._where):
            if kept:
                self._connection.execute("DELETE FROM keys WHERE number <= ?", (numbers[kept - 1],))
                self._connection.execute("DELETE FROM groups WHERE id <= ?", (numbers[kept - 1],))
            self._connection.executemany("DELETE FROM gaps WHERE id = ?", [(n,) for n in old])
        return kept

    def _go_on(self, server: str, place: Position) -> None:
        if self.place() != self._expected:
            raise Overtaken
        self._connection.execute("INSERT OR REPLACE INTO place VALUES (1, ?, ?, ?, ?)", (server, place.file, place.offset, place.gtids))
        self._expected = (server, place)

    def _keep(self, group: Group, keys: set[tuple[str, str, str]], starred: bytes | None) -> None:
        self._connection.execute("INSERT OR IGNORE INTO forms (raw) VALUES (?)", (group.told.raw,))
        (form,) = self._connection.execute("SELECT id FROM forms WHERE raw = ?", (group.told.raw,)).fetchone()
        raw = zlib.compress(b"".join(group.raw) if starred is None else starred, _LEVEL)
        told = (group.begins.file, group.begins.gtids, form if starred is None else _STARRED, raw)
        done = self._connection.execute("INSERT INTO groups (file, executed, form, raw) VALUES (?, ?, ?, ?)", told)
        self._connection.executemany("INSERT INTO keys VALUES (?, ?, ?, ?)", [(*key, done.lastrowid) for key in sorted(keys)])

    def _transaction(self, number: int, decoder: decoding.Decoder) -> change.Transaction:
        """A transaction read anew, from its bytes or from what is kept instead of them. Raises BadInput where they are damaged."""
        sql = "SELECT file, executed, forms.raw, groups.raw FROM groups LEFT JOIN forms ON forms.id = form WHERE groups.id = ?"
        file, executed, form, packed = self._connection.execute(sql, (number,)).fetchone()
        with wrong.placed(f"{self._where}, transaction {number}", 0):
            raw = zlib.decompress(packed)
            if form is None:
                return starring.read(raw)
            told = events.format_of(memoryview(form))
        return decoder.transaction(self._group(number, file, executed, told, memoryview(raw)))

    def _group(self, number: int, file: str, executed: str, told: events.Format, raw: memoryview) -> Group:
        assembler, at = Assembler(executed), 0
        while at < len(raw):
            with wrong.placed(f"{self._where}, transaction {number}", at):
                size = events.size_of(raw[at : at + events.HEADER_LENGTH])
                end = int.from_bytes(raw[at + 13 : at + 17], "little")
                event = events.parse(raw[at : at + size], max(end - size, 0), told)
            for group in assembler.feed(file, event, told):
                return group
            at += size
        raise faults.BadInput("a transaction without its end", where=f"{self._where}, transaction {number}", todo=wrong.UPSTREAM)


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Archive]:
    """The archive in this folder, made if it is not there. Raises BadInput for a folder that cannot be written."""
    with filing.opened(folder / FILE, _SCHEMA, flushed=False) as connection:
        yield Archive(connection, str(folder / FILE))


def _keyed(table: Traced) -> frozenset[str]:
    return frozenset(c.lower() for c in (table.key, table.number, table.link, table.part) if c is not None)


def _of_stretch(told: Stretch) -> Iterator[_Kept]:
    """The same of plain transactions, from columns."""
    found: dict[int, set[tuple[str, str, str]]] = {}
    for part in told.parts:
        name = _name(part.shape.schema, part.shape.table)
        for number, column, value in part.held():
            found.setdefault(number, set()).add((name, column.lower(), change.spell(value)))
    numbers = sorted(found)
    return zip(told.groups(numbers), (found[n] for n in numbers), strict=True)


def _of_group(group: Group, tables: Sequence[Traced], traced: Mapping[str, frozenset[str]], decoder: decoding.Decoder) -> Iterator[_Kept]:
    keys = set(_keys(group, tables, traced, decoder))
    if keys:
        yield group, keys


def _keys(
    group: Group, tables: Sequence[Traced], traced: Mapping[str, frozenset[str]], decoder: decoding.Decoder
) -> Iterator[tuple[str, str, str]]:
    """Under which keys a transaction will be looked for: table, column and value of every row of the shop's tables, before and after."""
    for told in group.rows:
        name = _name(told.shape.schema, told.shape.table)
        if name not in traced:
            continue
        if not told.shape.named:
            raise faults.BadInput(
                f"the log does not name the columns of {told.shape.schema}.{told.shape.table}, and an archive must not guess them",
                where=str(group.begins),
                todo=f"{decoding.FULL_METADATA} Then begin the archive from there.",
            )
        for changed in decoder.changes(told, group.begins.file, traced[name]):
            for image in (changed.before, changed.after):
                for column, value in (image or {}).items():
                    if value is not None:
                        yield name, column.lower(), change.spell(value)
    for table in tables:
        if scanning.speaks(group, {(table.schema.lower(), table.table.lower()): {}}):
            yield _name(table.schema, table.table), _SPOKEN, ""


def _name(schema: str, table: str) -> str:
    return f"{schema}.{table}".lower()
