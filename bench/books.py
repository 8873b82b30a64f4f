"""How fast two books are reconciled: books of 100 thousand to 10 million lines go in; ratios to reading and rewriting them come out.

    .venv/bin/python bench/books.py [--lines 10000000] [--folder FOLDER] [--spark]

Every step runs in a process of its own, in turn, `--rounds` times; the best round of each counts, because whatever else the machine does
only ever adds. The yardstick is the same engine reading both files and writing them again: nobody who writes all pairs can do much less.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench import books_data, machine  # noqa: E402

RESULTS = ROOT / "bench" / "results" / "books.json"
STEP = ROOT / "bench" / "books_step.py"
OURS = ROOT / ".venv" / "bin" / "python"
PANDAS = ROOT / ".venvs" / "pandas" / "bin" / "python"
SPARK = ROOT / ".venvs" / "spark" / "bin" / "python"
MEMORY = "1GB"


def step(what: str, books: tuple[Path, Path], folder: Path, *more: str) -> dict[str, Any]:
    """One measured process."""
    python = PANDAS if what == "pandas" else OURS
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        done = subprocess.run([python, STEP, what, *books, scratch, *more], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{what}: {done.stderr[-2000:]}")
    told: dict[str, Any] = json.loads(done.stdout)
    print(f"  {what:8} {' '.join(more):4} {told['seconds']:8.2f} s  {told['cpu_s']:8.2f} CPU s  {told['peak_mb']:6} MB", flush=True)
    return told


def best(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """The fastest."""
    return min(rounds, key=lambda r: r["seconds"])


def right(found: dict[str, int], lines: int) -> bool:
    """Every class has exactly the lines that were made so."""
    one_percent = dict.fromkeys(books_data.TRUTH, lines // 100)
    told = {name: found.get(f"ours {name}", found.get(f"theirs {name}", 0)) for name in books_data.TRUTH}
    return told == one_percent and found["ours matched"] == found["theirs matched"] == lines * 91 // 100 + 2 * (lines // 100)


def measured(lines: int, folder: Path, rounds: int, *, pandas: bool, memory: bool) -> dict[str, Any]:
    """All figures of one size."""
    books = books_data.make(folder, lines)
    print(f"{lines:,} x {lines:,} lines", flush=True)
    told: dict[str, list[dict[str, Any]]] = {"rewrite": [], "breaks": [], "pairs": []}
    for _ in range(rounds):
        for what, found in told.items():
            found.append(step(what, books, folder))
    quick = {what: best(found) for what, found in told.items()}
    if pandas:
        quick["pandas"] = step("pandas", books, folder)
    if memory:
        quick["pairs_1gb"], quick["breaks_1gb"] = step("pairs", books, folder, MEMORY), step("breaks", books, folder, MEMORY)
    floor = quick["rewrite"]["seconds"]
    ratios = {f"{what}_to_rewrite": round(one["seconds"] / floor, 2) for what, one in quick.items() if what != "rewrite"}
    # Processor time tells more while the machine is shared: all of these are busy on whatever they get.
    ratios |= {
        f"{what}_to_rewrite_cpu": round(one["cpu_s"] / quick["rewrite"]["cpu_s"], 2) for what, one in quick.items() if what != "rewrite"
    }
    if pandas:
        ratios["pandas_to_breaks"] = round(quick["pandas"]["seconds"] / quick["breaks"]["seconds"], 1)
        ratios["breaks_to_pandas_memory"] = round(quick["breaks"]["peak_mb"] / quick["pandas"]["peak_mb"], 2)
    if memory:
        ratios["pairs_1gb_to_pairs"] = round(quick["pairs_1gb"]["seconds"] / quick["pairs"]["seconds"], 2)
        ratios["breaks_1gb_to_breaks"] = round(quick["breaks_1gb"]["seconds"] / quick["breaks"]["seconds"], 2)
    exact = all(right(one["found"], lines) for what, one in quick.items() if what not in {"rewrite", "pandas"})
    print(f"  {json.dumps(ratios)} {'every line in its class' if exact else 'WRONG CLASSES'}", flush=True)
    figures = {what: {k: v for k, v in one.items() if k != "found"} for what, one in quick.items()}
    return {"lines": lines, "rounds": rounds, **figures, "ratios": ratios, "every_line_in_its_class": exact}


def on_spark(lines: int, folder: Path) -> dict[str, Any]:
    """Spark's figure; that its result is the same is the business of tests/books/test_spark.py."""
    books = books_data.make(folder, lines)
    driver = ROOT / "tests" / "books" / "drive_spark.py"
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        told = [SPARK, driver, *books, scratch, str(books_data.DAY), "8"]
        done = subprocess.run(told, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"spark: {done.stderr[-2000:]}")
    told_back = json.loads(done.stdout)
    found: dict[str, int] = {}
    for row in told_back["sums"]:
        found[f"{row['side']} {row['class']}"] = found.get(f"{row['side']} {row['class']}", 0) + row["lines"]
    figures = {k: round(told_back[k], 1) for k in ("start_s", "reconcile_s")}
    print(f"Spark local[2], {lines:,} lines: {figures}", flush=True)
    return {"lines": lines, "master": "local[2]", **figures, "every_line_in_its_class": right(found, lines)}


def main() -> None:
    """Measures, prints, writes the results."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--lines", type=int, default=10_000_000, help="of the largest books")
    options.add_argument("--rounds", type=int, default=2)
    options.add_argument("--folder", type=Path, help="for the books, about 1 GB for 10 million lines; default: a passing one")
    options.add_argument("--spark", action="store_true", help="also on Spark, at a tenth of the lines")
    told = options.parse_args()
    for lock, name in ((ROOT / "bench" / "pandas.lock", "pandas"), (ROOT / "tests" / "strangers" / "spark.lock", "spark")):
        if name == "pandas" or told.spark:
            making = [sys.executable, ROOT / "tools" / "environment.py", f".venvs/{name}", str(lock.relative_to(ROOT))]
            subprocess.run(making, cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory() as passing:
        folder = told.folder or Path(passing)
        sizes = [n for n in (100_000, 1_000_000, 10_000_000) if n < told.lines]
        rows = [measured(n, folder, told.rounds, pandas=False, memory=False) for n in sizes]
        rows.append(measured(told.lines, folder, told.rounds, pandas=True, memory=True))
        spark = on_spark(told.lines // 10, folder) if told.spark else None
        growth = [
            {
                "from": small["lines"],
                "to": large["lines"],
                **{
                    f"{w}_s_per_line": round(large[w]["seconds"] / small[w]["seconds"] * small["lines"] / large["lines"], 2)
                    for w in ("breaks", "pairs")
                },
            }
            for small, large in itertools.pairwise(rows)
        ]
        head = machine.described(folder)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({**head, "sizes": rows, "growth": growth, "spark": spark}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
