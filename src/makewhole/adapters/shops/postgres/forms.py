"""A PostgreSQL database and names of tables go in, their forms come out: everything that decides whether a row may be written back."""

# ruff: noqa: S608  statements of our own, whose parameters are parameters

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from makewhole.adapters import postgres
from makewhole.adapters.shops import rowforms
from makewhole.adapters.shops.postgres import ticking
from makewhole.core import faults
from makewhole.model.rollback import Column, Form, Reference

_PUBLISHED = (
    f"EXISTS (SELECT FROM pg_publication_tables p WHERE p.pubname = '{postgres.PUBLICATION}'"
    " AND p.schemaname = n.nspname AND p.tablename = c.relname)"
)
_PARTS = """WITH RECURSIVE below AS (SELECT c.oid UNION ALL SELECT i.inhrelid FROM pg_inherits i JOIN below ON i.inhparent = below.oid)
 SELECT bool_and(l.relreplident = 'f') FROM below JOIN pg_class l ON l.oid = below.oid WHERE l.relkind = 'r'"""
_TABLE = f"""SELECT c.oid, n.nspname, {_PUBLISHED}, ({_PARTS}), row_security_active(c.oid)
 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = current_schema() AND c.relname = %s AND c.relkind IN ('r', 'p')"""
# What an older server's catalogue has not got is NULL in the row's JSON, and no error.
_COLUMNS = """SELECT a.attname, format_type(a.atttypid, a.atttypmod), COALESCE(l.collname, ''),
 COALESCE(to_jsonb(a)->>'attgenerated', '') <> ''
 FROM pg_attribute a LEFT JOIN pg_collation l ON l.oid = a.attcollation AND l.collname <> 'default'
 WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""
_TYPES = """SELECT a.attname, a.atttypid::bigint, format_type(a.atttypid, -1), format_type(a.atttypid, a.atttypmod)
 FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
 JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = current_schema() AND c.relname = %s AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped"""
_KEY = """SELECT a.attname FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY k (attnum, place)
 JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum WHERE i.indisprimary AND i.indrelid = %s ORDER BY k.place"""
_PARENTS = """SELECT DISTINCT c.relname FROM pg_constraint k JOIN pg_class c ON c.oid = k.confrelid
 WHERE k.contype = 'f' AND k.conrelid = %s ORDER BY 1"""
_CHILDREN = f"""SELECT n.nspname || '.' || c.relname,
 (SELECT array_agg(a.attname::text ORDER BY u.place) FROM unnest(k.conkey) WITH ORDINALITY u (attnum, place)
  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum),
 (SELECT array_agg(a.attname::text ORDER BY u.place) FROM unnest(k.confkey) WITH ORDINALITY u (attnum, place)
  JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.attnum),
 k.confdeltype::text, k.confupdtype::text, {_PUBLISHED} AND ({_PARTS})
 FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE k.contype = 'f' AND k.confrelid = %s AND COALESCE(to_jsonb(k)->>'conparentid', '0') = '0' ORDER BY 1, k.conname"""
_TRIGGERS = """SELECT t.tgname, t.tgtype, t.tgqual IS NULL AND t.tgattr::text = '', p.proname, p.prosrc,
 split_part(encode(t.tgargs, 'escape'), '\\000', 1) FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
 WHERE t.tgrelid = %s AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') ORDER BY 1"""
_RULES = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
_WHOLE = frozenset({"smallint", "integer", "bigint"})


class Typed(NamedTuple):
    """A column's type: what reads it, and what a text is cast to."""

    number: int
    cast: str
    full: str
    """The type as people call it, with what it was given in brackets."""


def types(connection: sa.Connection, table: str) -> Mapping[str, Typed]:
    """The types of a table's columns now, by name."""
    return {name: Typed(*typed) for name, *typed in connection.exec_driver_sql(_TYPES, (table,))}


def describe(connection: sa.Connection, tables: Sequence[str], counters: rowforms.Counters) -> dict[str, Form]:
    """The forms of these tables of the current schema, by name in lower case; a table that is not there is left out. Raises BadInput for
    one whose rows are hidden from us, or whose writes the log would not tell whole."""
    found = (_form(connection, table, counters.get(table.lower(), "").lower()) for table in tables)
    return {form.table.lower(): form for form in found if form is not None}


def _form(connection: sa.Connection, table: str, counter: str) -> Form | None:
    def rows(sql: str, *given: object) -> list[Any]:
        return [tuple(row) for row in connection.exec_driver_sql(sql, given)]

    there = rows(_TABLE, table)
    if not there:
        return None
    ((oid, schema, published, whole, guarded),) = there
    _check(f'"{schema}"."{table}"', published=published, whole=bool(whole), guarded=guarded)
    triggers = [ticking.Trigger(*told) for told in rows(_TRIGGERS, oid)]
    ticks = frozenset[str]().union(*map(ticking.columns, triggers))
    return Form(
        table=table,
        columns=tuple(_column(told, counter, ticks) for told in rows(_COLUMNS, oid)),
        key=tuple(name for (name,) in rows(_KEY, oid)),
        parents=tuple(name for (name,) in rows(_PARENTS, oid)),
        children=tuple(_references(rows(_CHILDREN, oid))),
        triggers=tuple(t.told() for t in triggers),
    )


def _check(name: str, *, published: bool, whole: bool, guarded: bool) -> None:
    if guarded:
        todo = "Name an account that owns it or has BYPASSRLS: a row that is hidden looks like one that is gone."
        raise faults.BadInput(f"row-level security hides rows of {name} from this account", where="shop.hands_database", todo=todo)
    if not published:
        todo = f"ALTER TABLE {name} REPLICA IDENTITY FULL; ALTER PUBLICATION {postgres.PUBLICATION} ADD TABLE {name};"
        raise faults.BadInput(f"the log does not tell the changes of {name}", where="the publication", todo=todo)
    if not whole:
        todo = f"ALTER TABLE {name} REPLICA IDENTITY FULL; and of each part, if it is divided."
        what = f"our own writes of {name} would not be in the log whole: its REPLICA IDENTITY is not FULL"
        raise faults.BadInput(what, where=name, todo=todo)


def _column(told: Sequence[Any], counter: str, ticks: frozenset[str]) -> Column:
    name, kind, collation, generated = told
    ticking_ = name.lower() in ticks
    return Column(
        name=name,
        type=kind,
        collation=collation,
        written=not generated,
        ticks=ticking_,
        counts=name.lower() == counter and kind in _WHOLE and not ticking_,
    )


def _references(rows: Sequence[Any]) -> Iterator[Reference]:
    for table, columns, to, on_delete, on_update, told in rows:
        yield Reference(
            table=table, columns=tuple(columns), to=tuple(to), on_delete=_RULES[on_delete], on_update=_RULES[on_update], told=bool(told)
        )
