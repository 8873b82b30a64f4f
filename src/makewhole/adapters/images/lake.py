"""One Delta Lake table in a folder or an object store: commits go in, the files of the newest version come out; errors become ours.

Written append-only: a commit is an image, and names it as its application's version, so that the table itself refuses the same one twice.
"""

from __future__ import annotations

import contextlib
import re
import urllib.parse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import deltalake
from deltalake import exceptions

from makewhole.adapters.images import columns
from makewhole.core import codec, faults
from makewhole.model import image

APPLICATION = "makewhole"
HEAD = "makewhole.image"
"""The head of an image in its commit's metadata."""
LEVEL = 3
"""Of zstd: higher ones take longer than an image may."""
ROWS_IN_GROUP = 2048
"""Rows that are unpacked to look one of them up: as many as DuckDB takes at once. Ten thousand take twice as long, a thousand no less."""
BASE_FILE_BYTES = 2 << 20
"""A base lies in many small files, sorted: the table's log tells which of them may hold an order, and the others are not opened."""
CHECKPOINT_EVERY = 96
"""Commits: one day of images. Opening the table reads the commits after the last checkpoint."""
ORPHANS_KEPT = timedelta(days=7)
"""What a kill or a compaction left behind is deleted this long after: a reader that began before may still be reading it."""
LOG_KEPT_DAYS = 3650
"""Delta would forget commits after 30 days, and with them what each image says of itself."""
_SOUGHT = (columns.IMAGE, columns.ROLE, columns.LINK)
"""By which rows are looked up: of these alone a file says what lies between its least and its greatest."""
_SETTINGS = {
    "delta.dataSkippingStatsColumns": ",".join(_SOUGHT),
    "delta.checkpointInterval": str(CHECKPOINT_EVERY),
    "delta.logRetentionDuration": f"interval {LOG_KEPT_DAYS} days",
}


@dataclass(frozen=True, kw_only=True)
class File:
    """A file of the table, and which images, roles and orders may be in it."""

    path: str
    day: str
    part: str
    first: int
    last: int
    roles: tuple[str, str]
    links: tuple[str, str]

    def may_hold(self, role: str, link: str) -> bool:
        """Whether a row of this order may be in it. Where a file holds several roles, its orders are not told apart by them."""
        # A statistic may be cut to its first characters, and its end raised accordingly.
        return self.roles[0] <= role <= self.roles[1] and self.links[0] <= link <= self.links[1]


class Lake:
    """The table at a place: a folder, or an address that delta-rs understands."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.folder = None if "://" in place else Path(place)
        self._table: deltalake.DeltaTable | None = None
        self._files: tuple[int, tuple[File, ...]] = (-1, ())

    def table(self) -> deltalake.DeltaTable | None:
        """The newest version; None where there is no table yet."""
        with _translated(self.place):
            if self._table is None:
                if not deltalake.DeltaTable.is_deltatable(self.place):
                    return None
                self._table = deltalake.DeltaTable(self.place)
            elif self.folder is None or self._next(self.folder, self._table.version()).exists():
                self._table.update_incremental()
        return self._table

    def files(self) -> tuple[File, ...]:
        """The files of the newest version, in no order."""
        table = self.table()
        if table is None:
            return ()
        if self._files[0] != table.version():
            with _translated(self.place):
                self._files = (table.version(), tuple(self._listed(table)))
        return self._files[1]

    def last(self) -> int | None:
        """The id of the newest image."""
        table = self.table()
        return None if table is None else table.transaction_version(APPLICATION)

    def append(self, head: image.Head, data: Any) -> None:
        """One commit. Raises Unavailable where another process made this image meanwhile."""
        shop = columns.names(head.columns)
        with _translated(self.place):
            table = self.table() or self._made(shop)
            new = set(shop) - {f.name for f in table.schema().fields}
            deltalake.write_deltalake(
                table,
                data,
                mode="append",
                schema_mode="merge" if new or len(shop) + len(columns.FIXED) < len(table.schema().fields) else None,
                target_file_size=BASE_FILE_BYTES,
                writer_properties=_writing(),
                commit_properties=deltalake.CommitProperties(
                    custom_metadata={HEAD: codec.canonical(head).decode()},
                    app_transactions=[deltalake.Transaction(APPLICATION, head.id)],
                ),
            )

    def sort(self, day: str) -> int:
        """Put the files of a day's changes together, sorted by order; how many were taken in. Deletes what is long orphaned."""
        table = self.table()
        if table is None:
            return 0
        with _translated(self.place):
            part = [(columns.DAY, "=", day), (columns.PART, "=", columns.CHANGED)]
            done = table.optimize.z_order([columns.ROLE, columns.LINK], part, writer_properties=_writing())
        return int(done.get("numFilesRemoved", 0))

    def drop(self, day: str) -> None:
        """Delete a day: its files are no part of the table from this commit on."""
        if (table := self.table()) is not None:
            with _translated(self.place):
                table.delete(f"{columns.DAY} = {columns.literal(day)}")

    def sweep(self) -> int:
        """Delete files that are no part of the table, and have not been for a while; how many."""
        if (table := self.table()) is None:
            return 0
        with _translated(self.place):
            hours = int(ORPHANS_KEPT / timedelta(hours=1))
            return len(table.vacuum(retention_hours=hours, dry_run=False, full=True))

    def batches(self, where: str) -> Any:
        """The rows for which a condition holds, as a stream of Arrow batches: from wherever the table is."""
        table = self.table()
        if table is None:
            raise faults.Unavailable(f"the images are gone ({self.place})")
        with _translated(self.place):
            return deltalake.QueryBuilder().register("images", table).execute(f"SELECT * FROM images WHERE {where}")  # noqa: S608  conditions of our own

    def _made(self, shop: Sequence[str]) -> deltalake.DeltaTable:
        self._table = deltalake.DeltaTable.create(
            self.place,
            schema=deltalake.Schema.from_arrow(columns.schema(shop)),
            mode="ignore",
            partition_by=[columns.DAY, columns.PART],
            configuration=_SETTINGS,
        )
        return self._table

    @staticmethod
    def _next(folder: Path, version: int) -> Path:
        """Where the commit after this version would be."""
        return folder / "_delta_log" / f"{version + 1:020}.json"

    def _listed(self, table: deltalake.DeltaTable) -> Iterator[File]:
        told = table.get_add_actions(flatten=True)
        there = set(told.schema.names)

        def column(name: str) -> list[Any]:
            return list(told.column(name).to_pylist()) if name in there else [None] * told.num_rows

        wanted = ("path", f"partition.{columns.DAY}", f"partition.{columns.PART}")
        bounds = [column(f"{side}.{n}") for n in _SOUGHT for side in ("min", "max")]
        for path, day, part, *of in zip(*map(column, wanted), *bounds, strict=True):
            first, last, low, high, begins, ends = of
            full = urllib.parse.unquote(path) if self.folder is None else str(self.folder / urllib.parse.unquote(path))
            yield File(path=full, day=day, part=part, first=first, last=last, roles=(low, high), links=(begins, ends))


def _writing() -> deltalake.WriterProperties:
    """How files are written. Most values of an image are there once: dictionaries make its file a third larger, and take thrice as long."""

    def column(statistics: Literal["NONE", "CHUNK"]) -> deltalake.ColumnProperties:
        return deltalake.ColumnProperties(dictionary_enabled=False, statistics_enabled=statistics)

    return deltalake.WriterProperties(
        compression="ZSTD",
        compression_level=LEVEL,
        max_row_group_size=ROWS_IN_GROUP,
        default_column_properties=column("NONE"),
        column_properties={name: column("CHUNK") for name in _SOUGHT},
    )


_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@contextlib.contextmanager
def _translated(place: str) -> Iterator[None]:
    """Every error of delta-rs inside becomes one of ours."""
    try:
        yield
    except exceptions.CommitFailedError as lost:
        raise faults.Unavailable(f"another process is adding images there: {lost} ({place})") from lost
    except (OSError, exceptions.TableNotFoundError) as away:
        # In colours, a line for each layer that it came through.
        said = ": ".join(filter(None, (line.strip(" \u21b3") for line in _COLOUR.sub("", str(away)).splitlines())))
        raise faults.Unavailable(f"the images cannot be reached: {said} ({place})") from away
    except exceptions.DeltaError as damaged:
        todo = "Put a copy back, or move the images away: new ones begin by themselves."
        raise faults.BadInput(f"the images cannot be read or written: {damaged}", where=place, todo=todo) from damaged
