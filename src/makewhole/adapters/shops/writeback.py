"""The statements that write rows back: rows of one shape go in, SQL and its parameters come out. Nothing of a row ever stands in the SQL.

Rows that get different values are one statement all the same: the values are a table of their own, joined by key. A thousand rows so
take as long as ten alone.
"""
# ruff: noqa: S608  names of tables and columns, quoted; every value is a parameter

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from makewhole.adapters.shops import rowcells, rowforms
from makewhole.model.rollback import Column, Form, How, Net


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement, and how many rows it must touch."""

    sql: str
    values: tuple[object, ...]
    rows: int


@dataclass(frozen=True, kw_only=True)
class Scribe:
    """Writes for one dialect: how names are quoted, and where a parameter stands."""

    dialect: str
    tag: str = ""
    """A comment on every write: whoever reads the log afterwards, a consumer of changes too, sees that no customer did this."""
    json: bool = False
    """Whether this server makes a table of JSON (MySQL from 8.0.4, MariaDB from 10.6 on)."""

    @property
    def mark(self) -> str:
        """A parameter."""
        return "?" if self.dialect == "sqlite" else "%s"

    def name(self, name: str) -> str:
        """A quoted name."""
        if self.dialect == "sqlite":
            return '"' + name.replace('"', '""') + '"'
        return "`" + name.replace("`", "``").replace("%", "%%") + "`"

    @property
    def _by_key(self) -> str:
        """Rows are found by their keys even where a scan looks cheaper: InnoDB locks what it scans."""
        return "" if self.dialect == "sqlite" else " FORCE INDEX (PRIMARY)"

    def _delete(self, form: Form) -> str:
        name = self.name(form.table)
        return f"DELETE FROM {name}" if self.dialect == "sqlite" else f"DELETE {name} FROM {name}{self._by_key}"

    def read(self, form: Form, columns: Sequence[str], rows: Sequence[Net], *, lock: bool) -> Statement:
        """What stands in these rows, in the order of their keys."""
        known = {c.name.lower(): c for c in form.columns}
        told = ", ".join(rowcells.select(known[c.lower()], self.name(c), self.dialect) for c in columns)
        where, values = self._where(form, rows)
        keys = ", ".join(map(self.name, form.key))
        tail = " FOR UPDATE" if lock and self.dialect != "sqlite" else ""
        return Statement(
            sql=f"SELECT {told} FROM {self.name(form.table)}{self._by_key} WHERE {where} ORDER BY {keys}{tail}",
            values=values,
            rows=len(rows),
        )

    def write(self, form: Form, rows: Iterable[Net]) -> Iterator[Statement]:
        """These rows of one table, written back: neighbours that are written alike in one statement, in their order."""
        for _, told in itertools.groupby(rows, key=lambda r: (r.how, tuple(sorted(r.back)))):
            alike = list(told)
            columns = sorted(alike[0].back)
            match alike[0].how:
                case How.REWRITE:
                    alone = self.dialect == "sqlite"
                    yield from (self._one(form, r, columns) for r in alike) if alone else (self._joined(form, alike, columns),)
                case How.REINSERT:
                    yield self._inserted(form, alike, columns)
                case How.REMOVE:
                    where, values = self._where(form, alike)
                    yield Statement(sql=f"{self.tag}{self._delete(form)} WHERE {where}", values=values, rows=len(alike))

    def _where(self, form: Form, rows: Sequence[Net]) -> tuple[str, tuple[object, ...]]:
        values = tuple(rowcells.write(row.key[c]) for row in rows for c in form.key)
        if len(form.key) == 1:
            return f"{self.name(form.key[0])} IN ({', '.join([self.mark] * len(rows))})", values
        one = "(" + ", ".join([self.mark] * len(form.key)) + ")"
        rows_told = ", ".join([one] * len(rows))
        return f"({', '.join(map(self.name, form.key))}) IN ({'VALUES ' if self.dialect == 'sqlite' else ''}{rows_told})", values

    def _joined(self, form: Form, rows: Sequence[Net], columns: Sequence[str]) -> Statement:
        told = self.table([f"k{i}" for i in range(len(form.key))] + [f"c{i}" for i in range(len(columns))], len(rows))
        known = {c.name.lower(): c for c in form.columns}
        on = " AND ".join(f"o.{self.name(c)} = {self._comparable(known[c.lower()], f's.k{i}')}" for i, c in enumerate(form.key))
        sets = ", ".join([*(f"o.{self.name(c)} = s.c{i}" for i, c in enumerate(columns)), *self.kept_up(form, "o.")])
        values = tuple(
            v for row in rows for v in (*(rowcells.write(row.key[c]) for c in form.key), *(rowcells.write(row.back[c]) for c in columns))
        )
        # The values first, and each row by its key: a scan would lock rows that are nobody's business here.
        sql = f"{self.tag}UPDATE ({told}) s STRAIGHT_JOIN {self.name(form.table)} o{self._by_key} ON {on} SET {sets}"
        return Statement(sql=sql, values=values, rows=len(rows))

    def table(self, names: Sequence[str], rows: int) -> str:
        """So many rows of parameters as a table of these columns. A temporary one would want a right of its own, and is no faster."""
        first = "SELECT " + ", ".join(f"{self.mark} AS {n}" for n in names)
        return first + (" UNION ALL SELECT " + ", ".join([self.mark] * len(names))) * (rows - 1)

    def _comparable(self, column: Column, told: str) -> str:
        """A key of text compares as its column does, else two collations would quarrel and no index would help."""
        if not column.collation:
            return told
        return f"CONVERT({told} USING {column.collation.partition('_')[0]}) COLLATE {column.collation}"

    def _one(self, form: Form, row: Net, columns: Sequence[str]) -> Statement:
        sets = ", ".join([*(f"{self.name(c)} = {self.mark}" for c in columns), *self.kept_up(form, "")])
        where, values = self._where(form, [row])
        told = tuple(rowcells.write(row.back[c]) for c in columns)
        return Statement(sql=f"{self.tag}UPDATE {self.name(form.table)} SET {sets} WHERE {where}", values=told + values, rows=1)

    def kept_up(self, form: Form, of: str) -> Iterator[str]:
        """What every write of the shop moves on, moves on at ours too; a DATETIME in the server's own zone, which is not our session's."""
        for column in form.columns:
            if column.counts:
                yield f"{of}{self.name(column.name)} = {of}{self.name(column.name)} + 1"
            elif column.ticks and rowforms.kind(column) == "datetime":
                yield f"{of}{self.name(column.name)} = UTC_TIMESTAMP(6) + INTERVAL @makewhole_offset SECOND"

    def _inserted(self, form: Form, rows: Sequence[Net], columns: Sequence[str]) -> Statement:
        one = "(" + ", ".join([self.mark] * len(columns)) + ")"
        names = ", ".join(map(self.name, columns))
        values = tuple(rowcells.write(row.back[c]) for row in rows for c in columns)
        sql = f"{self.tag}INSERT INTO {self.name(form.table)} ({names}) VALUES {', '.join([one] * len(rows))}"
        return Statement(sql=sql, values=values, rows=len(rows))


def columns_of(form: Form, rows: Sequence[Net]) -> list[str]:
    """Key and touched columns of rows that are rewritten; of a whole row, all that may be read."""
    whole = any(row.how is not How.REWRITE for row in rows)
    wanted = {c for row in rows for c in (*row.key, *row.now, *row.back)}
    lowered = {c.lower() for c in (*wanted, *form.key)}
    return [c.name for c in form.columns if whole or c.name.lower() in lowered]
