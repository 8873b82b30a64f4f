"""Killed at random instants, hundreds of times: what was acknowledged is there, nothing by half, each root a prefix of the newer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import launch

ROOT = Path(__file__).resolve().parent.parent.parent
SECONDS_MAX = 120


def lived(address: str, lives: int, longest_s: float) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.store.lives", address, str(lives), str(longest_s), "20261123"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    told: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return told


def check(told: dict[str, object], lives: int) -> None:
    assert told["complaints"] == []
    assert told["lives"] == lives
    # The instants must have been such that the test says something: many died at work, and not all did.
    assert isinstance(told["wrote"], int)
    assert lives // 4 < told["wrote"]
    assert isinstance(told["acknowledged"], int)
    assert told["acknowledged"] > lives


@pytest.mark.slow
def test_two_hundred_lives_on_sqlite(tmp_path: Path) -> None:
    check(lived(f"sqlite:///{tmp_path / 'store.db'}", 200, 0.15), 200)


@pytest.mark.server
@pytest.mark.slow
def test_fifty_lives_on_mariadb(mariadb: launch.Server) -> None:
    check(lived(mariadb.url(mariadb.create_database()), 50, 0.6), 50)


@pytest.mark.slow
def test_a_dozen_lives_on_sqlite(tmp_path: Path) -> None:
    """The quick part of the same."""
    told = lived(f"sqlite:///{tmp_path / 'store.db'}", 12, 0.3)
    assert told["complaints"] == []
