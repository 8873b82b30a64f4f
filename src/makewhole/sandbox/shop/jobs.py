"""The shop's timed jobs: close what ran out of time, ask after refunds under way."""

from __future__ import annotations

from makewhole.sandbox.shop import notices, schema, till
from makewhole.sandbox.shop.defects import Defect
from makewhole.sandbox.shop.schema import AttemptStatus, RefundStatus, Status
from makewhole.sandbox.shop.shop import Shop


def expire(shop: Shop) -> int:
    """Close every open order whose time is over; asks the channel first where its programmers thought of it."""
    now = schema.wall(shop.clock.now())
    due = shop.rows.all("SELECT DISTINCT order_sn FROM trade_order WHERE status = ? AND expire_at <= ?", int(Status.UNPAID), now)
    return sum(expire_one(shop, row["order_sn"]) for row in due)


def expire_one(shop: Shop, sn: str) -> bool:
    """One order's end of time."""
    holds = shop.defects.holds
    if holds(Defect.JOB_NOT_RUN, sn):
        return False
    if not holds(Defect.CLOSES_WITHOUT_ASKING, sn) and not _unpaid_at_channel(shop, sn):
        return False
    if not holds(Defect.CLOSES_ONLY_LOCALLY, sn):
        try:
            shop.close_attempts(sn)
        except (till.Refused, till.Silent):
            return False
    return shop.close(sn, "job")


def _unpaid_at_channel(shop: Shop, sn: str) -> bool:
    """Ask for every attempt; a payment that is found is recorded, silence puts the closing off."""
    for attempt in shop.rows.attempts(sn):
        if attempt["status"] == AttemptStatus.CLOSED:
            continue
        try:
            paid = shop.till.query(attempt["out_trade_no"])
        except (till.Refused, till.Silent):
            return False
        if paid is not None:
            notices.record(shop, sn, paid)
            return False
    return True


def poll_refunds(shop: Shop) -> int:
    """Ask after every refund under way."""
    going = shop.rows.all("SELECT refund_sn FROM refund_order WHERE status = ?", int(RefundStatus.PROCESSING))
    done = 0
    for row in going:
        try:
            news = shop.till.refund_state(row["refund_sn"])
        except (till.Refused, till.Silent):
            continue
        if news.status == "SUCCESS":
            shop.set_refund(row["refund_sn"], RefundStatus.DONE)
            done += 1
    return done
