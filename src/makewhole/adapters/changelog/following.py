"""A shop's change log is read onwards from a place: a server's as a replica reads it, a SQLite shop's by asking its triggers' table."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec
import sqlalchemy as sa

from makewhole.adapters.changelog import (
    connection,
    decoding,
    events,
    files,
    replica,
    scanning,
    schemas,
    segments,
    stretches,
    tablemaps,
    triggers,
)
from makewhole.adapters.changelog.events import Type
from makewhole.adapters.changelog.transactions import Assembler, Group
from makewhole.core import codec, faults
from makewhole.model.change import Position, Traced
from makewhole.ports import trails

WINDOW_BYTES_MAX = 256 << 20
"""Of the log, where no place is known yet: some seconds of reading. At least the newest file, whatever its size."""
GROUPS_A_STEP = 1_000
"""Transactions of others that are passed by before it is told how far the reading is."""
POLL_SECONDS = 0.2
"""Between two looks at a SQLite shop, which cannot call: a fifth of the second in which an order is to be woken."""
HEARTBEAT_SECONDS = 0.25
"""How long a server may be silent while it is followed: whoever follows looks up this often."""
_UNSEEN = re.compile(r"\s*(?:/\*.*?\*/\s*)*(UPDATE|DELETE|INSERT|REPLACE|LOAD|TRUNCATE)\b", re.IGNORECASE | re.DOTALL)
"""Statements that change rows and tell none. Others (ALTER, CREATE, GRANT) overwrite none."""


class Place(codec.Noun, frozen=True, kw_only=True):
    """Where to read on: in which server's log, and where there."""

    server: str
    file: str
    offset: int
    gtids: str = ""


def open_stream(url: sa.URL, tables: Sequence[Traced]) -> trails.Stream:
    """The log of the shop at this address, of these tables. Raises BadInput where there is none to be had."""
    match url.get_backend_name():
        case "mysql" | "mariadb":
            return ReplicaStream(url, tables)
        case "sqlite":
            return TriggerStream(url, tables)
        case other:
            raise faults.BadInput(
                f"no change log is known of a shop on {other}", where="shop.database", todo="Sweeps look at every row all the same."
            )


class ReplicaStream:
    """`trails.Stream` over the log of a MariaDB or MySQL server."""

    def __init__(self, url: sa.URL, tables: Sequence[Traced]) -> None:
        self._url = url
        self._wanted: scanning.Wanted = {(t.schema.lower(), t.table.lower()): {} for t in tables}

    def read(self, since: str | None, *, follow: bool = False) -> Iterator[trails.Step]:
        """See the port."""
        with connection.connected(self._url) as server:
            replica.check(server)
            reading = _Reading(server=replica.identity(server), definition=self._definition)
            begin, by_gtid = _beginning(server, reading.server, since)
            if follow:
                placed = replica.events_of(server, begin, by_gtid=by_gtid, follow=True, heartbeat_s=HEARTBEAT_SECONDS)
                yield from reading.followed(placed, begin, self._wanted)
            else:
                log = segments.of_sent(replica.sent(server, begin, by_gtid=by_gtid))
                yield from reading.read(log, begin, self._wanted)

    def _definition(self, schema: str, table: str) -> tuple[schemas.Definition | None, Position]:
        """A table as it is now, and where the log ended when it was asked."""
        with connection.connected(self._url) as server:
            return server.definition(schema, table), _end(server)


@dataclass(kw_only=True)
class _Reading:
    """One pass over the log."""

    server: str
    definition: Callable[[str, str], tuple[schemas.Definition | None, Position]]
    decoder: decoding.Decoder = field(init=False)
    named_at: Position | None = None
    """Where the log ended when a table was last named by its definition of then: what was altered later was not named wrongly."""

    def __post_init__(self) -> None:
        self.decoder = decoding.Decoder(self._define)

    def read(self, log: Iterable[segments.Segment], begin: Position, wanted: scanning.Wanted) -> Iterator[trails.Step]:
        """To the log's end; of plain transactions only those are read that have rows of the tables."""
        last, passed = begin, 0

        def columns_of(shape: tablemaps.Shape) -> frozenset[str] | None:
            return stretches.NONE if (shape.schema.lower(), shape.table.lower()) in wanted else None

        for told in stretches.read(log, columns_of, executed=begin.gtids):
            found: Iterable[Group] = told.groups(told.touching()) if isinstance(told, stretches.Stretch) else (told,)
            steps = [step for step in (self.step(group, wanted) for group in found) if step is not None]
            yield from steps
            last, passed = told.ends, 0 if steps else passed + 1
            if passed >= GROUPS_A_STEP or isinstance(told, stretches.Stretch):
                passed = 0
                yield trails.Step(place=self.place(last))
        yield trails.Step(place=self.place(last))

    def followed(self, placed: Iterable[files.Placed], begin: Position, wanted: scanning.Wanted) -> Iterator[trails.Step]:
        """Event by event, as they come: an order is to be woken by its own transaction, and not with the next thousand."""
        assembler, passed, last = Assembler(begin.gtids), 0, begin
        for file, event, told in placed:
            for group in assembler.feed(file, event, told):
                last, passed = group.ends, passed + 1
                step = self.step(group, wanted)
                if step is not None:
                    passed = 0
                    yield step
            if passed >= GROUPS_A_STEP or event.kind in {Type.HEARTBEAT, Type.HEARTBEAT_V2}:
                passed = 0
                yield trails.Step(place=self.place(last))
        yield trails.Step(place=self.place(last))

    def step(self, group: Group, wanted: scanning.Wanted) -> trails.Step | None:
        """What this transaction says of the tables; None for one that has nothing to do with them."""
        gap = self._altered(group) or _unseen(group, wanted)
        if not any((r.shape.schema.lower(), r.shape.table.lower()) in wanted for r in group.rows):
            return trails.Step(place=self.place(group.ends), gap=gap) if gap else None
        only = group._replace(rows=tuple(r for r in group.rows if (r.shape.schema.lower(), r.shape.table.lower()) in wanted))
        return trails.Step(place=self.place(group.ends), transaction=self.decoder.transaction(only), gap=gap)

    def place(self, at: Position) -> str:
        """A position with its server's name."""
        return codec.canonical(Place(server=self.server, file=at.file, offset=at.offset, gtids=at.gtids)).decode()

    def _define(self, schema: str, table: str) -> schemas.Definition | None:
        told, self.named_at = self.definition(schema, table)
        return told

    def _altered(self, group: Group) -> str:
        """DDL on a table whose columns the log does not name: they are named anew, and it is told where that may have come too late."""
        try:
            self.decoder.check(group)
        except faults.BadInput as altered:
            late = self.named_at is None or _order(group.begins) < _order(self.named_at)
            self.decoder = decoding.Decoder(self._define)
            return altered.what if late else ""
        return ""


class TriggerStream:
    """`trails.Stream` over what a SQLite shop's triggers recorded."""

    def __init__(self, url: sa.URL, tables: Sequence[Traced]) -> None:
        self._url = url
        # Children may go without: what they tell wakes an order, and a sweep sees it as well.
        self._own = tuple(t.table for t in tables if t.role == "order")
        self._all = frozenset(t.table.lower() for t in tables)

    def read(self, since: str | None, *, follow: bool = False) -> Iterator[trails.Step]:
        """See the port."""
        at = None if since is None else _number(since)
        while True:
            for one in triggers.after(self._url, self._own, at, settled=follow):
                at = one.ends.offset
                mine = tuple(c for c in one.changes if c.table.name.lower() in self._all)
                yield trails.Step(place=str(at), transaction=msgspec.structs.replace(one, changes=mine))
            yield trails.Step(place=str(at or 0))
            if not follow:
                return
            time.sleep(POLL_SECONDS)


def _number(since: str) -> int:
    try:
        return int(since)
    except ValueError as foreign:
        raise trails.Purged("the place that is known is of another log", where=since[:80], todo=_AGAIN) from foreign


_AGAIN = "A full sweep looks at every order; what was overwritten in between is told by nobody."


def _beginning(server: connection.Server, identity: str, since: str | None) -> tuple[Position, bool]:
    """Where to begin, and whether by GTIDs. Raises Purged where the place is not there any more."""
    files = [(str(row[0]), int(row[1])) for row in server.rows("SHOW BINARY LOGS")]
    if since is None:
        return _window(files), False
    try:
        known = codec.decode(since, Place)
    except msgspec.ValidationError as foreign:
        raise trails.Purged("the place that is known is of another log", where=server.where, todo=_AGAIN) from foreign
    place = Position(file=known.file, offset=known.offset, gtids=known.gtids)
    if known.server != identity:
        if not known.gtids:
            raise trails.Purged("the log was read from another server, and without GTIDs", where=server.where, todo=_AGAIN)
        return place, True
    size = dict(files).get(known.file)
    if size is None or known.offset > size:
        raise trails.Purged(f"the server has purged its log at {place}", where=server.where, todo=_AGAIN)
    return place, False


def _window(files: Sequence[tuple[str, int]]) -> Position:
    total, first = 0, files[-1][0]
    for name, size in reversed(files):
        total += size
        if total > WINDOW_BYTES_MAX:
            break
        first = name
    return Position(file=first, offset=len(events.MAGIC))


def _end(server: connection.Server) -> Position:
    name, size = server.rows("SHOW BINARY LOGS")[-1][:2]
    return Position(file=str(name), offset=int(size))


def _order(at: Position) -> tuple[int, str, int]:
    return (len(at.file), at.file, at.offset)


def _unseen(group: Group, wanted: scanning.Wanted) -> str:
    """A statement that changed rows of these tables and told none of them."""
    if not group.statements or not scanning.speaks(group, wanted):
        return ""
    told = [m[1].upper() for q in group.statements if (m := _UNSEEN.match(q.text))]
    return f"{told[0]} without its rows, at {group.begins}" if told else ""
