"""What two small books show: every class once, beside the pair next to it that is not of that class."""

from __future__ import annotations

from datetime import timedelta

import pytest

from makewhole.core import ids
from makewhole.model import bill
from tests.books.books import DAY, NOON, classes, line, reconciled

pytestmark = pytest.mark.slow

MIDNIGHT = NOON + timedelta(hours=12)
REFUND = bill.Kind.REFUND
Standing = bill.Standing


def test_equal_books_have_no_breaks() -> None:
    """Payments and refunds, also under one number."""
    book = [line("A1"), line("A1", kind=REFUND), line("A2", 250, fee_millifen=1500), line("A2", channel=ids.ChannelName("alipay"))]
    assert classes(book, book[::-1]) == []
    assert classes([], []) == []


@pytest.mark.parametrize(
    "ours, theirs, expected",
    [
        ([line()], [], ["ours-only"]),
        ([], [line()], ["theirs-only"]),
        ([line()], [line(amount_fen=101)], ["amount"]),
        ([line(fee_millifen=600)], [line(fee_millifen=601)], ["fee"]),
        ([line(fee_millifen=600)], [line()], []),
        ([line()], [line(currency="USD")], ["currency"]),
        ([line(standing=Standing.UNPAID)], [line()], ["status"]),
        ([line(standing=Standing.UNPAID)], [], ["idle"]),
        ([], [line(standing=Standing.REVOKED)], ["idle"]),
        ([line(standing=Standing.UNPAID)], [line(standing=Standing.REVOKED)], []),
        ([line(), line()], [line()], ["duplicate-ours"]),
        ([line()], [line(), line(), line()], ["duplicate-theirs", "duplicate-theirs"]),
        ([line(), line()], [line(), line()], []),
        ([line(merchant="1")], [line(merchant="2")], ["ours-only", "theirs-only"]),
        ([line()], [line(kind=REFUND)], ["ours-only", "theirs-only"]),
        # Two lines without a number have nothing in common.
        ([line(None)], [line(None)], ["ours-only", "theirs-only"]),
        ([line(None), line(None)], [], ["ours-only", "ours-only"]),
    ],
)
def test_each_difference_has_its_class(ours: list[bill.Line], theirs: list[bill.Line], expected: list[str]) -> None:
    """The ladder of pairing, rung by rung."""
    assert classes(ours, theirs) == expected


@pytest.mark.parametrize("ours", list(Standing))
@pytest.mark.parametrize("theirs", list(Standing))
def test_standings_agree_only_where_it_is_said(ours: Standing, theirs: Standing) -> None:
    """A bill that calls a refund accepted never says later how it ended; everything else must be the same word."""
    agree = ours is theirs or (ours, theirs) in bill.AGREEING
    assert classes([line(kind=REFUND, standing=ours)], [line(kind=REFUND, standing=theirs)]) == ([] if agree else ["status"])


def test_currency_is_told_before_status_before_amount_before_fee() -> None:
    """Of several differences the one that makes the others meaningless."""
    ours = line(fee_millifen=1, standing=Standing.UNPAID)
    assert classes([ours], [line(amount_fen=1, fee_millifen=2, currency="USD")]) == ["currency"]
    assert classes([ours], [line(amount_fen=1, fee_millifen=2)]) == ["status"]
    assert classes([line(fee_millifen=1)], [line(amount_fen=1, fee_millifen=2)]) == ["amount"]


@pytest.mark.parametrize(
    "from_midnight_s, age_days, expected",
    [
        (-3601, 0, "ours-only"),
        (-3600, 0, "waiting"),
        (-1, 0, "waiting"),
        (3599 - 86_400, 0, "waiting"),
        (3600 - 86_400, 0, "ours-only"),
        (-1, 2, "waiting"),
        (-1, 3, "ours-only"),
    ],
)
def test_what_is_near_midnight_waits_and_not_for_ever(from_midnight_s: int, age_days: int, expected: str) -> None:
    """An hour on both sides of midnight, three days: one second and one day beyond it is broken."""
    lonely = line(at=MIDNIGHT + timedelta(seconds=from_midnight_s) - timedelta(days=age_days))
    assert classes([lonely], []) == [expected]
    assert classes([], [lonely]) == [expected.replace("ours", "theirs")]


def test_a_line_pairs_across_the_cut_off() -> None:
    """Paid a second before midnight, booked by the shop a minute after: yesterday's line waited for it."""
    ours, theirs = line(at=MIDNIGHT + timedelta(minutes=1)), line(at=MIDNIGHT - timedelta(seconds=1))
    rows, told = reconciled([ours], [theirs], bill.Window(day=DAY + 1))
    assert [r["class"] for r in rows] == ["across-cut-off"]
    assert (rows[0]["ours_day"], rows[0]["theirs_day"]) == (DAY + 1, DAY)
    assert not told.broken()
    assert {(s["side"], s["day"], s["fen"]) for s in told.sums} == {("ours", DAY + 1, 100), ("theirs", DAY, 100)}
    assert classes([ours], [line(at=theirs.at, amount_fen=1)]) == ["amount"]


def test_one_payment_for_several_orders_is_whole() -> None:
    """Under one number, or under each order's own number and the channel's one transaction."""
    tid = ids.TransactionId("42")
    theirs = [line("P", 100, transaction=tid)]
    parts = [line("P", 60, order=ids.OrderNumber("A")), line("P", 40, order=ids.OrderNumber("B"))]
    assert classes(parts, theirs) == ["grouped"] * 3
    assert classes([line("A", 60, transaction=tid), line("B", 40, transaction=tid)], theirs) == ["grouped"] * 3
    assert classes([line("A", 60, transaction=tid), line("B", 41, transaction=tid)], theirs) == ["ours-only"] * 2 + ["theirs-only"]


def test_several_payments_for_one_order_are_whole() -> None:
    """A deposit and a balance, of which the shop's row knows the sum."""
    order = ids.OrderNumber("A")
    theirs = [line("A-1", 30), line("A-2", 70)]
    owner = {ids.OutTradeNo("A-1"): order, ids.OutTradeNo("A-2"): order}.get
    assert classes([line("A", 100, order=order)], theirs, owner=owner) == ["grouped"] * 3
    assert classes([line("A", 100, order=order)], theirs) == ["ours-only", "theirs-only", "theirs-only"]
    assert classes([line("A", 101, order=order)], theirs, owner=owner) == ["ours-only", "theirs-only", "theirs-only"]


def test_a_refund_without_a_number_is_found_by_its_payment() -> None:
    """Many shops write down what they refund and not under which number."""
    ours = line(None, 50, kind=REFUND, payment=ids.OutTradeNo("A1"))
    theirs = line("R1", 50, kind=REFUND, payment=ids.OutTradeNo("A1"))
    rows, told = reconciled([ours], [theirs])
    assert [(r["class"], r["group"]) for r in rows] == [("grouped", "order:A1")] * 2
    assert not told.broken()
    assert classes([ours], [line("R1", 51, kind=REFUND, payment=ids.OutTradeNo("A1"))]) == ["ours-only", "theirs-only"]


def test_a_doubled_booking_is_not_explained_by_a_sum() -> None:
    """Twice a hundred is not a hundred, under whatever name."""
    tid = ids.TransactionId("42")
    assert classes([line(transaction=tid)] * 2, [line(transaction=tid)]) == ["duplicate-ours"]


def test_pairs_are_written_whole_and_say_the_same() -> None:
    """Writing them is another way to the same sums."""
    ours, theirs = [line("A"), line("B"), line("C", 7)], [line("B"), line("C", 8), line("D")]
    assert reconciled(ours, theirs, pairs=True) == reconciled(ours, theirs)
