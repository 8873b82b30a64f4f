"""A kept callback is handed on at the shop's own door for its channel, and is taken only if the shop says so in that channel's words."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from makewhole import ports
from makewhole.adapters import http
from makewhole.adapters.payments import registry
from makewhole.adapters.shops import forward
from makewhole.core import ids
from makewhole.model import payment
from tests.payments import every
from tests.payments import shop as shops


class Server:
    """A shop's server: answers with what it is told, and remembers where it was called and with what."""

    def __init__(self, status: int, body: bytes) -> None:
        self.answer = (status, body)
        self.called: list[tuple[str, dict[str, str], bytes]] = []

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        self.called.append((url, dict(headers), body))
        return self.answer[0], {}, self.answer[1]


ANSWERS = {
    "wechatpay": [(200, b"", True), (204, b"", True), (200, b'{"code":"FAIL"}', True), (500, b"", False), (404, b"", False)],
    # Most shops answer Alipay 200 with `fail`.
    "alipay": [
        (200, b"success", True),
        (200, b"SUCCESS", False),
        (200, b"fail", False),
        (200, b"", False),
        (500, b"success", False),
        (204, b"", False),
    ],
    "douyinpay": [
        (200, b'{"code":"SUCCESS","message":"OK"}', True),
        (200, b"", True),
        (204, b"", True),
        (200, b"success", True),
        (200, b'{"code":"FAIL","message":"busy"}', False),
        (200, b'{"code":0,"message":"later"}', False),
        (500, b'{"code":"SUCCESS"}', False),
        (404, b"", False),
    ],
}
"""Status and body of a shop's answer, and whether it has taken the callback."""


@pytest.mark.parametrize("name", every.CHANNELS)
def test_a_channel_takes_our_yes_from_a_shop_too_and_our_no_from_nobody(name: str) -> None:
    """What the relay says in a channel's words is what a shop must say in them."""
    joined = registry.ENTRIES[ids.ChannelName(name)]
    assert joined.taken(200, joined.answered(200, "SUCCESS", "OK").body)
    assert not joined.taken(503, joined.answered(503, "FAIL", "try again").body)


@pytest.mark.parametrize("name, status, body, taken", [(name, *told) for name in ANSWERS for told in ANSWERS[name]])
def test_a_shop_has_taken_a_callback_only_if_it_says_so(name: str, status: int, body: bytes, taken: bool) -> None:  # noqa: FBT001
    """As it came, with the headers that prove it; another channel's goes to the shop's first door."""
    server, shop = Server(status, body), shops.made(every.CHANNELS[name])
    channel = ids.ChannelName(name)
    door = forward.Door(url=f"http://shop.test/{name}", taken=registry.ENTRIES[channel].taken)
    postman: ports.Forwarder = forward.HttpForwarder("http://shop.test/first", http.Client(server), {channel: door})
    shop.paid()
    (delivery,) = shop.deliveries()
    kept = shop.reader.read(delivery.headers, delivery.body, shop.clock.now())
    assert postman.forward(kept) == (payment.ShopAnswer.ACKNOWLEDGED if taken else payment.ShopAnswer.REFUSED, status)
    ((url, headers, sent),) = server.called
    assert (url, sent) == (door.url, delivery.body)
    assert headers == {k: v for k, v in delivery.headers if k.lower().startswith(("wechatpay-", "douyinpay-", "content-type"))}
    other = shops.made(every.CHANNELS[next(n for n in every.CHANNELS if n != name)])
    other.paid()
    (notice,) = other.deliveries()
    postman.forward(other.reader.read(notice.headers, notice.body, other.clock.now()))
    assert server.called[1][0] == "http://shop.test/first"
