"""The parts of images put together by hand: settings go in, a studio comes out, attached to the shop's log, its tables and the album."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from makewhole import settings
from makewhole.core import clock, codec, faults
from makewhole.engine import image
from makewhole.ports import imaging
from makewhole.wiring import changelog as wiring_changelog
from makewhole.wiring import clocks
from makewhole.wiring import shop as wiring_shop

_SERVERS = frozenset({"mysql", "mariadb"})


@contextlib.contextmanager
def open_studio(told: settings.Settings, *, ticking: clock.Clock | None = None) -> Iterator[image.Studio]:
    """Attach to the shop and to its images. Nothing is made before something is added.

    Raises as `worlds.open_world` does, and BadInput for a shop without a change log.
    """
    from makewhole.adapters.images import album
    from makewhole.adapters.shops import engines, errors, schema, traces, wholes
    from makewhole.adapters.shops.postgres import tables

    map_, url = wiring_shop.map_of(told), wiring_shop.address(told)
    name, secret = wiring_shop.schema_of(url), wiring_shop.hash_secret(told, keep=True)
    with contextlib.ExitStack() as stack:
        reader = engines.for_eyes(url)
        stack.callback(reader.dispose)
        with errors.starting(reader, map_.where) as connection:
            live = schema.reflect(connection, map_)
        imaged, known = wholes.imaged(map_, live, name, secret), traces.traces(map_, name, secret)
        log: imaging.Log
        pages: imaging.Tables
        if wiring_changelog.is_postgres(url):
            slot = stack.enter_context(wiring_changelog.imaged(told, url, known.tables, [f.table.name for f in imaged.forms]))
            pages = typed = tables.PostgresTables(reader, imaged.forms, map_.where)
            log, server, form = slot, slot.server(), codec.digest([imaged.digest, typed.digest()])
        else:
            log, server = stack.enter_context(_log(url, list(dict.fromkeys(f.table.name for f in imaged.forms))))
            pages, form = wholes.SqlTables(reader, imaged.forms, map_.where), imaged.digest
        kept = stack.enter_context(contextlib.closing(album.LakeAlbum(place(told, map_.name))))
        yield image.Studio(
            source=imaging.Source(
                log=log,
                server=server,
                tables=pages,
                forms=imaged.forms,
                form=form,
            ),
            album=kept,
            clock=ticking or clocks.SystemClock(),
            state=known.state,
            whole=known.whole,
            left_out=imaged.left_out,
        )


def place(told: settings.Settings, shop: str) -> str:
    """Where the images of a shop are: a folder of its own, in the folder or under the address of the settings."""
    kept = told.images.place
    return f"{kept.rstrip('/')}/{shop}" if "://" in kept else str(Path(kept) / shop)


@contextlib.contextmanager
def _log(url: sa.URL, tables: list[str]) -> Iterator[tuple[imaging.Log, str]]:
    """The shop's change log, and what tells its server from every other."""
    from makewhole.adapters.changelog import connection, film, recorded, replica

    if url.get_backend_name() == "sqlite":
        yield recorded.RecordedLog(url, tables), Path(url.database or "").name
        return
    if url.get_backend_name() not in _SERVERS:
        raise faults.BadInput(
            f"no change log is known of a shop on {url.get_backend_name()}",
            where="shop.database",
            todo="Images are made of a log: MariaDB's, MySQL's, PostgreSQL's slot, or the triggers of SQLite.",
        )
    with connection.connected(url) as server:
        replica.check(server)
        identity = replica.identity(server)
    with contextlib.closing(film.ServerFilm(url)) as run:
        yield run, identity
