"""A shop's address goes in, a connection that reads its log comes out: questions in SQL, and the stream of what was committed.

Protocol: PostgreSQL, "Streaming Replication Protocol" and "Logical Streaming Replication Parameters": START_REPLICATION … LOGICAL.
"""

from __future__ import annotations

import contextlib
import select
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import pq, sql

from makewhole.adapters import postgres
from makewhole.adapters.changelog.postgres import messages
from makewhole.core import faults

CONNECT_SECONDS_MAX = 5
LOCK_SECONDS_MAX = 5
"""Waiting for a table that the shop is writing: ALTER TABLE holds up everybody behind it while it waits."""
ASK_SECONDS_MAX = 10
"""For one question to the catalogue."""
CONFIRM_SECONDS = 1.0
"""Between two words of ours while much is coming: the server cuts off who is silent for wal_sender_timeout, a minute."""
MESSAGES_SINCE = 140_000
"""The version from which pgoutput also sends what was said by pg_logical_emit_message."""
_DATA, _ALIVE, _STATUS = 0x77, 0x6B, b"r"
_DATA_HEAD, _ALIVE_BODY, _STATUS_BODY = 25, struct.Struct(">QqB"), struct.Struct(">cQQQqB")
_EPOCH_S = 946_684_800
_FULL = frozenset({"53400"})
"""What a server answers that has as many slots as it may."""
_ROOM = (
    "Raise max_replication_slots and max_wal_senders in postgresql.conf and start the server again, or drop a slot that nobody reads "
    "(pg_replication_slots tells them)."
)
_RIGHTS = "ALTER ROLE … REPLICATION for this account, or name one that may."


class Busy(Exception):
    """Somebody else is reading the slot."""


@dataclass(frozen=True)
class Alive:
    """Everything that was committed before this place has been sent; nothing more is there now."""

    at: int


class Session:
    """A connection for questions. Make it with `connected`."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]], where: str) -> None:
        self._connection, self.where = connection, where

    @property
    def version(self) -> int:
        """As in 150020 for 15.20."""
        return self._connection.info.server_version

    @property
    def user(self) -> str:
        """The account."""
        return self._connection.info.user

    def rows(self, text: str, *given: object) -> list[tuple[Any, ...]]:
        """The answer to a question. Parameters are called %s."""
        with translated(self.where):
            return self._connection.execute(sql.SQL(text), given or None).fetchall()

    def run(self, *statements: str) -> None:
        """Carry statements out, all of them or none."""
        with translated(self.where), self._connection.transaction():
            for text in statements:
                self._connection.execute(text)


@contextlib.contextmanager
def connected(url: sa.URL, *, seconds: int = ASK_SECONDS_MAX) -> Iterator[Session]:
    """A session whose statements may take so long. Raises Unavailable for a silent server, BadInput for an account that is refused."""
    where = url.render_as_string()
    bounds = f"-c statement_timeout={seconds}s -c lock_timeout={LOCK_SECONDS_MAX}s"
    with translated(where):
        connection = psycopg.connect(_conninfo(url), autocommit=True, connect_timeout=CONNECT_SECONDS_MAX, options=bounds)
    with contextlib.closing(connection):
        yield Session(connection, where)


class Copying:
    """What was committed, as the server sends it. Make it with `copying`; `confirmed` is what the server may forget."""

    def __init__(self, connection: pq.abc.PGconn) -> None:
        self._connection = connection
        self.confirmed = 0
        """Everything before this place is kept by us; 0 tells the server nothing, and it forgets nothing."""

    def read(self, patience: float) -> Iterator[bytes | Alive | None]:
        """Messages; Alive where the server has told all that there is, which it is asked after so many seconds of silence; None before
        there is a wait, when what has come can be put away. Never ends by itself."""
        spoken = heard = time.monotonic()
        while True:
            size, told = self._connection.get_copy_data(1)
            now = time.monotonic()
            if now - spoken > CONFIRM_SECONDS:
                self._speak(ask=False)
                spoken = now
            if size > 0:
                heard = now
                one = self._understood(bytes(told))
                if one is not None:
                    yield one
            elif size == 0:
                yield None
                if now - heard >= patience:
                    self._speak(ask=True)
                    spoken = heard = time.monotonic()
                self._wait(patience)
            else:
                self._over()

    def confirm(self) -> None:
        """Tell the server now what it may forget."""
        self._speak(ask=False)

    def _understood(self, told: bytes) -> bytes | Alive | None:
        match told[0]:
            case 0x77:
                return told[_DATA_HEAD:]
            case 0x6B:
                at, _, ask = _ALIVE_BODY.unpack(told[1:])
                if ask:
                    self._speak(ask=False)
                return Alive(at)
            case other:
                raise faults.Unavailable(f"the server streams something that is no log: {other:#x}")

    def _speak(self, *, ask: bool) -> None:
        """How far we are, on all three counts of the protocol; with `ask`, the server says at once how far it is."""
        at, clock = self.confirmed, int((time.time() - _EPOCH_S) * 1_000_000)
        self._connection.put_copy_data(_STATUS_BODY.pack(_STATUS, at, at, at, clock, ask))
        self._connection.flush()

    def _wait(self, seconds: float) -> None:
        select.select([self._connection.socket], [], [], seconds)
        self._connection.consume_input()

    def _over(self) -> None:
        """The server ended the stream: it says why, or went away."""
        result = self._connection.get_result()
        why = "" if result is None else result.error_message.decode("utf-8", "replace").strip()
        raise faults.Unavailable(f"the server ended its log: {why or 'it is going down'}")


@contextlib.contextmanager
def copying(url: sa.URL, slot: str, publication: str, since: int) -> Iterator[Copying]:
    """The slot's stream from this place on. Raises Busy where somebody else reads it, BadInput where it cannot be read."""
    where = url.render_as_string()
    with translated(where):
        connection = psycopg.connect(
            _conninfo(url),
            autocommit=True,
            connect_timeout=CONNECT_SECONDS_MAX,
            replication="database",
            options=postgres.SESSION,
            application_name="makewhole",
        )
    with contextlib.closing(connection), translated(where):
        low = connection.pgconn
        result = low.exec_(_start(slot, publication, since, connection.info.server_version).encode())
        if result.status != pq.ExecStatus.COPY_BOTH:
            raise _refused(result, slot, where)
        copy = Copying(low)
        yield copy
        _finish(low, copy)


def _start(slot: str, publication: str, since: int, version: int) -> str:
    said = ", messages 'true'" if version >= MESSAGES_SINCE else ""
    options = f"proto_version '1', publication_names '{publication}'{said}"
    return f'START_REPLICATION SLOT "{slot}" LOGICAL {messages.spell(since)} ({options})'


def _finish(low: pq.abc.PGconn, copy: Copying) -> None:
    """The last word, heard before we go: what the server may forget must not wait for the next reader."""
    copy.confirm()
    low.put_copy_end()
    while low.get_copy_data(0)[0] > 0:
        pass


def _refused(result: pq.abc.PGresult, slot: str, where: str) -> Exception:
    state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
    why = (result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b"").decode("utf-8", "replace")
    match state:
        case "55006":
            return Busy(why)
        case "42501":
            return faults.BadInput(f"the account may not read the log: {why}", where=where, todo=_RIGHTS)
        case _:
            return faults.BadInput(f"the slot {slot} cannot be read: {why}", where=where, todo="makewhole doctor says what it lacks.")


def _conninfo(url: sa.URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


@contextlib.contextmanager
def translated(where: str) -> Iterator[None]:
    """The driver's errors become ours."""
    try:
        yield
    except psycopg.Error as wrong:
        state, text = wrong.sqlstate or "", (wrong.diag.message_primary or str(wrong)).strip()
        if "wal sender" in text.lower() or "walsender" in text:
            # Said before there is a session, and so without a code.
            raise faults.BadInput(f"the account may not read the log: {text}", where=where, todo=_RIGHTS) from wrong
        if state in _FULL or any(name in text for name in ("max_replication_slots", "max_wal_senders")):
            raise faults.BadInput(f"the server has no room for a reader of its log: {text}", where=where, todo=_ROOM) from wrong
        if state.startswith(("08", "53", "55P03", "57")) or (isinstance(wrong, psycopg.OperationalError) and not _denied(state, text)):
            raise faults.Unavailable(f"the shop's database cannot be asked for its log: {text}", code=state) from wrong
        todo = "Check the address and the account's rights."
        if state == "42501":
            todo = "Run it by an account that may: the tables' owner, with REPLICATION."
        raise faults.BadInput(f"the shop's database refuses: {text}", where=where, todo=todo) from wrong


def _denied(state: str, text: str) -> bool:
    """Without a state the words are the library's own, and the server was not heard, unless it refused us by name."""
    return bool(state) or any(word in text for word in ("authentication", "does not exist", "no pg_hba", "password"))
