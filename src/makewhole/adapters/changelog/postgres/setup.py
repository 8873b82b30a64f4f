"""A shop's tables go in, the statements come out after which its server keeps their changes for us; they are run only when asked for.

The order matters. A table that is published without a way to tell its old rows refuses every UPDATE and DELETE of the shop: so its REPLICA
IDENTITY comes first. A slot that is older than its publication cannot be read: so the slot comes last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from makewhole.adapters import postgres
from makewhole.adapters.changelog.postgres import session, slots
from makewhole.adapters.changelog.postgres.messages import Identity
from makewhole.adapters.changelog.postgres.session import Session
from makewhole.core import faults

MAKE_SECONDS_MAX = 120
"""A slot begins when every transaction is over that was under way."""
_ROOT_SINCE = 130_000
"""The version from which rows of a divided table can be told under its own name."""


def script(url: sa.URL, tables: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Every statement that `install` would carry out now, in its order; none where all is there. Reads only. Raises BadInput for a table
    (schema, name) that is not there, and for a server whose log tells no rows."""
    with session.connected(url) as asked:
        before, slot = _script(asked, slots.slot_name(url.database or ""), tables)
    return (*before, *slot)


def install(url: sa.URL, tables: Sequence[tuple[str, str]]) -> None:
    """Carry them out: all but the slot in one transaction, which the slot must follow. Again where something is missing: what is there
    stays. Raises BadInput for an account that may not, Unavailable where the shop's own writing stands in the way."""
    with session.connected(url, seconds=MAKE_SECONDS_MAX) as asked:
        before, slot = _script(asked, slots.slot_name(url.database or ""), tables)
        if before:
            asked.run(*before)
        for text in slot:
            asked.rows(text)


def full(table: slots.Table) -> Iterator[str]:
    """The statements after which a table tells its rows as they were, whole."""
    for schema, name, identity in ((table.schema, table.name, table.identity), *table.leaves):
        if identity is not Identity.FULL:
            yield f"ALTER TABLE {slots.quoted(schema)}.{slots.quoted(name)} REPLICA IDENTITY FULL"


def _script(asked: Session, slot: str, names: Sequence[tuple[str, str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is one transaction, and what comes after it."""
    slots.telling(asked)
    told = slots.tables(asked, names)
    found = {(t.schema.lower(), t.name.lower()) for t in told}
    missing = [f"{schema}.{name}" for schema, name in names if (schema.lower(), name.lower()) not in found]
    if missing:
        raise faults.BadInput(f"the database has no table {missing[0]}", where=asked.where, todo="Check the shop file.")
    identities = [sql for table in told for sql in full(table)]
    make = () if slots.slot(asked, slot) else (f"SELECT pg_create_logical_replication_slot('{slot}', 'pgoutput')",)
    return (*identities, *_publication(asked, told)), make


def _publication(asked: Session, told: Sequence[slots.Table]) -> Iterator[str]:
    new = ", ".join(t.quoted() for t in told if not t.published)
    if not new:
        return
    if slots.published(asked):
        yield f"ALTER PUBLICATION {postgres.PUBLICATION} ADD TABLE {new}"
        return
    divided = any(t.leaves for t in told) and asked.version >= _ROOT_SINCE
    yield f"CREATE PUBLICATION {postgres.PUBLICATION} FOR TABLE {new}" + (" WITH (publish_via_partition_root = true)" if divided else "")
