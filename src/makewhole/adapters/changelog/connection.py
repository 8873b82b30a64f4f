"""A server's address goes in; a connection that reads its log as a replica comes out, and answers what its settings and tables are.

Handshake, TLS and every login (caching_sha2_password too) are PyMySQL's. The commands of replication it does not know: they are written
here over its packets, which is the one place that uses what PyMySQL does not promise.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Protocol, cast

import pymysql
import sqlalchemy as sa
from pymysql.connections import Connection

from makewhole.adapters import mysql
from makewhole.adapters.changelog import schemas
from makewhole.core import faults
from makewhole.ports import trails

CONNECT_SECONDS_MAX = 5
READ_SECONDS_MAX = 60
"""A log that is read to its end never pauses: whoever says nothing for a minute is gone."""
_PACKET_BYTES_MAX = 0xFFFFFF
_LOST = 2013
_UNREACHABLE = frozenset({1040, 1129, 1130, 1203, 1226, 2002, 2003, 2005, 2006, 2013, 2055})
_DENIED = frozenset({1044, 1045, 1049, 1142, 1143, 1227, 1251, 1698, 2049, 2061})
_LOGIN = frozenset({1045, 1251, 1698, 2049, 2061})
"""Nobody was let in at all."""
_PRIVILEGE = "GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO the account that reads; SELECT alone cannot read the log."


class _Wire(Protocol):
    """What is used of PyMySQL's connection beyond its promises."""

    server_version: str
    _next_seq_id: int
    _rfile: BinaryIO

    def _execute_command(self, command: int, sql: bytes) -> None: ...

    def _read_bytes(self, num_bytes: int) -> bytes: ...

    def _force_close(self) -> None: ...


class Server:
    """One connection to a server, for its settings, its definitions and its log."""

    def __init__(self, connection: Connection[Any], where: str) -> None:
        self._connection, self.where = connection, where

    @property
    def mariadb(self) -> bool:
        """Whose dialect it speaks."""
        return "mariadb" in cast("_Wire", self._connection).server_version.lower()

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        with translated(self.where), self._connection.cursor() as cursor:
            cursor.execute(sql, values)
            return list(cursor.fetchall())

    def variable(self, name: str) -> str:
        """A setting of the server; empty where it has none of this name."""
        told = self.rows("SHOW GLOBAL VARIABLES LIKE %s", [name])
        return str(told[0][1]) if told else ""

    def definition(self, schema: str, table: str) -> schemas.Definition | None:
        """The table as it is now."""
        told = self.rows(
            "SELECT column_name, data_type, column_type, character_set_name, numeric_precision, numeric_scale, column_key, extra "
            "FROM information_schema.columns WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position",
            [schema, table],
        )
        if not told:
            return None
        columns = [
            schemas.ColumnDefinition(
                name=str(name), data_type=str(kind), column_type=_text(full), charset=charset, precision=precision, scale=scale
            )
            for name, kind, full, charset, precision, scale, _, _ in told
        ]
        return schemas.Definition(columns=columns, key=tuple(i for i, row in enumerate(told) if row[6] == "PRI"))

    def command(self, number: int, payload: bytes) -> None:
        """Send a command of the protocol."""
        with translated(self.where):
            cast("_Wire", self._connection)._execute_command(number, payload)  # noqa: SLF001  see above

    def packet(self) -> bytes:
        """One whole packet. Errors of the server are raised as faults."""
        return next(self.packets())

    def packets(self) -> Iterator[bytes]:
        """Every packet that comes from now on, whole: larger than 16 MiB it comes in parts. Errors of the server are raised as faults."""
        wire = cast("_Wire", self._connection)
        with translated(self.where):
            # The first read says the time-out; afterwards its own bookkeeping would cost more than the reading.
            head, read = wire._read_bytes(4), wire._rfile.read  # noqa: SLF001  see above
            while True:
                size = int.from_bytes(head[:3], "little")
                told = _whole(read(size), size)
                while size == _PACKET_BYTES_MAX:
                    head = _whole(read(4), 4)
                    size = int.from_bytes(head[:3], "little")
                    told += _whole(read(size), size)
                wire._next_seq_id = (head[3] + 1) % 256  # noqa: SLF001  see above
                if told[:1] == b"\xff":
                    number = struct.unpack_from("<H", told, 1)[0]
                    raise pymysql.err.OperationalError(number, told[3:].decode("utf-8", "replace").removeprefix("#HY000"))
                yield told
                head = _whole(read(4), 4)


def _whole(told: bytes, size: int) -> bytes:
    if len(told) < size:
        raise pymysql.err.OperationalError(_LOST, "the server hung up")
    return told


def _text(told: object) -> str:
    return told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)


@contextlib.contextmanager
def connected(url: sa.URL) -> Iterator[Server]:
    """A connection to the server of this address; with TLS where the address says so (ssl_ca, ssl_verify_cert)."""
    where = url.render_as_string(hide_password=True)
    query = {k: v for k, v in url.query.items() if isinstance(v, str)}
    with translated(where):
        connection = mysql.Connection(
            host=url.host,
            port=url.port or 3306,
            unix_socket=query.get("unix_socket"),
            user=url.username,
            password=url.password or "",
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=CONNECT_SECONDS_MAX,
            read_timeout=READ_SECONDS_MAX,
            ssl_ca=query.get("ssl_ca"),
            ssl_cert=query.get("ssl_cert"),
            ssl_key=query.get("ssl_key"),
            ssl_verify_cert=_flag(query.get("ssl_verify_cert")),
            ssl_verify_identity=_flag(query.get("ssl_verify_identity")),
        )
    try:
        yield Server(connection, where)
    finally:
        # A dump that was not read to its end leaves packets behind: the connection is cut, not closed politely.
        cast("_Wire", connection)._force_close()  # noqa: SLF001  see above


def _flag(told: str | None) -> bool | None:
    return None if told is None else told.lower() in {"1", "true", "yes"}


@contextlib.contextmanager
def translated(where: str) -> Iterator[None]:
    """Every error of the server inside becomes one of ours."""
    try:
        yield
    except pymysql.err.MySQLError as wrong:
        number = wrong.args[0] if wrong.args and isinstance(wrong.args[0], int) else -1
        text = str(wrong.args[1]) if len(wrong.args) > 1 else str(wrong)
        if number in _DENIED:
            todo = f"Check the account's name and its password (MAKEWHOLE_SHOP_PASSWORD). {_PRIVILEGE}" if number in _LOGIN else _PRIVILEGE
            raise faults.BadInput(f"the server refuses us its change log: {text}", where=where, todo=todo) from wrong
        if number == 1236:
            raise trails.Purged(f"the server cannot send its log from there: {text}", where=where, todo=_todo(text)) from wrong
        if number in _UNREACHABLE:
            raise faults.Unavailable(f"the shop's database cannot be reached: {text}", code=str(number)) from wrong
        raise faults.Defect(f"the shop's database answers {number}: {text}") from wrong
    except OSError as wrong:
        raise faults.Unavailable(f"the connection was lost: {wrong}") from wrong


def _todo(text: str) -> str:
    """What a person can do about the many meanings of error 1236."""
    low = text.lower()
    if "purged" in low or "could not find" in low or "not find first log" in low:
        return "The server has purged it: read on from an archive, or from the oldest file that is left."
    if "gtid_mode" in low:
        return "With gtid_mode OFF_PERMISSIVE or ON_PERMISSIVE the server sends both kinds; or read those files by themselves (--log)."
    return "Nothing can be read from there: the place is inside an event, or the log was begun anew since (RESET MASTER)."
