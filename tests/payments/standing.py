"""What stands after an attack: a delivery goes in, how it was judged comes out; and nothing has moved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from makewhole import ports
from makewhole.model import payment
from tests.payments import shop as shops


@contextmanager
def nothing_moves(shop: shops.Shop) -> Iterator[None]:
    """The ledger, the refunds and the attempts are afterwards what they were before."""
    before = (list(shop.truth.ledger), sorted(shop.truth.refunds), {n: t.state for n, t in shop.truth.transactions.items()})
    yield
    assert before == (list(shop.truth.ledger), sorted(shop.truth.refunds), {n: t.state for n, t in shop.truth.transactions.items()})


def judged(shop: shops.Shop, headers: ports.Headers, body: bytes) -> tuple[payment.NoticeCheck, int, bool]:
    """The check, the answer's status, and whether anything of the content was believed."""
    kept = shop.reader.read(headers, body, shop.clock.now())
    return kept.check, shop.answered(headers, body), kept.attempt is not None or kept.refund is not None or kept.number != ""
