"""A live database goes in, a survey comes out: its catalogue, and bounded samples of the tables that may belong to orders. Never writes.

What it costs the shop: the catalogue is read once. A table whose estimate is at most `WHOLE_ROWS_MAX` may be read whole, up to
`SAMPLE_ROWS` of it; of a larger one only ranges of its primary key are read, each by the key's own index. A table without a key that an
index serves gives its first rows and nothing more.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from makewhole.adapters.shops import errors, expressions
from makewhole.attach import naming
from makewhole.attach.survey import Column, Kind, Reference, Survey, Table, Value

SAMPLE_ROWS = 400
"""Rows of one table: enough for a code that one order in a hundred carries, and a second's work on a slow disk."""
WHOLE_ROWS_MAX = 2000
"""Rows, by the server's estimate, up to which a table's distinct codes are listed by reading it: a few pages."""
RANGES = 8
"""Places in the primary key's range from which rows are taken, both ends among them: old and new rows differ."""
TEXT_CHARACTERS_MAX = 64
"""Characters of a text that are read: numbers and codes are shorter, and letters to the seller are nobody's business."""
CODES_MAX = 40
"""Distinct values that a column of codes may have. Each costs one dive into its index."""
TABLES_MAX = 2000
"""Tables that are looked at."""
SAMPLED_MAX = 60
"""Tables that are sampled: those whose names or comments have to do with orders come first."""
_WORTH = frozenset(
    {"order", "trade", "item", "pay", "refund", "return", "stock", "sku", "goods", "coupon", "history", "transaction", "cart"}
)
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


def take(engine: sa.Engine, where: str) -> Survey:
    """The survey of the database behind a read-only engine. Raises BadInput for an account that may not look, Unavailable."""
    with errors.translated(errors.During.START, where), engine.connect() as connection:
        tables = _sqlite(connection) if connection.dialect.name == "sqlite" else _mysql(connection)
        chosen = {t.name for t in sorted(tables, key=_worth)[:SAMPLED_MAX]}
        return Survey(
            database=_called(engine.url),
            dialect=connection.dialect.name,
            tables=tuple(_sampled(connection, t) if t.name in chosen else t for t in tables),
            zone=_zone(connection),
        )


def _called(url: sa.URL) -> str:
    return pathlib.PurePath(url.database or "shop").name


def _worth(table: Table) -> tuple[int, int]:
    """Tables that speak of orders first, the larger before the smaller."""
    ideas = naming.ideas(naming.of_name(table.name)) | naming.ideas(naming.of_text(table.comment))
    return (0 if ideas & _WORTH else 1, -table.rows)


# ---------------------------------------------------------------- catalogues


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


def _zone(connection: sa.Connection) -> str:
    """The zone of a server that runs in China's time; another one is no proof of the zone in which the shop writes."""
    if connection.dialect.name == "sqlite":
        return ""
    told = connection.exec_driver_sql("SELECT TIMESTAMPDIFF(MINUTE, UTC_TIMESTAMP(), NOW())").scalar()
    return "Asia/Shanghai" if told is not None and abs(int(told) - 480) <= 1 else ""


# ---------------------------------------------------------------- samples


def _sampled(connection: sa.Connection, table: Table) -> Table:
    scribe = expressions.Scribe(dialect=connection.dialect.name)
    shown = [_read(c, scribe) for c in table.columns]
    source = scribe.name(table.name)
    rows: dict[tuple[Value, ...], None] = {}
    for told in _pieces(connection, table, source, scribe, shown):
        rows.setdefault(told)
    whole = len(rows) < SAMPLE_ROWS and table.rows <= SAMPLE_ROWS
    codes = {c.name: _codes(connection, table, c, whole=whole) for c in table.columns}
    return Table(
        name=table.name,
        comment=table.comment,
        rows=table.rows,
        columns=tuple(_with_codes(c, codes[c.name]) for c in table.columns),
        key=table.key,
        unique=table.unique,
        indexed=table.indexed,
        references=table.references,
        sample=tuple(rows),
        whole=whole,
    )


def _read(column: Column, scribe: expressions.Scribe) -> str:
    """How a column is read: long texts only in part, what cannot tell anything not at all."""
    name = scribe.name(column.name)
    if column.kind is Kind.OTHER:
        return "NULL"
    if column.kind is Kind.TEXT:
        return f"SUBSTR({name}, 1, {TEXT_CHARACTERS_MAX})"
    if column.kind in {Kind.INSTANT, Kind.DATE} and scribe.dialect == "mysql":
        # The driver has no value for the zero date; text has.
        return f"CAST({name} AS CHAR)"
    return name


def _pieces(
    connection: sa.Connection, table: Table, source: str, scribe: expressions.Scribe, shown: list[str]
) -> Iterable[tuple[Value, ...]]:
    key = table.by_name[table.key[0]] if len(table.key) >= 1 else None
    if key is None or (table.rows <= WHOLE_ROWS_MAX and table.rows <= SAMPLE_ROWS):
        yield from _ask(connection, table, expressions.select(shown, source, [], f"LIMIT {SAMPLE_ROWS}"), {})
        return
    name = scribe.name(key.name)
    piece = SAMPLE_ROWS // RANGES
    # Twice as many from the newest end: what the shop writes today is what the map must understand.
    yield from _ask(connection, table, expressions.select(shown, source, [], f"ORDER BY {name} DESC LIMIT {2 * piece}"), {})
    yield from _ask(connection, table, expressions.select(shown, source, [], f"ORDER BY {name} LIMIT {piece}"), {})
    if key.kind is not Kind.INTEGER:
        return
    ends = connection.exec_driver_sql(expressions.select([f"MIN({name})", f"MAX({name})"], source, [])).one()
    if ends[0] is None:
        return
    low, high = int(ends[0]), int(ends[1])
    for i in range(1, RANGES - 2):
        start = low + (high - low) * i // (RANGES - 2)
        yield from _ask(
            connection, table, expressions.select(shown, source, [f"{name} >= :start"], f"ORDER BY {name} LIMIT {piece}"), {"start": start}
        )


def _ask(connection: sa.Connection, table: Table, sql: str, values: Mapping[str, object]) -> Iterable[tuple[Value, ...]]:
    for row in connection.execute(sa.text(sql.replace("\\:", ":")), dict(values)):
        yield tuple(_value(v, c) for v, c in zip(row, table.columns, strict=True))


def _value(told: object, column: Column) -> Value:
    match told:
        case bool():
            return int(told)
        case bytes():
            return int.from_bytes(told, "big") if column.declared.startswith("bit") else None
        case str() if column.kind in {Kind.INSTANT, Kind.DATE}:
            try:
                return datetime.fromisoformat(told)
            except ValueError:
                return told
        case None | int() | float() | str() | Decimal() | datetime() | date():
            return told
        case _:
            return str(told)


def _with_codes(column: Column, codes: tuple[str, ...] | None) -> Column:
    if codes is None:
        return column
    return Column(
        name=column.name, kind=column.kind, declared=column.declared, size=column.size, scale=column.scale, nullable=column.nullable,
        zoned=column.zoned, comment=column.comment, members=column.members, codes=codes,
    )  # fmt: skip


def _codes(connection: sa.Connection, table: Table, column: Column, *, whole: bool) -> tuple[str, ...] | None:
    """Every distinct value of a column that may hold codes: by its index, one dive a value, or by reading a small table."""
    ideas = naming.ideas(naming.of_name(column.name)) | naming.ideas(naming.of_text(naming.head(column.comment)))
    if (
        whole
        or not ideas & {"state", "type", "flag", "method", "channel", "paid", "delete"}
        or column.kind not in {Kind.INTEGER, Kind.TEXT}
    ):
        return None
    scribe = expressions.Scribe(dialect=connection.dialect.name)
    name, source = scribe.name(column.name), scribe.name(table.name)
    if table.rows <= WHOLE_ROWS_MAX:
        told = connection.exec_driver_sql(expressions.select([f"DISTINCT {name}"], source, [], f"LIMIT {CODES_MAX + 1}")).scalars().all()
        return tuple(str(v) for v in told if v is not None) if len(told) <= CODES_MAX else None
    if column.name not in table.indexed:
        return None
    found: list[object] = []
    least = connection.exec_driver_sql(expressions.select([f"MIN({name})"], source, [])).scalar()
    while least is not None and len(found) <= CODES_MAX:
        found.append(least)
        least = connection.execute(sa.text(expressions.select([f"MIN({name})"], source, [f"{name} > :last"])), {"last": least}).scalar()
    return tuple(str(v) for v in found) if len(found) <= CODES_MAX else None
