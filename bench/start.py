"""How long `makewhole --help` takes, beside an interpreter that does nothing: a table and `bench/results/start.json` come out.

    .venv/bin/python bench/start.py [--times 40]

The two take turns, so that a busy machine slows both; the best and the median of each are told.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.machine import described  # noqa: E402  the checkout must be on the path first

RESULT = ROOT / "bench" / "results" / "start.json"
TARGET_S = 0.25
CONTESTANTS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "makewhole --help": [str(Path(sys.executable).with_name("makewhole")), "--help"],
    "makewhole scan --help": [str(Path(sys.executable).with_name("makewhole")), "scan", "--help"],
}


def once(command: list[str]) -> float:
    """Seconds from the start of a process to its end."""
    begun = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=40)
    wanted = parser.parse_args()
    rounds = [{name: once(command) for name, command in CONTESTANTS.items()} for _ in range(wanted.times)]
    rows: list[dict[str, object]] = []
    medians = {}
    for name in CONTESTANTS:
        spans = [told[name] for told in rounds]
        medians[name] = statistics.median(spans)
        rows.append({"name": name, "best_s": round(min(spans), 4), "median_s": round(medians[name], 4)})
        print(f"{name:22} best {min(spans):.3f} s, median {statistics.median(spans):.3f} s")
    met = medians["makewhole --help"] < TARGET_S
    print(f"target {TARGET_S} s: {'met' if met else 'MISSED'}")
    told = {"machine": described(ROOT), "times": wanted.times, "target_s": TARGET_S, "met": met, "rows": rows}
    RESULT.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
