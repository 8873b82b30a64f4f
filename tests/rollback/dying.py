"""`makewhole rollback --apply` in a process that is killed in the middle: after a batch's commit, or between its receipt and its entry."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PROGRAM = """
import os, signal, sys
from {module} import {hand} as hand
from makewhole.adapters.store import journal

where, batch = sys.argv.pop(1), int(sys.argv.pop(1))
write, append, seen = hand.write, journal.SqlStore.append, 0

def counted(*given):
    global seen
    told = write(*given)
    seen += 1
    if where == "committed" and seen == batch:
        os.kill(os.getpid(), signal.SIGKILL)
    return told

def appended(store, entries, *more):
    if where == "received" and seen == batch:
        os.kill(os.getpid(), signal.SIGKILL)
    return append(store, entries, *more)

hand.write, journal.SqlStore.append = counted, appended
from makewhole.cli import main
main()
"""
HAND = ("makewhole.adapters.shops.reverser", "SqlReverser")
POSTGRES = ("makewhole.adapters.shops.postgres.reverser", "PostgresReverser")
"""Whose writes are counted: module and class."""
PLACES = ("committed", "received")
"""Where it dies: its rows are committed and nothing told; the receipt has its line and the evidence has not."""


def dies(where: str, batch: int, arguments: Sequence[str], folder: Path, hand: tuple[str, str] = HAND) -> None:
    """The command ends by SIGKILL, there, in this batch."""
    command = [sys.executable, "-c", PROGRAM.format(module=hand[0], hand=hand[1]), where, str(batch), "rollback", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
