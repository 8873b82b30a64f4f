"""All channels, and both ways to reach them: a name goes in, a wired shop comes out. Here and nowhere else a channel joins the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from makewhole.sandbox.channel.faults import Fault
from tests.payments import alipay, douyinpay
from tests.payments import shop as shops


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One channel: its kind of shop, in process and over sockets."""

    kind: type[shops.Shop]
    in_process: Callable[[], shops.Shop]
    loopback: Callable[[], AbstractContextManager[shops.Shop]]


CHANNELS: Mapping[str, Entry] = {
    "wechatpay": Entry(kind=shops.WeChatShop, in_process=shops.shop, loopback=shops.loopback_shop),
    "douyinpay": Entry(kind=douyinpay.DouyinShop, in_process=douyinpay.shop, loopback=douyinpay.loopback_shop),
    "alipay": Entry(kind=alipay.AlipayShop, in_process=alipay.shop, loopback=alipay.loopback_shop),
}
NAMES = [f"{name}-{way}" for name in CHANNELS for way in ("in-process", "loopback")]


@contextmanager
def made(name: str) -> Iterator[shops.Shop]:
    """A shop by its name."""
    channel, _, way = name.partition("-")
    entry = CHANNELS[channel]
    if way == "in-process":
        yield entry.in_process()
        return
    with entry.loopback() as shop:
        yield shop


def spoilt(*without: Fault) -> list[tuple[str, Fault]]:
    """Each shop with each fault that its channel can show: for `parametrize("shop, fault", …, indirect=["shop"])`."""
    return [(name, fault) for name in NAMES for fault in CHANNELS[name.partition("-")[0]].kind.SPOILT if fault not in without]
