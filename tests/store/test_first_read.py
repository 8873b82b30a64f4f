"""Sixteen threads that are the first to read a noun back: opening a store has made that safe."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = """
import sys, threading
from makewhole.adapters.store import journal
from makewhole.core import codec
from makewhole.model import case
from tests.store import scenes
sys.setswitchinterval(1e-6)
raw, start = codec.canonical(scenes.opened("1")), threading.Barrier(16)
if sys.argv[1] == "opened":
    journal.SqlStore("sqlite://")
def read():
    start.wait()
    codec.decode(raw, case.Case)
threads = [threading.Thread(target=read) for _ in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
LIVES = 15


@pytest.mark.slow
def test_the_first_reads_do_not_crash_the_process() -> None:
    """Fifteen processes, none dies; a third of them did, by SIGSEGV, where nothing had worked the noun out before."""
    ends = [subprocess.run([sys.executable, "-c", PROGRAM, "opened"], cwd=ROOT, timeout=60, check=False).returncode for _ in range(LIVES)]
    assert ends == [0] * LIVES
