"""The shop's real-life defects, each read in the code or the complaints of an existing shop; off unless a world switches one on."""

from __future__ import annotations

import enum


class Defect(enum.Enum):
    """What this shop's programmers, operators and machines get wrong."""

    ACKNOWLEDGES_BEFORE_APPLYING = "acknowledges-before-applying"
    """Says SUCCESS to the channel, then dies before its own commit."""
    SWALLOWS_NOTICES_OF_CLOSED = "swallows-notices-of-closed"
    """A payment of a closed order is acknowledged and forgotten."""
    REFUSES_NOTICES = "refuses-notices"
    """A wrong key or clock: every genuine notice fails its check."""
    FAILS = "fails"
    """Answers 500 to every notice."""
    DOWN = "down"
    """Answers nothing at all."""
    SKIPS_AMOUNT_CHECK = "skips-amount-check"
    """Applies a payment of whatever amount."""
    CONFIGURES_WRONG_AMOUNT = "configures-wrong-amount"
    """Asks the channel for another amount than the order's (a price changed between two reads)."""
    JOB_NOT_RUN = "job-not-run"
    """The expiry job never comes to this order."""
    CLOSES_WITHOUT_ASKING = "closes-without-asking"
    """The expiry job believes its own row and asks nobody."""
    CLOSES_ONLY_LOCALLY = "closes-only-locally"
    """The order is closed, its attempt at the channel stays open."""
    LINK_OUTLIVES_ORDER = "link-outlives-order"
    """The channel is told a later end than the order's own."""
    CLOSES_OVER_PAYMENT = "closes-over-payment"
    """The job read the row, the payment landed, the job writes `closed` over it: no compare-and-set."""
    NEVER_RETURNS_STOCK = "never-returns-stock"
    NEVER_RETURNS_COUPON = "never-returns-coupon"
    RETURNS_STOCK_TWICE = "returns-stock-twice"
    """The delay queue and the nightly job both return it."""
    COUPON_WITHOUT_LOCK = "coupon-without-lock"
    """Two carts check the same coupon before either has used it."""
    NEW_NUMBER_ON_RETRY = "new-number-on-retry"
    """Paying again opens a second attempt while the first stays open."""
    LOSES_ATTEMPT_ROW = "loses-attempt-row"
    """The attempt is opened at the channel, its row is rolled back."""
    LOSES_ORDER_ROW = "loses-order-row"
    """The attempt is opened at the channel, the whole order is rolled back."""
    REFUND_NOT_SENT = "refund-not-sent"
    """Marks the refund done without sending it."""
    LOSES_REFUND_ROW = "loses-refund-row"
    """Sends the refund and loses its record."""
    REFUND_TIMEOUT_IS_FAILURE = "refund-timeout-is-failure"
    """No answer from the channel, so the refund is marked failed."""
    REFUNDS_TWICE = "refunds-twice"
    """A second click books a second refund as done; the channel had refused it."""
    DUPLICATES_ROW = "duplicates-row"
    """A repeated submit writes the order twice under one number."""


class Defects:
    """Which defects are on, for which orders. An empty name stands for all of them."""

    def __init__(self) -> None:
        self._on: dict[Defect, set[str]] = {}

    def on(self, defect: Defect, order: str = "") -> None:
        """Switch one on, for one order or for all."""
        self._on.setdefault(defect, set()).add(order)

    def off(self, defect: Defect, order: str = "") -> None:
        """Mend it."""
        self._on.get(defect, set()).discard(order)

    def heal(self) -> None:
        """Mend everything."""
        self._on.clear()

    def holds(self, defect: Defect, order: str) -> bool:
        """Whether this order meets the defect."""
        hit = self._on.get(defect)
        return hit is not None and (order in hit or "" in hit)
