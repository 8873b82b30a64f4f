"""DuckDB over the table of images: files and a question go in, rows come out; what does not fit into memory goes to disk beside it.

For a folder it reads the files where they lie. From an object store the rows in question are fetched first, by delta-rs, which has the
credentials and leaves out what the statistics rule out.
"""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import duckdb

from makewhole.adapters.images import columns
from makewhole.adapters.images.columns import DAY, IMAGE, PART
from makewhole.adapters.images.lake import File, Lake
from makewhole.core import faults

MEMORY = "1GB"
"""While a base is made or compared; beyond, it goes to disk."""
ROWS_READ = 10_000
"""Rows of a result in memory at once."""


class Desk:
    """One connection, and what lies on it. `close` lets go of it and of its disk space."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._spill = tempfile.TemporaryDirectory(prefix="makewhole-images-")
        self._duck = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": self._spill.name})
        self._duck.execute("SET parquet_metadata_cache = true")
        self._names = (f"t{n}" for n in itertools.count())

    def close(self) -> None:
        """Let go of everything."""
        self._duck.close()
        self._spill.cleanup()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All that a query finds."""
        with _translated(self._lake.place):
            return self._duck.execute(sql).fetchall()

    def each(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """The same, a few at a time. On a cursor of its own: other questions may be asked meanwhile."""
        with _translated(self._lake.place), self._duck.cursor() as cursor:
            cursor.execute(sql)
            while found := cursor.fetchmany(ROWS_READ):
                yield from found

    def stream(self, sql: str) -> Any:
        """The same, as Arrow batches."""
        with _translated(self._lake.place):
            return self._duck.sql(sql)

    def source(self, files: Sequence[File], names: Sequence[str], images: tuple[int, int], where: str = "TRUE") -> str:
        """Columns of these files' rows, of one day and part: of the images after the first of these two, up to the second."""
        told = ", ".join(map(columns.quoted, names))
        inside = f"{IMAGE} > {images[0]} AND {IMAGE} <= {images[1]} AND ({where})"
        if not files:
            nothing = ", ".join(f"NULL::{'BIGINT' if n == IMAGE else 'VARCHAR'} AS {columns.quoted(n)}" for n in names)
            return f"(SELECT {nothing} WHERE FALSE)"
        if self._lake.folder is not None:
            paths = ", ".join(columns.literal(f.path) for f in files)
            return f"(SELECT {told} FROM read_parquet([{paths}], hive_partitioning = false) WHERE {inside})"  # noqa: S608  names and conditions of our own, here and below
        day, part = columns.literal(files[0].day), columns.literal(files[0].part)
        found = self._lake.batches(f"{DAY} = {day} AND {PART} = {part} AND {inside}")
        return self.laid(iter((found,)), names)

    def looked_up(
        self, base: Sequence[File], since: Sequence[File], names: Sequence[str], images: tuple[int, int], where: str
    ) -> list[Any]:
        """Rows of a whole image, which is the first of these two, and of what changed since, up to the second; a column of images first.

        In a folder that is one question and not two: planning it takes as long as answering it.
        """
        first, last = images
        if self._lake.folder is not None:
            told = ", ".join(map(columns.quoted, (IMAGE, *names)))
            paths = ", ".join(columns.literal(f.path) for f in (*base, *since))
            sql = f"SELECT {told} FROM read_parquet([{paths}], hive_partitioning = false) WHERE {where}"  # noqa: S608  names and conditions of our own
            return [row for row in self.rows(sql) if first <= row[0] <= last] if paths else []
        parts = [(base, (first - 1, first)), (since, (first, last))]
        found = [self.source(files, [IMAGE, *names], ids, where) for files, ids in parts if files]
        return self.rows(" UNION ALL ".join(f"SELECT * FROM {source}" for source in found)) if found else []  # noqa: S608  the same

    @contextlib.contextmanager
    def staged(self, pages: Iterable[Any], names: Sequence[str]) -> Iterator[str]:
        """Arrow tables as one table, for as long as it is needed."""
        name = self.laid(pages, names)
        try:
            yield name
        finally:
            self._duck.execute(f"DROP TABLE IF EXISTS {name}")

    @contextlib.contextmanager
    def made(self, sql: str) -> Iterator[str]:
        """What a query finds as one table, for as long as it is needed."""
        name = next(self._names)
        with _translated(self._lake.place):
            self._duck.execute(f"CREATE TABLE {name} AS {sql}")
        try:
            yield name
        finally:
            self._duck.execute(f"DROP TABLE IF EXISTS {name}")

    def laid(self, pages: Iterable[Any], names: Sequence[str]) -> str:
        """Arrow tables or streams as one table on the desk; its name."""
        name = next(self._names)
        told = ", ".join(f"{columns.quoted(n)} {'BIGINT' if n == IMAGE else 'VARCHAR'}" for n in names)
        with _translated(self._lake.place):
            self._duck.execute(f"CREATE TABLE {name} ({told})")
            for page in pages:
                self._duck.register("page", page)
                self._duck.execute(f"INSERT INTO {name} SELECT {', '.join(map(columns.quoted, names))} FROM page")  # noqa: S608
                self._duck.unregister("page")
        return name


@contextlib.contextmanager
def _translated(place: str) -> Iterator[None]:
    """Every error of DuckDB inside becomes one of ours."""
    try:
        yield
    except duckdb.IOException as away:
        raise faults.Unavailable(f"the images cannot be read, or the disk is full: {str(away).splitlines()[0]} ({place})") from away
    except (duckdb.OutOfMemoryException, duckdb.InterruptException) as full:
        raise faults.Unavailable(f"no room to read the images: {full} ({place})") from full
    except (duckdb.InvalidInputException, duckdb.SerializationException) as damaged:
        todo = "A file is damaged: put a copy back, or move the images away; new ones begin by themselves."
        # What follows the first line is the question, which nobody asked.
        raise faults.BadInput(f"the images cannot be read: {str(damaged).splitlines()[0]}", where=place, todo=todo) from damaged
