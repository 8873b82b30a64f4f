"""How fast a change log is read: a real MariaDB's log of one-row transactions goes in; ratios to others that read it come out.

    .venv/bin/python bench/binlog.py [--transactions 60000] [--rounds 3] [--folder FOLDER]

Beside mysql-replication (over the wire, as it reads), `mariadb-binlog -v` with TZ=UTC (which halves its time), and reading the file with
one CRC32 over all of it; and over the wire, with the compiled reader and without it. They take turns; the best of each counts, because
whatever else the machine does only ever adds.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench import binlog_data, machine  # noqa: E402
from makewhole.adapters.changelog import compiled, connection, decoding, replica, segments, stretches  # noqa: E402
from makewhole.model.change import Position  # noqa: E402
from tests.servers import launch, mariadb, packages  # noqa: E402
from tools import native  # noqa: E402

RESULTS = ROOT / "bench" / "results" / "binlog.json"
PEER = ROOT / ".venvs" / "mysql-replication" / "bin" / "python"
SCRIPT = ROOT / "bench" / "binlog_peer.py"
TARGETS = {
    "pure_to_mysql_replication": 20,
    "compiled_to_mysql_replication": 200,
    "compiled_to_mariadb_binlog": 8,
    "keys_to_reading": 2,
}


def timed(act: Callable[[], int]) -> dict[str, float]:
    """Seconds on the clock and of processor, children included, and how many images it found."""
    begun, busy = time.perf_counter(), _busy()
    images = act()
    return {"seconds": time.perf_counter() - begun, "cpu_s": _busy() - busy, "images": images}


def _busy() -> float:
    return sum(u.ru_utime + u.ru_stime for u in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)))


def pure(log: Path) -> int:
    """Whole transactions with every value, by Python alone."""
    decoder, images = decoding.Decoder(), 0
    for group in stretches.read(segments.of_files([log]), lambda shape: None, plain=False):
        assert not isinstance(group, stretches.Stretch)
        for told in decoder.transaction(group).changes:
            images += (told.before is not None) + (told.after is not None)
    return images


def in_columns(log: Path, wanted: frozenset[str]) -> int:
    """Columns of Arrow, dropped when they are full."""
    told = stretches.read(segments.of_files([log]), lambda shape: wanted if shape.table == "orders" else None)
    return sum(part.table.rows for s in told if isinstance(s, stretches.Stretch) for part in s.parts)


def passed_by(server: launch.Server, log: Path, *, plain: bool) -> int:
    """The same log over the wire, as a replica reads it; nothing in it is wanted. Its transactions."""
    url = sa.make_url(server.url("", "reader"))
    with connection.connected(url) as told:
        sent = replica.sent(told, Position(file=log.name, offset=4))
        read = stretches.read(segments.of_sent(sent), lambda shape: None, plain=plain)
        return sum(one.count if isinstance(one, stretches.Stretch) else 1 for one in read)


def mariadb_binlog(log: Path) -> int:
    """The server's own program."""
    told = {**os.environ, "TZ": "UTC"}
    subprocess.run([str(packages.mariadb_binlog()), "-v", str(log)], env=told, stdout=subprocess.DEVNULL, check=True)
    return 0


def reading(log: Path) -> int:
    """Every byte is read and summed once, in one call."""
    zlib.crc32(log.read_bytes())
    return 0


def peer(port: int, log: Path) -> dict[str, float]:
    """mysql-replication's own figures, without the start of its process."""
    done = subprocess.run([PEER, SCRIPT, str(port), log.name], capture_output=True, text=True, check=True)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def rounds_of(server: launch.Server, log: Path, rounds: int) -> Iterator[tuple[str, dict[str, float]]]:
    """Everybody in turn."""
    acts: dict[str, Callable[[Path], int]] = {
        "reading": reading,
        "keys": lambda path: in_columns(path, frozenset(binlog_data.KEYS)),
        "compiled": lambda path: in_columns(path, stretches.ALL),
        "mariadb_binlog": mariadb_binlog,
        "pure": pure,
        "wire": lambda path: passed_by(server, path, plain=True),
        "wire_pure": lambda path: passed_by(server, path, plain=False),
    }
    for turn in range(rounds):
        # The quick ones more often: a neighbour's turn is as long as they are.
        for name, act in itertools.chain.from_iterable(itertools.repeat(acts.items(), 3)):
            yield name, timed(lambda act=act: act(log))  # type: ignore[misc]
        yield "mysql_replication", peer(server.port, log)
        print(f"round {turn + 1} of {rounds}", flush=True)


def main() -> None:
    """Measures, prints, writes the results."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--transactions", type=int, default=60_000, help="each of one row; about 900 bytes of log")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--folder", type=Path, help="for the log; default: a passing one")
    told = options.parse_args()
    making = [sys.executable, ROOT / "tools" / "environment.py", ".venvs/mysql-replication", "bench/mysql-replication.lock"]
    subprocess.run(making, cwd=ROOT, check=True)
    native.build()
    if compiled.library() is None:
        raise SystemExit("the compiled reader was built and cannot be loaded")
    found: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as passing, launch.started(mariadb.recipe()) as server:
        folder = told.folder or Path(passing)
        log = binlog_data.make(server, told.transactions, folder)
        size = log.stat().st_size
        for name, figures in rounds_of(server, log, told.rounds):
            found.setdefault(name, []).append(figures)
        head = machine.described(folder)
    images = {int(r["images"]) for name in ("keys", "compiled", "pure", "mysql_replication") for r in found[name]}
    best = {name: {k: round(min(r[k] for r in runs), 4) for k in ("seconds", "cpu_s")} for name, runs in found.items()}
    ratios: dict[str, Any] = {}
    for by in ("seconds", "cpu_s"):
        ratios[by] = {
            "pure_to_mysql_replication": best["mysql_replication"][by] / best["pure"][by],
            "compiled_to_mysql_replication": best["mysql_replication"][by] / best["compiled"][by],
            "compiled_to_mariadb_binlog": best["mariadb_binlog"][by] / best["compiled"][by],
            "keys_to_reading": best["keys"][by] / best["reading"][by],
            "wire_compiled_to_wire_pure": best["wire_pure"][by] / best["wire"][by],
        }
        ratios[by] = {name: round(value, 2) for name, value in ratios[by].items()}
    told_all = {
        "transactions": told.transactions, "bytes": size, "images": sorted(images), "best": best, "ratios": ratios, "targets": TARGETS
    }  # fmt: skip
    print(json.dumps(told_all, indent=2))
    if len(images) != 1:
        raise SystemExit("not everybody read the same images")
    RESULTS.write_text(json.dumps({**head, "rounds": told.rounds, **told_all}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
