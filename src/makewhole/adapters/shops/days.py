"""A span of time in, one statement out that finds the orders whose money may have moved in it: written, paid or refunded then."""

from __future__ import annotations

from datetime import datetime

from makewhole.adapters.shops import expressions, partstates, schema, screens, shopmap, spelling
from makewhole.model.order import Field


def moved(map_: shopmap.ShopMap, live: schema.Schema, dialect: str, since: datetime, until: datetime) -> screens.Query | None:
    """Columns `k` and `n`: an order's key and number, each once. None where the map covers no instant at all.

    One SELECT for each instant, so that each can use that column's index.
    """
    scribe = expressions.Scribe(dialect=dialect)
    o = spelling.Table(map_.order, live[map_.order.table], scribe, "o", map_.zone)
    named = [f"{o.key()} AS k", f"{o.field(Field.ORDER_NUMBER)} AS n"]
    found = [
        expressions.select(named, o.source(), [*o.filter(), o.not_before(f, since), o.before(f, until)])
        for f in (Field.ORDER_PAID_AT, Field.ORDER_CREATED_AT)
        if f in map_.order.fields
    ]
    refunds = map_.tables.get("refund")
    for field in (Field.REFUND_REQUESTED_AT, Field.REFUND_DONE_AT):
        if refunds is None or field not in refunds.fields:
            continue
        c = spelling.Table(refunds, live[refunds.table], scribe, "c", map_.zone)
        p = None if map_.parts is None else spelling.Table(map_.parts, live[map_.parts.table], scribe, "p", map_.zone)
        source, whose = partstates.told(c, p)
        link, there = partstates.linked(whose, o)
        source = f"{source} JOIN {o.source()} ON {there} = {link}"
        found.append(expressions.select(named, source, [*o.filter(), *c.filter(), c.not_before(field, since), c.before(field, until)]))
    if not found:
        return None
    return screens.Query(sql=" UNION ".join(found), values=scribe.values, flags=())
