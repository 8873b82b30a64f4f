"""The parts put together by hand: settings go in, an attached World comes out, in one readable function."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from makewhole import ports, settings
from makewhole.adapters import http
from makewhole.adapters.shops import engines, eyes, forward, hands, lens, shopmap
from makewhole.adapters.store import evidence, journal
from makewhole.core import clock, faults, ids, note
from makewhole.engine import codes, heed
from makewhole.ports import trails
from makewhole.wiring import books as wiring_books
from makewhole.wiring import changelog as wiring_changelog
from makewhole.wiring import channels as wiring_channels
from makewhole.wiring import clocks
from makewhole.wiring import markets as wiring_markets
from makewhole.wiring import shop as wiring_shop

ORIGIN = "makewhole/evidence"
"""The name of the evidence log in its checkpoints."""
POOL_MIN = 8
"""Connections kept to channels and shop, whatever the number of workers."""
FORWARD_TIMEOUTS = http.Timeouts(connect_s=2, read_s=5, total_s=5)
"""A channel gives a shop 5 s to answer a callback, and so do we: whoever waits longer for one does not come to the others."""
log = structlog.get_logger()


@contextlib.contextmanager
def open_world(told: settings.Settings, *, clock: clock.Clock | None = None, need_store: bool = True) -> Iterator[ports.World]:
    """Attach to the shop, the channels and the store that the settings name; let go of them at the end.

    Without `need_store` nothing is written, not even our own: a store that exists is read, else a passing one in memory is used.
    Raises BadInput for settings that cannot be meant, Unavailable for addresses that do not answer.
    """
    ticking = clock or clocks.SystemClock()
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
