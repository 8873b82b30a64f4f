"""Every connector over every transport: a test that takes `shop` runs once for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.payments import shop as shops


@pytest.fixture(params=["wechatpay-in-process", "wechatpay-loopback"])
def shop(request: pytest.FixtureRequest) -> Iterator[shops.Shop]:
    if request.param.endswith("in-process"):
        yield shops.shop()
        return
    with shops.loopback_shop() as made:
        yield made
