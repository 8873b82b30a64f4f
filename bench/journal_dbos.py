"""The same four-step workflow in DBOS, in its own environment: a file, its settings and a crowd come in, one line of JSON goes out."""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import sqlalchemy
from dbos import DBOS, DBOSConfig

WARM_UP = 5


@DBOS.step()
def step(number: int) -> int:
    """An act that does nothing."""
    return number


@DBOS.workflow()
def workflow(number: int) -> int:
    """Four of them."""
    for i in range(4):
        step(i)
    return number


def wal_full(address: str) -> sqlalchemy.Engine:
    """An engine as durable as ours: write-ahead log, flushed at every commit."""
    engine = sqlalchemy.create_engine(address)

    @sqlalchemy.event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA busy_timeout=10000")

    return engine


def timed(number: int) -> float:
    """Seconds of one workflow."""
    begun = time.perf_counter()
    workflow(number)
    return time.perf_counter() - begun


def main(address: str, settings: str, crowd: int, count: int) -> None:
    """Measure, then look whether every workflow ended well."""
    config: DBOSConfig = {"name": "bench", "system_database_url": address, "run_admin_server": False, "log_level": "ERROR"}
    if settings == "wal-full":
        config["system_database_engine"] = wal_full(address)
    DBOS(config=config)
    DBOS.launch()
    for i in range(WARM_UP):
        workflow(-i)
    cpu, begun = time.process_time(), time.perf_counter()
    if crowd == 1:
        spans = sorted(timed(i) for i in range(count))
    else:
        with ThreadPoolExecutor(crowd) as pool:
            spans = sorted(pool.map(timed, range(count)))
    wall, cpu = time.perf_counter() - begun, time.process_time() - cpu
    assert len(DBOS.list_workflows(status="SUCCESS", limit=10 * count)) == count + WARM_UP
    DBOS.destroy()
    print(
        json.dumps(
            {
                "per_second": count / wall,
                "p50_ms": spans[count // 2] * 1e3,
                "p99_ms": spans[count * 99 // 100] * 1e3,
                "cpu_ms": cpu / count * 1e3,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
