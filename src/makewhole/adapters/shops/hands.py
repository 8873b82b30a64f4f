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

from makewhole.adapters.shops import (
    binding,
    engines,
    errors,
    expressions,
    handmap,
    locks,
    previews,
    reads,
    routes,
    schema,
    shopmap,
    spelling,
)
from makewhole.adapters.shops import statements as declared
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
        self._shards = routes.routed(map_)
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
            spot = self._find(connection, order.number, hand)
            with connection.begin() as transaction:
                locked = self._lock(connection, order.number, spot)
                there = self._done(connection, spot.hand, self._bind(order, step, now, locked))
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
            spot = self._find(connection, order.number, hand)
            with connection.begin():
                row = self._read(connection, order.number, spot)
                values = self._bind(order, step, now, row)
                if hand.call is not None and self._call is not None:
                    request = binding.fill(hand.call, values)
                    return (*lines, f"{request[0]} {request[1]} {dict(request[2])}")
                if self._done(connection, spot.hand, values):
                    return ("nothing: it is done already",)
                if step.expects not in {None, row.version}:
                    lines.append("refused: the order's row has changed since it was read")
                each = self._each(connection, order, step, row)
                return (*lines, *previews.lines(connection, self._live, self._dialect, spot.hand.writes, values, each))

    def _attached(self, kind: HandKind) -> bool:
        match kind:
            case HandKind.REPLAY:
                return self._replay is not None
            case HandKind.CALL:
                return self._call is not None
            case HandKind.WRITE:
                return True

    def _hand(self, step: plan.Step) -> handmap.Hand:
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

    def _called(self, hand: handmap.Hand, order: ids.OrderKey, step: plan.Step, now: datetime) -> run.News:
        if hand.call is None or self._call is None:
            raise faults.Defect(f"{hand.name} has no call")
        with errors.reading(self._reader, hand.where) as connection:
            row = self._read(connection, order.number, self._find(connection, order.number, hand))
        if step.expects not in {None, row.version}:
            raise faults.Rejected("row changed")
        method, path, body = binding.fill(hand.call, self._bind(order, step, now, row))
        return self._call(Call(method=method, path=path, body=body, key=plan.key(order, step)))

    def _write(self, hand: handmap.Hand, order: ids.OrderKey, step: plan.Step, now: datetime) -> run.News:
        with errors.translated(errors.During.WRITE, hand.where), self._writer.connect() as connection:
            spot = self._find(connection, order.number, hand)
            transaction = connection.begin()
            locked = self._lock(connection, order.number, spot)
            values = self._bind(order, step, now, locked)
            if self._done(connection, spot.hand, values):
                transaction.rollback()
                return run.Succeeded(detail="it was done before")
            if step.expects not in {None, locked.version}:
                raise faults.Rejected("row changed: the order's row is not the one that was read")
            each = self._each(connection, order, step, locked)
            for statement in spot.hand.writes:
                self._run(connection, statement, values, each)
            self._commit(connection, transaction, hand)
        return run.Succeeded()

    def _commit(self, connection: sa.Connection, transaction: sa.RootTransaction, hand: handmap.Hand) -> None:
        try:
            with errors.translated(errors.During.COMMIT, hand.where):
                transaction.commit()
        except faults.Fault:
            # Closing it would roll back first; an error of that, which means "nothing happened", must not stand in for this doubt.
            connection.invalidate()
            connection.invalidate()
            raise

    def _run(self, connection: sa.Connection, statement: declared.Statement, values: dict[str, object], each: binding.Each) -> None:
        """One statement, for the order or for each item. What it gives is bound for those that follow."""
        if statement.when and not values.get(statement.when):
            return
        scribe = expressions.Scribe(dialect=self._dialect)
        sql = reads.statement(statement.write(scribe) + self._returning(statement))
        for item in each.over(statement):
            bound = {n: v for n, v in {**values, **item}.items() if n in statement.parameters()}
            done = connection.execute(sql, {**scribe.values, **bound})
            low, high = each.rows(statement)
            if done.rowcount < low or (high is not None and done.rowcount > high):
                raise faults.Rejected(
                    f"{statement.what}: touched {done.rowcount} rows of {statement.table()}, declared were {binding.span(low, high)}"
                    + "".join(f" ({name} {value})" for name, value in item.items() if name in {"sku", "part"})
                )
            if statement.gives:
                values[statement.gives] = done.scalar_one() if done.returns_rows else done.lastrowid

    def _returning(self, statement: declared.Statement) -> str:
        """PostgreSQL tells a new row's key only to whom it is asked by."""
        if statement.gives is None or self._dialect != "postgres":
            return ""
        key = self._live[statement.table()].primary_key
        return f" RETURNING {expressions.Scribe(dialect=self._dialect).name(key[0])}"

    def _find(self, connection: sa.Connection, number: ids.OrderNumber, hand: handmap.Hand) -> locks.Spot:
        """Where the order is, found without a lock: on a column without an index a lock would take every row of the table."""
        with connection.begin() as transaction:
            scribe = expressions.Scribe(dialect=self._dialect)
            asked = [self._asked(at, i, scribe, number) for i, at in enumerate(self._shards)]
            found = connection.execute(reads.statement(" UNION ALL ".join(asked)), scribe.values).all()
            if len(found) != 1:
                raise faults.Rejected(f"{len(found)} rows of the shop carry the number {number}")
            at = self._shards[int(found[0].s)]
            key = found[0].k
            parts = locks.Reader(connection, self._live, self._dialect, lock=False).parts_of(at, key, number)
            spot = locks.Spot(key=key, parts=parts, map=at, hand=at.hands[hand.name])
            self._alone(connection, number, spot)
            transaction.rollback()
        return spot

    def _asked(self, at: shopmap.ShopMap, i: int, scribe: expressions.Scribe, number: ids.OrderNumber) -> str:
        o = self._order(at, scribe)
        conditions = [*o.filter(), f"{o.field(Field.ORDER_NUMBER)} = {scribe.bind(number)}"]
        return expressions.select([f"{o.key()} AS k", f"{i} AS s"], o.source(), conditions)

    def _alone(self, connection: sa.Connection, number: ids.OrderNumber, spot: locks.Spot) -> None:
        """Raises Rejected where a shard that the hand would not see holds rows of the order: then it would do half, or do it twice."""
        scribe = expressions.Scribe(dialect=self._dialect)
        asked = [routes.rows_of(t, scribe, spot.key, number) for t in routes.strangers(self._map, spot.map, spot.hand)]
        if asked and (found := connection.execute(reads.statement(" UNION ALL ".join(asked)), scribe.values).first()) is not None:
            raise faults.Rejected(f"{found[0]} holds rows of {number}, which is in {spot.map.order.table}: they are cut by different rules")
        if routes.writes_anew(self._map, spot.map, spot.hand):
            other = expressions.Scribe(dialect=self._dialect)
            asked = routes.of_buyer(self._map, spot.map, other, spot.key)
            if (found := connection.execute(reads.statement(" UNION ALL ".join(asked)), other.values).first()) is not None:
                raise faults.Rejected(f"{found[0]} holds orders of the buyer of {number}: the buyer alone does not decide the shard")

    def _lock(self, connection: sa.Connection, number: ids.OrderNumber, spot: locks.Spot) -> locks.Locked:
        return locks.Reader(connection, self._live, self._dialect, lock=True).read(number, spot)

    def _read(self, connection: sa.Connection, number: ids.OrderNumber, spot: locks.Spot) -> locks.Locked:
        return locks.Reader(connection, self._live, self._dialect, lock=False).read(number, spot)

    def _done(self, connection: sa.Connection, hand: handmap.Hand, values: Mapping[str, object]) -> bool:
        scribe = expressions.Scribe(dialect=self._dialect)
        sql = hand.done.write(scribe)
        bound = {n: v for n, v in values.items() if n in hand.done.parameters()}
        return connection.execute(reads.statement(sql), {**scribe.values, **bound}).first() is not None

    def _bind(self, order: ids.OrderKey, step: plan.Step, now: datetime, row: locks.Locked) -> dict[str, object]:
        return binding.values(self._map, order, step, now, row.key, row.columns)

    def _each(self, connection: sa.Connection, order: ids.OrderKey, step: plan.Step, row: locks.Locked) -> binding.Each:
        tables = reads.Tables(self._map, self._live, connection)
        found = tables.items([row.key], [order.number], tables.parts([row.key], [order.number]))
        return binding.each(step, found, row.parts)

    def _order(self, at: shopmap.ShopMap, scribe: expressions.Scribe) -> spelling.Table:
        return spelling.Table(at.order, self._live[at.order.table], scribe, "o", at.zone)


def attach(
    map_: shopmap.ShopMap,
    writer: sa.Engine,
    reader: sa.Engine,
    replay: Replay | None = None,
    call: Caller | None = None,
) -> SqlHands:
    """Hands on a live database. Raises BadInput where the shop file's hands do not fit its schema or its dialect."""
    with errors.translated(errors.During.START, map_.where), writer.connect() as connection:
        at = routes.routed(map_)
        live = schema.reflect(connection, map_, tuple(dict.fromkeys(name for m in at for name in schema.tables_of_hands(m))))
    for shard in at:
        schema.check_hands(shard, live)
    if engines.spoken(writer) != "mysql":
        for told in (s for h in map_.hands.values() for s in h.writes if s.limited()):
            raise faults.BadInput("UPDATE … LIMIT is MySQL's alone", where=told.where, todo="Name the row by its key instead.")
    return SqlHands(map_, live, writer, reader, replay, call)
