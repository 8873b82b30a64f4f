"""Eyes on a shop's database: a shop map and a read-only engine go in, suspects and claims come out. Never writes."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections import OrderedDict
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from makewhole import ports
from makewhole.adapters.shops import claims, days, engines, errors, expressions, reads, rows, schema, screens, shopmap, spelling
from makewhole.adapters.shops.language import Unit
from makewhole.core import clock, faults, ids
from makewhole.model import claim, finding, order, payment, screen
from makewhole.model.order import Field

CANDIDATES_MAX = 20
"""Orders offered for money without an order: more is no help to anybody."""
CANDIDATE_WINDOW = timedelta(minutes=30)
"""How far apart an order's writing and its payment may lie: as long as payment links usually live."""
HINTS_MAX = 20_000
"""Keys of suspects remembered until they are read, where no index finds an order by its number: a hundred batches."""
EXCEPTIONS_MAX = 1000
"""Rare things found beforehand that the pass over the orders names one by one; beyond, it finds them by itself."""
OVERLAP = timedelta(minutes=5)
"""How far `changed_since` looks behind its mark: a transaction stamps its rows before it commits them."""
_REISSUED = re.compile(r"R[1-9][0-9]?$")
_ROWS_BUFFERED = 1000


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """A row that at least one screen named."""

    number: ids.OrderNumber
    ailments: tuple[finding.Ailment, ...]
    created_at: datetime | None


class SqlEyes:
    """`ports.Eyes` over SQL. Make it with `attach`, which compares the map with the live schema."""

    def __init__(self, map_: shopmap.ShopMap, live: schema.Schema, engine: sa.Engine, now: clock.Clock, secret: bytes) -> None:
        self._map, self._live, self._engine, self._clock = map_, live, engine, now
        self._dialect = engines.spoken(engine)
        self._teller = claims.Teller(map_, secret)
        self._created = rows.Reader(map_.order, map_.zone, map_.currency, secret)
        number = map_.order.fields[Field.ORDER_NUMBER].sql.column()
        self._number_indexed = number is not None and number.lower() in live[map_.order.table].indexed
        self._hints: OrderedDict[str, object] = OrderedDict()

    @property
    def shop(self) -> ids.ShopName:
        """The shop's name."""
        return ids.ShopName(self._map.name)

    def suspects(self, screens_: Sequence[tuple[finding.Ailment, screen.Predicate]], changed_since: str | None = None) -> Iterator[Suspect]:
        """First what is rare and needs a pass of its own, then one pass over the orders for everything else."""
        since = None if changed_since is None else self._since(changed_since)
        with self._scanning() as connection:
            known = screens.Exceptions()
            if since is None:
                known = yield from self._exceptions(connection)
            query = screens.render(screens_, self._map, self._live, self._dialect, since, known)
            if query is None:
                return
            for row in self._stream(connection, query):
                named = dict.fromkeys(a for a, flag in query.flags if row[flag])
                self._remember(row)
                yield Suspect(number=ids.OrderNumber(str(row["n"])), ailments=tuple(named), created_at=self._created_at(row))

    def _exceptions(self, connection: sa.Connection) -> Generator[Suspect, None, screens.Exceptions]:
        """What is looked for beforehand."""
        foreign = yield from self._strays(connection)
        return screens.Exceptions(
            foreign=foreign,
            numbers=self._shared(connection, Field.ORDER_NUMBER),
            coupons=self._shared(connection, Field.ORDER_COUPON),
            childless=self._few(connection, screens.childless(self._map, self._live, self._dialect)),
        )

    def _strays(self, connection: sa.Connection) -> Generator[Suspect, None, tuple[object, ...] | None]:
        """Items without an order are suspects at once; orders with another's items are returned, where they are few."""
        query = screens.strays(self._map, self._live, self._dialect)
        foreign: dict[object, None] = {}
        for row in self._stream(connection, query) if query is not None else ():
            if row["k"] is None:
                contradicts = (finding.Ailment.ORDER_CONTRADICTS_ITSELF,)
                yield Suspect(number=ids.OrderNumber(str(row["n"])), ailments=contradicts, created_at=None)
            elif len(foreign) <= EXCEPTIONS_MAX:
                foreign[row["k"]] = None
        return None if len(foreign) > EXCEPTIONS_MAX else tuple(foreign)

    def _shared(self, connection: sa.Connection, field: Field) -> tuple[object, ...] | None:
        """Values of a field that more than one row holds, where they are few."""
        query = screens.shared(self._map, self._live, self._dialect, field)
        return () if query is None else self._few(connection, query)

    def _few(self, connection: sa.Connection, query: screens.Query | None) -> tuple[object, ...] | None:
        """What a query finds, where somebody asks it and it finds little."""
        if query is None:
            return None
        found = tuple(row["v"] for row in itertools.islice(self._stream(connection, query), EXCEPTIONS_MAX + 1))
        return None if len(found) > EXCEPTIONS_MAX else found

    def may_write(self) -> bool | None:
        """By the account's own grants; a file has no accounts."""
        if self._dialect == "sqlite":
            return None
        with errors.reading(self._engine, self._map.where) as connection:
            if self._dialect == "postgres":
                asked = "SELECT DISTINCT privilege_type FROM information_schema.role_table_grants WHERE grantee = CURRENT_USER"
                return bool({"INSERT", "UPDATE", "DELETE", "TRUNCATE"} & set(connection.exec_driver_sql(asked).scalars()))
            return engines.grants_writes(connection.exec_driver_sql("SHOW GRANTS").scalars().all())

    def moved(self, since: datetime, until: datetime) -> Iterator[ids.OrderNumber]:
        """By every instant that the map covers; raises BadInput where it covers none."""
        query = days.moved(self._map, self._live, self._dialect, since, until)
        if query is None:
            todo = "Map order.created_at: nothing else tells which orders are of a day."
            raise faults.BadInput("no instant of an order is mapped", where=self._map.where, todo=todo)
        with self._scanning() as connection:
            for row in self._stream(connection, query):
                self._remember({**row, screens.NUMBER_SHARED: False})
                yield ids.OrderNumber(str(row["n"]))

    def mark(self) -> str | None:
        """The newest version now, as the shop spells it."""
        if Field.ORDER_VERSION not in self._map.order.fields:
            return None
        scribe, o = self._order()
        sql = expressions.select([f"MAX({o.field(Field.ORDER_VERSION)})"], o.source(), [])
        with errors.reading(self._engine, self._map.where) as connection:
            newest = connection.execute(sa.text(sql), scribe.values).scalar()
        return None if newest is None else rows.spell(newest)

    def read(self, numbers: Sequence[ids.OrderNumber]) -> Mapping[ids.OrderNumber, ports.Heard]:
        """Everything the shop's rows say of these orders; every number asked has an answer."""
        asked = list(dict.fromkeys(numbers))
        recalls = "reissue-order" in self._map.hands
        again = [ids.reissued_number(n, 1) for n in asked] if recalls else []
        first = [o for n in asked if (o := claims.origin(n)) is not None] if recalls else []
        # Asked once: another thread may take one away between two questions.
        hints: dict[str, object] = {n: hint for n in asked if (hint := self._hints.get(n)) is not None}
        with errors.reading(self._engine, self._map.where) as connection:
            found = reads.read(reads.Tables(self._map, self._live, connection), asked, hints, again, first)
        return self._teller.tell(asked, found, self._clock.now())

    def payment_numbers(self, heard: ports.Heard) -> tuple[tuple[ids.ChannelName, ids.OutTradeNo], ...]:
        """The attempts that the shop's rows name, then those that its rule makes; the order's own channel before the others."""
        shop = next((c for c in heard[0] if isinstance(c, order.ShopOrder)), None)
        if shop is None:
            return ()
        channels = [shop.channel] if shop.channel in self._map.channels and shop.channel else []
        channels += [ids.ChannelName(c) for c in self._map.channels if c != shop.channel]
        told = [(t.channel, t.number) for t in shop.tried if t.channel is not None]
        numbers = [t.number for t in shop.tried if t.channel is None]
        numbers += [ids.OutTradeNo(r.format(number=shop.number)) for r in self._map.payment_numbers if "{any}" not in r]
        return tuple(dict.fromkeys([*told, *((c, n) for c in channels for n in numbers)]))

    def owner(self, number: ids.OutTradeNo) -> ids.OrderNumber | None:
        """By the shop's rows first: the order of this very number, its row of attempts; then by the rule, if that order exists."""
        guesses = list(dict.fromkeys([str(number), *self._by_rule(number)]))
        with errors.reading(self._engine, self._map.where) as connection:
            tables = reads.Tables(self._map, self._live, connection)
            attempt = tables.attempt_owner(number)
            if attempt is not None:
                return ids.OrderNumber(attempt)
            there = tables.there(guesses)
        return next((ids.OrderNumber(g) for g in guesses if g in there), None)

    def candidates(self, paid: payment.Attempt) -> tuple[payment.Candidate, ...]:
        """Orders that this payment may belong to, the likeliest first."""
        with errors.reading(self._engine, self._map.where) as connection:
            tables = reads.Tables(self._map, self._live, connection)
            found = tables.orders([paid.attach]) if paid.attach else []
            if paid.amount is not None and paid.paid_at is not None:
                found += tables.alike(paid.amount, paid.paid_at, CANDIDATE_WINDOW, CANDIDATES_MAX * 5)
            payers = tables.bought_by(paid.payer, [r["k"] for r in found]) if paid.payer else frozenset()
        told: dict[str, payment.Candidate] = {}
        for row in found:
            candidate = self._candidate(paid, row, payer=rows.spell(row["k"]) in payers)
            if candidate is not None:
                told.setdefault(candidate.order, candidate)
        ranked = sorted(
            told.values(), key=lambda c: (payment.Match.ATTACH not in c.on, payment.Match.PAYER not in c.on, not c.open, c.order)
        )
        return tuple(ranked[:CANDIDATES_MAX])

    def _candidate(self, paid: payment.Attempt, row: reads.Row, *, payer: bool) -> payment.Candidate | None:
        shop = self._teller.shop_order(ids.OrderNumber(str(row["n"])), row, self._clock.now())
        if shop is None:
            return None
        on = [payment.Match.ATTACH] if paid.attach == shop.number else []
        if paid.amount == shop.due:
            on.append(payment.Match.AMOUNT)
        if paid.paid_at is not None and shop.created_at is not None and abs(paid.paid_at - shop.created_at) <= CANDIDATE_WINDOW:
            on.append(payment.Match.TIME)
        if payer:
            on.append(payment.Match.PAYER)
        return payment.Candidate(
            source=claim.SHOP,
            as_of=self._clock.now(),
            order=shop.number,
            due=shop.due,
            open=shop.state is order.OrderState.AWAITING_PAYMENT,
            on=tuple(on),
            created_at=shop.created_at,
        )

    def _by_rule(self, number: ids.OutTradeNo) -> list[str]:
        """The orders that an attempt's number may have been made from, and our own reissues' originals."""
        found = []
        for rule in self._map.payment_numbers:
            made = re.escape(rule).replace(r"\{number\}", "(.+)").replace(r"\{any\}", ".*")
            told = re.fullmatch(made, number)
            if told is not None:
                found.append(told.group(1))
        return [*found, *(_REISSUED.sub("", n) for n in found if _REISSUED.search(n))]

    def _since(self, mark: str) -> object:
        """The version to look from, in the column's own type."""
        column = self._map.order.fields.get(Field.ORDER_VERSION)
        if column is None:
            raise faults.Defect(f"{self._map.where} maps no order.version: nothing tells what changed")
        match column.unit:
            case Unit.UNIX_S:
                return int(mark) - int(OVERLAP.total_seconds())
            case Unit.UNIX_MS:
                return int(mark) - int(OVERLAP.total_seconds()) * 1000
            case Unit.DATETIME:
                return (datetime.fromisoformat(mark) - OVERLAP).isoformat(sep=" ")
            case _:
                return int(mark) if mark.lstrip("-").isdigit() else mark

    def _remember(self, row: Mapping[str, object]) -> None:
        """Where nothing indexes the number, the row is read by its key. A shared number must be looked up, to find every row of it."""
        if self._number_indexed or row[screens.NUMBER_SHARED]:
            return
        self._hints[str(row["n"])] = row["k"]
        if len(self._hints) > HINTS_MAX:
            self._hints.popitem(last=False)

    def _created_at(self, row: Mapping[str, object]) -> datetime | None:
        told = {rows.name(Field.ORDER_CREATED_AT): row["c"]}
        try:
            return self._created.instant(told, Field.ORDER_CREATED_AT)
        except rows.Misread:
            # For the order of work only; the dossier says that it is not understood.
            return None

    def _order(self) -> tuple[expressions.Scribe, spelling.Table]:
        scribe = expressions.Scribe(dialect=self._dialect)
        return scribe, spelling.Table(self._map.order, self._live[self._map.order.table], scribe, "o", self._map.zone)

    @contextlib.contextmanager
    def _scanning(self) -> Iterator[sa.Connection]:
        """One connection for all passes of a scan."""
        with errors.translated(errors.During.READ, self._map.where), self._engine.connect() as connection:
            try:
                yield connection
            finally:
                # The bound of a scan must not stay on a connection that goes back to the pool.
                connection.invalidate()

    def _stream(self, connection: sa.Connection, query: screens.Query) -> Iterator[Mapping[str, object]]:
        """Rows as the server finds them: never more than a buffer of them is here."""
        engines.allow_scan(connection, by_hash=query.by_hash)
        # Not as an option of the connection, which the next pass uses too.
        streaming = {"stream_results": True, "yield_per": _ROWS_BUFFERED}
        with connection.execute(sa.text(query.sql), query.values, execution_options=streaming) as found:
            for row in found:
                yield row._asdict()


def attach(map_: shopmap.ShopMap, engine: sa.Engine, now: clock.Clock, secret: bytes) -> SqlEyes:
    """Eyes on a live database. Raises BadInput where map and schema, address or rights do not fit; Unavailable where nobody answers."""
    with errors.translated(errors.During.START, map_.where), engine.connect() as connection:
        live = schema.reflect(connection, map_)
    return SqlEyes(map_, live, engine, now, secret)
