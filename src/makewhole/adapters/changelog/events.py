"""Bytes of a log go in, events with their checksum verified come out; what is inside an event is for others to read.

Format: MySQL, "Binary Log Event" (v4 header of 19 bytes); MariaDB, "Replication Protocol: 2-Binlog Event Header".
"""

from __future__ import annotations

import enum
import struct
import zlib
from collections.abc import Generator
from dataclasses import dataclass
from typing import NamedTuple

from makewhole.adapters.changelog.wrong import UNREAD, Unreadable, located

MAGIC = b"\xfebin"
ENCRYPTED_MAGIC = b"\xfdbin"
HEADER_LENGTH = 19
CHECKSUM_LENGTH = 4
HEADER = struct.Struct("<IBIIIH")
RESIDUE = 0x2144DF1C
"""The CRC32 of whatever ends with its own CRC32, lowest byte first."""
_new = tuple.__new__
"""Makes a named tuple in half the time of its own constructor, which counts where a log has hundreds of millions of events."""
IN_USE = 0x0001
"""Flag of the format description: the server has not closed this file."""
ARTIFICIAL = 0x0020
IGNORABLE = 0x0080
"""Whoever does not know an event with this flag may pass it by, says the format."""


class Type(enum.IntEnum):
    """Events that are met, by their number on the wire."""

    QUERY = 2
    STOP = 3
    ROTATE = 4
    INTVAR = 5
    LOAD = 6
    CREATE_FILE = 8
    APPEND_BLOCK = 9
    EXEC_LOAD = 10
    DELETE_FILE = 11
    NEW_LOAD = 12
    RAND = 13
    USER_VAR = 14
    FORMAT_DESCRIPTION = 15
    XID = 16
    BEGIN_LOAD_QUERY = 17
    EXECUTE_LOAD_QUERY = 18
    TABLE_MAP = 19
    PRE_GA_WRITE_ROWS = 20
    PRE_GA_UPDATE_ROWS = 21
    PRE_GA_DELETE_ROWS = 22
    WRITE_ROWS_V1 = 23
    UPDATE_ROWS_V1 = 24
    DELETE_ROWS_V1 = 25
    INCIDENT = 26
    HEARTBEAT = 27
    IGNORABLE_EVENT = 28
    ROWS_QUERY = 29
    WRITE_ROWS = 30
    UPDATE_ROWS = 31
    DELETE_ROWS = 32
    GTID = 33
    ANONYMOUS_GTID = 34
    PREVIOUS_GTIDS = 35
    TRANSACTION_CONTEXT = 36
    VIEW_CHANGE = 37
    XA_PREPARE = 38
    PARTIAL_UPDATE_ROWS = 39
    TRANSACTION_PAYLOAD = 40
    HEARTBEAT_V2 = 41
    GTID_TAGGED = 42
    MARIA_ANNOTATE_ROWS = 160
    MARIA_BINLOG_CHECKPOINT = 161
    MARIA_GTID = 162
    MARIA_GTID_LIST = 163
    MARIA_START_ENCRYPTION = 164
    MARIA_QUERY_COMPRESSED = 165
    MARIA_WRITE_ROWS_COMPRESSED_V1 = 166
    MARIA_UPDATE_ROWS_COMPRESSED_V1 = 167
    MARIA_DELETE_ROWS_COMPRESSED_V1 = 168
    MARIA_WRITE_ROWS_COMPRESSED = 169
    MARIA_UPDATE_ROWS_COMPRESSED = 170
    MARIA_DELETE_ROWS_COMPRESSED = 171


_DESCRIPTION = int(Type.FORMAT_DESCRIPTION)


class Event(NamedTuple):
    """One event: `raw` is all of it, `body` without header and checksum. `at` and `end` are offsets in its file; `when` is Unix seconds."""

    kind: int
    at: int
    end: int
    when: int
    flags: int
    server: int
    body: memoryview
    raw: memoryview


@dataclass(frozen=True, kw_only=True)
class Format:
    """How the rest of a file is written, from its first event."""

    server_version: str
    checksummed: bool
    lengths: bytes
    """Of each kind of event's fixed part, from kind 1."""
    in_use: bool = False
    raw: bytes = b""
    """The first event itself, for whoever keeps parts of the file."""

    @property
    def mariadb(self) -> bool:
        """Whose dialect it is."""
        return "mariadb" in self.server_version.lower()

    @property
    def year_signed(self) -> bool | None:
        """Whether a bit of signedness is written for YEAR: seen in every MariaDB and in MySQL from 8.0.29 on, not in 8.0.15 and before;
        None for what lies between."""
        version = _version(self.server_version)
        return True if self.mariadb or version >= (8, 0, 29) else False if version <= (8, 0, 15) else None

    def fixed(self, kind: int) -> int:
        """Bytes of the fixed part of this kind of event. Raises Unreadable for a kind that the server did not announce."""
        try:
            return self.lengths[kind - 1]
        except IndexError:
            raise Unreadable(f"an event of kind {kind}, which this file's first event does not announce") from None


def size_of(head: bytes | memoryview) -> int:
    """Bytes of the event that begins with this header. Raises Unreadable for a size that no event has."""
    size = int.from_bytes(head[9:13], "little")
    if size < HEADER_LENGTH:
        raise Unreadable(f"an event of {size} bytes, less than its own header: the file is damaged")
    return size


def parse(raw: memoryview, at: int, told: Format | None) -> Event:
    """One event from all its bytes, which begin at `at`. Raises Unreadable where the checksum is not that of the bytes."""
    when, kind, server, size, following, flags = HEADER.unpack_from(raw)
    if size != len(raw):
        raise Unreadable(f"an event of {size} bytes in {len(raw)} bytes")
    body = raw[HEADER_LENGTH:]
    if told is not None and told.checksummed and kind != Type.FORMAT_DESCRIPTION:
        stored = int.from_bytes(raw[-CHECKSUM_LENGTH:], "little")
        if zlib.crc32(raw[:-CHECKSUM_LENGTH]) == stored:
            body = body[:-CHECKSUM_LENGTH]
        elif not (kind == Type.ROTATE and flags & ARTIFICIAL):
            # The rotation that a server invents for a replica is written before that file's format is known.
            raise Unreadable(f"the checksum of an event of kind {kind} is not that of its bytes: it is damaged")
    return Event(kind, at, following or at + size, when, flags, server, body, raw)


Placed = tuple[str, Event, Format]
"""The file's name, an event of it, and how that file is written."""


def walk(raw: memoryview, at: int, told: Format, file: str, base: int = 0) -> Generator[Placed, None, int]:
    """The events of a file from this place on, each with its checksum verified; returns where it stopped: the end, or what is not whole.

    `base` is where in the file these bytes begin. Raises BadInput, which names the file and the byte. Every byte of a log goes through
    here: it says at once what `parse` says step by step, and leaves to `parse` whatever is not as it nearly always is.
    """
    size, tail = len(raw), CHECKSUM_LENGTH if told.checksummed else 0
    least = HEADER_LENGTH + tail
    try:
        while at + HEADER_LENGTH <= size:
            when, kind, server, length, following, flags = HEADER.unpack_from(raw, at)
            end = at + length
            if end > size:
                break
            whole = raw[at:end]
            if length < least or kind == _DESCRIPTION:
                _check_unusual(raw[at : at + size_of(whole)], at + base, told)
            elif tail and zlib.crc32(whole) != RESIDUE:
                yield file, parse(whole, at + base, told), told
            else:
                body = raw[at + HEADER_LENGTH : end - tail]
                yield file, _new(Event, (kind, at + base, following or end + base, when, flags, server, body, whole)), told
            at = end
    except UNREAD as damage:
        raise located(damage, file, at + base) from damage
    return at


def _check_unusual(raw: memoryview, at: int, told: Format) -> None:
    """Raises Unreadable for an event that is too short for its checksum. A format description may be there, though none stands in the
    middle of a file: its sum is made in another way."""
    if parse(raw, at, told).kind != Type.FORMAT_DESCRIPTION:
        raise Unreadable(f"an event of {len(raw)} bytes, too short for its checksum")
    format_of(raw)


def format_of(raw: memoryview) -> Format:
    """What a format description says. Raises Unreadable for a log older than v4, or a damaged one."""
    body = raw[HEADER_LENGTH:]
    if len(body) < 57 + 5:
        raise Unreadable("the first event is too short for a format description")
    version = int.from_bytes(body[:2], "little")
    if version != 4 or body[56] != HEADER_LENGTH:
        raise Unreadable(f"a log of format {version}", "Only format 4 is read: MySQL 5.0 and newer, every MariaDB.")
    server = bytes(body[2:52]).rstrip(b"\0").decode("ascii", "replace")
    if not _tells_checksum(server):
        return Format(server_version=server, checksummed=False, lengths=bytes(body[57:]), in_use=bool(raw[17] & IN_USE), raw=bytes(raw))
    algorithm = body[-CHECKSUM_LENGTH - 1]
    if algorithm not in {0, 1}:
        raise Unreadable(f"checksums of algorithm {algorithm}", "Only CRC32 and none are known.")
    flags = raw[17]
    if algorithm == 1:
        # The server sums the event up as if the file were closed already.
        plain = bytes(raw[:17]) + bytes([flags & ~IN_USE]) + bytes(raw[18:-CHECKSUM_LENGTH])
        if zlib.crc32(plain) != int.from_bytes(raw[-CHECKSUM_LENGTH:], "little"):
            raise Unreadable("the checksum of the file's first event is not that of its bytes: it is damaged")
    lengths = bytes(body[57 : -CHECKSUM_LENGTH - 1])
    return Format(server_version=server, checksummed=algorithm == 1, lengths=lengths, in_use=bool(flags & IN_USE), raw=bytes(raw))


def _tells_checksum(server: str) -> bool:
    """MySQL from 5.6.1 and MariaDB from 5.3 end the first event with the checksum's algorithm."""
    return _version(server) >= ((5, 3) if "mariadb" in server.lower() else (5, 6, 1))


def _version(server: str) -> tuple[int, ...]:
    return tuple(int("".join(c for c in part if c.isdigit()) or "0") for part in server.split("-", 1)[0].split(".")[:3])


def lenenc(raw: bytes | memoryview, at: int) -> tuple[int, int]:
    """A length-encoded integer and where it ends."""
    first = raw[at]
    if first < 251:
        return first, at + 1
    width = {252: 2, 253: 3, 254: 8}.get(first)
    if width is None:
        raise Unreadable(f"a length that begins with {first}")
    return int.from_bytes(raw[at + 1 : at + 1 + width], "little"), at + 1 + width
