"""A shop whose parents and sub-orders stand in one table, for tests: its tables on every database, and rows by our own words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from makewhole.adapters.shops import language, shopmap
from makewhole.model import order
from makewhole.model.order import OrderState as S
from tests.shops import tea

SHOP_FILE = Path(__file__).with_name("shared.toml")
TABLES = (
    """CREATE TABLE t_order (id BIGINT PRIMARY KEY, parent_id BIGINT NOT NULL DEFAULT 0, order_sn VARCHAR(40) NOT NULL, buyer VARCHAR(20),
       amount DECIMAL(10,2), freight DECIMAL(10,2), created DATETIME, paid_at DATETIME, pay_type INT, status INT, back INT,
       parcel VARCHAR(40), carrier VARCHAR(20), sent_at DATETIME, done_at DATETIME, txn VARCHAR(40), ver BIGINT NOT NULL DEFAULT 1)""",
    "CREATE INDEX t_order_parent ON t_order (parent_id)",
    "CREATE TABLE t_refund (id BIGINT PRIMARY KEY, order_id BIGINT, refund_sn VARCHAR(40), yuan DECIMAL(10,2), done INT)",
    "CREATE TABLE t_goods (id BIGINT PRIMARY KEY, order_id BIGINT, sku VARCHAR(20), num INT)",
    "CREATE TABLE t_stock (sku VARCHAR(20) PRIMARY KEY, units INT)",
)
NAMES = ("t_order", "t_goods", "t_refund")
CODES: dict[S | None, int] = {
    S.AWAITING_PAYMENT: 0,
    S.AWAITING_SHIPMENT: 1,
    S.PARTLY_SHIPPED: 2,
    S.SHIPPED: 3,
    S.COMPLETED: 4,
    S.CLOSED: 9,
    S.INVALID: 8,
    S.REFUNDING: 5,
    S.REFUNDED: 6,
    None: 7,
}
"""What `status` holds for each of our words."""
SENT = "2026-11-22 10:00:00"
DONE = "2026-11-23 09:00:00"


def shop_map(*changes: tuple[str, str]) -> shopmap.ShopMap:
    """The shop's map, with its file written otherwise."""
    text = SHOP_FILE.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return shopmap.compile_map(language.parse(text, "shared.toml"))


def create(engine: sa.Engine) -> None:
    """Its empty tables."""
    with engine.begin() as connection:
        for table in TABLES:
            connection.exec_driver_sql(table.replace("DATETIME", "TIMESTAMP") if engine.dialect.name == "postgresql" else table)


def parent(key: int, own: S | None, *, parts: int) -> dict[str, object]:
    """An order's row: ten yuan for each part, and five for the freight."""
    paid = own in order.SAYS_PAID
    return _row(key, 0, f"T{key}", CODES[own]) | {
        "amount": f"{10 * parts + 5}.00",
        "freight": "5.00",
        "paid_at": "2026-11-22 08:05:00" if paid else None,
        "pay_type": int(paid),
    }


def part(key: int, of: int, state: S | None, **more: object) -> dict[str, object]:
    """A sub-order's row as it should be in this state. What is being given back says so beside its code."""
    back = {S.REFUNDING: 1, S.REFUNDED: 2}.get(state, 0) if state is not None else 0
    sent = state in {S.SHIPPED, S.COMPLETED}
    told = _row(key, of, f"T{of}-{key}", 3 if back else CODES[state])
    return told | {
        "amount": "10.00",
        "back": back,
        "parcel": f"SF{key}" if sent else None,
        "carrier": "SF" if sent else None,
        "sent_at": SENT if sent else None,
        "done_at": DONE if state is S.COMPLETED else None,
        **more,
    }


def _row(key: int, of: int, number: str, status: int) -> dict[str, object]:
    empty = dict.fromkeys(("parcel", "carrier", "sent_at", "done_at", "paid_at"))
    told = {"id": key, "parent_id": of, "order_sn": number, "buyer": "b1", "created": "2026-11-22 08:00:00", "status": status}
    return {**told, **empty, "freight": "0.00", "pay_type": 0, "back": 0}


def fill(engine: sa.Engine, rows: Sequence[dict[str, object]]) -> None:
    """These rows, many at once."""
    with engine.begin() as connection:
        tea.insert(connection, "t_order", list(rows))
