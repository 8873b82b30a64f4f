"""Every connector over every transport: a test that takes `shop` runs once for each. A new channel is in it by being there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.payments import every, fourth_joined
from tests.payments import shop as shops


@pytest.fixture(autouse=True)
def _fourth(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more channel than we have."""
    fourth_joined.join(monkeypatch)


@pytest.fixture(params=every.NAMES)
def shop(request: pytest.FixtureRequest) -> Iterator[shops.Shop]:
    with every.made(request.param) as made:
        yield made
