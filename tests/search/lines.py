"""A shop's log, made from a seed: half Chinese, half English, order numbers and trace ids in it; and the 21 words that must be found in it.

About 120 bytes a line, as a Spring shop writes them. The words: Chinese of one to six characters, across words and inside them, names;
English whole, in part and out of CamelCase; order numbers whole and by their tail; a piece of a trace id; both languages in one phrase;
two words at once.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from makewhole.core import clock, ids
from makewhole.model import document

SEED = 20261123
START = datetime(2026, 11, 1, tzinfo=clock.BEIJING)
NAMES = ("张三", "李四", "王小明", "欧阳静", "赵六", "陈晓东", "刘洋", "周雨桐")
STATES = ("待付款", "待发货", "已发货", "已完成", "已关闭", "退款中")
CHINESE = (
    "订单支付状态由{a}变更为{b}，操作人：{name}",
    "用户{name}申请退款，金额{yuan}元，原因：不想要了",
    "微信支付回调验签失败，等待渠道重试",
    "下单成功，收货人{name}，优惠券已使用",
    "库存扣减失败，商品已售罄，释放锁定库存",
    "查询物流轨迹超时，承运商顺丰，第{n}次重试",
    "定时任务关闭超时未付款订单，共{n}笔",
    "支付成功，金额{yuan}元，渠道wechatpay，进入待发货队列",
    "优惠券核销失败：券已过期，退回用户账户",
    "对账差异：渠道有款而店铺无单，金额{yuan}元",
)
ENGLISH = (
    "GET /api/order/detail 200 {n}ms",
    "Redis connection pool exhausted, waiting {n} ms for a free connection",
    "PaymentTimeoutException: read timed out after {n} ms, gateway=api.mch.weixin.qq.com",
    "Order status changed from PENDING to PAID by callback handler",
    "Slow query {n} ms: SELECT id, status FROM oms_order WHERE order_sn = ?",
    "java.lang.NullPointerException at com.shop.order.service.OmsOrderServiceImpl.paySuccess(OmsOrderServiceImpl.java:{n})",
    "Refund accepted by channel, refund id 503{n}2026112300",
    "Duplicate entry for key 'uk_out_trade_no', callback ignored",
    "Inventory lock released, sku={n}",
    "User login ok, session created, ttl={n}s",
)
WEIGHTS = (18, 6, 2, 16, 3, 4, 5, 30, 2, 1), (34, 3, 2, 22, 8, 1, 3, 2, 9, 16)


def lines(count: int, seed: int = SEED) -> Iterator[tuple[datetime, str, str, str]]:
    """So many lines: instant, order number, trace id, text. The same seed, the same lines."""
    chance = random.Random(seed)
    at = START
    for _ in range(count):
        at += timedelta(milliseconds=chance.randrange(1, 20_000))
        order = f"{at:%Y%m%d}0101{chance.randrange(10**6):06d}"
        trace = f"{chance.getrandbits(64):016x}"
        chinese = chance.random() < 0.5
        pattern = chance.choices(CHINESE if chinese else ENGLISH, WEIGHTS[0 if chinese else 1])[0]
        told = pattern.format(
            a=chance.choice(STATES),
            b=chance.choice(STATES),
            name=chance.choice(NAMES),
            yuan=f"{chance.randrange(100, 999_999) / 100:.2f}",
            n=chance.randrange(1, 5000),
        )
        level = chance.choices(("INFO", "WARN", "ERROR"), (88, 8, 4))[0]
        yield at, order, trace, f"{at:%Y-%m-%d %H:%M:%S} {level} [{trace}] orderSn={order} {told}"


def documents(count: int, seed: int = SEED) -> Iterator[document.Document]:
    """The same as documents."""
    for n, (at, order, trace, text) in enumerate(lines(count, seed)):
        yield document.Document(
            key=f"line-{n:07d}",
            what=document.What.LOG,
            source="shop.log",
            at=at,
            text=text,
            order=ids.OrderNumber(order),
            ids=(trace,),
        )


def suite(told: list[document.Document]) -> dict[str, tuple[str, ...]]:
    """The 21 searches, by what they are, over these documents."""
    some, other = told[len(told) // 3], told[len(told) // 2]
    return {
        "one character": ("券",),
        "one character, frequent": ("付",),
        "two characters": ("退款",),
        "two characters, frequent": ("超时",),
        "two characters across words": ("态由",),
        "three characters": ("优惠券",),
        "four characters": ("验签失败",),
        "four characters across words": ("付状态由",),
        "six characters": ("释放锁定库存",),
        "a name": ("张三",),
        "a longer name": ("欧阳静",),
        "an English word": ("exhausted",),
        "part of an English word": ("xhaus",),
        "part of CamelCase": ("TimeoutExc",),
        "a class of Java": ("NullPointerException",),
        "a whole order number": (str(some.order),),
        "the tail of an order number": (str(other.order)[-8:],),
        "a piece of a trace id": (some.ids[0][3:11],),
        "both languages": ("渠道wechatpay",),
        "two words": ("退款", "李四"),
        "two words of two languages": ("ERROR", "超时"),
    }
