"""The shortest path through each of WeChat Pay's calls, in process and over loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from makewhole.model import payment, run
from tests.payments import shop as shops


@pytest.fixture(params=["in-process", "loopback"])
def shop(request: pytest.FixtureRequest) -> Iterator[shops.Shop]:
    if request.param == "in-process":
        yield shops.shop()
    else:
        with shops.loopback_shop() as made:
            yield made


def test_each_call_once(shop: shops.Shop) -> None:
    """Link, query, close; pay, query, refund, look; a callback that is genuine."""
    opened = shop.channel.do(shops.ORDER, shops.link_step(), shop.clock.now())
    assert isinstance(opened, run.Succeeded)
    assert opened.detail.startswith("weixin://")
    unpaid = shop.ask()
    assert isinstance(unpaid, payment.Attempt)
    assert unpaid.state is payment.AttemptState.UNPAID

    assert shop.channel.do(shops.ORDER, shops.close_step(), shop.clock.now()) == run.Succeeded()
    closed = shop.ask()
    assert isinstance(closed, payment.Attempt)
    assert closed.state is payment.AttemptState.CLOSED

    money = shop.paid("B1", 100)
    step = shops.refund_step(money)
    assert isinstance(shop.channel.do(shops.ORDER, step, shop.clock.now()), run.Pending)
    assert isinstance(shop.channel.look(shops.ORDER, step, shop.clock.now()), run.Pending)
    shop.clock.advance(shop.truth.refund_takes)
    assert shop.channel.look(shops.ORDER, step, shop.clock.now()) == run.Saw(there=True)

    kept = [shop.reader.read(d.headers, d.body, shop.clock.now()) for d in shop.deliveries()]
    assert [k.check for k in kept] == [payment.NoticeCheck.GENUINE, payment.NoticeCheck.GENUINE]
    assert [k.number for k in kept] == ["B1", "B1"]
    assert kept[0].attempt is not None
    assert kept[0].attempt.amount is not None
    assert kept[0].attempt.amount.fen == 100
