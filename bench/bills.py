"""How fast WeChat's ALL bill is read: bills go in; seconds beside Python's csv module over the same bytes come out.

    .venv/bin/python bench/bills.py [--lines 300000]

Ours reads the file, checks every cell, sums and card numbers, turns yuan into fen, and leaves a book on the desk; csv only splits.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import sys
import tempfile
import time
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

from bench import machine  # noqa: E402
from makewhole.adapters.bills import reading, wechatpay  # noqa: E402
from tests.bills import making  # noqa: E402

RESULTS = ROOT / "bench" / "results" / "bills.json"
ROUNDS = 5


def bill_of(lines: int) -> bytes:
    """A bill as WeChat Pay writes it."""
    head, first, *_ = making.wechat().decode().split("\r\n")
    rows = []
    for n in range(lines):
        paid = first.replace("4200000910202611230000000001", f"42000009102026{n:014d}").replace("`S1,", f"`S2026{n:020d},")
        rows.append(paid.replace("09:00:00", f"{n % 24:02d}:{n % 60:02d}:{n % 59:02d}"))
    figures = f"`{lines},`{12.5 * lines:.2f},`0.00,`0.00,`{0.075 * lines:.5f},`{12.5 * lines:.2f},`0.00"
    return "\r\n".join([head, *rows, making.WECHAT_SUMS, figures, ""]).encode()


def by_csv(raw: bytes) -> int:
    """Every cell as text."""
    count = 0
    for _ in csv.reader(io.StringIO(raw.decode(), newline="")):
        count += 1
    return count


def by_us(raw: bytes, expected: reading.Expected, threads: int) -> int:
    """A book on the desk."""
    with duckdb.connect(":memory:", config={"threads": threads}) as connection:
        return reading.read(connection, wechatpay.Trade(), raw, expected)


def seconds(work: object, *given: object) -> tuple[float, float]:
    """Of one go: by the clock, and of the processors, which tell more while the machine is shared."""
    assert callable(work)
    begun, cpu = time.perf_counter(), time.process_time()
    work(*given)
    return time.perf_counter() - begun, time.process_time() - cpu


def main() -> None:
    """Takes turns, so that what else the machine does falls on both; the best of each counts."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--lines", type=int, default=300_000)
    lines = options.parse_args().lines
    raw = bill_of(lines)
    asked = making.WECHATPAY.expected()
    sha1 = hashlib.sha1(raw, usedforsecurity=False).hexdigest()
    expected = reading.Expected(day=asked.day, merchant=asked.merchant, sha1=sha1)
    told: dict[str, list[tuple[float, float]]] = {"csv": [], "ours_1_thread": [], "ours_2_threads": []}
    for _ in range(ROUNDS):
        told["csv"].append(seconds(by_csv, raw))
        told["ours_1_thread"].append(seconds(by_us, raw, expected, 1))
        told["ours_2_threads"].append(seconds(by_us, raw, expected, 2))
    quick = {
        f"{name}_{what}": round(min(f[place] for f in found), 3)
        for name, found in told.items()
        for place, what in enumerate(("s", "cpu_s"))
    }
    ratio = {
        f"{name}_to_csv_{what}": round(quick[f"{name}_{what}"] / quick[f"csv_{what}"], 2)
        for name in told
        if name != "csv"
        for what in ("s", "cpu_s")
    }
    with tempfile.TemporaryDirectory() as folder:
        result = {
            **machine.described(Path(folder)),
            "lines": lines,
            "megabytes": round(len(raw) / 1e6, 1),
            "rounds": ROUNDS,
            **quick,
            **ratio,
        }
    print(json.dumps({k: result[k] for k in ("lines", "megabytes", *quick, *ratio, "load_per_core")}))
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
