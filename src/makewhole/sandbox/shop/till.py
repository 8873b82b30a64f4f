"""What the shop asks of its payment channel, in the shop's own few words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

Headers = Sequence[tuple[str, str]]


class Silent(Exception):
    """The channel did not answer, or not in a way that the shop understands."""


class Refused(Exception):
    """The channel understood and said no."""


class BadNotice(Exception):
    """A notice that fails the shop's own check."""


@dataclass(frozen=True, kw_only=True)
class Opening:
    """An attempt to pay, to be opened at the channel."""

    out_trade_no: str
    amount_fen: int
    description: str
    attach: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Paid:
    """A successful payment, as a query or a genuine notice tells it."""

    out_trade_no: str
    transaction: str
    amount_fen: int
    paid_at: datetime


@dataclass(frozen=True, kw_only=True)
class RefundNews:
    """Where a refund stands: the channel's own word."""

    refund_sn: str
    status: str


class Till(Protocol):
    """One merchant account. Raises Silent or Refused."""

    def open(self, opening: Opening) -> str:
        """Open an attempt; the link that the buyer pays at."""
        ...

    def close(self, out_trade_no: str) -> None:
        """The channel takes no more money for this attempt."""
        ...

    def query(self, out_trade_no: str) -> Paid | None:
        """The payment, if there is one."""
        ...

    def refund(self, out_trade_no: str, refund_sn: str, amount_fen: int, paid_fen: int) -> RefundNews:
        """Send money back."""
        ...

    def refund_state(self, refund_sn: str) -> RefundNews:
        """Ask after a refund."""
        ...

    def read(self, headers: Headers, body: bytes) -> Paid | RefundNews:
        """What a notice says, once its signature and its clock were checked. Raises BadNotice."""
        ...
