"""All channels, and both ways to reach them: a name goes in, a wired shop comes out. Here and nowhere else a channel joins the contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from makewhole.sandbox.channel.faults import Fault
from tests.payments import alipay, douyinpay
from tests.payments import shop as shops

KINDS: tuple[type[shops.Shop], ...] = (shops.WeChatShop, douyinpay.DouyinShop, alipay.AlipayShop)
CHANNELS: Mapping[str, type[shops.Shop]] = {kind.NAME: kind for kind in KINDS}
NAMES = [f"{name}-{way}" for name in CHANNELS for way in ("in-process", "loopback")]


@contextmanager
def made(name: str) -> Iterator[shops.Shop]:
    """A shop by its name."""
    channel, _, way = name.partition("-")
    if way == "in-process":
        yield shops.made(CHANNELS[channel])
        return
    with shops.served(CHANNELS[channel]) as shop:
        yield shop


def spoilt(*without: Fault) -> list[tuple[str, Fault]]:
    """Each shop with each fault that its channel can show: for `parametrize("shop, fault", …, indirect=["shop"])`."""
    return [(name, fault) for name in NAMES for fault in CHANNELS[name.partition("-")[0]].SPOILT if fault not in without]
