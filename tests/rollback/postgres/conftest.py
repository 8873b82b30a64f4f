"""One shop on PostgreSQL for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.changelog.postgres import slotted
from tests.rollback.postgres import shop as shops
from tests.servers import postgres


@pytest.fixture
def shop(postgresql: postgres.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[shops.Shop]:
    """Its folder is where commands run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAKEWHOLE_SHOP_PASSWORD", "reader")
    monkeypatch.setenv("MAKEWHOLE_SHOP_HANDS_PASSWORD", "app")
    with slotted.slotted(postgresql, *shops.SCHEMA) as told:
        yield shops.opened(told, tmp_path)
