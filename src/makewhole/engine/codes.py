"""Codes that a channel answered and no document of its knows: met by one process, remembered in the store, shown by the doctor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol, runtime_checkable

from makewhole import ports
from makewhole.core import ids

_MARK = "unlisted-codes/"


@runtime_checkable
class Checkable(Protocol):
    """What a channel over a wire can tell the doctor of its own way of speaking."""

    def doubt(self) -> str | None:
        """Why an answer of just now cannot be believed; empty where it can, None where it was not signed. Raises Unavailable."""
        ...

    def believed_until(self) -> datetime | None:
        """When the newest key ends that we believe; None where it has no end."""
        ...

    def unlisted(self) -> Mapping[str, int]:
        """Error codes that came and that no document lists, with how often."""
        ...


def remember(world: ports.World) -> None:
    """Add what this process has met."""
    for name, channel in world.channels.items():
        if isinstance(channel, Checkable) and (met := channel.unlisted()):
            known = remembered(world, name)
            # The larger count, not the sum: this process has told some of its own before, and two processes meet the same codes.
            world.store.set_mark(_MARK + name, json.dumps({c: max(met.get(c, 0), known.get(c, 0)) for c in sorted({*known, *met})}))


def remembered(world: ports.World, channel: ids.ChannelName) -> dict[str, int]:
    """Each code, with how often one process has met it at most."""
    return dict(json.loads(world.store.mark(_MARK + channel) or "{}"))
