"""The parts put together by hand: settings go in, an attached World comes out, in one readable function."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from makewhole import ports, settings, wiring_books, wiring_changelog, wiring_channels, wiring_markets, wiring_shop
from makewhole.adapters import http
from makewhole.adapters.changelog import triggers
from makewhole.adapters.search import reader as logs
from makewhole.adapters.shops import engines, eyes, forward, hands, lens, shopmap, survey, traces
from makewhole.adapters.store import evidence, journal
from makewhole.attach import survey as shop_survey
from makewhole.core import clock, faults, ids, note
from makewhole.engine import codes, heed, rewinding
from makewhole.ports import trails

ORIGIN = "makewhole/evidence"
"""The name of the evidence log in its checkpoints."""
POOL_MIN = 8
"""Connections kept to channels and shop, whatever the number of workers."""
FORWARD_TIMEOUTS = http.Timeouts(connect_s=2, read_s=5, total_s=5)
"""A channel gives a shop 5 s to answer a callback, and so do we: whoever waits longer for one does not come to the others."""
log = structlog.get_logger()


class SystemClock:
    """The machine's clock: the only place where the real time comes in."""

    def now(self) -> datetime:
        """The current instant, in UTC."""
        return datetime.now(UTC)

    def sleep(self, span: timedelta) -> None:
        """Wait."""
        time.sleep(max(span.total_seconds(), 0))


@contextlib.contextmanager
def open_world(told: settings.Settings, *, clock: clock.Clock | None = None, need_store: bool = True) -> Iterator[ports.World]:
    """Attach to the shop, the channels and the store that the settings name; let go of them at the end.

    Without `need_store` nothing is written, not even our own: a store that exists is read, else a passing one in memory is used.
    Raises BadInput for settings that cannot be meant, Unavailable for addresses that do not answer.
    """
    ticking = clock or SystemClock()
    with contextlib.ExitStack() as stack:
        keeps = need_store or _exists(told.store)
        store = stack.enter_context(journal.SqlStore(told.store if keeps else "sqlite://"))
        pool = stack.enter_context(contextlib.closing(http.Pool(connections=max(POOL_MIN, told.engine.workers))))
        client = http.Client(pool, breaker=http.Breaker())
        map_ = wiring_shop.map_of(told)
        reader = engines.for_eyes(wiring_shop.address(told))
        stack.callback(reader.dispose)
        seeing = eyes.attach(map_, reader, ticking, wiring_shop.hash_secret(told, keep=need_store))
        postman = http.Client(stack.enter_context(contextlib.closing(http.Pool(FORWARD_TIMEOUTS))))
        forwarder = wiring_channels.forwarder(told, postman)
        acting = None
        hands_url = wiring_shop.hands_address(told)
        if hands_url is not None:
            writer = engines.for_hands(hands_url)
            stack.callback(writer.dispose)
            replay = None if forwarder is None else forward.replaying(store.notices, forwarder)
            token = os.environ.get(settings.PREFIX + "SHOP_TOKEN", "")
            call = forward.calling(told.shop.admin_url, token, client) if told.shop.admin_url else None
            acting = hands.attach(map_, writer, reader, replay, call)
        channels = wiring_channels.channels(told, client, ticking)
        world = ports.World(
            clock=ticking,
            eyes=seeing,
            hands=acting,
            channels=channels,
            store=store,
            policies=settings.policy_book(told.platform, told.house),
            playbook=settings.load_playbook(told.playbook),
            relayed=told.relayed(),
            forwarder=forwarder,
            books=wiring_books.books(
                channels, store.ledger, told.fees(), markets=wiring_markets.markets(told, client, ticking), bank=told.bank
            ),
            trail=_trail(told, map_, reader, store, keep=need_store),
            seal=_seal(told) if need_store else None,
            owner=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}",
            lease=told.lease(),
        )
        try:
            yield world
        finally:
            if need_store:
                _leave(world)


def _trail(told: settings.Settings, map_: shopmap.ShopMap, reader: sa.Engine, store: journal.SqlStore, *, keep: bool) -> heed.LogTrail:
    """What the shop's change log tells, from where the store remembers on. Nothing is read before somebody asks."""
    url = wiring_shop.address(told)
    schema = wiring_shop.schema_of(url)
    seen = lens.MapLens(map_, schema, wiring_shop.hash_secret(told, keep=keep), reader)
    name = ids.ShopName(map_.name)

    def stream() -> trails.Stream:
        return wiring_changelog.stream(told, url, seen.followed, keeps=keep)

    return heed.LogTrail(name, stream, seen, store.notebook, keeps=keep)


def survey_shop(told: settings.Settings) -> shop_survey.Survey:
    """What the shop's database shows of itself, read and not written. Raises as `open_world` does."""
    reader = engines.for_eyes(wiring_shop.address(told))
    try:
        return survey.take(reader, "shop.database")
    finally:
        reader.dispose()


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
            who=backing.historian(map_),
            state=known.state,
            whole=known.whole,
            money=backing.money(map_),
        )
        yield bench, known


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


def keep_books(world: ports.World) -> None:
    """Sign the evidence log as it is now, and remember for the doctor which codes a channel answered that no document knows."""
    if world.seal is not None:
        world.store.checkpoint(world.seal, ORIGIN)
    codes.remember(world)


def _leave(world: ports.World) -> None:
    """The last books. That they cannot be kept is no reason to hide how the work itself ended."""
    try:
        keep_books(world)
    except faults.Fault as down:
        log.warning("the evidence log was not signed", why=down.why)


def _exists(store: str) -> bool:
    """Whether a store is there already. A server's is: opening it makes its tables, which a reader may not do; it says so itself."""
    prefix = "sqlite:///"
    return Path(store.removeprefix(prefix)).exists() if store.startswith(prefix) else bool(store)


def _seal(told: settings.Settings) -> note.Seal:
    """The seal of the evidence log, with a key of its own that is made at first use."""
    path = Path(told.keys) / "evidence.pem"
    fresh = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key = serialization.load_pem_private_key(wiring_shop.kept(path, fresh), password=None)
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise faults.BadInput("not an Ed25519 key", where=str(path), todo="Put the key back that signed the log, or move it away.")
    return evidence.sealing(ORIGIN, key)
