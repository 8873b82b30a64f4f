"""What policy says to a plan: go, wait for somebody, or no; with the policy's version, the reasons and the limits to reserve (law 1)."""

from __future__ import annotations

import enum

from makewhole.core import codec
from makewhole.model import dossier, policy


class Role(enum.Enum):
    """Who a plan may wait for."""

    OPERATOR = "operator"
    RISK = "risk"
    FINANCE = "finance"


class Ground(enum.Enum):
    """Why a plan is held or refused."""

    KILL_SWITCH = "kill-switch"
    DOSSIER_CHANGED = "dossier-changed"
    REVIEW_AMOUNT = "review-amount"
    TOO_MANY_PAYMENTS = "too-many-payments"
    TOO_MANY_REFUNDS = "too-many-refunds"
    DAILY_COUNT = "daily-count"
    DAILY_AMOUNT = "daily-amount"
    REFUND_EXCEEDS_PAYMENT = "refund-exceeds-payment"
    PAYS_AGAIN_BLINDLY = "pays-again-blindly"
    EXPIRES_WITHOUT_ASKING = "expires-without-asking"
    WITHOUT_COMPARE_AND_SET = "without-compare-and-set"
    OUTSIDE_WINDOW = "outside-window"
    SOURCE_SILENT = "source-silent"
    SAME_KEY_OTHER_CONTENT = "same-key-other-content"
    NOT_DECIDED = "not-decided"
    ORDER_WENT_ON = "order-went-on"
    NO_HAND = "no-hand"


class Reservation(codec.Noun, frozen=True, kw_only=True):
    """A limit that the run uses up, taken in the same transaction as the run itself (law 1). Amounts in fen.

    `key` names the use: the same use of the same bucket counts once, however often it is reserved.
    """

    bucket: str
    key: str
    ground: Ground
    count: int = 0
    amount_fen: int = 0
    count_max: int | None = None
    amount_max_fen: int | None = None


class Allowed(codec.Noun, frozen=True, kw_only=True, tag="allowed"):
    """Go, within these limits."""

    policy_version: str
    reservations: tuple[Reservation, ...] = ()


class Held(codec.Noun, frozen=True, kw_only=True, tag="held"):
    """Not by ourselves: somebody must approve."""

    policy_version: str
    role: Role
    ground: Ground
    rule: policy.Rule | None = None


class Refused(codec.Noun, frozen=True, kw_only=True, tag="refused"):
    """No; with the ground that is shown."""

    policy_version: str
    ground: Ground
    rule: policy.Rule | None = None


Verdict = Allowed | Held | Refused


class Actor(enum.Enum):
    """Who wants the plan carried out."""

    ENGINE = "engine"
    PERSON = "person"


class Exposure(codec.Noun, frozen=True, kw_only=True):
    """What the guard must know besides the plan: the order as it is now, and what was already done that a rule counts."""

    dossier: dossier.Dossier
    actor: Actor = Actor.ENGINE
    repairs_today: int = 0
    repaired_today_fen: int = 0
    refunds_today: int = 0
    """Refunds to this order's buyer on this Beijing day, by us."""
    refunds_elsewhere: int = 0
    """And those that the shop sent by itself, as far as its rows and their callbacks told us."""
