"""Where an order leaves rows in a shop, told for its change log: a map goes in; tables with their keys, states and privacy come out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from makewhole.adapters.shops import engines, errors, evaluate, expressions, imagestates, rows, shopmap, spelling
from makewhole.adapters.shops.language import Privacy
from makewhole.core import cards, ids
from makewhole.model import change
from makewhole.model.order import Field

KINDS_MAX = 10_000
"""Values of a filter's columns of which it is remembered what they say: about a megabyte."""


@dataclass(frozen=True, kw_only=True)
class Traces:
    """What a reader of the shop's change log must know of the shop."""

    tables: tuple[change.Traced, ...]
    unfound: tuple[str, ...]
    """Mapped tables whose rows no bare column ties to an order: they are not looked for."""
    state: Callable[[change.Image], str | None]
    """Our word for an order's state in one image of its row; None where the map does not tell it by one column."""
    whole: imagestates.Whole | None
    """For orders in parts: our word for the state by all of an order's rows; None where orders have none."""
    shown: Callable[[str, str, str], str | None]
    """Table, column and spelled value: the value as far as its privacy class lets it be shown; None where the map does not look at it."""


def traces(map_: shopmap.ShopMap, schema: str, secret: bytes) -> Traces:
    """The tables in which an order of this shop leaves rows."""
    told = [_traced(map_, name, shard, schema) for name, table in map_.tables.items() for shard in table.shards]
    # A sub-order may be a line of goods as well: one table, known by what it is first. Two kinds of rows in one table are two.
    first = {(t.table.lower(), t.kind is not None and t.role): t for t in reversed(told)}
    both = {t.table.lower() for t in told if t.kind is not None}
    told = [t for t in list(first.values())[::-1] if t.kind is not None or t.table.lower() not in both]
    found = tuple(t for t in told if t.number or t.link or t.key or t.part)
    return Traces(
        tables=found,
        unfound=tuple(t.table for t in told if t not in found),
        state=_states(map_),
        whole=imagestates.of(map_),
        shown=_shown(map_, secret),
    )


def key_of(map_: shopmap.ShopMap, engine: sa.Engine, number: ids.OrderNumber) -> str | None:
    """The key of the order's row as it is now; None where there is no such row any more, or where the key is no bare column."""
    key, column = _bare(map_.order.key), _bare(map_.order.fields[Field.ORDER_NUMBER].sql)
    if key is None or column is None:
        return None
    scribe = expressions.Scribe(dialect=engines.spoken(engine))
    # A part may carry its order's number.
    only = [scribe.write(map_.order.where, "o")] if map_.apart and map_.order.where is not None else []
    there = f"{scribe.name(column)} = {scribe.bind(str(number))}"
    sql = expressions.select([scribe.name(key)], spelling.source(map_.order, scribe, "o"), [there, *only])
    with errors.reading(engine, map_.where) as connection:
        told = connection.execute(sa.text(sql), scribe.values).scalar()
    return None if told is None else rows.spell(told)


def part_of(map_: shopmap.ShopMap, engine: sa.Engine, key: str) -> change.Image | None:
    """A part's row as it is now: its key, and the columns that say whose it is. None where there is none, or no column tells it."""
    parts = map_.parts
    if parts is None or (own := _bare(parts.key)) is None:
        return None
    number = parts.fields.get(Field.SUBORDER_ORDER)
    whose = [c for c in (_bare(parts.link), None if number is None else _bare(number.sql)) if c is not None]
    scribe = expressions.Scribe(dialect=engines.spoken(engine))
    there = [f"{scribe.name(own)} = {scribe.bind(rows.typed(key, scribe.dialect))}"]
    there += [] if parts.where is None else [scribe.write(parts.where, "p")]
    sql = expressions.select([scribe.name(c) for c in (own, *whose)], spelling.source(parts, scribe, "p"), there)
    with errors.reading(engine, map_.where) as connection:
        told = connection.execute(sa.text(sql), scribe.values).first()
    return None if told is None else dict(zip((own, *whose), (None if v is None else rows.spell(v) for v in told), strict=True))


def parts_of(map_: shopmap.ShopMap, engine: sa.Engine, number: ids.OrderNumber) -> frozenset[str]:
    """The keys of an order's parts as they are now, where rows name parts alone; nothing where none do."""
    parts, orders = map_.parts, map_.order
    if parts is None or parts.key is None or orders.key is None or not any(t.of_parts for t in map_.tables.values()):
        return frozenset()
    scribe = expressions.Scribe(dialect=engines.spoken(engine))
    own, key = scribe.write(orders.fields[Field.ORDER_NUMBER].sql, "o"), scribe.write(parts.key, "p")
    link = scribe.write(parts.link or parts.fields[Field.SUBORDER_ORDER].sql, "p")
    there = scribe.write(orders.key, "o") if parts.link is not None else own
    source = f"{spelling.source(parts, scribe, 'p')} JOIN {spelling.source(orders, scribe, 'o')} ON {there} = {link}"
    only = [scribe.write(t.where, alias) for t, alias in ((orders, "o"), (parts, "p")) if t.where is not None]
    sql = expressions.select([key], source, [f"{own} = {scribe.bind(str(number))}", *only])
    with errors.reading(engine, map_.where) as connection:
        return frozenset(rows.spell(k) for (k,) in connection.execute(sa.text(sql), scribe.values))


def _traced(map_: shopmap.ShopMap, role: str, shard: str, schema: str) -> change.Traced:
    table = map_.tables[role]
    number = Field.ORDER_NUMBER if role == "order" else _field(f"{role}.order")
    column = None if number is None else table.fields.get(number)
    return change.Traced(
        role=role,
        schema=schema,
        table=shard,
        key=_bare(table.key) if role == "order" else None,
        number=None if column is None else _bare(column.sql),
        link=None if table.of_parts else _bare(table.link),
        part=_bare(table.link) if table.of_parts else _bare(table.key) if role == "suborder" else None,
        kind=_kind(table.where) if map_.apart and role in {"order", "suborder"} and table.where is not None else None,
    )


def _kind(where: expressions.Expression) -> Callable[[change.Image], bool | None]:
    """Whether a filter lets a row in, by one image of it; None where the image does not tell."""
    columns = where.columns()
    known: dict[tuple[change.Value, ...], bool | None] = {}

    def evaluated(image: change.Image) -> bool | None:
        try:
            return evaluate.holds(where, image)
        except evaluate.Unsure:
            return None

    def kind(image: change.Image) -> bool | None:
        values: tuple[change.Value, ...] = ()
        try:
            # All orders hold the same here, and so do an order's parts.
            values = tuple([image[c] for c in columns])
            return known[values]
        except KeyError:
            told = evaluated(image)
        if len(values) == len(columns):
            if len(known) >= KINDS_MAX:
                known.clear()
            known[values] = told
        return told

    return kind


def _field(name: str) -> Field | None:
    return next((f for f in Field if f.value == name), None)


def _bare(told: expressions.Expression | None) -> str | None:
    return None if told is None else told.column()


def _states(map_: shopmap.ShopMap) -> Callable[[change.Image], str | None]:
    simple = map_.order.states.simple()
    if simple is None:
        return lambda image: None
    column, rungs = simple
    words = {str(expressions.literal(literal)): word for literal, word in rungs}

    def state(image: change.Image) -> str | None:
        told = next((v for name, v in image.items() if name.lower() == column.lower()), None)
        return None if told is None else words.get(change.spell(told))

    return state


def _shown(map_: shopmap.ShopMap, secret: bytes) -> Callable[[str, str, str], str | None]:
    known: dict[str, Mapping[str, Privacy]] = {}
    numbers: dict[str, frozenset[str]] = {}
    for name in (s for t in map_.tables.values() for s in t.shards):
        alike = [t for t in map_.tables.values() if name in t.shards]
        known[name.lower()], numbers[name.lower()] = classes(*alike), own_numbers(*alike)

    def shown(table: str, column: str, spelled: str) -> str | None:
        privacy = known.get(table.lower(), {}).get(column.lower())
        if privacy is None or privacy is Privacy.NEVER:
            return None
        own = column.lower() in numbers[table.lower()]
        return rows.guard(spelled if own else cards.masked(spelled, key=column), privacy, secret)

    return shown


def own_numbers(*tables: shopmap.Table) -> frozenset[str]:
    """Columns of one table, or of two of one name, that hold a system's own numbers: no card's, whatever they look like."""
    told = [sql for t in tables for sql in (t.key, t.link, *(s.sql for f, s in t.fields.items() if f in rows.NUMBERS)) if sql is not None]
    return frozenset(c.lower() for sql in told for c in sql.columns())


def classes(*tables: shopmap.Table) -> Mapping[str, Privacy]:
    """Of each column that the map looks at, in one table or in two of one name; the strictest where several fields look at the same one."""
    found = {c.lower(): Privacy.PLAIN for table in tables for c in table.columns()}
    strictness = list(Privacy)
    for field in (f for table in tables for f in table.fields.values()):
        for column in field.sql.columns():
            found[column.lower()] = max(found[column.lower()], field.privacy, key=strictness.index)
    return found
