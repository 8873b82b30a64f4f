"""All channels, and both ways to reach them: a name goes in, a wired shop comes out, attached by its entry as by a merchant's settings.

A channel of the registries goes through the contract by being there. A fourth, that nobody has, goes with them: it shows what one takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from makewhole.adapters import http
from makewhole.adapters.payments import connecting, joining, registry
from makewhole.core import ids
from makewhole.sandbox import counterparts
from makewhole.sandbox.channel.faults import Fault, Faults
from tests.payments import fourth_joined
from tests.payments import shop as shops


@dataclass(frozen=True)
class Kind:
    """A shop at one channel."""

    name: str

    def front(self, ticking: shops.Ticking, faults: Faults) -> shops.Front:
        """Its counterpart."""
        return _GATES[self.name](ticking, faults=faults)

    def attached(self, front: shops.Front, ticking: shops.Ticking, client: http.Client, **other: Any) -> shops.Shop:
        """As a merchant's settings attach it; `other` settings on top."""
        joined = _ENTRIES[ids.ChannelName(self.name)]
        told = msgspec.convert({**front.section(), **other}, joined.section)
        means = joining.Means(client=client, clock=ticking, read=lambda file, _: front.file(file), nonce=shops.nonces())
        channel = joined.attach(told, means)
        assert isinstance(channel, connecting.Connector)
        return shops.Shop(clock=ticking, gate=front, channel=channel, reader=channel.callbacks(shops.SHOP))


_ENTRIES: joining.Entries = {**registry.ENTRIES, **fourth_joined.ENTRIES}
_GATES: Mapping[str, counterparts.Kind] = {**counterparts.GATES, **fourth_joined.GATES}
CHANNELS = {name: Kind(name) for name in _GATES}
NAMES = [f"{name}-{way}" for name in CHANNELS for way in ("in-process", "loopback") if name in counterparts.GATES or way == "in-process"]
"""The fourth in process alone: what it would show over sockets, the others show."""


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
    return [(name, fault) for name in NAMES for fault in _GATES[name.partition("-")[0]].SHOWS if fault not in without]
