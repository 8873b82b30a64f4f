"""A shop's map goes in; for each shard of its orders, the map of that shard comes out, whose hands touch that shard and no other."""

from __future__ import annotations

import dataclasses

from makewhole.adapters.shops import expressions, handmap, shards, shopmap, spelling
from makewhole.core import faults
from makewhole.model.order import Field


def routed(map_: shopmap.ShopMap) -> tuple[shopmap.ShopMap, ...]:
    """One map for each shard of the orders; the map itself where they are in one piece. Tables that were cut otherwise stay whole."""
    count = len(map_.order.shards)
    return (map_,) if count == 1 else tuple(_at(map_, i) for i in range(count))


def _at(map_: shopmap.ShopMap, i: int) -> shopmap.ShopMap:
    tables = {n: dataclasses.replace(t, cut=t.cut.one(i)) if _alike(map_, t) else t for n, t in map_.tables.items()}
    names = {t.cut.called.lower(): t.table for n, t in tables.items() if t is not map_.tables[n]}
    hands = {
        n: dataclasses.replace(h, done=shards.sent(h.done, names), writes=tuple(shards.sent(s, names) for s in h.writes))
        for n, h in map_.hands.items()
    }
    return dataclasses.replace(map_, tables=tables, hands=hands)


def _alike(map_: shopmap.ShopMap, table: shopmap.Table) -> bool:
    return table.cut.pieces == map_.order.cut.pieces


def strangers(map_: shopmap.ShopMap, at: shopmap.ShopMap, hand: handmap.Hand) -> tuple[shopmap.Table, ...]:
    """Of the cut tables that a hand of one shard touches, the other shards: a row of the order in them says that they are cut otherwise."""
    told = {t for s in (hand.done, *hand.writes) for t in s.tables()}
    found = []
    for name, table in map_.tables.items():
        here = at.tables[name]
        if name != "order" and len(table.shards) > 1 and len(here.shards) == 1 and here.table in told:
            i = table.shards.index(here.table)
            found += [dataclasses.replace(table, cut=table.cut.one(j)) for j in range(len(table.shards)) if j != i]
    return tuple(found)


def rows_of(table: shopmap.Table, scribe: expressions.Scribe, key: object, number: str) -> str:
    """A query for one row of a child's shard that belongs to an order."""
    if table.link is not None:
        belongs = f"{scribe.write(table.link, 'c')} = {scribe.bind(key)}"
    else:
        belongs = f"{scribe.write(table.fields[Field(f'{table.name}.order')].sql, 'c')} = {scribe.bind(number)}"
    return expressions.select([scribe.bind(table.table) + " AS t"], spelling.source(table, scribe, "c"), [belongs])


def writes_anew(map_: shopmap.ShopMap, at: shopmap.ShopMap, hand: handmap.Hand) -> bool:
    """Whether this hand of one shard is about an order still to be written, whose shard the buyer decides."""
    named = {t for s in (hand.done, *hand.writes) for t in s.tables()}
    return len(map_.order.shards) > 1 and "new_number" in handmap.PARAMETERS[hand.name] and at.order.table in named


def of_buyer(map_: shopmap.ShopMap, at: shopmap.ShopMap, scribe: expressions.Scribe, key: object) -> list[str]:
    """For each other shard a query for one order of the same buyer: a row says that not the buyer alone decides."""
    buyer, row = map_.order.fields[Field.ORDER_BUYER].sql, at.order.key
    if row is None:
        raise faults.Defect("the order has no key")
    this = f"{scribe.write(row, 'o')} = {scribe.bind(key)}"
    same = (
        f"{scribe.write(buyer, 'x')} = ({expressions.select([scribe.write(buyer, 'o')], spelling.source(at.order, scribe, 'o'), [this])})"
    )
    found = []
    for i, shard in enumerate(map_.order.shards):
        if shard != at.order.table:
            source = spelling.source(dataclasses.replace(map_.order, cut=map_.order.cut.one(i)), scribe, "x")
            # One of each is enough: buyers may have ordered a lifetime.
            one = expressions.select([f"{scribe.bind(shard)} AS t"], source, [same], "LIMIT 1")
            found.append(expressions.select(["t"], f"({one}) b{i}", []))
    return found
