"""A database of one's own on a real PostgreSQL server, whose changes are kept by a slot that is dropped in the end."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy as sa

from makewhole.adapters.changelog.postgres import session, setup, slots
from tests.servers import postgres

WAITS_MAX, WAIT_S = 600, 0.05
Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Slotted:
    """What a test works with. `shop` is the shop's own connection, each statement a transaction."""

    server: postgres.Server
    database: str
    shop: Connection

    @property
    def url(self) -> sa.URL:
        """The reader's address."""
        return sa.make_url(self.server.url(self.database, "reader"))

    @property
    def slot(self) -> str:
        """The slot's name."""
        return slots.slot_name(self.database)

    def keep(self, *tables: str) -> None:
        """Have the changes of these tables kept."""
        setup.install(sa.make_url(self.server.url(self.database)), [("public", t) for t in tables])

    def confirmed(self) -> str:
        """How far the server has forgotten."""
        return str(self.ask("SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = %s", self.slot)[0][0])

    def take_out(self) -> None:
        """As if somebody else read the slot to its end; as soon as whoever read it last is gone, which his server may hear of late."""
        reading = "SELECT 1 FROM pg_replication_slots WHERE slot_name = %s AND active_pid IS NOT NULL"
        for _ in range(WAITS_MAX):
            if not self.ask(reading, self.slot):
                break
            time.sleep(WAIT_S)
        self.ask("SELECT pg_replication_slot_advance(%s, pg_current_wal_lsn())", self.slot)

    def ask(self, text: str, *given: object) -> list[tuple[Any, ...]]:
        """The answer to a question."""
        return self.shop.execute(text, given or None).fetchall()


@contextlib.contextmanager
def slotted(server: postgres.Server, *statements: str) -> Iterator[Slotted]:
    """With these tables."""
    database = server.create_database()
    shop = psycopg.connect(server.url(database).replace("+psycopg", ""), autocommit=True)
    with contextlib.closing(shop):
        for text in statements:
            shop.execute(text)
        try:
            yield Slotted(server, database, shop)
        finally:
            with server.root_connection() as root:
                drop(root, database)


_speak = session.Copying._speak


def unheard(self: session.Copying, *, ask: bool) -> None:
    """Instead of `_speak`: all but what the server may forget, as if we were killed before that word."""
    confirmed, self.confirmed = self.confirmed, 0
    _speak(self, ask=ask)
    self.confirmed = confirmed


def drop(root: Connection, database: str) -> None:
    """A slot that nobody reads keeps the server's log for ever, and a server has ten. One that is still read is let go of first."""
    slots_of = "FROM pg_replication_slots WHERE database = %s"
    root.execute(f"SELECT pg_terminate_backend(active_pid, 5000) {slots_of} AND active_pid IS NOT NULL", (database,))
    root.execute(f"SELECT pg_drop_replication_slot(slot_name) {slots_of} AND NOT active", (database,))
