"""A shop's address or a folder of binlogs goes in, its change log comes out: which kind it is, decided in one place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from makewhole import ports
from makewhole.adapters.changelog import connection, decoding, files, replica, scanning, schemas, triggers
from makewhole.core import faults


def open_log(url: sa.URL, place: str | None) -> ports.ChangeLog:
    """The log of the shop at this address; `place` names binlog files instead. Raises BadInput where there is no log to be had."""
    if place is not None:
        paths = files.find(Path(place))
        return scanning.ScannedLog(lambda: files.read(paths), decoding.Decoder)
    if url.get_backend_name() in {"mysql", "mariadb"}:
        return scanning.ScannedLog(lambda: _from_server(url), lambda: decoding.Decoder(lambda s, t: _definition(url, s, t)))
    if url.get_backend_name() == "sqlite":
        return triggers.TriggeredLog(url)
    raise faults.BadInput(
        f"no change log is known of a shop on {url.get_backend_name()}", where="--log", todo="Name the folder of its binlog files."
    )


def _from_server(url: sa.URL) -> Iterator[files.Placed]:
    """All that the server has left of its log, to its end now."""
    with connection.connected(url) as server:
        replica.check(server)
        yield from replica.events_of(server, replica.oldest(server))


def _definition(url: sa.URL, schema: str, table: str) -> schemas.Definition | None:
    """Asked of a connection of its own: the one that reads the log is busy with it."""
    with connection.connected(url) as server:
        return server.definition(schema, table)
