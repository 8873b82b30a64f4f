"""Durable four-step runs a second, beside DBOS on the same filesystem in the same minutes: a table and a JSON file come out.

    .venv/bin/python bench/journal.py [--rounds 3] [--place .cache --place /dev/shm]

Rates of a shared machine swing by half, with other people's load on its disk most of all; so every round measures all contestants one
after the other, and what is compared with the targets is the median over rounds of the ratios within a round.

Both sides flush once a commit and need a commit a step: one after the other, on a slow disk, both are as fast as the disk and no ratio
can be large. So there are two places, each with its flush time beside it: a disk, and a filesystem in memory where a flush costs nothing
and what is left is each side's own work.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.machine import described, flush_ms  # noqa: E402  the checkout must be on the path first
from tests.servers import launch, mariadb  # noqa: E402
from tools import environment  # noqa: E402

DBOS_HOME = ROOT / ".venvs" / "dbos"
RESULT = ROOT / "bench" / "results" / "journal.json"
CROWDS = (1, 64)
PLACES = (ROOT / ".cache", Path("/dev/shm"))
"""A disk, and memory."""
SECONDS_MAX = 300

# name -> interpreter, program, way or settings, runs one after the other, runs at 64
CONTESTANTS = {
    "Makewhole, engine.drive": (sys.executable, "journal_makewhole.py", "engine", 1_500, 4_000),
    "Makewhole, store": (sys.executable, "journal_makewhole.py", "store", 1_500, 4_000),
    "DBOS, SQLite WAL + FULL": (str(DBOS_HOME / "bin" / "python"), "journal_dbos.py", "wal-full", 200, 300),
    "DBOS, SQLite default": (str(DBOS_HOME / "bin" / "python"), "journal_dbos.py", "default", 150, 200),
}
SERVER = {name: told for name, told in CONTESTANTS.items() if told[1] == "journal_makewhole.py"}
# against whom, crowd -> how many times as fast
TARGETS = {
    ("DBOS, SQLite WAL + FULL", 1): 5.0,
    ("DBOS, SQLite WAL + FULL", 64): 20.0,
    ("DBOS, SQLite default", 1): 10.0,
    ("DBOS, SQLite default", 64): 40.0,
}

Figures = dict[str, float]


def measure(name: str, crowd: int, address: str, share: float) -> Figures:
    """One contestant in a process of its own."""
    python, program, way, alone, crowded = CONTESTANTS[name]
    count = max(int((alone if crowd == 1 else crowded) * share), 40)
    done = subprocess.run(
        [python, str(ROOT / "bench" / program), address, way, str(crowd), str(count)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"{name}, {crowd} at once, failed:\n{done.stderr[-3_000:]}")
    told: Figures = json.loads(done.stdout.splitlines()[-1])
    return told


@contextlib.contextmanager
def fresh_file(place: Path) -> Iterator[str]:
    """A SQLite file in a folder of its own, for everybody on the same filesystem."""
    folder = Path(tempfile.mkdtemp(prefix="journal-", dir=place))
    try:
        yield f"sqlite:///{folder / 'store.db'}"
    finally:
        shutil.rmtree(folder)


def one_round(place: Path, share: float) -> dict[tuple[str, int], Figures]:
    """Everybody once, alone and crowded."""
    told = {}
    for crowd in CROWDS:
        for name in CONTESTANTS:
            with fresh_file(place) as address:
                told[name, crowd] = measure(name, crowd, address, share)
    return told


def at_place(place: Path, rounds: int, share: float) -> dict[str, object]:
    """All rounds on one filesystem: its flush, the figures, the ratios; shown and returned."""
    before = flush_ms(place)
    told = [one_round(place, share) for _ in range(rounds)]
    flushes = [round(before, 4), round(flush_ms(place), 4)]
    figures, compared = medians(told), ratios(told)
    print(f"\n{place.name}: one flush takes {flushes} ms, before and after")
    show(figures, compared)
    return {"place": place.name, "flush_ms": flushes, "figures": listed(figures), "ratios": compared}


def listed(figures: dict[tuple[str, int], Figures]) -> list[dict[str, object]]:
    """For the file."""
    return [{"name": n, "at_once": c, **{k: round(v, 3) for k, v in told.items()}} for (n, c), told in figures.items()]


def on_mariadb(share: float) -> dict[tuple[str, int], Figures]:
    """Ours on a server that flushes its log at every commit."""
    told = {}
    with launch.started(mariadb.recipe(), durable=True) as server:
        for crowd in CROWDS:
            for name in SERVER:
                told[name + ", MariaDB", crowd] = measure(name, crowd, server.url(server.create_database()), share / 4)
    return told


def medians(rounds: list[dict[tuple[str, int], Figures]]) -> dict[tuple[str, int], Figures]:
    """Of each figure over the rounds."""
    return {who: {figure: statistics.median(r[who][figure] for r in rounds) for figure in rounds[0][who]} for who in rounds[0]}


def ratios(rounds: list[dict[tuple[str, int], Figures]]) -> list[dict[str, object]]:
    """Ours to theirs, within each round."""
    lines = []
    for ours in SERVER:
        for (theirs, crowd), target in TARGETS.items():
            found = [r[ours, crowd]["per_second"] / r[theirs, crowd]["per_second"] for r in rounds]
            median = statistics.median(found)
            lines.append(
                {
                    "ours": ours,
                    "theirs": theirs,
                    "at_once": crowd,
                    "ratio": round(median, 1),
                    "least": round(min(found), 1),
                    "most": round(max(found), 1),
                    "target": target,
                    "met": median >= target,
                }
            )
    return lines


def show(figures: dict[tuple[str, int], Figures], compared: list[dict[str, object]]) -> None:
    """The table."""
    print(f"{'':34}{'at once':>8}{'runs/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms':>9}{'commits':>9}")
    for (name, crowd), told in figures.items():
        commits = f"{told['commits']:9.2f}" if "commits" in told else f"{'':9}"
        print(f"{name:34}{crowd:8}{told['per_second']:9.0f}{told['p50_ms']:9.2f}{told['p99_ms']:9.2f}{told['cpu_ms']:9.2f}{commits}")
    print()
    for line in compared:
        verdict = "met" if line["met"] else "MISSED"
        print(
            f"{line['ours']:26} {line['at_once']:3} at once: {line['ratio']:5}x {line['theirs']:24} "
            f"({line['least']} to {line['most']}; target {line['target']:.0f}x: {verdict})"
        )


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--share", type=float, default=1.0, help="of the usual number of runs")
    parser.add_argument("--no-server", action="store_true", help="leave MariaDB out")
    parser.add_argument("--place", type=Path, action="append", help="a folder on the filesystem to measure; may be given again")
    wanted = parser.parse_args()
    environment.ensure(DBOS_HOME, ROOT / "bench" / "dbos.lock", with_makewhole=False)
    places = [place for place in wanted.place or PLACES if place.is_dir()]
    told: dict[str, object] = {"machine": described(places[0]), "rounds": wanted.rounds}
    told["places"] = [at_place(place, wanted.rounds, wanted.share) for place in places]
    if not wanted.no_server:
        figures = on_mariadb(wanted.share)
        print("\nMariaDB, its log flushed at every commit")
        show(figures, [])
        told["mariadb"] = listed(figures)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
