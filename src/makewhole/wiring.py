"""The parts put together by hand: settings go in, an attached World comes out, in one readable function."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import secrets
import socket
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from makewhole import ports, settings, wiring_books
from makewhole.adapters import http
from makewhole.adapters.changelog import archive as change_archive
from makewhole.adapters.changelog import film, following, opening
from makewhole.adapters.payments.alipay import account as alipay_accounts
from makewhole.adapters.payments.alipay import callbacks as alipay_callbacks
from makewhole.adapters.payments.alipay import connector as alipay_connector
from makewhole.adapters.payments.alipay import signing as alipay_signing
from makewhole.adapters.payments.wechatpay import account, connector
from makewhole.adapters.search import reader as logs
from makewhole.adapters.shops import engines, eyes, forward, hands, language, lens, shopmap, survey, traces
from makewhole.adapters.store import evidence, journal
from makewhole.attach import survey as shop_survey
from makewhole.core import clock, faults, ids, note
from makewhole.engine import codes, heed, history, rewinding

WECHATPAY = ids.ChannelName("wechatpay")
ALIPAY = ids.ChannelName("alipay")
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
        client = http.Client(pool)
        map_ = shopmap.compile_map(language.load(language.find(told.shop.file, settings.data_dir("shops"))))
        reader = engines.for_eyes(_address(told.shop.database, told.shop, "PASSWORD"))
        stack.callback(reader.dispose)
        seeing = eyes.attach(map_, reader, ticking, _hash_secret(told, keep=need_store))
        postman = http.Client(stack.enter_context(contextlib.closing(http.Pool(FORWARD_TIMEOUTS))))
        forwarder = _forwarder(told, postman)
        acting = None
        if told.shop.hands_database:
            writer = engines.for_hands(_address(told.shop.hands_database, told.shop, "HANDS_PASSWORD"))
            stack.callback(writer.dispose)
            replay = None if forwarder is None else forward.replaying(store.notices, forwarder)
            token = os.environ.get(settings.PREFIX + "SHOP_TOKEN", "")
            call = forward.calling(told.shop.admin_url, token, client) if told.shop.admin_url else None
            acting = hands.attach(map_, writer, reader, replay, call)
        channels = _channels(told, client, ticking)
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
            books=wiring_books.books(channels, store.ledger),
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
    url = _address(told.shop.database, told.shop, "PASSWORD")
    schema = "" if url.get_backend_name() == "sqlite" else url.database or ""
    seen = lens.MapLens(map_, schema, _hash_secret(told, keep=keep), reader)
    name = ids.ShopName(map_.name)
    return heed.LogTrail(name, lambda: following.open_stream(url, seen.tables), seen, store.notebook, keeps=keep)


def survey_shop(told: settings.Settings) -> shop_survey.Survey:
    """What the shop's database shows of itself, read and not written. Raises as `open_world` does."""
    reader = engines.for_eyes(_address(told.shop.database, told.shop, "PASSWORD"))
    try:
        return survey.take(reader, "shop.database")
    finally:
        reader.dispose()


@contextlib.contextmanager
def open_past(told: settings.Settings, log_place: str | None, archive_place: str | None = None) -> Iterator[history.Past]:
    """Attach to the shop and to its change log: an archive, brought up to now first; binlog files; or the shop's own server.

    Raises as `open_world` does.
    """
    map_ = shopmap.compile_map(language.load(language.find(told.shop.file, settings.data_dir("shops"))))
    url = _address(told.shop.database, told.shop, "PASSWORD")
    schema = "" if url.get_backend_name() == "sqlite" else url.database or ""
    known = traces.traces(map_, schema, _hash_secret(told, keep=False))
    reader = engines.for_eyes(url)
    with contextlib.ExitStack() as stack:
        stack.callback(reader.dispose)
        log: ports.ChangeLog
        if archive_place is not None:
            log = kept = stack.enter_context(change_archive.opened(Path(archive_place)))
            opening.keep_up(kept, url, known.tables)
        else:
            log = opening.open_log(url, log_place)
        yield history.Past(
            log=log,
            tables=known.tables,
            key_of=lambda number: traces.key_of(map_, reader, number),
            state=known.state,
            shown=known.shown,
        )


@contextlib.contextmanager
def open_rollback(told: settings.Settings, log_place: str | None) -> Iterator[tuple[rewinding.Bench, traces.Traces]]:
    """Attach to the shop's rows and to its log from the first byte, to take changes back; and what may be shown of them.

    Raises as `open_world` does. Who may not write can plan all the same.
    """
    from makewhole.adapters.changelog import shelf
    from makewhole.adapters.shops import backing, reverser

    map_ = shopmap.compile_map(language.load(language.find(told.shop.file, settings.data_dir("shops"))))
    url = _address(told.shop.database, told.shop, "PASSWORD")
    hands_url = _address(told.shop.hands_database, told.shop, "HANDS_PASSWORD") if told.shop.hands_database else None
    known = traces.traces(map_, "" if url.get_backend_name() == "sqlite" else url.database or "", _hash_secret(told, keep=False))
    with contextlib.ExitStack() as stack:
        reader, writer = engines.for_eyes(url), None if hands_url is None else engines.for_hands(hands_url)
        for engine in filter(None, (reader, writer)):
            stack.callback(engine.dispose)
        bench = rewinding.Bench(
            film=stack.enter_context(film.opened(url, log_place)),
            hand=reverser.attach(reader, writer, backing.counters(map_), map_.where),
            shelf=stack.enter_context(shelf.opened()),
            shop=map_.name,
            tables=known.tables,
            who=backing.historian(map_),
            state=known.state,
            money=backing.money(map_),
        )
        yield bench, known


def open_search(told: settings.Settings) -> ports.Search:
    """The search index of the settings' folder. Nothing is made before something is written."""
    from makewhole.adapters.search import embedded

    return embedded.EmbeddedSearch(Path(told.search))


@contextlib.contextmanager
def open_archive(told: settings.Settings) -> Iterator[ports.Archive]:
    """Every order of the shop, for the index. Raises as `open_world` does."""
    from makewhole.adapters.shops import archive

    map_ = shopmap.compile_map(language.load(language.find(told.shop.file, settings.data_dir("shops"))))
    reader = engines.for_eyes(_address(told.shop.database, told.shop, "PASSWORD"))
    try:
        yield archive.attach(map_, reader, _hash_secret(told, keep=True))
    finally:
        reader.dispose()


def log_reader(told: settings.Settings) -> logs.Reader:
    """Reads log files and words as the shop's map allows; without a shop file nothing is kept of any phone."""
    from makewhole.adapters.shops import archive

    if not told.shop.file:
        return logs.Reader(shop=ids.ShopName(""), zone=clock.BEIJING, spell=archive.phones(None, b""))
    map_ = shopmap.compile_map(language.load(language.find(told.shop.file, settings.data_dir("shops"))))
    hashed = archive.hashes_phones(map_)
    spell = archive.phones(map_, _hash_secret(told, keep=True) if hashed else b"")
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


def notice_readers(world: ports.World) -> Mapping[ids.ChannelName, ports.NoticeReader]:
    """Who reads the callbacks of each attached channel; it shares the channel's certificates."""
    known = (connector.WeChatPay, alipay_connector.Alipay)
    return {n: c.callbacks(world.eyes.shop) for n, c in world.channels.items() if isinstance(c, known)}


def wechatpay_account(told: settings.WechatpaySettings) -> account.Account:
    """The account with its keys loaded. Raises BadInput, naming the file, for a key that is none."""
    public = told.public_key_file
    if bool(public) != bool(told.public_key_id):
        missing = "wechatpay.public_key_id" if public else "wechatpay.public_key_file"
        raise faults.BadInput(
            "public-key mode needs the key and its number", where=missing, todo="Copy both from the merchant platform, or leave both out."
        )
    try:
        link = account.LinkKind(told.link)
    except ValueError as wrong:
        kinds = ", ".join(k.value for k in account.LinkKind)
        raise faults.BadInput(f"no payment link is called {told.link!r}", where="wechatpay.link", todo=f"One of: {kinds}.") from wrong
    return account.Account(
        name=WECHATPAY,
        mchid=told.mchid,
        appid=told.appid,
        serial_no=told.serial_no,
        private_key=account.private_key(_file(told.private_key_file, "wechatpay.private_key_file")),
        apiv3_key=account.apiv3_key(_file(told.apiv3_key_file, "wechatpay.apiv3_key_file").decode("utf-8", "replace")),
        base_url=told.base_url.rstrip("/"),
        notify_url=told.notify_url,
        link=link,
        public_key_id=told.public_key_id,
        public_key=account.public_key(_file(public, "wechatpay.public_key_file")) if public else None,
    )


def alipay_account(told: settings.AlipaySettings) -> alipay_accounts.Account:
    """The account with its keys loaded. Raises BadInput, naming the file, for a key that is none, and for half a mode."""
    certificates = {name: getattr(told, name) for name in ("app_cert_file", "alipay_cert_file", "root_cert_file")}
    missing = [name for name, path in certificates.items() if not path]
    if bool(told.public_key_file) is (not missing) or (missing and len(missing) < len(certificates)):
        todo = "Name Alipay's public key, or else all three certificates: app_cert_file, alipay_cert_file and root_cert_file."
        raise faults.BadInput("plain-key and certificate mode are two ways, and one of them whole is needed", where="[alipay]", todo=todo)
    if told.charset not in alipay_accounts.CHARSETS:
        known = ", ".join(sorted(alipay_accounts.CHARSETS))
        raise faults.BadInput(f"no charset is called {told.charset!r}", where="alipay.charset", todo=f"One of: {known}.")
    try:
        link = alipay_accounts.LinkKind(told.link)
    except ValueError as wrong:
        kinds = ", ".join(k.value for k in alipay_accounts.LinkKind)
        raise faults.BadInput(f"no payment link is called {told.link!r}", where="alipay.link", todo=f"One of: {kinds}.") from wrong
    made = alipay_accounts.Account(
        name=ALIPAY,
        app_id=told.app_id,
        seller_id=told.seller_id,
        private_key=alipay_accounts.private_key(_file(told.private_key_file, "alipay.private_key_file")),
        alipay=_alipay_key(told),
        gateway_url=told.gateway_url,
        charset=told.charset,
        notify_url=told.notify_url,
        link=link,
    )
    if missing:
        return made
    app, roots = (
        alipay_accounts.certificates(_file(getattr(told, name), f"alipay.{name}"), where=f"alipay.{name}")
        for name in ("app_cert_file", "root_cert_file")
    )
    return dataclasses.replace(made, app_cert_sn=alipay_signing.cert_sn(app[0]), root_cert_sn=alipay_signing.root_cert_sn(roots))


def _alipay_key(told: settings.AlipaySettings) -> alipay_accounts.Trusted:
    if told.public_key_file:
        return alipay_accounts.public_key(_file(told.public_key_file, "alipay.public_key_file"))
    return alipay_accounts.alipay_certificate(_file(told.alipay_cert_file, "alipay.alipay_cert_file"))


def _channels(told: settings.Settings, client: http.Client, ticking: clock.Clock) -> dict[ids.ChannelName, ports.Channel]:
    attached: dict[ids.ChannelName, ports.Channel] = {}
    if told.wechatpay is not None:
        attached[WECHATPAY] = connector.WeChatPay(wechatpay_account(told.wechatpay), client, ticking)
    if told.alipay is not None:
        attached[ALIPAY] = alipay_connector.Alipay(alipay_account(told.alipay), client, ticking)
    return attached


def _forwarder(told: settings.Settings, client: http.Client) -> forward.HttpForwarder | None:
    """To the shop's own doors; None where it names none."""
    url = told.shop.notify_url
    own = "" if told.alipay is None else told.alipay.shop_notify_url or url
    if not url and not own:
        return None
    doors = {ALIPAY: forward.Door(url=own, taken=alipay_callbacks.taken)} if own else {}
    return forward.HttpForwarder(url, client, doors)


def _exists(store: str) -> bool:
    """Whether a store is there already. A server's is: opening it makes its tables, which a reader may not do; it says so itself."""
    prefix = "sqlite:///"
    return Path(store.removeprefix(prefix)).exists() if store.startswith(prefix) else bool(store)


def _address(database: str, shop: settings.ShopSettings, secret: str) -> sa.URL:
    """The address with its password, which stands in the environment or a file and never in the address that people type."""
    try:
        url = sa.make_url(database)
    except sa.exc.ArgumentError as wrong:
        todo = "Write mysql://user@host:3306/shop or sqlite:///shop.db."
        raise faults.BadInput("not a database address", where="shop.database", todo=todo) from wrong
    if url.get_backend_name() == "sqlite" or url.password is not None:
        return url
    for name in (secret, "PASSWORD"):
        if password := os.environ.get(f"{settings.PREFIX}SHOP_{name}", ""):
            return url.set(password=password)
    return url.set(password=_file(shop.password_file, "shop.password_file").decode().strip()) if shop.password_file else url


def _file(path: str, where: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as missing:
        raise faults.BadInput(
            f"cannot read {path!r}: {missing.strerror}", where=where, todo="Check the path and its permissions."
        ) from missing


def _seal(told: settings.Settings) -> note.Seal:
    """The seal of the evidence log, with a key of its own that is made at first use."""
    path = Path(told.keys) / "evidence.pem"
    fresh = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key = serialization.load_pem_private_key(_kept(path, fresh), password=None)
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise faults.BadInput("not an Ed25519 key", where=str(path), todo="Put the key back that signed the log, or move it away.")
    return evidence.sealing(ORIGIN, key)


def _hash_secret(told: settings.Settings, *, keep: bool) -> bytes:
    """The secret of keyed hashes: the same buyer is the same word as long as it stays. A passing one where nothing may be written."""
    path = Path(told.keys) / "hash.key"
    fresh = secrets.token_hex(32).encode()
    if not keep and not path.exists():
        return fresh
    return _kept(path, fresh)


def _kept(path: Path, fresh: bytes) -> bytes:
    """A key file's content, written with `fresh` if it is not there yet; two processes that start at once agree on one."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError), os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
            new.write(fresh)
        return path.read_bytes()
    except OSError as wrong:
        raise faults.BadInput(
            f"cannot keep our own key: {wrong.strerror}", where=str(path), todo="Name a writable folder as `keys` in the settings."
        ) from wrong
