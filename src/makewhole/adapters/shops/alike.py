"""Rows that a bulk edit left alike are asked for and written together: the server says that all of them are what the plan expects, in one
number, instead of telling each.

Only where equal in SQL can be made equal to the last bit: whole numbers, decimals of one scale, dates, and text compared by its bytes. For
anything else, or where the number is not that of the rows, every row is read and compared here.
"""
# ruff: noqa: S608  names of tables and columns, quoted; every value is a parameter

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from makewhole.adapters.shops import rowcells, rowforms, writeback
from makewhole.model.cell import Cell
from makewhole.model.rollback import Column, Form, How, Net

KINDS_MAX = 8
"""Different contents in one batch that are asked for one by one; with more of them, reading the rows is as fast."""
_NUMBERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "year", "decimal"})
_DATES = frozenset({"date", "datetime", "timestamp"})
_TEXTS = frozenset({"char", "varchar", "enum", "set", "tinytext", "text", "mediumtext", "longtext"})


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rows of one table with the same contents, found by a key of one whole number."""

    form: Form
    keys: tuple[object, ...]
    now: dict[str, Cell]
    back: dict[str, Cell]

    def there(self, scribe: writeback.Scribe, *, lock: bool) -> writeback.Statement:
        """How many of them are exactly what is expected; with a lock, all of them are locked."""
        known = {c.name.lower(): c for c in self.form.columns}
        conditions, values = [f"{scribe.name(self.form.key[0])} IN ({_marks(scribe, self.keys)})"], list(self.keys)
        for name, told in self.now.items():
            condition, value = _exactly(known[name.lower()], scribe.name(name), told, scribe)
            conditions.append(condition)
            values += value
        tail = " FOR UPDATE" if lock else ""
        table = f"{scribe.name(self.form.table)} FORCE INDEX (PRIMARY)"
        sql = f"SELECT COUNT(*) FROM {table} WHERE {' AND '.join(conditions)}{tail}"
        return writeback.Statement(sql=sql, values=tuple(values), rows=len(self.keys))

    def write(self, scribe: writeback.Scribe) -> writeback.Statement:
        """All of them, written alike."""
        sets = ", ".join([*(f"{scribe.name(c)} = {scribe.mark}" for c in self.back), *scribe.kept_up(self.form, "")])
        where = f"{scribe.name(self.form.key[0])} IN ({_marks(scribe, self.keys)})"
        values = (*map(rowcells.write, self.back.values()), *self.keys)
        sql = f"{scribe.tag}UPDATE {scribe.name(self.form.table)} FORCE INDEX (PRIMARY) SET {sets} WHERE {where}"
        return writeback.Statement(sql=sql, values=values, rows=len(self.keys))

    def note(self, scribe: writeback.Scribe, audit: str, plan: str) -> writeback.Statement:
        """Their audit rows, named as `Net.name` names them; the server itself makes a thousand digests faster than we send them."""
        start = f"{self.form.table.lower()}\x1f{self.form.key[0].lower()}=i:"
        # The keys as a table of their own: whoever selects from the shop's table here may lock rows that are nobody's business.
        keys = f"SELECT {scribe.mark} AS k" + f" UNION ALL SELECT {scribe.mark}" * (len(self.keys) - 1)
        sql = (
            f"{scribe.tag}INSERT INTO {audit} (plan, row_key, row_name, how) "
            f"SELECT %s, SHA2(CONCAT(%s, k), 256), CONCAT(%s, k), %s FROM ({keys}) s"
        )
        values = (plan, start, start.replace("\x1f", " "), How.REWRITE.value, *self.keys)
        return writeback.Statement(sql=sql, values=values, rows=len(self.keys))


def groups(rows: Sequence[Net], forms: dict[str, Form]) -> list[Group] | None:
    """The rows, by their contents; None where they are not of this kind."""
    found: dict[tuple[object, ...], tuple[Net, list[object]]] = {}
    for row in rows:
        ((column, key), *more) = row.key.items()
        if row.how is not How.REWRITE or more or key is None or not key.startswith("i:") or column in row.back:
            return None
        alike = (row.table, *row.now.items(), "", *row.back.items())
        known = found.get(alike)
        if known is None:
            if len(found) == KINDS_MAX or not _plain(row, forms[row.table.lower()]):
                return None
            known = found[alike] = (row, [])
        known[1].append(int(key[2:]))
    return [Group(form=forms[r.table.lower()], keys=tuple(keys), now=r.now, back=r.back) for r, keys in found.values()]


def _plain(row: Net, form: Form) -> bool:
    known = {c.name.lower(): c for c in form.columns}
    if rowforms.kind(known[form.key[0].lower()]) not in _NUMBERS - {"decimal", "year"}:
        return False
    kinds = ((rowforms.kind(known[c.lower()]), v) for c, v in row.now.items())
    return all(v is None or kind in _NUMBERS | _TEXTS or (kind in _DATES and v[0] in "tuy") for kind, v in kinds)


def _exactly(column: Column, name: str, told: Cell, scribe: writeback.Scribe) -> tuple[str, list[object]]:
    """A condition that holds for this very value and no other that the server calls equal."""
    if told is None:
        return f"{name} IS NULL", []
    value = rowcells.write(told)
    if rowforms.kind(column) in _TEXTS:
        return f"CAST(CONVERT({name} USING utf8mb4) AS BINARY) = CAST({scribe.mark} AS BINARY)", [value]
    return f"{name} = {scribe.mark}", [value]


def _marks(scribe: writeback.Scribe, keys: Sequence[object]) -> str:
    return ", ".join([scribe.mark] * len(keys))
