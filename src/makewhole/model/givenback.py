"""Refunds of an order and the closing of its row while it counted as paid go in; whether those explain this comes out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from makewhole.model import payment, rowchange

Refund = payment.ShopRefund | payment.ChannelRefund
BATCH_WITHIN = timedelta(days=7)
"""How long before many orders were closed at once a part of an order's price may have gone back and still be why: shops that close what
was refunded in a batch do so within days, and a partial refund of last month has had its order live on."""


def explains(refunds: Sequence[Refund], closing: rowchange.RowChange, paid_at: datetime | None) -> bool:
    """Whether money that went back, or goes back, is why the order was closed.

    All of it always is. A part of it is, where this order alone was closed: shops withhold what shipping cost. Where its transaction
    closed others as well, the part must be lately given and more than is withheld, or an old partial refund would hide one of forty
    orders that one statement closed. What went back before the order was paid belongs to an earlier payment.
    """
    alive = [r for r in refunds if r.state is not payment.RefundState.CLOSED and not _before(r, paid_at)]
    if not alive or closing.due is None:
        return bool(alive)
    if _fen(alive) >= closing.due.fen or closing.orders < rowchange.BULK_MIN:
        return True
    lately = [r for r in alive if not _before(r, closing.as_of - BATCH_WITHIN)]
    return 2 * _fen(lately) > closing.due.fen


def _fen(refunds: Sequence[Refund]) -> int:
    """The shop and the channel tell of the same refunds: whoever tells of more of them."""
    by_shop = sum(r.amount.fen for r in refunds if isinstance(r, payment.ShopRefund))
    return max(by_shop, sum(r.amount.fen for r in refunds if isinstance(r, payment.ChannelRefund)))


def _before(refund: Refund, instant: datetime | None) -> bool:
    at = refund.done_at or refund.requested_at
    return at is not None and instant is not None and at < instant
