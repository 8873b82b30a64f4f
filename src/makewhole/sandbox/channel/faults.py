"""What goes wrong, decided in one place: a seed and rates go in, a yes or no for each occasion comes out, the same for the same seed."""

from __future__ import annotations

import enum
import random
from collections import Counter, deque
from collections.abc import Mapping


class Fault(enum.Enum):
    """What can go wrong between a merchant and a channel. Some of it only some channels know; each draws what it can show."""

    # Requests
    REFUSED = "refused"
    """The connection is refused: nothing was sent."""
    REQUEST_LOST = "request-lost"
    """It never arrives; the merchant sees a time-out."""
    ANSWER_LOST = "answer-lost"
    """It is carried out; the merchant sees a time-out."""
    LANDS_LATE = "lands-late"
    """The merchant sees a time-out, may look, may repeat; and then the request is carried out."""
    RATE_LIMITED = "rate-limited"
    SYSTEM_ERROR_BEFORE = "system-error-before"
    """500 SYSTEM_ERROR, nothing was done."""
    SYSTEM_ERROR_AFTER = "system-error-after"
    """500 SYSTEM_ERROR, and it was done."""
    SLOW = "slow"
    """It is carried out after longer than a client waits."""
    UNSIGNED = "unsigned"
    ANSWER_BAD_SIGNATURE = "answer-bad-signature"
    ANSWER_PROBE = "answer-probe"
    """A SIGNTEST signature on an answer."""
    ANSWER_WRONG_SERIAL = "answer-wrong-serial"
    REPLICA_LAG = "replica-lag"
    """A query is answered ORDER_NOT_EXIST for a number that exists."""
    USERPAYING = "userpaying"
    """202: the buyer is entering a password."""
    ROTATED = "rotated"
    """From now on the other platform certificate signs."""

    # Callbacks
    NOTICE_LOST = "notice-lost"
    """This delivery is lost; the next comes by the schedule."""
    NOTICE_NEVER = "notice-never"
    """No delivery of this notice ever arrives."""
    NOTICE_DOUBLED = "notice-doubled"
    NOTICE_LATE = "notice-late"
    NOTICE_OUT_OF_ORDER = "notice-out-of-order"
    NOTICE_FORGED = "notice-forged"
    NOTICE_TAMPERED = "notice-tampered"
    NOTICE_TAG_BAD = "notice-tag-bad"
    NOTICE_PROBE = "notice-probe"
    NOTICE_WRONG_SERIAL = "notice-wrong-serial"
    NOTICE_STALE = "notice-stale"
    """Stamped ten minutes ago."""

    # Bills
    BILL_LATE = "bill-late"
    """Not made yet, though it should be."""
    BILL_TRUNCATED = "bill-truncated"
    """The file ends in the middle."""
    BILL_WRONG_DAY = "bill-wrong-day"
    """The day before's lines and heading."""
    BILL_LINE_DOUBLED = "bill-line-doubled"
    BILL_LINE_MISSING = "bill-line-missing"
    BILL_AMOUNT_OFF = "bill-amount-off"
    """One line is a fen more than what happened; the sums are those of the lines."""


class Faults:
    """One plan for one simulation. `next` makes the next occasion go wrong, whatever the rates; `happened` counts what did."""

    def __init__(self, seed: int = 0, rates: Mapping[Fault, float] | None = None) -> None:
        self._rng = random.Random(f"faults {seed}")
        # A stream of its own: a longer nonce must not move which request gets lost.
        self._words = random.Random(f"words {seed}")
        self._rates = dict(rates or {})
        self._next: dict[tuple[Fault, str], deque[bool]] = {}
        self.happened: Counter[Fault] = Counter()

    def next(self, fault: Fault, *, where: str = "", times: int = 1, skip: int = 0) -> None:
        """Let it happen `times` times, after `skip` occasions without, at `where` (an endpoint's name; empty: anywhere)."""
        self._next.setdefault((fault, where), deque()).extend([False] * skip + [True] * times)

    def heal(self) -> None:
        """From now on nothing goes wrong."""
        self._rates.clear()
        self._next.clear()

    def draw(self, fault: Fault, where: str = "") -> bool:
        """Whether it happens on this occasion. No rate, no draw: a fault that is off does not move the others."""
        happens = bool(self._next) and (self._told(fault, where) or self._told(fault, ""))
        rate = self._rates.get(fault, 0.0)
        if not happens and rate > 0:
            happens = self._rng.random() < rate
        if happens:
            self.happened[fault] += 1
        return happens

    def _told(self, fault: Fault, where: str) -> bool:
        queue = self._next.get((fault, where))
        return queue.popleft() if queue else False

    def text(self, length: int) -> str:
        """Repeatable characters for nonces and numbers."""
        return "".join(self._words.choices("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ", k=length))

    def pick(self, below: int) -> int:
        """A repeatable index."""
        return self._words.randrange(below)
