"""The attached channels put together: settings go in; connectors, readers of callbacks and doors come out. It knows none by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from makewhole import ports, settings
from makewhole.adapters import http
from makewhole.adapters.payments import connecting, joining, registry
from makewhole.adapters.shops import forward
from makewhole.core import clock, faults, ids


def channels(told: settings.Settings, client: http.Client, ticking: clock.Clock) -> dict[ids.ChannelName, ports.Channel]:
    """A connector for each account that the settings name. Raises BadInput for settings that cannot be meant."""
    means = joining.Means(client=client, clock=ticking, read=read_file)
    return {joined.name: joined.attach(own, means) for joined, own in _attached(told)}


def notice_readers(world: ports.World) -> Mapping[ids.ChannelName, ports.NoticeReader]:
    """Who reads the callbacks of each attached channel; it shares the channel's certificates."""
    return {n: c.callbacks(world.eyes.shop) for n, c in world.channels.items() if isinstance(c, connecting.Connector)}


def answers(names: Mapping[ids.ChannelName, object]) -> Mapping[ids.ChannelName, Callable[[int, str, str], joining.Said]]:
    """How the callbacks of these channels are answered."""
    return {name: registry.ENTRIES[name].answered for name in names}


def forwarder(told: settings.Settings, client: http.Client) -> forward.HttpForwarder | None:
    """To the shop's own doors; None where it names none."""
    url, doors = told.shop.notify_url, {}
    for joined, own in _attached(told):
        if door := own.shop_notify_url or url:
            doors[joined.name] = forward.Door(url=door, taken=joined.taken)
    return forward.HttpForwarder(url, client, doors) if url or doors else None


def _attached(told: settings.Settings) -> list[tuple[joining.Entry, settings.ChannelSettings]]:
    return [(registry.ENTRIES[ids.ChannelName(name)], own) for name, own in told.channels.items()]


def read_file(path: str, where: str) -> bytes:
    """A file that a setting names. Raises BadInput, naming the setting, where it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as missing:
        raise faults.BadInput(
            f"cannot read {path!r}: {missing.strerror}", where=where, todo="Check the path and its permissions."
        ) from missing
