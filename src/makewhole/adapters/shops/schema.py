"""The live schema of a shop's database: a map and a connection go in; types, keys and indexes come out, or BadInput where they misfit."""

from __future__ import annotations

import dataclasses
import enum
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from makewhole.adapters.shops import errors, expressions, shopmap, statements
from makewhole.core import faults

_SIZES = {
    "mysql": "SELECT table_name, table_rows FROM information_schema.tables WHERE table_schema = DATABASE()",
    "postgresql": "SELECT relname, GREATEST(reltuples, 0) FROM pg_class WHERE relnamespace = CURRENT_SCHEMA()::regnamespace",
}


class Type(enum.Enum):
    """What matters of a column's type."""

    TEXT = "text"
    NUMBER = "number"
    """Integers and decimals: exact."""
    FLOAT = "float"
    INSTANT = "instant"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class LiveTable:
    """One table as the server has it."""

    name: str
    types: Mapping[str, Type]
    primary_key: tuple[str, ...]
    indexed: frozenset[str]
    """Columns that an index begins with."""
    unique: frozenset[str]
    """Columns of which no two rows share a value."""
    rows: int = 0
    """Roughly, by the server's own statistics or SQLite's row numbers; 0 where there are none."""

    def type_of(self, told: expressions.Expression) -> Type:
        """The type of an expression: its column's, or the one that all its columns share."""
        found = {self.types[c.lower()] for c in told.columns()}
        return found.pop() if len(found) == 1 else Type.OTHER

    def fitting(self, told: expressions.Expression, values: Sequence[str]) -> Sequence[str | int]:
        """Those of these names that can stand here: in a column of numbers, whole numbers alone. Asked for anything else, PostgreSQL
        refuses the whole question, and MySQL takes it for 0."""
        if told.column() is None or self.type_of(told) is not Type.NUMBER:
            return values
        return [int(v) for v in values if v.isdecimal() and v.isascii()]


Schema = Mapping[str, LiveTable]


def reflect(connection: sa.Connection, map_: shopmap.ShopMap, extra: tuple[str, ...] = ()) -> Schema:
    """The tables that the map names. Raises BadInput for a table or a column that is not there."""
    inspector = sa.inspect(connection)
    wanted = {shard: f"{map_.where}: {name}" for name, t in map_.tables.items() for shard in t.shards}
    wanted |= {name: map_.where for name in extra if name not in wanted}
    with errors.translated(errors.During.START, map_.where):
        sizes = _sizes(connection, tuple(wanted))
        found = {name: _table(inspector, name, where, sizes.get(name.lower(), 0)) for name, where in wanted.items()}
    for table in map_.tables.values():
        for shard in table.shards:
            for told in _expressions(table):
                _check(told.columns(), found[shard], told.where)
            _check(table.watch, found[shard], f"{map_.where}: {table.name}.watch")
    return found | {t.table: _together(t, found) for t in map_.tables.values() if len(t.shards) > 1}


def _together(table: shopmap.Table, found: Schema) -> LiveTable:
    """All shards as one table: each holds its own values once, and nobody can say that of all of them."""
    first = found[table.table]
    indexed = frozenset.intersection(*(found[s].indexed for s in table.shards))
    return dataclasses.replace(first, unique=frozenset(), indexed=indexed, rows=sum(found[s].rows for s in table.shards))


def check_hands(map_: shopmap.ShopMap, schema: Schema) -> None:
    """Whether every table and column that the hands name is there. Raises BadInput."""
    for hand in map_.hands.values():
        _check(hand.order_columns(), schema[map_.order.table], hand.where)
        if map_.parts is not None:
            _check(hand.part_columns(), schema[map_.parts.table], hand.where)
        for told in hand.writes:
            _check(told.columns(), schema[told.table()], told.where)


def tables_of_hands(map_: shopmap.ShopMap) -> tuple[str, ...]:
    """Every table that a hand names."""
    told: tuple[statements.Statement, ...] = tuple(s for h in map_.hands.values() for s in (h.done, *h.writes))
    return tuple(dict.fromkeys(name for s in told for name in s.tables()))


def _expressions(table: shopmap.Table) -> list[expressions.Expression]:
    told = [e for e in (table.key, table.link, table.where, table.phone.sql if table.phone else None) if e is not None]
    told += [c.sql for c in table.fields.values()]
    return told + [e for cases in (table.states, table.kinds, table.moves) for e, _ in cases.rungs]


def _check(columns: tuple[str, ...], table: LiveTable, where: str) -> None:
    missing = [c for c in columns if c.lower() not in table.types]
    if missing:
        todo = f"Its columns are: {', '.join(sorted(table.types))}."
        raise faults.BadInput(f"table {table.name} has no column {', '.join(missing)}", where=where, todo=todo)


def _sizes(connection: sa.Connection, names: tuple[str, ...]) -> dict[str, int]:
    if connection.dialect.name == "sqlite":
        return {name.lower(): _newest_row(connection, name) for name in names}
    told = connection.exec_driver_sql(_SIZES[connection.dialect.name])
    return {str(name).lower(): int(rows or 0) for name, rows in told}


def _newest_row(connection: sa.Connection, name: str) -> int:
    """SQLite keeps no count, but its rows' own numbers usually have few gaps; 0 for a table without them."""
    rowid = sa.column("rowid", sa.Integer)
    try:
        return connection.scalar(sa.select(sa.func.max(rowid)).select_from(sa.table(name))) or 0
    except sa.exc.OperationalError:
        return 0


def _table(inspector: sa.Inspector, name: str, where: str, rows: int) -> LiveTable:
    try:
        with warnings.catch_warnings():
            # SQLite takes INT(11) as a type, and the library wonders at the 11: nobody who attaches a shop needs to hear of it.
            warnings.simplefilter("ignore", sa.exc.SAWarning)
            columns = inspector.get_columns(name)
    except sa.exc.NoSuchTableError as wrong:
        there = ", ".join(sorted(inspector.get_table_names())[:40])
        raise faults.BadInput(f"the database has no table {name}", where=where, todo=f"Its tables are: {there}.") from wrong
    primary = tuple(c.lower() for c in inspector.get_pk_constraint(name)["constrained_columns"])
    indexes = inspector.get_indexes(name)
    keys = [tuple(c.lower() for c in i["column_names"] if c is not None) for i in indexes]
    unique = [tuple(c.lower() for c in i["column_names"] if c is not None) for i in indexes if i["unique"]]
    unique += [tuple(c.lower() for c in u["column_names"]) for u in inspector.get_unique_constraints(name)]
    return LiveTable(
        name=name,
        rows=rows,
        types={c["name"].lower(): _type(c["type"]) for c in columns},
        primary_key=primary,
        indexed=frozenset(k[0] for k in [*keys, *unique, primary] if k),
        unique=frozenset(k[0] for k in [*unique, primary] if len(k) == 1),
    )


def _type(told: sa.types.TypeEngine[object]) -> Type:
    match told:
        case sa.Float():
            return Type.FLOAT
        case sa.Integer() | sa.Numeric():
            return Type.NUMBER
        case sa.DateTime() | sa.Date():
            return Type.INSTANT
        case sa.String() | sa.Enum():
            return Type.TEXT
        case _:
            return Type.OTHER
