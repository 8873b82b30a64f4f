"""Broken orders by arithmetic: a number comes in, what was sold, paid and never recorded goes out; the same for the shop, the channel and
whoever judges afterwards in which order they were worked on."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from makewhole.core import ids
from makewhole.sandbox.shop import schema

SKUS = 500
AMOUNT_FEN_MAX = 490_000
"""Just under what policy shows to a person first."""
SCATTER = 7919
"""A prime: neighbours in the table are far apart in age, deadline and amount, and none of the three follows from another."""


@dataclass(frozen=True, kw_only=True)
class Sold:
    """An order whose payment the shop never noticed."""

    number: str
    transaction: str
    amount_fen: int
    created_at: datetime
    expires_at: datetime

    def urgency(self) -> tuple[int, int]:
        """The hour of its deadline, then the most money first."""
        return int(self.expires_at.timestamp() // 3600), -self.amount_fen


def sold(n: int, begun: datetime) -> Sold:
    """Order n of a bench that began then: 2 to 26 hours old, its deadline 1 to 25 hours away, 10 to 4,900 yuan."""
    return Sold(
        number=f"TB{n:010d}",
        transaction=f"4200{n:024d}",
        amount_fen=1_000 + n * SCATTER % (AMOUNT_FEN_MAX - 1_000),
        created_at=begun.replace(microsecond=0) - timedelta(seconds=7_200 + n * 104_729 % 86_400),
        expires_at=begun.replace(microsecond=0) + timedelta(seconds=3_600 + n * 50_021 % 86_400),
    )


def shop(path: Path, orders: range, begun: datetime) -> None:
    """The sandbox's tea shop with these orders in it, each awaiting a payment that was made."""
    made = schema.create(path)
    made.execute("BEGIN")
    stocked = [(f"SKU{i}", "tea", 100, 1_000_000, 1_000_000) for i in range(SKUS)]
    made.executemany("INSERT INTO sku_stock (sku_code, title, price, available, locked) VALUES (?, ?, ?, ?, ?)", stocked)
    for n in orders:
        _order(made, n, sold(n, begun))
    made.execute("COMMIT")
    made.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    made.close()


def _order(made: sqlite3.Connection, n: int, told: Sold) -> None:
    number, fen, at, sku = told.number, told.amount_fen, schema.wall(told.created_at), f"SKU{n % SKUS}"
    made.execute(
        """INSERT INTO trade_order (id, order_sn, member_id, status, goods_type, goods_amount, pay_amount, pay_channel, created_at,
           expire_at, updated_at) VALUES (?, ?, ?, 10, 1, ?, ?, 'wechatpay', ?, ?, ?)""",
        (n + 1, number, f"M{n % 5_000}", fen, fen, at, schema.wall(told.expires_at), at),
    )
    made.execute("INSERT INTO trade_order_item (order_sn, sku_code, quantity, amount) VALUES (?, ?, 1, ?)", (number, sku, fen))
    made.execute(
        "INSERT INTO pay_attempt (order_sn, out_trade_no, channel, amount, created_at) VALUES (?, ?, 'wechatpay', ?, ?)",
        (number, number, fen, at),
    )
    made.execute(
        "INSERT INTO stock_flow (order_sn, sku_code, change_qty, reason, created_at) VALUES (?, ?, -1, 'sale', ?)", (number, sku, at)
    )
    made.execute("INSERT INTO order_log (order_sn, operator, to_status, created_at) VALUES (?, 'shop', 10, ?)", (number, at))


def paid(path: Path) -> int:
    """How many of the shop's orders are recorded as paid by now."""
    with sqlite3.connect(path) as made:
        found = made.execute("SELECT COUNT(*) FROM trade_order WHERE status = 20 AND trade_no IS NOT NULL").fetchone()
    return int(found[0])


def keys(orders: range, begun: datetime) -> dict[ids.OrderNumber, Sold]:
    """All of them by number."""
    return {ids.OrderNumber(told.number): told for told in (sold(n, begun) for n in orders)}


def spearman(ranked: list[int]) -> float:
    """The rank correlation of a list of expected places, as they came, with their order of coming."""
    count = len(ranked)
    squares = sum((came - expected) ** 2 for came, expected in enumerate(ranked))
    return 1 - 6 * squares / (count * (count * count - 1))
