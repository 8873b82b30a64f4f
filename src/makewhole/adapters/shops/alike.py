"""Rows that the server itself compares and writes, in one statement: it touches as many as were meant exactly where each of them held what
the plan expects. Rows that a bulk edit left alike are told by their keys; others each with its values, as a table that is joined.

Only where equal in SQL can be made equal to the last bit: whole numbers, decimals of one scale, dates, and text compared by its bytes; and
only for keys of one whole number, in the order of which rows are then locked. Anything else is read and compared here.
"""
# ruff: noqa: S608  names of tables and columns, quoted; every value is a parameter

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from makewhole.adapters.shops import rowcells, rowforms, writeback
from makewhole.model.cell import Cell
from makewhole.model.rollback import Block, Column, Form, How, Net

KINDS_MAX = 8
"""Different contents in one block that are told by their keys; with more of them, one table of all values takes fewer statements."""
_WHOLE = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint"})
_NUMBERS = _WHOLE | {"year", "decimal"}
_DATES = {"date": "DATE", "datetime": "DATETIME(6)", "timestamp": "DATETIME(6)"}
"""As what a text must be compared with such a column."""
_TEXTS = frozenset({"char", "varchar", "enum", "set", "tinytext", "text", "mediumtext", "longtext"})


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Keys of one whole number each: one parameter, however many there are."""

    numbers: Sequence[int]

    def spelled(self, _: object = None) -> str:
        """As the driver puts them into a statement: numbers, and so nothing that could be anything else."""
        return ",".join(map(int.__repr__, self.numbers))


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rows of one table with the same contents."""

    form: Form
    keys: Keys
    now: Mapping[str, Cell]
    back: Mapping[str, Cell]

    def there(self, scribe: writeback.Scribe, *, written: bool) -> writeback.Statement:
        """How many of them hold what is written, or what is expected before."""
        conditions, values = self._holding(scribe, self.back if written else self.now)
        table = f"{scribe.name(self.form.table)} FORCE INDEX (PRIMARY)"
        return writeback.Statement(sql=f"SELECT COUNT(*) FROM {table} WHERE {conditions}", values=values, rows=len(self.keys.numbers))

    def write(self, scribe: writeback.Scribe) -> writeback.Statement:
        """All of them, written alike, where they hold what is expected."""
        conditions, values = self._holding(scribe, self.now)
        sets = ", ".join([*(f"{scribe.name(c)} = {scribe.mark}" for c in self.back), *scribe.kept_up(self.form, "")])
        sql = f"{scribe.tag}UPDATE {scribe.name(self.form.table)} FORCE INDEX (PRIMARY) SET {sets} WHERE {conditions}"
        return writeback.Statement(sql=sql, values=(*map(rowcells.write, self.back.values()), *values), rows=len(self.keys.numbers))

    def _holding(self, scribe: writeback.Scribe, cells: Mapping[str, Cell]) -> tuple[str, tuple[object, ...]]:
        known = _known(self.form)
        conditions, values = [f"{scribe.name(self.form.key[0])} IN ({scribe.mark})"], [self.keys, *map(rowcells.write, cells.values())]
        conditions += [_same(known[c.lower()], scribe.name(c), scribe.mark) for c in cells]
        return " AND ".join(conditions), tuple(values)


@dataclass(frozen=True, kw_only=True)
class Staged:
    """Rows of one table that are written in the same columns, each with its own values, sorted by their keys."""

    form: Form
    rows: Sequence[tuple[int, Net]]
    columns: Sequence[str]

    def there(self, scribe: writeback.Scribe, *, written: bool) -> writeback.Statement:
        """How many of them hold what is written, or what is expected before."""
        cells = ((key, row.back if written else row.now) for key, row in self.rows)
        values = tuple(v for key, told in cells for v in (key, *(rowcells.write(told[c]) for c in self.columns)))
        told = scribe.table([f"s{i}" for i in range(len(self.columns) + 1)], len(self.rows))
        sql = f"SELECT COUNT(*) FROM {self._joined(scribe, told, 1)}"
        return writeback.Statement(sql=sql, values=values, rows=len(self.rows))

    def write(self, scribe: writeback.Scribe) -> writeback.Statement:
        """Each of them, where it holds what is expected."""
        many = len(self.columns)
        cells = ((key, [told[c] for told in (row.back, row.now) for c in self.columns]) for key, row in self.rows)
        values = tuple(v for key, told in cells for v in (key, *map(rowcells.write, told)))
        told = scribe.table([f"s{i}" for i in range(2 * many + 1)], len(self.rows))
        written = (f"o.{scribe.name(c)} = s.s{i}" for i, c in enumerate(self.columns, start=1))
        sets = ", ".join([*written, *scribe.kept_up(self.form, "o.")])
        # What is expected is a condition and no part of the join: the join is by key, in the order of the values.
        sql = f"{scribe.tag}UPDATE {self._joined(scribe, told, many + 1, f' SET {sets}')}"
        return writeback.Statement(sql=sql, values=values, rows=len(self.rows))

    def _joined(self, scribe: writeback.Scribe, told: str, first: int, sets: str = "") -> str:
        """The values beside their rows, as far as these hold the columns from `first`."""
        known = _known(self.form)
        same = (_same(known[c.lower()], f"o.{scribe.name(c)}", f"s.s{i}") for i, c in enumerate(self.columns, start=first))
        table = f"{scribe.name(self.form.table)} o FORCE INDEX (PRIMARY)"
        on = f"o.{scribe.name(self.form.key[0])} = s.s0"
        return f"({told}) s STRAIGHT_JOIN {table} ON {on}{sets} WHERE {' AND '.join(same)}"


Part = Group | Staged


def parts(block: Block, forms: Mapping[str, Form]) -> list[Part]:
    """The rows as the server may compare and write them, in the block's order of tables; nothing where one of them is not of that kind."""
    if not all(_plain(alike[0], forms) for alike in block.kinds.values()):
        return []
    found: list[Part] = []
    for table, told in itertools.groupby(block.kinds.values(), key=lambda alike: alike[0].table.lower()):
        form, kinds = forms[table], list(told)
        staged: dict[tuple[str, ...], list[tuple[int, Net]]] = {}
        for alike in kinds:
            numbers = [int(cell[2:]) for row in alike for cell in row.key.values() if cell is not None]
            if len(kinds) <= KINDS_MAX:
                found.append(Group(form=form, keys=Keys(numbers=numbers), now=alike[0].now, back=alike[0].back))
            else:
                staged.setdefault(tuple(sorted(alike[0].back)), []).extend(zip(numbers, alike, strict=True))
        found += [Staged(form=form, rows=sorted(rows, key=lambda r: r[0]), columns=c) for c, rows in staged.items()]
    return found


def _plain(row: Net, forms: Mapping[str, Form]) -> bool:
    """Whether rows of these contents are of that kind; a table whose triggers fire is never written on trial."""
    form = forms[row.table.lower()]
    if row.how is not How.REWRITE or form.triggers or len(form.key) != 1 or row.now.keys() != row.back.keys():
        return False
    known = _known(form)
    if rowforms.kind(known[form.key[0].lower()]) not in _WHOLE or not row.back.keys().isdisjoint(row.key):
        return False
    return all(_exact(known[c.lower()], v) for c, v in itertools.chain(row.now.items(), row.back.items()))


def _known(form: Form) -> dict[str, Column]:
    return {c.name.lower(): c for c in form.columns}


def _exact(column: Column, told: Cell) -> bool:
    kind = rowforms.kind(column)
    return told is None or kind in _NUMBERS | _TEXTS or (kind in _DATES and told[0] in "tuy")


def _same(column: Column, name: str, told: str) -> str:
    """A condition that holds for this very value and no other that the server calls equal; NULL is NULL."""
    kind = rowforms.kind(column)
    if kind in _TEXTS:
        return f"CAST(CONVERT({name} USING utf8mb4) AS BINARY) <=> CAST({told} AS BINARY)"
    return f"{name} <=> CAST({told} AS {_DATES[kind]})" if kind in _DATES else f"{name} <=> {told}"
