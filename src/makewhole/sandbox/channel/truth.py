"""What is really so at a sandbox's channel: attempts, refunds and a ledger of every fen. Worlds act on it; a gateway shows it.

Nothing here knows of signatures, HTTP or any channel's words. A request that a channel would refuse raises Refused, with the reason.
"""

from __future__ import annotations

import enum
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from makewhole.core import clock

PARTIAL_REFUNDS_MAX = 50
REFUND_AGE_MAX = timedelta(days=365)


class No(enum.Enum):
    """Why a channel says no. Each gateway has its own words for them."""

    PAID = "paid"
    CLOSED = "closed"
    NUMBER_USED = "number-used"
    """The number exists with other content."""
    UNKNOWN = "unknown"
    UNKNOWN_REFUND = "unknown-refund"
    REFUND_DIFFERS = "refund-differs"
    """The refund number exists with other content."""
    NOT_PAID = "not-paid"
    TOTAL_DIFFERS = "total-differs"
    TOO_OLD = "too-old"
    NOTHING_LEFT = "nothing-left"
    TOO_MUCH = "too-much"
    TOO_MANY = "too-many"
    NOT_ENOUGH = "not-enough"
    NOT_ABNORMAL = "not-abnormal"


class Refused(Exception):
    """The channel says no."""

    def __init__(self, no: No) -> None:
        super().__init__(no.value)
        self.no = no


class Outcome(enum.Enum):
    """How a refund that was accepted will end. The values are the API's."""

    SUCCESS = "SUCCESS"
    ABNORMAL = "ABNORMAL"
    CLOSED = "CLOSED"
    STUCK = "PROCESSING"
    """Never ends."""


@dataclass(kw_only=True)
class Order:
    """What a merchant asked to be paid."""

    kind: str
    appid: str
    mchid: str
    description: str
    out_trade_no: str
    total: int
    currency: str = "CNY"
    notify_url: str = ""
    attach: str = ""
    openid: str = ""
    time_expire: datetime | None = None

    def content(self) -> tuple[object, ...]:
        """What makes two requests under one number the same."""
        return (self.kind, self.appid, self.description, self.total, self.currency, self.notify_url, self.attach, self.openid)


@dataclass(kw_only=True)
class Transaction:
    """An attempt to pay, as it is."""

    order: Order
    created_at: datetime
    prepay: str
    state: str = "NOTPAY"
    transaction_id: str = ""
    paid: int = 0
    paid_at: datetime | None = None
    openid: str = ""
    closed_at: datetime | None = None
    refunds: list[Refund] = field(default_factory=list)
    overcharged: int = 0
    """Fen by which the channel's fee is above what was agreed."""


@dataclass(kw_only=True)
class Refund:
    """A refund, as it is."""

    out_refund_no: str
    refund_id: str
    of: Transaction
    amount: int
    total: int
    reason: str
    notify_url: str
    created_at: datetime
    outcome: Outcome
    settles_at: datetime
    status: str = "PROCESSING"
    done_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Line:
    """One movement of money: what the merchant gets counts up, what goes back counts down."""

    at: datetime
    kind: str
    number: str
    moved: int


Tell = Callable[[str, Transaction, Refund | None, datetime], None]
"""Event type, what it is about, when: how the notices learn of it."""


class Truth:
    """One merchant account's money."""

    def __init__(self, ticking: clock.Clock, tell: Tell, *, refund_takes: timedelta = timedelta(minutes=1)) -> None:
        self._clock = ticking
        self._tell = tell
        self._numbered = 0
        self._planned: dict[str, tuple[Outcome, timedelta]] = {}
        self._waiting: list[tuple[datetime, int, Refund]] = []
        self.refund_takes = refund_takes
        self.prefixes = {"prepay": "wx", "payment": "4200", "refund": "5030"}
        """How the channel's own numbers begin."""
        self.balance: int | None = None
        """Fen that the merchant can refund from; None: as much as anybody asks."""
        self.unknown_close_is_taken = True
        """WeChat Pay answers 204, as merchants have seen it; its documentation says 404 ORDER_NOT_EXIST."""
        self.transactions: dict[str, Transaction] = {}
        self.by_id: dict[str, Transaction] = {}
        self.refunds: dict[str, Refund] = {}
        self.ledger: list[Line] = []

    # What buyers and the world do

    def buyer_pays(self, out_trade_no: str, at: datetime | None = None, *, amount: int | None = None, late: bool = False) -> Transaction:
        """The buyer pays. `amount`: another than was asked. `late`: though it was closed, as when the close and the payment cross."""
        found = self.transactions[out_trade_no]
        when = at or self._clock.now()
        self._expire(found, when)
        if found.state != "NOTPAY" and not (late and found.state == "CLOSED"):
            raise ValueError(f"{out_trade_no} is {found.state} and cannot be paid")
        return self._paid(found, found.order.total if amount is None else amount, when)

    def pay_unknown(self, out_trade_no: str, amount: int, at: datetime | None = None, **told: str) -> Transaction:
        """Money arrives under a number that the shop never wrote down: from another till, a lost row, a test gone live."""
        when = at or self._clock.now()
        template = next(iter(self.transactions.values())).order if self.transactions else None
        order = Order(
            kind="native",
            appid=told.get("appid", template.appid if template else ""),
            mchid=told.get("mchid", template.mchid if template else ""),
            description="",
            out_trade_no=out_trade_no,
            total=amount,
            currency=told.get("currency", "CNY"),
            notify_url=told.get("notify_url", template.notify_url if template else ""),
            attach=told.get("attach", ""),
        )
        return self._paid(self._new(order, when), amount, when)

    def plan_refund(self, out_refund_no: str, outcome: Outcome, after: timedelta | None = None) -> None:
        """How the refund of this number will end once it is asked for; empty number: every other one."""
        self._planned[out_refund_no] = (outcome, self.refund_takes if after is None else after)

    def settle(self, now: datetime) -> None:
        """Let everything happen whose time has come."""
        while self._waiting and self._waiting[0][0] <= now:
            self._end(heapq.heappop(self._waiting)[2])

    def next_settlement(self) -> datetime | None:
        """When a refund ends next."""
        return self._waiting[0][0] if self._waiting else None

    def kept(self, out_trade_no: str) -> int:
        """Fen of this attempt that the merchant has and does not owe."""
        found = self.transactions.get(out_trade_no)
        return 0 if found is None else found.paid - sum(r.amount for r in found.refunds if r.status != "CLOSED")

    # What the merchant asks for

    def create(self, order: Order) -> Transaction:
        """Open an attempt, or find the same one again."""
        now = self._clock.now()
        found = self.transactions.get(order.out_trade_no)
        if found is None:
            return self._new(order, now)
        self._expire(found, now)
        if found.state in {"SUCCESS", "REFUND"}:
            raise Refused(No.PAID)
        if found.state == "CLOSED":
            raise Refused(No.CLOSED)
        if found.order.content() != order.content():
            raise Refused(No.NUMBER_USED)
        return found

    def find(self, out_trade_no: str) -> Transaction:
        """By the merchant's number."""
        found = self.transactions.get(out_trade_no)
        if found is None:
            raise Refused(No.UNKNOWN)
        self._expire(found, self._clock.now())
        return found

    def find_by_id(self, transaction_id: str) -> Transaction:
        """By the channel's number."""
        found = self.by_id.get(transaction_id)
        if found is None:
            raise Refused(No.UNKNOWN)
        return found

    def close(self, out_trade_no: str) -> None:
        """No more money for this attempt."""
        if out_trade_no not in self.transactions:
            if self.unknown_close_is_taken:
                return
            raise Refused(No.UNKNOWN)
        found = self.find(out_trade_no)
        if found.state in {"SUCCESS", "REFUND"}:
            raise Refused(No.PAID)
        if found.state != "CLOSED":
            found.state, found.closed_at = "CLOSED", self._clock.now()

    def refund(self, of: Transaction, out_refund_no: str, *, amount: int, total: int, reason: str, notify_url: str) -> Refund:
        """Accept a refund, or answer the one of the same number again."""
        now = self._clock.now()
        self.settle(now)
        known = self.refunds.get(out_refund_no)
        if known is not None:
            if (known.of, known.amount, known.total) != (of, amount, total):
                raise Refused(No.REFUND_DIFFERS)
            return known
        self._may_refund(of, amount, total, now)
        outcome, after = self._planned.get(out_refund_no) or self._planned.get("") or (Outcome.SUCCESS, self.refund_takes)
        refund = Refund(
            out_refund_no=out_refund_no,
            refund_id=self._number("refund", now),
            of=of,
            amount=amount,
            total=total,
            reason=reason,
            notify_url=notify_url,
            created_at=now,
            outcome=outcome,
            settles_at=now + after,
        )
        self.refunds[out_refund_no] = refund
        of.refunds.append(refund)
        of.state = "REFUND"
        self._wait(refund)
        self._move(now, "refund", out_refund_no, -amount)
        return refund

    def find_refund(self, out_refund_no: str) -> Refund:
        """By the merchant's refund number."""
        self.settle(self._clock.now())
        found = self.refunds.get(out_refund_no)
        if found is None:
            raise Refused(No.UNKNOWN_REFUND)
        return found

    def apply_abnormal(self, refund_id: str, out_refund_no: str) -> Refund:
        """An abnormal refund goes to the merchant's account instead: it is processed once more."""
        found = self.find_refund(out_refund_no)
        if found.refund_id != refund_id or found.status != "ABNORMAL":
            raise Refused(No.NOT_ABNORMAL)
        found.status, found.outcome = "PROCESSING", Outcome.SUCCESS
        found.settles_at = self._clock.now() + self.refund_takes
        self._wait(found)
        return found

    # Inside

    def _may_refund(self, of: Transaction, amount: int, total: int, now: datetime) -> None:
        if of.state not in {"SUCCESS", "REFUND"} or of.paid_at is None:
            raise Refused(No.NOT_PAID)
        if total != of.paid:
            raise Refused(No.TOTAL_DIFFERS)
        if now - of.paid_at > REFUND_AGE_MAX:
            raise Refused(No.TOO_OLD)
        left = self.kept(of.order.out_trade_no)
        if left <= 0:
            raise Refused(No.NOTHING_LEFT)
        if amount > left:
            raise Refused(No.TOO_MUCH)
        if len(of.refunds) >= PARTIAL_REFUNDS_MAX:
            raise Refused(No.TOO_MANY)
        if self.balance is not None and self.balance < amount:
            raise Refused(No.NOT_ENOUGH)

    def _wait(self, refund: Refund) -> None:
        if refund.outcome is not Outcome.STUCK:
            heapq.heappush(self._waiting, (refund.settles_at, len(self.refunds), refund))

    def _end(self, refund: Refund) -> None:
        at = refund.settles_at
        refund.status = refund.outcome.value
        if refund.outcome is Outcome.SUCCESS:
            refund.done_at = at
        if refund.outcome is Outcome.CLOSED:
            self._move(at, "refund-returned", refund.out_refund_no, refund.amount)
        if refund.notify_url:
            self._tell(f"REFUND.{refund.status}", refund.of, refund, at)

    def _expire(self, found: Transaction, now: datetime) -> None:
        until = found.order.time_expire
        if found.state == "NOTPAY" and until is not None and until <= now:
            found.state, found.closed_at = "CLOSED", until

    def _new(self, order: Order, now: datetime) -> Transaction:
        made = Transaction(order=order, created_at=now, prepay=self._number("prepay", now))
        self.transactions[order.out_trade_no] = made
        return made

    def _paid(self, found: Transaction, amount: int, when: datetime) -> Transaction:
        found.state, found.paid, found.paid_at = "SUCCESS", amount, when
        found.openid = found.order.openid or "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
        # Where a channel numbers an attempt when it is opened, that number stays.
        found.transaction_id = found.transaction_id or self._number("payment", when)
        self.by_id[found.transaction_id] = found
        self._move(when, "payment", found.order.out_trade_no, amount)
        if found.order.notify_url:
            self._tell("TRANSACTION.SUCCESS", found, None, when)
        return found

    def _move(self, at: datetime, kind: str, number: str, moved: int) -> None:
        self.ledger.append(Line(at=at, kind=kind, number=number, moved=moved))
        if self.balance is not None:
            self.balance += moved

    def _number(self, of: str, at: datetime) -> str:
        self._numbered += 1
        return f"{self.prefixes[of]}{at.astimezone(clock.BEIJING):%Y%m%d}{self._numbered:016d}"
