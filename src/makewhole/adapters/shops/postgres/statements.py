"""Rows of one shape go in, the SQL that finds, compares and writes them in PostgreSQL comes out, and its parameters.

Every value travels as text in an array, one for each column, and is cast to its column's type: a thousand rows are as few parameters as
one. Two values are the same where the server prints them alike, digits, case and blanks included: `=` would call 1.0 and 1.00 the same.
"""
# ruff: noqa: S608  names of tables and columns, quoted; every value is a parameter

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from makewhole.adapters.shops.postgres.forms import Typed
from makewhole.model import cell, change
from makewhole.model.cell import Cell
from makewhole.model.rollback import Form, How, Net

Types = Mapping[str, Typed]
Texts = list[str | None]


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement, and what it must touch."""

    sql: str
    values: tuple[Texts, ...]
    rows: Sequence[Net]
    told: tuple[str, ...] = ()
    """The columns that it answers with."""


@dataclass(frozen=True, kw_only=True)
class Scribe:
    """Writes about one table as it is now."""

    schema: str
    form: Form
    types: Types

    def read(self, columns: Sequence[str], rows: Sequence[Net], *, lock: bool) -> Statement:
        """What stands in these rows, in the order of their keys."""
        told, given = self._given({f"k{i}": (c, [row.key[c] for row in rows]) for i, c in enumerate(self.form.key)})
        key = ", ".join(f"o.{name(c)}" for c in self.form.key)
        cast = ", ".join(self._cast(c, f"k{i}") for i, c in enumerate(self.form.key))
        sql = f"SELECT {self._told(columns)} FROM {self._table} WHERE ({key}) IN (SELECT {cast} FROM {told}) ORDER BY {key}"
        return Statement(sql=sql + (" FOR UPDATE OF o" if lock else ""), values=given, rows=rows, told=tuple(columns))

    def write(self, rows: Iterable[Net]) -> Iterator[Statement]:
        """These rows, compared once more and written back: neighbours of one shape in one statement, in their order."""
        for (_, now, back), some in itertools.groupby(rows, key=lambda r: (r.how, tuple(sorted(r.now)), tuple(sorted(r.back)))):
            alike = list(some)
            match alike[0].how:
                case How.REWRITE:
                    yield self._updated(alike, now, back)
                case How.REINSERT:
                    yield self._inserted(alike, back)
                case How.REMOVE:
                    told, given = self._given({**self._keys(alike), **_columns("n", now, [r.now for r in alike])})
                    sql = f"DELETE FROM {self._table} USING {told} WHERE {self._found(now)}"
                    yield Statement(sql=sql, values=given, rows=alike)

    def _updated(self, rows: Sequence[Net], now: Sequence[str], back: Sequence[str]) -> Statement:
        columns = {**self._keys(rows), **_columns("n", now, [r.now for r in rows]), **_columns("b", back, [r.back for r in rows])}
        told, given = self._given(columns)
        counting = (f"{name(c.name)} = o.{name(c.name)} + 1" for c in self.form.columns if c.counts)
        sets = ", ".join([*(f"{name(c)} = {self._cast(c, f'b{i}')}" for i, c in enumerate(back)), *counting])
        asked = tuple(dict.fromkeys((*self.form.key, *back)))
        sql = f"UPDATE {self._table} SET {sets} FROM {told} WHERE {self._found(now)} RETURNING {self._told(asked)}"
        return Statement(sql=sql, values=given, rows=rows, told=asked)

    def _inserted(self, rows: Sequence[Net], back: Sequence[str]) -> Statement:
        told, given = self._given(_columns("b", back, [r.back for r in rows]))
        names = ", ".join(map(name, back))
        casts = ", ".join(self._cast(c, f"b{i}") for i, c in enumerate(back))
        # An identity comes back as it was; what it was counted from stays where it is, which is further on.
        sql = f"INSERT INTO {self._table} ({names}) OVERRIDING SYSTEM VALUE SELECT {casts} FROM {told} RETURNING {self._told(back)}"
        return Statement(sql=sql, values=given, rows=rows, told=tuple(back))

    @property
    def _table(self) -> str:
        return f"{name(self.schema)}.{name(self.form.table)} AS o"

    def _keys(self, rows: Sequence[Net]) -> dict[str, tuple[str, list[Cell]]]:
        return {f"k{i}": (c, [row.key[c] for row in rows]) for i, c in enumerate(self.form.key)}

    def _given(self, columns: Mapping[str, tuple[str, Sequence[Cell]]]) -> tuple[str, tuple[Texts, ...]]:
        """Columns of values as a table called v, and its parameters."""
        arrays = ", ".join(["%s::text[]"] * len(columns))
        return f"unnest({arrays}) AS v ({', '.join(columns)})", tuple([written(c) for c in cells] for _, cells in columns.values())

    def _found(self, now: Sequence[str]) -> str:
        """By their keys, and where they hold this very value in each of these columns and no other that SQL calls equal."""
        by_key = [f"o.{name(c)} = {self._cast(c, f'k{i}')}" for i, c in enumerate(self.form.key)]
        same = [(c, f"k{i}") for i, c in enumerate(self.form.key)] + [(c, f"n{i}") for i, c in enumerate(now)]
        printed = (f"format('%%L', o.{name(c)}) COLLATE \"C\" = format('%%L', {self._cast(c, of)})" for c, of in same)
        return " AND ".join((*by_key, *printed))

    def _cast(self, column: str, of: str) -> str:
        return f"v.{of}::{self.types[column].cast.replace('%', '%%')}"

    def _told(self, columns: Sequence[str]) -> str:
        return ", ".join(f"o.{name(c)}" for c in columns)


def name(told: str) -> str:
    """A quoted name."""
    return '"' + told.replace('"', '""').replace("%", "%%") + '"'


def written(told: Cell) -> str | None:
    """A cell as the server reads it: as it printed it, or as exactly."""
    value = cell.unpack(told)
    match value:
        case None | str():
            return value
        case bytes():
            return "\\x" + value.hex()
        case float():
            return repr(value)
        case _:
            return change.spell(value)


def _columns(letter: str, names: Sequence[str], rows: Sequence[Mapping[str, Cell]]) -> dict[str, tuple[str, list[Cell]]]:
    return {f"{letter}{i}": (c, [row[c] for row in rows]) for i, c in enumerate(names)}
