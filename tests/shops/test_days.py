"""Which orders a day's book is made of: those written, paid or refunded in the span, each once, on every database."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from makewhole.core import ids
from tests.shops.conftest import CREATED, Shop

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def moved(shop: Shop, since: datetime, until: datetime) -> list[ids.OrderNumber]:
    return sorted(shop.eyes.moved(since, until))


def test_an_order_is_of_the_span_in_which_it_was_written_or_refunded(shop: Shop) -> None:
    """Once, though two of its instants lie in it; `until` is not in it."""
    whole = moved(shop, CREATED - HOUR, CREATED + HOUR)
    assert "O1" in whole
    assert len(whole) == len(set(whole))
    assert moved(shop, CREATED - HOUR, CREATED) == []
    assert moved(shop, CREATED + 5 * DAY, CREATED + 6 * DAY) == []
    shop.sql("INSERT INTO t_refund (order_id, refund_no, amount, state, asked) VALUES (1, 'R1', 0.10, 0, '2026-11-29 11:00:00')")
    shop.sql("INSERT INTO t_refund (order_id, refund_no, amount, state, asked) VALUES (1, 'R2', 0.10, 0, '2026-11-29 12:00:00')")
    asked = datetime.fromisoformat("2026-11-29T11:00:00+08:00")
    assert moved(shop, asked - HOUR, asked + 2 * HOUR) == ["O1"]
    assert moved(shop, asked - HOUR, asked) == []


@pytest.mark.parametrize("number", ["O1"])
def test_what_was_found_is_read(shop: Shop, number: str) -> None:
    """The next step: every number has its rows."""
    found = moved(shop, CREATED - HOUR, CREATED + HOUR)
    assert shop.eyes.read(found)[ids.OrderNumber(number)][0]
