"""The walk-through of docs/reconcile.md, played: every command is run at its hour, and the page is written again with what it said.

`python -m tests.reconcile.walk` records the page anew. A block opens with the hour that it is at: ```console 2026-11-19 10:05.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from unittest import mock

from click.testing import CliRunner

from makewhole import ports
from makewhole.cli import program
from makewhole.core import clock
from makewhole.engine import sweep
from makewhole.sandbox import day as days
from makewhole.wiring import worlds
from tests.cli import fakes
from tests.reconcile import morning

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reconcile.md"
_BLOCK = re.compile(r"^```console (\d{4}-\d\d-\d\d \d\d:\d\d)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def played(text: str) -> str:
    """The page as it reads when it is done as it is written."""
    with tempfile.TemporaryDirectory() as folder, _town(Path(folder)) as shop:
        return _BLOCK.sub(lambda block: _block(shop, block), text)


def _block(shop: morning.Shop, block: re.Match[str]) -> str:
    at = datetime.strptime(block[1], "%Y-%m-%d %H:%M").replace(tzinfo=clock.BEIJING)
    while shop.day.clock.now() < at:
        # What `serve` does meanwhile: waiting runs go on. The hours of the books are the page's own.
        shop.until(min(at, shop.day.clock.now() + (at - shop.day.clock.now()) / 2 + timedelta(minutes=1)))
        sweep.resume_left(shop.world)
    said = []
    for line in block[2].splitlines():
        if line.startswith("$ makewhole "):
            result = CliRunner().invoke(program.PROGRAM, shlex.split(line.removeprefix("$ makewhole ")))
            told = "\n".join(one.rstrip() for one in result.stdout.strip("\n").splitlines())
            said += [line, *([told] if told else []), f"[{result.exit_code}]"]
    return f"```console {block[1]}\n" + "\n".join(said) + "\n```"


@contextlib.contextmanager
def _town(folder: Path) -> Iterator[morning.Shop]:
    """Four orders and a stray payment; a working directory with settings; everything as a newcomer's terminal shows it."""
    with morning.opened(folder / "world") as shop:
        shop.paid()
        shop.paid(days.Fate.LOST)
        shop.by_hand()
        shop.stray("TILL7", 4200)

        @contextlib.contextmanager
        def open_world(*_: object, **__: object) -> Iterator[ports.World]:
            yield shop.world

        fakes.told_settings(folder)
        plain = {"LANG": "C.UTF-8", "COLUMNS": "140", "NO_COLOR": "1"}
        was = Path.cwd()
        os.chdir(folder)
        try:
            with mock.patch.object(worlds, "open_world", open_world), mock.patch.dict(os.environ, plain):
                for name in ("LC_ALL", "LC_MESSAGES", "MAKEWHOLE_LANGUAGE"):
                    os.environ.pop(name, None)
                yield shop
        finally:
            os.chdir(was)


if __name__ == "__main__":
    PAGE.write_text(played(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
