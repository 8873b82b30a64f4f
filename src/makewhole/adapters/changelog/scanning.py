"""A log is read from end to end, and the transactions that touched the rows in question come out whole: the plain way, without an index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from makewhole.adapters.changelog import decoding, files, queries, stretches, tablemaps
from makewhole.adapters.changelog.segments import Segment
from makewhole.adapters.changelog.transactions import Assembler, Group
from makewhole.model import change
from makewhole.model.change import Sought

Segments = Callable[[], Iterable[Segment]]
"""Begins to read the log anew."""
Wanted = dict[tuple[str, str], dict[str, set[str]]]
"""By schema and table, lower case: which values of which columns."""


class ScannedLog:
    """`ports.ChangeLog` over a log that is read anew for every question; most of it by the compiled reader, where there is one."""

    def __init__(self, begin: Segments, decoder: Callable[[], decoding.Decoder]) -> None:
        self._begin, self._decoder = begin, decoder

    def touching(self, sought: Sequence[Sought]) -> Iterator[change.Transaction]:
        """See the port. Of plain transactions only the columns that are sought are read; then those that hold one of the values, whole."""
        asked, decoder = wanted(sought), self._decoder()

        def columns_of(shape: tablemaps.Shape) -> frozenset[str] | None:
            columns = asked.get((shape.schema.lower(), shape.table.lower()))
            return None if columns is None else frozenset(columns)

        for told in stretches.read(self._begin(), columns_of):
            if isinstance(told, stretches.Stretch):
                for group in told.groups(sorted(_found(told, asked))):
                    yield decoder.transaction(group)
                continue
            decoder.check(told)
            if touches(told, asked, decoder) or speaks(told, asked):
                yield decoder.transaction(told)


def _found(told: stretches.Stretch, asked: Wanted) -> set[int]:
    """The transactions of a stretch that hold a value that is sought."""
    found: set[int] = set()
    for part in told.parts:
        columns = asked[part.shape.schema.lower(), part.shape.table.lower()]
        found.update(number for number, name, value in part.held() if change.spell(value) in columns[name.lower()])
    return found


def groups(placed: Iterable[files.Placed], executed: str = "") -> Iterator[Group]:
    """Every transaction of a log; `executed` are the GTIDs before it, where it does not begin with a file's own list."""
    assembler = Assembler(executed)
    for file, event, told in placed:
        done = assembler.feed(file, event, told)
        if done:
            yield from done


def wanted(sought: Iterable[Sought]) -> Wanted:
    """What is sought, by table."""
    told: Wanted = {}
    for s in sought:
        told.setdefault((s.schema.lower(), s.table.lower()), {}).setdefault(s.column.lower(), set()).add(s.value)
    return told


def touches(group: Group, asked: Wanted, decoder: decoding.Decoder) -> bool:
    """Whether a row of this group, before or after, holds a value that is sought."""
    for told in group.rows:
        columns = asked.get((told.shape.schema.lower(), told.shape.table.lower()))
        if columns is not None and any(holds(c, columns) for c in decoder.changes(told, group.begins.file, frozenset(columns))):
            return True
    return False


def holds(told: change.Change, columns: dict[str, set[str]]) -> bool:
    """Whether an image of this change holds one of these values in its column."""
    for image in (told.before, told.after):
        for name, value in (image or {}).items():
            values = columns.get(name.lower())
            if values is not None and value is not None and change.spell(value) in values:
                return True
    return False


def speaks(group: Group, asked: Wanted) -> bool:
    """Whether a statement without row images speaks of a table that is sought: DDL, or rows that nobody can see."""
    return any(
        queries.names(q.text, table) and (not q.schema or q.schema.lower() == schema or queries.names(q.text, schema))
        for q in group.statements
        for schema, table in asked
    )
