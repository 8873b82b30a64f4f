"""A program comes in, docs/picture/demo.svg goes out: what Makewhole really prints on a terminal, as a picture for the README.

Run by `docs/picture/make`. One order of the demo's day is shown and recovered by the real commands, in a world of the sandbox; then
comes the grade of a whole demo. The letters are text in the reader's own font: nothing is loaded from anywhere.
"""

# ruff: noqa: INP001 - a script of the documentation, part of no package
from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from rich import console, terminal_theme, text

from makewhole import ports
from makewhole.cli import program
from makewhole.engine import sweep
from makewhole.model import finding
from makewhole.rehearsal import stage
from makewhole.sandbox import world
from makewhole.wiring import worlds

WIDTH = 118
"""Columns: what a README shows without shrinking the letters too far."""
HEIGHT = 400
"""Rows of the terminal: nothing scrolls away."""
SEED = 7
ORDERS = 200
BROKEN = 10
FOLDER = "tea-shop"
DRAWING = Path(__file__).resolve().parent / "demo.svg"
REMOTE_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
SETTINGS = '[shop]\nfile = "demo"\ndatabase = "sqlite:///shop.db"\n'


def printed(arguments: list[str], folder: str) -> str:
    """What a program prints on a terminal of our width, with its colours. Progress and hints are left out."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(WIDTH), "LINES": str(HEIGHT), "LANG": "C.UTF-8"}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(  # noqa: S603 - this script itself, or the program that it is given
        arguments, stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.DEVNULL, env=environment, cwd=folder
    ):
        os.close(theirs)
        return _all(ours).decode("utf-8").replace("\r\n", "\n").strip("\n")


def _all(descriptor: int) -> bytes:
    """Everything until the other end is closed: a terminal says so with an error."""
    received = b""
    while True:
        try:
            more = os.read(descriptor, 65536)
        except OSError:
            more = b""
        if not more:
            os.close(descriptor)
            return received
        received += more


def perform() -> None:
    """On the terminal: a day of the sandbox, and the real commands on one of its orders that was paid after it was closed."""
    folder = Path.cwd()
    (folder / "makewhole.toml").write_text(SETTINGS, encoding="utf-8")
    on = stage.stage(SEED, folder)
    world.fill(on.day, world.Size(orders=ORDERS, broken=BROKEN))
    on.day.run_until(world.SWEEP_AT)
    number = next(
        looked.order.number
        for looked in sweep.scan(on.world)
        for found in looked.findings()
        if found.ailment is finding.Ailment.PAID_AFTER_CLOSE
    )

    @contextlib.contextmanager
    def opened(*_: Any, **__: Any) -> Iterator[ports.World]:
        yield on.world

    # The commands attach to this world and its clock instead of to addresses.
    worlds.open_world = opened
    for command in (["show", number], ["recover", number, "--apply"]):
        click.echo(prompt(command))
        with contextlib.suppress(SystemExit):
            program.PROGRAM.main([*command, "--lang", "en"])
        click.echo()
    on.close()


def prompt(command: list[str]) -> str:
    """As typed."""
    return click.style(f"$ ./run {' '.join(command)}", bold=True)


def drawn(told: str) -> str:
    """The picture of a terminal with this on it."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        paper = console.Console(record=True, width=WIDTH, file=nowhere)
        paper.print(text.Text.from_ansi(told))
        drawing = paper.export_svg(title="Makewhole", theme=terminal_theme.MONOKAI, unique_id="makewhole")
    return REMOTE_FONTS.sub("", drawing).replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace")


def main(makewhole: str) -> None:
    """Run, draw, write."""
    demo = ["demo", "--folder", FOLDER]
    with tempfile.TemporaryDirectory() as folder:
        story = printed([sys.executable, __file__, "perform"], folder)
        grade = printed([makewhole, *demo, "--lang", "en"], folder)
    DRAWING.write_text(drawn(f"{story}\n\n{prompt(demo)}\n{grade}"), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] == ["perform"]:
        perform()
    else:
        main(*sys.argv[1:])
