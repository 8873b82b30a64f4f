"""Rows that the server itself compares and writes, in one statement: it touches as many as were meant exactly where each of them held what
the plan expects. Rows that a bulk edit left alike are told by their keys; others each with its values, as a table that is joined.

Only where equal in SQL can be made equal to the last bit: whole numbers, decimals of one scale, dates, and text compared by its bytes; and
only for keys of one whole number, in the order of which rows are then locked. Anything else is read and compared here.
"""
# ruff: noqa: S608  names of tables and columns, quoted; every value is a parameter

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from makewhole.adapters.shops import rowcells, rowforms, writeback
from makewhole.core import codec
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
class Document:
    """Rows of whole numbers and text as one JSON, in which nothing is escaped: one parameter, however many they are."""

    json: str

    def spelled(self, _: object = None) -> str:
        """As the driver puts it into a statement. There is no backslash in it: a quote is all that could end it. The driver's own way
        looks up each letter."""
        doubled = self.json.replace("'", "''")
        return f"'{doubled}'"


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
        write, columns = rowcells.write, self.columns
        cells = ((key, row.back if written else row.now) for key, row in self.rows)
        told, values = self._table(scribe, [[key, *[write(told[c]) for c in columns]] for key, told in cells], 1)
        sql = f"SELECT COUNT(*) FROM {self._joined(scribe, told, 1)}"
        return writeback.Statement(sql=sql, values=values, rows=len(self.rows))

    def write(self, scribe: writeback.Scribe) -> writeback.Statement:
        """Each of them, where it holds what is expected."""
        write, columns = rowcells.write, self.columns
        cells = [[key, *[write(told[c]) for told in (row.back, row.now) for c in columns]] for key, row in self.rows]
        told, values = self._table(scribe, cells, 2)
        written = (f"o.{scribe.name(c)} = s.s{i}" for i, c in enumerate(self.columns, start=1))
        sets = ", ".join([*written, *scribe.kept_up(self.form, "o.")])
        # What is expected is a condition and no part of the join: the join is by key, in the order of the values.
        sql = f"{scribe.tag}UPDATE {self._joined(scribe, told, len(self.columns) + 1, f' SET {sets}')}"
        return writeback.Statement(sql=sql, values=values, rows=len(self.rows))

    def _table(self, scribe: writeback.Scribe, rows: Sequence[Sequence[object]], times: int) -> tuple[str, tuple[object, ...]]:
        """The values as a table, key first, then our columns so many times; and its parameters. As one JSON the server reads them in half
        the time that a thousand SELECTs take it; where it would have to undo an escape, we do not rely on how well it does that."""
        types = self._types() if scribe.json else None
        told = None if types is None else _document(rows)
        if types is None or told is None:
            return f"({scribe.table([f's{i}' for i in range(len(rows[0]))], len(rows))})", tuple(v for row in rows for v in row)
        each = enumerate([types[0], *types[1:] * times])
        columns = ", ".join(f"s{i} {kind} PATH '$[{i}]' ERROR ON EMPTY ERROR ON ERROR" for i, kind in each)
        return f"JSON_TABLE({scribe.mark}, '$[*]' COLUMNS ({columns}))", (told,)

    def _types(self) -> list[str] | None:
        """Of the key and our columns, as a table of JSON has them; None where one is neither a whole number nor text."""
        known = _known(self.form)
        told = [known[c.lower()] for c in (self.form.key[0], *self.columns)]
        if not {rowforms.kind(c) for c in told} <= _WHOLE | _TEXTS:
            return None
        whole = ("BIGINT UNSIGNED" if "unsigned" in c.type.lower() else "BIGINT" for c in told)
        return [kind if rowforms.kind(c) in _WHOLE else "LONGTEXT CHARACTER SET utf8mb4" for c, kind in zip(told, whole, strict=True)]

    def _joined(self, scribe: writeback.Scribe, told: str, first: int, sets: str = "") -> str:
        """The values beside their rows, as far as these hold the columns from `first`."""
        known = _known(self.form)
        same = (_same(known[c.lower()], f"o.{scribe.name(c)}", f"s.s{i}") for i, c in enumerate(self.columns, start=first))
        table = f"{scribe.name(self.form.table)} o FORCE INDEX (PRIMARY)"
        on = f"o.{scribe.name(self.form.key[0])} = s.s0"
        return f"{told} s STRAIGHT_JOIN {table} ON {on}{sets} WHERE {' AND '.join(same)}"


def _document(rows: Sequence[Sequence[object]]) -> Document | None:
    """None where a value is neither a whole number nor text (what is no UTF-8 is bytes), or would be escaped."""
    if any(type(value) is bytes for row in rows for value in row):
        return None
    told = codec.canonical(rows).decode()
    return None if "\\" in told else Document(json=told)


Part = Group | Staged


def parts(block: Block, forms: Mapping[str, Form]) -> list[Part]:
    """The rows as the server may compare and write them, in the block's order of tables; nothing where one of them is not of that kind."""
    found: list[Part] = []
    for table, told in itertools.groupby(block.kinds.values(), key=lambda alike: alike[0].table.lower()):
        form, kinds = forms[table], list(told)
        shapes: dict[tuple[str, ...], list[Sequence[Net]]] = {}
        for alike in kinds:
            one = alike[0]
            # Another way than this one is none of ours, and stops all.
            shapes.setdefault(("=" if one.how is How.REWRITE else "", *one.now, "", *one.back), []).append(alike)
        for some in shapes.values():
            if not _plain(form, [alike[0] for alike in some]):
                return []
            if len(kinds) <= KINDS_MAX:
                keys = (Keys(numbers=[number for number, _ in _numbered(alike)]) for alike in some)
                found += [Group(form=form, keys=k, now=a[0].now, back=a[0].back) for k, a in zip(keys, some, strict=True)]
                continue
            rows = sorted(_numbered(itertools.chain.from_iterable(some)), key=operator.itemgetter(0))
            found.append(Staged(form=form, rows=rows, columns=tuple(some[0][0].back)))
    return found


def _numbered(rows: Iterable[Net]) -> list[tuple[int, Net]]:
    """Each with its key, which is one whole number."""
    return [(int(cell[2:]), row) for row in rows for cell in row.key.values() if cell is not None]


def _plain(form: Form, rows: Sequence[Net]) -> bool:
    """Whether rows of one table and the same columns are of that kind; a table whose triggers fire is never written on trial."""
    one, known = rows[0], _known(form)
    if one.how is not How.REWRITE or form.triggers or len(form.key) != 1 or one.now.keys() != one.back.keys():
        return False
    if rowforms.kind(known[form.key[0].lower()]) not in _WHOLE or not one.back.keys().isdisjoint(one.key):
        return False
    kinds = {c: rowforms.kind(known[c.lower()]) for c in one.back}
    if not set(kinds.values()) <= _NUMBERS | _TEXTS | _DATES.keys():
        return False
    dates = [c for c, kind in kinds.items() if kind in _DATES]
    # A date that no calendar has is no date to whom it is compared with.
    told = (cells[c] for row in rows for cells in (row.now, row.back) for c in dates) if dates else ()
    return all(cell is None or cell[0] in "tuy" for cell in told)


def _known(form: Form) -> dict[str, Column]:
    return {c.name.lower(): c for c in form.columns}


def _same(column: Column, name: str, told: str) -> str:
    """A condition that holds for this very value and no other that the server calls equal; NULL is NULL."""
    kind = rowforms.kind(column)
    if kind in _TEXTS:
        return f"CAST(CONVERT({name} USING utf8mb4) AS BINARY) <=> CAST({told} AS BINARY)"
    return f"{name} <=> CAST({told} AS {_DATES[kind]})" if kind in _DATES else f"{name} <=> {told}"
