"""A change log as a shop's day leaves it: a running MariaDB and a number of transactions go in, its binlog file comes out.

One row a transaction, 16 columns with Chinese text, decimals and fractions of seconds; of twenty, five insert, fourteen update, one
deletes.
"""

from __future__ import annotations

import random
import shutil
from pathlib import Path

from tests.servers import launch

DDL = """CREATE TABLE orders (
  order_id BIGINT UNSIGNED PRIMARY KEY, order_sn VARCHAR(64) NOT NULL, user_id BIGINT NOT NULL,
  payment_status ENUM('UNPAID','PAID','REFUNDING','REFUNDED','CLOSED') NOT NULL, status TINYINT NOT NULL, version INT NOT NULL,
  total_amount DECIMAL(10,2) NOT NULL, pay_amount DECIMAL(12,2) NOT NULL, channel CHAR(8) NOT NULL, trade_no VARCHAR(64),
  receiver VARCHAR(100) NOT NULL, phone VARCHAR(20) NOT NULL, address VARCHAR(500) NOT NULL, remark TEXT,
  created_at DATETIME(3) NOT NULL, updated_at TIMESTAMP(6) NOT NULL) CHARACTER SET utf8mb4"""
COLUMNS = 16
KEYS = ("order_id", "payment_status")
_STATES = ("UNPAID", "PAID", "REFUNDING", "REFUNDED", "CLOSED")
_NAMES = ("张三", "李四", "王小五", "欧阳娜娜", "赵六")
_STREETS = ("浙江省杭州市余杭区文一西路", "广东省深圳市南山区科技园南区", "上海市浦东新区世纪大道")


def make(server: launch.Server, transactions: int, into: Path, *, seed: int = 1) -> Path:
    """Write so many transactions, each of one row, and copy the log file that holds exactly them."""
    r = random.Random(seed)
    database = server.create_database()
    with server.root_connection(database) as connection, connection.cursor() as cursor:
        cursor.execute("SET GLOBAL max_binlog_size = 1073741824")
        cursor.execute(DDL)
        cursor.execute("FLUSH BINARY LOGS")
        alive: list[int] = []
        for n in range(transactions):
            act = r.randrange(20) if len(alive) > 50 else 0
            if act < 5:
                alive.append(n + 1)
                cursor.execute(_insert(r, n + 1))
            elif act < 19:
                cursor.execute(_update(r, r.choice(alive)))
            else:
                gone = r.randrange(len(alive))
                cursor.execute(f"DELETE FROM orders WHERE order_id = {alive[gone]}")
                alive[gone] = alive[-1]
                alive.pop()
        cursor.execute("SHOW MASTER STATUS")
        name = str(cursor.fetchone()[0])
        cursor.execute("FLUSH BINARY LOGS")
    copy = into / name
    shutil.copyfile(server.folder / "data" / name, copy)
    return copy


def _insert(r: random.Random, number: int) -> str:
    amount = r.randint(100, 99_999_99)
    trade = f"'42000{r.randrange(10**20):020d}'" if r.random() < 0.7 else "NULL"
    address = f"{r.choice(_STREETS)}{r.randint(1, 999)}号{r.randint(1, 30)}幢{r.randint(101, 2999)}室"
    return (
        f"INSERT INTO orders VALUES ({number}, '2026{number:016d}', {r.randint(1, 10**7)}, '{r.choice(_STATES)}', {r.randint(0, 5)}, 1,"
        f" {amount / 100:.2f}, {(amount - r.randint(0, 100)) / 100:.2f}, 'wechat', {trade}, '{r.choice(_NAMES)}',"
        f" '1{r.randrange(10**10):010d}', '{address}', {r.choice(['NULL', chr(39) + '请尽快发货，谢谢' + chr(39)])},"
        f" '2026-11-{r.randint(1, 28):02d} {r.randint(0, 23):02d}:{r.randint(0, 59):02d}:07.{r.randrange(1000):03d}', NOW(6))"
    )


def _update(r: random.Random, number: int) -> str:
    return (
        f"UPDATE orders SET payment_status = '{r.choice(_STATES)}', status = {r.randint(0, 5)}, version = version + 1,"
        f" updated_at = NOW(6) WHERE order_id = {number}"
    )
