"""A server's address goes in, its whole log runs by, transaction after transaction: `reversals.Film`, for taking changes back.

Most transactions only run by: the compiled reader, where there is one, tells which tables they wrote, and no row of them is ever cut. The
others are decoded one event at a time, from files on disk (`segments`), however large they are.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
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
    schemas,
    segments,
    stretches,
    tablemaps,
)
from makewhole.adapters.changelog.replica import Sent
from makewhole.adapters.changelog.segments import Segment
from makewhole.adapters.changelog.stretches import Stretch
from makewhole.adapters.changelog.transactions import Group, Rows
from makewhole.core import faults
from makewhole.model import change
from makewhole.model.change import Position
from makewhole.ports import reversals, trails

_BINLOG = frozenset({"mysql", "mariadb"})


@contextlib.contextmanager
def opened(url: sa.URL, place: str | None) -> Iterator[reversals.Film]:
    """The film of the shop at this address; `place` names binlog files that lie before what its server has left. Raises BadInput where
    there is none to be had."""
    if url.get_backend_name() == "sqlite":
        yield recorded.RecordedFilm(url)
        return
    if url.get_backend_name() not in _BINLOG:
        todo = "MariaDB's and MySQL's binlog, PostgreSQL's slot and SQLite's triggers are read for this."
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
        self._stream: Iterator[Sent] | None = None
        self._at = ("", 0)
        """How far the stream was read: file and offset."""

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
        if since is not None and _before((target.file, target.offset), since):
            todo = "What was written in between is told by nobody: make a new plan."
            what = f"the server's log ends at {target}, before {since}, up to which it is known: it was begun anew (RESET MASTER)"
            raise trails.Purged(what, where=self._url.render_as_string(), todo=todo)
        from_files = since is None and bool(self._paths)
        log = self._from_files(target) if from_files else self._until(target, since or replica.oldest(self._asking()))
        for told in stretches.read(log, lambda shape: stretches.NONE, executed="" if since is None else since.gtids):
            self._first = self._first or told.ends.file
            if isinstance(told, Stretch):
                yield from self._plain(told)
            else:
                yield self._passing(told)

    def whole(self) -> bool:
        """See the port. A server's first file has the number 1; it never gives that number again."""
        return self._first is None or int(self._first.rpartition(".")[2] or 0) == 1

    def watch(self, table: str) -> None:
        """See the port."""

    def lacking(self, table: change.Table) -> str:
        """See the port."""
        return "binlog_row_image is not FULL in that session"

    def beyond(self) -> str:
        """See the port."""
        return ""

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

    def _from_files(self, target: Position) -> Iterator[Segment]:
        """The files, and then the server's own log from where they end. Raises BadInput where the server no longer has what comes next."""
        place = Position(file=self._paths[-1].name, offset=len(events.MAGIC))
        for one in segments.of_files(self._paths):
            yield one
            place = Position(file=one.file, offset=one.at)
        yield from self._until(target, place)

    def _until(self, target: Position, since: Position) -> Iterator[Segment]:
        return segments.of_sent(self._sent(target, since))

    def _sent(self, target: Position, since: Position) -> Iterator[Sent]:
        """Events from one place to another, which is no later than the log's end: so nobody waits for what nobody writes."""
        if self._at != (since.file, since.offset):
            self._stream, self._at = None, (since.file, since.offset)
        while _before(self._at, target):
            try:
                # One that the server gave up while nobody read on is begun again from where it was.
                one = self._anew() if self._stream is None else next(self._stream)
            except (StopIteration, faults.Unavailable):
                one = self._anew()
            file, offset = self._at
            # What a server makes up for a replica stands nowhere; the beginning of a file that is begun does.
            if one.file != file:
                file, offset = one.file, len(events.MAGIC)
            if not one.flags & events.ARTIFICIAL:
                offset = max(one.at + len(one.raw), offset)
            self._at = (file, offset)
            yield one

    def _anew(self) -> Sent:
        """The first event of a new stream, from where the last one was."""
        server = self._open.enter_context(connection.connected(self._url))
        file, offset = self._at
        self._stream = replica.sent(server, Position(file=file, offset=offset), follow=True)
        one = next(self._stream, None)
        if one is None:
            raise faults.Unavailable(f"the server ended its log at {file}:{offset}")
        return one

    def _plain(self, told: Stretch) -> Iterator[reversals.Passing]:
        """Transactions of which nothing was read yet but which tables they wrote: most of a log is nobody's."""
        names: dict[int, set[tuple[str, str]]] = {}
        for part in told.parts:
            name = (part.shape.schema.lower(), part.shape.table.lower())
            for number in part.numbers():
                names.setdefault(number, set()).add(name)
        for number, head in enumerate(told.heads()):
            rows = functools.partial(told.rows, number, head)
            yield self._running(head, frozenset(names.get(number, ())), rows)

    def _passing(self, group: Group) -> reversals.Passing:
        tables = frozenset((r.shape.schema.lower(), r.shape.table.lower()) for r in group.rows)
        return self._running(group, tables, lambda: group.rows)

    def _running(self, group: Group, written: frozenset[tuple[str, str]], rows: Callable[[], Iterable[Rows]]) -> reversals.Passing:
        """A transaction as it runs by; its rows are cut when its changes are asked for."""

        def changes(tables: frozenset[tuple[str, str]] | None) -> Iterator[change.Change]:
            for told in rows() if tables is None or not tables.isdisjoint(written) else ():
                if tables is None or (told.shape.schema.lower(), told.shape.table.lower()) in tables:
                    self._shapes.setdefault(self._decoder.reader(told.shape).table, told.shape)
                    yield from self._decoder.changes(told, group.begins.file)

        def speaks(schema: str, table: str) -> str:
            return next((q.text for q in group.statements if _names(q, schema, table)), "")

        head = change.Transaction(
            id=group.id,
            begins=group.begins,
            ends=group.ends,
            committed_at=decoding.instant(group),
            connection=group.connection,
            user=group.user,
            statements=tuple([q.text for q in group.statements]),
        )
        return reversals.Passing(head=head, tables=written, changes=changes, speaks=speaks)


def _names(told: queries.Query, schema: str, table: str) -> bool:
    elsewhere = bool(told.schema) and told.schema.lower() != schema.lower()
    return queries.names(told.text, table) and (not elsewhere or queries.names(told.text, schema))


def _before(at: tuple[str, int], target: Position) -> bool:
    """Names of files grow by a digit when their numbers do."""
    file, offset = at
    if file == target.file:
        return offset < target.offset
    return (len(file), file) < (len(target.file), target.file)


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
