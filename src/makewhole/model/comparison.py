"""What two books of a day showed beside one another: the pairs that are not simply alike, and sums that hold every fen of both (law 7)."""

from __future__ import annotations

from datetime import datetime

from makewhole.core import codec, ids, money
from makewhole.model import bill


class Told(codec.Noun, frozen=True, kw_only=True):
    """What one book says in one line: all that is compared, and the names under which the money may be known besides."""

    line: int
    amount_fen: int
    fee_millifen: int | None
    currency: str
    standing: bill.Standing
    at: datetime
    day: int
    payment: ids.OutTradeNo | None = None
    transaction: ids.TransactionId | None = None
    order: ids.OrderNumber | None = None

    def amount(self) -> money.Money:
        """As money."""
        return money.Money(fen=self.amount_fen, currency=self.currency)


class Pair(codec.Noun, frozen=True, kw_only=True):
    """A line of ours beside one of theirs, either of them missing where it stands alone, and what that is."""

    what: bill.Break
    channel: ids.ChannelName
    merchant: str
    kind: bill.Kind
    number: str | None
    ours: Told | None
    theirs: Told | None
    group: str | None = None


class Sum(codec.Noun, frozen=True, kw_only=True):
    """What the lines of one class add up to, on one side."""

    side: bill.Side
    channel: ids.ChannelName
    currency: str
    kind: bill.Kind
    day: int
    what: bill.Break
    lines: int
    fen: int
    fees_millifen: int


class Settled(codec.Noun, frozen=True, kw_only=True):
    """What the channel's book of a day pays out, before its fees, and these: as the bill writes them, and each rounded to the fen."""

    channel: ids.ChannelName
    currency: str
    gross_fen: int
    fees_millifen: int
    fees_fen: int


class Comparison(codec.Noun, frozen=True, kw_only=True):
    """A day at one channel. `pairs` are those that are not simply matched; `sums` hold every line of both books, matched too."""

    pairs: tuple[Pair, ...]
    sums: tuple[Sum, ...]
    settled: tuple[Settled, ...] = ()
    """For each currency; what a bank's line is held against."""

    def broken(self) -> tuple[Pair, ...]:
        """What neither time nor a sum explains."""
        return tuple(p for p in self.pairs if p.what not in bill.SETTLED)
