"""How fast a shop is scanned: a million mall-like orders go in; times beside a plain full scan, memory and growth come out.

    .venv/bin/python bench/scan.py [--orders 1000000] [--only sqlite|mariadb]

The yardstick is one statement that makes the same server read every column which the screens read, in every table that they
read, and throw it away: no scan can be faster than that. What a scan costs above it is what the screens cost.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from makewhole import settings  # noqa: E402
from makewhole.adapters.shops import engines, eyes, language, shopmap  # noqa: E402
from makewhole.core import clock  # noqa: E402
from makewhole.flow.diagnose import rule, rules  # noqa: E402
from tests.servers import launch  # noqa: E402
from tests.servers import mariadb as recipe  # noqa: E402

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
RESULTS = ROOT / "bench" / "results" / "scan.json"
BUFFER_POOL = "512M"
"""The test server's 32 MB would measure the disk. Half a gigabyte is small for a shop with a million orders."""
ORDERS = """CREATE TABLE oms_order (id BIGINT NOT NULL PRIMARY KEY, member_id BIGINT NOT NULL, coupon_id BIGINT, order_sn VARCHAR(64),
    create_time DATETIME, total_amount DECIMAL(10,2), pay_amount DECIMAL(10,2), freight_amount DECIMAL(10,2),
    promotion_amount DECIMAL(10,2), integration_amount DECIMAL(10,2), coupon_amount DECIMAL(10,2), discount_amount DECIMAL(10,2),
    pay_type INT, status INT, delivery_company VARCHAR(64), delivery_sn VARCHAR(64), use_integration INT, receiver_name VARCHAR(100),
    receiver_phone VARCHAR(32), receiver_detail_address VARCHAR(200), note VARCHAR(500), delete_status INT NOT NULL DEFAULT 0,
    payment_time DATETIME, delivery_time DATETIME, receive_time DATETIME, modify_time DATETIME NOT NULL)"""
OTHERS = (
    """CREATE TABLE oms_order_item (id BIGINT NOT NULL PRIMARY KEY, order_id BIGINT, order_sn VARCHAR(64), product_name VARCHAR(200),
       product_price DECIMAL(10,2), product_quantity INT, product_sku_id BIGINT, real_amount DECIMAL(10,2))""",
    """CREATE TABLE oms_order_return_apply (id BIGINT NOT NULL PRIMARY KEY, order_id BIGINT, order_sn VARCHAR(64), create_time DATETIME,
       return_amount DECIMAL(10,2), status INT, handle_time DATETIME, handle_note VARCHAR(500), handle_man VARCHAR(100))""",
    "CREATE TABLE pms_sku_stock (id BIGINT NOT NULL PRIMARY KEY, price DECIMAL(10,2), stock INT, lock_stock INT)",
    """CREATE TABLE sms_coupon_history (id BIGINT NOT NULL PRIMARY KEY, use_status INT, use_time DATETIME, order_id BIGINT,
       order_sn VARCHAR(100))""",
    """CREATE TABLE oms_order_operate_history (id BIGINT NOT NULL PRIMARY KEY, order_id BIGINT, operate_man VARCHAR(100),
       create_time DATETIME, order_status INT)""",
)
INDEXES = ("CREATE INDEX by_sn ON oms_order (order_sn)", "CREATE INDEX by_time ON oms_order (modify_time)",
           "CREATE INDEX by_order ON oms_order_item (order_id)", "CREATE INDEX by_return ON oms_order_return_apply (order_id)",
           "CREATE INDEX by_use ON sms_coupon_history (order_id)")  # fmt: skip
"""mall has none of them; every shop of this size does. Measured with and without."""


def shop_map() -> shopmap.ShopMap:
    """mall's own file without its hands, and with the version column that mall itself does not keep."""
    text = (ROOT / "shops" / "mall.toml").read_text(encoding="utf-8").split("# ------")[0]
    text = text.replace('created_at = "create_time"', 'created_at = "create_time"\nversion = { sql = "modify_time", unit = "datetime" }')
    return shopmap.compile_map(language.parse(text, "bench"))


def columns(*, lite: bool) -> dict[str, str]:
    """Order n: seven of ten finished, one shipped, one closed, one awaiting shipment; five of a thousand contradict themselves."""
    created, paid, shipped, received = (later(seconds, lite=lite) for seconds in (0, 60, 86_400, 500_000))
    return {
        "id": "n",
        "member_id": "n % 50000",
        "order_sn": number(lite=lite),
        "create_time": created,
        "total_amount": "100.00 + n % 900",
        "pay_amount": "90.00 + n % 900",
        "freight_amount": "0.00",
        "promotion_amount": "10.00",
        "integration_amount": "0.00",
        "coupon_amount": "0.00",
        "discount_amount": "CASE WHEN n % 1000 = 1 THEN 1.00 ELSE 0.00 END",
        "pay_type": "CASE WHEN n % 1000 = 201 THEN 0 ELSE 1 + n % 2 END",
        "status": "CASE WHEN n % 10 < 7 THEN 3 WHEN n % 10 < 8 THEN 2 WHEN n % 10 < 9 THEN 4 ELSE 1 END",
        "delivery_company": "'SF'",
        "delivery_sn": "CASE WHEN n % 10 < 8 AND n % 1000 <> 401 THEN 'SF1234567890' END",
        "receiver_name": "'somebody'",
        "receiver_phone": "'13800138000'",
        "receiver_detail_address": "'a street of an ordinary length, and a house number'",
        "delete_status": "0",
        "payment_time": f"CASE WHEN n % 10 <> 8 AND n % 1000 <> 601 THEN {paid} END",
        "delivery_time": f"CASE WHEN n % 10 < 8 THEN {shipped} END",
        "receive_time": f"CASE WHEN n % 1000 = 801 THEN {created} WHEN n % 10 < 7 THEN {received} END",
        "modify_time": created,
    }


def generate(engine: sa.Engine, orders: int, *, indexed: bool) -> None:
    """Made by arithmetic, so that order n is the same on both databases."""
    lite = engine.dialect.name == "sqlite"
    row, sn, handled = columns(lite=lite), number(lite=lite), later(500_000, lite=lite)
    digits = "(SELECT 0 AS d " + " ".join(f"UNION ALL SELECT {d}" for d in range(1, 10)) + ")"
    numbers = f"(SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d AS n FROM {digits} a, {digits} b, {digits} c, {digits} e)"
    with engine.connect() as connection:
        for statement in (ORDERS, *OTHERS):
            # What is a clustered key there is one here only under this name.
            connection.execute(sa.text(statement.replace("BIGINT NOT NULL PRIMARY", "INTEGER PRIMARY") if lite else statement))
        for start in range(0, orders, 10_000):
            source = f"(SELECT n + {start} AS n FROM {numbers} z) y"
            refunds = f"SELECT n, n, {sn}, {handled}, 5.00, 2, {handled}, '', 'admin' FROM {source} WHERE n % 50 = 3"
            for statement in (
                f"INSERT INTO oms_order ({', '.join(row)}) SELECT {', '.join(row.values())} FROM {source}",
                f"INSERT INTO oms_order_item SELECT n, n, {sn}, 'a product with a name', 50.00, 2, n % 500, 45.00 FROM {source}",
                f"INSERT INTO oms_order_return_apply {refunds}",
            ):
                connection.execute(sa.text(statement))
            connection.commit()
        for statement in INDEXES if indexed else ():
            connection.execute(sa.text(statement))
        connection.execute(sa.text("ANALYZE" if lite else "ANALYZE TABLE oms_order, oms_order_item, oms_order_return_apply"))
        connection.commit()


def number(*, lite: bool) -> str:
    """The number of order n, as long as mall's."""
    return "'2026' || (100000000000 + n)" if lite else "CONCAT('2026', 100000000000 + n)"


def later(seconds: int, *, lite: bool) -> str:
    """An instant after the order's own, which is one of a year."""
    if lite:
        return f"datetime('2025-11-01', '+' || (n * 37 % 31000000 + {seconds}) || ' seconds')"
    return f"DATE_ADD('2025-11-01', INTERVAL (n * 37 % 31000000 + {seconds}) SECOND)"


def yardstick(engine: sa.Engine, map_: shopmap.ShopMap) -> float:
    """Seconds of a plain full scan of the same columns in the same tables; the best of three."""
    statements = []
    for name in ("order", "item", "refund", "coupon"):
        table = map_.tables[name]
        used = screened(name)
        statements.append(f"SELECT COUNT(*), {', '.join(f'SUM(LENGTH({c}))' for c in used)} FROM {table.table}")

    def scan() -> None:
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement).all()

    return best(scan)


def screened(name: str) -> tuple[str, ...]:
    """The columns that the screens read of each table."""
    return {
        "order": ("id", "order_sn", "create_time", "pay_amount", "total_amount", "freight_amount", "promotion_amount", "integration_amount",
                  "coupon_amount", "discount_amount", "payment_time", "delivery_time", "receive_time", "pay_type", "delivery_sn", "status"),
        "item": ("order_id", "order_sn"),
        "refund": ("order_id", "status", "return_amount"),
        "coupon": ("order_id", "use_status"),
    }[name]  # fmt: skip


def best(work: Callable[[], object], times: int = 3) -> float:
    """Seconds of the fastest of some tries: what the machine's other work took is not counted."""
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return min(found)


def scan(url: str, mark: str | None, done: Any) -> None:
    """In a process of its own, whose memory is then the scan's alone: suspects, seconds, seconds to orphans, megabytes."""
    map_ = shop_map()
    engine = engines.for_eyes(url)
    seeing = eyes.attach(map_, engine, clock.ManualClock(NOW), b"bench")
    horizon = rule.Horizon(policy=settings.policy_book().at(NOW), now=NOW, money=False)
    screens = rules.suspects(horizon)
    counts = []
    seconds = best(lambda: counts.append(sum(1 for _ in seeing.suspects(screens, mark))))
    done.put({"suspects": counts[0], "seconds": seconds, "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024})


def measured(url: str, mark: str | None = None) -> dict[str, Any]:
    """One scan."""
    context = multiprocessing.get_context("spawn")
    done = context.Queue()
    worker = context.Process(target=scan, args=(url, mark, done))
    worker.start()
    told: dict[str, Any] = done.get(timeout=3600)
    worker.join()
    return told


def bench(name: str, url: str, orders: int, *, indexed: bool) -> dict[str, Any]:
    """All figures of one database of one size."""
    engine = engines.for_hands(url)
    generate(engine, orders, indexed=indexed)
    map_ = shop_map()
    plain = yardstick(engine, map_)
    full = measured(url)
    mark = "2026-11-23 00:00:00"
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE oms_order SET modify_time = '2026-11-23 00:00:00' WHERE id % 100 = 1"))
    changed = measured(url, mark) if indexed else None
    engine.dispose()
    return {
        "database": name,
        "orders": orders,
        "indexed": indexed,
        "plain_scan_s": round(plain, 3),
        "scan_s": round(full["seconds"], 3),
        "times_plain": round(full["seconds"] / plain, 2),
        "suspects": full["suspects"],
        "rss_mb": round(full["rss_mb"]),
        "changed_1_percent_s": None if changed is None else round(changed["seconds"], 3),
        "changed_suspects": None if changed is None else changed["suspects"],
    }


@contextmanager
def databases(only: str | None) -> Iterator[Callable[[], Iterator[tuple[str, str]]]]:
    """Addresses of fresh databases."""
    with tempfile.TemporaryDirectory() as folder:
        settled = recipe.recipe()
        settled.settings["innodb-buffer-pool-size"] = BUFFER_POOL
        with launch.started(settled) as server:
            count = iter(range(100))

            def fresh() -> Iterator[tuple[str, str]]:
                if only in {None, "sqlite"}:
                    yield "SQLite", f"sqlite:///{folder}/shop{next(count)}.db"
                if only in {None, "mariadb"}:
                    yield "MariaDB", server.url(server.create_database())

            yield fresh


def main() -> None:
    """Measures, prints a table, writes the results."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--orders", type=int, default=1_000_000)
    options.add_argument("--only", choices=["sqlite", "mariadb"])
    told = options.parse_args()
    rows = []
    with databases(told.only) as fresh:
        for orders, indexed in ((told.orders // 10, True), (told.orders, True), (told.orders, False)):
            for name, url in fresh():
                rows.append(bench(name, url, orders, indexed=indexed))
                print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    heads = f"{'database':9} {'orders':>9} {'indexes':>7} {'plain s':>8} {'scan s':>8} {'times':>6}"
    print(f"{heads} {'suspects':>9} {'RSS MB':>7} {'1 % changed s':>14}")
    for r in rows:
        changed = "–" if r["changed_1_percent_s"] is None else f"{r['changed_1_percent_s']:.3f}"
        print(
            f"{r['database']:9} {r['orders']:9,} {'yes' if r['indexed'] else 'no':>7} {r['plain_scan_s']:8.2f} {r['scan_s']:8.2f} "
            f"{r['times_plain']:6.2f} {r['suspects']:9,} {r['rss_mb']:7} {changed:>14}"
        )
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    machine = {"python": platform.python_version(), "machine": platform.machine(), "cores": multiprocessing.cpu_count()}
    RESULTS.write_text(json.dumps({"commit": commit, **machine, "buffer_pool": BUFFER_POOL, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
