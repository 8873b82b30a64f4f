"""The parts of search put together by hand: settings go in, the index, what is put into it and the reader of log files come out."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from makewhole import ports, settings
from makewhole.adapters.search import reader as logs
from makewhole.adapters.shops import engines
from makewhole.core import clock, ids
from makewhole.wiring import shop as wiring_shop


def open_search(told: settings.Settings) -> ports.Search:
    """The search index of the settings' folder. Nothing is made before something is written."""
    from makewhole.adapters.search import embedded

    return embedded.EmbeddedSearch(Path(told.search))


@contextlib.contextmanager
def open_archive(told: settings.Settings) -> Iterator[ports.Archive]:
    """Every order of the shop, for the index. Raises as `open_world` does."""
    from makewhole.adapters.shops import archive

    map_ = wiring_shop.map_of(told)
    reader = engines.for_eyes(wiring_shop.address(told))
    try:
        yield archive.attach(map_, reader, wiring_shop.hash_secret(told, keep=True))
    finally:
        reader.dispose()


def log_reader(told: settings.Settings) -> logs.Reader:
    """Reads log files and words as the shop's map allows; without a shop file nothing is kept of any phone."""
    from makewhole.adapters.shops import archive

    if not told.shop.file:
        return logs.Reader(shop=ids.ShopName(""), zone=clock.BEIJING, spell=archive.phones(None, b""))
    map_ = wiring_shop.map_of(told)
    hashed = archive.hashes_phones(map_)
    spell = archive.phones(map_, wiring_shop.hash_secret(told, keep=True) if hashed else b"")
    return logs.Reader(shop=ids.ShopName(map_.name), zone=map_.zone, spell=spell)
