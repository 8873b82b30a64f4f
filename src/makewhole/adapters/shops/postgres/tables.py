"""Every row of a PostgreSQL shop's imaged tables, page after page along their keys: `imaging.Tables`."""
# ruff: noqa: S608  names of tables and columns, quoted; every value is a parameter

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from makewhole.adapters.shops import errors, wholes
from makewhole.adapters.shops.postgres import forms, printing, statements
from makewhole.core import codec, faults
from makewhole.model import cell, change, sheet
from makewhole.model.image import Form
from makewhole.model.sheet import Sheet

_NAME = """SELECT current_schema(), c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = current_schema() AND lower(c.relname) = lower(%s) AND c.relkind IN ('r', 'p')"""


class PostgresTables:
    """See the port. A value is read as the server prints it, as the log tells it."""

    def __init__(self, engine: sa.Engine, known: Sequence[Form], where: str) -> None:
        self._engine, self._forms, self._where = engine, known, where

    def pages(self) -> Iterator[Sheet]:
        """See the port."""
        with errors.reading(self._engine, self._where) as connection:
            for sql in printing.SESSION:
                connection.exec_driver_sql(sql)
            try:
                for form in self._forms:
                    yield from self._table(connection, form)
            finally:
                # What was said to the session must not stay on a connection that goes back to the pool.
                connection.invalidate()

    def digest(self) -> str:
        """Of the imaged columns' types: the log does not tell when a table was altered, and rows of another type are other texts."""
        with errors.reading(self._engine, self._where) as connection:
            told = {
                f.table.name: sorted((c, t) for c, (_, t) in self._columns(connection, f)[1].items() if c in f.table.columns)
                for f in self._forms
            }
        return codec.digest(told)

    def _table(self, connection: sa.Connection, form: Form) -> Iterator[Sheet]:
        table, known = self._columns(connection, form)
        names = tuple(dict.fromkeys((*form.table.columns, *form.table.key, form.table.link)))
        keys = [known[k] for k in form.table.key]
        order = ", ".join(statements.name(name) for name, _ in keys)
        beyond = f"WHERE ({order}) > ({', '.join(f'%s::{typed.cast}' for _, typed in keys)})"
        asked = ", ".join(statements.name(known[n][0]) for n in names)
        after: tuple[str | None, ...] = ()
        while True:
            sql = f"SELECT {asked} FROM {table} {beyond if after else ''} ORDER BY {order} LIMIT {wholes.PAGE}"
            answer = connection.exec_driver_sql(sql, after)
            told = [dict(zip(names, row, strict=True)) for row in printing.rows(answer, [known[n][1].number for n in names])]
            if not told:
                return
            yield sheet.read(form, told)
            after = _key(form, told[-1])

    def _columns(self, connection: sa.Connection, form: Form) -> tuple[str, dict[str, tuple[str, forms.Typed]]]:
        """The table in SQL; its columns by the names that images call them by: the name as it is, and the type."""
        there = connection.exec_driver_sql(_NAME, (form.table.name,)).first()
        if there is None:
            raise faults.Unavailable(f"the database has no table {form.table.name}")
        schema, name = there
        types = forms.types(connection, name)
        return f"{statements.name(schema)}.{statements.name(name)}", {c.lower(): (c, typed) for c, typed in types.items()}


def _key(form: Form, image: change.Image) -> tuple[str | None, ...]:
    return tuple(statements.written(cell.pack(image[k])) for k in form.table.key)
