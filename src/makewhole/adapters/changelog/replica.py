"""A server goes in, the events of its log come out, as it sends them to a replica: from a file and offset, or from GTIDs.

Protocol: MySQL, COM_REGISTER_SLAVE, COM_BINLOG_DUMP, COM_BINLOG_DUMP_GTID; MariaDB, "COM_BINLOG_DUMP" and @slave_connect_state.
"""

from __future__ import annotations

import secrets
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from makewhole.adapters.changelog import connection, events, files, gtids, wrong
from makewhole.adapters.changelog.events import Format, Type
from makewhole.core import faults
from makewhole.model.change import Position

_BINLOG_DUMP, _REGISTER, _BINLOG_DUMP_GTID = 0x12, 0x15, 0x1E
_NON_BLOCK, _ANNOTATE = 1, 2
_END = 0xFE
_END_LENGTH_MAX = 8
_HEARTBEAT_SECONDS = 10
_ROTATE, _DESCRIPTION = int(Type.ROTATE), int(Type.FORMAT_DESCRIPTION)
_new = tuple.__new__
_OFFSET_MAX = 0xFFFFFFFF
"""The protocol has four bytes for an offset."""
_IDS = (1 << 31, (1 << 32) - 1)
"""Replicas name themselves by a number; ours are drawn from the upper half, where nobody counts servers."""


def check(server: connection.Server) -> None:
    """Raises BadInput where the server keeps no log of rows."""
    if server.variable("log_bin").upper() not in {"ON", "1"}:
        todo = "Set log_bin and binlog_format=ROW on the server and start it again; until then it remembers nothing."
        raise faults.BadInput("the server keeps no change log (log_bin is off)", where=server.where, todo=todo)
    form = server.variable("binlog_format").upper()
    if form != "ROW":
        todo = "SET GLOBAL binlog_format = 'ROW': sessions that begin afterwards log rows. What was written before cannot be read."
        raise faults.BadInput(f"the server logs statements and not rows (binlog_format={form})", where=server.where, todo=todo)


def identity(server: connection.Server) -> str:
    """What tells this server from every other: its own name for itself, or its number and where it stands."""
    return server.variable("server_uuid") or server.variable("server_uid") or f"{server.variable('server_id')}@{server.where}"


def oldest(server: connection.Server) -> Position:
    """Where the server's log begins now."""
    told = server.rows("SHOW BINARY LOGS")
    return Position(file=str(told[0][0]), offset=len(events.MAGIC))


class Sent(NamedTuple):
    """One event as a server sends it; its checksum is not verified yet."""

    file: str
    at: int
    """Where it begins in the file."""
    kind: int
    flags: int
    raw: memoryview
    told: Format
    """How it is written."""


def events_of(
    server: connection.Server, since: Position, *, by_gtid: bool = False, follow: bool = False, heartbeat_s: float | None = None
) -> Iterator[files.Placed]:
    """The same as `sent`, each event read and its checksum verified. Raises BadInput for a damaged one."""
    for one in sent(server, since, by_gtid=by_gtid, follow=follow, heartbeat_s=heartbeat_s):
        try:
            event = events.parse(one.raw, one.at, None if one.kind == Type.FORMAT_DESCRIPTION else one.told)
        except wrong.UNREAD as damage:
            raise wrong.located(damage, one.file, one.at) from damage
        yield one.file, event, one.told


def sent(
    server: connection.Server, since: Position, *, by_gtid: bool = False, follow: bool = False, heartbeat_s: float | None = None
) -> Iterator[Sent]:
    """Every event from this place to the log's end; with `follow`, and then whatever comes, until the connection ends.

    While it is followed and nothing happens, the server sends a heartbeat this often (seconds), which is an event too.

    Raises BadInput for a place that the server has not got (purged), or what is no event; Unavailable where it goes silent.
    """
    number = _introduce(server, heartbeat_s or _HEARTBEAT_SECONDS)
    _dump(server, since, number, by_gtid=by_gtid, follow=follow)
    told: Format | None = None
    file, at = since.file, 0
    for packet in server.packets():
        if packet[0] == _END and len(packet) <= _END_LENGTH_MAX:
            return
        raw = memoryview(packet)[1:]
        try:
            _, kind, _, size, following, flags = events.HEADER.unpack_from(raw)
            at = max(following - size, 0)
            if size != len(raw):
                raise wrong.Unreadable(f"an event of {size} bytes in {len(raw)} bytes")
            if kind == _ROTATE:
                # Before the first file's format, only the rotation that names it is sent.
                file = _next(events.parse(raw, at, told))
                continue
            if kind == _DESCRIPTION:
                told, at = events.format_of(raw), max(at, len(events.MAGIC))
        except wrong.UNREAD as damage:
            raise wrong.located(damage, file, at) from damage
        if told is not None:
            yield _new(Sent, (file, at, kind, flags, raw, told))


def _next(event: events.Event) -> str:
    """The file in a rotation. One that comes before its format is known may still have its checksum on: what is the sum of all before it.

    A digit at the checksum's beginning once made binlog.0000073 of binlog.000007: only the sum itself can tell.
    """
    summed = len(event.body) == len(event.raw) - events.HEADER_LENGTH
    body, tail = event.body, events.CHECKSUM_LENGTH
    if summed and zlib.crc32(event.raw[:-tail]) == int.from_bytes(event.raw[-tail:], "little"):
        body = body[:-tail]
    return str(body[8:], "utf-8", "replace")


def _introduce(server: connection.Server, heartbeat_s: float) -> int:
    """Say what we understand: checksums, MariaDB's own events; and under which number we are known."""
    number = secrets.randbelow(_IDS[1] - _IDS[0]) + _IDS[0]
    server.rows("SET @master_binlog_checksum = @@global.binlog_checksum, @source_binlog_checksum = @@global.binlog_checksum")
    period = round(heartbeat_s * 1_000_000_000)
    server.rows("SET @master_heartbeat_period = %s, @source_heartbeat_period = %s", [period, period])
    if server.mariadb:
        server.rows("SET @mariadb_slave_capability = 4")
    server.command(_REGISTER, struct.pack("<I", number) + b"\0\0\0" + struct.pack("<HII", 0, 0, 0))
    server.packet()
    return number


def _dump(server: connection.Server, since: Position, number: int, *, by_gtid: bool, follow: bool) -> None:
    flags = (0 if follow else _NON_BLOCK) | (_ANNOTATE if server.mariadb else 0)
    if not by_gtid:
        if since.offset > _OFFSET_MAX:
            todo = "Begin at the file's start, or by GTID."
            raise faults.BadInput(f"{since} is beyond what the protocol can name", where=server.where, todo=todo)
        server.command(_BINLOG_DUMP, struct.pack("<IHI", since.offset, flags, number) + since.file.encode())
        return
    with wrong.placed(str(since), 0):
        executed = gtids.Executed(since.gtids)
    if server.mariadb:
        server.rows("SET @slave_connect_state = %s", [str(executed)])
        server.command(_BINLOG_DUMP, struct.pack("<IHI", len(events.MAGIC), flags, number))
        return
    encoded = executed.encoded()
    server.command(_BINLOG_DUMP_GTID, struct.pack("<HIIQI", flags, number, 0, len(events.MAGIC), len(encoded)) + encoded)
