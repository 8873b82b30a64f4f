"""A database's catalogue goes in; what keeps its log for us comes out: the slot, the publication, and what each table tells of old rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from makewhole.adapters import postgres
from makewhole.adapters.changelog.postgres import messages
from makewhole.adapters.changelog.postgres.messages import Identity
from makewhole.adapters.changelog.postgres.session import Session
from makewhole.core import faults

_SLOT = "makewhole_"
NAME_LENGTH_MAX = 63
"""Characters of a slot's name, which is one for the whole server: so it carries the database's."""
MAKE = "makewhole attach --slot --shop FILE shows what makes it, and makes it when told to."
BOUND_SINCE = 130_000
"""The version from which a server can be kept from filling its disk for a slot, and says how a slot stands."""


@dataclass(frozen=True, kw_only=True)
class Slot:
    """What a slot is and keeps."""

    name: str
    plugin: str
    confirmed: int
    """Everything before this place the server may forget."""
    reader: int | None
    """The process that reads it now."""
    held_bytes: int
    """Of the server's log, which it may not throw away for the slot."""
    status: str
    """reserved, extended, unreserved or lost; empty where the server is too old to say."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """What the log tells of a table."""

    schema: str
    name: str
    identity: Identity
    published: bool
    leaves: tuple[tuple[str, str, Identity], ...] = ()
    """Schema, name and identity of the tables that hold its rows, where it is divided."""

    def quoted(self) -> str:
        """As it stands in SQL."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"


@dataclass(frozen=True, kw_only=True)
class Server:
    """Which log this is, and where it ends."""

    system: str
    """The server's own number and the database: no other log has it."""
    end: int
    level: str
    """wal_level."""
    keeps_bytes_max: int | None
    """max_slot_wal_keep_size; None without a bound."""
    now: datetime
    """By its own clock."""


def slot_name(database: str) -> str:
    """The slot of this database."""
    return (_SLOT + re.sub(r"[^a-z0-9_]", "_", database.lower()))[:NAME_LENGTH_MAX]


def quoted(name: str) -> str:
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def server(session: Session) -> Server:
    """Raises BadInput for one that is itself a copy: it has no log of its own to keep."""
    ((copy,),) = session.rows("SELECT pg_is_in_recovery()")
    if copy:
        todo = "Name the address of the server that is written to."
        raise faults.BadInput("this server is a standby: its slots would not be its own", where=session.where, todo=todo)
    ((system, database, end, level, keeps, now),) = session.rows(
        "SELECT (SELECT system_identifier FROM pg_control_system()), current_database(), pg_current_wal_flush_lsn(),"
        " current_setting('wal_level'), current_setting('max_slot_wal_keep_size', true), now()"
    )
    most = None if keeps in {None, "-1"} else int(session.rows("SELECT pg_size_bytes(%s)", keeps)[0][0])
    ends = messages.place(end)
    return Server(system=f"{system}/{database}", end=ends, level=level, keeps_bytes_max=most, now=now.astimezone(UTC))


def slot(session: Session, name: str) -> Slot | None:
    """The slot of this name, where there is one."""
    status = "wal_status" if session.version >= BOUND_SINCE else "''"
    told = session.rows(
        f"SELECT plugin, confirmed_flush_lsn, active_pid, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint, {status}"  # noqa: S608
        " FROM pg_replication_slots WHERE slot_name = %s AND database = current_database()",
        name,
    )
    if not told:
        return None
    plugin, confirmed, reader, held, stands = told[0]
    place = messages.place(confirmed) if confirmed else 0
    return Slot(name=name, plugin=plugin or "", confirmed=place, reader=reader, held_bytes=max(held or 0, 0), status=stands or "")


def tables(session: Session, names: Sequence[tuple[str, str]]) -> tuple[Table, ...]:
    """Those of these tables (schema, name) that there are. Names are compared without case, as shop files do."""
    told: list[Table] = []
    for schema, name in dict.fromkeys(names):
        rows = session.rows(
            "SELECT n.nspname, c.relname, c.relreplident::text, c.oid, EXISTS (SELECT FROM pg_publication_tables p"
            " WHERE p.pubname = %s AND p.schemaname = n.nspname AND p.tablename = c.relname)"
            " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'p') AND lower(n.nspname) = lower(%s) AND lower(c.relname) = lower(%s)",
            postgres.PUBLICATION,
            schema,
            name,
        )
        told += [
            Table(schema=s, name=t, identity=Identity(identity), published=bool(there), leaves=_leaves(session, oid))
            for s, t, identity, oid, there in rows[:1]
        ]
    return tuple(told)


def _leaves(session: Session, oid: int) -> tuple[tuple[str, str, Identity], ...]:
    """The tables that hold a divided table's rows."""
    rows = session.rows(
        "WITH RECURSIVE below AS (SELECT inhrelid AS r FROM pg_inherits WHERE inhparent = %s"
        " UNION ALL SELECT i.inhrelid FROM pg_inherits i JOIN below ON i.inhparent = below.r)"
        " SELECT n.nspname, c.relname, c.relreplident::text FROM below JOIN pg_class c ON c.oid = below.r"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' ORDER BY 1, 2",
        oid,
    )
    return tuple((s, t, Identity(i)) for s, t, i in rows)


def published(session: Session) -> bool:
    """Whether there is a publication of ours at all."""
    return bool(session.rows("SELECT 1 FROM pg_publication WHERE pubname = %s", postgres.PUBLICATION))


def telling(session: Session) -> Server:
    """A server whose log tells rows. Raises BadInput for another one."""
    told = server(session)
    if told.level != "logical":
        todo = "Set wal_level = logical in postgresql.conf and start the server again."
        raise faults.BadInput(f"the server's log does not tell rows (wal_level is {told.level})", where=session.where, todo=todo)
    return told


def readable(session: Session, name: str) -> tuple[Server, Slot]:
    """The server and a slot that can be read. Raises BadInput, with what to do, where there is none."""
    told = telling(session)
    found = slot(session, name)
    if found is None:
        raise faults.BadInput(f"nothing keeps this shop's changes: there is no slot {name}", where=session.where, todo=MAKE)
    if found.plugin != "pgoutput":
        todo = f"Drop it (SELECT pg_drop_replication_slot('{name}')) if it is nobody else's. {MAKE}"
        raise faults.BadInput(f"the slot {name} speaks {found.plugin or 'no row'} and not pgoutput", where=session.where, todo=todo)
    if found.status == "lost":
        raise faults.BadInput(
            f"the server has thrown away what the slot {name} still needed (max_slot_wal_keep_size)", where=session.where, todo=anew(name)
        )
    return told, found


def anew(name: str) -> str:
    """What to do about a slot whose changes are lost."""
    return f"Drop it: SELECT pg_drop_replication_slot('{name}'). {MAKE} What was written in between, nobody tells."
