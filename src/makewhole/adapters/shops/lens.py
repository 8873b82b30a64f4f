"""A transaction of the change log goes in, what it means in this shop comes out: orders' own rows by our fields, and which it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC

import msgspec
import sqlalchemy as sa

from makewhole.adapters.shops import engines, errors, evaluate, expressions, reverser, rows, shopmap, spelling, traces
from makewhole.adapters.shops.language import Privacy
from makewhole.core import ids, money
from makewhole.model import change, rowchange
from makewhole.model.change import Image, Kind
from makewhole.model.order import Field, OrderState
from makewhole.ports import trails

KEYS_MAX = 500
"""Keys in one statement, well under every server's limit of parameters."""
_MAY_BE_ZERO = frozenset({Field.ORDER_NUMBER, Field.ORDER_AMOUNT_DUE, Field.SUBORDER_NUMBER, Field.SUBORDER_AMOUNT_DUE})
_NOTHING = frozenset({"", "0", "0.0", "0.00"})
"""What shops write where there is no instant and no number."""


@dataclass(frozen=True, kw_only=True)
class _Touch:
    """What one transaction did to one order's row: the first image before, the last one after."""

    before: Image | None
    after: Image | None
    statement: str
    whole: bool
    """Whether the log told all of it."""


class MapLens:
    """`trails.Lens` by a shop's map. `engine` reads which order a key is; nothing else is asked of it."""

    def __init__(self, map_: shopmap.ShopMap, schema: str, secret: bytes, engine: sa.Engine) -> None:
        self._map, self._secret, self._engine = map_, secret, engine
        self.tables: tuple[change.Traced, ...] = tuple(
            t for t in traces.traces(map_, schema, secret).tables if t.role not in {"stock", "stock_move"}
        )
        # Our own rollbacks note what they write in a table beside the shop's, in the same transaction.
        self.followed: tuple[change.Traced, ...] = (*self.tables, change.Traced(role="ours", schema=schema, table=reverser.AUDIT))
        self._there: dict[tuple[str, str], list[change.Traced]] = {}
        for t in self.tables:
            self._there.setdefault((t.schema.lower(), t.table.lower()), []).append(t)

    def read(self, told: change.Transaction) -> trails.Meant:
        """See the port."""
        mine = [(t, c) for c in told.changes if (t := self._traced(c)) is not None]
        own = [(self._number(c), c) for t, c in mine if t.role == "order" and self._ours(c)]
        owners = self._owners(mine, own)
        parts = [(n, c) for i, (t, c) in enumerate(mine) if t.role == "suborder" and (n := owners.get(i)) is not None]
        changes = self._changes(told, [(n, c) for n, c in own if n is not None], parts)
        named = {n for n, _ in own if n is not None} | set(owners.values())
        return trails.Meant(changes=changes, told=tuple(self._told(mine, owners)), named=frozenset(named))

    def _traced(self, told: change.Change) -> change.Traced | None:
        return change.kind_of(self._there.get((told.table.schema.lower(), told.table.name.lower()), ()), told)

    def _changes(
        self,
        told: change.Transaction,
        own: Sequence[tuple[ids.OrderNumber, change.Change]],
        parts: Sequence[tuple[ids.OrderNumber, change.Change]],
    ) -> tuple[rowchange.RowChange, ...]:
        touched: dict[tuple[ids.OrderNumber, str], _Touch] = {}
        for number, part, c in [*((n, "", c) for n, c in own), *((n, self._called(c), c) for n, c in parts)]:
            known = touched.get((number, part))
            before = c.before if known is None else known.before
            statement, whole = c.statement or (known.statement if known else ""), c.whole() and (known is None or known.whole)
            touched[number, part] = _Touch(before=before, after=c.after, statement=statement, whole=whole)
        gone = {n for (n, part), t in touched.items() if not part and t.after is None}
        ours = any(c.table.name.lower() == reverser.AUDIT and c.kind is Kind.INSERT for c in told.changes)
        found = [
            one
            for (n, part), t in touched.items()
            # With an order its parts go; of one, the order itself says so.
            if not (part and n in gone) and (one := self._change(told, n, part, t, ours=ours)) is not None
        ]
        unexplained = len({one.order for one in found if rowchange.breaches(one)})
        return tuple(msgspec.structs.replace(one, orders=max(unexplained, 1)) for one in found)

    def _change(
        self, told: change.Transaction, number: ids.OrderNumber, part: str, touch: _Touch, *, ours: bool
    ) -> rowchange.RowChange | None:
        before, after = touch.before, touch.after
        table = self._map.parts if part else self._map.order
        if table is None or (before is None and after is None):
            return None
        judged = rowchange.JUDGED_OF_PARTS if part else rowchange.JUDGED
        moved = tuple(m for f in judged if (m := self._moved(table, f, before, after)) is not None)
        was, now = self._state(table, before), self._state(table, after)
        follows, again = (self._map.parts_may_follow, self._parts_may_change()) if part else (self._map.may_follow, self._map.may_change)
        kind = Kind.INSERT if before is None else Kind.DELETE if after is None else Kind.UPDATE
        if kind is Kind.UPDATE and not moved:
            return None
        return rowchange.RowChange(
            source=rowchange.SOURCE,
            as_of=told.committed_at.astimezone(UTC),
            order=number,
            part=part,
            did=kind,
            transaction=told.id,
            user=told.user,
            connection=told.connection,
            statement=change.without_values(touch.statement),
            ours=ours,
            # What a table does not tell as it was, no command brings back; on the other servers that is said when it is tried.
            reversible=touch.whole or engines.spoken(self._engine) != "postgres",
            was=was,
            now=now,
            due=self._due(table, after if before is None else before),
            moved=moved,
            paid_at=bool(part) or after is None or self._paid_at(after),
            refunds_told="refund" in self._map.tables,
            may_follow=None if was is None else follows.get(was),
            may_change=again,
        )

    def _parts_may_change(self) -> tuple[Field, ...]:
        """Where an order's amount is written again, so are its parts'."""
        return (Field.SUBORDER_AMOUNT_DUE,) if Field.ORDER_AMOUNT_DUE in self._map.may_change else ()

    def _called(self, told: change.Change) -> str:
        """What a sub-order is called whose row this is: its number as far as its privacy class lets it be told, else its key."""
        parts = self._map.parts
        if parts is None or parts.key is None:
            return "?"
        number = parts.fields.get(Field.SUBORDER_NUMBER)
        named = [] if number is None or number.privacy is Privacy.NEVER else [(number.sql, number.privacy)]
        for sql, privacy in (*named, (parts.key, Privacy.PLAIN)):
            for image in filter(None, (told.before, told.after)):
                try:
                    spelled = change.spell(evaluate.evaluate(sql, image))
                except evaluate.Unsure:
                    continue
                if spelled:
                    return rows.guard(spelled, privacy, self._secret)
        return "?"

    def _moved(self, table: shopmap.Table, field: Field, before: Image | None, after: Image | None) -> rowchange.Moved | None:
        """A field's two values, where they differ. A column that one of the images does not tell says nothing."""
        try:
            was, now = (None if image is None else self._spelled(table, field, image) for image in (before, after))
        except evaluate.Unsure:
            return None
        return None if was == now else rowchange.Moved(field=field, before=was, after=now)

    def _spelled(self, table: shopmap.Table, field: Field, image: Image) -> str | None:
        if field in rowchange.STATES:
            state = self._state(table, image, strict=True)
            return None if state is None else state.value
        column = table.fields.get(field)
        if column is None:
            return None
        value = evaluate.evaluate(column.sql, image)
        spelled = change.spell(value)
        if value is None or (field not in _MAY_BE_ZERO and _empty(value, spelled)):
            return None
        known = column.values.get(spelled, spelled)
        return rows.guard(known, column.privacy, self._secret) if known else None

    def _state(self, table: shopmap.Table, image: Image | None, *, strict: bool = False) -> OrderState | None:
        """The row's state in this image: the first condition that holds; None where none does, or where only the server could tell."""
        if image is None:
            return None
        try:
            return next((OrderState(word) for told, word in table.states.rungs if evaluate.holds(told, image)), None)
        except evaluate.Unsure:
            if strict:
                raise
            return None

    def _due(self, table: shopmap.Table, image: Image | None) -> money.Money | None:
        column = table.fields.get(Field.SUBORDER_AMOUNT_DUE if table is self._map.parts else Field.ORDER_AMOUNT_DUE)
        if column is None:
            return None
        try:
            value = None if image is None else evaluate.evaluate(column.sql, image)
            fen = None if value is None else rows.fen_of(value, column.unit, column.field)
            return None if fen is None else money.Money(fen=fen, currency=self._map.currency)
        except (evaluate.Unsure, rows.Misread, ValueError):
            return None

    def _paid_at(self, image: Image) -> bool:
        if Field.ORDER_PAID_AT not in self._map.order.fields:
            return True
        try:
            return self._spelled(self._map.order, Field.ORDER_PAID_AT, image) is not None
        except evaluate.Unsure:
            return True

    def _ours(self, told: change.Change) -> bool:
        """Whether the map's filter lets this row in, as it was before or as it came: another tenant's is nobody's here."""
        image = told.before if told.before is not None else told.after
        if self._map.order.where is None or image is None:
            return True
        try:
            return evaluate.holds(self._map.order.where, image)
        except evaluate.Unsure:
            return True

    def _number(self, told: change.Change) -> ids.OrderNumber | None:
        """The order's number before the change, or after it where there was none; a number that is changed is the old order's loss."""
        column = self._map.order.fields[Field.ORDER_NUMBER].sql
        for image in (told.before, told.after):
            if image is None:
                continue
            try:
                spelled = change.spell(evaluate.evaluate(column, image))
            except evaluate.Unsure:
                continue
            if spelled:
                return ids.OrderNumber(spelled)
        return None

    def _owners(
        self, mine: Sequence[tuple[change.Traced, change.Change]], own: Sequence[tuple[ids.OrderNumber | None, change.Change]]
    ) -> dict[int, ids.OrderNumber]:
        """The order of each child row, by its place in `mine`: by number, by the order's own row beside it, or by asking the shop."""
        key = next((t.key for t in self.tables if t.role == "order"), None)
        known = {change.spell(v): n for n, c in own if n is not None and key is not None and (v := _either(c, key)) is not None}
        found: dict[int, ids.OrderNumber] = {}
        asked: dict[int, str] = {}
        of_parts: dict[int, str] = {}
        for i, (table, c) in enumerate(mine):
            if table.role == "order":
                continue
            if table.role != "suborder" and table.part is not None:
                of_parts[i] = change.spell(_either(c, table.part))
                continue
            number = None if table.number is None else _either(c, table.number)
            link = None if table.link is None else _either(c, table.link)
            if number is not None:
                found[i] = ids.OrderNumber(change.spell(number))
            elif link is not None:
                spelled = change.spell(link)
                if spelled in known:
                    found[i] = known[spelled]
                else:
                    asked[i] = spelled
        numbers = self._ask(sorted(set(asked.values()))) if asked and key is not None else {}
        found |= {i: numbers[k] for i, k in asked.items() if k in numbers}
        return found | self._of_parts(mine, found, of_parts)

    def _of_parts(
        self, mine: Sequence[tuple[change.Traced, change.Change]], found: Mapping[int, ids.OrderNumber], named: Mapping[int, str]
    ) -> dict[int, ids.OrderNumber]:
        """The orders of rows that name a part alone: by the part's row beside them, or by asking the shop."""
        parts = {
            change.spell(_either(c, t.part)): found[i] for i, (t, c) in enumerate(mine) if t.role == "suborder" and t.part and i in found
        }
        unknown = sorted(set(named.values()) - set(parts))
        told = parts | (self._ask_parts(unknown) if unknown else {})
        return {i: told[key] for i, key in named.items() if key in told}

    def _ask_parts(self, keys: Sequence[str]) -> dict[str, ids.OrderNumber]:
        """The numbers of orders by the keys of their parts' rows, as they are now."""
        orders, parts, told = self._map.order, self._map.parts, dict[str, ids.OrderNumber]()
        if orders.key is None or parts is None or parts.key is None:
            return told
        for first in range(0, len(keys), KEYS_MAX):
            scribe = expressions.Scribe(dialect=engines.spoken(self._engine))
            number, key = scribe.write(orders.fields[Field.ORDER_NUMBER].sql, "o"), scribe.write(parts.key, "p")
            whose = parts.link or parts.fields[Field.SUBORDER_ORDER].sql
            there = scribe.write(orders.key, "o") if parts.link is not None else number
            source = (
                f"{spelling.source(parts, scribe, 'p')} JOIN {spelling.source(orders, scribe, 'o')} ON {there} = {scribe.write(whose, 'p')}"
            )
            within = f"{key} IN {scribe.binds(tuple(rows.typed(k, scribe.dialect) for k in keys[first : first + KEYS_MAX]))}"
            sql = expressions.select([f"{key} AS k", f"{number} AS n"], source, [within])
            with errors.reading(self._engine, self._map.where) as connection:
                told |= {rows.spell(k): ids.OrderNumber(rows.spell(n)) for k, n in connection.execute(sa.text(sql), scribe.values)}
        return told

    def _ask(self, keys: Sequence[str]) -> Mapping[str, ids.OrderNumber]:
        """The numbers of orders by the keys of their rows, as they are now."""
        table, told = self._map.order, dict[str, ids.OrderNumber]()
        if table.key is None:
            return told
        for first in range(0, len(keys), KEYS_MAX):
            scribe = expressions.Scribe(dialect=engines.spoken(self._engine))
            key, number = scribe.write(table.key, "o"), scribe.write(table.fields[Field.ORDER_NUMBER].sql, "o")
            within = [f"{key} IN {scribe.binds(tuple(rows.typed(k, scribe.dialect) for k in keys[first : first + KEYS_MAX]))}"]
            if self._map.apart and table.where is not None:
                within.append(scribe.write(table.where, "o"))
            sql = expressions.select([f"{key} AS k", f"{number} AS n"], spelling.source(table, scribe, "o"), within)
            with errors.reading(self._engine, self._map.where) as connection:
                for k, n in connection.execute(sa.text(sql), scribe.values):
                    told[rows.spell(k)] = ids.OrderNumber(rows.spell(n))
        return told

    def _told(
        self, mine: Sequence[tuple[change.Traced, change.Change]], owners: Mapping[int, ids.OrderNumber]
    ) -> Iterator[tuple[ids.OrderNumber, OrderState]]:
        """What new lines of the shop's own history say that orders became."""
        history = self._map.tables.get("history")
        to = None if history is None else history.fields.get(Field.HISTORY_TO)
        simple = self._map.order.states.simple()
        if to is None or simple is None:
            return
        words = {str(expressions.literal(literal)): OrderState(word) for literal, word in simple[1]}
        for i, (table, c) in enumerate(mine):
            if table.role != "history" or c.kind is not Kind.INSERT or c.after is None or i not in owners:
                continue
            try:
                state = words.get(change.spell(evaluate.evaluate(to.sql, c.after)))
            except evaluate.Unsure:
                continue
            if state is not None:
                yield owners[i], state


def _either(told: change.Change, name: str) -> change.Value:
    for image in (told.after, told.before):
        if image is None:
            continue
        try:
            value = evaluate.column(image, name)
        except evaluate.Unsure:
            continue
        if value is not None:
            return value
    return None


def _empty(value: change.Value, spelled: str) -> bool:
    return isinstance(value, change.ZeroDate) or spelled in _NOTHING
