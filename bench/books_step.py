"""One measured step of bench/books.py, in a process of its own: what to do goes in, its seconds and its memory come out.

python bench/books_step.py rewrite|pairs|breaks|pandas OURS THEIRS SCRATCH [MEMORY]
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]
KEY = ["channel", "merchant", "kind", "number"]


def rewrite(ours: Path, theirs: Path, scratch: Path, memory: str | None) -> object:
    """The floor: both files read and written again, nothing compared."""
    from makewhole.adapters.books import duck

    with duck.opened(scratch, memory=memory or duck.MEMORY, threads=2) as opened:
        for number, path in enumerate((ours, theirs)):
            opened.write(f"again{number}", f"SELECT * FROM '{path}'", scratch / f"again{number}.parquet")
    return None


def reconcile(ours: Path, theirs: Path, scratch: Path, memory: str | None, pairs_to: Path | None) -> object:
    """Our own."""
    from bench.books_data import DAY
    from makewhole.adapters.books import desk, duck
    from makewhole.model import bill

    with duck.opened(scratch, memory=memory or duck.MEMORY, threads=2) as opened:
        opened.book_file(bill.Side.OURS, ours)
        opened.book_file(bill.Side.THEIRS, theirs)
        told = desk.reconcile(opened, bill.Window(day=DAY), pairs_to=pairs_to)
    found: dict[str, int] = {}
    for row in told.sums:
        found[f"{row['side']} {row['class']}"] = found.get(f"{row['side']} {row['class']}", 0) + row["lines"]
    return found


def pandas_merge(ours: Path, theirs: Path, scratch: Path) -> object:
    """As people do it: number the lines of each key, outer merge, compare columns, write what differs."""
    import numpy as np  # type: ignore[import-not-found,unused-ignore]
    import pandas as pd  # type: ignore[import-not-found,import-untyped,unused-ignore]

    wanted = [*KEY, "line", "amount_fen", "fee_millifen", "currency", "standing", "day"]
    books = [pd.read_parquet(path, columns=wanted) for path in (ours, theirs)]
    for one in books:
        one["nth"] = one.groupby(KEY, sort=False).cumcount()
    both = books[0].merge(books[1], how="outer", on=[*KEY, "nth"], suffixes=("_o", "_t"), indicator=True)
    conditions = [
        both["_merge"].eq("left_only") & both["nth"].gt(0),
        both["_merge"].eq("right_only") & both["nth"].gt(0),
        both["_merge"].eq("left_only"),
        both["_merge"].eq("right_only"),
        both["currency_o"].ne(both["currency_t"]),
        both["standing_o"].ne(both["standing_t"]),
        both["amount_fen_o"].ne(both["amount_fen_t"]),
        both["fee_millifen_o"].ne(both["fee_millifen_t"]),
        both["day_o"].ne(both["day_t"]),
    ]
    names = ["duplicate-ours", "duplicate-theirs", "ours-only", "theirs-only", "currency", "status", "amount", "fee", "across-cut-off"]
    both["class"] = np.select(conditions, names, default="matched")
    both[both["class"] != "matched"].to_parquet(scratch / "pandas.parquet")
    return {str(k): int(v) for k, v in both["class"].value_counts().items()}


def main() -> None:
    """Runs one step and prints what it took; interpreters and imports are counted, as a user waits for them too."""
    what, ours, theirs, scratch, *more = sys.argv[1:]
    paths, memory = (Path(ours), Path(theirs), Path(scratch)), more[0] if more else None
    begun, cpu = time.perf_counter(), time.process_time()
    told: Any
    match what:
        case "rewrite":
            told = rewrite(*paths, memory)
        case "pairs":
            told = reconcile(*paths, memory, paths[2] / "pairs.parquet")
        case "breaks":
            told = reconcile(*paths, memory, None)
        case _:
            told = pandas_merge(*paths)
    seconds, cpu_s = time.perf_counter() - begun, time.process_time() - cpu
    # Not getrusage: what it tells has been the parent's, too.
    peak_mb = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="ascii"))[1]) / 1024  # type: ignore[index]
    print(json.dumps({"seconds": round(seconds, 2), "cpu_s": round(cpu_s, 2), "peak_mb": round(peak_mb), "found": told}))


if __name__ == "__main__":
    main()
