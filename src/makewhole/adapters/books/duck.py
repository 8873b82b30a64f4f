"""DuckDB as the desk: Parquet files or lines in, tables beside us out. One process, no server, memory bounded by a setting."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import duckdb

from makewhole.adapters.books import desk
from makewhole.books import columns
from makewhole.core import faults
from makewhole.model import bill

_TYPES = {"int64": "BIGINT", "int32": "INTEGER", "string": "VARCHAR"}
_BATCH = 2000
MEMORY = "3GB"
"""Before it spills to the disk. Ten million lines a side take 4.6 without a limit, and whoever reconciles at night shares the machine."""
COUNTED_BITS = 24
"""Lines of up to sixteen million are counted in an array, twice as fast as by hash; of more they are counted by hash, which can spill."""
_PARQUET = "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 250000)"


class Unreadable(Exception):
    """A file that is no book: what is wrong with it."""


class Duck:
    """`desk.Desk` on DuckDB."""

    dialect = "duckdb"

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def book(self, side: bill.Side, lines: Iterable[bill.Line]) -> None:
        """Put a book of lines on the desk."""
        self.load(side.value, columns.BOOK, (row(line) for line in lines))

    def more(self, side: bill.Side, lines: Iterable[bill.Line]) -> None:
        """Put a few lines beside the book that lies there, whether it is a table or seen through another."""
        self.load(f"more_{side.value}", columns.BOOK, (row(line) for line in lines))
        (kind,) = self.rows(f"SELECT table_type FROM information_schema.tables WHERE table_name = '{side.value}'")[0]  # noqa: S608 - the same
        self._run(f"ALTER {'VIEW' if kind == 'VIEW' else 'TABLE'} {side.value} RENAME TO {side.value}_alone")
        both = f"SELECT * FROM {side.value}_alone UNION ALL SELECT * FROM more_{side.value}"  # noqa: S608 - words of ours
        self._run(f"CREATE VIEW {side.value} AS {both}")

    def book_file(self, side: bill.Side, path: Path) -> None:
        """Put a book that lies in a Parquet file (columns.BOOK) on the desk, without reading it yet. Raises Unreadable."""
        try:
            self.connection.execute(f"CREATE OR REPLACE VIEW {side.value} AS SELECT * FROM read_parquet({_text(path)})")  # noqa: S608
            found = {name: kind for name, kind, *_ in self.rows(f"DESCRIBE {side.value}")}
        except duckdb.Error as wrong:
            raise Unreadable(str(wrong).partition("\n")[0]) from wrong
        for name, kind in columns.BOOK.items():
            if found.get(name) != _TYPES[kind]:
                raise Unreadable(f"column {name} is {found.get(name, 'missing')}, not {_TYPES[kind]}")

    def keep(self, name: str, sql: str) -> None:
        """As a table."""
        self._run(f"CREATE OR REPLACE TABLE {name} AS {sql}")

    def load(self, name: str, schema: Mapping[str, str], rows: Iterable[desk.Row]) -> None:
        """As a table, a batch at a time."""
        shape = ", ".join(f'"{column}" {_TYPES[kind]}' for column, kind in schema.items())
        self._run(f"CREATE OR REPLACE TABLE {name} ({shape})")
        coming: Iterator[desk.Row] = iter(rows)
        one = f"({', '.join('?' * len(schema))})"
        while batch := list(islice(coming, _BATCH)):
            marks = ", ".join([one] * len(batch))
            self.connection.execute(f"INSERT INTO {name} VALUES {marks}", [value for told in batch for value in told])  # noqa: S608

    def write(self, name: str, sql: str, path: Path) -> None:
        """As one file."""
        self._run(f"COPY ({sql}) TO {_text(path)} {_PARQUET}")
        self._run(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_parquet({_text(path)})")  # noqa: S608

    def rows(self, sql: str) -> list[desk.Row]:
        """Fetched whole."""
        return self.connection.execute(sql).fetchall()

    def _run(self, sql: str) -> None:
        try:
            self.connection.execute(sql)
        except duckdb.OutOfMemoryException as full:
            raise faults.Unavailable(f"the books do not fit: {full}") from full


@contextmanager
def opened(scratch: Path, *, memory: str = MEMORY, threads: int | None = None) -> Iterator[Duck]:
    """A desk of its own, that spills into `scratch` and is gone afterwards. `memory` as DuckDB writes sizes: 1GB."""
    # Nothing is fetched from anywhere: what the engine may touch is handed to it.
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory,
        "temp_directory": str(scratch),
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "perfect_ht_threshold": COUNTED_BITS,
    }
    if threads is not None:
        settings["threads"] = threads
    with duckdb.connect(":memory:", config=settings) as connection:
        yield Duck(connection)


def row(line: bill.Line) -> desk.Row:
    """A line in the order of columns.BOOK."""
    return (
        line.line,
        line.channel,
        line.merchant,
        line.kind.value,
        line.number,
        line.payment,
        line.transaction,
        line.order,
        line.amount_fen,
        line.fee_millifen,
        line.currency,
        line.standing.value,
        int(line.at.timestamp()),
        line.day,
    )


def _text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
