"""A small shop's year of trade, from one seed, in no shop's spelling: the truth that every style of schema tells in its own words."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

STATES = ("awaiting-payment", "awaiting-shipment", "shipped", "completed", "closed", "refunding", "refunded")
_WEIGHTS = (12, 20, 18, 40, 16, 4, 8)
LABELS = dict(zip(STATES, ("待付款", "待发货", "已发货", "已完成", "已关闭", "退款中", "已退款"), strict=True))
CHANNELS = ("wechatpay", "alipay", "balance")
CARRIERS = ("顺丰速运", "中通快递", "圆通速递", "韵达快递")
START = datetime(2026, 3, 1, 9)  # noqa: DTZ001 - a shop's own wall clock


@dataclass(kw_only=True)
class Row:
    """One row of one of our tables: what it says of each of our fields, instants as DATETIME, money in fen."""

    says: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class World:
    """Rows of each table of ours."""

    tables: dict[str, list[dict[str, object]]]


def make(rng: random.Random, *, orders: int = 160, refunds: bool = True) -> World:
    """A world of so many orders."""
    skus = [
        {
            "sku": f"S{i:05d}",
            "sku_key": 5000 + i,
            "price": rng.choice((990, 1500, 2990, 4500, 12850, 19900, 25999)) + rng.choice((0, 0, 1, 50)),
            "available": rng.randint(5, 90),
            "locked": rng.randint(0, 9),
        }
        for i in range(30)
    ]
    tables: dict[str, list[dict[str, object]]] = {t: [] for t in ("order", "item", "payment", "refund", "coupon", "history")}
    tables["stock"] = [dict(s) for s in skus]
    at = START
    for i in range(orders):
        at += timedelta(minutes=rng.randint(20, 2500))
        _order(rng, tables, i, at, skus, refunds=refunds)
    return World(tables=tables)


def _order(
    rng: random.Random, tables: dict[str, list[dict[str, object]]], i: int, at: datetime, skus: list[dict[str, object]], *, refunds: bool
) -> None:
    state = rng.choices(STATES, _WEIGHTS if refunds else (*_WEIGHTS[:-2], 0, 0))[0]
    key = 1001 + i * rng.choice((1,))
    number = f"{at:%Y%m%d%H%M%S}{rng.randint(100000, 999999)}"
    lines = rng.sample(skus, rng.randint(1, 3))
    paid = state not in {"awaiting-payment", "closed"}
    shipped = state in {"shipped", "completed"} or (state in {"refunding", "refunded"} and rng.random() < 0.3)
    goods = 0
    for sku in lines:
        quantity = rng.choice((1, 1, 1, 2, 3))
        price = sku["price"]
        assert isinstance(price, int)
        goods += price * quantity
        tables["item"].append(
            {
                "key": key,
                "number": number,
                "sku": sku["sku"],
                "sku_key": sku["sku_key"],
                "quantity": quantity,
                "price": price,
                "amount": price * quantity,
            }
        )
    freight, has_coupon = rng.choice((0, 0, 800, 1200)), rng.random() < 0.35
    discount = rng.choice((500, 1000)) if has_coupon and goods > 2000 else 0
    due = goods + freight - discount
    paid_at = at + timedelta(minutes=rng.randint(1, 25)) if paid else None
    shipped_at = paid_at + timedelta(hours=rng.randint(3, 40)) if paid_at and shipped else None
    done_at = shipped_at + timedelta(days=rng.randint(2, 7)) if shipped_at and state == "completed" else None
    closed_at = at + timedelta(minutes=30) if state == "closed" else None
    channel = rng.choices(CHANNELS, (6, 4, 1))[0] if paid else ""
    transaction = ("42000" if channel == "wechatpay" else "2026031922001") + "".join(
        rng.choices("0123456789", k=23 if channel == "wechatpay" else 15)
    )
    coupon = f"C{700000 + i}" if discount else None
    tables["order"].append(
        {
            "key": key,
            "number": number,
            "buyer": rng.randint(20000, 20090),
            "state": state,
            "goods": goods,
            "freight": freight,
            "discount": discount,
            "amount_due": due,
            "amount_paid": due if paid else 0,
            "created_at": at,
            "paid_at": paid_at,
            "shipped_at": shipped_at,
            "completed_at": done_at,
            "closed_at": closed_at,
            "expires_at": at + timedelta(minutes=30),
            "channel": channel,
            "transaction_id": transaction if paid else None,
            "carrier": rng.choice(CARRIERS) if shipped else None,
            "tracking_number": f"SF{rng.randint(10**12, 10**13 - 1)}" if shipped else None,
            "receiver_phone": f"1{rng.choice('3589')}{rng.randint(10**8, 10**9 - 1)}",
            "coupon": coupon,
            "coupon_key": 700000 + i if discount else None,
            "deleted": rng.random() < 0.06 and state in {"closed", "completed"},
            "tenant": 1,
            "version": max(t for t in (at, paid_at, shipped_at, done_at, closed_at) if t) + timedelta(seconds=1),
            "paid": paid,
            "shipped": shipped,
            # What some shops keep beside: what is left to pay, what nobody can order by, ends of either kind, their own words.
            "left": 0 if paid else due,
            "drawn": hashlib.md5(number.encode(), usedforsecurity=False).hexdigest()[:8],
            "counted": f"{100_000_000 + i}",
            "confirmed_at": at,
            "ended_at": done_at or closed_at,
            "label": LABELS[state],
            "one": 1,
            "nothing": 0,
            "receiver": rng.choice(("张三", "李四", "王芳", "赵敏")),
            "address": f"幸福路{rng.randint(1, 300)}号",
            "note": rng.choice((None, None, "请尽快发货")),
        }
    )
    if paid or rng.random() < 0.4:
        tries = 2 if paid and rng.random() < 0.15 else 1
        for n in range(tries):
            last = n == tries - 1
            tables["payment"].append(
                {
                    "key": key,
                    "number": number,
                    "out_trade_no": f"P{at:%Y%m%d}{rng.randint(10**9, 10**10 - 1)}",
                    "channel": channel or "wechatpay",
                    "transaction_id": transaction if paid and last else None,
                    "amount": due,
                    "state": "paid" if paid and last else "unpaid",
                    "at": paid_at if paid and last else None,
                    "created": at + timedelta(minutes=n + 1),
                }
            )
    if state in {"refunding", "refunded"}:
        asked = (shipped_at or paid_at or at) + timedelta(hours=5)
        tables["refund"].append(
            {
                "key": key,
                "number": number,
                "refund_no": f"R{asked:%Y%m%d}{rng.randint(10**8, 10**9 - 1)}",
                "amount": due,
                "state": rng.choice(("requested", "processing")) if state == "refunding" else "done",
                "requested_at": asked,
                "done_at": asked + timedelta(days=1) if state == "refunded" else None,
            }
        )
    if coupon:
        used = state != "closed"
        tables["coupon"].append(
            {
                "id": coupon,
                "coupon_key": 700000 + i,
                "key": key if used else None,
                "number": number if used else None,
                "state": "used" if used else "unused",
                "used_at": at if used else None,
            }
        )
    steps: list[tuple[datetime | None, str]] = [
        (at, "awaiting-payment"),
        (paid_at, "awaiting-shipment"),
        (shipped_at, "shipped"),
        (done_at, "completed"),
        (closed_at, "closed"),
    ]
    before: str | None = None
    for when, word in steps:
        if when is not None:
            tables["history"].append(
                {"key": key, "number": number, "at": when, "who": rng.choice(("system", "admin", "kefu01")), "from": before, "to": word}
            )
            before = word
