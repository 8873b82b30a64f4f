"""The shop's own writes: every one with its side rows, as the shop's programmers meant them; what calls them may still be wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime

from makewhole.sandbox.shop import schema
from makewhole.sandbox.shop.schema import Status

Row = sqlite3.Row
Line = tuple[str, int]
"""A sku and how many."""


class Rows:
    """One connection's statements. Who calls opens the transaction."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database

    def one(self, statement: str, *values: object) -> Row | None:
        """The first row, or None."""
        found: Row | None = self.database.execute(statement, values).fetchone()
        return found

    def all(self, statement: str, *values: object) -> list[Row]:
        """Every row."""
        return self.database.execute(statement, values).fetchall()

    def run(self, statement: str, *values: object) -> int:
        """Write; how many rows it met."""
        return self.database.execute(statement, values).rowcount

    def order(self, sn: str) -> Row | None:
        """The order's row."""
        return self.one("SELECT * FROM trade_order WHERE order_sn = ? ORDER BY id", sn)

    def lines(self, sn: str) -> list[Line]:
        """What the order is for."""
        return [(r["sku_code"], r["quantity"]) for r in self.all("SELECT * FROM trade_order_item WHERE order_sn = ?", sn)]

    def attempts(self, sn: str) -> list[Row]:
        """Its attempts to pay, oldest first."""
        return self.all("SELECT * FROM pay_attempt WHERE order_sn = ? ORDER BY id", sn)

    def set_status(self, sn: str, to: Status, now: datetime, who: str, *, only_from: Iterable[Status] | None, **columns: object) -> bool:
        """Move the order, with its history row. `only_from` None overwrites whatever stands there."""
        was = self.order(sn)
        sets = ", ".join(f"{c} = ?" for c in columns)
        guard = "" if only_from is None else f" AND status IN ({', '.join(str(int(s)) for s in only_from)})"
        met = self.run(
            f"UPDATE trade_order SET status = ?, updated_at = ?, lock_version = lock_version + 1{', ' if sets else ''}{sets} "  # noqa: S608 — codes and column names of our own
            f"WHERE order_sn = ?{guard}",
            int(to),
            schema.wall(now),
            *columns.values(),
            sn,
        )
        if met and was is not None:
            self.note(sn, who, was["status"], to, now)
        return met > 0

    def note(self, sn: str, who: str, was: int, to: Status, now: datetime) -> None:
        """One line of history."""
        self.run(
            "INSERT INTO order_log (order_sn, operator, from_status, to_status, created_at) VALUES (?, ?, ?, ?, ?)",
            sn,
            who,
            was,
            int(to),
            schema.wall(now),
        )

    def take_stock(self, sn: str, lines: Iterable[Line], now: datetime, reason: str = "lock") -> bool:
        """Lock units; False, to be rolled back, where one sku is short."""
        for sku, quantity in lines:
            met = self.run(
                "UPDATE sku_stock SET available = available - ?, locked = locked + ? WHERE sku_code = ? AND available >= ?",
                quantity,
                quantity,
                sku,
                quantity,
            )
            if not met:
                return False
            self._flow(sn, sku, -quantity, reason, now)
        return True

    def sell_stock(self, lines: Iterable[Line]) -> None:
        """Paid: what was locked is sold."""
        for sku, quantity in lines:
            self.run("UPDATE sku_stock SET locked = locked - ?, sold = sold + ? WHERE sku_code = ?", quantity, quantity, sku)

    def return_stock(self, sn: str, lines: Iterable[Line], now: datetime, reason: str, source: str = "locked") -> None:
        """Give units back to sale, from what was locked or sold."""
        for sku, quantity in lines:
            self.run(
                f"UPDATE sku_stock SET available = available + ?, {source} = {source} - ? WHERE sku_code = ?",  # noqa: S608 — a column of our own
                quantity,
                quantity,
                sku,
            )
            self._flow(sn, sku, quantity, reason, now)

    def _flow(self, sn: str, sku: str, change: int, reason: str, now: datetime) -> None:
        self.run(
            "INSERT INTO stock_flow (order_sn, sku_code, change_qty, reason, created_at) VALUES (?, ?, ?, ?, ?)",
            sn,
            sku,
            change,
            reason,
            schema.wall(now),
        )

    def use_coupon(self, coupon: str, sn: str, now: datetime, *, locked: bool) -> bool:
        """Bind the coupon; `locked` compares first, its absence lets the last cart win."""
        guard = " AND status = 0" if locked else ""
        return (
            self.run(
                f"UPDATE member_coupon SET status = 1, order_sn = ?, used_at = ? WHERE coupon_no = ?{guard}",  # noqa: S608 — two texts of our own
                sn,
                schema.wall(now),
                coupon,
            )
            > 0
        )

    def return_coupon(self, sn: str) -> None:
        """Unbind whatever coupon this order used."""
        self.run("UPDATE member_coupon SET status = 0, order_sn = NULL, used_at = NULL WHERE order_sn = ? AND status = 1", sn)
