"""A merchant at a sandbox's channel: one clock, one counterpart and one connector go out, wired together in one call.

`Shop` is what every channel's has. A channel whose account a test makes itself has a kind of its own: WeChat Pay here, others beside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, ClassVar, Protocol, Self, TypeVar, cast

from makewhole import ports
from makewhole.adapters import http
from makewhole.adapters.payments import bill
from makewhole.adapters.payments.apiv3 import callbacks
from makewhole.adapters.payments.wechatpay import account, connector
from makewhole.core import clock, faults, ids, money
from makewhole.engine import relay
from makewhole.model import act, claim, payment, plan, run
from makewhole.sandbox.apiv3 import gateway as apiv3_gateway
from makewhole.sandbox.channel import faults as plans
from makewhole.sandbox.channel import gate, post, server
from makewhole.sandbox.channel import truth as truths
from makewhole.sandbox.wechatpay import gateway, keys

START = datetime(2026, 11, 23, 20, 0, tzinfo=clock.BEIJING)
SHOP = ids.ShopName("demo")
CHANNEL = ids.ChannelName("wechatpay")
NOTIFY_URL = "https://relay.shop.test/notify/wechatpay"
ORDER = ids.OrderKey(shop=SHOP, number=ids.OrderNumber("20261123200000001"))


def merchant_account(**other: Any) -> account.Account:
    """The sandbox's merchant, in certificate mode unless told otherwise."""
    told: dict[str, Any] = {
        "name": CHANNEL,
        "mchid": gateway.Merchant().mchid,
        "appid": gateway.Merchant().appid,
        "serial_no": keys.serial("merchant"),
        "private_key": account.private_key(keys.pem("merchant_key")),
        "apiv3_key": account.apiv3_key(keys.APIV3_KEY),
        "base_url": "http://wechatpay.sandbox",
        "notify_url": NOTIFY_URL,
    }
    return account.Account(**(told | other))


class AnyChannel(ports.Channel, Protocol):
    """What every connector has beside the port."""

    @property
    def merchant(self) -> str: ...

    def ask_transaction(self, transaction: ids.TransactionId) -> ports.Heard: ...

    def unlisted(self) -> dict[str, int]: ...

    def fetch_bill(self, day: date) -> bill.Fetched: ...


Ticking = clock.ManualClock
Front = gate.Gate[Any]


@dataclass(kw_only=True)
class Shop:
    """What a test holds in its hands. Whatever differs between channels, the counterpart says."""

    ACTS: ClassVar[list[type[act.Act]]] = [act.ClosePayment, act.RefundPayment, act.NewPaymentLink]

    clock: clock.ManualClock
    gate: gate.Gate[Any]
    channel: AnyChannel
    reader: ports.NoticeReader
    inbox: dict[ids.Key, ports.Kept] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The channel's."""
        return self.gate.NAME

    @property
    def notify_url(self) -> str:
        """Where callbacks of this shop's own attempts go."""
        return f"https://relay.shop.test/notify/{self.name}"

    @property
    def partly_refunded(self) -> payment.AttemptState:
        """As a query tells it."""
        return payment.AttemptState.REFUND if self.gate.PART_SHOWS else payment.AttemptState.PAID

    @property
    def refunds_take_time(self) -> bool:
        """Whether a refund is first accepted and then done."""
        return self.truth.refund_takes > timedelta(0)

    @property
    def truth(self) -> truths.Truth:
        return self.gate.truth

    @property
    def faults(self) -> plans.Faults:
        return self.gate.faults

    @property
    def merchant(self) -> str:
        """Our number there, as claims say it."""
        return self.gate.parties[1]

    def opened(self, number: str = "A1", total: int = 12850, **other: Any) -> truths.Transaction:
        """An attempt to pay, as the shop itself would have opened it and the buyer seen it."""
        self.linked(number, total, **other)
        return self.gate.open_cashier(number)

    def linked(self, number: str = "A1", total: int = 12850, **other: Any) -> truths.Transaction:
        """A link that the buyer has not opened yet."""
        told = {"kind": self.gate.LINK, "description": "茶", "notify_url": self.notify_url} | other
        appid, mchid = self.gate.parties
        return self.truth.create(truths.Order(appid=appid, mchid=mchid, out_trade_no=number, total=total, **told))

    def paid(self, number: str = "A1", total: int = 12850, **other: Any) -> truths.Transaction:
        """An attempt that was paid just now."""
        self.opened(number, total, **other)
        return self.truth.buyer_pays(number)

    def ask(self, number: str = "A1") -> payment.Attempt | claim.Silence:
        """The one thing that the channel says of one number."""
        told, silent = self.channel.ask([ids.OutTradeNo(number)])
        assert len(told) + len(silent) == 1
        if silent:
            return silent[0]
        assert isinstance(told[0], payment.Attempt)
        return told[0]

    def deliveries(self) -> list[post.Delivery]:
        """What the channel would post right now; nobody acknowledges it."""
        got: list[post.Delivery] = []

        def keep(delivery: post.Delivery) -> Any:
            got.append(delivery)
            raise TimeoutError

        self.gate.deliver(keep)
        return got

    def answered(self, headers: ports.Headers, body: bytes) -> int:
        """The status that the relay gives the channel; what it keeps is in `inbox`."""
        keep = SimpleNamespace(keep_notice=lambda kept: self.inbox.setdefault(kept.key, kept) is kept)
        return relay.receive(cast("ports.World", SimpleNamespace(clock=self.clock, store=keep)), self.reader, headers, body).status

    def read(self, delivery: post.Delivery) -> payment.NoticeCheck:
        """What our reader makes of a delivery."""
        return self.reader.read(delivery.headers, delivery.body, self.clock.now()).check


@dataclass(kw_only=True)
class Apiv3Shop(Shop):
    """At a channel that speaks APIv3."""

    gate: apiv3_gateway.Gateway
    reader: callbacks.Callbacks


@dataclass(kw_only=True)
class WeChatShop(Apiv3Shop):
    """At WeChat Pay, with an account of the test's own making."""

    gate: gateway.Gateway
    channel: connector.WeChatPay

    @classmethod
    def front(cls, ticking: Ticking, faults: plans.Faults) -> Front:
        return gateway.Gateway(ticking, faults=faults)

    @classmethod
    def attached(cls, front: gateway.Gateway, ticking: Ticking, client: http.Client, **other: Any) -> Self:
        openid_of = other.pop("openid_of", None)
        of = merchant_account(**{"base_url": front.base_url} | other)
        channel = connector.WeChatPay(of, client, ticking, nonce=nonces(), openid_of=openid_of)
        return cls(clock=ticking, gate=front, channel=channel, reader=channel.callbacks(SHOP))


def nonces() -> Callable[[], str]:
    """They count, so that a test repeats itself to the byte."""
    counted = iter(range(10**9))
    return lambda: f"{next(counted):032d}"


Kind = TypeVar("Kind", bound=Shop)
Kind_co = TypeVar("Kind_co", bound=Shop, covariant=True)


class Wired(Protocol[Kind_co]):
    """A kind of shop: of one channel, or with an account of its own."""

    def front(self, ticking: Ticking, faults: plans.Faults) -> Front:
        """A counterpart with this clock."""
        ...

    def attached(self, front: Any, ticking: Ticking, client: http.Client, **other: Any) -> Kind_co:
        """A shop whose connector asks this counterpart through this client; `other` is about its account."""
        ...


def made(kind: Wired[Kind], *, seed: int = 0, rates: dict[plans.Fault, float] | None = None, **other: Any) -> Kind:
    """In process, on a clock that stands still."""
    ticking = clock.ManualClock(START)
    front = kind.front(ticking, plans.Faults(seed, rates))
    return kind.attached(front, ticking, _client(ticking, front.transport), **other)


@contextmanager
def served(kind: Wired[Kind], **other: Any) -> Iterator[Kind]:
    """The same over real sockets."""
    ticking = clock.ManualClock(START)
    front = kind.front(ticking, plans.Faults())
    pool = http.Pool(http.Timeouts(connect_s=2, read_s=2, total_s=3))
    with server.serving(front):
        try:
            yield kind.attached(front, ticking, _client(ticking, pool), **other)
        finally:
            pool.close()


def _client(ticking: clock.ManualClock, transport: http.Transport) -> http.Client:
    return http.Client(transport, sleep=lambda s: ticking.sleep(timedelta(seconds=s)))


def shop(**other: Any) -> WeChatShop:
    """At WeChat Pay, in process."""
    return made(WeChatShop, **other)


def close_step(number: str = "A1") -> plan.Step:
    return plan.Step(act=act.ClosePayment(channel=CHANNEL, payment=ids.OutTradeNo(number)))


def refund_step(of: truths.Transaction, amount: int | None = None, number: str = "MW0001", **other: Any) -> plan.Step:
    told: dict[str, Any] = {
        "channel": CHANNEL,
        "payment": ids.OutTradeNo(of.order.out_trade_no),
        "transaction": ids.TransactionId(of.transaction_id),
        "number": ids.RefundNo(number),
        "amount": money.Money(fen=of.paid if amount is None else amount),
        "paid": money.Money(fen=of.paid),
    }
    return plan.Step(act=act.RefundPayment(**(told | other)))


def link_step(number: str = "A1", total: int = 12850) -> plan.Step:
    return plan.Step(
        act=act.NewPaymentLink(
            channel=CHANNEL,
            payment=ids.OutTradeNo(number),
            amount=money.Money(fen=total),
            expires_at=START + timedelta(minutes=30),
        )
    )


def reader_at(front: gateway.Gateway) -> callbacks.Callbacks:
    """A reader of this counterpart's callbacks, in either mode, by the clock of the wire."""
    public = account.public_key(keys.public_pem("public_key_mode"))
    of = merchant_account(public_key_id=keys.PUBLIC_KEY_ID, public_key=public)
    return connector.WeChatPay(of, http.Client(front.transport), front.wire_clock).callbacks(SHOP)


def do(shop: Shop, step: plan.Step) -> run.News:
    """As the engine does it: faults become news."""
    try:
        return shop.channel.do(ORDER, step, shop.clock.now())
    except faults.Unavailable as down:
        return run.NotDone(why=down.why)
    except faults.Indeterminate as doubt:
        return run.Doubt(why=doubt.why)


def attempt(shop: Shop, number: str = "A1") -> payment.Attempt:
    told = shop.ask(number)
    assert isinstance(told, payment.Attempt)
    return told
