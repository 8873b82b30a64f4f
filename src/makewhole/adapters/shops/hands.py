"""Hands in a shop: a step goes in, and the shop's own way of doing it is carried out once, or refused with nothing moved.

A write is one transaction: the order's row is locked, compared with what was read, the declared statements run, each must touch
exactly the rows it said; anything else rolls the whole back. Looking locks the row too: a transaction whose answer was lost holds
that lock until it is over, so what a look sees behind it is final.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from makewhole.adapters.shops import binding, engines, errors, expressions, previews, reads, rows, schema, shopmap, spelling, statements
from makewhole.adapters.shops.language import HandKind
from makewhole.core import faults, ids
from makewhole.model import plan, run
from makewhole.model.order import Field


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of a shop's admin API, every parameter filled in. `key` is the step's idempotency key, for a header."""

    method: str
    path: str
    body: Mapping[str, str]
    key: ids.Key


Replay = Callable[[ids.OrderKey, plan.Step], run.News | None]
"""Hands the kept callback of the step's payment to the shop once more; None where none was kept or enough were tried."""
Caller = Callable[[Call], run.News]
"""Sends a call and says what the shop's API answered."""


@dataclass(frozen=True, kw_only=True)
class Locked:
    """The order's row as it stands under the lock."""

    key: object
    version: str
    columns: Mapping[str, object]


class SqlHands:
    """`ports.Hands` of one shop file. Make it with `attach`."""

    def __init__(
        self,
        map_: shopmap.ShopMap,
        live: schema.Schema,
        writer: sa.Engine,
        reader: sa.Engine,
        replay: Replay | None = None,
        call: Caller | None = None,
    ) -> None:
        self._map, self._live, self._writer, self._reader = map_, live, writer, reader
        self._replay, self._call = replay, call
        self._dialect = engines.spoken(writer)

    def can(self, step: plan.Step) -> bool:
        """Whether the shop file declares a hand for this act, of a kind that is attached here."""
        hand = self._map.hands.get(binding.act_name(step))
        return hand is not None and any(self._attached(k) for k in hand.kinds)

    def do(self, order: ids.OrderKey, step: plan.Step, now: datetime) -> run.News:
        """Act once, by the best kind of hand that applies."""
        hand = self._hand(step)
        for kind in hand.kinds:
            if not self._attached(kind):
                continue
            match kind:
                case HandKind.REPLAY:
                    news = self._replayed(order, step, now)
                    if news is not None:
                        return news
                case HandKind.CALL:
                    return self._called(hand, order, step, now)
                case HandKind.WRITE:
                    return self._write(hand, order, step, now)
        raise faults.Rejected(f"no kind of {hand.name} is attached here")

    def look(self, order: ids.OrderKey, step: plan.Step, now: datetime) -> run.News:
        """Whether the shop's rows show the act, behind every transaction that could still bring it."""
        hand = self._hand(step)
        with errors.translated(errors.During.WRITE, hand.where), self._writer.connect() as connection:
            key = self._key(connection, order.number)
            with connection.begin() as transaction:
                locked = self._lock(connection, order.number, key, hand)
                there = self._done(connection, hand, self._bind(order, step, now, locked))
                transaction.rollback()
        if not there and HandKind.CALL in hand.kinds and self._call is not None:
            return run.Saw(there=None, why="the shop's API may still be at work on it")
        return run.Saw(there=there)

    def preview(self, order: ids.OrderKey, step: plan.Step, now: datetime) -> tuple[str, ...]:
        """What `do` would change, computed by SELECT alone: it works with the read-only account and locks nothing."""
        hand = self._hand(step)
        lines = []
        if HandKind.REPLAY in hand.kinds and self._replay is not None:
            lines.append("first: hand the kept callback to the shop once more, if one was kept")
        with errors.reading(self._reader, hand.where) as connection:
            key = self._key(connection, order.number)
            with connection.begin():
                row = self._read(connection, order.number, key, hand)
                values = self._bind(order, step, now, row)
                if hand.call is not None and self._call is not None:
                    request = binding.fill(hand.call, values)
                    return (*lines, f"{request[0]} {request[1]} {dict(request[2])}")
                if self._done(connection, hand, values):
                    return ("nothing: it is done already",)
                if step.expects not in {None, row.version}:
                    lines.append("refused: the order's row has changed since it was read")
                items = self._items(connection, order, step, row)
                return (*lines, *previews.lines(connection, self._live, self._dialect, hand.writes, values, items))

    def _attached(self, kind: HandKind) -> bool:
        match kind:
            case HandKind.REPLAY:
                return self._replay is not None
            case HandKind.CALL:
                return self._call is not None
            case HandKind.WRITE:
                return True

    def _hand(self, step: plan.Step) -> shopmap.Hand:
        hand = self._map.hands.get(binding.act_name(step))
        if hand is None:
            raise faults.Rejected(f"{self._map.where} declares no hand for {binding.act_name(step)}")
        return hand

    def _replayed(self, order: ids.OrderKey, step: plan.Step, now: datetime) -> run.News | None:
        """The shop's own word is not enough: some acknowledge before they apply. Its row must show it."""
        news = None if self._replay is None else self._replay(order, step)
        if not isinstance(news, run.Succeeded):
            return news
        seen = self.look(order, step, now)
        shown = isinstance(seen, run.Saw) and seen.there
        return news if shown else run.Pending(why="the shop took the callback, and its row does not show it yet")

    def _called(self, hand: shopmap.Hand, order: ids.OrderKey, step: plan.Step, now: datetime) -> run.News:
        if hand.call is None or self._call is None:
            raise faults.Defect(f"{hand.name} has no call")
        with errors.reading(self._reader, hand.where) as connection:
            row = self._read(connection, order.number, self._key(connection, order.number), hand)
        if step.expects not in {None, row.version}:
            raise faults.Rejected("row changed")
        method, path, body = binding.fill(hand.call, self._bind(order, step, now, row))
        return self._call(Call(method=method, path=path, body=body, key=plan.key(order, step)))

    def _write(self, hand: shopmap.Hand, order: ids.OrderKey, step: plan.Step, now: datetime) -> run.News:
        with errors.translated(errors.During.WRITE, hand.where), self._writer.connect() as connection:
            key = self._key(connection, order.number)
            transaction = connection.begin()
            locked = self._lock(connection, order.number, key, hand)
            values = self._bind(order, step, now, locked)
            if self._done(connection, hand, values):
                transaction.rollback()
                return run.Succeeded(detail="it was done before")
            if step.expects not in {None, locked.version}:
                raise faults.Rejected("row changed: the order's row is not the one that was read")
            items = self._items(connection, order, step, locked)
            for statement in hand.writes:
                self._run(connection, statement, values, items)
            self._commit(connection, transaction, hand)
        return run.Succeeded()

    def _commit(self, connection: sa.Connection, transaction: sa.RootTransaction, hand: shopmap.Hand) -> None:
        try:
            with errors.translated(errors.During.COMMIT, hand.where):
                transaction.commit()
        except faults.Fault:
            # Closing it would roll back first; an error of that, which means "nothing happened", must not stand in for this doubt.
            connection.invalidate()
            connection.invalidate()
            raise

    def _run(self, connection: sa.Connection, statement: statements.Statement, values: dict[str, object], items: binding.Items) -> None:
        """One statement, for the order or for each item. What it gives is bound for those that follow."""
        if statement.when and not values.get(statement.when):
            return
        scribe = expressions.Scribe(dialect=self._dialect)
        sql = reads.statement(statement.write(scribe) + self._returning(statement))
        for item in items.lines if statement.for_each else ({},):
            bound = {n: v for n, v in {**values, **item}.items() if n in statement.parameters()}
            done = connection.execute(sql, {**scribe.values, **bound})
            low, high = (items.rows, items.rows) if statement.rows_as_items else (statement.rows_min, statement.rows_max)
            if done.rowcount < low or (high is not None and done.rowcount > high):
                raise faults.Rejected(
                    f"{statement.what}: touched {done.rowcount} rows of {statement.table()}, declared were {binding.span(low, high)}"
                    + (f" (sku {item['sku']})" if item else "")
                )
            if statement.gives:
                values[statement.gives] = done.scalar_one() if done.returns_rows else done.lastrowid

    def _returning(self, statement: statements.Statement) -> str:
        """PostgreSQL tells a new row's key only to whom it is asked by."""
        if statement.gives is None or self._dialect != "postgres":
            return ""
        key = self._live[statement.table()].primary_key
        return f" RETURNING {expressions.Scribe(dialect=self._dialect).name(key[0])}"

    def _key(self, connection: sa.Connection, number: ids.OrderNumber) -> object:
        """The row's key, found without a lock: on a column without an index a lock would take every row of the table."""
        with connection.begin() as transaction:
            scribe, o = self._order()
            conditions = [*o.filter(), f"{o.field(Field.ORDER_NUMBER)} = {scribe.bind(number)}"]
            found = connection.execute(reads.statement(expressions.select([o.key()], o.source(), conditions)), scribe.values).all()
            transaction.rollback()
        if len(found) != 1:
            raise faults.Rejected(f"{len(found)} rows of the shop carry the number {number}")
        return found[0][0]

    def _lock(self, connection: sa.Connection, number: ids.OrderNumber, key: object, hand: shopmap.Hand) -> Locked:
        return self._read(connection, number, key, hand, tail="" if self._dialect == "sqlite" else "FOR UPDATE")

    def _read(self, connection: sa.Connection, number: ids.OrderNumber, key: object, hand: shopmap.Hand, tail: str = "") -> Locked:
        scribe, o = self._order()
        watched, extra = o.map.columns(), hand.order_columns()
        columns = [f"{o.field(Field.ORDER_NUMBER)} AS n", *(f"{o.raw(c)} AS r_{i}" for i, c in enumerate(watched))]
        columns += [f"{o.raw(c)} AS x_{i}" for i, c in enumerate(extra)]
        sql = expressions.select(columns, o.source(), [*o.filter(), f"{o.key()} = {scribe.bind(key)}"], tail)
        row = connection.execute(reads.statement(sql), scribe.values).mappings().first()
        if row is None or str(row["n"]) != number:
            raise faults.Rejected(f"row changed: {number} is gone")
        raw = {c: row[f"r_{i}"] for i, c in enumerate(watched)}
        return Locked(key=key, version=rows.version(raw, watched), columns={c: row[f"x_{i}"] for i, c in enumerate(extra)})

    def _done(self, connection: sa.Connection, hand: shopmap.Hand, values: Mapping[str, object]) -> bool:
        scribe = expressions.Scribe(dialect=self._dialect)
        sql = hand.done.write(scribe)
        bound = {n: v for n, v in values.items() if n in hand.done.parameters()}
        return connection.execute(reads.statement(sql), {**scribe.values, **bound}).first() is not None

    def _bind(self, order: ids.OrderKey, step: plan.Step, now: datetime, row: Locked) -> dict[str, object]:
        return binding.values(self._map, order, step, now, row.key, row.columns)

    def _items(self, connection: sa.Connection, order: ids.OrderKey, step: plan.Step, row: Locked) -> binding.Items:
        found = reads.Tables(self._map, self._live, connection).items([row.key], [order.number])
        return binding.items(step, found)

    def _order(self) -> tuple[expressions.Scribe, spelling.Table]:
        scribe = expressions.Scribe(dialect=self._dialect)
        return scribe, spelling.Table(self._map.order, self._live[self._map.order.table], scribe, "o", self._map.zone)


def attach(
    map_: shopmap.ShopMap,
    writer: sa.Engine,
    reader: sa.Engine,
    replay: Replay | None = None,
    call: Caller | None = None,
) -> SqlHands:
    """Hands on a live database. Raises BadInput where the shop file's hands do not fit its schema or its dialect."""
    with errors.translated(errors.During.START, map_.where), writer.connect() as connection:
        live = schema.reflect(connection, map_, schema.tables_of_hands(map_))
    schema.check_hands(map_, live)
    if engines.spoken(writer) != "mysql":
        for told in (s for h in map_.hands.values() for s in h.writes if s.limited()):
            raise faults.BadInput("UPDATE … LIMIT is MySQL's alone", where=told.where, todo="Name the row by its key instead.")
    return SqlHands(map_, live, writer, reader, replay, call)
