"""The parts of a rollback put together by hand: settings go in, the bench at which changes are taken back comes out."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from makewhole import settings
from makewhole.adapters.shops import engines, traces
from makewhole.engine import rewinding
from makewhole.wiring import changelog as wiring_changelog
from makewhole.wiring import shop as wiring_shop


@contextlib.contextmanager
def open_rollback(told: settings.Settings, log_place: str | None) -> Iterator[tuple[rewinding.Bench, traces.Traces]]:
    """Attach to the shop's rows and to its log from the first byte, to take changes back; and what may be shown of them.

    Raises as `open_world` does. Who may not write can plan all the same.
    """
    from makewhole.adapters.changelog import shelf
    from makewhole.adapters.shops import backing, reverser
    from makewhole.adapters.shops.postgres import reverser as pgreverser

    map_ = wiring_shop.map_of(told)
    url = wiring_shop.address(told)
    hands_url = wiring_shop.hands_address(told)
    with contextlib.ExitStack() as stack:
        known = traces.traces(map_, wiring_shop.schema_of(url), wiring_shop.hash_secret(told, keep=False))
        log_film = stack.enter_context(wiring_changelog.run(told, url, known.tables, log_place))
        attach = pgreverser.attach if wiring_changelog.is_postgres(url) else reverser.attach
        reader, writer = engines.for_eyes(url), None if hands_url is None else engines.for_hands(hands_url)
        for engine in filter(None, (reader, writer)):
            stack.callback(engine.dispose)
        bench = rewinding.Bench(
            film=log_film,
            hand=attach(reader, writer, backing.counters(map_), map_.where),
            shelf=stack.enter_context(shelf.opened()),
            shop=map_.name,
            tables=known.tables,
            key_of=lambda number: traces.key_of(map_, reader, number),
            part=lambda key: traces.part_of(map_, reader, key),
            who=backing.historian(map_),
            state=known.state,
            state_columns=backing.state_columns(map_),
            whole=known.whole,
            money=backing.money(map_),
        )
        yield bench, known
