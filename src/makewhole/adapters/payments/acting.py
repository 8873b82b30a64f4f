"""The three things a payment channel can be asked to do, and how to see whether it did: an act goes in, news come out.

Shared by connectors. Here is what holds at every channel: what cannot be meant never leaves, a close is believed when a query shows it,
and a look that hears nothing has seen nothing. How a channel is asked and what its answers say is each connector's own.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import ClassVar, assert_never

from makewhole.adapters.payments import meanings
from makewhole.core import clock, faults, ids, money
from makewhole.model import act, payment, run

REASON = "订单恢复退款"
"""What the buyer reads beside the money that comes back; at most 80 bytes."""
PAYING = "the buyer is entering a password right now"
ABSENT = "the channel says that it knows no such number"


class Acts(abc.ABC):
    """Carries them out. Never retries, remembers nothing. Faults as `ports.Doer` says."""

    REPEATS: ClassVar[Mapping[type[act.Act], str]]
    """What the same act does when it is asked for again, and so why a look may say at once that it is not there."""
    PAID: ClassVar[str]
    CLOSED: ClassVar[str]
    """The channel's words for an attempt that was paid, and one that was closed."""
    CLOSE_TELLS_LITTLE: ClassVar[frozenset[meanings.Meaning]]
    """Refusals of a close after which a query says where the attempt stands."""
    REFUND_THEN: ClassVar[str] = ""
    """What else a refund sends, in words."""

    def close(self, asked: act.ClosePayment) -> run.News:
        """Close, then query: a number that the channel does not know may be answered like one that it closed."""
        try:
            self._ask_close(asked)
        except faults.Rejected as no:
            if self._meaning(no.code) not in self.CLOSE_TELLS_LITTLE:
                return refusal(no)
        return shown(self.look_closed(asked), run.Succeeded(), "close was answered")

    def look_closed(self, asked: act.ClosePayment) -> run.News:
        """Closed, paid meanwhile (a refusal), or still open."""
        stands = self._seen(asked.payment, absent=None)
        if not isinstance(stands, payment.AttemptState):
            return stands
        match stands:
            case payment.AttemptState.CLOSED:
                return run.Saw(there=True)
            case payment.AttemptState.PAID | payment.AttemptState.REFUND:
                return run.Refusal(why="it was paid meanwhile", code=self.PAID)
            case payment.AttemptState.UNPAID | payment.AttemptState.FAILED:
                return run.Saw(there=False, why="the attempt is still open")
            case payment.AttemptState.PAYING:
                return run.Saw(there=None, why=PAYING)
            case never:
                assert_never(never)

    def refund(self, asked: act.RefundPayment) -> run.News:
        """Ask for the refund. Accepted is not done."""
        if asked.amount.currency != money.CNY or asked.paid.currency != money.CNY:
            return run.Refusal(why=f"{self.who} refunds {money.CNY} only", code="CURRENCY")
        if not 0 < asked.amount.fen <= asked.paid.fen:
            return run.Refusal(why=f"a refund of {asked.amount} out of {asked.paid}", code="AMOUNT")
        try:
            return self._ask_refund(asked)
        except faults.Rejected as no:
            return refusal(no)

    def open(self, asked: act.NewPaymentLink) -> run.News:
        """Open an attempt to pay. The link is the news' detail."""
        if asked.amount.currency != money.CNY or asked.amount.fen <= 0:
            return run.Refusal(why=f"{self.who} takes {money.CNY} above zero, not {asked.amount}", code="AMOUNT")
        try:
            return self._ask_link(asked)
        except faults.Rejected as no:
            return refusal(no)

    def look_open(self, asked: act.NewPaymentLink) -> run.News:
        """An open attempt whose link was lost is as good as none: asking again under the same number brings the link."""
        stands = self._seen(asked.payment, absent=False)
        if not isinstance(stands, payment.AttemptState):
            return stands
        match stands:
            case payment.AttemptState.UNPAID | payment.AttemptState.FAILED:
                return run.Saw(there=False, why="the attempt may be open, its link is not known")
            case payment.AttemptState.PAID | payment.AttemptState.REFUND:
                return run.Refusal(why="it was paid already", code=self.PAID)
            case payment.AttemptState.CLOSED:
                return run.Refusal(why="it was closed already", code=self.CLOSED)
            case payment.AttemptState.PAYING:
                return run.Saw(there=None, why=PAYING)
            case never:
                assert_never(never)

    def preview(self, asked: act.AnyAct) -> tuple[str, ...]:
        """The call, in a line for people."""
        match asked:
            case act.ClosePayment(payment=number):
                return (f"{self.who}: close attempt {number}, then query it",)
            case act.RefundPayment(amount=amount, paid=paid, transaction=transaction, number=number):
                return (f"{self.who}: refund {amount} of {paid} of transaction {transaction} under number {number}{self.REFUND_THEN}",)
            case act.NewPaymentLink(amount=amount, payment=number, expires_at=until):
                return (f"{self.who}: open a {self._kind()} payment of {amount} under number {number}, until {clock.rfc3339(until)}",)
            case other:
                raise faults.Defect(f"{self.who} cannot preview {type(other).__name__}")

    def unseen(self, fault: faults.Fault, *, absent: bool | None) -> run.Saw:
        """A look that found nothing. `absent` is what "not found" means for this act. A Defect goes on as it is."""
        match fault:
            case faults.Defect():
                raise fault
            case faults.Rejected(code=code) if self._meaning(code) is meanings.Meaning.NOT_FOUND:
                return run.Saw(there=absent, why=ABSENT)
            case faults.Unavailable(code=code) if self._meaning(code) is meanings.Meaning.PAYING:
                return run.Saw(there=None, why=PAYING)
            case _:
                return run.Saw(there=None, why=fault.why)

    def _seen(self, number: ids.OutTradeNo, *, absent: bool | None) -> payment.AttemptState | run.Saw:
        try:
            return self._stands(number)
        except faults.Fault as fault:
            return self.unseen(fault, absent=absent)
        except ValueError as wrong:
            return run.Saw(there=None, why=str(wrong))

    # What each channel has of its own

    @property
    @abc.abstractmethod
    def who(self) -> str:
        """The channel, as people say it."""

    @abc.abstractmethod
    def look_refunded(self, asked: act.RefundPayment) -> run.News:
        """Where the refund of this number stands."""

    @abc.abstractmethod
    def _meaning(self, code: str | None) -> meanings.Meaning | None:
        """What a code says."""

    @abc.abstractmethod
    def _kind(self) -> str:
        """What kind of link this merchant opens."""

    @abc.abstractmethod
    def _stands(self, number: ids.OutTradeNo) -> payment.AttemptState:
        """What a query shows. Raises faults, and ValueError where the answer speaks of another number."""

    @abc.abstractmethod
    def _ask_close(self, asked: act.ClosePayment) -> None:
        """Send it. Raises faults."""

    @abc.abstractmethod
    def _ask_refund(self, asked: act.RefundPayment) -> run.News:
        """Send it. Raises faults."""

    @abc.abstractmethod
    def _ask_link(self, asked: act.NewPaymentLink) -> run.News:
        """Send it, or sign it here. Raises faults."""


def shown(seen: run.News, done: run.Succeeded, said: str) -> run.News:
    """News of an act that was answered, by the look after it: what the query shows now may be a replica's past, a later look can tell."""
    match seen:
        case run.Saw(there=True):
            return done
        case run.Saw(why=why):
            return run.Pending(why=f"{said}, and {why}")
        case other:
            return other


def refusal(no: faults.Rejected) -> run.Refusal:
    """The channel's no."""
    return run.Refusal(why=no.why, code=no.code or "")
