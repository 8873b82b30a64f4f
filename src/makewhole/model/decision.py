"""What a person may decide about a difference between two books, and what was decided: by whom, why, until when."""

from __future__ import annotations

import enum
from datetime import datetime

from makewhole.core import codec


class Choice(enum.Enum):
    """What a person may decide about a difference that nothing explains."""

    CHANNEL_IS_RIGHT = "channel-is-right"
    """Our book is corrected to theirs."""
    SHOP_IS_RIGHT = "shop-is-right"
    """The channel owes it: it is claimed there."""
    WRITE_OFF = "write-off"
    """Nobody will ever explain it: it is taken out of the books, for the reason given."""
    WAIT = "wait"
    """For the next bill: asked again after that."""
    CHARGE_BACK_FEE = "charge-back-fee"
    """The channel took another fee than agreed: the rest is claimed back."""


class Decision(codec.Noun, frozen=True, kw_only=True):
    """Who decided what, and why. `until`: when a decision to wait is over."""

    choice: Choice
    by: str
    why: str
    at: datetime
    until: datetime | None = None
