"""A shop's address or a folder of binlogs goes in, its change log comes out: which kind it is, decided in one place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import sqlalchemy as sa

from makewhole import ports
from makewhole.adapters.changelog import archive, connection, decoding, files, replica, scanning, schemas, triggers
from makewhole.core import faults
from makewhole.model.change import Traced

_BINLOG = frozenset({"mysql", "mariadb"})


def open_log(url: sa.URL, place: str | None) -> ports.ChangeLog:
    """The log of the shop at this address; `place` names binlog files instead. Raises BadInput where there is no log to be had."""
    if place is not None:
        paths = files.find(Path(place))
        return scanning.FiledLog(paths)
    if url.get_backend_name() in _BINLOG:
        return scanning.ScannedLog(lambda: _from_server(url), lambda: decoding.Decoder(lambda s, t: _definition(url, s, t)))
    if url.get_backend_name() == "sqlite":
        return triggers.TriggeredLog(url)
    raise faults.BadInput(
        f"no change log is known of a shop on {url.get_backend_name()}", where="--log", todo="Name the folder of its binlog files."
    )


def keep_up(kept: archive.Archive, url: sa.URL, tables: Sequence[Traced]) -> int:
    """Read on from where the archive stopped, to the log's end now; how many transactions were kept. Raises BadInput where the server
    has purged what comes next: a gap may hide changes, and is never passed by."""
    if url.get_backend_name() not in _BINLOG:
        raise faults.BadInput("only MariaDB and MySQL forget their log", where="--archive", todo="Leave it out: triggers keep everything.")
    with connection.connected(url) as server:
        replica.check(server)
        identity, known = replica.identity(server), kept.place()
        if known is None:
            return kept.keep(identity, scanning.groups(replica.events_of(server, replica.oldest(server))), tables)
        was, since = known
        # On another server files have other names: what was executed is the only thing that both know.
        elsewhere = was != identity
        if elsewhere and not since.gtids:
            todo = "Begin a new archive in another folder; this one stays as it is."
            raise faults.BadInput("the archive was read from another server, and without GTIDs", where=server.where, todo=todo)
        placed = replica.events_of(server, since, by_gtid=elsewhere)
        return kept.keep(identity, scanning.groups(placed, since.gtids), tables)


def _from_server(url: sa.URL) -> Iterator[files.Placed]:
    """All that the server has left of its log, to its end now."""
    with connection.connected(url) as server:
        replica.check(server)
        yield from replica.events_of(server, replica.oldest(server))


def _definition(url: sa.URL, schema: str, table: str) -> schemas.Definition | None:
    """Asked of a connection of its own: the one that reads the log is busy with it."""
    with connection.connected(url) as server:
        return server.definition(schema, table)
