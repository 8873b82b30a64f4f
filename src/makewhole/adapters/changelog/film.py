"""A server's address goes in, its whole log runs by, transaction after transaction: `reversals.Film`, for taking changes back.

However large a transaction is, its bytes lie in unlinked files on disk, read through the page cache; rows are decoded one event at a time.
"""

from __future__ import annotations

import contextlib
import itertools
import mmap
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from makewhole.adapters.changelog import (
    connection,
    decoding,
    drifting,
    events,
    files,
    queries,
    recorded,
    replica,
    scanning,
    schemas,
    tablemaps,
)
from makewhole.adapters.changelog.transactions import Group
from makewhole.core import faults
from makewhole.model import change
from makewhole.model.change import Position
from makewhole.ports import reversals

Placed = tuple[str, events.Event, events.Format]
"""The file's name, an event of it, and how that file is written."""
SEGMENT_BYTES = 8 << 20
"""What is held in memory of a log that comes over the wire, before it goes to disk."""
_BINLOG = frozenset({"mysql", "mariadb"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@contextlib.contextmanager
def opened(url: sa.URL, place: str | None) -> Iterator[reversals.Film]:
    """The film of the shop at this address; `place` names binlog files that lie before what its server has left. Raises BadInput where
    there is none to be had."""
    if url.get_backend_name() == "sqlite":
        yield recorded.RecordedFilm(url)
        return
    if url.get_backend_name() not in _BINLOG:
        todo = "MariaDB and MySQL remember in their binlog, SQLite by triggers; PostgreSQL is not read yet."
        raise faults.BadInput(f"nothing can be taken back from a log of {url.get_backend_name()}", where="shop.database", todo=todo)
    film = ServerFilm(url, None if place is None else Path(place))
    try:
        yield film
    finally:
        film.close()


class ServerFilm:
    """`reversals.Film` of a MariaDB or MySQL server; with binlog files, those first and then what the server wrote after them.

    One connection answers questions and one streams the log, from run to run: whoever looks at the newest events again and again, under
    locks, reads on where it stopped.
    """

    def __init__(self, url: sa.URL, place: Path | None = None) -> None:
        self._url, self._paths = url, () if place is None else tuple(files.find(place))
        # Without definitions: a table that the log does not name stays unnamed here, and is refused.
        self._decoder = decoding.Decoder()
        self._first: str | None = None
        self._shapes: dict[change.Table, tablemaps.Shape] = {}
        self._definitions: dict[tuple[str, str], schemas.Definition | None] = {}
        self._open = contextlib.ExitStack()
        self._asked: connection.Server | None = None
        self._stream: Iterator[Placed] | None = None
        self._at = Position(file="", offset=0)
        """How far the stream was read."""

    def close(self) -> None:
        """Let go of the server."""
        self._open.close()
        self._asked = self._stream = None

    def end(self) -> Position:
        """See the port."""
        return newest(self._asking())

    def run(self, since: Position | None = None) -> Iterator[reversals.Passing]:
        """See the port. What is written while it runs is for the next run."""
        target = newest(self._asking(), executed=False)
        from_files = since is None and bool(self._paths)
        placed = self._from_files(target) if from_files else self._until(target, since or replica.oldest(self._asking()))
        for group in scanning.groups(_spooled(placed), "" if since is None else since.gtids):
            self._first = self._first or group.begins.file
            yield self._passing(group)

    def whole(self) -> bool:
        """See the port. A server's first file has the number 1; it never gives that number again."""
        return self._first is None or int(self._first.rpartition(".")[2] or 0) == 1

    def watch(self, table: str) -> None:
        """See the port."""

    def drift(self, table: change.Table) -> Mapping[str, str]:
        """See the port."""
        where = self._url.render_as_string()
        shape = self._shapes.get(table)
        if shape is None or not shape.named:
            raise faults.BadInput(f"the log does not name the columns of {table}", where=where, todo=decoding.FULL_METADATA)
        if not shape.key:
            todo = "Give the table a primary key: a row without one cannot be told from its twin."
            raise faults.BadInput(f"{table} has no primary key", where=where, todo=todo)
        return drifting.differences(shape, self._definition(table.schema, table.name))

    def _definition(self, schema: str, table: str) -> schemas.Definition | None:
        asked = (schema.lower(), table.lower())
        if asked not in self._definitions:
            self._definitions[asked] = self._asking().definition(schema, table)
        return self._definitions[asked]

    def _asking(self) -> connection.Server:
        if self._asked is None:
            self._asked = self._open.enter_context(connection.connected(self._url))
            replica.check(self._asked)
        return self._asked

    def _from_files(self, target: Position) -> Iterator[Placed]:
        """The files, and then the server's own log from where they end. Raises BadInput where the server no longer has what comes next."""
        place = Position(file=self._paths[-1].name, offset=len(events.MAGIC))
        for placed in files.read(self._paths):
            place = Position(file=placed[0], offset=max(placed[1].end, place.offset if placed[0] == place.file else 0))
            yield placed
        yield from self._until(target, place)

    def _until(self, target: Position, since: Position) -> Iterator[Placed]:
        """Events from one place to another, which is no later than the log's end: so nobody waits for what nobody writes."""
        if (self._at.file, self._at.offset) != (since.file, since.offset):
            self._stream, self._at = None, since
        while _before(self._at, target):
            placed = self._next()
            file, event, _ = placed
            # What a server makes up for a replica stands nowhere; the beginning of a file that is begun does.
            if file != self._at.file:
                self._at = Position(file=file, offset=len(events.MAGIC))
            if not event.flags & events.ARTIFICIAL:
                self._at = Position(file=file, offset=max(event.end, self._at.offset))
            yield placed

    def _next(self) -> Placed:
        """The stream's next event; of one that the server gave up while nobody read on, from where it was."""
        if self._stream is not None:
            with contextlib.suppress(StopIteration, faults.Unavailable):
                return next(self._stream)
        server = self._open.enter_context(connection.connected(self._url))
        self._stream = replica.events_of(server, self._at, follow=True)
        placed = next(self._stream, None)
        if placed is None:
            raise faults.Unavailable(f"the server ended its log at {self._at}")
        return placed

    def _passing(self, group: Group) -> reversals.Passing:
        head = change.Transaction(
            id=group.id,
            begins=group.begins,
            ends=group.ends,
            committed_at=_EPOCH + timedelta(microseconds=group.committed_us),
            connection=group.connection,
            user=group.user,
            statements=tuple(q.text for q in group.statements),
        )
        rows = group.rows

        def changes(tables: frozenset[tuple[str, str]] | None) -> Iterator[change.Change]:
            for told in rows:
                if tables is None or (told.shape.schema.lower(), told.shape.table.lower()) in tables:
                    self._shapes.setdefault(self._decoder.reader(told.shape).table, told.shape)
                    yield from self._decoder.changes(told, group.begins.file)

        tables = frozenset((r.shape.schema.lower(), r.shape.table.lower()) for r in rows)

        def speaks(schema: str, table: str) -> str:
            return next((q.text for q in group.statements if _names(q, schema, table)), "")

        return reversals.Passing(head=head, tables=tables, changes=changes, speaks=speaks)


def _names(told: queries.Query, schema: str, table: str) -> bool:
    elsewhere = bool(told.schema) and told.schema.lower() != schema.lower()
    return queries.names(told.text, table) and (not elsewhere or queries.names(told.text, schema))


def _before(one: Position, other: Position) -> bool:
    """Names of files grow by a digit when their numbers do."""
    return (len(one.file), one.file, one.offset) < (len(other.file), other.file, other.offset)


def newest(server: connection.Server, *, executed: bool = True) -> Position:
    """Where the server's log ends now; with what was executed up to there, or the place alone."""
    told = server.rows("SHOW MASTER STATUS")
    if not told:
        raise faults.BadInput("the server keeps no change log (log_bin is off)", where=server.where, todo="Set log_bin and start it again.")
    file, offset, *rest = told[0]
    if not executed:
        return Position(file=str(file), offset=int(offset))
    gtids = server.variable("gtid_binlog_pos") if server.mariadb else str(rest[2] if len(rest) > 2 else "").replace("\n", "")
    return Position(file=str(file), offset=int(offset), gtids=gtids)


def _spooled(placed: Iterator[Placed]) -> Iterator[Placed]:
    """The same events, their bytes on disk: a transaction of gigabytes stays out of memory however long somebody holds on to it."""
    batch: list[Placed] = []
    size = 0
    for one in placed:
        batch.append(one)
        size += len(one[1].raw)
        if size >= SEGMENT_BYTES:
            yield from _mapped(batch, size)
            batch, size = [], 0
    yield from _mapped(batch, size) if size else batch


def _mapped(batch: Sequence[Placed], size: int) -> Iterator[Placed]:
    with tempfile.TemporaryFile() as spool:
        try:
            spool.writelines(one[1].raw for one in batch)
            spool.flush()
        except OSError as full:
            raise faults.Unavailable(f"no room to lay the log down: {full.strerror} ({tempfile.gettempdir()})") from full
        whole = memoryview(mmap.mmap(spool.fileno(), size, access=mmap.ACCESS_READ))
    starts = itertools.accumulate((len(one[1].raw) for one in batch), initial=0)
    for start, (file, event, told) in zip(starts, batch, strict=False):
        raw = whole[start : start + len(event.raw)]
        body = raw[events.HEADER_LENGTH : events.HEADER_LENGTH + len(event.body)]
        yield file, event._replace(raw=raw, body=body), told
