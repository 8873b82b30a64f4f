"""A shop's orders go in, documents for the search index come out: page by page along the table's key, each with the mark to go on from.

An order's document holds what leads to it: its numbers, those of its payments, refunds and parcels, its state and amount, and of the
receiver's phone what its privacy class allows. Names and addresses are not read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from makewhole.adapters.shops import engines, errors, expressions, language, reads, rows, schema, shopmap, spelling
from makewhole.core import ids
from makewhole.model import document, suborder
from makewhole.model.order import Field

PAGE = 2_000
"""Orders read at once: four statements of `reads.IN_MAX` a table, a second's work for the shop."""
MASK = "***"
_ORDER_NAMES = (Field.ORDER_TRANSACTION_ID, Field.ORDER_TRACKING_NUMBER, Field.ORDER_COUPON)
_ORDER_WORDS = (Field.ORDER_CHANNEL, Field.ORDER_CARRIER)
_ORDER_TIMES = (Field.ORDER_CREATED_AT, Field.ORDER_PAID_AT, Field.ORDER_SHIPPED_AT, Field.ORDER_COMPLETED_AT, Field.ORDER_CLOSED_AT)
_CHILD_NAMES = {
    "suborder": (Field.SUBORDER_NUMBER, Field.SUBORDER_TRACKING_NUMBER),
    "payment": (Field.PAYMENT_NUMBER, Field.PAYMENT_TRANSACTION_ID),
    "refund": (Field.REFUND_NUMBER,),
}


class SqlArchive:
    """`ports.Archive` over SQL. Make it with `attach`, which compares the map with the live schema."""

    def __init__(self, map_: shopmap.ShopMap, live: schema.Schema, engine: sa.Engine, secret: bytes) -> None:
        self._map, self._live, self._engine = map_, live, engine
        self._dialect = engines.spoken(engine)
        self._readers = {name: rows.Reader(t, map_.zone, map_.currency, secret) for name, t in map_.tables.items()}
        self._spell = phones(map_, secret)

    @property
    def shop(self) -> ids.ShopName:
        """The shop's name."""
        return ids.ShopName(self._map.name)

    def pages(self, after: str | None) -> Iterator[tuple[Sequence[document.Document], str]]:
        """Every order whose key comes after the mark, or all."""
        while found := self._keys(after):
            after = rows.spell(found[-1]["k"])
            yield self._documents(found), after

    def _keys(self, after: str | None) -> list[reads.Row]:
        """The next keys, with the phones beside them: what nothing else reads is read nowhere else."""
        scribe = expressions.Scribe(dialect=self._dialect)
        o = spelling.Table(self._map.order, self._live[self._map.order.table], scribe, "o", self._map.zone)
        phone = self._map.order.phone
        read = phone is not None and phone.privacy is not language.Privacy.NEVER
        columns = [f"{o.key()} AS k", f"{o.told(phone.sql)} AS ph" if phone is not None and read else "NULL AS ph"]
        conditions = o.filter()
        if after is not None:
            # A mark is text; a key that counts must be compared as a number, or 10 would come before 9.
            number = schema.Type.NUMBER if self._map.order.key is None else o.live.type_of(self._map.order.key)
            whole = number is schema.Type.NUMBER and after.lstrip("-").isdigit()
            conditions.append(f"{o.key()} > {scribe.bind(int(after) if whole else after)}")
        sql = expressions.select(columns, o.source(), conditions, f"ORDER BY {o.key()} LIMIT {PAGE}")
        with errors.reading(self._engine, self._map.where) as connection:
            return [dict(r) for r in connection.execute(reads.statement(sql), scribe.values).mappings()]

    def _documents(self, found: Sequence[reads.Row]) -> list[document.Document]:
        keys = [r["k"] for r in found]
        told = {rows.spell(r["k"]): r["ph"] for r in found}
        with errors.reading(self._engine, self._map.where) as connection:
            tables = reads.Tables(self._map, self._live, connection)
            orders = tables.orders([], keys)
            numbers = [str(r["n"]) for r in orders]
            parts = tables.parts(keys, numbers)
            children = {"suborder": parts, "payment": tables.payments(keys, numbers), "refund": tables.refunds(keys, numbers, parts)}
            skus = tables.items(keys, numbers, parts)
        names = {name: self._names(name, children[name]) for name in children}
        wares = self._grouped("item", skus, (Field.ITEM_SKU,))
        stages = reads.stages(self._map, parts)
        return [self._document(row, self._state(row, stages), told.get(rows.spell(row["k"])), names, wares) for row in orders]

    def _state(self, row: reads.Row, stages: Mapping[str, suborder.Stage]) -> str:
        """Our word for the order's state, by its parts as well; empty where nobody can tell."""
        own = reads.rung(self._map.order.states, row)
        state = suborder.whole(own, stages.get(self._link("suborder", row), suborder.NONE))
        return "" if state is None else state.value

    def _document(
        self, row: reads.Row, state: str, phone: object, names: dict[str, dict[str, list[str]]], wares: dict[str, list[str]]
    ) -> document.Document:
        number = str(row["n"])
        found = [n for f in _ORDER_NAMES if (n := self._text("order", row, f))]
        for table, of in names.items():
            found += of.get(self._link(table, row), [])
        words = [w for f in _ORDER_WORDS if (w := self._text("order", row, f))]
        times = [self._instant(row, f) for f in _ORDER_TIMES]
        kept = "" if phone is None else self._spell(rows.spell(phone))
        if kept not in {"", MASK}:
            found.append(kept)
        said = [
            state,
            self._amount(row),
            *words,
            *wares.get(self._link("item", row), []),
            *(t.isoformat(" ", "seconds") for t in times if t),
        ]
        return document.Document(
            key=ids.derive("order", self._map.name, number),
            what=document.What.ORDER,
            source=self._map.name,
            at=next((t for t in times if t is not None), None),
            text=" ".join(filter(None, said))[: document.TEXT_CHARS_MAX],
            order=ids.OrderNumber(number),
            ids=tuple(dict.fromkeys(found))[: document.IDS_MAX],
        )

    def _names(self, table: str, found: Iterable[reads.Row]) -> dict[str, list[str]]:
        return self._grouped(table, found, _CHILD_NAMES[table])

    def _grouped(self, table: str, found: Iterable[reads.Row], fields: tuple[Field, ...]) -> dict[str, list[str]]:
        grouped: dict[str, list[str]] = defaultdict(list)
        for row in found:
            grouped[rows.spell(row["v"])] += [n for f in fields if (n := self._text(table, row, f))]
        return grouped

    def _link(self, table: str, row: reads.Row) -> str:
        """What a child's row calls this order: its key, or its number."""
        mapped = self._map.whose(table)
        return rows.spell(row["k"] if mapped is not None and mapped.link is not None else row["n"])

    def _text(self, table: str, row: reads.Row, field: Field) -> str | None:
        return self._readers[table].text(row, field)

    def _instant(self, row: reads.Row, field: Field) -> datetime | None:
        try:
            return self._readers["order"].instant(row, field)
        except rows.Misread:
            return None  # a search is no judgement; `show` says what is not understood

    def _amount(self, row: reads.Row) -> str:
        try:
            due = self._readers["order"].money(row, Field.ORDER_AMOUNT_DUE)
        except rows.Misread:
            return ""
        return "" if due is None else str(due)


def attach(map_: shopmap.ShopMap, engine: sa.Engine, secret: bytes) -> SqlArchive:
    """The archive of a live database. Raises BadInput where map and schema do not fit, Unavailable where nobody answers."""
    with errors.translated(errors.During.START, map_.where), engine.connect() as connection:
        live = schema.reflect(connection, map_)
    return SqlArchive(map_, live, engine, secret)


def hashes_phones(map_: shopmap.ShopMap) -> bool:
    """Whether phones are kept as keyed hashes, so that the secret is needed."""
    return map_.order.phone is not None and map_.order.phone.privacy is language.Privacy.HASHED


def phones(map_: shopmap.ShopMap | None, secret: bytes) -> Callable[[str], str]:
    """What may be kept of a phone, in orders and in logs alike: by the class that the map gives it, nothing where it gives none."""
    phone = None if map_ is None else map_.order.phone
    privacy = language.Privacy.NEVER if phone is None else phone.privacy
    if privacy is language.Privacy.NEVER:
        return lambda _: MASK
    return lambda told: rows.guard(told, privacy, secret) if told else ""
