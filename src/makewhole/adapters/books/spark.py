"""Spark as the desk: the same steps over a cluster's executors, Parquet in and out. Needs the extra `spark` and a Java 17."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from makewhole.adapters.books import desk
from makewhole.model import bill

_TYPES = {"int64": "BIGINT", "int32": "INT", "string": "STRING"}


class Spark:
    """`desk.Desk` on a Spark session. What is kept lies as Parquet under `scratch`, which executors must see too."""

    dialect = "pyspark"

    def __init__(self, session: Any, scratch: Path) -> None:
        self._session, self._scratch = session, scratch

    def book_file(self, side: bill.Side, path: Path) -> None:
        """Put a book that lies in Parquet (columns.BOOK) on the desk, without reading it yet."""
        self._session.read.parquet(str(path)).createOrReplaceTempView(side.value)

    def keep(self, name: str, sql: str) -> None:
        """As Parquet: a lazy view would be reckoned anew for every use."""
        self.write(name, sql, self._scratch / name)

    def load(self, name: str, schema: Mapping[str, str], rows: Iterable[desk.Row]) -> None:
        """From this process."""
        shape = ", ".join(f"`{column}` {_TYPES[kind]}" for column, kind in schema.items())
        self._session.createDataFrame(list(rows), shape).createOrReplaceTempView(name)

    def write(self, name: str, sql: str, path: Path) -> None:
        """As a folder of files."""
        self._session.sql(sql).write.mode("overwrite").option("compression", "zstd").parquet(str(path))
        self._session.read.parquet(str(path)).createOrReplaceTempView(name)

    def rows(self, sql: str) -> list[desk.Row]:
        """Fetched whole: only of what is few."""
        return [tuple(row) for row in self._session.sql(sql).collect()]


@contextmanager
def opened(scratch: Path, *, master: str = "local[*]", memory: str = "2g", partitions: int = 8) -> Iterator[Spark]:
    """A session of its own, stopped afterwards. `partitions` of a shuffle: eight do for a million lines, sixteen for ten."""
    from pyspark.sql import SparkSession  # noqa: PLC0415 - an extra: whoever has no Spark can still import this wing

    built = SparkSession.builder.appName("makewhole books").master(master)
    for name, value in {
        "spark.driver.memory": memory,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(partitions),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.local.dir": str(scratch),
    }.items():
        built = built.config(name, value)
    session = built.getOrCreate()
    try:
        session.sparkContext.setLogLevel("ERROR")
        yield Spark(session, scratch)
    finally:
        session.stop()
