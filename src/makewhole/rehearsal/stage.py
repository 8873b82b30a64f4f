"""A sandbox world and our own engine put together in one process: the demo, the simulator and their tests run on what is made here."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from makewhole import ports, settings
from makewhole.adapters import http
from makewhole.adapters.payments.wechatpay import account, connector
from makewhole.adapters.shops import engines, eyes, hands, language, schema, shopmap
from makewhole.adapters.store import journal
from makewhole.core import faults, ids
from makewhole.engine import relay
from makewhole.model import act, payment, plan, run
from makewhole.sandbox import day, world
from makewhole.sandbox.shop import notices, till
from makewhole.sandbox.wechatpay import keys
from makewhole.wiring import books as wiring_books

CHANNEL = ids.ChannelName("wechatpay")
FORWARD_AFTER = timedelta(seconds=2)
"""Between keeping a callback and handing it on."""
SECRET = b"a rehearsal's buyers are invented"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A day and the engine that looks after it."""

    day: day.Day
    store: journal.SqlStore
    world: ports.World
    reader: ports.NoticeReader

    def close(self) -> None:
        """Give every connection back."""
        self.store.close()


class Postman:
    """Hands kept callbacks to the shop's handler: the same bytes as over HTTP."""

    def __init__(self, on: day.Day) -> None:
        self._day = on

    def forward(self, notice: ports.Kept) -> tuple[payment.ShopAnswer, int | None]:
        """The shop's answer."""
        try:
            status, _ = notices.receive(self._day.shop, notice.headers, notice.body)
        except ConnectionError:
            return payment.ShopAnswer.UNREACHABLE, None
        return (payment.ShopAnswer.ACKNOWLEDGED if status < 300 else payment.ShopAnswer.REFUSED), status


class Replayer:
    """Hands a payment's kept callback to the shop once more, where that can still help."""

    def __init__(self, store: ports.Store, postman: ports.Forwarder) -> None:
        self._store = store
        self._postman = postman

    def __call__(self, order: ids.OrderKey, step: plan.Step) -> run.News | None:
        """None where none was kept, or where the shop has said yes before and shows nothing."""
        if not isinstance(step.act, act.RecordPayment):
            return None
        told = self._store.notices(order.shop, step.act.payment)
        kept = [k for k in told if k.check is payment.NoticeCheck.GENUINE and k.refund is None]
        if not kept or kept[-1].answer is payment.ShopAnswer.ACKNOWLEDGED:
            return None
        answer, _ = self._postman.forward(kept[-1])
        return run.Succeeded(detail="callback replayed") if answer is payment.ShopAnswer.ACKNOWLEDGED else None


@functools.cache
def shop_map() -> shopmap.ShopMap:
    """The sandbox shop's map, parsed once a process."""
    return shopmap.compile_map(language.load(settings.find_data("shops", "demo")))


@functools.cache
def shop_schema() -> schema.Schema:
    """Its tables, held against the map once a process: thousands of worlds have the same."""
    with tempfile.TemporaryDirectory() as folder:
        shop_file = Path(folder) / "shop.db"
        world.found(0, shop_file).shop.rows.database.close()
        reading = engines.for_eyes(f"sqlite:///{shop_file}")
        with reading.connect() as connection:
            live = schema.reflect(connection, shop_map(), schema.tables_of_hands(shop_map()))
        reading.dispose()
    schema.check_hands(shop_map(), live)
    return live


def stage(seed: int, folder: Path, *, store: str = "sqlite://") -> Stage:
    """An empty world in a folder, with an engine attached to it as to any shop: by address, shop file and credentials."""
    shop_file = folder / "shop.db"
    made = world.found(seed, shop_file)
    map_ = shop_map()
    address = f"sqlite:///{shop_file}"
    reading = engines.for_eyes(address)
    seeing = eyes.SqlEyes(map_, shop_schema(), reading, made.clock, SECRET)
    kept = journal.SqlStore(store)
    channel = connector.WeChatPay(_account(), http.Client(made.channel.transport, sleep=lambda _: None), made.clock, nonce=_nonces(made))
    postman = Postman(made)
    attached = ports.World(
        clock=made.clock,
        eyes=seeing,
        hands=hands.SqlHands(map_, shop_schema(), engines.for_hands(address), reading, Replayer(kept, postman)),
        channels={CHANNEL: channel},
        store=kept,
        policies=settings.policy_book(),
        playbook=settings.load_playbook(),
        relayed=True,
        forwarder=postman,
        books=wiring_books.books({CHANNEL: channel}, kept.ledger),
    )
    reader = channel.callbacks(seeing.shop)

    def receive(headers: till.Headers, body: bytes) -> int:
        status = relay.receive(attached, reader, headers, body).status
        made.at(made.clock.now() + FORWARD_AFTER, lambda: forward_due(attached))
        return status

    made.relay = receive
    return Stage(day=made, store=kept, world=attached, reader=reader)


def forward_due(world: ports.World) -> None:
    """As `serve` does every few seconds: a fault ends the round, not the process."""
    try:
        relay.forward_due(world)
    except (faults.Unavailable, faults.Indeterminate, faults.Rejected):
        return


def _nonces(of: day.Day) -> Callable[[], str]:
    count = 0

    def nonce() -> str:
        nonlocal count
        count += 1
        return ids.derive("nonce", of.seed, count)

    return nonce


def _account() -> account.Account:
    return account.Account(
        name=CHANNEL,
        mchid="1900000001",
        appid="wxd678efh567hg6787",
        serial_no=keys.serial("merchant"),
        private_key=keys.private("merchant"),
        apiv3_key=keys.APIV3_KEY.encode(),
        base_url="http://wechatpay.sandbox",
        notify_url=world.NOTIFY_URL,
        public_key_id=keys.PUBLIC_KEY_ID,
        public_key=keys.public("public_key_mode"),
    )
