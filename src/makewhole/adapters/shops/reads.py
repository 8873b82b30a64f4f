"""What a shop's rows say of a batch of orders: numbers go in, plain rows come out, in one bounded statement a table."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from makewhole.adapters.shops import engines, expressions, partstates, rows, schema, screens, shopmap, spelling
from makewhole.adapters.shops.language import Privacy
from makewhole.core import money
from makewhole.model import order, suborder
from makewhole.model.order import Field

Row = dict[str, object]
IN_MAX = 500
"""Values in one IN list: far below every server's limit, and a statement that a person can still read in a slow log."""
STATEMENTS_MAX = 512
"""Texts of statements that are kept: a few dozen a shop, times the lengths of their lists."""


_LIVE = frozenset(s.value for s in order.LIVE)


@dataclass(kw_only=True)
class Found:
    """Rows of one batch, by our table names. Columns: `k` the order's key, `n` its number, `st` the rung of its state, `f_…` fields."""

    orders: list[Row] = field(default_factory=list)
    parts: list[Row] = field(default_factory=list)
    items: list[Row] = field(default_factory=list)
    orphans: list[Row] = field(default_factory=list)
    refunds: list[Row] = field(default_factory=list)
    payments: list[Row] = field(default_factory=list)
    moves: list[Row] = field(default_factory=list)
    stock: list[Row] = field(default_factory=list)
    bound_coupons: list[Row] = field(default_factory=list)
    named_coupons: list[Row] = field(default_factory=list)
    holders: list[Row] = field(default_factory=list)
    owners: list[Row] = field(default_factory=list)
    reissued: list[Row] = field(default_factory=list)
    origins: frozenset[str] = frozenset()


class Tables:
    """Selects of one shop over one connection."""

    def __init__(self, map_: shopmap.ShopMap, live: schema.Schema, connection: sa.Connection) -> None:
        self._map, self._live, self._connection = map_, live, connection
        self._dialect = engines.spoken(connection)
        self._zone: ZoneInfo = map_.zone

    def orders(self, numbers: Sequence[str], keys: Sequence[object] = ()) -> list[Row]:
        """The rows of these numbers; those with a known key by it, because shops exist without an index on the number."""
        found: list[Row] = []
        for batch in _batches(keys or self._numbers(numbers)):
            scribe, o = self._table("order", "o")
            there = o.key() if keys else o.field(Field.ORDER_NUMBER)
            columns = [
                f"{o.key()} AS k",
                f"{o.field(Field.ORDER_NUMBER)} AS n",
                f"{o.rung(o.map.states)} AS st",
                f"{o.rung(o.map.kinds)} AS kd",
                *self._fields(o),
                *(f"{o.raw(c)} AS r_{i}" for i, c in enumerate(o.map.columns())),
            ]
            conditions = [*o.filter(), f"{there} IN {scribe.binds(batch)}"]
            found += self._select(columns, o.source(), conditions, scribe)
        return found

    def _numbers(self, numbers: Sequence[str]) -> Sequence[str | int]:
        """Those that an order can carry: whatever a person or a log calls an order."""
        told = self._map.order
        return self._live[told.table].fitting(told.fields[Field.ORDER_NUMBER].sql, numbers)

    def there(self, numbers: Sequence[str]) -> frozenset[str]:
        """Those of these numbers that an order carries."""
        found: set[str] = set()
        for batch in _batches(self._numbers(numbers)):
            scribe, o = self._table("order", "o")
            number = o.field(Field.ORDER_NUMBER)
            found |= {
                str(r["n"])
                for r in self._select([f"{number} AS n"], o.source(), [*o.filter(), f"{number} IN {scribe.binds(batch)}"], scribe)
            }
        return frozenset(found)

    def parts(self, keys: Sequence[object], numbers: Sequence[str]) -> list[Row]:
        """Sub-orders of these orders, each with its key `p` and its raw columns, as an order's row has them."""
        return self._children("suborder", keys, numbers)

    def items(self, keys: Sequence[object], numbers: Sequence[str], parts: Sequence[Row]) -> list[Row]:
        """Lines of these orders, whose parts these are."""
        return self._of_either("item", keys, numbers, parts)

    def refunds(self, keys: Sequence[object], numbers: Sequence[str], parts: Sequence[Row]) -> list[Row]:
        """Refund rows of these orders, whose parts these are."""
        return self._of_either("refund", keys, numbers, parts)

    def _of_either(self, name: str, keys: Sequence[object], numbers: Sequence[str], parts: Sequence[Row]) -> list[Row]:
        """Rows that name an order, or a part of it alone: then `p` is the part's key."""
        told = self._map.tables.get(name)
        if told is None or not told.of_parts:
            return self._children(name, keys, numbers)
        whose = {rows.spell(p["p"]): p["v"] for p in parts}
        # What names a part is as its order calls itself, which is what the part says.
        return [{**r, "v": whose[rows.spell(r["v"])], "p": r["v"]} for r in self._children(name, [p["p"] for p in parts], [])]

    def payments(self, keys: Sequence[object], numbers: Sequence[str]) -> list[Row]:
        """Attempts to pay that the shop knows of."""
        return self._children("payment", keys, numbers)

    def moves(self, keys: Sequence[object], numbers: Sequence[str], parts: Sequence[Row]) -> list[Row]:
        """Rows of the stock ledger of these orders, whose parts these are."""
        return self._of_either("stock_move", keys, numbers, parts)

    def bound_coupons(self, keys: Sequence[object], numbers: Sequence[str]) -> list[Row]:
        """Coupons whose own row is bound to these orders."""
        told = self._map.tables.get("coupon")
        if told is None or (told.link is None and Field.COUPON_ORDER not in told.fields):
            return []
        return self._children("coupon", keys, numbers)

    def named_coupons(self, coupons: Sequence[str]) -> list[Row]:
        """Coupons by their own number, with the number of the order that each is bound to."""
        return self._by("coupon", Field.COUPON_ID, coupons)

    def stock(self, skus: Sequence[str]) -> list[Row]:
        """What is for sale of these skus."""
        return self._by("stock", Field.STOCK_SKU, skus)

    def holders(self, coupons: Sequence[str]) -> list[Row]:
        """Live orders that name these coupons."""
        found: list[Row] = []
        if Field.ORDER_COUPON not in self._map.order.fields:
            return found
        for batch in _batches(coupons):
            scribe, o = self._table("order", "o")
            live = o.state_in(o.map.states, _LIVE)
            columns = [
                f"{o.key()} AS k",
                f"{o.field(Field.ORDER_NUMBER)} AS n",
                f"{o.rung(o.map.states)} AS st",
                f"{o.field(Field.ORDER_COUPON)} AS v",
            ]
            conditions = [*o.filter(), f"{o.field(Field.ORDER_COUPON)} IN {scribe.binds(batch)}", live]
            found += self._select(columns, o.source(), conditions, scribe)
        return self._living(found)

    def _living(self, found: list[Row]) -> list[Row]:
        """Those of these orders that live by their parts as well."""
        if self._map.parts is None:
            return found
        told = stages(self._map, self.parts([r["k"] for r in found], [str(r["n"]) for r in found]))
        by = "k" if self._map.parts.link is not None else "n"
        return [
            r for r in found if suborder.whole(rung(self._map.order.states, r), told.get(rows.spell(r[by]), suborder.NONE)) in order.LIVE
        ]

    def numbers_of(self, keys: Sequence[object]) -> list[Row]:
        """The numbers of orders by their keys."""
        found: list[Row] = []
        for batch in _batches(keys):
            scribe, o = self._table("order", "o")
            columns = [f"{o.key()} AS k", f"{o.field(Field.ORDER_NUMBER)} AS n"]
            found += self._select(columns, o.source(), [f"{o.key()} IN {scribe.binds(batch)}"], scribe)
        return found

    def orphans(self, called: Sequence[str]) -> list[Row]:
        """Items of orders that do not exist, by what they call their order."""
        found: list[Row] = []
        if "item" not in self._map.tables or self._map.tables["item"].of_parts:
            return found
        item = self._map.tables["item"]
        name_of = item.fields[Field.ITEM_ORDER].sql if Field.ITEM_ORDER in item.fields else item.link
        for batch in _batches(called if name_of is None else self._live[item.table].fitting(name_of, called)):
            scribe, i = self._table("item", "i")
            o = spelling.Table(self._map.order, self._live[self._map.order.table], scribe, "o", self._zone)
            name, link, there = screens.orphan_terms(i, o)
            source = f"{i.source()} LEFT JOIN {o.source()} ON {there} = {link}"
            conditions = [*i.filter(), f"{name} IN {scribe.binds(batch)}", f"{there} IS NULL"]
            found += self._select([f"{name} AS n", *self._fields(i)], source, conditions, scribe)
        return found

    def attempt_owner(self, number: str) -> str | None:
        """The order that the shop's row of this attempt belongs to."""
        if "payment" not in self._map.tables:
            return None
        told_by = self._map.tables["payment"]
        fitting = self._live[told_by.table].fitting(told_by.fields[Field.PAYMENT_NUMBER].sql, [number])
        if not fitting:
            return None
        scribe, p = self._table("payment", "p")
        o = spelling.Table(self._map.order, self._live[self._map.order.table], scribe, "o", self._zone)
        link, there = partstates.linked(p, o)
        source = f"{p.source()} JOIN {o.source()} ON {there} = {link}"
        conditions = [*p.filter(), *o.filter(), f"{p.field(Field.PAYMENT_NUMBER)} = {scribe.bind(fitting[0])}"]
        told = {str(r["n"]) for r in self._select([f"{o.field(Field.ORDER_NUMBER)} AS n"], source, conditions, scribe)}
        # Two orders claim it: that is a finding for people, never a coin toss.
        return told.pop() if len(told) == 1 else None

    def alike(self, amount: money.Money, at: datetime, window: timedelta, limit: int) -> list[Row]:
        """Orders of this amount, written within a window around an instant."""
        order_fields = self._map.order.fields
        if Field.ORDER_CREATED_AT not in order_fields or amount.currency != self._map.currency:
            return []
        scribe, o = self._table("order", "o")
        due = scribe.bind(amount.fen)
        conditions = [
            *o.filter(),
            o.not_before(Field.ORDER_CREATED_AT, at - window),
            o.before(Field.ORDER_CREATED_AT, at + window + timedelta(seconds=1)),
            f"{o.amount(Field.ORDER_AMOUNT_DUE)} = {due}",
        ]
        sql = expressions.select([f"{o.key()} AS k"], o.source(), conditions, f"LIMIT {int(limit)}")
        keys = [r[0] for r in self._connection.execute(statement(sql), scribe.values)]
        return self.orders([], keys) if keys else []

    def bought_by(self, buyer: str, keys: Sequence[object]) -> frozenset[str]:
        """Those of these orders whose buyer is this one; compared in the database, so that a hashed field can be too."""
        if Field.ORDER_BUYER not in self._map.order.fields or not keys:
            return frozenset()
        scribe, o = self._table("order", "o")
        conditions = [
            f"{o.key()} IN {scribe.binds(tuple(keys[:IN_MAX]))}",
            f"{o.text(Field.ORDER_BUYER)} = {scribe.bind(buyer)}",
        ]
        return frozenset(rows.spell(r["k"]) for r in self._select([f"{o.key()} AS k"], o.source(), conditions, scribe))

    def _children(self, name: str, keys: Sequence[object], numbers: Sequence[str]) -> list[Row]:
        """Rows of a table that belong to orders: `v` is the order's key where the map links by it, else its number."""
        found: list[Row] = []
        if name not in self._map.tables:
            return found
        by_key = self._map.tables[name].link is not None
        for batch in _batches(keys if by_key else numbers):
            scribe, c = self._table(name, "c")
            o = spelling.Table(self._map.order, self._live[self._map.order.table], scribe, "o", self._zone)
            link, _ = partstates.linked(c, o)
            raw = [f"{c.key()} AS p", *(f"{c.raw(r)} AS r_{i}" for i, r in enumerate(c.map.columns()))] if name == "suborder" else []
            found += self._select(
                [f"{link} AS v", *self._told(c), *raw], c.source(), [*c.filter(), f"{link} IN {scribe.binds(batch)}"], scribe
            )
        return found

    def _by(self, name: str, by: Field, values: Sequence[str]) -> list[Row]:
        found: list[Row] = []
        if name not in self._map.tables:
            return found
        for batch in _batches(values):
            scribe, t = self._table(name, "t")
            link = t.told(t.map.link) if t.map.link is not None else "NULL"
            columns = [f"{t.field(by)} AS v", f"{link} AS l", *self._told(t)]
            found += self._select(columns, t.source(), [*t.filter(), f"{t.field(by)} IN {scribe.binds(batch)}"], scribe)
        return found

    def _told(self, table: spelling.Table) -> list[str]:
        codes = (f"{table.raw(c)} AS s_{i}" for i, c in enumerate(table.map.states.columns()))
        return [f"{table.rung(table.map.states)} AS st", f"{table.rung(table.map.moves)} AS mv", *codes, *self._fields(table)]

    def _fields(self, table: spelling.Table) -> list[str]:
        """The mapped fields; a field whose privacy class is never is not even selected."""
        read = (f for f, c in table.map.fields.items() if c.privacy is not Privacy.NEVER)
        return [f"{table.field(f)} AS {rows.name(f)}" for f in read]

    def _table(self, name: str, alias: str) -> tuple[expressions.Scribe, spelling.Table]:
        scribe = expressions.Scribe(dialect=self._dialect)
        told = self._map.tables[name]
        return scribe, spelling.Table(told, self._live[told.table], scribe, alias, self._zone)

    def _select(self, columns: list[str], source: str, conditions: list[str], scribe: expressions.Scribe) -> list[Row]:
        sql = expressions.select(columns, source, conditions)
        return [dict(r) for r in self._connection.execute(statement(sql), scribe.values).mappings()]


def read(tables: Tables, numbers: Sequence[str], hints: Mapping[str, object], reissues: Sequence[str], origins: Sequence[str]) -> Found:
    """Everything the shop says of these orders. `hints`: keys of numbers without an index.

    `reissues`: numbers that they may live on under; `origins`: numbers that they may have been written again from.
    """
    found = Found()
    found.orders = tables.orders([n for n in numbers if n not in hints])
    found.orders += tables.orders([], [hints[n] for n in numbers if n in hints])
    by_number = {str(r["n"]) for r in found.orders}
    keys = list(dict.fromkeys(r["k"] for r in found.orders))
    there = [n for n in numbers if n in by_number]
    found.parts = tables.parts(keys, there)
    found.items = tables.items(keys, there, found.parts)
    found.refunds = tables.refunds(keys, there, found.parts)
    found.payments = tables.payments(keys, there)
    found.moves = tables.moves(keys, there, found.parts)
    found.stock = tables.stock(_values(found.items, rows.name(Field.ITEM_SKU)))
    found.bound_coupons = tables.bound_coupons(keys, there)
    coupons = _values(found.orders, rows.name(Field.ORDER_COUPON))
    found.named_coupons = tables.named_coupons(coupons)
    found.owners = tables.numbers_of([r["l"] for r in found.named_coupons if r["l"] is not None])
    found.holders = tables.holders(list(dict.fromkeys([*coupons, *_values(found.bound_coupons, rows.name(Field.COUPON_ID))])))
    found.orphans = tables.orphans([n for n in numbers if n not in by_number])
    found.reissued = tables.orders(reissues)
    found.origins = tables.there(origins)
    return found


def rung(states: shopmap.Cases, row: Row) -> order.OrderState | None:
    """The state that a row's rung `st` stands for; None where no condition held."""
    at = int(str(row["st"]))
    return None if at < 0 else order.OrderState(states.rungs[at][1])


def stages(map_: shopmap.ShopMap, parts: Sequence[Row]) -> dict[str, suborder.Stage]:
    """The sets of stages that orders' parts are in, by what the parts' rows call their order."""
    found: dict[str, suborder.Stage] = {}
    if map_.parts is None:
        return found
    for row in parts:
        whose = rows.spell(row["v"])
        found[whose] = found.get(whose, suborder.NONE) | suborder.stage(rung(map_.parts.states, row))
    return found


@functools.lru_cache(maxsize=STATEMENTS_MAX)
def statement(sql: str) -> sa.TextClause:
    """The same few dozen statements read every batch: each is looked through for its parameters once."""
    return sa.text(sql)


def _values(told: Sequence[Row], column: str) -> list[str]:
    return list(dict.fromkeys(str(r[column]) for r in told if r.get(column) not in {None, ""}))


def _batches(values: Sequence[object]) -> list[tuple[object, ...]]:
    return [tuple(values[i : i + IN_MAX]) for i in range(0, len(values), IN_MAX)]
