"""A merchant at the sandbox's Douyin Pay, wired together in one call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from makewhole.adapters import http
from makewhole.adapters.payments.apiv3 import callbacks
from makewhole.adapters.payments.douyinpay import account, connector
from makewhole.core import clock, ids
from makewhole.model import payment
from makewhole.sandbox.channel import faults as plans
from makewhole.sandbox.channel import server
from makewhole.sandbox.channel import truth as truths
from makewhole.sandbox.douyinpay import gateway, keys
from tests.payments import shop as shops

CHANNEL = ids.ChannelName("douyinpay")
NOTIFY_URL = "https://relay.shop.test/notify/douyinpay"


def merchant_account(**other: Any) -> account.Account:
    """The sandbox's merchant."""
    told: dict[str, Any] = {
        "name": CHANNEL,
        "mchid": gateway.Merchant().mchid,
        "appid": gateway.Merchant().appid,
        "serial_no": keys.serial("merchant"),
        "private_key": account.private_key(keys.pem("merchant_key")),
        "apiv3_key": account.apiv3_key(keys.APIV3_KEY),
        "base_url": "http://douyinpay.sandbox",
        "notify_url": NOTIFY_URL,
    }
    return account.Account(**(told | other))


@dataclass(kw_only=True)
class DouyinShop(shops.Shop):
    """At Douyin Pay."""

    NAME = "douyinpay"
    SPOILT: ClassVar = [fault for fault in shops.SPOILT if fault is not plans.Fault.ANSWER_PROBE]
    PAID = "ORDERPAID"
    CLOSED = "ORDER_CLOSED"
    USED = "OUT_TRADE_NO_USED"
    PARTLY_REFUNDED = payment.AttemptState.REFUND
    REFUNDS_TAKE_TIME = True

    gate: gateway.Gateway
    channel: connector.DouyinPay
    reader: callbacks.Callbacks

    @property
    def merchant(self) -> str:
        return self.gate.merchant.mchid

    def opened(self, number: str = "A1", total: int = 12850, **other: Any) -> truths.Transaction:
        told = {"kind": "native", "description": "茶", "notify_url": NOTIFY_URL} | other
        m = self.gate.merchant
        return self.truth.create(truths.Order(appid=m.appid, mchid=m.mchid, out_trade_no=number, total=total, **told))


def shop(*, seed: int = 0, rates: dict[plans.Fault, float] | None = None, **other: Any) -> DouyinShop:
    """In process, on a clock that stands still."""
    ticking = clock.ManualClock(shops.START)
    front = gateway.Gateway(ticking, faults=plans.Faults(seed, rates))
    return _wired(ticking, front, front.transport, **other)


@contextmanager
def loopback_shop(**other: Any) -> Iterator[DouyinShop]:
    """The same over real sockets."""
    ticking = clock.ManualClock(shops.START)
    front = gateway.Gateway(ticking)
    pool = http.Pool(http.Timeouts(connect_s=2, read_s=2, total_s=3))
    with server.serving(front) as base_url:
        try:
            yield _wired(ticking, front, pool, base_url=base_url, **other)
        finally:
            pool.close()


def _wired(ticking: clock.ManualClock, front: gateway.Gateway, transport: http.Transport, **other: Any) -> DouyinShop:
    client = http.Client(transport, sleep=lambda s: ticking.sleep(timedelta(seconds=s)))
    nonces = iter(range(10**9))
    channel = connector.DouyinPay(merchant_account(**other), client, ticking, nonce=lambda: f"{next(nonces):032d}")
    return DouyinShop(clock=ticking, gate=front, channel=channel, reader=channel.callbacks(shops.SHOP))
