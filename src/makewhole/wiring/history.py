"""The parts of history put together by hand: settings go in, a shop's past comes out, from its log or from the archive that outlives it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from makewhole import ports, settings
from makewhole.adapters.changelog import archive, opening, serverlog
from makewhole.adapters.shops import engines, errors, traces
from makewhole.engine import history
from makewhole.model import change
from makewhole.wiring import changelog as wiring_changelog
from makewhole.wiring import shop as wiring_shop


@contextlib.contextmanager
def open_past(told: settings.Settings, log_place: str | None, archive_place: str | None = None) -> Iterator[history.Past]:
    """Attach to the shop and to its change log: an archive, brought up to now first; binlog files; or the shop's own server.

    Where neither is named it is the settings' archive, if they name one.

    Raises as `worlds.open_world` does.
    """
    map_, url = wiring_shop.map_of(told), wiring_shop.address(told)
    known = traces.traces(map_, wiring_shop.schema_of(url), wiring_shop.hash_secret(told, keep=False))
    reader = engines.for_eyes(url)
    with contextlib.ExitStack() as stack:
        stack.callback(reader.dispose)
        stack.enter_context(errors.starting(reader, map_.where)).close()
        log: ports.ChangeLog
        gaps: Sequence[change.Gap] = ()
        place = archive_place or (told.history.archive if log_place is None else "")
        if wiring_changelog.is_postgres(url):
            log, gaps = stack.enter_context(wiring_changelog.past(told, url, known.tables, log_place, archive_place))
        elif place:
            log = kept = stack.enter_context(archive.opened(Path(place)))
            opening.keep_up(kept, url, known.tables)
            gaps = kept.gaps()
        else:
            log = opening.open_log(url, log_place)
        yield history.Past(
            log=log,
            gaps=gaps,
            tables=known.tables,
            key_of=lambda number: traces.key_of(map_, reader, number),
            parts_of=lambda number: traces.parts_of(map_, reader, number),
            state=known.state,
            shown=known.shown,
            whole=known.whole,
        )


def log_health(told: settings.Settings) -> tuple[serverlog.Health, serverlog.Unkept | None] | None:
    """How the log of a MariaDB or MySQL shop stands, and what the settings' archive lacks of it; None for another shop. Raises as
    adapters do."""
    url = wiring_shop.address(told)
    if url.get_backend_name() not in opening.BINLOG:
        return None
    place = told.history.archive
    return serverlog.look(url), serverlog.unkept(url, Path(place)) if place else None


def forgets_after(told: settings.Settings) -> timedelta | None:
    """How soon a MariaDB or MySQL shop's server forgets its log, where that is too soon; None where it is not. Raises as adapters do."""
    url = wiring_shop.address(told)
    return serverlog.forgets_after(url) if url.get_backend_name() in opening.BINLOG else None


def forget_changes(told: settings.Settings, before: datetime) -> int:
    """Let go of what the settings' archive holds from before this instant; how many transactions. Nothing where there is no archive.

    Raises as `keep_archive` does.
    """
    if wiring_changelog.is_postgres(wiring_shop.address(told)):
        return wiring_changelog.forget(told, before)
    if not told.history.archive or not (Path(told.history.archive) / archive.FILE).exists():
        return 0
    with archive.opened(Path(told.history.archive)) as kept:
        return kept.forget(before)


def keep_archive(told: settings.Settings) -> tuple[int, Sequence[change.Gap]]:
    """Bring the settings' archive up to now; how many transactions were kept, and which gaps are new.

    Raises BadInput for a shop whose log cannot be kept, Unavailable where shop or disk are not there.
    """
    url = wiring_shop.address(told)
    tables = traces.traces(wiring_shop.map_of(told), wiring_shop.schema_of(url), b"").tables
    if wiring_changelog.is_postgres(url):
        return wiring_changelog.keep_up(told, url, tables)
    with archive.opened(Path(told.history.archive)) as kept:
        known = len(kept.gaps())
        return opening.keep_up(kept, url, tables), kept.gaps()[known:]
