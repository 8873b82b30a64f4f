"""How fast a shop is scanned: a million mall-like orders go in; times beside a plain full scan, memory and growth come out.

    .venv/bin/python bench/scan.py [--orders 1000000] [--only sqlite|mariadb]

Seconds of processor time, of our process and of the server's together, stand beside those of the clock: on a machine that others use too,
they are what can be compared.

The yardstick is one statement that makes the same server read every column which the screens read, in every table that they
read, and throw it away: no scan can be faster than that. What a scan costs above it is what the screens cost.

The same orders are scanned once more with three parts for every two of them, whose table the yardstick beside it reads too.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.machine import described  # noqa: E402
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
PARTS = (
    """CREATE TABLE oms_order_part (id BIGINT NOT NULL PRIMARY KEY, order_id BIGINT, part_sn VARCHAR(64), amount DECIMAL(10,2), status INT,
       refund INT NOT NULL, delivery_sn VARCHAR(64), delivery_time DATETIME, receive_time DATETIME)""",
    """INSERT INTO oms_order_part SELECT 2 * id, id, order_sn, CASE WHEN id % 2 = 1 THEN 40.00 ELSE pay_amount END, status, 0, delivery_sn,
       delivery_time, receive_time FROM oms_order""",
    """INSERT INTO oms_order_part SELECT 2 * id + 1, id, order_sn, pay_amount - 40.00, status, 0, delivery_sn, delivery_time, receive_time
       FROM oms_order WHERE id % 2 = 1""",
    "CREATE INDEX by_part ON oms_order_part (order_id)",
)
"""mall has no sub-orders. These are in the states of their orders, half of the orders have two of them."""
PARTS_TOLD = """
[suborder]
table = "oms_order_part"
key = "id"
link = "order_id"

[suborder.fields]
number = "part_sn"
amount_due = { sql = "amount", unit = "yuan" }
tracking_number = "delivery_sn"
shipped_at = "delivery_time"
completed_at = "receive_time"

[suborder.states]
"refund = 1" = "refunding"
"refund = 2" = "refunded"
"status = 0" = "awaiting-payment"
"status = 1" = "awaiting-shipment"
"status = 2" = "shipped"
"status = 3" = "completed"
"status = 4" = "closed"
"""
"""By two columns, as in many shops: what is being given back says so first."""


def shop_map(*, parts: bool = False) -> shopmap.ShopMap:
    """mall's own file without its hands, and with the version column that mall itself does not keep."""
    text = (ROOT / "shops" / "mall.toml").read_text(encoding="utf-8").split("# ------")[0]
    text = text.replace('created_at = "create_time"', 'created_at = "create_time"\nversion = { sql = "modify_time", unit = "datetime" }')
    return shopmap.compile_map(language.parse(text + PARTS_TOLD * parts, "bench"))


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
            # Numbered without gaps, as a table that counts by itself.
            counted = "n / 50" if lite else "n DIV 50"
            refunds = f"SELECT {counted}, n, {sn}, {handled}, 5.00, 2, {handled}, '', 'admin' FROM {source} WHERE n % 50 = 3"
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


def part(engine: sa.Engine) -> None:
    """Every order gets its parts."""
    lite = engine.dialect.name == "sqlite"
    with engine.begin() as connection:
        for statement in PARTS:
            connection.execute(sa.text(statement.replace("BIGINT NOT NULL PRIMARY", "INTEGER PRIMARY") if lite else statement))
        connection.execute(sa.text("ANALYZE" if lite else "ANALYZE TABLE oms_order_part"))


def number(*, lite: bool) -> str:
    """The number of order n, as long as mall's."""
    return "'2026' || (100000000000 + n)" if lite else "CONCAT('2026', 100000000000 + n)"


def later(seconds: int, *, lite: bool) -> str:
    """An instant after the order's own, which is one of a year."""
    if lite:
        return f"datetime('2025-11-01', '+' || (n * 37 % 31000000 + {seconds}) || ' seconds')"
    return f"DATE_ADD('2025-11-01', INTERVAL (n * 37 % 31000000 + {seconds}) SECOND)"


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds on the clock, and of processors."""

    seconds: float
    cpu_s: float


def yardstick(engine: sa.Engine, map_: shopmap.ShopMap, server: int | None) -> Cost:
    """The cost of a plain full scan of the same columns in the same tables."""
    statements = []
    for name in ("order", "item", "refund", "coupon", *(["suborder"] if map_.parts is not None else [])):
        table = map_.tables[name]
        used = screened(name)
        statements.append(f"SELECT COUNT(*), {', '.join(f'SUM(LENGTH({c}))' for c in used)} FROM {table.table}")

    def scan() -> None:
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement).all()

    return best(scan, server)


def joined(engine: sa.Engine, map_: shopmap.ShopMap, server: int | None) -> Cost:
    """What it costs the database to match items with orders once each way and to do nothing with it: no screen of items costs less."""
    item, order = map_.tables["item"].table, map_.order.table
    statements = (
        f"SELECT COUNT(*) FROM {item} i LEFT JOIN {order} o ON o.id = i.order_id WHERE o.id IS NULL OR o.order_sn <> i.order_sn",
        f"SELECT COUNT(*) FROM {order} o LEFT JOIN {item} i ON i.order_id = o.id WHERE i.order_id IS NULL",
    )

    def match() -> None:
        with engine.connect() as connection:
            engines.allow_scan(connection, by_hash=True)
            for statement in statements:
                connection.exec_driver_sql(statement).all()

    return best(match, server)


def screened(name: str) -> tuple[str, ...]:
    """The columns that the screens read of each table."""
    return {
        "order": ("id", "order_sn", "create_time", "pay_amount", "total_amount", "freight_amount", "promotion_amount", "integration_amount",
                  "coupon_amount", "discount_amount", "payment_time", "delivery_time", "receive_time", "pay_type", "delivery_sn", "status"),
        "item": ("order_id", "order_sn"),
        "refund": ("order_id", "status", "return_amount"),
        "coupon": ("order_id", "use_status"),
        "suborder": ("order_id", "amount", "status", "refund", "delivery_sn", "delivery_time", "receive_time"),
    }[name]  # fmt: skip


def best(work: Callable[[], object], server: int | None, times: int = 3) -> Cost:
    """The fastest of some tries, and apart from it the one of least processor time: what the machine's other work took is not counted."""
    found = []
    for _ in range(times):
        begun, cpu = time.perf_counter(), time.process_time() + cpu_of(server)
        work()
        found.append((time.perf_counter() - begun, time.process_time() + cpu_of(server) - cpu))
    return Cost(seconds=min(f[0] for f in found), cpu_s=min(f[1] for f in found))


def cpu_of(server: int | None) -> float:
    """Processor seconds that a database server has used since it began; none for SQLite, which works in our own process."""
    if server is None:
        return 0.0
    told = Path(f"/proc/{server}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def scan(url: str, mark: str | None, server: int | None, done: Any, *, parts: bool) -> None:
    """In a process of its own, whose memory is then the scan's alone: suspects, seconds, seconds to orphans, megabytes."""
    map_ = shop_map(parts=parts)
    engine = engines.for_eyes(url)
    seeing = eyes.attach(map_, engine, clock.ManualClock(NOW), b"bench")
    horizon = rule.Horizon(policy=settings.policy_book().at(NOW), now=NOW, money=False)
    screens = rules.suspects(horizon)
    counts = []
    cost = best(lambda: counts.append(sum(1 for _ in seeing.suspects(screens, mark))), server)
    done.put(
        {
            "suspects": counts[0],
            "seconds": cost.seconds,
            "cpu_s": cost.cpu_s,
            "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
    )


def measured(url: str, server: int | None, mark: str | None = None, *, parts: bool = False) -> dict[str, Any]:
    """One scan."""
    context = multiprocessing.get_context("spawn")
    done = context.Queue()
    worker = context.Process(target=scan, args=(url, mark, server, done), kwargs={"parts": parts})
    worker.start()
    told: dict[str, Any] = done.get(timeout=3600)
    worker.join()
    return told


def beside(plain: Cost, full: dict[str, Any]) -> dict[str, float]:
    """A scan beside its yardstick."""
    return {
        "plain_scan_s": round(plain.seconds, 3),
        "scan_s": round(full["seconds"], 3),
        "times_plain": round(full["seconds"] / plain.seconds, 2),
        "plain_scan_cpu_s": round(plain.cpu_s, 3),
        "scan_cpu_s": round(full["cpu_s"], 3),
        "times_plain_cpu": round(full["cpu_s"] / plain.cpu_s, 2),
    }


def bench(name: str, url: str, server: int | None, orders: int, *, indexed: bool) -> dict[str, Any]:
    """All figures of one database of one size."""
    engine = engines.for_hands(url)
    generate(engine, orders, indexed=indexed)
    map_ = shop_map()
    plain = yardstick(engine, map_, server)
    # Without indexes it would be another question, and on a server a very long answer.
    matching = joined(engine, map_, server) if indexed else None
    full = measured(url, server)
    in_parts = parted(engine, url, server) if indexed else None
    mark = "2026-11-23 00:00:00"
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE oms_order SET modify_time = '2026-11-23 00:00:00' WHERE id % 100 = 1"))
    changed = measured(url, server, mark) if indexed else None
    engine.dispose()
    return {
        "database": name,
        "orders": orders,
        "indexed": indexed,
        **beside(plain, full),
        "matching_cpu_s": None if matching is None else round(matching.cpu_s, 3),
        "times_plain_and_matching_cpu": None if matching is None else round(full["cpu_s"] / (plain.cpu_s + matching.cpu_s), 2),
        "suspects": full["suspects"],
        "rss_mb": round(full["rss_mb"]),
        "in_parts": None if in_parts is None else {**in_parts, "times_without_cpu": round(in_parts["scan_cpu_s"] / full["cpu_s"], 2)},
        "changed_1_percent_s": None if changed is None else round(changed["seconds"], 3),
        "changed_suspects": None if changed is None else changed["suspects"],
    }


def parted(engine: sa.Engine, url: str, server: int | None) -> dict[str, Any]:
    """The figures of the same orders in parts."""
    part(engine)
    plain, full = yardstick(engine, shop_map(parts=True), server), measured(url, server, parts=True)
    return {**beside(plain, full), "suspects": full["suspects"]}


@contextmanager
def databases(only: str | None) -> Iterator[Callable[[], Iterator[tuple[str, str, int | None]]]]:
    """Addresses of fresh databases, with their server's process."""
    with tempfile.TemporaryDirectory() as folder:
        settled = recipe.recipe()
        settled.settings["innodb-buffer-pool-size"] = BUFFER_POOL
        with launch.started(settled) as server:
            count = iter(range(100))

            def fresh() -> Iterator[tuple[str, str, int | None]]:
                if only in {None, "sqlite"}:
                    yield "SQLite", f"sqlite:///{folder}/shop{next(count)}.db", None
                if only in {None, "mariadb"}:
                    assert server._process is not None
                    yield "MariaDB", server.url(server.create_database()), server._process.pid

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
            for name, url, server in fresh():
                rows.append(bench(name, url, server, orders, indexed=indexed))
                print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    heads = (
        f"{'database':9} {'orders':>9} {'indexes':>7} {'plain s':>8} {'scan s':>8} {'times':>6} {'CPU: plain':>10} {'scan':>8} {'times':>6}"
    )
    more = f"{'CPU in parts':>12} {'times':>6} {'times without':>13}"
    print(f"{heads} {'+matching':>9} {'suspects':>9} {'RSS MB':>7} {'1 % changed s':>14} {more}")
    for r in rows:
        matched = "–" if r["times_plain_and_matching_cpu"] is None else f"{r['times_plain_and_matching_cpu']:.2f}"
        in_parts = (
            "" if r["in_parts"] is None else "{scan_cpu_s:12.2f} {times_plain_cpu:6.2f} {times_without_cpu:13.2f}".format_map(r["in_parts"])
        )
        changed = "–" if r["changed_1_percent_s"] is None else f"{r['changed_1_percent_s']:.3f}"
        print(
            f"{r['database']:9} {r['orders']:9,} {'yes' if r['indexed'] else 'no':>7} {r['plain_scan_s']:8.2f} {r['scan_s']:8.2f} "
            f"{r['times_plain']:6.2f} {r['plain_scan_cpu_s']:10.2f} {r['scan_cpu_s']:8.2f} {r['times_plain_cpu']:6.2f} {matched:>9} "
            f"{r['suspects']:9,} {r['rss_mb']:7} {changed:>14} {in_parts}"
        )
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    told_of = {"machine": described(ROOT / "bench"), "buffer_pool": BUFFER_POOL, "rows": rows}
    RESULTS.write_text(json.dumps(told_of, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
