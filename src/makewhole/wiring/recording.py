"""How a SQLite shop comes to record its own changes: settings go in, triggers are shown or put in."""

from __future__ import annotations

import sqlalchemy as sa

from makewhole import settings
from makewhole.adapters.changelog import triggers
from makewhole.adapters.shops import traces
from makewhole.core import faults
from makewhole.wiring import shop as wiring_shop


def trigger_script(told: settings.Settings) -> tuple[str, ...]:
    """What installing the triggers of this shop file would run on a SQLite shop. Reads only. Raises BadInput for another database."""
    url, tables = _recordable(told)
    return triggers.script(url, tables)


def install_triggers(told: settings.Settings) -> None:
    """Have a SQLite shop record its own changes from now on: the one thing that is ever added to a shop, and only when asked."""
    url, tables = _recordable(told)
    triggers.install(url, tables)


def _recordable(told: settings.Settings) -> tuple[sa.URL, tuple[str, ...]]:
    url = wiring_shop.address(told)
    if url.get_backend_name() != "sqlite":
        raise faults.BadInput(
            "a server keeps a change log of its own, and needs no triggers",
            where="shop.database",
            todo="Leave --triggers out; docs/history.md says what the server's log must be set to.",
        )
    map_ = wiring_shop.map_of(told)
    return url, tuple(dict.fromkeys(t.table for t in traces.traces(map_, "", b"").tables))
