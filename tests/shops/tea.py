"""A small shop of no real software, for tests: every table and every unit that the language knows, on SQLite and on MariaDB alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from makewhole.adapters.shops import language, shopmap

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
SECRET = b"a secret of these tests"
TABLES = (
    """CREATE TABLE t_order (id BIGINT PRIMARY KEY, sn VARCHAR(40), buyer VARCHAR(40), state INT, is_del INT NOT NULL DEFAULT 0,
       due DECIMAL(10,2), parts BIGINT, paid BIGINT, created DATETIME, paid_at BIGINT NOT NULL DEFAULT 0, shipped_at BIGINT,
       done_at DATETIME, closed_at DATETIME, expires_at VARCHAR(40), channel VARCHAR(10), txn VARCHAR(40), parcel VARCHAR(40),
       coupon VARCHAR(20), kind INT, origin VARCHAR(40), link VARCHAR(80), ver BIGINT NOT NULL DEFAULT 0)""",
    "CREATE TABLE t_item (id INTEGER PRIMARY KEY, order_id BIGINT, sn VARCHAR(40), sku VARCHAR(20), num INT, amount DECIMAL(10,2))",
    "CREATE TABLE t_pay (id INTEGER PRIMARY KEY, order_id BIGINT, out_no VARCHAR(40), channel VARCHAR(10))",
    """CREATE TABLE t_refund (id INTEGER PRIMARY KEY, order_id BIGINT, refund_no VARCHAR(40), amount DECIMAL(10,2), state INT,
       asked DATETIME, done DATETIME)""",
    "CREATE TABLE t_sku (sku VARCHAR(20) PRIMARY KEY, stock INT NOT NULL, locked INT NOT NULL DEFAULT 0, price DECIMAL(10,2))",
    "CREATE TABLE t_flow (id INTEGER PRIMARY KEY, order_id BIGINT, sku VARCHAR(20), num INT, mark VARCHAR(40))",
    "CREATE TABLE t_coupon (id VARCHAR(20) PRIMARY KEY, order_id BIGINT, state INT, used DATETIME)",
    "CREATE TABLE t_log (id INTEGER PRIMARY KEY, order_id BIGINT, note VARCHAR(80), at DATETIME)",
)
SHOP_FILE = Path(__file__).with_name("tea.toml")


def shop_map() -> shopmap.ShopMap:
    """The shop's map."""
    return shopmap.compile_map(language.load(SHOP_FILE))


def create(engine: sa.Engine) -> None:
    """Its empty tables."""
    with engine.begin() as connection:
        for table in TABLES:
            auto = "INTEGER PRIMARY KEY AUTO_INCREMENT" if engine.dialect.name != "sqlite" else "INTEGER PRIMARY KEY"
            connection.exec_driver_sql(table.replace("id INTEGER PRIMARY KEY", f"id {auto}"))


def insert(connection: sa.Connection, table: str, rows: Iterable[Mapping[str, object]]) -> None:
    """Rows as they stand."""
    for row in rows:
        names = ", ".join(row)
        connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({', '.join(f':{n}' for n in row)})"), dict(row))


def everything(engine: sa.Engine) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables, to see whether anything moved."""
    with engine.connect() as connection:
        names = [t.split()[2] for t in TABLES]
        return {n: sorted((tuple(r) for r in connection.exec_driver_sql(f"SELECT * FROM {n}")), key=repr) for n in names}


def wall(instant: datetime | None) -> str | None:
    """An instant as the shop's DATETIME columns hold it."""
    return None if instant is None else instant.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S")
