"""What follows from the parts of an order: the law, over every set of stages."""

from __future__ import annotations

import pytest

from makewhole.model import order, suborder
from makewhole.model.order import OrderState as S
from makewhole.model.suborder import Stage

LIVING = (Stage.UNPAID, Stage.WAITING, Stage.PARTLY, Stage.SENT, Stage.RECEIVED)


@pytest.mark.parametrize("own", sorted(set(S) - set(suborder.WAY), key=str))
def test_the_money_is_the_orders_to_say(own: S) -> None:
    """Unpaid, ended, given back: no part makes it otherwise. Nor does an order without parts need any."""
    assert {suborder.whole(own, told) for told in suborder.SETS} == {own}
    assert {suborder.whole(word, suborder.NONE) for word in (*S, None)} == {*S, None}


@pytest.mark.parametrize("own", suborder.WAY)
def test_on_its_way_an_order_is_where_its_parts_are(own: S) -> None:
    """Whatever its own row says of the way; together they are never further than the last of them, nor behind the first."""
    for told in suborder.SETS:
        state = suborder.whole(own, told)
        living = [i for i, stage in enumerate(LIVING) if told & stage]
        if told & Stage.UNKNOWN:
            assert state is None
        elif living:
            place = {S.AWAITING_SHIPMENT: 1, S.PARTLY_SHIPPED: 2, S.SHIPPED: 3, S.COMPLETED: 4}[state or S.INVALID]
            assert max(min(living), 1) <= place <= max(*living, 1)
            # What is over or going back holds nothing up.
            assert suborder.whole(own, told | Stage.OVER | Stage.REFUNDING) is state
        else:
            assert state is (S.REFUNDING if told & Stage.REFUNDING else S.REFUNDED)


def test_parts_that_all_say_one_thing_are_what_they_say() -> None:
    for state in S:
        if state in order.SAYS_PAID:
            assert suborder.follows(suborder.stage(state)) is state


def test_who_has_no_word_contradicts_nobody() -> None:
    """A parent that knows no more than paid, and parts that know no more than sent."""
    bare, paid = (S.AWAITING_PAYMENT, S.AWAITING_SHIPMENT, S.CLOSED), (S.AWAITING_SHIPMENT, S.SHIPPED)
    assert not any(suborder.disagree(S.AWAITING_SHIPMENT, told, bare, tuple(S)) for told in suborder.SETS if not told & Stage.UNPAID)
    assert suborder.disagree(S.AWAITING_SHIPMENT, Stage.SENT, tuple(S), tuple(S))
    assert not suborder.disagree(S.CLOSED, Stage.WAITING, bare, paid)
    assert suborder.disagree(S.CLOSED, Stage.WAITING, bare, (*paid, S.CLOSED))
    assert not suborder.disagree(S.AWAITING_PAYMENT, Stage.WAITING, bare, paid)
    assert suborder.disagree(S.AWAITING_PAYMENT, Stage.WAITING | Stage.SENT, bare, paid)
    for own in S:
        if own in suborder.WAY:
            assert not suborder.disagree(own, suborder.stage(own), tuple(S), tuple(S))
