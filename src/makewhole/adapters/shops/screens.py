"""Screens go in, one statement over the shop's orders comes out: a row for every suspect, a flag for every screen, in one pass.

What looks into other tables asks for keys that are there, or for the few exceptions, and never groups a whole table: each table is
read once, whatever indexes the shop has. Items are compared with their orders' numbers in a pass of their own, before (`strays`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from makewhole.adapters.shops import expressions, partstates, schema, shopmap, spelling
from makewhole.core import faults
from makewhole.model import finding, order, screen
from makewhole.model.order import Field

_CHILD_TABLE = {
    screen.Child.ITEM: "item",
    screen.Child.REFUND: "refund",
    screen.Child.COUPON: "coupon",
    screen.Child.STOCK_MOVE: "stock_move",
}
COLLECTED_KEYS_MAX = 2_000_000
"""Rows of a table whose keys still fit into `engines.SCAN_MEMORY_BYTES_MAX` of the shop's server."""
FEW = 4
"""SQLite looks a key up faster in a set that it has collected than in an index, if the set is this many times smaller than the orders."""
NUMBER_SHARED = "dn"
"""The column that tells a suspect whose number other rows carry too."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """A statement, its parameters, and for each ailment its flag's column."""

    sql: str
    values: dict[str, object]
    flags: tuple[tuple[finding.Ailment, str], ...]
    by_hash: bool = False
    """Whether it matches nearly every row of one table with one of another."""


@dataclass(frozen=True, kw_only=True)
class Exceptions:
    """What passes of their own have found already, few enough to be named; None where nobody looked, or where they are too many."""

    foreign: tuple[object, ...] | None = None
    """Keys of orders with another order's items."""
    numbers: tuple[object, ...] | None = None
    """Numbers that more than one row carries."""
    coupons: tuple[object, ...] | None = None
    """Coupons that more than one living order names."""
    childless: tuple[object, ...] | None = None
    """Keys of orders without items."""


def mapped(told: screen.Predicate, map_: shopmap.ShopMap) -> screen.Predicate | bool:
    """The screen without what this map cannot say: True or False where nothing is left to ask.

    A field that the map lacks shows no contradiction, so it suspects nobody; a limit in time that cannot be checked limits nothing.
    """
    return _mapped(told, map_, frozenset(map_.speaks_of()) | {Field.ORDER_KIND})


def _mapped(told: screen.Predicate, map_: shopmap.ShopMap, speaks: frozenset[Field]) -> screen.Predicate | bool:
    match told:
        case screen.All(parts=parts):
            left = [_mapped(p, map_, speaks) for p in parts]
            if any(p is False for p in left):
                return False
            kept = tuple(p for p in left if not isinstance(p, bool))
            return screen.All(parts=kept) if kept else True
        case screen.Any(parts=parts):
            left = [_mapped(p, map_, speaks) for p in parts]
            if any(p is True for p in left):
                return True
            kept = tuple(p for p in left if not isinstance(p, bool))
            return screen.Any(parts=kept) if kept else False
        case screen.Before(field=field) | screen.NotBefore(field=field) if field not in speaks:
            return True
        case screen.HasChild(child=child) | screen.NoChild(child=child):
            return told if _CHILD_TABLE[child] in map_.tables else False
        case screen.HasPart(of=of):
            left_ = False if map_.parts is None else _mapped(of, map_, speaks)
            return left_ if isinstance(left_, bool) else screen.HasPart(of=left_)
        case screen.PartsDisagree():
            return told if map_.parts is not None else False
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
    known: Exceptions | None = None,
) -> Query | None:
    """One statement for all screens; None where the map leaves nothing to ask. With `since`, only rows of that version or newer."""
    pass_ = _Pass(map_, live, dialect, since, known or Exceptions())
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


def strays(map_: shopmap.ShopMap, live: schema.Schema, dialect: str) -> Query | None:
    """Items that belong to no order (`k` is NULL, `n` what they call it), or that carry another number than the order `k`."""
    item = map_.tables.get("item")
    if item is None or item.of_parts:
        return None
    scribe = expressions.Scribe(dialect=dialect)
    i = spelling.Table(item, live[item.table], scribe, "i", map_.zone)
    o = spelling.Table(map_.order, live[map_.order.table], scribe, "o", map_.zone)
    called, link, there = orphan_terms(i, o)
    conditions = [*i.filter(), f"{called} IS NOT NULL"]
    if not _finds(o, item):
        # A join on a column without an index would compare every item with every order.
        keys = expressions.select([there], o.source(), [f"{there} IS NOT NULL"])
        sql = expressions.select([f"DISTINCT {called} AS n", "NULL AS k"], i.source(), [*conditions, f"{link} NOT IN ({keys})"])
        return Query(sql=sql, values=scribe.values, flags=())
    stray = f"{there} IS NULL"
    if item.link is not None and Field.ITEM_ORDER in item.fields:
        stray = f"({stray} OR {called} <> {o.field(Field.ORDER_NUMBER)})"
    source = f"{i.source()} LEFT JOIN {o.source()} ON {there} = {link}"
    sql = expressions.select([f"DISTINCT {called} AS n", f"{there} AS k"], source, [*conditions, stray])
    return Query(sql=sql, values=scribe.values, flags=())


def childless(map_: shopmap.ShopMap, live: schema.Schema, dialect: str) -> Query | None:
    """Keys `v` of orders without items, on servers that match all with all by hash; None where the pass over the orders tells as fast."""
    item = map_.tables.get("item")
    if item is None or item.of_parts or dialect != "mysql":
        return None
    told = item.link or item.fields[Field.ITEM_ORDER].sql
    if (told.column() or "").lower() not in live[item.table].indexed:
        return None
    scribe = expressions.Scribe(dialect=dialect)
    i = spelling.Table(item, live[item.table], scribe, "i", map_.zone)
    o = spelling.Table(map_.order, live[map_.order.table], scribe, "o", map_.zone)
    link, there = partstates.linked(i, o)
    source = f"{o.source()} LEFT JOIN {i.source()} ON {' AND '.join([f'{link} = {there}', *i.filter()])}"
    sql = expressions.select([f"{o.key()} AS v"], source, [*o.filter(), f"{link} IS NULL"])
    return Query(sql=sql, values=scribe.values, flags=(), by_hash=True)


def shared(map_: shopmap.ShopMap, live: schema.Schema, dialect: str, field: Field) -> Query | None:
    """Values `v` of a field of orders (the number; the coupon, of living orders) that more than one row holds."""
    if field not in map_.order.fields:
        return None
    scribe = expressions.Scribe(dialect=dialect)
    o = spelling.Table(map_.order, live[map_.order.table], scribe, "o", map_.zone)
    states = partstates.States(map_, live, o, "pc")
    return None if _unique(o, field) else Query(sql=_grouped(o, states, field, []), values=scribe.values, flags=())


def _grouped(orders: spelling.Table, states: partstates.States, field: Field, conditions: list[str]) -> str:
    value, source = orders.field(field), orders.source()
    rows = [*orders.filter(), *conditions, f"NOT {orders.missing(field)}"]
    if field is Field.ORDER_COUPON:
        source = f"{source} {states.join()}"
        rows.append(states.state_in(frozenset(s.value for s in order.LIVE)))
    return expressions.select([f"{value} AS v"], source, rows, f"GROUP BY {value} HAVING COUNT(*) > 1")


def _unique(orders: spelling.Table, field: Field) -> bool:
    """Whether an index forbids two rows with the same value."""
    column = orders.map.fields[field].sql.column()
    return column is not None and column.lower() in orders.live.unique


def _finds(orders: spelling.Table, child: shopmap.Table) -> bool:
    """Whether an index finds an order by what a child's row holds of it."""
    told = orders.map.key if child.link is not None else orders.map.fields[Field.ORDER_NUMBER].sql
    column = None if told is None else told.column()
    return column is not None and column.lower() in orders.live.indexed


def orphan_terms(item: spelling.Table, orders: spelling.Table) -> tuple[str, str, str]:
    """What an item calls its order, what links it, and what it is linked with."""
    carried = Field.ITEM_ORDER in item.map.fields
    link, there = partstates.linked(item, orders)
    return (item.field(Field.ITEM_ORDER) if carried else link), link, there


def _fields(map_: shopmap.ShopMap, name: str) -> frozenset[Field]:
    table = map_.tables.get(name)
    return frozenset() if table is None else frozenset(table.fields)


class _Pass:
    """One statement in the making: conditions over the order's row, and the joins that they need."""

    def __init__(self, map_: shopmap.ShopMap, live: schema.Schema, dialect: str, since: object, known: Exceptions) -> None:
        self._map, self._live, self._zone = map_, live, map_.zone
        self.scribe = expressions.Scribe(dialect=dialect)
        self._since = since
        self._order = self._table("order", "o")
        self._states = partstates.States(map_, live, self._order, "pt")
        self._joins: dict[str, str] = {}
        self._known = known

    def write(self, told: screen.Predicate) -> str:
        """A condition that is true, false or NULL; NULL counts as false."""
        o = self._order
        match told:
            case screen.All(parts=parts):
                return "(" + " AND ".join(self.write(p) for p in sorted(parts, key=_dear)) + ")"
            case screen.Any(parts=parts):
                return "(" + " OR ".join(self.write(p) for p in parts) + ")"
            case screen.In(field=Field.ORDER_STATE, values=values):
                return self._states.state_in(frozenset(values))
            case screen.Unknown():
                return self._states.unknown()
            case screen.PartsDisagree():
                return self._states.disagree()
            case screen.PartsDoNotAddUp():
                return self._states.do_not_add_up()
            case screen.HasPart(of=of):
                return self._part(of)
            case screen.HasChild(child=child, states=states):
                return self._child(child, frozenset(states), "IN")
            case screen.NoChild(child=screen.Child.ITEM) if self._known.childless is not None:
                return self._among(o.key(), self._known.childless)
            case screen.NoChild(child=child):
                return self._child(child, frozenset(), "NOT IN")
            case screen.ForeignItem():
                return self._foreign()
            case screen.SharesCoupon():
                return self._shares(Field.ORDER_COUPON, "dc", self._known.coupons)
            case screen.SharesNumber():
                return self.shares_number()
            case _:
                return self._of_row(told, o)

    def _of_row(self, told: screen.Predicate, t: spelling.Table) -> str:
        """A condition over one row alone."""
        match told:
            case screen.All(parts=parts):
                return "(" + " AND ".join(self._of_row(p, t) for p in sorted(parts, key=_dear)) + ")"
            case screen.Any(parts=parts):
                return "(" + " OR ".join(self._of_row(p, t) for p in parts) + ")"
            case screen.In(field=field, values=values):
                return self._in(t, field, frozenset(values))
            case screen.Missing(field=field):
                return t.missing(field)
            case screen.Present(field=field):
                return f"NOT {t.missing(field)}"
            case screen.Before(field=field, instant=instant):
                return t.before(field, instant)
            case screen.NotBefore(field=field, instant=instant):
                return t.not_before(field, instant)
            case screen.Less(left=left, right=right):
                return t.later_first(left, right)
            case screen.Differ(left=left, right=right):
                return _differ(t, left, right)
            case _:
                raise faults.Defect(f"{type(told).__name__} is told by more than one row")

    def statement(self, flags: dict[str, str]) -> str:
        """The whole statement."""
        o = self._order
        shared = self.shares_number()
        created = o.field(Field.ORDER_CREATED_AT) if Field.ORDER_CREATED_AT in o.map.fields else "NULL"
        columns = [f"{o.key()} AS k", f"{o.field(Field.ORDER_NUMBER)} AS n", f"{created} AS c", f"({shared}) AS {NUMBER_SHARED}"]
        columns += [f"({sql}) AS {name}" for sql, name in flags.items()]
        named = " OR ".join(flags.values())
        conditions = [*self._scope(o), f"NOT {o.missing(Field.ORDER_NUMBER)}"]
        source = f"{o.source()} {' '.join([*self._joins.values(), self._parts()])}"
        if self.scribe.dialect == "mysql":
            # HAVING names the flags of the select list, so that each subselect is there, and is worked out, once.
            return expressions.select(columns, source, conditions, f"HAVING {named}")
        if self.scribe.dialect == "sqlite":
            return expressions.select(columns, source, [*conditions, f"({named})"])
        return expressions.select(["*"], f"({expressions.select(columns, source, conditions)}) s", [f"({named})"])

    def shares_number(self) -> str:
        """Whether other rows carry the same number; nothing to ask where an index forbids it."""
        return self._shares(Field.ORDER_NUMBER, NUMBER_SHARED, self._known.numbers)

    def _parts(self) -> str:
        """Where orders have parts, the grouping of them beside the orders; of what changed alone, where only that is looked at."""
        by_key = self._map.parts is not None and self._map.parts.link is not None
        changed = () if self._since is None else (self._changed("x", None if by_key else Field.ORDER_NUMBER),)
        return self._states.join(changed)

    def _part(self, of: screen.Predicate) -> str:
        """Whether one of the order's parts is so: asked in the pass that groups them, so that their table is read once."""
        return "1 = 0" if self._states.parts is None else self._states.has(self._of_row(of, self._states.parts))

    def _in(self, t: spelling.Table, field: Field, words: frozenset[str]) -> str:
        if field is Field.SUBORDER_STATE:
            return t.state_in(t.map.states, words)
        if field is not Field.ORDER_KIND:
            return f"{t.field(field)} IN {self.scribe.binds(tuple(sorted(words)))}"
        normal = order.OrderKind.NORMAL.value in words
        known = t.state_in(t.map.kinds, words) if t.map.kinds.rungs else "1 = 0"
        # A row that no condition names is of the normal kind, as it is in the dossier.
        return f"({known} OR {t.state_unknown(t.map.kinds)})" if normal else known

    def _shares(self, field: Field, alias: str, known: tuple[object, ...] | None) -> str:
        """Whether the order's value of a field is one that more than one row holds."""
        o = self._order
        if known is not None:
            return self._among(o.field(field), known)
        if _unique(o, field):
            return "1 = 0"
        if alias not in self._joins:
            t = self._table("order", "o")
            states = partstates.States(self._map, self._live, t, "pc")
            changed = [] if self._since is None else [f"{t.field(field)} IN ({self._changed('x', field)})"]
            self._joins[alias] = f"LEFT JOIN ({_grouped(t, states, field, changed)}) {alias} ON {alias}.v = {o.field(field)}"
        return f"{alias}.v IS NOT NULL"

    def _among(self, told: str, values: tuple[object, ...]) -> str:
        return f"{told} IN {self.scribe.binds(values)}" if values else "1 = 0"

    def _child(self, child: screen.Child, states: frozenset[str], is_in: str) -> str:
        """Whether the order is among those that have rows in a table, or rows in some states."""
        table = self._table(_CHILD_TABLE[child], "c")
        return self._with(table, [table.state_in(table.map.states, states)] if states else [], is_in)

    def _with(self, table: spelling.Table, conditions: list[str], is_in: str) -> str:
        """Whether the order is among those that have such rows in a table."""
        source, whose = partstates.told(table, None if self._map.parts is None else self._table("suborder", "cp"))
        link, there = partstates.linked(whose, self._order)
        rows = [*table.filter(), *conditions]
        told = whose.map.link or whose.map.fields[Field(f"{whose.map.name}.order")].sql
        # MariaDB looks a key up faster in a set that it has collected than in an index, if that set fits into memory and pays.
        few = 0 < table.live.rows * FEW <= self._order.live.rows
        looks_up = self._since is not None or (self.scribe.dialect == "sqlite" and not few) or table.live.rows > COLLECTED_KEYS_MAX
        if looks_up and (told.column() or "").lower() in whose.live.indexed:
            exists = expressions.select(["1"], source, [*rows, f"{link} = {there}"])
            return f"{'NOT ' if is_in == 'NOT IN' else ''}EXISTS ({exists})"
        # Without an index each order would read the whole table: then all keys are collected once.
        rows.append(f"{link} IS NOT NULL")
        if self._since is not None:
            rows.append(f"{link} IN ({self._changed('x', None if whose.map.link is not None else Field.ORDER_NUMBER)})")
        return f"{there} {is_in} ({expressions.select([link], source, rows)})"

    def _foreign(self) -> str:
        """Whether an item of the order carries another number; true of those that were found, where somebody looked."""
        if self._known.foreign is not None:
            return self._among(self._order.key(), self._known.foreign)
        if "f" not in self._joins:
            item, o = self._table("item", "c"), self._table("order", "p")
            link, there = partstates.linked(item, o)
            rows = [*item.filter(), *self._scope(o), f"{item.field(Field.ITEM_ORDER)} <> {o.field(Field.ORDER_NUMBER)}"]
            found = expressions.select([f"DISTINCT {there} AS v"], f"{item.source()} JOIN {o.source()} ON {there} = {link}", rows)
            self._joins["f"] = f"LEFT JOIN ({found}) f ON f.v = {partstates.linked(item, self._order)[1]}"
        return "f.v IS NOT NULL"

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


def _dear(told: screen.Predicate) -> int:
    """What is asked first where all must hold: servers ask from the left, and stop where one does not."""
    match told:
        case screen.In(field=Field.ORDER_STATE | Field.SUBORDER_STATE):
            # A ladder of conditions, or several lists of sets.
            return 1
        case screen.HasChild() | screen.NoChild() | screen.HasPart() | screen.ForeignItem():
            return 2
        case _:
            return 0


def _differ(t: spelling.Table, left: Field, right: Field) -> str:
    if left in shopmap.MONEY:
        same_unit = t.map.fields[left].unit is t.map.fields[right].unit
        if same_unit and t.exact(left) and t.exact(right):
            return f"{t.field(left)} <> {t.field(right)}"
        return f"{t.amount(left)} <> {t.amount(right)}"
    return f"{t.field(left)} <> {t.field(right)}"
