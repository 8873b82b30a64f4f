"""What stands of orders' trails is remembered with the place to read on from: written over, forgotten, and apart for each shop."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from makewhole.adapters.store import journal
from makewhole.core import ids
from makewhole.model.change import Kind
from makewhole.model.order import Field
from makewhole.model.rowchange import Moved, RowChange
from makewhole.ports import trails
from tests.store import conftest, scenes

AT = datetime(2026, 11, 23, 4, tzinfo=UTC)
SHOP, OTHER = ids.ShopName(scenes.SHOP), ids.ShopName("another")


def stood(number: str) -> RowChange:
    moved = (Moved(field=Field.ORDER_STATE, before="completed", after="closed"),)
    return RowChange(source="changelog", as_of=AT, order=ids.OrderNumber(number), did=Kind.UPDATE, transaction="0-1-7", moved=moved)


@pytest.mark.parametrize("address", ["memory", *conftest.FILES], indirect=True)
def test_trails_and_place_are_remembered_together(store: journal.SqlStore) -> None:
    """An empty trail is forgotten; an order that is not named stays as it was."""
    book = store.notebook
    assert book.read(SHOP) == trails.Known(stands={})
    one, two = ids.OrderNumber("A1"), ids.OrderNumber("a1")
    book.note(SHOP, trails.Known(stands={one: (stood(one),), two: (stood(two),)}, place="here", since=AT))
    book.note(OTHER, trails.Known(stands={one: (stood(one),)}, place="elsewhere"))
    book.note(SHOP, trails.Known(stands={two: ()}, place="further"))
    assert book.read(SHOP) == trails.Known(stands={one: (stood(one),)}, place="further", since=AT)
    assert book.read(OTHER) == trails.Known(stands={one: (stood(one),)}, place="elsewhere")
    book.note(SHOP, trails.Known(stands={one: (stood(one), stood(one))}))
    assert book.read(SHOP) == trails.Known(stands={one: (stood(one), stood(one))}, place="further", since=AT)
