"""Rows that a bulk edit left alike are asked for and written together: the server says that all of them are what the plan expects, in one
number, instead of telling each.

Only where equal in SQL can be made equal to the last bit: whole numbers, decimals of one scale, dates, and text compared by its bytes. For
anything else, or where the number is not that of the rows, every row is read and compared here.
"""
# ruff: noqa: S608  names of tables and columns, quoted; every value is a parameter

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from makewhole.adapters.shops import rowcells, rowforms, writeback
from makewhole.model.cell import Cell
from makewhole.model.rollback import Column, Contents, Form, How, Net

KINDS_MAX = 8
"""Different contents in one batch that are asked for one by one; with more of them, reading the rows is as fast."""
_NUMBERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "year", "decimal"})
_DATES = frozenset({"date", "datetime", "timestamp"})
_TEXTS = frozenset({"char", "varchar", "enum", "set", "tinytext", "text", "mediumtext", "longtext"})


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Keys of one whole number each: one parameter, however many there are."""

    numbers: tuple[int, ...]

    def spelled(self, _: object = None) -> str:
        """As the driver puts them into a statement: numbers, and so nothing that could be anything else."""
        return ",".join(map(int.__repr__, self.numbers))


@dataclass(frozen=True, kw_only=True)
class Listed:
    """Keys of one whole number each, as rows of a table that has one column, `k`."""

    numbers: tuple[int, ...]

    def spelled(self, _: object = None) -> str:
        """As above."""
        return "SELECT " + " AS k UNION ALL SELECT ".join(map(int.__repr__, self.numbers)) + " AS k"


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rows of one table with the same contents, found by a key of one whole number."""

    form: Form
    keys: Keys
    now: dict[str, Cell]
    back: dict[str, Cell]

    def there(self, scribe: writeback.Scribe, cells: dict[str, Cell], *, lock: bool) -> writeback.Statement:
        """How many of them hold exactly this; with a lock, all of them are locked."""
        known = {c.name.lower(): c for c in self.form.columns}
        conditions: list[str] = [self._among(scribe)]
        values: list[object] = [self.keys]
        for name, told in cells.items():
            condition, value = _exactly(known[name.lower()], scribe.name(name), told, scribe)
            conditions.append(condition)
            values += value
        tail = " FOR UPDATE" if lock else ""
        table = f"{scribe.name(self.form.table)} FORCE INDEX (PRIMARY)"
        sql = f"SELECT COUNT(*) FROM {table} WHERE {' AND '.join(conditions)}{tail}"
        return writeback.Statement(sql=sql, values=tuple(values), rows=len(self.keys.numbers))

    def provable(self) -> bool:
        """Whether what is written can be asked for in the same way."""
        known = {c.name.lower(): c for c in self.form.columns}
        return all(_exact(known[c.lower()], v) for c, v in self.back.items())

    def write(self, scribe: writeback.Scribe) -> writeback.Statement:
        """All of them, written alike."""
        sets = ", ".join([*(f"{scribe.name(c)} = {scribe.mark}" for c in self.back), *scribe.kept_up(self.form, "")])
        values = (*map(rowcells.write, self.back.values()), self.keys)
        sql = f"{scribe.tag}UPDATE {scribe.name(self.form.table)} FORCE INDEX (PRIMARY) SET {sets} WHERE {self._among(scribe)}"
        return writeback.Statement(sql=sql, values=values, rows=len(self.keys.numbers))

    def _among(self, scribe: writeback.Scribe) -> str:
        return f"{scribe.name(self.form.key[0])} IN ({scribe.mark})"


def notes(groups_: Sequence[Group], scribe: writeback.Scribe, audit: str, plan: str) -> Iterator[writeback.Statement]:
    """The audit rows of these groups, one statement a table, named as `Net.name` names them: the server itself makes a thousand digests
    faster than we send them."""
    for _, told in itertools.groupby(groups_, key=lambda g: g.form.table):
        same = list(told)
        form, keys = same[0].form, Listed(numbers=tuple(k for g in same for k in g.keys.numbers))
        start = f"{form.table.lower()}\x1f{form.key[0].lower()}=i:"
        # The keys as a table of their own: whoever selects from the shop's table here locks rows that are nobody's business.
        sql = (
            f"{scribe.tag}INSERT INTO {audit} (plan, row_key, row_name, how) "
            "SELECT %s, SHA2(CONCAT(%s, k), 256), CONCAT(%s, k), %s FROM (%s) s"
        )
        values = (plan, start, start.replace("\x1f", " "), How.REWRITE.value, keys)
        yield writeback.Statement(sql=sql, values=values, rows=len(keys.numbers))


def groups(rows: Sequence[Net], forms: dict[str, Form]) -> list[Group] | None:
    """The rows, by their contents; None where they are not of this kind."""
    found: dict[Contents, tuple[Net, list[int]]] = {}
    for row in rows:
        if row.how is not How.REWRITE or len(row.key) != 1:
            return None
        ((column, key),) = row.key.items()
        if key is None or key[:2] != "i:" or column in row.back:
            return None
        known = found.get(row.contents)
        if known is None:
            if len(found) == KINDS_MAX or not _plain(row, forms[row.table.lower()]):
                return None
            known = found[row.contents] = (row, [])
        known[1].append(int(key[2:]))
    return [Group(form=forms[r.table.lower()], keys=Keys(numbers=tuple(keys)), now=r.now, back=r.back) for r, keys in found.values()]


def _plain(row: Net, form: Form) -> bool:
    known = {c.name.lower(): c for c in form.columns}
    if rowforms.kind(known[form.key[0].lower()]) not in _NUMBERS - {"decimal", "year"}:
        return False
    return all(_exact(known[c.lower()], v) for c, v in row.now.items())


def _exact(column: Column, told: Cell) -> bool:
    kind = rowforms.kind(column)
    return told is None or kind in _NUMBERS | _TEXTS or (kind in _DATES and told[0] in "tuy")


def _exactly(column: Column, name: str, told: Cell, scribe: writeback.Scribe) -> tuple[str, list[object]]:
    """A condition that holds for this very value and no other that the server calls equal."""
    if told is None:
        return f"{name} IS NULL", []
    value = rowcells.write(told)
    if rowforms.kind(column) in _TEXTS:
        return f"CAST(CONVERT({name} USING utf8mb4) AS BINARY) = CAST({scribe.mark} AS BINARY)", [value]
    return f"{name} = {scribe.mark}", [value]
