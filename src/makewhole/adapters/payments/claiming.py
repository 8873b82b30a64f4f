"""What a channel's object claims, by our rules: what it says goes in, a claim comes out, or ValueError. Shared by connectors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from makewhole.core import codec, ids, money
from makewhole.model import payment


class Foreign(ValueError):
    """It speaks of another merchant's or another app's payment: not ours to act on, however well it is signed."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """By which channel, to which merchant, when, in which bytes."""

    channel: ids.ChannelName
    merchant: str
    as_of: datetime
    raw: bytes

    def attempt(
        self,
        number: str,
        state: payment.AttemptState,
        *,
        amount: money.Money | None,
        transaction: str | None,
        paid_at: datetime | None,
        attach: str = "",
        payer: str = "",
    ) -> payment.Attempt:
        """An attempt to pay. Raises ValueError for money without an amount or a number."""
        if state in payment.TOOK_MONEY and (amount is None or amount.fen <= 0 or not transaction):
            raise ValueError(f"{state.value} without an amount or a transaction number")
        return payment.Attempt(
            source=self.channel,
            as_of=self.as_of,
            raw=codec.digest_bytes(self.raw),
            channel=self.channel,
            number=ids.OutTradeNo(number),
            state=state,
            merchant=self.merchant,
            amount=amount,
            transaction=ids.TransactionId(transaction) if transaction else None,
            paid_at=paid_at,
            attach=attach,
            payer=payer,
        )

    def refund(
        self,
        number: str,
        of: str,
        state: payment.RefundState,
        *,
        amount: money.Money,
        paid_fen: int,
        transaction: str,
        requested_at: datetime | None = None,
        done_at: datetime | None = None,
    ) -> payment.ChannelRefund:
        """A refund of the payment `of`. Raises ValueError for more than was paid, and for nothing."""
        if not 0 < amount.fen <= paid_fen:
            raise ValueError(f"a refund of {amount.fen} out of {paid_fen}")
        return payment.ChannelRefund(
            source=self.channel,
            as_of=self.as_of,
            raw=codec.digest_bytes(self.raw),
            channel=self.channel,
            number=ids.RefundNo(number),
            payment=ids.OutTradeNo(of),
            state=state,
            amount=amount,
            transaction=ids.TransactionId(transaction) if transaction else None,
            requested_at=requested_at,
            done_at=done_at,
        )
