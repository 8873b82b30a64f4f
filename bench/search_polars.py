"""A stranger beside our search, in its own environment: texts become a Parquet file, which Polars reads from end to end for a question.

python bench/search_polars.py QUESTIONS.json    (folder, texts, words of each question, how often) -> one JSON document
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import polars as pl


def main() -> None:
    """Build, ask, print."""
    told = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    texts = Path(told["texts"]).read_text(encoding="utf-8").split("\n")
    file = Path(told["folder"]) / "texts.parquet"
    begun = time.perf_counter()
    pl.DataFrame({"n": range(len(texts)), "text": texts}).write_parquet(file, compression="zstd")
    built = time.perf_counter() - begun
    asked = []
    for words in told["questions"]:
        spans, rows = [], None
        for _ in range(told["times"]):
            begun = time.perf_counter()
            holds = [pl.col("text").str.contains(word, literal=True) for word in words]
            rows = pl.scan_parquet(file).filter(*holds).select("n").collect()["n"].to_list()
            newest = rows[-20:]
            spans.append((time.perf_counter() - begun) * 1e3)
            assert len(newest) <= 20
        asked.append({"ms": spans, "rows": rows})
    print(json.dumps({"build_s": built, "bytes": file.stat().st_size, "asked": asked, "version": pl.__version__}))


if __name__ == "__main__":
    main()
