"""Signs that something is wrong with a whole shop or a channel, and not with one order: what, since when, on what grounds, for whom."""

from __future__ import annotations

import enum
from datetime import datetime

from makewhole.core import codec, ids
from makewhole.model import verdict


class Sign(enum.Enum):
    """What it is a sign of."""

    CALLBACKS_SILENT = "callbacks-silent"
    """No callback of a channel for longer than at this time of any day before."""
    CODE_BURST = "code-burst"
    """One return code far more often than in the busiest hour of the week before."""
    FEE_DRIFT = "fee-drift"
    """A day's bill takes another share in fees than the bills before it."""
    REFUND_VELOCITY = "refund-velocity"
    """More refunds to one account on one day than the platform allows (R18): ours to it are held from here on."""
    BANK_DIFFERS = "bank-differs"
    """What the bank says came in is not what the day's bill settles."""


class Signal(codec.Noun, frozen=True, kw_only=True):
    """One sign. `since` and `about` name the episode: seen again a minute later it is the same one."""

    sign: Sign
    about: str
    """A channel, a channel's code, or a buyer as the shop's file lets him be called."""
    since: datetime
    seen_at: datetime
    seen: int
    """What was counted: callbacks, answers, refunds; fen; of a fee parts in a million."""
    usual: int
    """What it would usually be, or may be at most, in the same unit."""
    confidence: float
    role: verdict.Role
    numbers: tuple[str, ...] = ()
    """What it rests on, where that has numbers: refunds."""

    def id(self) -> ids.Key:
        """Of the episode."""
        return ids.derive("signal", self.sign.value, self.about, self.since)
