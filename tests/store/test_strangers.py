"""Who sends what is not genuine cannot fill the store: counted, cut, and never in the way of what is genuine."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from makewhole.adapters.store import inbox, journal
from makewhole.core import ids, money
from makewhole.model import payment
from tests.store import scenes
from tests.store.conftest import FILES

pytestmark = pytest.mark.parametrize("address", ["memory", *FILES], indirect=True)
REFUSED = [c for c in payment.NoticeCheck if c is not payment.NoticeCheck.GENUINE]


def kept(store: journal.SqlStore) -> int:
    return store.counts()["notices"]


def test_the_limit_has_two_sides(store: journal.SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last one that fits is kept, the next is not; a genuine one is, and so is another shop's; next month there is room again."""
    monkeypatch.setattr(inbox, "REFUSED_MAX", 5)
    for i in range(5):
        assert store.keep_notice(scenes.notice(f"junk-{i}", "", check=REFUSED[i % len(REFUSED)])) is True
    one_more = scenes.notice("junk-5", "", check=payment.NoticeCheck.BAD_SIGNATURE)
    assert store.keep_notice(one_more) is False
    assert kept(store) == 5
    assert store.keep_notice(scenes.notice("good", "T-1")) is True
    assert store.keep_notice(scenes.notice("junk-6", "", check=payment.NoticeCheck.BAD_SIGNATURE, shop="hat")) is True
    later = dataclasses.replace(one_more, received_at=scenes.NOW + timedelta(days=31))
    assert store.keep_notice(later) is True
    assert kept(store) == 8


def test_a_repeat_uses_nothing_up(store: journal.SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bytes a hundred times are one notice."""
    monkeypatch.setattr(inbox, "REFUSED_MAX", 2)
    told = scenes.notice("junk", "", check=payment.NoticeCheck.CLOCK)
    assert [store.keep_notice(told) for _ in range(100)] == [True] + [False] * 99
    assert store.keep_notice(scenes.notice("other", "", check=payment.NoticeCheck.CLOCK)) is True


@pytest.mark.parametrize("check", list(payment.NoticeCheck))
def test_only_what_is_genuine_is_kept_whole_whatever_its_size(check: payment.NoticeCheck, store: journal.SqlStore) -> None:
    """Of anything else the first bytes are kept, as many as a callback could have."""
    body = b"x" * (inbox.REFUSED_BODY_BYTES_MAX + 1)
    store.keep_notice(dataclasses.replace(scenes.notice("one", "T-1", check=check), body=body))
    (told,) = store.notices(scenes.SHOP, scenes.notice("one", "T-1").number)
    assert len(told.body) == inbox.REFUSED_BODY_BYTES_MAX + (check is payment.NoticeCheck.GENUINE)


def test_the_months_of_the_limit_are_utcs(store: journal.SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Midnight in Beijing opens no new month eight hours early."""
    monkeypatch.setattr(inbox, "REFUSED_MAX", 1)
    last = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
    for key, at, fits in (("a", last, True), ("b", last, False), ("c", last + timedelta(minutes=2), True)):
        told = dataclasses.replace(scenes.notice(key, "", check=payment.NoticeCheck.PROBE), received_at=at)
        assert store.keep_notice(told) is fits


def test_a_refunds_notice_comes_back_as_one(store: journal.SqlStore) -> None:
    """With what it claims; a payment's with what that claims."""
    refund = payment.ChannelRefund(
        source="wechatpay",
        as_of=scenes.NOW,
        channel=scenes.notice("x", "T-1").channel,
        number=ids.RefundNo("R-1"),
        payment=scenes.notice("x", "T-1").number,
        state=payment.RefundState.DONE,
        amount=money.Money(fen=100),
    )
    store.keep_notice(dataclasses.replace(scenes.notice("refund", "T-1"), refund=refund))
    store.keep_notice(scenes.notice("payment", "T-1"))
    told = {k.key: (k.refund, k.attempt) for k in store.notices(scenes.SHOP, scenes.notice("x", "T-1").number)}
    assert told == {"refund": (refund, None), "payment": (None, None)}
