"""Whose a changed row is: by its order's number, its key, or the key of a part alone, in whatever order the log tells them."""

from __future__ import annotations

import itertools

import pytest

from makewhole.adapters.changelog import shelf
from makewhole.engine import owners
from makewhole.model import change, trail
from makewhole.model.change import Change, Kind, Traced

TABLES = (
    Traced(role="order", schema="", table="orders", key="id", number="sn"),
    Traced(role="suborder", schema="", table="parts", link="order_id", part="id"),
    Traced(role="item", schema="", table="goods", number="sn", link="order_id"),
    Traced(role="refund", schema="", table="refunds", part="part_id"),
)
ROWS: dict[str, change.Image] = {
    "orders": {"id": 1, "sn": "T1"},
    "parts": {"id": 10, "order_id": 1},
    "goods": {"id": 7, "order_id": 1, "sn": None},
    "refunds": {"id": 5, "part_id": 10},
}


def told(table: str, image: change.Image) -> Change:
    """An update of one row that changes nothing of what it says of its order."""
    named = change.Table(schema="", name=table, columns=tuple(image), key=("id",))
    return Change(table=named, kind=Kind.UPDATE, before=image, after=image)


@pytest.mark.parametrize("sequence", list(itertools.permutations(ROWS)), ids="-".join)
def test_rows_of_one_order_lie_together_whoever_comes_first(sequence: tuple[str, ...]) -> None:
    """The part's row may come after the refund that names it, and the order's own row last of all; another part's refund lies alone."""
    with shelf.opened() as kept:
        whose = owners.Owners(TABLES, kept, lambda key: None)
        for table in sequence:
            put(kept, table, whose.unit(told(table, ROWS[table])))
        put(kept, "refunds of nobody", whose.unit(told("refunds", {"id": 6, "part_id": 11})))
        assert [(unit, one.table) for unit, one in kept.trails()] == [
            *(("T1", table) for table in sorted(ROWS)),
            ("~11", "refunds of nobody"),
        ]


def put(kept: shelf.DiskShelf, table: str, unit: str) -> None:
    """A row of this unit."""
    kept.put(table, trail.Trail(table=table, key={}, unit=unit, first_by="1", last_by="1"))


def test_a_part_that_the_log_does_not_tell_is_asked_for_once() -> None:
    """It stands in the shop, and says which order is its own; one that is gone says nothing, and its refund is nobody's."""
    asked: list[str] = []

    def part(key: str) -> change.Image | None:
        asked.append(key)
        return {"id": key, "order_id": "1"} if key == "10" else None

    with shelf.opened() as kept:
        kept.same("#1", "T1")
        whose = owners.Owners(TABLES, kept, part)
        mine, gone = told("refunds", ROWS["refunds"]), told("refunds", {"id": 6, "part_id": 11})
        for _ in range(2):
            assert [whose.ours(one, numbers) for one in (mine, gone) for numbers in (["T1"], ["T2"])] == [True, False, False, False]
            assert [whose.unit(one) for one in (mine, gone)] == ["#1", "~11"]
        assert asked == ["10", "11"]
