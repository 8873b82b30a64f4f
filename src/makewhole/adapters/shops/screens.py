"""Screens go in, one statement over the shop's orders comes out: a row for every suspect, a flag for every screen, in one pass.

What looks into other tables is joined in once, grouped by order, so that the pass stays one pass whatever indexes the shop has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from makewhole.adapters.shops import expressions, schema, shopmap, spelling
from makewhole.model import finding, order, screen
from makewhole.model.order import Field

_CHILD_TABLE = {
    screen.Child.ITEM: "item",
    screen.Child.REFUND: "refund",
    screen.Child.COUPON: "coupon",
    screen.Child.STOCK_MOVE: "stock_move",
}
NUMBER_SHARED = "dn"
"""The column that tells a suspect whose number other rows carry too."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """A statement, its parameters, and for each ailment its flag's column."""

    sql: str
    values: dict[str, object]
    flags: tuple[tuple[finding.Ailment, str], ...]


def mapped(told: screen.Predicate, map_: shopmap.ShopMap) -> screen.Predicate | bool:
    """The screen without what this map cannot say: True or False where nothing is left to ask.

    A field that the map lacks shows no contradiction, so it suspects nobody; a limit in time that cannot be checked limits nothing.
    """
    speaks = frozenset(map_.speaks_of()) | {Field.ORDER_KIND}
    match told:
        case screen.All(parts=parts):
            left = [mapped(p, map_) for p in parts]
            if any(p is False for p in left):
                return False
            kept = tuple(p for p in left if not isinstance(p, bool))
            return screen.All(parts=kept) if kept else True
        case screen.Any(parts=parts):
            left = [mapped(p, map_) for p in parts]
            if any(p is True for p in left):
                return True
            kept = tuple(p for p in left if not isinstance(p, bool))
            return screen.Any(parts=kept) if kept else False
        case screen.Before(field=field) | screen.NotBefore(field=field) if field not in speaks:
            return True
        case screen.HasChild(child=child) | screen.NoChild(child=child):
            return told if _CHILD_TABLE[child] in map_.tables else False
        case screen.ForeignItem():
            return told if Field.ITEM_ORDER in _fields(map_, "item") else False
        case _:
            return told if screen.fields(told) <= speaks else False


def render(
    screens: Sequence[tuple[finding.Ailment, screen.Predicate]],
    map_: shopmap.ShopMap,
    live: schema.Schema,
    dialect: str,
    since: object = None,
) -> Query | None:
    """One statement for all screens; None where the map leaves nothing to ask. With `since`, only rows of that version or newer."""
    pass_ = _Pass(map_, live, dialect, since)
    flags: dict[str, str] = {}
    names: list[tuple[finding.Ailment, str]] = []
    for ailment, predicate in screens:
        left = mapped(predicate, map_)
        if left is False:
            continue
        sql = "1 = 1" if left is True else pass_.write(left)
        names.append((ailment, flags.setdefault(sql, f"s{len(flags)}")))
    if not flags:
        return None
    sql = pass_.statement(flags)
    return Query(sql=sql, values=pass_.scribe.values, flags=tuple(names))


def orphans(map_: shopmap.ShopMap, live: schema.Schema, dialect: str) -> Query | None:
    """Items whose order does not exist: what they call it, once for each."""
    item = map_.tables.get("item")
    if item is None:
        return None
    scribe = expressions.Scribe(dialect=dialect)
    zone = map_.zone
    i, o = spelling.Table(item, live[item.table], scribe, "i", zone), spelling.Table(map_.order, live[map_.order.table], scribe, "o", zone)
    called, link, there = orphan_terms(i, o)
    source = f"{i.source()} LEFT JOIN {o.source()} ON {there} = {link}"
    sql = expressions.select([f"DISTINCT {called} AS n"], source, [*i.filter(), f"{there} IS NULL", f"{called} IS NOT NULL"])
    return Query(sql=sql, values=scribe.values, flags=())


def orphan_terms(item: spelling.Table, orders: spelling.Table) -> tuple[str, str, str]:
    """What an item calls its order, what links it, and what it is linked with."""
    carried = Field.ITEM_ORDER in item.map.fields
    link, there = linked(item, orders)
    return (item.field(Field.ITEM_ORDER) if carried else link), link, there


def linked(child: spelling.Table, orders: spelling.Table) -> tuple[str, str]:
    """The two sides of the join between a child's row and its order's."""
    if child.map.link is not None:
        return child.told(child.map.link), orders.key()
    return child.field(Field(f"{child.map.name}.order")), orders.field(Field.ORDER_NUMBER)


def _fields(map_: shopmap.ShopMap, name: str) -> frozenset[Field]:
    table = map_.tables.get(name)
    return frozenset() if table is None else frozenset(table.fields)


class _Pass:
    """One statement in the making: conditions over the order's row, and the joins that they need."""

    def __init__(self, map_: shopmap.ShopMap, live: schema.Schema, dialect: str, since: object) -> None:
        self._map, self._live, self._zone = map_, live, map_.zone
        self.scribe = expressions.Scribe(dialect=dialect)
        self._since = since
        self._order = self._table("order", "o")
        self._joins: dict[str, str] = {}
        self._facts: dict[screen.Child, dict[str, str]] = {}

    def write(self, told: screen.Predicate) -> str:
        """A condition that is true, false or NULL; NULL counts as false."""
        o = self._order
        match told:
            case screen.All(parts=parts):
                return "(" + " AND ".join(self.write(p) for p in parts) + ")"
            case screen.Any(parts=parts):
                return "(" + " OR ".join(self.write(p) for p in parts) + ")"
            case screen.In(field=field, values=values):
                return self._in(field, frozenset(values))
            case screen.Unknown():
                return o.state_unknown(o.map.states)
            case screen.Missing(field=field):
                return o.missing(field)
            case screen.Present(field=field):
                return f"NOT {o.missing(field)}"
            case screen.Before(field=field, instant=instant):
                return o.before(field, instant)
            case screen.NotBefore(field=field, instant=instant):
                return o.not_before(field, instant)
            case screen.Less(left=left, right=right):
                return o.later_first(left, right)
            case screen.Differ(left=left, right=right):
                return self._differ(left, right)
            case screen.HasChild(child=child, states=states):
                return f"{self._child(child, frozenset(states))} > 0"
            case screen.NoChild(child=child):
                return f"{self._child(child, frozenset())} IS NULL"
            case screen.ForeignItem():
                return self._foreign()
            case screen.SharesCoupon():
                return self._shares(Field.ORDER_COUPON, "dc", o.state_in(o.map.states, frozenset(s.value for s in order.LIVE)))
            case screen.SharesNumber():
                return self.shares_number()
            case _:
                assert_never(told)

    def statement(self, flags: dict[str, str]) -> str:
        """The whole statement."""
        o = self._order
        shared = self.shares_number()
        created = o.field(Field.ORDER_CREATED_AT) if Field.ORDER_CREATED_AT in o.map.fields else "NULL"
        columns = [f"{o.key()} AS k", f"{o.field(Field.ORDER_NUMBER)} AS n", f"{created} AS c", f"({shared}) AS {NUMBER_SHARED}"]
        columns += [f"({sql}) AS {name}" for sql, name in flags.items()]
        conditions = [*self._scope(o), f"NOT {o.missing(Field.ORDER_NUMBER)}", "(" + " OR ".join(flags) + ")"]
        joins = " ".join(self._child_join(child) for child in self._facts) + " " + " ".join(self._joins.values())
        return expressions.select(columns, f"{o.source()} {joins}", conditions)

    def shares_number(self) -> str:
        """Whether other rows carry the same number; nothing to ask where an index forbids it."""
        column = self._order.map.fields[Field.ORDER_NUMBER].sql.column()
        if column is not None and column.lower() in self._order.live.unique:
            return "1 = 0"
        return self._shares(Field.ORDER_NUMBER, NUMBER_SHARED, "1 = 1")

    def _in(self, field: Field, words: frozenset[str]) -> str:
        o = self._order
        if field is Field.ORDER_STATE:
            return o.state_in(o.map.states, words)
        if field is not Field.ORDER_KIND:
            return f"{o.field(field)} IN {self.scribe.binds(tuple(sorted(words)))}"
        normal = order.OrderKind.NORMAL.value in words
        known = o.state_in(o.map.kinds, words) if o.map.kinds.rungs else "1 = 0"
        # A row that no condition names is of the normal kind, as it is in the dossier.
        return f"({known} OR {o.state_unknown(o.map.kinds)})" if normal else known

    def _differ(self, left: Field, right: Field) -> str:
        o = self._order
        if left in shopmap.MONEY:
            same_unit = o.map.fields[left].unit is o.map.fields[right].unit
            if same_unit and o.exact(left) and o.exact(right):
                return f"{o.field(left)} <> {o.field(right)}"
            return f"{o.amount(left)} <> {o.amount(right)}"
        return f"{o.field(left)} <> {o.field(right)}"

    def _shares(self, field: Field, alias: str, condition: str) -> str:
        """Joins the values of a field that more than one row holds; few of them, so that the join costs little."""
        if alias not in self._joins:
            t = self._table("order", "o")
            value = t.field(field)
            rows = [*t.filter(), condition, f"NOT {t.missing(field)}"]
            if self._since is not None:
                rows.append(f"{value} IN ({self._changed('x', field)})")
            grouped = expressions.select([f"{value} AS v"], t.source(), rows, f"GROUP BY {value} HAVING COUNT(*) > 1")
            self._joins[alias] = f"LEFT JOIN ({grouped}) {alias} ON {alias}.v = {self._order.field(field)}"
        return f"{alias}.v IS NOT NULL"

    def _child(self, child: screen.Child, states: frozenset[str]) -> str:
        """The column that counts an order's rows in a table: all of them, or those in some states."""
        table = self._table(_CHILD_TABLE[child], "c")
        counted = table.state_in(table.map.states, states) if states else "1 = 1"
        facts = self._facts.setdefault(child, {})
        name = facts.setdefault(f"SUM(CASE WHEN {counted} THEN 1 ELSE 0 END)" if states else "COUNT(*)", f"x{len(facts)}")
        return f"j_{child.value}.{name}"

    def _foreign(self) -> str:
        """Counts items that carry another number than their order's: smallest and largest tell."""
        item = self._table("item", "c")
        carried = item.field(Field.ITEM_ORDER)
        facts = self._facts.setdefault(screen.Child.ITEM, {})
        low = facts.setdefault(f"MIN({carried})", f"x{len(facts)}")
        high = facts.setdefault(f"MAX({carried})", f"x{len(facts)}")
        number = self._order.field(Field.ORDER_NUMBER)
        return f"(j_item.{low} <> {number} OR j_item.{high} <> {number})"

    def _child_join(self, child: screen.Child) -> str:
        table, facts = self._table(_CHILD_TABLE[child], "c"), self._facts[child]
        link, there = linked(table, self._order)
        rows = [*table.filter(), f"{link} IS NOT NULL"]
        if self._since is not None:
            rows.append(f"{link} IN ({self._changed('x', None if table.map.link is not None else Field.ORDER_NUMBER)})")
        columns = [f"{link} AS v", *(f"{sql} AS {name}" for sql, name in facts.items())]
        grouped = expressions.select(columns, table.source(), rows, f"GROUP BY {link}")
        return f"LEFT JOIN ({grouped}) j_{child.value} ON j_{child.value}.v = {there}"

    def _changed(self, alias: str, field: Field | None) -> str:
        """Keys, or a field's values, of the orders that changed."""
        x = self._table("order", alias)
        return expressions.select([x.key() if field is None else x.field(field)], x.source(), self._scope(x))

    def _scope(self, table: spelling.Table) -> list[str]:
        conditions = table.filter()
        if self._since is not None:
            conditions.append(f"{table.field(Field.ORDER_VERSION)} >= {self.scribe.bind(self._since)}")
        return conditions

    def _table(self, name: str, alias: str) -> spelling.Table:
        told = self._map.tables[name]
        return spelling.Table(told, self._live[told.table], self.scribe, alias, self._zone)
