"""What is really so about the orders of a world: what is broken, since when, and which ends are right. The engine never sees it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from makewhole.model import finding
from makewhole.sandbox.shop import schema


class End(enum.Enum):
    """How a broken order may rightly end."""

    RESTORED = "restored"
    REFUNDED = "refunded"
    HANDED_OVER = "handed-over"


@dataclass(frozen=True, kw_only=True)
class Right:
    """What must be so when an order has come to one of its right ends. None: nobody can say."""

    kept_fen: int | None = None
    """Of all its payments, at the channel."""
    status: frozenset[schema.Status] | None = None
    """In the shop."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """One broken order, or one payment that no order explains."""

    number: str
    story: str
    ailments: frozenset[finding.Ailment]
    """Each of them is really there; finding any one of them is finding the order."""
    since: datetime
    ends: Mapping[End, Right]
    payments: tuple[str, ...] = field(default=())
    """Its attempts, where they are not under its own number."""
