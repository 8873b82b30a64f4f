"""A bulk edit of 10,000 orders taken back, all rules on, beside the bare joined UPDATE of the same rows: a table and a JSON file come out.

    .venv/bin/python bench/rollback.py [--rows 10000] [--rounds 7]

Each round harms the same rows twice and heals them twice: once by one UPDATE joined with a table of the old values, which is laid down
beforehand and not counted, and once by `makewhole rollback --apply` of a plan: hash, settings, locks, the log up to that instant, exact
comparison, audit rows, reading again, receipt and evidence. Either time begins before there is a connection and ends when all is done; that
of the statement alone, on an open connection, is told beside it. So is planning (one pass over the whole log). Two kinds of edits: one
after which the rows are alike and were in two states before, and one of a column in which each row held a value of its own.

Both run on one server in one minute; what counts is the median over rounds of the ratio within a round. On a machine that others share
the clock tells of them too: so the same ratio stands beside it in processor time, ours and the server's together.
"""

from __future__ import annotations

import argparse
import gc
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
EDITS = {"alike": ("payment_status", "CLOSED"), "each its own": ("receiver", "无名")}
"""Which column, and what is written into it, in all rows."""
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
        "CREATE TABLE stage (id BIGINT UNSIGNED PRIMARY KEY, payment_status VARCHAR(16), receiver VARCHAR(64)) CHARACTER SET utf8mb4",
        "INSERT INTO stage SELECT id, payment_status, receiver FROM orders",
        session=[f"SET SESSION {limit} = {rows + 1}"],
    )
    return shop


def timed(server: launch.Server, work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of processor time, ours and the server's."""
    # What was done before leaves its rubbish to nobody.
    gc.collect()
    theirs = burnt(server)
    begun, ours = time.perf_counter(), time.process_time()
    work()
    span, ours = time.perf_counter() - begun, time.process_time() - ours
    return span, ours + burnt(server) - theirs


def burnt(server: launch.Server) -> float:
    """Seconds of processor time that the server took so far."""
    with server.root_connection() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT @@datadir, @@pid_file")
        folder, file = cursor.fetchone()
    number = int((Path(folder) / file).read_text(encoding="ascii"))
    # How Linux names another process's clock: clock_getcpuclockid(3).
    return time.clock_gettime(~number << 3 | 2)


def one_round(shop: shops.Shop, edit: str, number: int) -> dict[str, float]:
    """Both ways, on the same rows."""
    column, wrong = EDITS[edit]
    bad = f"UPDATE orders SET {column} = '{wrong}'"
    joined = f"UPDATE orders o JOIN stage s ON s.id = o.id SET o.{column} = s.{column}"
    shop.sql(bad)
    bare, bare_cpu = timed(shop.server, lambda: shop.sql(joined))
    shop.sql(bad)
    with shop.server.root_connection(shop.database) as connection, connection.cursor() as cursor:
        alone, alone_cpu = timed(shop.server, lambda: cursor.execute(joined))
    gone = shop.sql(bad)
    plans: list[dict[str, object]] = []
    planned, _ = timed(shop.server, lambda: plans.append(shop.plan("--transaction", gone, name=f"plan{number}")))
    receipts: list[dict[str, object]] = []
    applied, applied_cpu = timed(shop.server, lambda: receipts.append(shop.apply(plans[0])))
    harmed = shop.rows(f"SELECT COUNT(*) FROM orders o JOIN stage s ON s.id = o.id AND s.{column} <> o.{column}")
    if harmed != [(0,)] or receipts[0]["rows"] != receipts[0]["proven"] or receipts[0]["left"]:
        sys.exit(f"not healed: {harmed} {receipts}")
    return {
        "bare_s": bare,
        "bare_cpu_s": bare_cpu,
        "alone_s": alone,
        "alone_cpu_s": alone_cpu,
        "plan_s": planned,
        "apply_s": applied,
        "apply_cpu_s": applied_cpu,
        "ratio": applied / bare,
        "ratio_cpu": applied_cpu / bare_cpu,
        "ratio_alone": applied / alone,
        "ratio_alone_cpu": applied_cpu / alone_cpu,
    }


def measured(name: str, rows: int, rounds: int) -> dict[str, object]:
    """One server."""
    with launch.started(RECIPES[name]()) as server, tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        shop = filled(server, Path(place), rows)
        kept: dict[str, object] = {"rows": rows}
        for edit in EDITS:
            one_round(shop, edit, 0)
            told = [one_round(shop, edit, i) for i in range(1, rounds + 1)]
            middle = {key: statistics.median(r[key] for r in told) for key in told[0]}
            kept[edit] = {"rounds": told, "median": middle}
            print(
                f"{name}, {edit}: bare {middle['bare_s'] * 1e3:.0f} ms ({middle['alone_s'] * 1e3:.0f} alone), "
                f"plan {middle['plan_s'] * 1e3:.0f} ms, apply {middle['apply_s'] * 1e3:.0f} ms: {middle['ratio']:.1f} times by the clock, "
                f"{middle['ratio_cpu']:.1f} in processor time (target at most {TARGET:g}); "
                f"{middle['ratio_alone']:.1f} and {middle['ratio_alone_cpu']:.1f} times the statement alone",
                flush=True,
            )
    return kept


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    os.environ |= {"MAKEWHOLE_SHOP_PASSWORD": "reader", "MAKEWHOLE_SHOP_HANDS_PASSWORD": "app"}
    machine = described(ROOT)
    told = {name: measured(name, asked.rows, asked.rounds) for name in RECIPES}
    RESULT.write_text(json.dumps({"machine": machine, "target": TARGET, "servers": told}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
