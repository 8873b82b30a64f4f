"""Kinds of rows go in as a shop file maps them, what tells one from another comes out: orders and parts in one table, rows of parts.

The law: a row that the filter of orders takes is an order. Of the others, those that the filter of parts takes are parts; the rest is
neither.
"""

from __future__ import annotations

from makewhole.adapters.shops import evaluate, expressions, language, shards
from makewhole.core import faults

_OF_PARTS = ("item", "refund", "stock_move")
"""What may name a part alone. What a shop's history says of a part is nothing that the order became."""
_EXAMPLE = 'Write where = "parent_id = 0" below [order] and where = "parent_id > 0" below [suborder], or whatever tells them apart.'


def of_parts(
    orders: shards.Cut, parts: shards.Cut, ours: expressions.Expression | None, theirs: expressions.Expression | None, where: str
) -> expressions.Expression | None:
    """The filter of parts: their own; in a table of orders, without what is an order. Raises BadInput where nothing tells them apart in the
    database and in its change log alike."""
    if not orders.meets(parts):
        return theirs
    if not orders.same(parts):
        what = "some tables hold orders and their parts, others one of them alone"
        raise faults.BadInput(what, where=f"{where}: suborder.table", todo="Name the same tables below [order] and [suborder].")
    own = _telling(ours, f"{where}: order.where")
    return expressions.without(_telling(theirs, f"{where}: suborder.where"), own)


def _telling(told: expressions.Expression | None, where: str) -> expressions.Expression:
    if told is None:
        what = "orders and their parts stand in one table, and nothing tells one from the other"
        raise faults.BadInput(what, where=where, todo=_EXAMPLE)
    if (word := evaluate.lacks(told)) is not None:
        what = f"{word} tells orders from their parts in the database alone, and not in its change log: {told.text!r}"
        todo = f"Use columns, literals, comparisons, IN, IS NULL, AND, OR, NOT. {_EXAMPLE}"
        raise faults.BadInput(what, where=where, todo=todo)
    return told


def names_parts(name: str, spec: language.TableSpec, file: language.ShopFile, where: str) -> bool:
    """Whether a table's rows are a sub-order's. Raises BadInput where nothing could tell whose."""
    if spec.of is None:
        return False
    if name not in _OF_PARTS or spec.of != "suborder":
        places = ", ".join(f"[{n}]" for n in _OF_PARTS)
        todo = f'Write of = "suborder" below {places}, where its link holds a sub-order\'s key; leave it out everywhere else.'
        raise faults.BadInput(f"a row of {name} is of no {spec.of!r}", where=f"{where}.of", todo=todo)
    if "suborder" not in file.tables or spec.link is None or "order" in spec.fields:
        todo = f"Map [suborder] with its key, and let link of [{name}] hold that key; the field order is for rows that name the order."
        raise faults.BadInput(f"nothing tells which sub-order a row of {name} is of", where=where, todo=todo)
    if any("{" in file.tables[t].table for t in ("suborder", name)):
        todo = "Map what names sub-orders where neither is in shards, or by the order's key."
        raise faults.BadInput(f"rows of {name} that name sub-orders are not read in shards", where=f"{where}.table", todo=todo)
    return True
