"""A PostgreSQL shop's slot put together by hand with the archive that remembers it: an address goes in, its change log comes out."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from makewhole import settings
from makewhole.adapters.changelog import film, following
from makewhole.adapters.changelog.postgres import archive, health, log, setup
from makewhole.adapters.changelog.postgres import film as slotfilm
from makewhole.adapters.shops import traces
from makewhole.core import faults
from makewhole.model import change
from makewhole.model.change import Traced
from makewhole.ports import reversals, trails
from makewhole.wiring import shop as wiring_shop

ARCHIVE = "makewhole-changes"
"""Where a slot's changes are kept when the settings name no folder: they are read once, so that somewhere they must be."""


def is_postgres(url: sa.URL) -> bool:
    """Whether this is the address of a PostgreSQL shop."""
    return url.get_backend_name() in {"postgresql", "postgres"}


def folder(told: settings.Settings) -> Path:
    """The archive of a PostgreSQL shop's changes."""
    return Path(told.history.archive or ARCHIVE)


def stream(told: settings.Settings, url: sa.URL, tables: Sequence[Traced], *, keeps: bool) -> trails.Stream:
    """The log onwards. With `keeps`, what a PostgreSQL shop's slot holds is taken out of it and put into the archive."""
    if not is_postgres(url):
        return following.open_stream(url, tables)
    return log.SlotStream(url, folder(told), tables, keeps=keeps)


@contextlib.contextmanager
def past(
    told: settings.Settings, url: sa.URL, tables: Sequence[Traced], log_place: str | None, archive_place: str | None
) -> Iterator[tuple[trails.ChangeLog, Sequence[change.Gap]]]:
    """The log of a PostgreSQL shop to look an order up in, and what is missing of it: the archive and what the slot holds beyond it, which
    is kept where the archive is named; another archive as it is. Raises as adapters do."""
    _no_files(log_place)
    if archive_place is not None and Path(archive_place).resolve() != folder(told).resolve():
        # Two archives of one slot would have half of its changes each.
        with log.kept(Path(archive_place)) as kept:
            yield kept, kept.gaps
        return
    with log.opened(url, folder(told), tables, keeps=archive_place is not None) as new:
        yield new, new.gaps


@contextlib.contextmanager
def run(told: settings.Settings, url: sa.URL, tables: Sequence[Traced], log_place: str | None) -> Iterator[reversals.Film]:
    """The log of a shop, to be run through from its oldest place on. Raises as adapters do."""
    if not is_postgres(url):
        with film.opened(url, log_place) as binlog:
            yield binlog
        return
    _no_files(log_place)
    with slotfilm.opened(url, folder(told), tables) as slot:
        yield slot


@contextlib.contextmanager
def imaged(told: settings.Settings, url: sa.URL, tables: Sequence[Traced], names: Sequence[str]) -> Iterator[slotfilm.SlotFilm]:
    """The log of a PostgreSQL shop, to make images of these tables of. Raises as adapters do."""
    those = [t for t in tables if t.table.lower() in names]
    with slotfilm.opened(url, folder(told), those, for_images=True) as slot:
        yield slot


def _no_files(log_place: str | None) -> None:
    if log_place is not None:
        todo = "Leave it out, or name an archive with --archive."
        raise faults.BadInput("a PostgreSQL server's log is in no file that we read", where="--log", todo=todo)


def slot_script(told: settings.Settings) -> tuple[str, ...]:
    """What would have this shop file's PostgreSQL server keep the shop's changes; empty where it does already. Reads only. Raises BadInput
    for another database."""
    return setup.script(*_published(told))


def make_slot(told: settings.Settings) -> None:
    """Run that: it is added to a shop only when asked for."""
    setup.install(*_published(told))


def slot_health(told: settings.Settings) -> health.Health | None:
    """How the log of a PostgreSQL shop stands; None for another one. Raises as adapters do."""
    url = wiring_shop.address(told)
    if not is_postgres(url):
        return None
    return health.look(url, _tables(told, url))


def _published(told: settings.Settings) -> tuple[sa.URL, Sequence[tuple[str, str]]]:
    url = wiring_shop.address(told)
    if not is_postgres(url):
        todo = "Leave --slot out; docs/history.md says what each kind of shop needs."
        raise faults.BadInput("only a PostgreSQL server needs a slot", where="shop.database", todo=todo)
    return url, _tables(told, url)


def _tables(told: settings.Settings, url: sa.URL) -> Sequence[tuple[str, str]]:
    known = traces.traces(wiring_shop.map_of(told), wiring_shop.schema_of(url), b"").tables
    return tuple(dict.fromkeys((t.schema, t.table) for t in known))


def forget(told: settings.Settings, before: datetime) -> int:
    """Let go of what was committed before this instant; how many transactions."""
    if not archive.exists(folder(told)):
        return 0
    with archive.opened(folder(told)) as kept:
        return kept.forget(before)


def keep_up(told: settings.Settings, url: sa.URL, tables: Sequence[Traced]) -> tuple[int, Sequence[change.Gap]]:
    """Keep what is new; how many transactions came, and which gaps are new."""
    return log.keep_up(url, folder(told), tables)
