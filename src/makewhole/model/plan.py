"""A remedy in steps, bound to the dossier that it was made from: another dossier needs another plan."""

from __future__ import annotations

import enum

from makewhole.core import codec, ids, money
from makewhole.model import act, fact, finding


class Remedy(enum.Enum):
    """What is done about an ailment."""

    RECORD_PAYMENT = "record-payment"
    ACCEPT_LATE = "accept-late"
    REFUND_LATE = "refund-late"
    REFUND_SURPLUS = "refund-surplus"
    MATCH_ORDER = "match-order"
    REFUND_ORPHAN = "refund-orphan"
    FINISH_REFUND = "finish-refund"
    RECORD_REFUND = "record-refund"
    SEND_REFUND = "send-refund"
    RECALL = "recall"
    CLOSE_EXPIRED = "close-expired"
    GIVE_STOCK_BACK = "give-stock-back"
    TAKE_STOCK_BACK = "take-stock-back"
    GIVE_COUPON_BACK = "give-coupon-back"
    TAKE_PAYMENT_BACK = "take-payment-back"
    BOOK_DECISION = "book-decision"
    ASK_PERSON = "ask-person"


class Terminal(enum.Enum):
    """The named ends of a case (law 8)."""

    RESTORED = "restored"
    REFUNDED = "refunded"
    COMPENSATED = "compensated"
    CLAIMED = "claimed"
    APPEALED = "appealed"
    REJECTED = "rejected"
    PERSON = "person"


AnyAct = act.AnyAct


class Step(codec.Noun, frozen=True, kw_only=True):
    """One act. `expects` is the version of the order's row that compare-and-set wants to find; `undo` takes the act back."""

    act: AnyAct
    undo: AnyAct | None = None
    expects: str | None = None


def key(order: ids.OrderKey, step: Step) -> ids.Key:
    """The step's idempotency key, derived from what it is about (laws 2 and 3)."""
    return ids.derive(order, type(step.act).__name__, step.act.about())


class Plan(codec.Noun, frozen=True, kw_only=True):
    """What to do about one finding of one order, in this order. `why` are the rungs of the decision that were climbed."""

    order: ids.OrderKey
    ailment: finding.Ailment
    subject: tuple[str, ...]
    basis: str
    remedy: Remedy
    terminal: Terminal
    stake: money.Money
    steps: tuple[Step, ...]
    why: tuple[fact.Fact, ...] = ()

    def follows(self, found: finding.Finding) -> bool:
        """Whether it is about this finding."""
        return self.ailment is found.ailment and self.subject == found.subject

    def run_id(self) -> ids.RunId:
        """The one run that this plan may have: planning the same again is running it again, which does nothing."""
        return ids.RunId(ids.derive(self.order, self.ailment.value, self.subject, self.remedy.value, self.basis))
