"""The feeds: what shop, relay and we ourselves wrote down gets into the index once, goes on where it was left, and leads to its order."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from makewhole import ports
from makewhole.adapters.search import embedded
from makewhole.adapters.store import journal
from makewhole.core import clock, faults, ids, money
from makewhole.engine import feed
from makewhole.model import document, payment
from tests.search.test_contract import asked, doc
from tests.store import scenes

SHOP = ids.ShopName(scenes.SHOP)


class Archive:
    """Orders of a list, ten a page; fails before the page that it is told."""

    def __init__(self, count: int) -> None:
        self.orders = [f"2026{n:08d}" for n in range(count)]
        self.text = "awaiting-payment"
        self.fails_at: int | None = None
        self.read = 0

    def pages(self, after: str | None) -> Iterator[tuple[Sequence[document.Document], str]]:
        start = 0 if after is None else int(after) + 1
        for first in range(start, len(self.orders), 10):
            if self.fails_at is not None and first >= self.fails_at:
                raise faults.Unavailable("the shop does not answer")
            page = self.orders[first : first + 10]
            self.read += len(page)
            yield [doc(f"order-{n}", self.text, n) for n in page], str(first + len(page) - 1)


@dataclasses.dataclass
class House:
    """A store, an index, an archive, and a clock to turn."""

    world: ports.World
    store: journal.SqlStore
    index: ports.Search
    archive: Archive
    now: clock.ManualClock

    def refresh(self, **more: Any) -> feed.Fed:
        return feed.refresh(self.world, self.archive, self.index, **more)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Twenty-five orders and an empty store."""

    class Eyes:
        shop = SHOP

    now = clock.ManualClock(scenes.NOW + timedelta(hours=1))
    with journal.SqlStore(f"sqlite:///{tmp_path / 'store.db'}") as store:
        world = ports.World(
            clock=now,
            eyes=cast("ports.Eyes", Eyes()),
            hands=None,
            channels={},
            store=store,
            policies=cast("Any", None),
            playbook=cast("Any", None),
        )
        yield House(world, store, embedded.EmbeddedSearch(tmp_path / "index"), Archive(25), now)


def genuine(key: str, number: str, at: datetime = scenes.NOW) -> ports.Kept:
    paid = payment.Attempt(
        source="wechatpay",
        as_of=at,
        channel=ids.ChannelName("wechatpay"),
        number=ids.OutTradeNo(number),
        state=payment.AttemptState.PAID,
        amount=money.Money(fen=12850),
        transaction=ids.TransactionId("42000" + number),
        payer="openid-of-somebody",
    )
    return dataclasses.replace(scenes.notice(key, number), attempt=paid, received_at=at)


def test_everything_is_read_once_and_then_only_what_is_new(house: House) -> None:
    """Counts are exact; the second look writes nothing."""
    house.store.keep_notice(genuine("k" * 32, "P1"))
    house.store.open_case(*opened("2026-X"))
    assert house.refresh() == feed.Fed(orders=25, callbacks=1, cases=1)
    size = house.index.size()
    assert size == 27
    again = house.refresh()
    assert (again.orders, again.cases, house.index.size()) == (0, 0, size)
    house.archive.orders.append("new")
    house.store.keep_notice(genuine("l" * 32, "P2", scenes.NOW + timedelta(minutes=1)))
    house.refresh()
    assert house.index.size() == size + 2


def opened(number: str) -> Any:
    """A case and its entry."""
    told = scenes.opened(number)
    from makewhole.flow import record

    return told, record.case_opened(told)


def test_a_pass_that_was_cut_off_goes_on(house: House) -> None:
    """After the last page that is in the index, in another process; and a finished one is not begun again before its day."""
    house.archive.fails_at = 20
    with pytest.raises(faults.Unavailable):
        house.refresh()
    assert house.archive.read == house.index.size() == 20
    house.archive.fails_at = None
    assert house.refresh(whole=True).orders == 5
    assert (house.archive.read, house.index.size()) == (25, 25)


def test_orders_change_and_are_read_again_once_a_day_or_when_asked(house: House) -> None:
    """Both sides of the day."""
    house.refresh()
    house.archive.text = "shipped"
    house.now.advance(feed.ORDERS_AGAIN - timedelta(seconds=1))
    assert house.refresh().orders == 0
    assert house.refresh(whole=True).orders == 25
    assert house.index.find(asked("shipped")).total == house.index.size() == 25
    house.now.advance(feed.ORDERS_AGAIN)
    assert house.refresh().orders == 25


def test_it_stops_between_two_batches(house: House) -> None:
    """A service that is told to end does."""
    assert house.refresh(stopped=lambda: True).orders == 10
    assert house.refresh().orders == 15


def test_a_callback_is_found_by_its_numbers_and_not_by_its_payer(house: House) -> None:
    """It leads to the order that its number was linked to, else to the number; one that is not genuine leads nowhere."""
    house.store.keep_notice(genuine("k" * 32, "PAY-77"))
    house.store.keep_notice(genuine("l" * 32, "PAY-78"))
    house.store.keep_notice(scenes.notice("m" * 32, "PAY-79", check=payment.NoticeCheck.BAD_SIGNATURE))
    house.store.link(SHOP, ids.OutTradeNo("PAY-78"), ids.OrderNumber("2026-78"), "person")
    house.refresh()
    found = {h.document.ids[0]: h.document.order for h in house.index.find(asked("callback")).hits}
    assert found == {"PAY-77": "PAY-77", "PAY-78": "2026-78", "PAY-79": None}
    assert house.index.find(asked("42000PAY-7")).total == 2
    assert house.index.find(asked("bad-signature")).total == 1
    assert house.index.find(asked("openid")).total == 0


def test_a_callback_that_came_late_to_the_disk_is_not_passed_over(house: House) -> None:
    """Its instant is before the newest that was read."""
    house.store.keep_notice(genuine("k" * 32, "P1", scenes.NOW))
    house.refresh()
    house.store.keep_notice(genuine("l" * 32, "P2", scenes.NOW - feed.OVERLAP + timedelta(seconds=1)))
    house.store.keep_notice(genuine("a" * 32, "P3", scenes.NOW))
    house.refresh()
    assert house.index.find(asked("callback")).total == 3


def test_more_callbacks_than_one_reading_takes(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many of one instant, too."""
    monkeypatch.setattr(feed, "NOTICES", 3)
    for n in range(10):
        house.store.keep_notice(genuine(f"{n:032d}", f"P{n}", scenes.NOW + timedelta(seconds=n // 4)))
    house.refresh()
    assert house.index.find(asked("callback")).total == 10


def test_our_own_evidence_is_found_by_what_it_says(house: House) -> None:
    """By ailment, and by the order's number."""
    told, entry = opened("2026-X")
    house.store.open_case(told, entry)
    house.refresh()
    (hit,) = house.index.find(asked(told.finding.ailment.value)).hits
    assert (hit.document.order, hit.document.what) == ("2026-X", document.What.CASE)
    assert house.index.find(asked("2026-x")).hits[0].score == document.EXACT


def test_an_index_that_was_thrown_away_is_filled_again(house: House) -> None:
    """The marks went with it."""
    house.store.keep_notice(genuine("k" * 32, "P1"))
    house.refresh()
    house.index.clear()
    assert house.refresh() == feed.Fed(orders=25, callbacks=1, cases=0)
    assert house.index.size() == 26


def test_a_trace_id_leads_to_the_order_of_another_line(house: House) -> None:
    """Where lines of that id name exactly one order: never a coin toss."""
    house.index.index(
        [
            doc("1", "timeout", None, "trace-9f3a"),
            doc("2", "paid", "2026-A", "trace-9f3a"),
            doc("3", "timeout", None, "trace-bbbb"),
            doc("4", "paid", "2026-A", "trace-bbbb"),
            doc("5", "paid", "2026-B", "trace-bbbb"),
            doc("6", "timeout", None, "trace-cccc"),
        ]
    )
    led = {h.document.key: h.document.order for h in feed.find(house.index, asked("timeout")).hits}
    assert led == {"1": "2026-A", "3": None, "6": None}


def test_a_log_that_breaks_off_is_kept_as_far_as_it_went(house: House) -> None:
    """And the mishap is told."""

    def half() -> Iterator[document.Document]:
        yield from (doc(str(n), "line") for n in range(7))
        raise faults.BadInput("the archive is damaged", where="a.gz", todo="")

    with pytest.raises(faults.BadInput, match="damaged"):
        feed.logs(half(), house.index)
    assert house.index.size() == 7
    assert feed.logs((doc(str(n), "line") for n in range(9)), house.index) == 9
    assert house.index.size() == 9
