"""Every connector over every transport: a test that takes `shop` runs once for each. A new channel is one entry of `every.KINDS`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.payments import every
from tests.payments import shop as shops


@pytest.fixture(params=every.NAMES)
def shop(request: pytest.FixtureRequest) -> Iterator[shops.Shop]:
    with every.made(request.param) as made:
        yield made
