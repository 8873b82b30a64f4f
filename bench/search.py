"""Search over 200,000 lines of a log, beside SQLite's FTS5 with trigrams and a Polars scan, in one run: a table and a JSON file come out.

    .venv/bin/python bench/search.py [--lines 200000] [--times 15]

Everybody gets the same folded texts and the same 21 questions, and has to give the number of all hits and the newest twenty of them;
ours also reads and checks these twenty. FTS5 has no index for words of one and two characters: it reads its table, as its users do. What
must be found is told by reading every text in Python. A figure is the best of the repetitions, for everybody: what the machine's other
work took is not counted; the medians stand beside it in the file.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.machine import described  # noqa: E402  the checkout must be on the path first
from makewhole.adapters.search import embedded, reader  # noqa: E402
from makewhole.core import clock, ids  # noqa: E402
from makewhole.model import document  # noqa: E402
from tests.search import lines  # noqa: E402
from tools import environment  # noqa: E402

POLARS_HOME = ROOT / ".venvs" / "polars"
RESULT = ROOT / "bench" / "results" / "search.json"
BATCH = 10_000
SLOWEST_MS_MAX = 10.0
SHORT_TIMES_MIN = 10.0
"""How much faster than FTS5 for words of one and two characters."""
Questions = dict[str, tuple[str, ...]]


def timed(work: Callable[[], Any], times: int) -> tuple[dict[str, list[float]], Any]:
    """Milliseconds of each repetition, passed and worked; and the last answer. Both contestants in this process work on one thread."""
    spans: dict[str, list[float]] = {"ms": [], "cpu_ms": []}
    answer = None
    for _ in range(times):
        begun, worked = time.perf_counter(), time.thread_time()
        answer = work()
        spans["cpu_ms"].append((time.thread_time() - worked) * 1e3)
        spans["ms"].append((time.perf_counter() - begun) * 1e3)
    return spans, answer


def everything(index: embedded.EmbeddedSearch, words: tuple[str, ...], start: datetime, end: datetime) -> set[str]:
    """Keys of all hits, by halving the time until each half fits into one answer."""
    asked = document.Asked(words=document.asking(words), since=start, until=end, limit=document.HITS_MAX)
    found = index.find(asked)
    if found.total <= document.HITS_MAX:
        return {hit.document.key for hit in found.hits}
    middle = start + (end - start) / 2
    return everything(index, words, start, middle) | everything(index, words, middle, end)


def ours(folder: Path, told: list[document.Document], questions: Questions, times: int) -> dict[str, Any]:
    """The embedded index, through its port."""
    index = embedded.EmbeddedSearch(folder / "index")
    begun = time.perf_counter()
    for start in range(0, len(told), BATCH):
        index.index(told[start : start + BATCH])
    built = time.perf_counter() - begun
    end = (told[-1].at or lines.START) + timedelta(seconds=1)
    asked = []
    for words in questions.values():
        spans, found = timed(lambda w=words: index.find(document.Asked(words=document.asking(w))), times)
        asked.append({**spans, "total": found.total, "keys": everything(index, words, lines.START, end)})
    return {"build_s": built, "bytes": sum(f.stat().st_size for f in (folder / "index").iterdir()), "asked": asked}


def fts5(folder: Path, texts: list[str], questions: Questions, times: int) -> dict[str, Any]:
    """SQLite's full text search with trigrams: all row numbers by the index, or by reading the table where a word is too short for it."""
    file = folder / "fts5.db"
    connection = sqlite3.connect(file)
    begun = time.perf_counter()
    connection.execute("CREATE VIRTUAL TABLE t USING fts5(body, tokenize='trigram')")
    connection.executemany("INSERT INTO t(rowid, body) VALUES (?, ?)", enumerate(texts))
    connection.commit()
    connection.execute("INSERT INTO t(t) VALUES ('optimize')")
    connection.commit()
    built = time.perf_counter() - begun

    def ask(words: tuple[str, ...]) -> list[int]:
        told = [word for (word,) in document.asking(words)]
        long = [word for word in told if len(word) >= 3]
        parts = ["t MATCH ?"] * bool(long) + ["body LIKE ? ESCAPE '\\'"] * (len(told) - len(long))
        match = [" AND ".join('"' + word.replace('"', '""') + '"' for word in long)] if long else []
        like = ["%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%" for word in told if len(word) < 3]
        return [row[0] for row in connection.execute(f"SELECT rowid FROM t WHERE {' AND '.join(parts)}", [*match, *like])]

    asked = []
    for words in questions.values():
        spans, rows = timed(lambda w=words: ask(w), times)
        asked.append({**spans, "rows": rows})
    connection.close()
    return {"build_s": built, "bytes": file.stat().st_size, "asked": asked, "version": sqlite3.sqlite_version}


def polars(folder: Path, texts: list[str], questions: Questions, times: int) -> dict[str, Any]:
    """The scan, in its own environment."""
    environment.ensure(POLARS_HOME, ROOT / "bench" / "polars.lock", with_makewhole=False)
    (folder / "texts").write_text("\n".join(texts), encoding="utf-8")
    asked = [[word for (word,) in document.asking(words)] for words in questions.values()]
    task = {"folder": str(folder), "texts": str(folder / "texts"), "questions": asked, "times": times}
    (folder / "task.json").write_text(json.dumps(task), encoding="utf-8")
    command = [str(POLARS_HOME / "bin" / "python"), str(ROOT / "bench" / "search_polars.py"), str(folder / "task.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def truths(texts: list[str], questions: Questions) -> list[set[int]]:
    """Numbers of the texts that hold all words, by reading them."""
    told = [[word for (word,) in document.asking(words)] for words in questions.values()]
    return [{n for n, text in enumerate(texts) if all(word in text for word in words)} for words in told]


def reading(folder: Path, count: int) -> dict[str, Any]:
    """A log file read: encoding, entries, what is personal taken out, names found; without the index."""
    file = folder / "shop.log"
    file.write_text("\n".join(text for *_, text in lines.lines(count)) + "\n", encoding="utf-8")
    reads = reader.Reader(shop=ids.ShopName("bench"), zone=clock.BEIJING, spell=lambda _: "***")
    begun = time.perf_counter()
    found = sum(1 for _ in reads.documents(file))
    spent = time.perf_counter() - begun
    return {"lines": found, "bytes": file.stat().st_size, "lines_per_s": round(found / spent)}


def compare(
    questions: Questions, want: list[set[int]], told: list[document.Document], all_: dict[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    """A line for each question: how many must be found, and who found them in what time."""
    rows = []
    for n, (name, words) in enumerate(questions.items()):
        keys = {told[i].key for i in want[n]}
        mine, theirs, scan = (all_[who]["asked"][n] for who in ("makewhole", "fts5", "polars"))
        rows.append(
            {
                "question": name,
                "words": list(words),
                "hits": len(want[n]),
                "recall": len(keys & mine["keys"]) / len(keys),
                "precision": len(keys & mine["keys"]) / max(1, len(mine["keys"])),
                "total_exact": mine["total"] == len(want[n]),
                "recall_fts5": len(want[n] & set(theirs["rows"])) / len(want[n]),
                "recall_polars": len(want[n] & set(scan["rows"])) / len(want[n]),
                "ms": round(min(mine["ms"]), 3),
                "fts5_ms": round(min(theirs["ms"]), 3),
                "polars_ms": round(min(scan["ms"]), 3),
                "cpu_ms": round(min(mine["cpu_ms"]), 3),
                "fts5_cpu_ms": round(min(theirs["cpu_ms"]), 3),
                "median_ms": round(statistics.median(mine["ms"]), 3),
                "fts5_median_ms": round(statistics.median(theirs["ms"]), 3),
                "polars_median_ms": round(statistics.median(scan["ms"]), 3),
                "short": any(len(word) < 3 for (word,) in document.asking(words)),
            }
        )
    return rows


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--times", type=int, default=15)
    wanted = parser.parse_args()
    told = list(lines.documents(wanted.lines))
    texts = [document.searchable(one) for one in told]
    questions = lines.suite(told)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        all_ = {
            "makewhole": ours(folder, told, questions, wanted.times),
            "fts5": fts5(folder, texts, questions, wanted.times),
            "polars": polars(folder, texts, questions, wanted.times),
        }
        read = reading(folder, wanted.lines)
        machine = described(folder)
    rows = compare(questions, truths(texts, questions), told, all_)
    alone = [r for r in rows if r["short"] and len(r["words"]) == 1]
    met = {
        "recall": min(r["recall"] for r in rows),
        "precision": min(r["precision"] for r in rows),
        "totals_exact": all(r["total_exact"] for r in rows),
        "slowest_ms": max(r["ms"] for r in rows),
        "slowest_cpu_ms": max(r["cpu_ms"] for r in rows),
        "slowest_median_ms": max(r["median_ms"] for r in rows),
        "slowest_ms_max": SLOWEST_MS_MAX,
        "short_words_times_fts5": round(min(r["fts5_ms"] / r["ms"] for r in alone), 1),
        "short_words_times_fts5_min": SHORT_TIMES_MIN,
    }
    print(f"{'question':32}{'hits':>8}{'recall':>8}{'ms':>9}{'FTS5 ms':>9}{'Polars ms':>10}{'x FTS5':>8}")
    for r in rows:
        times = r["fts5_ms"] / r["ms"]
        print(f"{r['question']:32}{r['hits']:8}{r['recall']:8.3f}{r['ms']:9.2f}{r['fts5_ms']:9.2f}{r['polars_ms']:10.2f}{times:8.1f}")
    built = {who: {"build_s": round(a["build_s"], 1), "mb": round(a["bytes"] / 1e6, 1)} for who, a in all_.items()}
    print(json.dumps({"built": built, "reading": read, **met}, indent=1))
    size = sum(len(text.encode()) for text in texts)
    result = {"machine": machine, "lines": wanted.lines, "text_mb": round(size / 1e6, 1), "times": wanted.times, **met}
    RESULT.write_text(
        json.dumps({**result, "built": built, "reading": read, "questions": rows}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
