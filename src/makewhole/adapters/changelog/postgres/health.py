"""A shop's address goes in, what is wrong with its log comes out: what it lacks, what it holds back, and what that may do to the server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from makewhole.adapters.changelog.postgres import session, setup, slots
from makewhole.adapters.changelog.postgres.slots import Slot, Table

HELD_BYTES_WARN = 1 << 30
"""Of the server's log that nobody has taken out of the slot: a gigabyte is a busy shop's quarter of an hour, or an idle one's week."""


@dataclass(frozen=True, kw_only=True)
class Health:
    """What there is to say of a slot."""

    slot: Slot
    bounded: bool
    """Whether the server gives the slot up before it fills the disk (max_slot_wal_keep_size), or is too old to be told."""
    partly: tuple[str, ...]
    """The statements after which rows as they were would be told whole."""
    unpublished: tuple[Table, ...]

    @property
    def heavy(self) -> bool:
        """Whether much is held back."""
        return self.slot.held_bytes > HELD_BYTES_WARN

    @property
    def drop(self) -> str:
        """What gives the server its disk back, and loses what was not read."""
        return f"SELECT pg_drop_replication_slot('{self.slot.name}')"


def look(url: sa.URL, tables: Sequence[tuple[str, str]]) -> Health:
    """Reads only. Raises BadInput, with what to do, where there is no log to be read; Unavailable for a silent server."""
    with session.connected(url) as asked:
        server, slot = slots.readable(asked, slots.slot_name(url.database or ""))
        told = slots.tables(asked, tables)
        old = asked.version < slots.BOUND_SINCE
    return Health(
        slot=slot,
        bounded=old or server.keeps_bytes_max is not None,
        partly=tuple(sql for t in told for sql in setup.full(t)),
        unpublished=tuple(t for t in told if not t.published),
    )
