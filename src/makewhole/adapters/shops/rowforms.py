"""A database and names of tables go in, their forms come out: everything that decides whether a row may be written back, and how."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from makewhole.core import faults
from makewhole.model import rollback
from makewhole.model.rollback import Column, Form, Reference

Counters = Mapping[str, str]
"""By table, lower case: the column in which the shop counts a row's writes."""
_COLUMNS = """SELECT column_name, column_type, collation_name, extra FROM information_schema.columns
WHERE table_schema = DATABASE() AND table_name = %s ORDER BY ordinal_position"""
_KEY = """SELECT column_name FROM information_schema.key_column_usage
WHERE table_schema = DATABASE() AND table_name = %s AND constraint_name = 'PRIMARY' ORDER BY ordinal_position"""
_PARENTS = """SELECT DISTINCT referenced_table_name FROM information_schema.key_column_usage
WHERE table_schema = DATABASE() AND table_name = %s AND referenced_table_name IS NOT NULL ORDER BY 1"""
_CHILDREN = """SELECT k.table_schema, k.table_name, k.constraint_name, k.column_name, k.referenced_column_name, r.delete_rule, r.update_rule
FROM information_schema.key_column_usage k JOIN information_schema.referential_constraints r
ON r.constraint_schema = k.table_schema AND r.constraint_name = k.constraint_name AND r.table_name = k.table_name
WHERE k.referenced_table_schema = DATABASE() AND k.referenced_table_name = %s
AND k.table_schema NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')
AND r.constraint_schema NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema') ORDER BY 1, 2, 3, k.ordinal_position"""
"""The server's own schemas are left out because MariaDB opens every table and view of those that are not."""
_TRIGGERS = """SELECT trigger_name, action_timing, event_manipulation FROM information_schema.triggers
WHERE event_object_schema = DATABASE() AND event_object_table = %s ORDER BY 1"""
_ENGINE = """SELECT engine, table_type FROM information_schema.tables
WHERE table_schema = DATABASE() AND table_name = %s AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')"""
_SQLITE_CHILDREN = """SELECT id, "from", "to", on_delete, on_update FROM pragma_foreign_key_list(?)
WHERE lower("table") = lower(?) ORDER BY id, seq"""
_WHOLE_NUMBER = re.compile(r"(tiny|small|medium|big)?int\b", re.IGNORECASE)
_OURS = "makewhole_"


def describe(connection: sa.Connection, tables: Sequence[str], counters: Counters) -> dict[str, Form]:
    """The forms of these tables, by name in lower case; a table that is not there is left out. Raises BadInput for one whose writes cannot
    be rolled back."""
    one = _sqlite if connection.dialect.name == "sqlite" else _mysql
    found = (one(connection, table, counters.get(table.lower(), "").lower()) for table in tables)
    return {form.table.lower(): form for form in found if form is not None}


def _mysql(connection: sa.Connection, table: str, counter: str) -> Form | None:
    def rows(sql: str) -> list[Any]:
        return [tuple(_text(v) for v in row) for row in connection.exec_driver_sql(sql, (table,))]

    engine = rows(_ENGINE)
    if not engine:
        return None
    if str(engine[0][0]).lower() != "innodb":
        todo = "ALTER TABLE it to InnoDB: what cannot be rolled back may not be half written."
        raise faults.BadInput(f"table {table} is kept by {engine[0][0]}, which has no transactions", where=table, todo=todo)
    if engine[0][1] != "BASE TABLE":
        todo = "It keeps its own past: ask it for that (FOR SYSTEM_TIME), or leave its changes out."
        raise faults.BadInput(f"table {table} is versioned by the server, which writes its log in a way of its own", where=table, todo=todo)
    key = tuple(str(name) for (name,) in rows(_KEY))
    return Form(
        table=table,
        columns=tuple(_column(told, counter, of_key=told[0] in key) for told in rows(_COLUMNS)),
        key=key,
        parents=tuple(name for (name,) in rows(_PARENTS)),
        children=tuple(_reference(list(told)) for _, told in itertools.groupby(rows(_CHILDREN), key=lambda r: r[:3])),
        triggers=tuple(f"{name} ({timing} {event})" for name, timing, event in rows(_TRIGGERS)),
    )


def _text(value: object) -> object:
    """information_schema gives some of its words as bytes."""
    return value.decode() if isinstance(value, bytes) else value


def _column(told: tuple[str, str, str | None, str | None], counter: str, *, of_key: bool) -> Column:
    """`of_key`: a row that comes back without its key, hidden as it may be, is another row."""
    name, kind, collation, extra = told
    says = (extra or "").upper()
    made = ("GENERATED", "PERSISTENT", "VIRTUAL", *(() if of_key else ("INVISIBLE",)))
    return Column(
        name=name,
        type=kind,
        collation=collation or "",
        # DEFAULT_GENERATED is MySQL's word for a default that is an expression: such a column is written like any other.
        written=not any(word in says.replace("DEFAULT_GENERATED", "") for word in made),
        ticks="ON UPDATE" in says,
        counts=name.lower() == counter and _WHOLE_NUMBER.match(kind) is not None,
    )


def _reference(rows: Sequence[tuple[str, ...]]) -> Reference:
    schema, table, _, _, _, on_delete, on_update = rows[0]
    columns, to = tuple(r[3] for r in rows), tuple(r[4] for r in rows)
    return Reference(table=f"{schema}.{table}", columns=columns, to=to, on_delete=on_delete, on_update=on_update)


def _sqlite(connection: sa.Connection, table: str, counter: str) -> Form | None:
    def rows(sql: str, *values: object) -> list[Any]:
        return [tuple(row) for row in connection.exec_driver_sql(sql, values)]

    there = rows("SELECT name FROM sqlite_master WHERE type = 'table' AND lower(name) = lower(?)", table)
    if not there:
        return None
    name = there[0][0]
    told = rows("SELECT name, type, pk, hidden FROM pragma_table_xinfo(?) ORDER BY cid", name)
    parents = rows('SELECT DISTINCT "table" FROM pragma_foreign_key_list(?) ORDER BY 1', name)
    triggers = rows("SELECT name FROM sqlite_master WHERE type = 'trigger' AND lower(tbl_name) = lower(?) ORDER BY 1", name)
    return Form(
        table=name,
        columns=tuple(
            Column(name=c, type=kind, written=hidden == 0, counts=c.lower() == counter and "INT" in kind.upper())
            for c, kind, _, hidden in told
        ),
        key=tuple(c for _, c in sorted((place, c) for c, _, place, _ in told if place)),
        parents=tuple(p for (p,) in parents),
        children=tuple(_sqlite_children(connection, name)),
        triggers=tuple(t for (t,) in triggers if not t.startswith(_OURS)),
    )


def _sqlite_children(connection: sa.Connection, table: str) -> list[Reference]:
    """A foreign key in SQLite is told by the table that refers."""
    found = []
    for (child,) in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").all():
        sql = _SQLITE_CHILDREN
        told = connection.exec_driver_sql(sql, (child, table)).all()
        for _, rows in itertools.groupby(told, key=lambda r: r[0]):
            parts = list(rows)
            to = tuple(p[2] or "" for p in parts)
            found.append(Reference(table=child, columns=tuple(p[1] for p in parts), to=to, on_delete=parts[0][3], on_update=parts[0][4]))
    return found


def kind(column: rollback.Column) -> str:
    """The type's first word, in lower case."""
    told = re.match(r"[a-z_]+", column.type.lower())
    return told[0] if told else ""
