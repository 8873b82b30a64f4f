"""A live database goes in, a survey comes out: its catalogue, and bounded samples of the tables that may belong to orders. Never writes.

What it costs the shop: the catalogue is read once. A table whose estimate is at most `WHOLE_ROWS_MAX` may be read whole, up to
`SAMPLE_ROWS` of it; of a larger one only ranges of its primary key are read, each by the key's own index. A table without a key that an
index serves gives its first rows and nothing more.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa

from makewhole.adapters.shops import catalogues, engines, errors, expressions
from makewhole.attach import naming, shards
from makewhole.attach.survey import Column, Kind, Survey, Table, Value

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
SAMPLED_MAX = 60
"""Tables that are sampled: those whose names or comments have to do with orders come first."""
SHARDS_SAMPLED = 4
"""Tables that are sampled of those that were cut from one by suffix: ends and places between, as within a table."""
SHARD_KEYS = 40
"""Keys of one shard that are looked up in the next, by its own index: shards that count their own rows hold nearly all of them."""
CHINA_MINUTES = 480
"""How far China's time is ahead of UTC."""
_WORTH = frozenset(
    {"order", "trade", "item", "pay", "refund", "return", "stock", "sku", "goods", "coupon", "history", "transaction", "cart"}
)


def take(engine: sa.Engine, where: str) -> Survey:
    """The survey of the database behind a read-only engine. Raises BadInput for an account that may not look, Unavailable."""
    with errors.translated(errors.During.START, where), engine.connect() as connection:
        tables = catalogues.read(connection)
        spared = _spared(tables)
        chosen = {t.name for t in sorted((t for t in tables if t.name not in spared), key=_worth)[:SAMPLED_MAX]}
        return Survey(
            database=_called(engine.url),
            dialect=engines.spoken(connection),
            tables=_met(connection, tuple(_sampled(connection, t) if t.name in chosen else t for t in tables)),
            zone=_zone(connection),
        )


def _called(url: sa.URL) -> str:
    return pathlib.PurePath(url.database or "shop").name


def _spared(tables: Sequence[Table]) -> frozenset[str]:
    """Shards that are not sampled: of each group the first, the last and some between tell what all hold."""
    found: set[str] = set()
    for group in shards.groups(tables):
        step = (len(group) - 1) / (SHARDS_SAMPLED - 1)
        told = {round(i * step) for i in range(SHARDS_SAMPLED)}
        found |= {t.name for i, t in enumerate(group) if i not in told}
    return frozenset(found)


def _met(connection: sa.Connection, tables: tuple[Table, ...]) -> tuple[Table, ...]:
    """The tables, each sampled shard with its rows under another one's keys: none, unless each counts its own, or they are copies."""
    more: dict[str, Table] = {}
    for group in shards.groups(tables):
        seen = [t for t in group if t.sample and len(t.key) == 1 and t.by_name[t.key[0]].kind is Kind.INTEGER]
        for i, table in enumerate(seen):
            if len(seen) < 2:
                continue
            keys = seen[i - 1].values(seen[i - 1].key[0])
            asked = keys[:: max(1, len(keys) // SHARD_KEYS)][:SHARD_KEYS]
            scribe = expressions.Scribe(dialect=engines.spoken(connection))
            shown = [_read(c, scribe) for c in table.columns]
            within = [f"{scribe.name(table.key[0])} IN {scribe.binds(asked)}"]
            rows = _ask(connection, table, expressions.select(shown, scribe.name(table.name), within), scribe.values)
            more[table.name] = dataclasses.replace(table, sample=tuple(dict.fromkeys((*table.sample, *rows))))
    return tuple(more.get(t.name, t) for t in tables)


def _worth(table: Table) -> tuple[int, int]:
    """Tables that speak of orders first, the larger before the smaller."""
    ideas = naming.ideas(naming.of_name(table.name)) | naming.ideas(naming.of_text(table.comment))
    return (0 if ideas & _WORTH else 1, -table.rows)


def _zone(connection: sa.Connection) -> str:
    """The zone of a server that runs in China's time; another one is no proof of the zone in which the shop writes."""
    match connection.dialect.name:
        case "sqlite":
            return ""
        case "postgresql":
            told = connection.exec_driver_sql("SELECT EXTRACT(TIMEZONE FROM now())::int / 60").scalar()
        case _:
            told = connection.exec_driver_sql("SELECT TIMESTAMPDIFF(MINUTE, UTC_TIMESTAMP(), NOW())").scalar()
    return "Asia/Shanghai" if told is not None and abs(int(told) - CHINA_MINUTES) <= 1 else ""


# ---------------------------------------------------------------- samples


def _sampled(connection: sa.Connection, table: Table) -> Table:
    scribe = expressions.Scribe(dialect=engines.spoken(connection))
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
        # PostgreSQL cuts text alone: a uuid or an enumeration is made one first.
        told = f"CAST({name} AS TEXT)" if scribe.dialect == "postgres" else name
        return f"SUBSTR({told}, 1, {TEXT_CHARACTERS_MAX})"
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
    scribe = expressions.Scribe(dialect=engines.spoken(connection))
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
