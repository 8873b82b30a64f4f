"""The one file of an archive, whatever log it keeps: opened, written in whole pieces, and what is told when the disk says no."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from makewhole.core import faults

_NOT_WRITTEN = "the archive cannot be written: {} ({}). What was kept before is whole: make room and start again, it goes on from there."
_WAIT_S = 30
"""For another process that writes the same archive: a batch takes far less."""


@contextlib.contextmanager
def opened(file: Path, schema: str, *, flushed: bool) -> Iterator[sqlite3.Connection]:
    """The file, made if it is not there; with `flushed`, each commit is on the disk and not on its way there.

    Raises BadInput for a folder that cannot be written and for a file that is no archive, Unavailable where the disk is full.
    """
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = sqlite3.connect(file, isolation_level=None, timeout=_WAIT_S)
    except (OSError, sqlite3.OperationalError) as denied:
        todo = "Name a folder that can be written."
        raise faults.BadInput(f"cannot keep an archive: {denied}", where=str(file.parent), todo=todo) from denied
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if flushed else 'NORMAL'}")
        connection.executescript(schema)
        yield connection
    except sqlite3.OperationalError as denied:
        raise faults.Unavailable(_NOT_WRITTEN.format(denied, file)) from denied
    except sqlite3.DatabaseError as damaged:
        todo = "Put a copy back, or move it away and begin anew."
        raise faults.BadInput(f"the archive cannot be read: {damaged}", where=str(file), todo=todo) from damaged
    finally:
        connection.close()


@contextlib.contextmanager
def writing(connection: sqlite3.Connection, where: str) -> Iterator[None]:
    """All of it or nothing. Raises Unavailable where the disk is full."""
    try:
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
    except sqlite3.OperationalError as full:
        raise faults.Unavailable(_NOT_WRITTEN.format(full, where)) from full
