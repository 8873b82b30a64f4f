"""A seed and a size go in, a trading day that broke on purpose comes out: mostly healthy orders, and every kind of broken one."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from makewhole.core import clock
from makewhole.sandbox import day
from makewhole.sandbox.channel import faults
from makewhole.sandbox.shop import defects, schema, wechat
from makewhole.sandbox.shop.shop import Shop
from makewhole.sandbox.stories import healthy, late, outgoing, resources, unrecorded
from makewhole.sandbox.stories.story import Tale
from makewhole.sandbox.wechatpay import gateway, keys

START = datetime(2026, 11, 18, 0, 0, tzinfo=clock.BEIJING)
"""The first day of the stories: five days before the first sweep."""
SWEEP_AT = datetime(2026, 11, 23, 20, 0, tzinfo=clock.BEIJING)
"""When Makewhole looks for the first time."""
NOTIFY_URL = "https://relay.sandbox/notify/wechatpay"
BROKEN: tuple[Tale, ...] = (*unrecorded.TALES, *late.TALES, *outgoing.TALES, *resources.TALES)


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much happens."""

    orders: int = 1000
    broken: int = 50


def found(seed: int, database: Path | str) -> day.Day:
    """An empty world: a shop with goods, a channel without faults, a clock at the first day."""
    at = clock.ManualClock(START)
    channel = gateway.Gateway(at, faults=faults.Faults(seed), public_key_mode=True)
    merchant = wechat.Merchant(
        mchid=channel.merchant.mchid,
        appid=channel.merchant.appid,
        serial=keys.serial("merchant"),
        key=keys.private("merchant"),
        apiv3_key=keys.APIV3_KEY.encode(),
        channel_keys={keys.PUBLIC_KEY_ID: keys.public("public_key_mode")},
        notify_url=NOTIFY_URL,
        checks_age=seed % 2 == 0,
    )
    counter = wechat.WechatTill(merchant, channel.handle, at)
    made = day.Day(seed, at, Shop(schema.create(database), at, counter, defects.Defects()), channel)
    made.open_shop()
    return made


def fill(world: day.Day, size: Size) -> None:
    """Put the stories of a day on its agenda: each kind of broken one once while there is room, the rest by weight."""
    chance = random.Random(f"stories {world.seed}")
    told = 0
    for tale in _broken(chance, size.broken):
        tell(world, chance, tale)
        told += tale.orders
    weights = [t.weight for t in healthy.TALES]
    for tale in chance.choices(healthy.TALES, weights, k=max(0, size.orders - told)):
        tell(world, chance, tale)


def _broken(chance: random.Random, count: int) -> Sequence[Tale]:
    first = chance.sample(BROKEN, min(count, len(BROKEN)))
    return [*first, *chance.choices(BROKEN, [t.weight for t in BROKEN], k=count - len(first))]


def tell(world: day.Day, chance: random.Random, tale: Tale) -> None:
    """Put one story on the agenda, at a chance moment of those at which it may begin."""
    before = timedelta(seconds=round(chance.uniform(tale.latest.total_seconds(), tale.earliest.total_seconds())))
    world.tell(tale.script(world), SWEEP_AT - before)
