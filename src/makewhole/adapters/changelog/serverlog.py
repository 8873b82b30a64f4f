"""The address of a MariaDB or MySQL shop goes in; how long its server keeps its log, what that lacks, and what an archive of it has not
taken yet come out. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from makewhole.adapters.changelog import archive, connection, replica
from makewhole.adapters.changelog.events import Type
from makewhole.ports import trails

KEPT_WARN = timedelta(days=8)
"""Kept for less, a log has forgotten what went wrong on the eve of the longest public holiday when people come back from it."""
_BEGINS = frozenset({int(Type.QUERY), int(Type.GTID), int(Type.ANONYMOUS_GTID), int(Type.MARIA_GTID)})
"""Events with which a transaction begins, whichever server wrote it."""


@dataclass(frozen=True, kw_only=True)
class Health:
    """What there is to say of a server's log."""

    kept_for: timedelta | None
    """None: until somebody deletes it."""
    naming: str | None
    """The statement after which each change names its columns; None where they do, empty where the server is too old for it."""

    @property
    def short(self) -> bool:
        """Whether it forgets what somebody may yet ask for."""
        return self.kept_for is not None and self.kept_for < KEPT_WARN


@dataclass(frozen=True, kw_only=True)
class Unkept:
    """What an archive has not taken. `since`: when the oldest of it was written; None where all of it is gone, or nothing was ever kept."""

    since: datetime | None
    why: str = ""
    """What the server says of the place that the archive would read on from, where it has it no more."""


def look(url: sa.URL) -> Health:
    """Raises BadInput, with what to do, where there is no log to be read; Unavailable for a silent server."""
    with connection.connected(url) as server:
        replica.check(server)
        # A place in it can be asked for only by an account that may read it.
        server.rows("SHOW BINARY LOGS")
        metadata = server.variable("binlog_row_metadata").upper()
        return Health(kept_for=_kept_for(server), naming=None if metadata == "FULL" else _naming(server, metadata))


def forgets_after(url: sa.URL) -> timedelta | None:
    """For how long the server keeps its log, where it keeps one and that is too short. Asks for settings only, which anybody may."""
    with connection.connected(url) as server:
        kept = _kept_for(server) if server.variable("log_bin").upper() in {"ON", "1"} else None
    return kept if kept is not None and kept < KEPT_WARN else None


def unkept(url: sa.URL, folder: Path) -> Unkept | None:
    """What the archive in this folder lacks; None where it has all. Makes none. Raises as `look` does."""
    if not (folder / archive.FILE).exists():
        return Unkept(since=None)
    with archive.opened(folder) as kept:
        known = kept.place()
    if known is None:
        return Unkept(since=None)
    with connection.connected(url) as server:
        identity, place = known
        try:
            for one in replica.sent(server, place, by_gtid=identity != replica.identity(server)):
                if one.kind in _BEGINS:
                    return Unkept(since=datetime.fromtimestamp(int.from_bytes(one.raw[:4], "little"), UTC))
        except trails.Purged as gone:
            return Unkept(since=None, why=gone.what)
    return None


def _kept_for(server: connection.Server) -> timedelta | None:
    if server.variable("binlog_expire_logs_auto_purge").upper() == "OFF":
        return None
    # The older name counts days, and is the only one that older servers have.
    seconds = float(server.variable("binlog_expire_logs_seconds") or 0) or float(server.variable("expire_logs_days") or 0) * 86_400
    return timedelta(seconds=seconds) if seconds else None


def _naming(server: connection.Server, metadata: str) -> str:
    if not metadata:
        return ""
    # MariaDB forgets it with its next start unless the file says so too.
    return "SET GLOBAL binlog_row_metadata = FULL" if server.mariadb else "SET PERSIST binlog_row_metadata = FULL"
