"""A shop file with its meaning checked: nouns of `language` go in, a map from our fields to parsed SQL comes out, or BadInput."""

from __future__ import annotations

import dataclasses
import enum
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlglot import exp

from makewhole.adapters.shops import expressions, handmap, kinds, language, shards, transitions
from makewhole.adapters.shops.language import Privacy, Unit
from makewhole.core import faults
from makewhole.model import order, payment, resource
from makewhole.model.order import Field

MONEY = frozenset(
    {
        Field.ORDER_AMOUNT_DUE,
        Field.ORDER_AMOUNT_PARTS,
        Field.ORDER_AMOUNT_SUBORDERS,
        Field.ORDER_AMOUNT_PAID,
        Field.SUBORDER_AMOUNT_DUE,
        Field.ITEM_AMOUNT,
        Field.PAYMENT_AMOUNT,
        Field.REFUND_AMOUNT,
        Field.STOCK_PRICE,
    }
)
INSTANTS = frozenset(f for f in Field if f.value.endswith("_at") or f.value.endswith(".at"))
_PERSONAL = {Field.ORDER_BUYER: Privacy.HASHED}
"""Fields that are no plain text unless the file says so."""
PHONE = "receiver_phone"
_UNREAD = frozenset({f"order.{PHONE}", "order.tenant"})
"""Nouns of a shop map that no diagnosis reads: they may be named, and no dossier holds them."""
_NEEDED = {
    "order": ("number", "amount_due"),
    "suborder": (),
    "item": ("sku", "quantity"),
    "refund": ("amount",),
    "payment": ("number",),
    "stock": ("sku", "available"),
    "stock_move": ("sku", "quantity"),
    "coupon": ("id",),
    "history": (),
}
_STATES: dict[str, type[enum.Enum]] = {
    "order": order.OrderState,
    "suborder": order.OrderState,
    "refund": payment.RefundState,
    "coupon": resource.CouponState,
    "payment": payment.AttemptState,
}


@dataclass(frozen=True, kw_only=True)
class Column:
    """One of our fields as this shop spells it."""

    field: Field
    sql: expressions.Expression
    unit: Unit | None
    values: Mapping[str, str]
    privacy: Privacy


@dataclass(frozen=True, kw_only=True)
class Phone:
    """The receiver's phone: for the search index alone, as far as its class allows; never, unless the file says otherwise."""

    sql: expressions.Expression
    privacy: Privacy


@dataclass(frozen=True, kw_only=True)
class Cases:
    """Conditions, the first that holds wins, and the word of ours for each."""

    rungs: tuple[tuple[expressions.Expression, str], ...]

    def simple(self) -> tuple[str, tuple[tuple[exp.Expression, str], ...]] | None:
        """The one column and its literals, where every condition is `column = literal` of the same column, each literal once."""
        column, found = None, []
        for told, word in self.rungs:
            tree = told.tree
            if not isinstance(tree, exp.EQ) or not isinstance(tree.this, exp.Column) or not isinstance(tree.expression, exp.Literal):
                return None
            if column not in {None, tree.this.name}:
                return None
            column = tree.this.name
            found.append((tree.expression, word))
        if column is None or len({literal.this for literal, _ in found}) < len(found):
            return None
        return column, tuple(found)

    def words(self) -> tuple[str, ...]:
        """Every word that they can give."""
        return tuple(dict.fromkeys(word for _, word in self.rungs))

    def columns(self) -> tuple[str, ...]:
        """The columns that the conditions look at."""
        return tuple(dict.fromkeys(c for told, _ in self.rungs for c in told.columns()))


@dataclass(frozen=True, kw_only=True)
class Table:
    """One mapped table."""

    name: str
    cut: shards.Cut
    where: expressions.Expression | None
    key: expressions.Expression | None
    link: expressions.Expression | None
    fields: Mapping[Field, Column]
    states: Cases
    kinds: Cases
    moves: Cases
    watch: tuple[str, ...]
    phone: Phone | None = None
    of_parts: bool = False
    """Whether `link` holds a sub-order's key, and the order is the sub-order's."""

    @property
    def table(self) -> str:
        """Its name; of several shards, the first one's."""
        return self.cut.names[0]

    @property
    def shards(self) -> tuple[str, ...]:
        """The tables that it is in the database: itself alone, or all that it was cut into."""
        return self.cut.names

    def columns(self) -> tuple[str, ...]:
        """Every column that anything here looks at, in a stable order; the row's version is made of them."""
        return self._columns

    @functools.cached_property
    def _columns(self) -> tuple[str, ...]:
        told = [e for e in (self.key, self.link, self.where) if e is not None]
        told += [c.sql for c in self.fields.values()]
        used = [c for e in told for c in e.columns()]
        used += [*self.states.columns(), *self.kinds.columns(), *self.moves.columns(), *self.watch]
        return tuple(dict.fromkeys(used))


@dataclass(frozen=True, kw_only=True)
class ShopMap:
    """Everything that eyes and hands know of a shop."""

    name: str
    where: str
    zone: ZoneInfo
    currency: str
    channels: tuple[str, ...]
    payment_numbers: tuple[str, ...]
    tables: Mapping[str, Table]
    hands: Mapping[str, handmap.Hand]
    may_follow: Mapping[order.OrderState, tuple[str, ...]]
    """What may follow a state, where the file says so; our own hands' acts always may."""
    parts_may_follow: Mapping[order.OrderState, tuple[str, ...]]
    """The same of a sub-order's own state."""
    may_change: tuple[Field, ...]
    """Fields that this shop writes again after they were settled."""

    @property
    def order(self) -> Table:
        """The table of orders."""
        return self.tables["order"]

    @property
    def parts(self) -> Table | None:
        """The table of sub-orders, where orders have parts with states of their own."""
        return self.tables.get("suborder")

    @property
    def apart(self) -> bool:
        """Whether orders and their parts are two kinds of rows in one table, told apart by their filters."""
        return self.parts is not None and self.parts.cut.same(self.order.cut)

    def whose(self, name: str) -> Table | None:
        """The table that says whose a table's rows are: itself, or that of the parts that it names; None where it is not mapped."""
        table = self.tables.get(name)
        return self.parts if table is not None and table.of_parts else table

    def speaks_of(self) -> tuple[Field, ...]:
        """The fields that this map covers."""
        return self._speaks_of

    @functools.cached_property
    def _speaks_of(self) -> tuple[Field, ...]:
        found = {f for t in self.tables.values() for f, c in t.fields.items() if c.privacy is not Privacy.NEVER}
        found.add(Field.ORDER_STATE)
        if self.order.kinds.rungs:
            found.add(Field.ORDER_KIND)
        if self.parts is not None:
            found.add(Field.SUBORDER_STATE)
        for name in ("suborder", "item", "refund", "payment", "stock_move", "coupon", "history"):
            if name in self.tables:
                found.add(Field(f"{name}.order"))
        return tuple(f for f in Field if f in found)


def compile_map(file: language.ShopFile) -> ShopMap:
    """The map of a shop file. Raises BadInput that names the key."""
    tables = {name: _table(name, spec, file) for name, spec in file.tables.items()}
    spec = file.tables["order"]
    channel = tables["order"].fields.get(Field.ORDER_CHANNEL)
    coded = () if channel is None else tuple(v for v in channel.values.values() if v)
    parts = tables.get("suborder")
    if parts is not None:
        apart = kinds.of_parts(tables["order"].cut, parts.cut, tables["order"].where, parts.where, file.where)
        parts = tables["suborder"] = dataclasses.replace(parts, where=apart)
    around = handmap.Around(
        cuts={name: table.cut for name, table in tables.items()},
        by_buyer=_by_buyer(spec, tables["order"], f"{file.where}: order.shard_by"),
        part_words=frozenset(order.OrderState(w) for w in parts.states.words()) if parts else frozenset(),
        parts_by=() if parts is None else _parts_by(parts),
    )
    _check_parts(tables["order"], parts, file)
    hands, known = {name: handmap.compiled(name, told, file, around) for name, told in file.hands.items()}, frozenset(file.hands)
    return ShopMap(
        name=file.name,
        where=file.where,
        zone=ZoneInfo(file.time_zone),
        currency=file.currency,
        channels=tuple(dict.fromkeys((*coded, *file.channels))),
        payment_numbers=file.payment_numbers,
        tables=tables,
        hands=hands,
        may_follow=transitions.follows(spec, known, f"{file.where}: order.transitions"),
        parts_may_follow={}
        if parts is None
        else transitions.follows(file.tables["suborder"], known, f"{file.where}: suborder.transitions"),
        may_change=transitions.changes(spec, f"{file.where}: order.may_change"),
    )


def _by_buyer(spec: language.TableSpec, orders: Table, where: str) -> bool:
    """Whether the buyer alone decides in which shard an order is."""
    if spec.shard_by not in {None, "buyer"}:
        todo = 'Write shard_by = "buyer" if an order is where its buyer\'s others are; leave it out for any other rule.'
        raise faults.BadInput(f"no rule of shards is called {spec.shard_by!r}", where=where, todo=todo)
    if spec.shard_by and Field.ORDER_BUYER not in orders.fields:
        raise faults.BadInput("the shard is the buyer's, and order.buyer is not mapped", where=where, todo='Add buyer = "<column>".')
    return spec.shard_by is not None


def _check_parts(orders: Table, parts: Table | None, file: language.ShopFile) -> None:
    """Whether what is told of parts has parts to tell of. Raises BadInput."""
    if parts is None and Field.ORDER_AMOUNT_SUBORDERS in orders.fields:
        todo = "Map their table as [suborder], or leave it out."
        raise faults.BadInput("no sub-orders are mapped", where=f"{file.where}: order.fields.amount_suborders", todo=todo)


def _parts_by(parts: Table) -> tuple[str, ...]:
    """The columns that say whose a part is."""
    told = [parts.link] if parts.link is not None else [c.sql for f, c in parts.fields.items() if f is Field.SUBORDER_ORDER]
    return tuple(c.lower() for sql in told for c in sql.columns())


def _table(name: str, spec: language.TableSpec, file: language.ShopFile) -> Table:
    where = f"{file.where}: {name}"
    fields = {}
    for short, told in spec.fields.items():
        column = _column(name, short, told, file)
        if column is not None:
            fields[column.field] = column
    if name != "order" and (spec.may_change or spec.shard_by or (name != "suborder" and spec.transitions)):
        raise faults.BadInput("only the order has these", where=where, todo="Write transitions, may_change and shard_by below [order].")
    for short in _NEEDED[name]:
        if Field(f"{name}.{short}") not in fields:
            raise faults.BadInput(f"{name}.{short} is not mapped", where=f"{where}.fields", todo=f'Add {short} = "<column>".')
    table = Table(
        name=name,
        cut=shards.cut(spec.table, f"{where}.table"),
        where=_optional(spec.where, file, f"{where}.where"),
        key=_optional(spec.key, file, f"{where}.key"),
        link=_optional(spec.link, file, f"{where}.link"),
        fields=fields,
        states=_cases(spec.states, _STATES.get(name), file, f"{where}.states"),
        kinds=_cases(spec.kinds, order.OrderKind if name == "order" else None, file, f"{where}.kinds"),
        moves=_cases(spec.moves, Move if name == "stock_move" else None, file, f"{where}.moves"),
        watch=spec.watch,
        phone=_phone(spec, file, where) if name == "order" else None,
        of_parts=kinds.names_parts(name, spec, file, where),
    )
    _check_table(table, where)
    return table


class Move(enum.Enum):
    """What a row of the stock ledger did for its order."""

    TAKEN = "taken"
    RETURNED = "returned"


def _check_table(table: Table, where: str) -> None:
    if table.name in {"order", "suborder"}:
        if table.key is None:
            todo = 'Add key = "id": children and hands find the row by it.'
            raise faults.BadInput(f"the {table.name}'s key is missing", where=where, todo=todo)
        if not table.states.rungs:
            todo = f'Add [{table.name}.states] with "status = 0" = "awaiting-payment".'
            raise faults.BadInput(f"the {table.name}'s states are missing", where=where, todo=todo)
    if table.name == "order":
        return
    if table.key is not None and table.name != "suborder":
        raise faults.BadInput("only the order has a key", where=f"{where}.key", todo='A child says link = "order_id".')
    if table.name == "stock":
        return
    bare = Field(f"{table.name}.order") not in table.fields
    if table.link is None and bare:
        todo = 'Add link = "<column that holds the order\'s key>", or the field order = "<column that holds the order\'s number>".'
        raise faults.BadInput(f"nothing tells which order a row of {table.name} belongs to", where=where, todo=todo)
    if table.name in {"refund", "coupon"} and not table.states.rungs:
        todo = f'Add [{table.name}.states] with "<condition>" = "<state>".'
        raise faults.BadInput(f"the states of {table.name} are missing", where=where, todo=todo)


def _column(table: str, short: str, spec: language.FieldSpec, file: language.ShopFile) -> Column | None:
    where = f"{file.where}: {table}.fields.{short}"
    full = f"{table}.{short}"
    if full in _UNREAD:
        expressions.parse(spec.sql, file.dialect, where)
        return None
    if short in {"state", "kind"} and f"{table}.states" != "item.states":
        todo = f'Write [{table}.{short}s] with "<condition>" = "<our word>" instead.'
        raise faults.BadInput(f"{full} is told by conditions", where=where, todo=todo)
    known = {f.value for f in Field}
    if full not in known:
        ours = ", ".join(sorted(f.value.partition(".")[2] for f in Field if f.value.startswith(f"{table}.")))
        raise faults.BadInput(f"no field of ours is called {full}", where=where, todo=f"Fields of {table} are: {ours}.")
    field = Field(full)
    return Column(
        field=field,
        sql=expressions.parse(spec.sql, file.dialect, where),
        unit=_unit(field, spec, where),
        values=spec.values,
        privacy=spec.privacy or _PERSONAL.get(field, Privacy.PLAIN),
    )


def _phone(spec: language.TableSpec, file: language.ShopFile, where: str) -> Phone | None:
    told = spec.fields.get(PHONE)
    if told is None:
        return None
    return Phone(sql=expressions.parse(told.sql, file.dialect, f"{where}.fields.{PHONE}"), privacy=told.privacy or Privacy.NEVER)


def _unit(field: Field, spec: language.FieldSpec, where: str) -> Unit | None:
    if field in MONEY:
        if spec.unit not in {Unit.YUAN, Unit.FEN}:
            raise faults.BadInput(f"{field.value} needs its unit", where=where, todo='Write { sql = "…", unit = "yuan" } or unit = "fen".')
        return spec.unit
    instant = field in INSTANTS
    if spec.unit in {Unit.YUAN, Unit.FEN} or (spec.unit is not None and not instant and field is not Field.ORDER_VERSION):
        raise faults.BadInput(f"{field.value} has no unit {spec.unit.value}", where=where, todo="Leave the unit out.")
    return spec.unit or (Unit.DATETIME if instant else None)


def _optional(sql: str | None, file: language.ShopFile, where: str) -> expressions.Expression | None:
    return None if sql is None else expressions.parse(sql, file.dialect, where)


def _cases(told: Mapping[str, str], words: type[enum.Enum] | None, file: language.ShopFile, where: str) -> Cases:
    if told and words is None:
        raise faults.BadInput("conditions mean nothing here", where=where, todo="Leave this table out.")
    rungs = []
    for sql, word in told.items():
        known = sorted(str(w.value) for w in words or ())
        if word not in known:
            raise faults.BadInput(f"{word!r} is no word of ours", where=f"{where}: {sql!r}", todo=f"Use one of: {', '.join(known)}.")
        rungs.append((expressions.parse(sql, file.dialect, f"{where}: {sql!r}"), word))
    return Cases(rungs=tuple(rungs))
