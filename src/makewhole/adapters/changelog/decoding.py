"""Groups as the log holds them go in, typed transactions come out; tables that the log does not name are named by today's schema.

Today's schema is right for an old row only if nobody changed the table since. So whoever gives definitions says how far the log went
when they were read; DDL on such a table before that place is an error, and after it the definition is read anew.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from makewhole.adapters.changelog import queries, rows, schemas, tablemaps, wrong
from makewhole.adapters.changelog.transactions import Group, Rows
from makewhole.core import faults
from makewhole.model import change

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FULL_METADATA = "Set binlog_row_metadata=FULL on the server: then every change tells its own columns."


class Decoder:
    """Decodes rows; remembers every shape that it met."""

    def __init__(self, definitions: schemas.Definitions | None = None) -> None:
        self._definitions = definitions
        self._readers: dict[tuple[int, frozenset[str] | None], tuple[tablemaps.Shape, rows.Reader]] = {}
        self._named_by_us: set[tuple[str, str]] = set()
        self._last = (0, _EPOCH)
        """When the last transaction was committed: MariaDB tells seconds, and in one of them there are many."""

    def changes(self, told: Rows, file: str, wanted: frozenset[str] | None = None) -> tuple[change.Change, ...]:
        """The changes of one row event; `wanted` are the only columns (lower case) that are read, if told.

        Raises BadInput where its bytes are not what its table's shape says.
        """
        reader = self.reader(told.shape, wanted)
        table, kind, statement = reader.table, told.block.told.kind, told.statement
        try:
            read = reader.read(told.block)
        except wrong.UNREAD as damage:
            raise wrong.located(damage, file, told.at) from damage
        return tuple([change.Change(table=table, kind=kind, before=before, after=after, statement=statement) for before, after in read])

    def transaction(self, group: Group) -> change.Transaction:
        """The whole transaction."""
        if self._last[0] != group.committed_us:
            self._last = (group.committed_us, instant(group))
        return change.Transaction(
            id=group.id,
            begins=group.begins,
            ends=group.ends,
            committed_at=self._last[1],
            connection=group.connection,
            user=group.user,
            changes=self._all(group),
            statements=tuple([q.text for q in group.statements]) if group.statements else (),
        )

    def _all(self, group: Group) -> tuple[change.Change, ...]:
        if len(group.rows) == 1:
            return self.changes(group.rows[0], group.begins.file)
        return tuple([c for told in group.rows for c in self.changes(told, group.begins.file)])

    def reader(self, shape: tablemaps.Shape, wanted: frozenset[str] | None = None) -> rows.Reader:
        """The reader of a shape. By identity: the same table map gives the same shape, until DDL changes it."""
        known = self._readers.get((id(shape), wanted))
        if known is not None:
            return known[1]
        described = shape
        if not shape.named or any(c.unsigned is None and c.code in tablemaps.INTEGERS for c in shape.columns):
            definition = self._definitions and self._definitions(shape.schema, shape.table)
            if definition:
                described = schemas.described(shape, definition)
                self._named_by_us.add((shape.schema.lower(), shape.table.lower()))
        reader = rows.Reader(described, wanted)
        self._readers[id(shape), wanted] = (shape, reader)
        return reader

    def check(self, group: Group) -> None:
        """Raises BadInput where the group holds DDL on a table that was named by today's schema: what came before may be misnamed."""
        for query in group.statements:
            for schema, table in sorted(self._named_by_us):
                if queries.names(query.text, table) or (query.schema.lower() == schema and "database" in query.text.lower()):
                    raise faults.BadInput(
                        f"{schema}.{table} was changed after rows that the log tells without names: {query.text[:200]}",
                        where=str(group.begins),
                        todo=f"Read from after this place. {FULL_METADATA}",
                    )


def instant(group: Group) -> datetime:
    """When a transaction was committed."""
    return _EPOCH + timedelta(0, 0, group.committed_us)
