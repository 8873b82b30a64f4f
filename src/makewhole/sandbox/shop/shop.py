"""The shop itself: a cart becomes an order with locked stock, an attempt to pay, a shipment, a refund; each in one transaction."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from datetime import timedelta

from makewhole.core import clock
from makewhole.sandbox.shop import defects, rows, schema, till
from makewhole.sandbox.shop.defects import Defect
from makewhole.sandbox.shop.schema import AttemptStatus, RefundStatus, Status

CHANNEL = "wechatpay"
PAY_WITHIN = timedelta(minutes=30)
PRESALE_PAY_WITHIN = timedelta(hours=24)
OUTLIVES = timedelta(days=3)
PRESALE = 4
CARRIER = "顺丰速运"


class SoldOut(Exception):
    """A sku of the cart is short; nothing was written."""


class Shop:
    """One shop on one SQLite database. Its own server, jobs and people call it; Makewhole never does."""

    def __init__(self, database: sqlite3.Connection, at: clock.Clock, counter: till.Till, wrong: defects.Defects) -> None:
        self.rows = rows.Rows(database)
        self.clock = at
        self.till = counter
        self.defects = wrong
        self._turn = threading.RLock()
        self._serial = 0
        self.placed = 0
        """Orders that buyers ever placed here, whatever became of their rows."""

    @contextlib.contextmanager
    def transaction(self) -> Iterator[rows.Rows]:
        """All of it or nothing; one at a time."""
        with self._turn:
            self.rows.run("BEGIN IMMEDIATE")
            try:
                yield self.rows
            except BaseException:
                self.rows.run("ROLLBACK")
                raise
            self.rows.run("COMMIT")

    def stock(self, sku: str, title: str, price_fen: int, units: int) -> None:
        """Goods arrive."""
        self.rows.run("INSERT INTO sku_stock (sku_code, title, price, available) VALUES (?, ?, ?, ?)", sku, title, price_fen, units)

    def grant_coupon(self, coupon: str, member: str, amount_fen: int) -> None:
        """A member gets a coupon."""
        self.rows.run("INSERT INTO member_coupon (coupon_no, member_id, amount) VALUES (?, ?, ?)", coupon, member, amount_fen)

    def place(self, member: str, cart: list[rows.Line], *, coupon: str | None = None, goods: int = 1) -> str:
        """An order awaiting payment, its stock locked and its coupon used. Raises SoldOut."""
        now = self.clock.now()
        self._serial += 1
        sn = f"T{now.astimezone(clock.BEIJING):%Y%m%d%H%M%S}{self._serial:06d}"
        with self.transaction() as write:
            prices = {sku: self._price(sku) for sku, _ in cart}
            total = sum(prices[sku] * quantity for sku, quantity in cart)
            off = self._coupon_fen(coupon)
            freight = 0 if total >= 9900 else 800
            write.run(
                "INSERT INTO trade_order (order_sn, member_id, goods_type, goods_amount, freight_amount, coupon_amount, pay_amount, "
                "coupon_no, created_at, expire_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                sn,
                member,
                goods,
                total,
                freight,
                off,
                total + freight - off,
                coupon,
                schema.wall(now),
                schema.wall(now + (PRESALE_PAY_WITHIN if goods == PRESALE else PAY_WITHIN)),
                schema.wall(now),
            )
            for sku, quantity in cart:
                write.run(
                    "INSERT INTO trade_order_item (order_sn, sku_code, quantity, amount) VALUES (?, ?, ?, ?)",
                    sn,
                    sku,
                    quantity,
                    prices[sku] * quantity,
                )
            if not write.take_stock(sn, cart, now):
                raise SoldOut(sn)
            if coupon is not None:
                unlocked = self.defects.holds(Defect.COUPON_WITHOUT_LOCK, coupon)
                if not write.use_coupon(coupon, sn, now, locked=not unlocked):
                    raise SoldOut(coupon)
        self.placed += 1
        return sn

    def pay(self, sn: str) -> str:
        """Open an attempt to pay at the channel; its out_trade_no. The first one carries the order's own number."""
        order = self._order(sn)
        before = self.rows.attempts(sn)
        number = sn if not before else f"{sn}-{len(before) + 1}"
        if before and not self.defects.holds(Defect.NEW_NUMBER_ON_RETRY, sn):
            self.close_attempts(sn)
        wrong = self.defects.holds(Defect.CONFIGURES_WRONG_AMOUNT, sn)
        longer = OUTLIVES if self.defects.holds(Defect.LINK_OUTLIVES_ORDER, sn) else timedelta(0)
        opening = till.Opening(
            out_trade_no=number,
            amount_fen=order["pay_amount"] - (100 if wrong else 0),
            description="南巷茶铺订单",
            attach=sn,
            expires_at=schema.instant(order["expire_at"]) + longer,
        )
        url = self.till.open(opening)
        with self.transaction() as write:
            write.run("UPDATE trade_order SET pay_url = ?, lock_version = lock_version + 1 WHERE order_sn = ?", url, sn)
            if not self.defects.holds(Defect.LOSES_ATTEMPT_ROW, sn):
                write.run(
                    "INSERT INTO pay_attempt (order_sn, out_trade_no, channel, amount, created_at) VALUES (?, ?, ?, ?, ?)",
                    sn,
                    number,
                    CHANNEL,
                    opening.amount_fen,
                    schema.wall(self.clock.now()),
                )
            if self.defects.holds(Defect.LOSES_ORDER_ROW, sn):
                self._lose_order(sn)
            elif self.defects.holds(Defect.DUPLICATES_ROW, sn):
                self._duplicate(sn)
        return number

    def cancel(self, sn: str) -> bool:
        """The buyer thinks better of it, before paying."""
        return self.close(sn, "member")

    def close(self, sn: str, who: str, *, over: bool = False) -> bool:
        """Close an open order: stock and coupon go back. `over` writes without comparing."""
        now = self.clock.now()
        with self.transaction() as write:
            only = None if over else (Status.UNPAID,)
            if not write.set_status(sn, Status.CLOSED, now, who, only_from=only, closed_at=schema.wall(now)):
                return False
            write.run("UPDATE pay_attempt SET status = ? WHERE order_sn = ? AND status = 0", int(AttemptStatus.CLOSED), sn)
            lines = write.lines(sn)
            source = "sold" if over else "locked"
            if not self.defects.holds(Defect.NEVER_RETURNS_STOCK, sn):
                write.return_stock(sn, lines, now, "close", source)
            if self.defects.holds(Defect.RETURNS_STOCK_TWICE, sn):
                write.return_stock(sn, lines, now, "nightly", source)
            if not self.defects.holds(Defect.NEVER_RETURNS_COUPON, sn):
                write.return_coupon(sn)
        return True

    def close_attempts(self, sn: str) -> None:
        """Close what is open of this order at the channel. Raises Refused where one was paid."""
        for attempt in self.rows.attempts(sn):
            if attempt["status"] == AttemptStatus.OPEN:
                self.till.close(attempt["out_trade_no"])

    def ship(self, sn: str, parcel: str) -> None:
        """Hand it to the carrier."""
        now = self.clock.now()
        with self.transaction() as write:
            columns = {"express_company": CARRIER, "express_no": parcel, "shipped_at": schema.wall(now)}
            write.set_status(sn, Status.SHIPPED, now, "warehouse", only_from=(Status.PAID,), **columns)

    def finish(self, sn: str) -> None:
        """The buyer has it."""
        now = self.clock.now()
        with self.transaction() as write:
            write.set_status(sn, Status.FINISHED, now, "member", only_from=(Status.SHIPPED,), finished_at=schema.wall(now))

    def refund(self, sn: str, amount_fen: int) -> str:
        """Ask for money back for a paid order: the row first, then the channel."""
        now = self.clock.now()
        before = self.rows.all("SELECT id FROM refund_order WHERE order_sn = ?", sn)
        number = f"RF{sn}-{len(before) + 1}"
        order = self._order(sn)
        full = amount_fen == order["paid_amount"]
        with self.transaction() as write:
            write.run(
                "INSERT INTO refund_order (order_sn, refund_sn, amount, reason, created_at) VALUES (?, ?, ?, ?, ?)",
                sn,
                number,
                amount_fen,
                "买家申请",
                schema.wall(now),
            )
            if full:
                write.set_status(sn, Status.REFUNDING, now, "member", only_from=(Status.PAID, Status.SHIPPED, Status.FINISHED))
        self._send_refund(sn, number, amount_fen)
        return number

    def set_refund(self, number: str, to: RefundStatus) -> None:
        """What became of a refund; a full one ends its order."""
        now = self.clock.now()
        row = self.rows.one("SELECT * FROM refund_order WHERE refund_sn = ?", number)
        if row is None or row["status"] in {RefundStatus.DONE, RefundStatus.FAILED}:
            return
        with self.transaction() as write:
            done = schema.wall(now) if to is RefundStatus.DONE else None
            write.run("UPDATE refund_order SET status = ?, done_at = ? WHERE refund_sn = ?", int(to), done, number)
            if to is RefundStatus.DONE:
                write.set_status(row["order_sn"], Status.REFUNDED, now, "finance", only_from=(Status.REFUNDING,))
            if to is RefundStatus.FAILED:
                write.set_status(row["order_sn"], Status.PAID, now, "finance", only_from=(Status.REFUNDING,))

    def edit(self, sn: str, **columns: object) -> None:
        """Somebody with a database client mends a row by hand: no version, no history, no side rows."""
        sets = ", ".join(f"{c} = ?" for c in columns)
        self.rows.run(f"UPDATE trade_order SET {sets} WHERE order_sn = ?", *columns.values(), sn)  # noqa: S608 — columns of our own

    def _send_refund(self, sn: str, number: str, amount_fen: int) -> None:
        if self.defects.holds(Defect.REFUND_NOT_SENT, sn):
            self.set_refund(number, RefundStatus.DONE)
            return
        paid = next(a for a in self.rows.attempts(sn) if a["status"] == AttemptStatus.PAID)
        try:
            self.till.refund(paid["out_trade_no"], number, amount_fen, paid["amount"])
        except till.Refused:
            booked = self.defects.holds(Defect.REFUNDS_TWICE, sn)
            self.set_refund(number, RefundStatus.DONE if booked else RefundStatus.FAILED)
            return
        except till.Silent:
            if self.defects.holds(Defect.REFUND_TIMEOUT_IS_FAILURE, sn):
                self.set_refund(number, RefundStatus.FAILED)
                return
        self.set_refund(number, RefundStatus.PROCESSING)
        if self.defects.holds(Defect.LOSES_REFUND_ROW, sn):
            with self.transaction() as write:
                write.run("DELETE FROM refund_order WHERE refund_sn = ?", number)
                write.set_status(sn, Status.PAID, self.clock.now(), "system", only_from=(Status.REFUNDING,))

    def _order(self, sn: str) -> rows.Row:
        found = self.rows.order(sn)
        if found is None:
            raise LookupError(sn)
        return found

    def _price(self, sku: str) -> int:
        found = self.rows.one("SELECT price FROM sku_stock WHERE sku_code = ?", sku)
        if found is None:
            raise LookupError(sku)
        return int(found["price"])

    def _coupon_fen(self, coupon: str | None) -> int:
        found = None if coupon is None else self.rows.one("SELECT amount FROM member_coupon WHERE coupon_no = ?", coupon)
        return 0 if found is None else int(found["amount"])

    def _lose_order(self, sn: str) -> None:
        """The order's transaction never commits; only the channel knows that there was one."""
        self.rows.return_stock(sn, self.rows.lines(sn), self.clock.now(), "rollback")
        self.rows.return_coupon(sn)
        for table in ("stock_flow", "trade_order_item", "pay_attempt", "order_log", "trade_order"):
            self.rows.run(f"DELETE FROM {table} WHERE order_sn = ?", sn)  # noqa: S608 — names of our own

    def _duplicate(self, sn: str) -> None:
        columns = [c["name"] for c in self.rows.all("PRAGMA table_info(trade_order)") if c["name"] != "id"]
        told = ", ".join(columns)
        self.rows.run(f"INSERT INTO trade_order ({told}) SELECT {told} FROM trade_order WHERE order_sn = ?", sn)  # noqa: S608 — names of our own
