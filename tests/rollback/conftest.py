"""One shop for each test, on both kinds of server where the test does not choose."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rollback import shop as shops
from tests.servers import launch


@pytest.fixture(params=["mariadb", "mysql8033"])
def server(request: pytest.FixtureRequest) -> launch.Server:
    told: launch.Server = request.getfixturevalue(request.param)
    return told


@pytest.fixture
def shop(server: launch.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> shops.Shop:
    """Its folder is where commands run: settings, store, keys and plans are in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAKEWHOLE_SHOP_PASSWORD", "reader")
    monkeypatch.setenv("MAKEWHOLE_SHOP_HANDS_PASSWORD", "app")
    return shops.opened(server, tmp_path)
