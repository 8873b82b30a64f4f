"""A shop's address or a folder of binlogs goes in, its change log comes out: which kind it is, decided in one place."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from makewhole import ports
from makewhole.adapters.changelog import archive, connection, decoding, files, replica, scanning, schemas, segments, triggers
from makewhole.core import faults
from makewhole.model.change import Traced
from makewhole.ports import trails

BINLOG = frozenset({"mysql", "mariadb"})
"""Kinds of address behind which a server keeps a binary log."""


def open_log(url: sa.URL, place: str | None) -> ports.ChangeLog:
    """The log of the shop at this address; `place` names binlog files instead. Raises BadInput where there is no log to be had."""
    if place is not None:
        paths = files.find(Path(place))
        return scanning.ScannedLog(lambda: segments.of_files(paths), decoding.Decoder)
    if url.get_backend_name() in BINLOG:
        return scanning.ScannedLog(lambda: _from_server(url), lambda: decoding.Decoder(lambda s, t: _definition(url, s, t)))
    if url.get_backend_name() == "sqlite":
        return triggers.TriggeredLog(url)
    raise faults.BadInput(
        f"no change log is known of a shop on {url.get_backend_name()}", where="--log", todo="Name the folder of its binlog files."
    )


def keep_up(kept: archive.Archive, url: sa.URL, tables: Sequence[Traced]) -> int:
    """Read on from where the archive stopped, to the log's end now; how many transactions were kept. What the server forgot meanwhile
    is a gap of the archive. Raises BadInput where nothing can be kept, Unavailable where somebody is silent."""
    if url.get_backend_name() not in BINLOG:
        todo = "Leave the archive out: triggers keep everything."
        raise faults.BadInput("only MariaDB and MySQL forget their log", where="history.archive", todo=todo)
    with connection.connected(url) as server:
        replica.check(server)
    while True:
        # Of two who keep it the late one begins anew where the other is, until there is nothing more to read.
        with contextlib.suppress(archive.Overtaken):
            return _kept_up(kept, url, tables)


def _kept_up(kept: archive.Archive, url: sa.URL, tables: Sequence[Traced]) -> int:
    try:
        return _read_on(kept, url, tables)
    except trails.Purged as gone:
        if kept.place() is None:
            raise
        # It may hide changes, and whoever stopped here would lose what comes after it as well.
        with connection.connected(url) as server:
            identity, oldest = replica.identity(server), replica.oldest(server)
            begun = next(replica.sent(server, oldest))
        # A file says in which second it was begun: what lies before it was over at that second's end.
        before = datetime.fromtimestamp(int.from_bytes(begun.raw[:4], "little") + 1, UTC)
        kept.pass_over(identity, oldest, before, gone.what)
    return _read_on(kept, url, tables)


def _read_on(kept: archive.Archive, url: sa.URL, tables: Sequence[Traced]) -> int:
    with connection.connected(url) as server:
        identity, known = replica.identity(server), kept.place()
        was, since = (identity, replica.oldest(server)) if known is None else known
        # On another server files have other names: what was executed is the only thing that both know.
        elsewhere = was != identity
        if elsewhere and not since.gtids:
            todo = "Begin a new archive in another folder; this one stays as it is."
            raise faults.BadInput("the archive was read from another server, and without GTIDs", where=server.where, todo=todo)
        return kept.keep(identity, segments.of_sent(replica.sent(server, since, by_gtid=elsewhere)), tables, since.gtids)


def _from_server(url: sa.URL) -> Iterator[segments.Segment]:
    """All that the server has left of its log, to its end now."""
    with connection.connected(url) as server:
        replica.check(server)
        yield from segments.of_sent(replica.sent(server, replica.oldest(server)))


def _definition(url: sa.URL, schema: str, table: str) -> schemas.Definition | None:
    """Asked of a connection of its own: the one that reads the log is busy with it."""
    with connection.connected(url) as server:
        return server.definition(schema, table)
