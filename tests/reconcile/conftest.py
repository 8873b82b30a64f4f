"""A sandbox shop on its first day, and the program run in it: real shop, channel, store and books; only the settings are not read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from makewhole import ports, settings
from makewhole.cli import program
from makewhole.core import clock
from makewhole.wiring import worlds
from tests.cli import fakes
from tests.reconcile import morning

Call = Callable[..., Result]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[morning.Shop]:
    with morning.opened(tmp_path / "world") as opened:
        yield opened


@pytest.fixture
def call(shop: morning.Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """Run the program in that world; `call("reconcile", "--day", "2026-11-18")`."""

    @contextlib.contextmanager
    def open_world(told: settings.Settings, *, clock: clock.Clock | None = None, need_store: bool = True) -> Iterator[ports.World]:
        yield shop.world

    monkeypatch.setattr(worlds, "open_world", open_world)
    monkeypatch.chdir(tmp_path)
    for name in ("LC_ALL", "LC_MESSAGES", "MAKEWHOLE_LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    fakes.told_settings(tmp_path)
    return lambda *arguments: CliRunner().invoke(program.PROGRAM, list(arguments))
