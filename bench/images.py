"""Images of a million orders over a day (the whole one and 95 after it), one per cent changed in each: a table and a JSON file come out.

    .venv/bin/python bench/images.py [--orders 1000000] [--images 95]

An image is measured from the changes of the log, decoded, to the commit: folded, turned to text, sorted, written, noted in the touch index.
The yardstick, in the same run and from the same decoded rows: turned to text in one pass and written to one Parquet file with the same
compression; not folded, not sorted, without keys, types, commit or index. Beside it stands what DuckDB alone takes where the texts lie
ready in a file, which no log ever gives. The opening is made by a process of its own. Looking an order up is measured through the engine's
own `as_of`, of random orders at each of several images of the day.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent import futures
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import arro3.core
import duckdb

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.machine import described  # noqa: E402  the checkout must be on the path first
from makewhole.adapters.images import album  # noqa: E402
from makewhole.core import clock, ids  # noqa: E402
from makewhole.engine import image as mover  # noqa: E402
from makewhole.model import change, image, sheet  # noqa: E402
from makewhole.ports import imaging  # noqa: E402

RESULT = ROOT / "bench" / "results" / "images.json"
START = datetime(2026, 11, 23, tzinfo=clock.BEIJING)
COLUMNS = (
    "id", "order_sn", "member_id", "status", "pay_type", "total_amount", "pay_amount", "freight_amount", "coupon_amount", "trade_no",
    "create_time", "payment_time", "delivery_time", "receive_time", "modify_time", "delivery_company", "delivery_sn", "shop_id", "source",
    "note",
)  # fmt: skip
NUMBERS = ("id", "order_sn", "trade_no", "delivery_sn")
"""Columns that hold the shop's own numbers; in all others a card's number is looked for."""
NOTES = ("", "尽快发货", "不要辣", "放门口", "周末送", "送礼请包装")
FIRMS = ("顺丰速运", "中通快递", "圆通速递", "韵达快递", "京东物流")
TIMES_MAX, BYTES_MAX, LOOKUP_MS_MAX = 1.5, 700_000, 10.0
NEW_EACH, PAGE = 1000, 5000


class Orders:
    """Rows as a shop's would be; the newest are written most."""

    def __init__(self, count: int, seed: int) -> None:
        self.random, self.count = random.Random(seed), count
        self.table = change.Table(schema="shop", name="orders", columns=COLUMNS, key=("id",))

    def row(self, number: int, version: int) -> change.Image:
        """An order in one of its states."""
        r = random.Random(number)
        fen = r.randrange(100, 500_000)
        made = datetime(2026, 11, 1) + timedelta(seconds=number % 2_000_000)  # noqa: DTZ001  as the log tells a DATETIME
        paid, sent = (made + timedelta(minutes=7) if version > 0 else None, made + timedelta(hours=20) if version > 1 else None)
        values: tuple[change.Value, ...] = (
            number, f"2026{number:012}", r.randrange(300_000), version % 5, r.randrange(3), _yuan(fen + 800), _yuan(fen), _yuan(800),
            _yuan(0), f"42000{r.randrange(10**15):015}" if version else None, made, paid, sent, None,
            made + timedelta(minutes=version), r.choice(FIRMS) if version > 1 else None,
            f"SF{r.randrange(10**12):012}" if version > 1 else None, r.randrange(40), 1,
            r.choice(NOTES),
        )  # fmt: skip
        return dict(zip(COLUMNS, values, strict=True))

    def window(self, version: int) -> list[change.Change]:
        """A hundredth of the orders, seven of ten among the newest twentieth; and a thousand new ones."""
        told = []
        wanted = self.count // 100
        chosen = {self.random.randrange(self.count * 19 // 20, self.count) for _ in range(wanted * 7 // 10)}
        while len(chosen) < wanted:
            chosen.add(self.random.randrange(self.count))
        for number in chosen:
            before, after = self.row(number, version - 1), self.row(number, version)
            told.append(change.Change(table=self.table, kind=change.Kind.UPDATE, before=before, after=after))
        made = (self.row(number, 0) for number in range(self.count, self.count + NEW_EACH))
        told += [change.Change(table=self.table, kind=change.Kind.INSERT, before=None, after=row) for row in made]
        self.count += NEW_EACH
        return told

    def pages(self, form: image.Form) -> Iterator[sheet.Sheet]:
        """All of them as the shop's tables are read."""
        for first in range(0, self.count, PAGE):
            told = [self.row(n, 0) for n in range(first, min(first + PAGE, self.count))]
            yield sheet.read(form, told)


def _yuan(fen: int) -> Any:
    from decimal import Decimal

    return Decimal(fen).scaleb(-2)


class Feed:
    """A log that holds nothing: `add` is given what it would have told."""

    def end(self) -> change.Position:
        return change.Position(file="binlog.000001", offset=4)

    def run(self, since: change.Position | None = None) -> Iterator[imaging.Passing]:
        return iter(())


def once(changes: list[change.Change], folder: Path) -> tuple[float, float, int]:
    """The yardstick: the changed rows, turned to text in one pass, one Parquet file. Seconds passed, seconds worked, bytes."""
    target = folder / "rows.parquet"
    duck = duckdb.connect()
    begun, cpu_begun = time.perf_counter(), time.process_time()
    texts = [image._texts(column) for column in zip(*(c.after.values() for c in changes if c.after is not None), strict=True)]
    rows = arro3.core.Table.from_pydict(
        {n: arro3.core.Array(t, type=arro3.core.DataType.string()) for n, t in zip(COLUMNS, texts, strict=True)}
    )
    duck.register("rows", rows)
    duck.execute(f"COPY rows TO '{target}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3)")
    spent, cpu = time.perf_counter() - begun, time.process_time() - cpu_begun
    duck.close()
    return spent, cpu, target.stat().st_size


def bytes_once(rows: sheet.Sheet, folder: Path) -> float:
    """Seconds of the other one: the rows' texts lie ready in a file, and DuckDB reads it once and writes Parquet; no Python at all."""
    source, target = folder / "rows.txt", folder / "rows.parquet"
    source.write_text("\n".join("\x01".join("" if v is None else v for v in r.values or ()) for r in rows), encoding="utf-8")
    duck = duckdb.connect()
    told = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(COLUMNS)))
    read = f"read_csv('{source}', delim='\x01', header=false, quote='', escape='', columns={{{told}}}, auto_detect=false)"
    begun = time.perf_counter()
    duck.execute(f"COPY (SELECT * FROM {read}) TO '{target}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3)")
    spent = time.perf_counter() - begun
    duck.close()
    return spent


def size(folder: Path) -> int:
    """Bytes of all files of a folder."""
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())


@contextlib.contextmanager
def studio(orders: Orders, folder: Path) -> Iterator[mover.Studio]:
    """What images of these orders are made of, and where they are kept."""
    table = image.Table(
        role="order", schema="shop", name="orders", key=("id",), link="order_sn", known="id", columns=tuple(sorted(COLUMNS))
    )
    form = image.Form(table, words=[c for c in COLUMNS if c not in NUMBERS])
    with contextlib.closing(album.LakeAlbum(str(folder / "images" / "shop"))) as kept:
        source = imaging.Source(log=Feed(), server="bench", tables=_Tables(orders, form), forms=(form,), form="bench")
        yield mover.Studio(source=source, album=kept, clock=clock.ManualClock(START))


def opened(count: int, folder: Path) -> float:
    """The opening, and how many seconds it took. In a process of its own: what a million rows leave behind in memory is no image's."""
    with studio(Orders(count, seed=7), folder) as made:
        begun = time.perf_counter()
        list(mover.take(made))
        return time.perf_counter() - begun


def day(told: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """An opening, the images of a day after it, the yardstick beside each, and orders looked up on the way."""
    with futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as apart:
        opened_s = apart.submit(opened, told.orders, folder).result()
    orders, opened_bytes = Orders(told.orders, seed=7), size(folder / "images")
    with studio(orders, folder) as made:
        kept, opening = made.album, made.album.last()
        assert opening is not None
        spans, folds, yards, ready, sizes, yard_sizes, looked = [], [], [], [], [], [], {}
        worked, yard_worked = [], []
        for n in range(1, told.images + 1):
            changes = orders.window(n)
            at = image.following(opening.at) + (n - 1) * image.EVERY if n > 1 else image.following(opening.at)
            before = size(folder / "images")
            if n % 2:
                # Whoever reads the changes first finds them far from the processor: they take turns.
                spent, cpu, bytes_ = once(changes, folder)
            begun, cpu_begun = time.perf_counter(), time.process_time()
            fold = made.fold()
            fold.add(changes)
            rows = fold.rows()
            folds.append(time.perf_counter() - begun)
            head = mover._head(made, at, image.Kind.CHANGES, Feed().end(), rows)
            kept.add(head, rows)
            spans.append(time.perf_counter() - begun)
            worked.append(time.process_time() - cpu_begun)
            sizes.append(size(folder / "images") - before)
            if not n % 2:
                spent, cpu, bytes_ = once(changes, folder)
            ready.append(bytes_once(rows, folder))
            yards.append(spent)
            yard_worked.append(cpu)
            yard_sizes.append(bytes_)
            if n in {1, told.images // 4, told.images // 2, told.images}:
                looked[n] = lookups(made, orders, at, rows)
        return {
            "opening_s": round(opened_s, 2),
            "opening_mb": round(opened_bytes / 1e6, 1),
            "changed_rows": len(rows),
            "image_ms": _figures(spans),
            "fold_ms": _figures(folds),
            "commit_ms": _figures([s - f for s, f in zip(spans, folds, strict=True)]),
            "yardstick_ms": _figures(yards),
            "times_yardstick": round(statistics.median(s / y for s, y in zip(spans, yards, strict=True)), 2),
            "cpu_ms": _figures(worked),
            "yardstick_cpu_ms": _figures(yard_worked),
            "times_yardstick_cpu": round(statistics.median(s / y for s, y in zip(worked, yard_worked, strict=True)), 2),
            "ready_texts_ms": _figures(ready),
            "times_ready_texts": round(statistics.median(s / y for s, y in zip(spans, ready, strict=True)), 2),
            "image_bytes": int(statistics.median(sizes)),
            "yardstick_bytes": int(statistics.median(yard_sizes)),
            "day_mb": round(size(folder / "images") / 1e6, 1),
            "lookup_ms": {str(k): v for k, v in looked.items()},
        }


class _Tables:
    def __init__(self, orders: Orders, form: image.Form) -> None:
        self.orders, self.form = orders, form

    def pages(self) -> Iterator[sheet.Sheet]:
        return self.orders.pages(self.form)


def lookups(made: mover.Studio, orders: Orders, at: datetime, rows: sheet.Sheet) -> dict[str, dict[str, float]]:
    """Milliseconds of looking up fifty random orders, and fifty of the newest image."""
    told = {}
    anywhere = [f"2026{orders.random.randrange(orders.count):012}" for _ in range(50)]
    for name, numbers in (("any", anywhere), ("just changed", [r.link for r in orders.random.sample(rows, 50)])):
        spans, worked = [], []
        for number in numbers:
            begun, cpu_begun = time.perf_counter(), time.process_time()
            seen = mover.as_of(made, ids.OrderNumber(number), at, run_on=False)
            spans.append((time.perf_counter() - begun) * 1e3)
            worked.append((time.process_time() - cpu_begun) * 1e3)
            assert seen is not None
            assert len(seen.rows) == 1, number
        told[name] = {
            n: round(v, 2) for n, v in (("median", statistics.median(spans)), ("best", min(spans)), ("cpu", statistics.median(worked)))
        }
    return told


def _figures(spans: list[float]) -> dict[str, float]:
    return {"median": round(statistics.median(spans) * 1e3, 1), "best": round(min(spans) * 1e3, 1)}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--images", type=int, default=95)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        told = day(wanted, Path(place))
        machine = described(Path(place))
    limits = {"times_yardstick_max": TIMES_MAX, "image_bytes_max": BYTES_MAX, "lookup_ms_max": LOOKUP_MS_MAX}
    print(json.dumps({**told, **limits}, indent=1))
    RESULT.write_text(json.dumps({"machine": machine, "orders": wanted.orders, "images": wanted.images, **told, **limits}, indent=1) + "\n")


if __name__ == "__main__":
    main()
