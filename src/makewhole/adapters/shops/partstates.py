"""An order's state in SQL where it has sub-orders: the law of `model.suborder` goes in, answer by answer, and conditions come out.

Each order's parts are one row of a grouping beside it: the set of their stages as a number, what follows from it, and what they are due.
"""

from __future__ import annotations

from collections.abc import Iterable

from makewhole.adapters.shops import expressions, schema, shopmap, spelling
from makewhole.model import suborder
from makewhole.model.order import Field, OrderState

_CODES = {state: i for i, state in enumerate(OrderState)}
_UNKNOWN = -1


class States:
    """The states of one statement's orders. Where the map tells of no parts, an order's own row says it all."""

    def __init__(self, map_: shopmap.ShopMap, live: schema.Schema, orders: spelling.Table, alias: str) -> None:
        self._map, self._orders, self._alias = map_, orders, alias
        self.parts: spelling.Table | None = None
        """The sub-orders, under the alias that `has` expects."""
        self._asked: dict[str, str] = {}
        if map_.parts is not None:
            self.parts = spelling.Table(map_.parts, live[map_.parts.table], orders.scribe, "p", map_.zone)

    def join(self, scope: Iterable[str] = ()) -> str:
        """The grouping, for FROM after the orders; empty where there is none to make. `scope`: queries of what a part's link must be among.

        Written last: it holds what `has` asked for.
        """
        if self.parts is None:
            return ""
        parts, (link, there) = self.parts, linked(self.parts, self._orders)
        columns = [f"{link} AS v", f"SUM(DISTINCT {_staged(parts)}) AS m", f"{_sum(parts)} AS d"]
        columns += [f"MAX(CASE WHEN {told} THEN 1 ELSE 0 END) AS {name}" for told, name in self._asked.items()]
        grouped = expressions.select(columns, parts.source(), [*parts.filter(), *(f"{link} IN ({s})" for s in scope)], f"GROUP BY {link}")
        told = expressions.select(["v", "m", "d", f"{_follows()} AS w", *self._asked.values()], f"({grouped}) {self._alias}_g", [])
        return f"LEFT JOIN ({told}) {self._alias} ON {self._alias}.v = {there}"

    def has(self, told: str) -> str:
        """True where this condition holds of one of the order's parts."""
        return f"{self._alias}.{self._asked.setdefault(told, f'h{len(self._asked)}')} = 1"

    def state_in(self, words: frozenset[str]) -> str:
        """True where the order's state is one of these words."""
        cases = self._orders.map.states
        own = self._orders.state_in(cases, words)
        if self.parts is None:
            return own
        stands = self._orders.state_in(cases, words - _WAY)
        follows = [str(_CODES[state]) for state in OrderState if state.value in words]
        by_parts = f"{self._alias}.w IN ({', '.join(follows)})" if follows else "1 = 0"
        return f"({stands} OR ({self._on_its_way()} AND {by_parts}) OR ({self._alias}.v IS NULL AND {own}))"

    def unknown(self) -> str:
        """True where nobody can tell the order's state."""
        own = self._orders.state_unknown(self._orders.map.states)
        if self.parts is None:
            return own
        return f"({own} OR ({self._on_its_way()} AND {self._alias}.w = {_UNKNOWN}))"

    def disagree(self) -> str:
        """True where the order's own row contradicts its parts."""
        if self.parts is None:
            return "1 = 0"
        cases = self._orders.map.states
        own_words, part_words = vocabulary(cases), vocabulary(self.parts.map.states)
        told = []
        for own in own_words:
            sets = [str(int(s)) for s in suborder.SETS if suborder.disagree(own, s, own_words, part_words)]
            if sets:
                told.append(f"({self._orders.state_in(cases, frozenset({own.value}))} AND {self._alias}.m IN ({', '.join(sets)}))")
        return f"({' OR '.join(told)})" if told else "1 = 0"

    def do_not_add_up(self) -> str:
        """True where the parts' amounts are another sum than they should be; a part without an amount is suspect as well."""
        due = Field.ORDER_AMOUNT_SUBORDERS if Field.ORDER_AMOUNT_SUBORDERS in self._orders.map.fields else Field.ORDER_AMOUNT_DUE
        return f"{self._alias}.d <> {self._orders.amount(due)}"

    def _on_its_way(self) -> str:
        return self._orders.state_in(self._orders.map.states, _WAY)


_WAY = frozenset(s.value for s in suborder.WAY)


def vocabulary(cases: shopmap.Cases) -> tuple[OrderState, ...]:
    """The states that a table's conditions can give."""
    return tuple(OrderState(w) for w in cases.words())


def told(child: spelling.Table, parts: spelling.Table | None) -> tuple[str, spelling.Table]:
    """FROM for a child's rows, and the table among it that says whose they are: its own, or that of the parts that it names."""
    if not child.map.of_parts or parts is None or child.map.link is None:
        return child.source(), child
    return f"{child.source()} JOIN {parts.source()} ON {parts.key()} = {child.told(child.map.link)}", parts


def linked(child: spelling.Table, orders: spelling.Table) -> tuple[str, str]:
    """The two sides of the join between a child's row and its order's."""
    if child.map.link is not None:
        return child.told(child.map.link), orders.key()
    return child.field(Field(f"{child.map.name}.order")), orders.field(Field.ORDER_NUMBER)


def _staged(parts: spelling.Table) -> str:
    """A part's stage, as a number."""
    cases = parts.map.states
    words = {stage: frozenset(s.value for s in OrderState if suborder.stage(s) == stage) for stage in suborder.Stage}
    whens = [f"WHEN {parts.state_in(cases, told)} THEN {int(stage)}" for stage, told in words.items() if told & set(cases.words())]
    return f"CASE {' '.join(whens)} ELSE {int(suborder.Stage.UNKNOWN)} END"


def _sum(parts: spelling.Table) -> str:
    return f"SUM({parts.amount(Field.SUBORDER_AMOUNT_DUE)})" if Field.SUBORDER_AMOUNT_DUE in parts.map.fields else "NULL"


def _follows() -> str:
    """What follows from each set of stages, by the law."""
    sets: dict[int, list[str]] = {}
    for told in suborder.SETS:
        state = suborder.follows(told)
        sets.setdefault(_UNKNOWN if state is None else _CODES[state], []).append(str(int(told)))
    whens = [f"WHEN m IN ({', '.join(told)}) THEN {code}" for code, told in sets.items() if code != _UNKNOWN]
    return f"CASE {' '.join(whens)} ELSE {_UNKNOWN} END"
