"""A merchant at the sandbox's Douyin Pay, wired together in one call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from makewhole.adapters import http
from makewhole.adapters.payments.douyinpay import account, connector
from makewhole.core import ids
from makewhole.sandbox.channel import faults as plans
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
class DouyinShop(shops.Apiv3Shop):
    """At Douyin Pay."""

    gate: gateway.Gateway
    channel: connector.DouyinPay

    @classmethod
    def front(cls, ticking: shops.Ticking, faults: plans.Faults) -> shops.Front:
        return gateway.Gateway(ticking, faults=faults)

    @classmethod
    def attached(cls, front: gateway.Gateway, ticking: shops.Ticking, client: http.Client, **other: Any) -> Self:
        channel = connector.DouyinPay(merchant_account(**{"base_url": front.base_url} | other), client, ticking, nonce=shops.nonces())
        return cls(clock=ticking, gate=front, channel=channel, reader=channel.callbacks(shops.SHOP))


def shop(**other: Any) -> DouyinShop:
    """At Douyin Pay, in process."""
    return shops.made(DouyinShop, **other)
