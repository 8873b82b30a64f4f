"""Spark in an environment of its own: two Parquet books go in; times and sums come out as JSON, pairs and breaks stay as Parquet.

python tests/books/drive_spark.py OURS THEIRS SCRATCH DAY PARTITIONS
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "src"))

from makewhole.adapters.books import desk, spark  # noqa: E402
from makewhole.model import bill  # noqa: E402


def main() -> None:
    """Reconciles with all pairs written; leaves pairs and breaks as Parquet under SCRATCH."""
    ours, theirs, scratch, day, partitions = sys.argv[1:]
    begun = time.perf_counter()
    with spark.opened(Path(scratch), master="local[2]", memory="4g", partitions=int(partitions)) as opened:
        started = time.perf_counter()
        opened.book_file(bill.Side.OURS, Path(ours))
        opened.book_file(bill.Side.THEIRS, Path(theirs))
        told = desk.reconcile(opened, bill.Window(day=int(day)), pairs_to=Path(scratch) / "all_pairs")
        ended = time.perf_counter()
    print(json.dumps({"start_s": started - begun, "reconcile_s": ended - started, "sums": told.sums}))


if __name__ == "__main__":
    main()
