"""A merchant at the sandbox's Alipay, in plain-key mode or with certificates, wired together in one call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from makewhole.adapters import http
from makewhole.adapters.payments.alipay import account, callbacks, connector, signing
from makewhole.core import ids
from makewhole.sandbox.alipay import gateway, keys
from makewhole.sandbox.channel import faults as plans
from tests.payments import shop as shops

CHANNEL = ids.ChannelName("alipay")
NOTIFY_URL = "https://relay.shop.test/notify/alipay"
CERTIFICATES: dict[str, Any] = {
    "alipay": account.alipay_certificate(keys.pem("alipay_cert")),
    "app_cert_sn": signing.cert_sn(account.certificates(keys.pem("app_cert"), where="")[0]),
    "root_cert_sn": signing.root_cert_sn(account.certificates(keys.pem("root_cert"), where="")),
    "roots": tuple(account.certificates(keys.pem("root_cert"), where="")),
}
"""What makes an account one in certificate mode."""


def merchant_account(**other: Any) -> account.Account:
    """The sandbox's merchant, with plain keys unless told otherwise."""
    told: dict[str, Any] = {
        "name": CHANNEL,
        "app_id": gateway.Merchant().app_id,
        "seller_id": gateway.Merchant().seller_id,
        "private_key": account.private_key(keys.pem("app_key")),
        "alipay": account.public_key(keys.public_pem("alipay")),
        "gateway_url": "http://alipay.sandbox/gateway.do",
        "notify_url": NOTIFY_URL,
    }
    return account.Account(**(told | other))


@dataclass(kw_only=True)
class AlipayShop(shops.Shop):
    """At Alipay."""

    gate: gateway.Gateway
    channel: connector.Alipay
    reader: callbacks.Callbacks

    @classmethod
    def front(cls, ticking: shops.Ticking, faults: plans.Faults) -> shops.Front:
        return gateway.Gateway(ticking, faults=faults)

    @classmethod
    def attached(cls, front: gateway.Gateway, ticking: shops.Ticking, client: http.Client, **other: Any) -> Self:
        channel = connector.Alipay(merchant_account(**{"gateway_url": front.gateway_url} | other), client, ticking)
        return cls(clock=ticking, gate=front, channel=channel, reader=channel.callbacks(shops.SHOP))


def shop(**other: Any) -> AlipayShop:
    """At Alipay, in process."""
    return shops.made(AlipayShop, **other)
