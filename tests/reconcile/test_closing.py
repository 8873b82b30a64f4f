"""A day is closed once, against the channel's own bill; what differs is looked at like any order, and what stands is a person's."""

from __future__ import annotations

from makewhole.engine import closing, daily
from makewhole.model import bill, difference, finding, plan
from makewhole.sandbox import day as days
from tests.reconcile import morning


def test_a_payment_that_only_the_bill_tells_of_is_recovered(shop: morning.Shop) -> None:
    """Its callback was lost and nobody swept: the bill is downloaded and kept, the break is a case, the order is paid, all is over."""
    whole, lost = shop.paid(), shop.paid(days.Fate.LOST)
    (result,) = [r for r in shop.morning() if r.of.day == morning.DAY]
    assert result.state is closing.Closing.CLOSED
    assert [(d.what, d.order.number) for d in result.found] == [(bill.Break.STATUS, lost)]
    (told,) = shop.differences()
    assert told.end() == difference.Agreed(
        at=shop.books.ledger.closings(shop.world.eyes.shop, morning.WECHAT, morning.DAY)[0].at, by=plan.Terminal.RESTORED
    )
    (known,) = shop.cases(lost)
    assert (known.finding.ailment, known.terminal) == (finding.Ailment.PAID_NOT_RECORDED, plan.Terminal.RESTORED)
    assert shop.day.row(lost, "status") == "20"
    assert shop.cases(whole) == []
    assert shop.books.ledger.find_bill(shop.world.eyes.shop, morning.WECHAT, "1900000001", bill.date_of(morning.DAY)) is not None
    assert daily.keep(shop.world, shop.books) == []
