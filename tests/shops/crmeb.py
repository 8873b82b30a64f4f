"""The order tables of CRMEB v4 for tests, written after their published columns and codes; rows of healthy and of broken orders."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

SHOP_FILE = Path(__file__).resolve().parents[2] / "shops" / "crmeb.toml"
TABLES = (
    """CREATE TABLE eb_store_order (id INTEGER PRIMARY KEY, order_id VARCHAR(32) NOT NULL, uid INT NOT NULL, real_name VARCHAR(32),
       user_phone VARCHAR(18) NOT NULL, user_address VARCHAR(100) NOT NULL, cart_id VARCHAR(256) NOT NULL DEFAULT '[]',
       freight_price DECIMAL(8,2) NOT NULL DEFAULT 0, total_num INT NOT NULL DEFAULT 0, total_price DECIMAL(8,2) NOT NULL DEFAULT 0,
       total_postage DECIMAL(8,2) NOT NULL DEFAULT 0, pay_price DECIMAL(8,2) NOT NULL DEFAULT 0, pay_postage DECIMAL(8,2) DEFAULT 0,
       deduction_price DECIMAL(8,2) NOT NULL DEFAULT 0, coupon_id INT NOT NULL DEFAULT 0, coupon_price DECIMAL(8,2) NOT NULL DEFAULT 0,
       paid TINYINT NOT NULL DEFAULT 0, pay_time INT DEFAULT NULL, pay_type VARCHAR(32) NOT NULL DEFAULT '',
       add_time INT NOT NULL DEFAULT 0,
       status TINYINT NOT NULL DEFAULT 0, refund_status TINYINT NOT NULL DEFAULT 0, refund_price DECIMAL(8,2) NOT NULL DEFAULT 0,
       delivery_name VARCHAR(64) DEFAULT NULL, delivery_type VARCHAR(32) DEFAULT NULL, delivery_id VARCHAR(64) DEFAULT NULL,
       use_integral DECIMAL(8,2) NOT NULL DEFAULT 0, back_integral DECIMAL(8,2) DEFAULT NULL, is_del TINYINT NOT NULL DEFAULT 0,
       verify_code VARCHAR(12) NOT NULL DEFAULT '', store_id INT NOT NULL DEFAULT 0, shipping_type TINYINT NOT NULL DEFAULT 1,
       is_channel TINYINT NOT NULL DEFAULT 0, is_remind TINYINT NOT NULL DEFAULT 0, is_system_del TINYINT NOT NULL DEFAULT 0)""",
    """CREATE TABLE eb_store_order_status (oid INT NOT NULL, change_type VARCHAR(32) NOT NULL, change_message VARCHAR(256) NOT NULL,
       change_time INT NOT NULL)""",
)
PLACED = 1_795_000_000
"""The first order's add_time: 2026-11-18 in Beijing."""


def order(row: int, **told: object) -> dict[str, object]:
    """One row: paid by WeChat a minute after it was placed, awaiting shipment; `told` says otherwise."""
    at = PLACED + 600 * row
    common: dict[str, object] = {
        "id": row, "order_id": f"wx2026111800{row:04d}", "uid": 100 + row, "real_name": "张三", "user_phone": "13900000000",
        "user_address": "幸福路1号", "total_num": 1, "total_price": "99.00", "pay_price": "99.00", "paid": 1, "pay_time": at + 60,
        "pay_type": "weixin", "add_time": at,
    }  # fmt: skip
    return {**common, **told}


SENT: dict[str, object] = {"delivery_type": "express", "delivery_name": "顺丰速运", "delivery_id": "SF1234567890123"}
UNPAID: dict[str, object] = {"paid": 0, "pay_time": None, "pay_type": ""}
ORDERS: tuple[dict[str, object], ...] = (
    # Healthy ones, one in each state.
    order(1, **UNPAID),
    order(2),
    order(3, status=4, **SENT),
    order(4, status=1, **SENT),
    order(5, status=2, **SENT),
    order(6, status=3, is_del=1, **SENT),
    order(7, is_del=1, **UNPAID),
    order(8, refund_status=1),
    order(9, refund_status=2, refund_price="99.00"),
    order(10, status=2, shipping_type=2, verify_code="483920175566"),
    order(11, status=1, delivery_type="fictitious"),
    order(12, status=2, refund_status=3, refund_price="9.00", **SENT),
    order(13, status=-2, refund_status=2, pay_type="yue"),
    # Broken ones.
    order(21, is_del=1),
    order(22, pay_time=0),
    order(23, pay_type=""),
    order(24, status=1, delivery_type="express", delivery_name="顺丰速运", delivery_id=""),
    order(25, pay_time=PLACED - 3600),
    order(26, paid=0),
    order(27, delivery_type="express", delivery_id="SF99"),
    order(30, status=9),
    order(31, order_id="wx20261118000031"),
    order(32, order_id="wx20261118000031"),
)  # fmt: skip


def fill(engine: sa.Engine) -> None:
    """The tables with their rows."""
    with engine.begin() as connection:
        for table in TABLES:
            connection.exec_driver_sql(table)
        for row in ORDERS:
            connection.execute(sa.text(f"INSERT INTO eb_store_order ({', '.join(row)}) VALUES ({', '.join(f':{n}' for n in row)})"), row)
            note = {"oid": row["id"], "at": row["add_time"]}
            connection.execute(sa.text("INSERT INTO eb_store_order_status VALUES (:oid, 'cache_key_create_order', '订单生成', :at)"), note)
