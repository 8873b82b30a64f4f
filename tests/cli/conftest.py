"""Fixtures of the command line's tests: a world of fakes in wiring's place, and a way to call the program."""

from __future__ import annotations

import contextlib
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from makewhole import ports, settings, wiring
from makewhole.cli import program
from makewhole.core import clock
from tests.cli import fakes

Call = Callable[..., Result]


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> fakes.FakeWorld:
    """A fake world that `worlds.open_world` opens; the working directory is a folder of the test's own with a settings file."""
    told = fakes.FakeWorld()

    @contextlib.contextmanager
    def open_world(given: settings.Settings, *, clock: clock.Clock | None = None, need_store: bool = True) -> Iterator[ports.World]:
        told.opened_with.append(given)
        told.at = clock
        yield told.world()

    worlds = types.ModuleType("makewhole.wiring.worlds")
    worlds.__dict__["open_world"] = open_world
    monkeypatch.setitem(sys.modules, "makewhole.wiring.worlds", worlds)
    monkeypatch.setattr(wiring, "worlds", worlds, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAKEWHOLE_SHOP_PASSWORD", fakes.SECRET)
    monkeypatch.delenv("MAKEWHOLE_LANGUAGE", raising=False)
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    fakes.told_settings(tmp_path)
    return told


@pytest.fixture
def call() -> Call:
    """Run the program in this process; `call("scan", "--json")`."""

    def run(*arguments: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(program.PROGRAM, list(arguments), input=typed)

    return run
