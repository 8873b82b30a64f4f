"""The same expression on Spark: every pair, every break and every sum is what DuckDB gives, to the byte."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from makewhole.adapters.books import desk, duck
from makewhole.core import ids
from makewhole.model import bill
from tests.books.books import DAY, NOON, WINDOW, line, numbered

LINES = 2000


def book(seed: int) -> list[bill.Line]:
    """Lines that meet in every way: under shared numbers, transactions, orders, near midnight, without a number."""
    chance = random.Random(seed)
    made = []
    for place in range(LINES):
        # Most of both books is alike; one line in five is drawn again for this book alone.
        same = chance if chance.random() < 0.2 else random.Random(place)
        kind = same.choice([bill.Kind.PAYMENT] * 4 + [bill.Kind.REFUND])
        moved = [bill.Standing.PAID] * 5 if kind is bill.Kind.PAYMENT else [bill.Standing.REFUNDED, bill.Standing.ACCEPTED]
        made.append(
            line(
                same.choice([f"N{same.randrange(LINES)}"] * 30 + [None]),
                same.randrange(1, 500),
                kind=kind,
                channel=ids.ChannelName(same.choice(["wechatpay", "alipay"])),
                standing=same.choice([*moved, bill.Standing.UNPAID]),
                currency=same.choice(["CNY"] * 9 + ["USD"]),
                fee_millifen=(chance if place % 10 == 0 else same).choice([None, 6, 60]),
                transaction=same.choice([None, ids.TransactionId(f"T{same.randrange(LINES)}")]),
                order=same.choice([None, ids.OrderNumber(f"O{same.randrange(LINES)}")]),
                at=NOON + timedelta(seconds=same.randrange(-43_200, 46_800)),
            )
        )
    return numbered(made)


def digest(opened: duck.Duck, source: str) -> str:
    """Of all rows, whatever their order."""
    rows = opened.rows(f"SELECT * FROM {source}")
    return hashlib.sha256("\n".join(sorted(map(repr, rows))).encode()).hexdigest()


@pytest.mark.server
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_spark_gives_what_duckdb_gives(tmp_path: Path, stranger_python: Callable[[str], Path]) -> None:
    """All classes occur; digests of pairs, breaks and sums are equal."""
    scratch = tmp_path / "spark"
    with duck.opened(tmp_path, threads=1) as opened:
        for side, seed in ((bill.Side.OURS, 1), (bill.Side.THEIRS, 2)):
            opened.book(side, book(seed))
            opened.connection.execute(f"COPY {side.value} TO '{tmp_path / side.value}.parquet' (FORMAT parquet)")
        told = desk.reconcile(opened, WINDOW, pairs_to=tmp_path / "pairs.parquet")
        assert {row["class"] for row in told.sums} == {c.value for c in bill.Break} - {"across-cut-off"}
        done = subprocess.run(
            [
                stranger_python("spark"),
                Path(__file__).with_name("drive_spark.py"),
                *(str(tmp_path / f"{side.value}.parquet") for side in bill.Side),
                str(scratch),
                str(DAY),
                "2",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        assert json.loads(done.stdout)["sums"] == list(told.sums)
        assert digest(opened, f"'{scratch}/all_pairs/*.parquet'") == digest(opened, "pairs")
        assert digest(opened, f"'{scratch}/breaks/*.parquet'") == digest(opened, "breaks")
