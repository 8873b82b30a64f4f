"""An order's state in SQL where it has sub-orders: the law of `model.suborder` goes in, answer by answer, and conditions come out.

Each order's parts are one row of a grouping beside it: the set of their stages as a number, and what they are due. What follows from a
set is asked as a list of sets, in which a server looks a number up; a ladder of conditions it would climb for each question anew.
"""

from __future__ import annotations

from collections.abc import Iterable

from makewhole.adapters.shops import expressions, schema, shopmap, spelling
from makewhole.model import suborder
from makewhole.model.order import Field, OrderState


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
        scope = tuple(scope)
        # By its index MySQL would fetch each row from somewhere else: all of them are read as they lie, and sorted.
        whole = "SQL_BIG_RESULT " if parts.scribe.dialect == "mysql" and not scope else ""
        columns = [f"{whole}{link} AS v", f"{_set(parts)} AS m", f"{self._due(parts)} AS d"]
        columns += [f"MAX(CASE WHEN {told} THEN 1 ELSE 0 END) AS {name}" for told, name in self._asked.items()]
        grouped = expressions.select(columns, parts.source(), [*parts.filter(), *(f"{link} IN ({s})" for s in scope)], f"GROUP BY {link}")
        return f"LEFT JOIN ({grouped}) {self._alias} ON {self._alias}.v = {there}"

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
        by_parts = self._among(told for told in suborder.SETS if (state := suborder.follows(told)) is not None and state.value in words)
        return f"({stands} OR ({self._on_its_way()} AND {by_parts}) OR ({self._alias}.v IS NULL AND {own}))"

    def unknown(self) -> str:
        """True where nobody can tell the order's state."""
        own = self._orders.state_unknown(self._orders.map.states)
        if self.parts is None:
            return own
        by_parts = self._among(told for told in suborder.SETS if suborder.follows(told) is None)
        return f"({own} OR ({self._on_its_way()} AND {by_parts}))"

    def disagree(self) -> str:
        """True where the order's own row contradicts its parts."""
        if self.parts is None:
            return "1 = 0"
        cases = self._orders.map.states
        own_words, part_words = vocabulary(cases), vocabulary(self.parts.map.states)
        told = []
        for own in own_words:
            sets = [s for s in suborder.SETS if suborder.disagree(own, s, own_words, part_words)]
            if sets:
                told.append(f"({self._orders.state_in(cases, frozenset({own.value}))} AND {self._among(sets)})")
        return f"({' OR '.join(told)})" if told else "1 = 0"

    def do_not_add_up(self) -> str:
        """True where the parts' amounts are another sum than they should be; a part without an amount is suspect as well."""
        return f"{self._alias}.d <> {self._amount(self._orders, self._total())}"

    def _due(self, parts: spelling.Table) -> str:
        """What an order's parts are due together; NULL where they do not say."""
        there = Field.SUBORDER_AMOUNT_DUE in parts.map.fields
        return f"SUM({self._amount(parts, Field.SUBORDER_AMOUNT_DUE)})" if there else "NULL"

    def _total(self) -> Field:
        """What of the order's own row the parts should come to."""
        return Field.ORDER_AMOUNT_SUBORDERS if Field.ORDER_AMOUNT_SUBORDERS in self._orders.map.fields else Field.ORDER_AMOUNT_DUE

    def _amount(self, table: spelling.Table, field: Field) -> str:
        """In fen; as it stands where the parts' and the orders' are of one unit, and the database adds them up exactly."""
        sides = ((self.parts, Field.SUBORDER_AMOUNT_DUE), (self._orders, self._total()))
        told = [(t, f) for t, f in sides if t is not None and f in t.map.fields]
        alike = len({t.map.fields[f].unit for t, f in told}) == 1 and len(told) == len(sides) and all(t.exact(f) for t, f in told)
        return table.field(field) if alike else table.amount(field)

    def _among(self, sets: Iterable[suborder.Stage]) -> str:
        """True where the order's parts are in one of these sets of stages."""
        told = ", ".join(str(int(s)) for s in sets)
        return f"{self._alias}.m IN ({told})" if told else "1 = 0"

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


def _set(parts: spelling.Table) -> str:
    """The stages of a group's parts, as a number. SQLite has no sum of bits; the others would sort each group for a sum of what differs."""
    return f"SUM(DISTINCT {_staged(parts)})" if parts.scribe.dialect == "sqlite" else f"BIT_OR({_staged(parts)})"


def _staged(parts: spelling.Table) -> str:
    """A part's stage, as a number."""
    cases = parts.map.states
    if cases.simple() is None:
        rungs = [(parts.told(told), suborder.stage(OrderState(word))) for told, word in cases.rungs]
    else:
        words = {s: frozenset(w for w in cases.words() if suborder.stage(OrderState(w)) == s) for s in suborder.Stage}
        rungs = [(parts.state_in(cases, told), stage) for stage, told in words.items() if told]
    whens = " ".join(f"WHEN {told} THEN {int(stage)}" for told, stage in rungs)
    return f"CASE {whens} ELSE {int(suborder.Stage.UNKNOWN)} END" if whens else str(int(suborder.Stage.UNKNOWN))
