"""Events in the order of the log go in, whole transactions come out, their rows cut but not decoded: most of a log is nobody's order.

What ends a group, what a restart leaves open, and when a distributed transaction counts: MySQL and MariaDB replication semantics.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import NamedTuple

from makewhole.adapters.changelog import events, gtids, payloads, queries, rows, tablemaps, wrong
from makewhole.adapters.changelog.events import Event, Format, Type
from makewhole.adapters.changelog.fields import Bytes
from makewhole.adapters.changelog.queries import Verb
from makewhole.model.change import Position

_PASSED = frozenset(
    {
        Type.STOP, Type.INTVAR, Type.RAND, Type.USER_VAR, Type.HEARTBEAT, Type.HEARTBEAT_V2, Type.IGNORABLE_EVENT,
        Type.TRANSACTION_CONTEXT, Type.VIEW_CHANGE, Type.MARIA_BINLOG_CHECKPOINT, Type.GTID_TAGGED, Type.ANONYMOUS_GTID,
        Type.BEGIN_LOAD_QUERY, Type.APPEND_BLOCK, Type.DELETE_FILE,
    }
)  # fmt: skip
"""Events that hold no rows and end no group: values and files of statements, which are told by their own events, and the server's notes."""
_TABLE_MAP, _XID, _MARIA_GTID = int(Type.TABLE_MAP), int(Type.XID), int(Type.MARIA_GTID)
_MARIA_ANNOTATE_ROWS = int(Type.MARIA_ANNOTATE_ROWS)
_QUERIES = frozenset({Type.QUERY, Type.MARIA_QUERY_COMPRESSED})
GTIDS = frozenset({Type.GTID, Type.MARIA_GTID})
"""Events that begin a transaction and name it."""
_BEGINNERS = frozenset({Type.QUERY, Type.MARIA_QUERY_COMPRESSED, Type.TRANSACTION_PAYLOAD, Type.EXECUTE_LOAD_QUERY})
"""Events that begin a group where there are no GTIDs."""
_OLD_ROWS = frozenset({Type.PRE_GA_WRITE_ROWS, Type.PRE_GA_UPDATE_ROWS, Type.PRE_GA_DELETE_ROWS})
_LOADS = frozenset({Type.LOAD, Type.NEW_LOAD, Type.EXEC_LOAD, Type.CREATE_FILE})
_new = tuple.__new__
_STANDALONE = 1
"""Flag of MariaDB's GTID event: one statement, without an end of its own."""
_MARIA_NUMBERS = struct.Struct("<QIB")
"""Number, domain and flags of a MariaDB GTID event."""
_MICROSECOND_WIDTH = 7


class Rows(NamedTuple):
    """One row event: the table's shape, the event's parts, the statement that did it, and where it stands."""

    shape: tablemaps.Shape
    block: rows.Block
    statement: str
    at: int


class Group(NamedTuple):
    """One transaction as the log holds it."""

    id: str
    begins: Position
    ends: Position
    committed_us: int
    """Unix microseconds."""
    connection: int | None
    user: str
    rows: tuple[Rows, ...]
    statements: tuple[queries.Query, ...]
    raw: tuple[memoryview, ...]
    """Its events, every byte as the server wrote them, in one piece or in several."""
    told: Format
    """How they are written."""


@dataclass(slots=True)
class _Open:
    """A group that is being read."""

    file: str
    at: int
    before: str
    id: str = ""
    committed_us: int = 0
    within: bool = False
    """Whether it has been begun and its end is yet to come; outside, a statement is a transaction of its own."""
    connection: int | None = None
    user: str = ""
    rows: list[Rows] = field(default_factory=list)
    statements: list[queries.Query] = field(default_factory=list)
    savepoints: dict[str, int] = field(default_factory=dict)
    raw: list[memoryview] = field(default_factory=list)


class Assembler:
    """Feed it every event; it gives the transaction that the event ended, or none."""

    def __init__(self, executed: str = "", parsed: dict[bytes, tablemaps.Shape] | None = None) -> None:
        self._executed = gtids.Executed(executed)
        self._open: _Open | None = None
        self._shapes: dict[bytes, tablemaps.Shape] = {}
        self._parsed = {} if parsed is None else parsed
        self._text = ""
        self._prepared: dict[str, _Open] = {}
        self._told = Format(server_version="", checksummed=False, lengths=b"")
        self._ended = Position(file="", offset=0)

    @property
    def between(self) -> bool:
        """Whether no transaction is open: the next event begins one, or belongs to none."""
        return self._open is None

    @property
    def executed(self) -> gtids.Executed:
        """What had been executed after the last transaction; whoever reads transactions in another way adds them here."""
        return self._executed

    def beside(self, executed: str) -> Assembler:
        """Another one, for transactions of the same file, that knows the same tables: a shape is one and the same in both."""
        return Assembler(executed, self._parsed)

    def shape(self, map_: bytes, told: Format) -> tablemaps.Shape:
        """The table that a map's bytes (all but the fixed part) describe. They are the same in every transaction: read once, and looked up
        two hundred thousand times. Raises Unreadable."""
        known = self._parsed.get(map_)
        if known is None:
            known = self._parsed[map_] = tablemaps.parse(memoryview(map_), mariadb=told.mariadb, year_signed=told.year_signed)
        return known

    def feed(self, file: str, event: Event, told: Format) -> tuple[Group, ...]:
        """The groups that this event completes: none or one. Raises BadInput for an event that cannot be read, or may not be skipped."""
        try:
            self._told = told
            kind = event.kind
            if kind in GTIDS:
                # It ends whatever was open, and is the first of its own.
                self._gtid(file, event).raw.append(event.raw)
                return ()
            if self._open is not None:
                self._open.raw.append(event.raw)
            elif kind in _BEGINNERS:
                self._begin(file, event).raw.append(event.raw)
            done = self._feed(kind, file, event, told)
        except wrong.UNREAD as damage:
            raise wrong.located(damage, file, event.at) from damage
        return () if done is None else (done,)

    def _feed(self, kind: int, file: str, event: Event, told: Format) -> Group | None:
        # The most frequent first; plain numbers, because members of an enum cost more than all the rest of this ladder.
        if kind == _TABLE_MAP:
            self._map(event.body, told)
        elif kind in rows.BEARING:
            self._rows(file, event, told)
        elif kind == _XID:
            return self._end(file, event)
        elif kind == _MARIA_ANNOTATE_ROWS:
            self._text = str(event.body, "utf-8", "replace")
        elif kind in _QUERIES:
            return self._query(file, event)
        else:
            return self._seldom(file, event, told)
        return None

    def _seldom(self, file: str, event: Event, told: Format) -> Group | None:
        kind = event.kind
        if kind == Type.ROWS_QUERY:
            self._text = str(event.body[1:], "utf-8", "replace")
        elif kind == Type.TRANSACTION_PAYLOAD:
            return self._payload(file, event, told)
        elif kind == Type.XA_PREPARE:
            return self._prepare(file, event)
        elif kind in {Type.PREVIOUS_GTIDS, Type.MARIA_GTID_LIST}:
            read = gtids.previous_mysql if kind == Type.PREVIOUS_GTIDS else gtids.previous_mariadb
            # Only at the beginning: a server that skips what we know begins with the list of a file that lies before.
            self._executed = self._executed if self._executed.text() else gtids.Executed(read(event.body))
        elif kind == Type.FORMAT_DESCRIPTION:
            self._restarted(event)
        elif kind == Type.EXECUTE_LOAD_QUERY or kind in _LOADS:
            self._statement(file, event, queries.Query(text="LOAD DATA", schema="", connection=0, invoker=""))
        elif kind not in _PASSED and kind != Type.ROTATE:
            _refuse(event)
        return None

    def _begin(self, file: str, event: Event) -> _Open:
        if self._open is None:
            self._open = _Open(file, event.at, self._executed.text())
        return self._open

    def _map(self, told_body: memoryview, told: Format) -> None:
        body, fixed = bytes(told_body), told.fixed(_TABLE_MAP)
        self._shapes[tablemaps.table_id(body, fixed)] = self.shape(body[fixed:], told)

    def _rows(self, file: str, event: Event, told: Format) -> None:
        block = rows.cut(event.kind, event.body, told.fixed(event.kind))
        if block.rows:
            shape = self._shapes.get(block.table)
            if shape is None:
                raise wrong.Unreadable("rows of a table that the log has not described", "Start at the beginning of a transaction.")
            group = self._open or self._begin(file, event)
            group.rows.append(_new(Rows, (shape, block, self._text, event.at)))
        if block.ends_statement:
            self._shapes.clear()
            self._text = ""

    def _gtid(self, file: str, event: Event) -> _Open:
        # A group that was open has no end: the server died in it, and no replica would apply it.
        self._open = None
        told, group = gtid(event.kind, event.server, event.body), self._begin(file, event)
        group.id, group.within, group.committed_us = told.id, told.within, told.committed_us
        self._count(told)
        return group

    def _count(self, told: Gtid) -> None:
        if isinstance(told.source, int):
            self._executed.add_mariadb(told.source, told.id)
        else:
            self._executed.add_mysql(told.source, told.number)

    def _query(self, file: str, event: Event) -> Group | None:
        query = queries.parse(event.body, compressed=event.kind == Type.MARIA_QUERY_COMPRESSED)
        group = self._begin(file, event)
        group.connection = query.connection or group.connection
        group.user = query.invoker or group.user
        match queries.verb(query.text):
            case Verb.BEGIN | Verb.XA_START | Verb.XA_END:
                group.within = True
            case Verb.SAVEPOINT:
                group.savepoints[queries.savepoint(query.text)] = len(group.rows)
            case Verb.ROLLBACK_TO:
                del group.rows[group.savepoints.get(queries.savepoint(query.text), 0) :]
            case Verb.COMMIT:
                return self._end(file, event)
            case Verb.ROLLBACK:
                group.rows.clear()
                return self._end(file, event)
            case Verb.XA_COMMIT:
                self._resolved(group, query)
                return self._end(file, event)
            case Verb.XA_ROLLBACK:
                self._prepared.pop(queries.xid(query.text), None)
                return self._end(file, event)
            case Verb.HARMLESS:
                return None if group.within else self._end(file, event)
            case Verb.OTHER:
                return self._statement(file, event, query)
        return None

    def _statement(self, file: str, event: Event, query: queries.Query) -> Group | None:
        """A statement that the log tells by its text: DDL, or rows of a session that logs none."""
        group = self._begin(file, event)
        group.statements.append(query)
        return None if group.within else self._end(file, event)

    def _payload(self, file: str, event: Event, told: Format) -> Group | None:
        """A transaction in one compressed event: its events have a header and no checksum of their own."""
        inner = Format(server_version=told.server_version, checksummed=False, lengths=told.lengths)
        done = None
        for raw in payloads.unpacked(event.body):
            part = events.parse(raw, event.at, None)
            placed = Event(part.kind, event.at, event.end, part.when, part.flags, part.server, part.body, event.raw)
            done = self._feed(part.kind, file, placed, inner) or done
        return done

    def _prepare(self, file: str, event: Event) -> Group | None:
        """A distributed transaction that is not decided yet: its rows wait for XA COMMIT, which may be hours away."""
        if event.body[0]:
            return self._end(file, event)
        if self._open is not None:
            self._prepared[_xid(event.body)] = self._open
        self._open = None
        return None

    def _resolved(self, group: _Open, query: queries.Query) -> None:
        prepared = self._prepared.pop(queries.xid(query.text), None)
        if prepared is None:
            # Prepared before the place where reading began: that rows are missing here must be seen.
            group.statements.append(query)
            return
        group.rows, group.raw = prepared.rows, [*prepared.raw, *group.raw]
        group.connection = group.connection or prepared.connection

    def _restarted(self, event: Event) -> None:
        self._shapes.clear()
        # The server may have been replaced by another version, which describes its tables otherwise.
        self._parsed = {}
        if not event.flags & events.ARTIFICIAL and event.at <= len(events.MAGIC):
            self._open = None

    def passed(self, told: Gtid, file: str, at: int, end: int) -> tuple[Position, Position]:
        """Where a transaction begins and ends that somebody else read whole, between two others: it is executed now."""
        before = self._executed.text()
        self._count(told)
        return self._begins(file, at, before), self._ends(file, end)

    def _begins(self, file: str, at: int, before: str) -> Position:
        """Nearly always where the last one ended."""
        last = self._ended
        return last if last.offset == at and last.file == file and last.gtids == before else Position(file=file, offset=at, gtids=before)

    def _ends(self, file: str, end: int) -> Position:
        self._ended = Position(file=file, offset=end, gtids=self._executed.text())
        return self._ended

    def _end(self, file: str, event: Event) -> Group:
        group = self._open or self._begin(file, event)
        self._open, self._text = None, ""
        return Group(
            group.id or f"{group.file}:{group.at}",
            self._begins(group.file, group.at, group.before),
            self._ends(file, event.end),
            group.committed_us or event.when * 1_000_000,
            group.connection,
            group.user,
            tuple(group.rows),
            tuple(group.statements),
            tuple(group.raw),
            self._told,
        )


class Gtid(NamedTuple):
    """What a GTID event says of the transaction that it begins."""

    id: str
    source: int | str
    """MariaDB's domain, MySQL's server."""
    number: int
    within: bool
    """Whether it says itself that the transaction has an end of its own; MySQL's is followed by BEGIN where it has."""
    committed_us: int
    """Unix microseconds; 0 where the event does not tell."""


def gtid(kind: int, server: int, body: Bytes) -> Gtid:
    """The transaction's name, from an event of `GTIDS` and the server that its header names."""
    if kind == _MARIA_GTID:
        number, domain, flags = _MARIA_NUMBERS.unpack_from(body)
        return _new(Gtid, (f"{domain}-{server}-{number}", domain, number, not flags & _STANDALONE, 0))
    source, number = gtids.spelled(bytes(body[1:17])), int.from_bytes(body[17:25], "little")
    return _new(Gtid, (f"{source}:{number}", source, number, False, _committed(body)))


def _committed(body: Bytes) -> int:
    """When the transaction was committed where it began, in microseconds; 0 before MySQL 8.0."""
    at = 1 + 16 + 8 + 1 + 16
    if len(body) < at + _MICROSECOND_WIDTH:
        return 0
    told = int.from_bytes(body[at : at + _MICROSECOND_WIDTH], "little")
    if told >> 55:
        at += _MICROSECOND_WIDTH
        return int.from_bytes(body[at : at + _MICROSECOND_WIDTH], "little")
    return told


def _xid(body: memoryview) -> str:
    """The name in an XA_PREPARE event, as XA COMMIT spells it."""
    form, first, second = (int.from_bytes(body[at : at + 4], "little") for at in (1, 5, 9))
    return f"X'{body[13 : 13 + first].hex()}',X'{body[13 + first : 13 + first + second].hex()}',{form}"


def _refuse(event: Event) -> None:
    """Raises Unreadable for what may bear rows and is not known; passes by what the format allows to be passed by."""
    if event.kind == Type.MARIA_START_ENCRYPTION:
        raise wrong.Unreadable("the file is encrypted", "Read it through the server (replication), which decrypts it.")
    if event.kind == Type.INCIDENT:
        raise wrong.Unreadable("the server says that it lost events here", "Start after this event; what was before is not whole.")
    if event.kind in _OLD_ROWS:
        raise wrong.Unreadable("rows in the form of MySQL 5.1's test versions", "Nothing reads them any more.")
    if not event.flags & events.IGNORABLE:
        raise wrong.Unreadable(
            f"an event of kind {event.kind}, which is not known here and may hold rows",
            "Nothing was skipped. Please report the server's version.",
        )
