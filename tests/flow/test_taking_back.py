"""What undoes a row's changes at once, and what stands in the way: images and events in, one net change or a reason out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makewhole.flow.rollback import deciding, folding
from makewhole.model import cell, change, claim, dossier, order, payment, rollback
from makewhole.model.change import Kind
from makewhole.model.order import OrderState
from makewhole.model.payment import AttemptState
from makewhole.model.trail import Later, Trail
from tests.flow import told as told_by

TABLE = change.Table(schema="shop", name="orders", columns=("id", "state", "note"), key=("id",))
FORM = rollback.Form(table="orders", columns=tuple(rollback.Column(name=c, type="int") for c in TABLE.columns), key=("id",))
AT = datetime(2026, 11, 23, tzinfo=UTC)
Row = tuple[int, int]
"""State and note."""


def image(row: Row | None) -> change.Image | None:
    return None if row is None else {"id": 1, "state": row[0], "note": row[1]}


def told(before: Row | None, after: Row | None) -> change.Change:
    kind = Kind.INSERT if before is None else Kind.DELETE if after is None else Kind.UPDATE
    return change.Change(table=TABLE, kind=kind, before=image(before), after=image(after))


def by(one: change.Change, name: str) -> Later:
    return Later(by=name, at=AT, kind=one.kind.value, columns=tuple(one.changed()))


def folded(steps: list[tuple[bool, Row | None]], first: Row | None) -> Trail | None:
    """The trail of a row that began as `first` and became each of these, by a bad or a good change."""
    trail, now = None, first
    for i, (bad, becomes) in enumerate(steps):
        if becomes == now:
            continue
        one = told(now, becomes)
        if bad:
            trail = folding.bad(trail, one, by(one, f"t{i}"), "N1", lambda column: column != "id")
        elif trail is not None:
            trail = folding.good(trail, by(one, f"t{i}"))
        now = becomes
    return trail


rows = st.one_of(st.none(), st.tuples(st.integers(0, 2), st.integers(0, 2)))


@given(first=rows, steps=st.lists(rows, max_size=8))
def test_bad_changes_alone_are_always_undone_to_what_was_there(first: Row | None, steps: list[Row | None]) -> None:
    """Whatever they did, one after the other: what the net change expects is what stands there, and what it writes is what stood there."""
    trail = folded([(True, s) for s in steps], first)
    now = steps[-1] if steps else first
    net = None if trail is None else folding.net(trail, FORM, "N1")
    if net is None:
        assert now == first
        return
    assert trail is not None
    assert trail.clash is None
    live, was = folding.cells(image(now)), folding.cells(image(first))
    match net.how:
        case rollback.How.REMOVE:
            assert (first, live) == (None, dict(net.now))
        case rollback.How.REINSERT:
            assert (now, was) == (None, dict(net.back))
        case rollback.How.REWRITE:
            assert all(live[c] == v for c, v in net.now.items())
            assert {**live, **net.back} == was
    assert deciding.stands(net, live if now is not None else None, ()) is None


@given(first=st.tuples(st.integers(0, 2), st.integers(0, 2)), steps=st.lists(st.tuples(st.booleans(), rows), max_size=8))
def test_what_goes_back_never_loses_a_good_change(first: Row, steps: list[tuple[bool, Row | None]]) -> None:
    """Bad and good changes in any order: whatever a good one wrote after a bad one stays, or the row is left alone."""
    trail = folded(steps, first)
    net = None if trail is None or trail.clash is not None else folding.net(trail, FORM, "N1")
    if trail is None or net is None or net.how is not rollback.How.REWRITE:
        return
    now: Row | None = first
    seen_bad, kept = False, set[str]()
    for bad, becomes in steps:
        if becomes == now:
            continue
        one = told(now, becomes)
        seen_bad = seen_bad or bad
        for column in one.changed() if now is not None and becomes is not None else ():
            (kept.discard if bad else kept.add)(column) if seen_bad else None
        now = becomes
    assert kept.isdisjoint(net.back)


def test_a_value_that_nobody_wrote_is_a_hole_in_the_log() -> None:
    """Between two changes, or between the last one and the row as it is."""
    one, other = told((0, 0), (1, 0)), told((2, 0), (3, 0))
    trail = folding.bad(None, one, by(one, "a"), "N1", lambda _: True)
    with pytest.raises(folding.Incomplete):
        folding.bad(trail, other, by(other, "b"), "N1", lambda _: True)
    assert trail is not None
    net = folding.net(trail, FORM, "N1")
    assert net is not None
    for live in (None, {"id": "i:1", "state": "i:2"}):
        with pytest.raises(folding.Incomplete):
            deciding.stands(net, live, ())


@pytest.mark.parametrize("elsewhere, left", [(False, False), (True, True), (None, True)])
def test_refunded_is_left_only_where_the_channel_holds_no_refund(*, elsewhere: bool | None, left: bool) -> None:
    """Nobody could say is no; states without money that went back ask nobody."""
    net = rollback.Net(table="orders", key={"id": "i:1"}, unit="N1", how=rollback.How.REWRITE, now={}, back={}, by=("a",))
    for was in OrderState:
        for becomes in OrderState:
            asks = was in {OrderState.REFUNDED, OrderState.REFUNDING} and becomes not in {OrderState.REFUNDED, OrderState.REFUNDING}
            assert (deciding.settled(net, was, becomes, elsewhere=elsewhere) is not None) is (asks and left)
    assert deciding.settled(net, None, order.OrderState.CLOSED, elsewhere=None) is None


@pytest.mark.parametrize(
    "said, returned",
    [
        (told_by.heard(told_by.attempt(AttemptState.PAID)), False),
        (told_by.heard(told_by.attempt(AttemptState.PAID), told_by.attempt(AttemptState.REFUND)), True),
        (told_by.heard(told_by.attempt(AttemptState.PAID), told_by.refund(payment.RefundState.PROCESSING)), True),
        (told_by.heard(told_by.attempt(AttemptState.PAID), silences=(told_by.silence(claim.Why.UNREACHABLE, number="M-2"),)), None),
        (told_by.heard(told_by.attempt(AttemptState.CLOSED)), None),
        (told_by.heard(), None),
    ],
)
def test_a_channel_is_believed_only_on_what_it_says(said: dossier.Dossier, *, returned: bool | None) -> None:
    """Paid, and heard on every attempt: no money went back. Any refund, or any word of one: it did. Silence proves nothing."""
    assert deciding.returned(said) is returned


@given(
    st.one_of(
        st.none(),
        st.integers(),
        st.text(),
        st.binary(),
        st.floats(allow_nan=False),
        st.decimals(allow_nan=False, allow_infinity=False, places=4),
        st.datetimes(),
        st.dates(),
        st.timedeltas(),
    )
)
def test_a_cell_is_its_value_exactly(value: change.Value) -> None:
    """There and back: type, digits and bits."""
    back = cell.unpack(cell.pack(value))
    assert change.same(value, back)
    assert cell.pack(back) == cell.pack(value)


def test_parents_come_first_and_leave_last() -> None:
    """Whoever is referred to is there before and after; in a circle everybody gets a place."""
    forms = {
        "item": rollback.Form(table="item", columns=(), key=("id",), parents=("orders",)),
        "orders": rollback.Form(table="orders", columns=(), key=("id",), parents=("member",)),
        "member": rollback.Form(table="member", columns=(), key=("id",), parents=("item",)),
    }
    assert set(deciding.ranks(forms)) == set(forms)
    straight = {**forms, "member": rollback.Form(table="member", columns=(), key=("id",))}

    def net(table: str, how: rollback.How, key: int) -> rollback.Net:
        return rollback.Net(table=table, key={"id": f"i:{key}"}, unit="N1", how=how, now={}, back={}, by=("a",))

    rank = deciding.ranks(straight)
    for how, tables in ((rollback.How.REINSERT, ["member", "orders", "item"]), (rollback.How.REMOVE, ["item", "orders", "member"])):
        told_ = [net(t, how, k) for k in (10, 9) for t in straight]
        assert [(r.table, r.key["id"]) for r in deciding.in_order(told_, rank)] == [(t, k) for t in tables for k in ("i:9", "i:10")]
