"""Images while we serve: made in rounds, compared with the shop once a day, and begun anew where something was written behind the log."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from makewhole import settings
from makewhole.adapters.changelog import triggers
from makewhole.web import images
from makewhole.wiring import images as wiring_images
from makewhole.wiring import worlds
from tests.images import shops

pytestmark = pytest.mark.slow


def captured(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the rounds log, whatever a command that ran before made of the logs of this process."""
    capture = structlog.testing.LogCapture()
    monkeypatch.setattr(
        images, "log", structlog.wrap_logger(None, processors=[capture], wrapper_class=structlog.make_filtering_bound_logger(0))
    )
    return capture.entries


def test_a_day_of_rounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first round opens; the next ones find nothing due; the daily look finds a write that no trigger saw, says so, and begins anew."""
    monkeypatch.chdir(tmp_path)
    with shops.sqlite_shop(tmp_path) as shop:
        shop.write(datetime.now(UTC), "INSERT INTO orders VALUES (1, 'A1', 0, 100, 'p', 'b', 's')")
        told = settings.Settings(shop=settings.ShopSettings(file="shop.toml", database="sqlite:///shop.db"))
        with worlds.open_world(told) as world:
            logs = captured(monkeypatch)
            rounds = images.Rounds(told, world, threading.Event())
            rounds()
            rounds()
            shop.unseen("UPDATE orders SET amount = 1")
            world.store.set_mark("images/t", "2026-01-01")
            rounds()
            rounds()
        with wiring_images.open_studio(told) as studio:
            heads = studio.album.heads(shops.START.replace(year=2020), studio.clock.now())
            assert [h.kind.value for h in heads] == ["opening", "opening"]
            assert heads[1].why == "1 rows were not what the log told"
        said = [(one["log_level"], one["event"].partition(":")[0]) for one in logs if "image" in one["event"]]
        assert said == [("info", "image"), ("error", "images drifted"), ("warning", "image"), ("info", "images tidied")]


def test_a_shop_of_which_no_images_can_be_made_is_told_of_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not every minute; once its triggers are there, images begin by themselves."""
    monkeypatch.chdir(tmp_path)
    with shops.sqlite_shop(tmp_path) as shop:
        triggers.remove(shop.url)
        told = settings.Settings(shop=settings.ShopSettings(file="shop.toml", database="sqlite:///shop.db"))
        with worlds.open_world(told) as world:
            logs = captured(monkeypatch)
            rounds = images.Rounds(told, world, threading.Event())
            for _ in range(3):
                rounds()
            triggers.install(shop.url, ["orders", "items"])
            rounds()
        assert [one["event"] for one in logs if "image" in one["event"]] == ["no images", "image"]
