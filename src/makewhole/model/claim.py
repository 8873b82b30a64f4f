"""The base of all that is heard. A claim has a source, an instant and the digest of the bytes it came from; a silence is never absence."""

from __future__ import annotations

import enum
from datetime import datetime

from makewhole.core import codec

SHOP = "shop"
RELAY = "relay"
"""Sources that are not channels; a channel's name is its source."""


class Claim(codec.Noun, frozen=True, kw_only=True, tag_field="says"):
    """What one system of record says. `as_of` is when we read it; the instants inside are the source's own (two clocks)."""

    source: str
    as_of: datetime
    raw: str = ""

    def said(self) -> object:
        """What a plan binds to: everything but when we read it and in which bytes it came."""
        told = codec.builtins(self)
        del told["as_of"]
        told.pop("raw", None)
        return told


class About(enum.Enum):
    """What a silent source could have spoken of."""

    ORDER = "order"
    PAYMENT = "payment"
    REFUND = "refund"
    STOCK = "stock"
    COUPON = "coupon"
    NOTICE = "notice"
    """A callback: not-found from the relay means that it stood there and none came; not-configured, that there is no relay."""


class Why(enum.Enum):
    """Why a source did not speak."""

    NOT_ASKED = "not-asked"
    NOT_CONFIGURED = "not-configured"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    NOT_FOUND = "not-found"
    NOT_UNDERSTOOD = "not-understood"


UNHEARD = frozenset({Why.NOT_ASKED, Why.UNREACHABLE, Why.REFUSED, Why.NOT_UNDERSTOOD})
"""It might have spoken: what it would have said, nobody knows."""


class Silence(codec.Noun, frozen=True, kw_only=True):
    """A source that could have spoken of `number` and did not."""

    source: str
    about: About
    number: str
    why: Why
    detail: str = ""
    code: str = ""
    """What the source answered instead, in its own word."""

    def sort_key(self) -> tuple[str, str, str]:
        """A stable order for digests and print."""
        return (self.source, self.about.value, self.number)
