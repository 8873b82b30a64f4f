"""The name of a table in a shop file goes in, the tables that it means come out: one, or all shards of one that was cut by suffix.

A hand's statement calls a cut table by what its shards' names have in common (`t_order` for `t_order_{00..15}`), and is sent to the shard
that holds the order. What cannot be sent there for sure is refused when the file is read.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from makewhole.adapters.shops import statements
from makewhole.core import faults

SHARDS_MAX = 256
"""Tables in one statement: what MySQL, MariaDB and SQLite still plan in a moment. Whoever has more keeps them in several databases."""
_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
_LIST = re.compile(r"\{(\w+(?:,\w+)+)\}")
_LEAVE = "Leave this hand out: what it would do becomes a person's task."


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A table as it is in the database. `pieces` tell its shards apart; a table in one piece is a cut of one."""

    called: str
    """What statements call it."""
    pieces: tuple[str, ...]
    names: tuple[str, ...]

    def same(self, other: Cut) -> bool:
        """Whether both are the same tables; servers compare names without case."""
        return [n.lower() for n in self.names] == [n.lower() for n in other.names]

    def meets(self, other: Cut) -> bool:
        """Whether a table is in both."""
        return not {n.lower() for n in self.names}.isdisjoint(n.lower() for n in other.names)

    def one(self, i: int) -> Cut:
        """One shard alone, called as all of them are."""
        return Cut(called=self.called, pieces=(self.pieces[i],), names=(self.names[i],))


def cut(told: str, where: str) -> Cut:
    """`t_order_{00..15}` is sixteen tables, `orders_{2025,2026}` two, and any other name itself. Raises BadInput."""
    pieces: tuple[str, ...] = ("",)
    begin, end, called = told, "", told
    if (span := _RANGE.search(told)) is not None:
        first, last = span.groups()
        pieces = tuple(f"{i:0{len(first)}d}" for i in range(int(first), int(last) + 1))
    elif (span := _LIST.search(told)) is not None:
        pieces = tuple(span[1].split(","))
    if span is not None:
        begin, end = told[: span.start()], told[span.end() :]
        called = begin.removesuffix("_") + end if end else begin.rstrip("_")
    names = tuple(begin + piece + end for piece in pieces)
    if not names or len(names) > SHARDS_MAX or any("{" in n or "}" in n for n in names):
        todo = f"Write t_order_{{00..15}}, with the smaller number first and at most {SHARDS_MAX} tables, or orders_{{2025,2026}}."
        raise faults.BadInput(f"not a name of tables: {told!r}", where=where, todo=todo)
    return Cut(called=called, pieces=pieces, names=names)


def check(tables: Mapping[str, Cut], told: Iterable[statements.Statement], *, elsewhere: bool, by_buyer: bool) -> None:
    """Whether a hand's statements can go to the shard of their order. `elsewhere`: the act is about an order still to be written.

    With `by_buyer`, that one is in the shard of the order that it is written from: both are of the same buyer. Raises BadInput.
    """
    orders, cuts = tables["order"], {name: table for name, table in tables.items() if len(table.names) > 1}
    whole = {table.called.lower() for table in tables.values() if len(table.names) == 1}
    for statement in told:
        named = {t.lower() for t in statement.tables()}
        for name, table in cuts.items():
            if single := named & {n.lower() for n in table.names}:
                todo = f"Call it {table.called}: it is sent to the shard that holds the order."
                raise faults.BadInput(f"{', '.join(sorted(single))} is one shard of many", where=statement.where, todo=todo)
            if table.called.lower() not in named:
                continue
            if table.called.lower() in whole:
                what = f"{table.called} is a table, and shards are called so too"
                raise faults.BadInput(what, where=statement.where, todo=_LEAVE)
            if table.pieces != orders.pieces:
                what = f"{table.called} is cut otherwise than the orders: nothing tells the shard of a row"
                raise faults.BadInput(what, where=statement.where, todo=_LEAVE)
            if name == "stock":
                raise faults.BadInput(f"{table.called} belongs to no order: nothing tells its shard", where=statement.where, todo=_LEAVE)
            new = isinstance(statement.tree, exp.Insert) and statement.table().lower() == orders.called.lower()
            if (elsewhere or new) and not by_buyer:
                what = f"a new order's shard is by the shop's own rule, which {table.called} does not tell"
                raise faults.BadInput(what, where=statement.where, todo=f'{_LEAVE} Or write shard_by = "buyer", where that is the rule.')


def sent(told: statements.Statement, names: Mapping[str, str]) -> statements.Statement:
    """The statement with tables called by their names in the database. `names`: what each is called in lower case, and its shard."""
    tree = told.tree.copy()
    for part in (*tree.find_all(exp.Table), *tree.find_all(exp.Column)):
        # A column may say which table it is of, by the same name.
        place = "this" if isinstance(part, exp.Table) else "table"
        name = names.get(str(part.name if place == "this" else part.text("table")).lower())
        if name is not None:
            part.set(place, exp.to_identifier(name, quoted=True))
    return dataclasses.replace(told, tree=tree)
