"""A survey goes in, the same survey comes out with tables that were cut by a numeric suffix told as one: `t_order_{00..15}`.

Two tables are shards of one where their names differ in a number at the end alone, their columns are the same, and no row is in both:
copies that somebody kept (`orders_1`, `orders_2`) share rows, shards never do.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence

from makewhole.attach.survey import Column, Kind, Reference, Survey, Table, Value

SHARDS_MAX = 256
"""Tables of one group: as many as a shop file's name takes."""
_NUMBERED = re.compile(r"(.*\D)(\d+)")


def groups(tables: Iterable[Table]) -> tuple[tuple[Table, ...], ...]:
    """Tables that differ in a number at the end of their names alone, by that number; their rows are not looked at."""
    found: dict[tuple[str, tuple[tuple[str, Kind], ...]], list[tuple[str, Table]]] = {}
    for table in tables:
        parts = _NUMBERED.fullmatch(table.name)
        if parts is not None and table.columns:
            found.setdefault((parts[1], _shape(table)), []).append((parts[2], table))
    ordered = (sorted(group, key=lambda told: (int(told[0]), told[0])) for group in found.values())
    return tuple(tuple(t for _, t in group) for group in ordered if 1 < len(group) <= SHARDS_MAX)


def together(told: Survey) -> Survey:
    """The survey with each group as one table, in the place of its first."""
    cut = [group for group in groups(told.tables) if not _copies(group)]
    name = {t.name: pattern([t.name for t in group]) for group in cut for t in group}
    first = {group[0].name: group for group in cut}
    one = (_merged(first[t.name], name[t.name]) if t.name in first else t for t in told.tables if t.name in first or t.name not in name)
    return dataclasses.replace(told, tables=tuple(dataclasses.replace(t, references=_renamed(t.references, name)) for t in one))


def pattern(names: Sequence[str]) -> str:
    """These names as a shop file writes them: as a range where nothing is missing, else as a list."""
    stem = _stem(names[0])
    ends = [n[len(stem) :] for n in names]
    width = len(ends[0])
    gapless = [f"{i:0{width}d}" for i in range(int(ends[0]), int(ends[-1]) + 1)] == ends
    return f"{stem}{{{ends[0]}..{ends[-1]}}}" if gapless else f"{stem}{{{','.join(ends)}}}"


def _stem(name: str) -> str:
    parts = _NUMBERED.fullmatch(name)
    return name if parts is None else parts[1]


def _shape(table: Table) -> tuple[tuple[str, Kind], ...]:
    return tuple(sorted((c.name, c.kind) for c in table.columns))


def _copies(group: Sequence[Table]) -> bool:
    """Whether two of them hold the very same row."""
    order = [c.name for c in group[0].columns]
    return _shared([set(zip(*(t.values(c) for c in order), strict=True)) for t in group if t.sample])


def _shared(sets: Sequence[set[tuple[Value, ...]]]) -> bool:
    return len(set().union(*sets)) < sum(map(len, sets))


def _merged(group: Sequence[Table], name: str) -> Table:
    """All as one. A key or a unique column of each stays one only where no two of them were seen to share a value."""
    first, seen = group[0], [t for t in group if t.sample]
    order = [c.name for c in first.columns]
    lone = [columns for columns in first.unique if all(columns in t.unique for t in group) and _apart(seen, columns)]
    return Table(
        name=name,
        comment=next((t.comment for t in group if t.comment), ""),
        rows=sum(t.rows for t in group),
        columns=tuple(_column([t.by_name[c.name] for t in group]) for c in first.columns),
        key=first.key if all(t.key == first.key for t in group) and _apart(seen, first.key) else (),
        unique=tuple(lone),
        indexed=frozenset.intersection(*(t.indexed for t in group)),
        references=first.references,
        sample=tuple(row for t in seen for row in zip(*(t.values(c) for c in order), strict=True)),
        whole=all(t.whole for t in group),
        shards=tuple(t.name for t in group),
    )


def _apart(seen: Sequence[Table], columns: tuple[str, ...]) -> bool:
    return not _shared([set(zip(*(t.values(c) for c in columns), strict=True)) for t in seen if columns])


def _column(told: Sequence[Column]) -> Column:
    """One column of all: its codes are known where those of every shard are."""
    codes = [c.codes for c in told if c.codes is not None]
    every = tuple(dict.fromkeys(itertools.chain(*codes))) if len(codes) == len(told) else None
    comment = next((c.comment for c in told if c.comment), "")
    return dataclasses.replace(told[0], codes=every, comment=comment, nullable=any(c.nullable for c in told))


def _renamed(told: tuple[Reference, ...], name: Mapping[str, str]) -> tuple[Reference, ...]:
    return tuple(dataclasses.replace(r, table=name.get(r.table, r.table)) for r in told)
