"""A shop's map goes in; what of its tables may go into images comes out, and every row of them, page after page along their keys.

Only columns that the map looks at are read, and each only as its privacy class lets it be kept. A value has the type that the server's
change log tells it with, so that a row that was read and a row that was logged are the same text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from makewhole.adapters.shops import engines, errors, expressions, rows, schema, shopmap, traces
from makewhole.adapters.shops.language import Privacy
from makewhole.core import codec, faults
from makewhole.model import change, image, sheet
from makewhole.model.image import Form
from makewhole.model.sheet import Sheet

Typed = sa.types.TypeEngine[Any]
PAGE = 5_000
"""Rows read at once: some milliseconds' work for the shop."""


@dataclass(frozen=True, kw_only=True)
class Imaged:
    """What of a shop goes into images."""

    forms: tuple[Form, ...]
    digest: str
    """Of all of it: tables, columns, keys, classes and the secret of hashes."""
    left_out: tuple[str, ...]
    """Mapped tables whose rows cannot be told apart or tied to an order: none of them is in an image."""


def imaged(map_: shopmap.ShopMap, live: schema.Schema, schema_name: str, secret: bytes) -> Imaged:
    """Raises BadInput where not even the orders can be imaged."""
    known = traces.traces(map_, schema_name, secret)
    forms, told, left = [], list[object](), list[str](known.unfound)
    for traced in known.tables:
        own = traced.part if traced.role == "suborder" else None
        link = traced.number or traced.link or (None if own is not None else traced.part)
        key = live[traced.table].primary_key
        if not key or link is None:
            left.append(traced.table)
            continue
        alike = [t for t in map_.tables.values() if traced.table in t.shards]
        classes, numbers = traces.classes(*alike), traces.own_numbers(*alike)
        # The key tells a row from every other, so it is kept as long as its class does not forbid it.
        kept = {c: p for c, p in (dict.fromkeys(key, Privacy.PLAIN) | dict(classes)).items() if p is not Privacy.NEVER}
        table = image.Table(
            role=traced.role,
            schema=schema_name.lower(),
            name=traced.table.lower(),
            key=key,
            link=link.lower(),
            by_key=traced.number is None and traced.link is not None,
            by_part=traced.number is None and traced.link is None,
            known=(traced.key or own or "").lower(),
            columns=tuple(sorted(kept)),
        )
        words = sorted(c for c, p in kept.items() if p is Privacy.PLAIN and c not in numbers and c not in key)
        forms.append(
            Form(table, {c: _guard(p, secret) for c, p in kept.items() if p is not Privacy.PLAIN}, words, _kind(traced, map_.where))
        )
        told.append([_described(table), {c: p.value for c, p in kept.items()}, words, *_filter(map_, traced)])
    if not any(f.table.role == "order" for f in forms):
        todo = "Give the table a primary key, and map the order's number to a column and not to an expression."
        raise faults.BadInput("the orders cannot be imaged: their rows have no key of their own", where=map_.where, todo=todo)
    return Imaged(forms=tuple(forms), digest=codec.digest([told, rows.guard("form", Privacy.HASHED, secret)]), left_out=tuple(left))


def _kind(traced: change.Traced, where: str) -> image.Kinds | None:
    """Which of a table's rows go in with these, where rows of two kinds stand in it."""
    if traced.kind is None:
        return None

    def kind(row: change.Image) -> bool:
        told = traced.holds(row)
        if told is None:
            raise faults.BadInput(
                f"nothing tells whether a row of {traced.table} is of kind {traced.role}: its columns differ by case or spaces alone",
                where=f"{where}: {traced.role}.where",
                todo="Name every spelling that stands there: kind IN ('main', 'MAIN'); or tell them apart by numbers.",
            )
        return told

    return kind


def _described(table: image.Table) -> dict[str, object]:
    """A table in the digest: of one that names no parts as it was before any could, so that its images go on."""
    return {k: v for k, v in codec.builtins(table).items() if k != "by_part" or v}


def _filter(map_: shopmap.ShopMap, traced: change.Traced) -> list[str]:
    """What tells a kind of rows from another in its table: with another filter, other rows are in an image."""
    where = map_.tables[traced.role].where
    return [] if traced.kind is None or where is None else [where.text]


def _guard(privacy: Privacy, secret: bytes) -> image.Guard:
    return lambda told: rows.guard(told, privacy, secret)


class SqlTables:
    """`imaging.Tables` over SQL."""

    def __init__(self, engine: sa.Engine, forms: Sequence[Form], where: str) -> None:
        self._engine, self._forms, self._where = engine, forms, where
        self._dialect = engines.spoken(engine)

    def pages(self) -> Iterator[Sheet]:
        """See the port."""
        with errors.reading(self._engine, self._where) as connection:
            if self._dialect == "mysql":
                connection.exec_driver_sql("SET time_zone = '+00:00'")
            try:
                for form in self._forms:
                    yield from self._table(connection, form)
            finally:
                # The zone must not stay on a connection that goes back to the pool.
                connection.invalidate()

    def _table(self, connection: sa.Connection, form: Form) -> Iterator[Sheet]:
        names = tuple(dict.fromkeys((*form.table.columns, *form.table.key, form.table.link)))
        types: dict[str, Typed] = dict.fromkeys(names, sa.types.NULLTYPE)
        if self._dialect == "mysql":
            # A value of SQLite has a type of its own, whatever its column's is.
            types |= {c["name"].lower(): c["type"] for c in sa.inspect(connection).get_columns(form.table.name)}
        typed = [(n, _reader(types[n])) for n in names]
        after: tuple[object, ...] | None = None
        while found := self._page(connection, form.table, [(n, types[n]) for n in names], after):
            told = [{n: read(v) for (n, read), v in zip(typed, row, strict=False)} for row in found]
            yield sheet.read(form, told)
            after = tuple(found[-1][-len(form.table.key) :])

    def _page(
        self,
        connection: sa.Connection,
        table: image.Table,
        typed: Sequence[tuple[str, Typed]],
        after: tuple[object, ...] | None,
    ) -> list[tuple[object, ...]]:
        scribe = expressions.Scribe(dialect=self._dialect)
        keys = [scribe.name(k) for k in table.key]
        asked = [_exact(scribe.name(n), kind) for n, kind in typed]
        conditions = [] if after is None else [_beyond(scribe, keys, after)]
        sql = expressions.select([*asked, *keys], scribe.name(table.name), conditions, f"ORDER BY {', '.join(keys)} LIMIT {PAGE}")
        return [tuple(row) for row in connection.execute(sa.text(sql), scribe.values)]


def _beyond(scribe: expressions.Scribe, keys: Sequence[str], after: Sequence[object]) -> str:
    """Rows whose key comes after this one, column by column."""
    steps = []
    for i, (key, value) in enumerate(zip(keys, after, strict=True)):
        same = [f"{k} = {scribe.bind(v)}" for k, v in zip(keys[:i], after[:i], strict=True)]
        steps.append(" AND ".join([*same, f"{key} > {scribe.bind(value)}"]))
    return "(" + " OR ".join(f"({s})" for s in steps) + ")"


def _exact(name: str, kind: Typed) -> str:
    """A column so that nothing of it is lost: a server prints a float to six digits, and gives bits as bytes."""
    if isinstance(kind, mysql.BIT):
        return f"{name} + 0"
    return f"{name} + 0e0" if isinstance(kind, mysql.FLOAT | mysql.DOUBLE) else name


def _reader(kind: Typed) -> Callable[[object], change.Value]:
    """What the driver gives, with the type that the log tells it with."""
    stamped = isinstance(kind, mysql.TIMESTAMP)
    dated = isinstance(kind, mysql.DATETIME | mysql.TIMESTAMP | sa.Date)

    def read(told: object) -> change.Value:
        if stamped and isinstance(told, datetime):
            return told.replace(tzinfo=UTC)
        if dated and isinstance(told, str):
            # The driver leaves those as text that no calendar has.
            return change.ZeroDate(text=told)
        return cast("change.Value", told)

    return read
