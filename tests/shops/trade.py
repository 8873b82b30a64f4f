"""A shop with parent trades and sub-orders, for tests: its tables on every database, and rows by our own words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from makewhole.adapters.shops import language, shopmap
from makewhole.model.order import OrderState as S
from tests.shops import tea

SHOP_FILE = Path(__file__).with_name("trade.toml")
TABLES = (
    """CREATE TABLE t_trade (id BIGINT PRIMARY KEY, tid VARCHAR(40) NOT NULL UNIQUE, buyer VARCHAR(20),
       payment DECIMAL(10,2), post_fee DECIMAL(10,2), created DATETIME,
       paid_at DATETIME, coupon VARCHAR(20), pay_type INT, status VARCHAR(20), txn VARCHAR(40), ver BIGINT NOT NULL DEFAULT 1)""",
    """CREATE TABLE t_sub (oid BIGINT PRIMARY KEY, trade_id BIGINT, sub_no VARCHAR(40), sku VARCHAR(20), num INT, fen BIGINT, state INT,
       refund INT, parcel VARCHAR(40), carrier VARCHAR(20), sent_at DATETIME, done_at DATETIME)""",
    "CREATE INDEX t_sub_trade ON t_sub (trade_id)",
    "CREATE TABLE t_back (id INTEGER PRIMARY KEY, trade_id BIGINT, back_no VARCHAR(40), yuan DECIMAL(10,2), done INT)",
    "CREATE TABLE t_claim (id INTEGER PRIMARY KEY, oid BIGINT, claim_no VARCHAR(40), yuan DECIMAL(10,2), done INT, asked DATETIME)",
)
CLAIMS = (
    ('table = "t_back"\nlink = "trade_id"', 'table = "t_claim"\nlink = "oid"\nof = "suborder"'),
    ('number = "back_no"', 'number = "claim_no"\nrequested_at = "asked"'),
)
"""What the shop file says where a refund's row names a part and not its trade."""
OWN: dict[S | None, str] = {
    S.AWAITING_PAYMENT: "WAIT_PAY",
    S.AWAITING_SHIPMENT: "PAID",
    S.PARTLY_SHIPPED: "PART",
    S.SHIPPED: "SENT",
    S.COMPLETED: "DONE",
    S.CLOSED: "CLOSED",
    S.INVALID: "INVALID",
    S.REFUNDING: "APPLIED",
    S.REFUNDED: "BACK",
    None: "NEW WORD",
}
PART: dict[S | None, tuple[int, int]] = {
    S.AWAITING_PAYMENT: (0, 0),
    S.AWAITING_SHIPMENT: (1, 0),
    S.PARTLY_SHIPPED: (2, 0),
    S.SHIPPED: (3, 0),
    S.COMPLETED: (4, 0),
    S.REFUNDING: (3, 1),
    S.REFUNDED: (4, 2),
    S.CLOSED: (9, 0),
    S.INVALID: (8, 0),
    None: (7, 0),
}
"""What the columns `state` and `refund` hold for each of our words."""
SENT = "2026-11-22 10:00:00"
DONE = "2026-11-23 09:00:00"


def shop_map() -> shopmap.ShopMap:
    """The shop's map."""
    return shopmap.compile_map(language.load(SHOP_FILE))


def reissuing() -> shopmap.ShopMap:
    """The map of the shop that writes trades again."""
    text = SHOP_FILE.read_text(encoding="utf-8") + SHOP_FILE.with_name("again.toml").read_text(encoding="utf-8")
    return shopmap.compile_map(language.parse(text, "trade.toml"))


def claims_file() -> str:
    """The shop file where refunds are a part's."""
    text = SHOP_FILE.read_text(encoding="utf-8")
    for old, new in CLAIMS:
        text = text.replace(old, new)
    return text


def create(engine: sa.Engine) -> None:
    """Its empty tables."""
    with engine.begin() as connection:
        for table in TABLES:
            told = table.replace("id INTEGER PRIMARY KEY", f"id {tea.NUMBERED.get(engine.dialect.name, 'INTEGER PRIMARY KEY')}")
            connection.exec_driver_sql(told.replace("DATETIME", "TIMESTAMP") if engine.dialect.name == "postgresql" else told)


def trade(key: int, own: S | None, *, paid: bool = False, parts: int = 0, coupon: str | None = None) -> dict[str, object]:
    """A trade's row: ten yuan for each part, and five for the freight."""
    return {
        "id": key,
        "tid": f"T{key}",
        "buyer": "b1",
        "payment": f"{10 * parts + 5}.00",
        "post_fee": "5.00",
        "created": "2026-11-22 08:00:00",
        "paid_at": "2026-11-22 08:05:00" if paid else None,
        "coupon": coupon,
        "pay_type": int(paid),
        "status": OWN[own],
        "txn": None,
    }


def sub(key: int, trade_: int, state: S | None, **more: object) -> dict[str, object]:
    """A sub-order's row as it should be in this state."""
    code, refund = PART[state]
    sent = state in {S.SHIPPED, S.COMPLETED}
    return {
        "oid": key,
        "trade_id": trade_,
        "sub_no": f"T{trade_}-{key}",
        "sku": f"s{key % 3}",
        "num": 1,
        "fen": 1000,
        "state": code,
        "refund": refund,
        "parcel": f"SF{key}" if sent else None,
        "carrier": "SF" if sent else None,
        "sent_at": SENT if sent else None,
        "done_at": DONE if state is S.COMPLETED else None,
        **more,
    }


def fill(engine: sa.Engine, trades: Sequence[dict[str, object]], subs: Sequence[dict[str, object]]) -> None:
    """These rows, many at once."""
    with engine.begin() as connection:
        for table, rows in (("t_trade", trades), ("t_sub", subs)):
            if rows:
                names = list(rows[0])
                connection.execute(sa.text(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(f':{n}' for n in names)})"), rows)
