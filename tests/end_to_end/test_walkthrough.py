"""The walk-through of docs/attach.md, done as it is written: every command is run, every line that stands there is looked for."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs import pages
from tests.servers import launch
from tests.shops import mall

pytestmark = [pytest.mark.server, pytest.mark.slow]
PAGE = pages.ROOT / "docs" / "attach.md"
BLOCK = re.compile(r"```(sh|console|sql)\n(.*?)```", re.DOTALL)
VOLATILE = re.compile(r"\b(?:[0-9a-f]{64}|\d+-\d+-\d+(?= by|$)|(?<=--transaction )\S+|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)")
"""Hashes, transactions and instants: whatever they are, the same one is the same one throughout the page."""
LEFT_OUT = "…"


class Walk:
    """The folder, the shop, and what the page's own names stand for today."""

    def __init__(self, server: launch.Server, folder: Path) -> None:
        self.server, self.folder, self.database = server, folder, mall.load(server)
        self.today: dict[str, str] = {}
        self.env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "NO_COLOR": "1", "COLUMNS": "200", "LANG": "en_US.UTF-8"}
        self.env |= {"MAKEWHOLE_SHOP_PASSWORD": "reader", "MAKEWHOLE_SHOP_HANDS_PASSWORD": "app"}

    def export(self, text: str) -> None:
        """Settings, with this server in place of the page's."""
        for line in text.splitlines():
            name, _, value = line.removeprefix("export ").partition("=")
            self.env[name] = value.replace(":3306/mall", f":{self.server.port}/{self.database}")

    def write(self, text: str) -> None:
        """By a second connection."""
        with self.server.root_connection(self.database) as connection, connection.cursor() as cursor:
            cursor.execute(text)
            connection.commit()

    def type(self, text: str) -> None:
        """One command, and what stands below it."""
        command, *expected = text.splitlines()
        words = shlex.split(self._now(command.removeprefix("$ makewhole ")))
        program = [str(Path(sys.executable).with_name("makewhole")), *words]
        done = subprocess.run(program, cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode in {0, 1}, done.stdout + done.stderr
        told = iter(line for line in done.stdout.splitlines() if line.strip())
        exact = True
        for line in expected:
            if line == LEFT_OUT:
                exact = False
                continue
            self._find(line, told, done.stdout, exact=exact)
            exact = True

    def _find(self, line: str, told: Iterator[str], whole: str, *, exact: bool) -> None:
        pattern = re.compile(self._pattern(line))
        for said in told:
            if found := pattern.fullmatch(said.rstrip()):
                names = [m[0] for m in VOLATILE.finditer(line)]
                self.today |= dict(zip(names, found.groups(), strict=True))
                return
            assert not exact, f"{said!r} stands where the page says {line!r}"
        pytest.fail(f"not said: {line!r}\n{whole}")

    def _pattern(self, line: str) -> str:
        """What must be said: word for word, volatile names as they were said first."""
        parts, at = [], 0
        for m in VOLATILE.finditer(line):
            known = self.today.get(m[0])
            parts += [re.escape(line[at : m.start()]), r"(\S+(?: \d\d:\d\d:\d\d)?)" if known is None else f"({re.escape(known)})"]
            at = m.end()
        return "".join([*parts, re.escape(line[at:])])

    def _now(self, command: str) -> str:
        for name, value in self.today.items():
            command = command.replace(name, value)
        return command


def test_the_walk_through_is_what_happens(mariadb: launch.Server, tmp_path: Path) -> None:
    """Attach, scan, history, a bulk overwrite, scan names it, a rollback on paper, done, undone."""
    walk = Walk(mariadb, tmp_path)
    section = PAGE.read_text(encoding="utf-8").split("## From an address to a mistake undone")[1].split("\n## ")[0]
    steps = BLOCK.findall(section)
    assert [kind for kind, _ in steps].count("console") == 10
    for kind, text in steps:
        {"sh": walk.export, "sql": walk.write, "console": walk.type}[kind](text)
    # By now the shop is what the careless statement made of it, and somebody's name stands under that.
    with mariadb.root_connection(walk.database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT status FROM oms_order")
        assert [row[0] for row in cursor.fetchall()] == [4]
