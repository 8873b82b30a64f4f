"""What a figure was measured on: a folder comes in, the machine, the versions and the time of one flush there go out."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FLUSHES = 200


def flush_ms(folder: Path) -> float:
    """Milliseconds to flush a page to the disk under a folder: what every durable figure hangs on."""
    spans = []
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        for _ in range(FLUSHES):
            file.seek(0)
            file.write(b"x" * 4096)
            file.flush()
            begun = time.perf_counter()
            os.fdatasync(file.fileno())  # as SQLite does it
            spans.append(time.perf_counter() - begun)
    return statistics.median(spans) * 1e3


def described(folder: Path) -> dict[str, object]:
    """For the head of a result file."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": _told("git", "rev-parse", "--short", "HEAD"),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": platform.platform(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "flush_ms": round(flush_ms(folder), 3),
        "load_per_core": round(os.getloadavg()[0] / (os.cpu_count() or 1), 2),
    }


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _told(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
