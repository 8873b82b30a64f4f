"""An order's rows as they stand under a hand's lock: where it is goes in, its row and its parts' rows come out, with their version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from makewhole.adapters.shops import expressions, handmap, partstates, reads, rows, schema, shopmap, spelling
from makewhole.core import faults, ids
from makewhole.model.order import Field


@dataclass(frozen=True, kw_only=True)
class Spot:
    """Where an order is: its row's key and its parts' keys, and the map and the hand of the shard that holds it."""

    key: object
    parts: tuple[object, ...]
    map: shopmap.ShopMap
    hand: handmap.Hand


@dataclass(frozen=True, kw_only=True)
class Part:
    """A sub-order's row as it stands under the lock."""

    key: object
    columns: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Locked:
    """The order's rows as they stand under the lock. `version` is of all of them."""

    key: object
    version: str
    columns: Mapping[str, object]
    parts: tuple[Part, ...]


class Reader:
    """Reads an order's rows over one connection, with or without a lock."""

    def __init__(self, connection: sa.Connection, live: schema.Schema, dialect: str, *, lock: bool) -> None:
        self._connection, self._live, self._dialect = connection, live, dialect
        self._lock = lock
        self._tail = "FOR UPDATE" if lock and dialect != "sqlite" else ""

    def parts_of(self, at: shopmap.ShopMap, key: object, number: ids.OrderNumber) -> tuple[object, ...]:
        """The keys of an order's parts, in their order: found without a lock, as the order's own is."""
        if at.parts is None:
            return ()
        scribe = expressions.Scribe(dialect=self._dialect)
        parts = spelling.Table(at.parts, self._live[at.parts.table], scribe, "c", at.zone)
        link, _ = partstates.linked(parts, spelling.Table(at.order, self._live[at.order.table], scribe, "o", at.zone))
        whose = f"{link} = {scribe.bind(key if at.parts.link is not None else str(number))}"
        sql = expressions.select([f"{parts.key()} AS k"], parts.source(), [*parts.filter(), whose], f"ORDER BY {parts.key()}")
        return tuple(r.k for r in self._connection.execute(reads.statement(sql), scribe.values))

    def read(self, number: ids.OrderNumber, spot: Spot) -> Locked:
        """The rows; the order's own first, and its parts by their keys, so that two hands never wait for each other in a ring.

        Raises Rejected where the order is not there any more.
        """
        scribe = expressions.Scribe(dialect=self._dialect)
        o = spelling.Table(spot.map.order, self._live[spot.map.order.table], scribe, "o", spot.map.zone)
        watched, extra = o.map.columns(), spot.hand.order_columns()
        columns = [f"{o.field(Field.ORDER_NUMBER)} AS n", *(f"{o.raw(c)} AS r_{i}" for i, c in enumerate(watched))]
        columns += [f"{o.raw(c)} AS x_{i}" for i, c in enumerate(extra)]
        sql = expressions.select(columns, o.source(), [*o.filter(), f"{o.key()} = {scribe.bind(spot.key)}"], self._tail)
        row = self._connection.execute(reads.statement(sql), scribe.values).mappings().first()
        if row is None or str(row["n"]) != number:
            raise faults.Rejected(f"row changed: {number} is gone")
        if self._lock and self.parts_of(spot.map, spot.key, number) != spot.parts:
            raise faults.Rejected(f"row changed: {number} has other parts")
        raw = {c: row[f"r_{i}"] for i, c in enumerate(watched)}
        found = self._parts(spot)
        told = [] if spot.map.parts is None else [rows.raw_part(r, spot.map.parts) for r in found]
        return Locked(
            key=spot.key,
            version=rows.version(raw, watched, told),
            columns={c: row[f"x_{i}"] for i, c in enumerate(extra)},
            parts=tuple(Part(key=r["p"], columns={c: r[f"x_{i}"] for i, c in enumerate(spot.hand.part_columns())}) for r in found),
        )

    def _parts(self, spot: Spot) -> list[reads.Row]:
        if spot.map.parts is None or not spot.parts:
            return []
        scribe = expressions.Scribe(dialect=self._dialect)
        c = spelling.Table(spot.map.parts, self._live[spot.map.parts.table], scribe, "c", spot.map.zone)
        columns = [f"{c.key()} AS p", *(f"{c.raw(r)} AS r_{i}" for i, r in enumerate(c.map.columns()))]
        columns += [f"{c.raw(x)} AS x_{i}" for i, x in enumerate(spot.hand.part_columns())]
        those = f"{c.key()} IN {scribe.binds(spot.parts)}"
        sql = expressions.select(columns, c.source(), [*c.filter(), those], f"ORDER BY {c.key()} {self._tail}".strip())
        return [dict(r) for r in self._connection.execute(reads.statement(sql), scribe.values).mappings()]
