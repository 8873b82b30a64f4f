"""A bulk edit of 10,000 orders taken back, all rules on, beside the bare joined UPDATE of the same rows: a table and a JSON file come out.

    .venv/bin/python bench/rollback.py [--rows 10000] [--rounds 5]

Each round harms the same rows twice and heals them twice: once by one UPDATE joined with a table of the old values, which is laid down
beforehand and not counted, and once by `makewhole rollback --apply` of a plan: hash, locks, the log up to that instant, exact comparison,
audit rows, reading again, receipt and evidence. Planning (one pass over the whole log) is told beside it. Both run on one server in one
minute; what counts is the median over rounds of the ratio within a round. Our own processor time is told beside the clock: on a machine
that others share it is what moves least.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.machine import described  # noqa: E402  the checkout must be on the path first
from tests.rollback import shop as shops  # noqa: E402
from tests.servers import launch, mariadb, mysql  # noqa: E402

RESULT = ROOT / "bench" / "results" / "rollback.json"
TARGET = 4.0
RECIPES = {"MariaDB 10.11": mariadb.recipe, "MySQL 8.0.33": mysql.full_recipe}
BAD = "UPDATE orders SET payment_status = 'CLOSED'"
STATES = ("UNPAID", "PAID")


def filled(server: launch.Server, folder: Path, rows: int) -> shops.Shop:
    """A shop with so many orders in two states, and beside it the table that the bare UPDATE is joined with."""
    shop = shops.opened(server, folder)
    limit = "max_recursive_iterations" if shop.mariadb else "cte_max_recursion_depth"
    shop.sql(
        "DELETE FROM orders",
        "INSERT INTO orders (order_sn, payment_status, amount, receiver, remark, weight) "
        f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) "
        f"SELECT CONCAT('2026112300', i), ELT(1 + i % 2, '{STATES[0]}', '{STATES[1]}'), "
        "5 + i % 900, CONCAT('收件人', i), '门口', 0.5 FROM n",
        "CREATE TABLE stage (id BIGINT UNSIGNED PRIMARY KEY, payment_status VARCHAR(16)) CHARACTER SET utf8mb4",
        "INSERT INTO stage SELECT id, payment_status FROM orders",
        session=[f"SET SESSION {limit} = {rows + 1}"],
    )
    return shop


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def one_round(shop: shops.Shop, number: int) -> dict[str, float]:
    """Both ways, on the same rows."""
    shop.sql(BAD)
    bare = timed(lambda: shop.sql("UPDATE orders o JOIN stage s ON s.id = o.id SET o.payment_status = s.payment_status"))
    bad = shop.sql(BAD)
    name = f"plan{number}"
    plans: list[dict[str, object]] = []
    planned = timed(lambda: plans.append(shop.plan("--transaction", bad, name=name)))
    receipts: list[dict[str, object]] = []
    ours = time.process_time()
    applied = timed(lambda: receipts.append(shop.apply(plans[0])))
    ours = time.process_time() - ours
    harmed = shop.rows("SELECT COUNT(*) FROM orders o JOIN stage s ON s.id = o.id AND s.payment_status <> o.payment_status")
    if harmed != [(0,)] or receipts[0]["rows"] != receipts[0]["proven"] or receipts[0]["left"]:
        sys.exit(f"not healed: {harmed} {receipts}")
    return {"bare_s": bare, "plan_s": planned, "apply_s": applied, "apply_cpu_s": ours, "ratio": applied / bare}


def measured(name: str, rows: int, rounds: int) -> dict[str, object]:
    """One server."""
    with launch.started(RECIPES[name]()) as server, tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        shop = filled(server, Path(place), rows)
        one_round(shop, 0)
        told = [one_round(shop, i) for i in range(1, rounds + 1)]
    medians = {key: statistics.median(r[key] for r in told) for key in told[0]}
    print(
        f"{name}: bare {medians['bare_s'] * 1e3:.0f} ms, plan {medians['plan_s'] * 1e3:.0f} ms, apply {medians['apply_s'] * 1e3:.0f} ms, "
        f"of them {medians['apply_cpu_s'] * 1e3:.0f} ms our processor time: {medians['ratio']:.1f} times (target at most {TARGET:g})"
    )
    return {"rows": rows, "rounds": told, "median": medians}


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    os.environ |= {"MAKEWHOLE_SHOP_PASSWORD": "reader", "MAKEWHOLE_SHOP_HANDS_PASSWORD": "app"}
    machine = described(ROOT)
    told = {name: measured(name, asked.rows, asked.rounds) for name in RECIPES}
    RESULT.write_text(json.dumps({"machine": machine, "target": TARGET, "servers": told}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
