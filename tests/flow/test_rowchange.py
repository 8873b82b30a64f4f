"""Which changes of an order's row nothing explains, and what ends them: the fold over an order's trail, without any server."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from makewhole.core import money
from makewhole.model import order, payment, rowchange
from makewhole.model.change import Kind
from makewhole.model.order import Field, OrderState
from makewhole.model.payment import RefundState
from makewhole.model.rowchange import Moved, RowChange
from tests.flow import test_takeback, told

S = OrderState


def moves(was: OrderState, now: OrderState, name: str = "1", **more: Any) -> RowChange:
    """One change of state."""
    moved = (Moved(field=Field.ORDER_STATE, before=was.value, after=now.value),)
    return changed(name, was=was, now=now, **{"moved": moved, **more})


def changed(name: str = "1", **more: Any) -> RowChange:
    at = told.NOW + timedelta(seconds=int(name))
    return RowChange(**{"source": "changelog", "as_of": at, "order": told.KEY.number, "did": Kind.UPDATE, "transaction": name, **more})


def fold(*news: RowChange) -> tuple[RowChange, ...]:
    stands: tuple[RowChange, ...] = ()
    for new in news:
        stands = rowchange.standing(stands, new)
    return stands


@pytest.mark.parametrize("was", list(S))
@pytest.mark.parametrize("now", list(S))
def test_a_state_is_followed_by_what_may_follow_it(was: OrderState, now: OrderState) -> None:
    """Everything else is a breach; closing a paid order is one until money went back."""
    breach = bool(rowchange.breaches(moves(was, now)))
    allowed = now is was or now in rowchange.FOLLOWS[was]
    closes = was in order.SAYS_PAID and now is S.CLOSED
    assert breach is (not allowed or closes)
    assert not (allowed and rowchange.unexplained([moves(was, now)], lambda _: True))
    assert bool(rowchange.unexplained([moves(was, now)], lambda _: False)) is breach


@pytest.mark.parametrize("was", sorted({S.AWAITING_PAYMENT, S.CLOSED}, key=str))
def test_a_paid_state_comes_with_its_time_of_payment(was: OrderState) -> None:
    assert rowchange.breaches(moves(was, S.AWAITING_SHIPMENT, paid_at=False))
    assert not rowchange.breaches(moves(was, S.AWAITING_SHIPMENT, paid_at=True))


def test_the_shop_files_own_word_counts_and_says_more() -> None:
    """A way of its own, a row that it deletes itself, a field that it writes again."""
    own = ("awaiting-payment", rowchange.GONE)
    assert not rowchange.breaches(moves(S.COMPLETED, S.AWAITING_PAYMENT, may_follow=own))
    assert rowchange.breaches(moves(S.COMPLETED, S.REFUNDING, may_follow=own))
    there: dict[str, Any] = {"did": Kind.DELETE, "was": S.COMPLETED, "moved": (Moved(field=Field.ORDER_STATE, before="completed"),)}
    assert rowchange.breaches(changed(**there))
    assert not rowchange.breaches(changed(**there, may_follow=own))
    price: dict[str, Any] = {
        "was": S.SHIPPED,
        "now": S.SHIPPED,
        "moved": (Moved(field=Field.ORDER_AMOUNT_DUE, before="1.00", after="2.00"),),
    }
    assert rowchange.breaches(changed(**price))
    assert not rowchange.breaches(changed(**price, may_change=(Field.ORDER_AMOUNT_DUE,)))


def test_what_is_taken_back_stands_no_more_and_whatever_came_after_it_neither() -> None:
    """Back in one step, or through others; and doing it again stands again."""
    bad, worse = moves(S.COMPLETED, S.CLOSED, "1"), moves(S.CLOSED, S.AWAITING_PAYMENT, "2")
    back = moves(S.AWAITING_PAYMENT, S.COMPLETED, "3")
    assert [r.transaction for r in fold(bad, worse)] == ["1", "2"]
    assert fold(bad, worse, back) == ()
    assert [r.transaction for r in fold(bad, moves(S.CLOSED, S.COMPLETED, "2"), moves(S.COMPLETED, S.CLOSED, "3"))] == ["3"]


def test_going_on_from_where_it_was_ends_it_too() -> None:
    """Closed by mistake while it waited for its parcel, and shipped all the same."""
    assert fold(moves(S.AWAITING_SHIPMENT, S.CLOSED), moves(S.CLOSED, S.SHIPPED, "2")) == ()


def test_a_row_that_comes_back_as_it_was_is_whole_and_one_that_differs_is_overwritten() -> None:
    here = (
        Moved(field=Field.ORDER_STATE, before="shipped"),
        Moved(field=Field.ORDER_AMOUNT_DUE, before="1.00"),
    )
    gone = changed("1", did=Kind.DELETE, was=S.SHIPPED, moved=here)
    assert [r.did for r in fold(gone)] == [Kind.DELETE]
    same = tuple(Moved(field=m.field, after=m.before) for m in here)
    assert fold(gone, changed("2", did=Kind.INSERT, now=S.SHIPPED, moved=same)) == ()
    other = (same[0], Moved(field=Field.ORDER_AMOUNT_DUE, after="9.00"))
    (left,) = fold(gone, changed("2", did=Kind.INSERT, now=S.SHIPPED, moved=other))
    assert (left.did, left.moved) == (Kind.UPDATE, (Moved(field=Field.ORDER_AMOUNT_DUE, before="1.00", after="9.00"),))


def test_what_the_shops_history_tells_and_what_our_rollback_wrote_is_explained() -> None:
    bad = moves(S.COMPLETED, S.CLOSED)
    assert rowchange.explained(fold(bad), S.CLOSED) == ()
    assert rowchange.explained(fold(bad), S.SHIPPED) == fold(bad)
    assert fold(moves(S.CLOSED, S.AWAITING_PAYMENT, ours=True)) == ()


def test_a_statement_in_a_loop_is_kept_in_bounds() -> None:
    """The first, which says what the row was, and the newest."""
    many = [changed(str(i), moved=(Moved(field=Field.ORDER_BUYER, before=str(i), after=str(i + 1)),)) for i in range(1, 100)]
    stands = fold(*many)
    assert len(stands) == rowchange.STANDING_MAX
    assert (stands[0].transaction, stands[-1].transaction) == ("1", "99")


def test_each_part_of_an_order_is_healed_by_itself() -> None:
    """A part's row is judged by the same law, beside the order's own and the other parts'."""

    def part(name: str, was: OrderState, now: OrderState, at: str) -> RowChange:
        moved = (Moved(field=Field.SUBORDER_STATE, before=was.value, after=now.value),)
        return moves(was, now, at, part=name, moved=moved)

    own, one, two = (
        moves(S.COMPLETED, S.AWAITING_PAYMENT, "1"),
        part("A", S.COMPLETED, S.SHIPPED, "2"),
        part("B", S.COMPLETED, S.SHIPPED, "3"),
    )
    assert [(r.part, r.transaction) for r in fold(own, one, two)] == [("", "1"), ("A", "2"), ("B", "3")]
    assert [r.part for r in fold(own, one, two, part("A", S.SHIPPED, S.COMPLETED, "4"))] == ["", "B"]
    assert [r.part for r in fold(own, one, two, moves(S.AWAITING_PAYMENT, S.COMPLETED, "4"))] == ["A", "B"]
    assert fold(part("A", S.AWAITING_SHIPMENT, S.SHIPPED, "1"), part("A", S.SHIPPED, S.REFUNDED, "2")) == ()
    gone = changed("5", part="A", did=Kind.DELETE, was=S.SHIPPED, moved=(Moved(field=Field.SUBORDER_STATE, before="shipped"),))
    assert [(r.part, r.did) for r in fold(one, gone)] == [("A", Kind.UPDATE), ("A", Kind.DELETE)]


DONE = RefundState.DONE
HALF = money.Money(fen=4_951)
GIVEN_BACK: dict[str, tuple[bool, int, tuple[payment.ShopRefund | payment.ChannelRefund, ...]]] = {
    "nothing": (False, 1, ()),
    "a refund that failed": (False, 1, (told.shop_refund(RefundState.CLOSED),)),
    "all of it, long ago, with forty others": (True, 42, (told.shop_refund(DONE, done_at=told.ago(days=40)),)),
    "as the shop and the channel tell": (True, 42, (told.shop_refund(DONE, amount=HALF), told.refund(DONE))),
    "a part, long ago, alone": (True, 1, (told.shop_refund(DONE, amount=HALF, done_at=told.ago(days=40)),)),
    "a part, long ago, with one other": (False, 2, (told.shop_refund(DONE, amount=HALF, done_at=told.ago(days=40)),)),
    "a part, just outside of a batch": (False, 2, (told.shop_refund(DONE, amount=HALF, done_at=told.ago(days=7)),)),
    "all but the shipping, in a batch": (True, 42, (told.shop_refund(DONE, amount=HALF, done_at=told.ago(days=6)),)),
    "the smaller part, in a batch": (False, 42, (told.shop_refund(DONE, amount=money.Money(fen=4_950), done_at=told.ago(days=6)),)),
    "in two parts": (True, 42, tuple(told.shop_refund(DONE, str(n), amount=HALF, done_at=told.ago(days=40)) for n in (1, 2))),
    "before it was paid": (False, 1, (told.shop_refund(DONE, done_at=told.ago(days=61)),)),
    "nobody says when": (True, 42, (told.shop_refund(RefundState.PROCESSING, amount=HALF),)),
}


@pytest.mark.parametrize("explains, orders, refunds", GIVEN_BACK.values(), ids=GIVEN_BACK.keys())
def test_what_went_back_explains_a_closing_by_its_amount_and_its_time(
    explains: bool,  # noqa: FBT001
    orders: int,
    refunds: tuple[payment.ShopRefund | payment.ChannelRefund, ...],
) -> None:
    """All of the price does; a part does unless others were closed with it, and then if it is lately given and more than is withheld."""
    shop = told.shop_order(S.CLOSED, paid_at=told.ago(days=60))
    heard = told.heard(shop, moves(S.COMPLETED, S.CLOSED, orders=orders, due=told.DUE), *refunds)
    assert (heard.unexplained() == ()) is explains


@pytest.mark.parametrize("now", [S.AWAITING_PAYMENT, S.CLOSED])
def test_a_persons_word_that_no_money_came_explains_that_it_counts_as_unpaid(now: OrderState) -> None:
    """Whoever corrects the row, from the decision on; not before it, and not once goods are out."""
    ruled = test_takeback.ruling(speaks=False)
    later = msgspec.structs.replace(ruled, said_so=msgspec.structs.replace(ruled.said_so, at=told.NOW + timedelta(hours=1)))
    for was, said, explained in ((S.AWAITING_SHIPMENT, ruled, True), (S.AWAITING_SHIPMENT, later, False), (S.SHIPPED, ruled, False)):
        heard = told.heard(told.shop_order(now), moves(was, now), said)
        assert (heard.unexplained() == ()) is explained
