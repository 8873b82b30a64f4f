"""A dossier's money added up: which payments came, what went back of each, and which of them is the order's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from makewhole.core import codec, money
from makewhole.model import dossier, order, payment

_NEVER = datetime.max.replace(tzinfo=UTC)
_GOING_BACK = payment.UNDER_WAY | {payment.RefundState.DONE, payment.RefundState.ABNORMAL}


class Paid(codec.Noun, frozen=True, kw_only=True):
    """One successful payment with every refund that is known of it."""

    attempt: payment.Attempt
    amount: money.Money
    refunds: tuple[payment.ChannelRefund, ...]

    def going_back_fen(self) -> int:
        """What was refunded or is on its way back."""
        return sum(r.amount.fen for r in self.refunds if r.state in _GOING_BACK)

    def gone_back_fen(self) -> int:
        """What certainly reached the payer."""
        return sum(r.amount.fen for r in self.refunds if r.state is payment.RefundState.DONE)

    def kept_fen(self) -> int:
        """What stays if every refund under way succeeds."""
        return self.amount.fen - self.going_back_fen()

    def refund_unexplained(self) -> bool:
        """The channel says that something was refunded, and nobody told how much."""
        return self.attempt.state is payment.AttemptState.REFUND and not self.refunds

    def transaction(self) -> str:
        """The channel's number, or ours where the channel gave none."""
        return self.attempt.transaction or self.attempt.number


def payments(told: dossier.Dossier) -> tuple[Paid, ...]:
    """Every successful payment, earliest first."""
    refunds = told.of(payment.ChannelRefund)
    found = [
        Paid(attempt=a, amount=a.amount, refunds=tuple(r for r in refunds if _belongs(r, a)))
        for a in told.of(payment.Attempt)
        if a.state in payment.TOOK_MONEY and a.amount is not None
    ]
    return tuple(sorted(found, key=lambda p: (p.attempt.paid_at or _NEVER, p.attempt.number, p.attempt.channel)))


def kept(told: dossier.Dossier) -> tuple[Paid, ...]:
    """Payments of which some money stays with the merchant."""
    return tuple(p for p in payments(told) if p.kept_fen() > 0 and not p.refund_unexplained())


def settles(shop: order.ShopOrder, held: tuple[Paid, ...]) -> bool:
    """Whether these payments together are what is due: as they came, or by what is kept of them. A deposit and a balance are two."""
    if not held or any(p.amount.currency != shop.due.currency for p in held):
        return False
    return shop.due.fen in {sum(p.amount.fen for p in held), sum(p.kept_fen() for p in held)}


def worth(amounts: tuple[money.Money, ...]) -> money.Money:
    """Minor units added up, under the first one's currency: a stake orders work and feeds limits, it is no account."""
    return money.Money(fen=sum(a.fen for a in amounts), currency=amounts[0].currency if amounts else money.CNY)


def own(shop: order.ShopOrder, paid: tuple[Paid, ...]) -> Paid | None:
    """The payment that is the order's: the recorded one, else one of the right amount that is kept, else any.

    Of several alike, the one nearest to when the shop noted a payment; where it noted none, the earliest.
    """
    if not paid:
        return None
    for p in paid:
        if shop.transaction is not None and p.attempt.transaction == shop.transaction:
            return p
    right = [p for p in paid if p.amount == shop.due]
    alike = [p for p in right if p.kept_fen() > 0] or right or list(paid)
    return min(alike, key=lambda p: _apart(shop.paid_at, p.attempt.paid_at))


def _apart(noted: datetime | None, paid: datetime | None) -> timedelta:
    return timedelta.max if noted is None or paid is None else abs(noted - paid)


def _belongs(refund: payment.ChannelRefund, attempt: payment.Attempt) -> bool:
    return refund.channel == attempt.channel and refund.payment == attempt.number
