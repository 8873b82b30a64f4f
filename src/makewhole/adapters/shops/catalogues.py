"""Catalogues of MySQL, MariaDB, PostgreSQL and SQLite go in, tables without samples come out: names, types, comments, keys, estimates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from makewhole.adapters.shops import expressions
from makewhole.attach.survey import Column, Kind, Reference, Table

TABLES_MAX = 2000
"""Tables that are looked at."""
ROW_BYTES = 100
"""Bytes of a usual row: by them a table's rows are estimated where PostgreSQL has never counted them."""
_MYSQL_COLUMNS = """SELECT table_name, column_name, data_type, column_type, is_nullable, character_maximum_length, numeric_scale,
 column_comment FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position"""
_MYSQL_TABLES = (
    "SELECT table_name, table_rows, table_comment FROM information_schema.tables WHERE table_schema = "
    "DATABASE() AND table_type = 'BASE TABLE'"
)
_MYSQL_INDEXES = """SELECT table_name, index_name, non_unique, column_name FROM information_schema.statistics
 WHERE table_schema = DATABASE() ORDER BY table_name, index_name, seq_in_index"""
_MYSQL_REFERENCES = """SELECT table_name, column_name, referenced_table_name, referenced_column_name
 FROM information_schema.key_column_usage
 WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL"""
_POSTGRES_COLUMNS = """SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, col_description(c.oid, a.attnum),
 obj_description(c.oid, 'pg_class'), c.reltuples, pg_relation_size(c.oid)
 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname, a.attnum"""
_POSTGRES_INDEXES = """SELECT t.relname, i.relname, x.indisunique, x.indisprimary, a.attname
 FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_namespace n ON n.oid = t.relnamespace
 CROSS JOIN LATERAL unnest(x.indkey) WITH ORDINALITY k(attnum, place) JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum
 WHERE n.nspname = current_schema() AND x.indpred IS NULL ORDER BY t.relname, i.relname, k.place"""
_POSTGRES_REFERENCES = """SELECT t.relname, a.attname, f.relname, b.attname FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
 JOIN pg_class f ON f.oid = c.confrelid JOIN pg_namespace n ON n.oid = t.relnamespace
 JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = c.conkey[1] JOIN pg_attribute b ON b.attrelid = f.oid AND b.attnum = c.confkey[1]
 WHERE c.contype = 'f' AND n.nspname = current_schema()"""
_POSTGRES_MEMBERS = "SELECT t.typname, e.enumlabel FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid ORDER BY t.typname, e.enumsortorder"


def read(connection: sa.Connection) -> list[Table]:
    """Every table of the database, without a sample."""
    match connection.dialect.name:
        case "sqlite":
            return _sqlite(connection)
        case "postgresql":
            return _postgres(connection)
        case _:
            return _mysql(connection)


def _postgres(connection: sa.Connection) -> list[Table]:
    def rows(sql: str) -> Sequence[Any]:
        return connection.exec_driver_sql(sql).all()

    members: dict[str, list[str]] = {}
    for name, label in rows(_POSTGRES_MEMBERS):
        members.setdefault(name, []).append(label)
    columns: dict[str, list[Column]] = {}
    about: dict[str, tuple[str, int]] = {}
    for table, name, declared, needed, comment, whole, tuples, size in rows(_POSTGRES_COLUMNS):
        allowed = tuple(members.get(_typed(declared), ()))
        columns.setdefault(table, []).append(_postgres_column(name, declared, needed, comment or "", allowed))
        about[table] = (whole or "", int(tuples) if tuples >= 0 else int(size) // ROW_BYTES)
    indexes: dict[str, dict[str, list[str]]] = {}
    unique: dict[str, set[str]] = {}
    for table, index, is_unique, is_primary, column in rows(_POSTGRES_INDEXES):
        called = "PRIMARY" if is_primary else index
        indexes.setdefault(table, {}).setdefault(called, []).append(column)
        if is_unique:
            unique.setdefault(table, set()).add(called)
    references: dict[str, list[Reference]] = {}
    for table, column, there, their in rows(_POSTGRES_REFERENCES):
        references.setdefault(table, []).append(Reference(column=column, table=there, there=their))
    return [
        _table(name, about[name][0], about[name][1], told, indexes.get(name, {}), unique.get(name, set()), references.get(name, []))
        for name, told in list(columns.items())[:TABLES_MAX]
    ]


def _typed(declared: str) -> str:
    """A type's own name: `shop."OrderStatus"` is `OrderStatus`."""
    return declared.rpartition(".")[2].strip('"')


def _postgres_column(name: str, declared: str, needed: object, comment: str, members: tuple[str, ...]) -> Column:
    size = re.search(r"\((\d+)(?:,(\d+))?\)", declared)
    kind = Kind.TEXT if members else _kind(declared)
    return Column(
        name=name,
        kind=kind,
        declared=declared,
        size=int(size[1]) if size else 0,
        scale=int(size[2] or 0) if size else 2 if declared == "numeric" else 0,
        nullable=not needed,
        zoned=declared.endswith("with time zone"),
        comment=comment,
        members=members,
    )


def _mysql(connection: sa.Connection) -> list[Table]:
    def rows(sql: str) -> Sequence[Any]:
        return connection.exec_driver_sql(sql).all()

    columns: dict[str, list[Column]] = {}
    for table, name, kind, declared, nullable, size, scale, comment in rows(_MYSQL_COLUMNS):
        columns.setdefault(table, []).append(_mysql_column(name, _text(kind), _text(declared), nullable, size, scale, _text(comment)))
    indexes: dict[str, dict[str, list[str]]] = {}
    unique: dict[str, set[str]] = {}
    for table, index, non_unique, column in rows(_MYSQL_INDEXES):
        if column is not None:
            indexes.setdefault(table, {}).setdefault(index, []).append(column)
        if not non_unique:
            unique.setdefault(table, set()).add(index)
    references: dict[str, list[Reference]] = {}
    for table, column, there, their in rows(_MYSQL_REFERENCES):
        references.setdefault(table, []).append(Reference(column=column, table=there, there=their))
    return [
        _table(
            name,
            _text(comment),
            int(estimate or 0),
            columns.get(name, []),
            indexes.get(name, {}),
            unique.get(name, set()),
            references.get(name, []),
        )
        for name, estimate, comment in rows(_MYSQL_TABLES)[:TABLES_MAX]
    ]


def _text(told: object) -> str:
    """MySQL 8 gives some of the catalogue as bytes."""
    return told.decode() if isinstance(told, bytes) else str(told or "")


def _table(
    name: str,
    comment: str,
    rows: int,
    columns: list[Column],
    indexes: Mapping[str, list[str]],
    unique: Iterable[str],
    references: list[Reference],
) -> Table:
    return Table(
        name=name,
        comment=comment,
        rows=rows,
        columns=tuple(columns),
        key=tuple(indexes.get("PRIMARY", ())),
        unique=tuple(tuple(indexes[u]) for u in sorted(unique) if u in indexes),
        indexed=frozenset(told[0] for told in indexes.values() if told),
        references=tuple(references),
    )


_KINDS = (
    (Kind.INTEGER, r"(tiny|small|medium|big)?int|integer|serial|year|bit|bool"),
    (Kind.DECIMAL, r"decimal|numeric|number|money"),
    (Kind.FLOAT, r"float|double|real"),
    (Kind.INSTANT, r"datetime|timestamp"),
    (Kind.DATE, r"date"),
    (Kind.TEXT, r"char|varchar|nvarchar|nchar|character|enum|text|tinytext|clob|uuid|string|set"),
)


def _kind(declared: str) -> Kind:
    word = re.match(r"[a-z]*", declared.lower().strip())
    return next((kind for kind, shape in _KINDS if word is not None and re.match(rf"(?:{shape})", word[0])), Kind.OTHER)


def _mysql_column(name: str, kind: str, declared: str, nullable: str, size: object, scale: object, comment: str) -> Column:
    members = tuple(re.findall(r"'((?:[^']|'')*)'", declared)) if kind in {"enum", "set"} else ()
    return Column(
        name=name,
        kind=_kind(kind),
        declared=declared,
        size=int(str(size or 0)),
        scale=int(str(scale or 0)) if kind in {"decimal", "numeric"} else 0,
        nullable=nullable == "YES",
        zoned=kind == "timestamp",
        comment=comment,
        members=members,
    )


def _sqlite(connection: sa.Connection) -> list[Table]:
    """SQLite has no comments of its own: those that stand in a table's CREATE statement count as its columns'."""
    listed = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    ).all()
    found = []
    for name, sql in listed[:TABLES_MAX]:
        quoted = expressions.Scribe(dialect="sqlite").name(name)
        info = connection.exec_driver_sql(f"PRAGMA table_info({quoted})").all()
        comments = _comments(str(sql or ""))
        indexes: dict[str, list[str]] = {}
        unique = {"PRIMARY"}
        key = [row[1] for row in sorted((r for r in info if r[5]), key=lambda r: r[5])]
        if key:
            indexes["PRIMARY"] = key
        for row in connection.exec_driver_sql(f"PRAGMA index_list({quoted})").all():
            inside = connection.exec_driver_sql(f"PRAGMA index_info({expressions.Scribe(dialect='sqlite').name(row[1])})").all()
            indexes[row[1]] = [c[2] for c in inside if c[2] is not None]
            if row[2]:
                unique.add(row[1])
        references = [
            Reference(column=row[3], table=row[2], there=row[4] or "id")
            for row in connection.exec_driver_sql(f"PRAGMA foreign_key_list({quoted})").all()
        ]
        columns = [_sqlite_column(row[1], str(row[2] or ""), bool(row[3]), comments.get(row[1].lower(), "")) for row in info]
        found.append(_table(name, "", _sqlite_rows(connection, quoted), columns, indexes, unique, references))
    return found


def _sqlite_rows(connection: sa.Connection, quoted: str) -> int:
    """The largest rowid, found at the end of the tree without reading it; 0 where the table has none."""
    try:
        told = connection.exec_driver_sql(expressions.select(["MAX(rowid)"], quoted, [])).scalar()
    except sa.exc.OperationalError:
        return 0
    return int(told or 0) if isinstance(told, int) else 0


def _sqlite_column(name: str, declared: str, needed: bool, comment: str) -> Column:  # noqa: FBT001 - as PRAGMA table_info gives it
    size = re.search(r"\((\d+)(?:\s*,\s*(\d+))?\)", declared)
    return Column(
        name=name,
        kind=_kind(declared) if declared else Kind.TEXT,
        declared=declared,
        size=int(size[1]) if size else 0,
        scale=int(size[2] or 0) if size else 0,
        nullable=not needed,
        comment=comment,
    )


def _comments(sql: str) -> dict[str, str]:
    """What stands behind `--` at the end of a column's line in a CREATE statement."""
    found = {}
    for line in sql.splitlines():
        told = re.match(r"""\s*[`"\[]?(\w+)[`"\]]?\s[^\n]*?--\s*(.+)$""", line)
        if told is not None:
            found[told[1].lower()] = told[2].strip()
    return found
