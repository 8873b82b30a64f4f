"""Law 7 over any two books: every line of both is in one class, the sums are the books' own, and order of lines means nothing."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from makewhole.adapters.books import desk, duck
from makewhole.core import faults, ids
from makewhole.model import bill
from tests.books.books import NOON, WINDOW, line, numbered, reconciled

# Few words, so that lines meet: under one number, one transaction, one order, with one thing or several different.
LINES = st.builds(
    line,
    st.sampled_from(["A", "B", None]),
    st.integers(0, 3),
    kind=st.sampled_from(bill.Kind),
    currency=st.sampled_from(["CNY", "USD"]),
    standing=st.sampled_from(bill.Standing),
    fee_millifen=st.sampled_from([None, 0, 6]),
    transaction=st.sampled_from([None, ids.TransactionId("T")]),
    order=st.sampled_from([None, ids.OrderNumber("O"), ids.OrderNumber("A")]),
    at=st.sampled_from([NOON, NOON + timedelta(hours=11, minutes=59), NOON + timedelta(hours=12, seconds=1)]),
)
BOOKS = st.lists(LINES, max_size=9)


def sums(side: str, lines: Sequence[bill.Line]) -> Counter[tuple[str, str, int]]:
    """Fen by side, currency and day, reckoned here."""
    told: Counter[tuple[str, str, int]] = Counter()
    for one in lines:
        told[side, one.currency, one.day] += one.amount_fen
    return told


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(BOOKS, BOOKS)
def test_no_line_and_no_fen_is_lost(ours: list[bill.Line], theirs: list[bill.Line]) -> None:
    """Every line is in one break or matched; per side, currency and day the classes are the book."""
    rows, told = reconciled(ours, theirs)
    held: Counter[tuple[str, str, int]] = Counter()
    for row in told.sums:
        held[row["side"], row["currency"], row["day"]] += row["fen"]
    assert held == sums("ours", ours) + sums("theirs", theirs)
    for side, book in (("ours", ours), ("theirs", theirs)):
        places = [row[f"{side}_line"] for row in rows if row[f"{side}_line"] is not None]
        assert len(places) == len(set(places))
        assert len(places) + sum(r["lines"] for r in told.sums if r["side"] == side and r["class"] == "matched") == len(book)


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(BOOKS)
def test_a_book_and_itself_have_no_breaks(book: list[bill.Line]) -> None:
    """But for lines without a number, which cannot be told to be the same."""
    known = [one for one in book if one.number is not None]
    rows, told = reconciled(known, known)
    assert rows == []
    assert not told.broken()


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(BOOKS, BOOKS, st.randoms(use_true_random=False))
def test_the_order_of_lines_means_nothing(ours: list[bill.Line], theirs: list[bill.Line], chance: Any) -> None:
    """A channel may sort its bill as it likes."""
    again = chance.sample(ours, len(ours)), chance.sample(theirs, len(theirs))
    assert reconciled(*again)[1].sums == reconciled(ours, theirs)[1].sums


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(BOOKS, BOOKS)
def test_with_and_without_all_pairs_it_is_the_same(ours: list[bill.Line], theirs: list[bill.Line]) -> None:
    """The short way, which looks only at numbers that are not simply alike, finds every break that the long way finds, and no other."""
    assert reconciled(ours, theirs) == reconciled(ours, theirs, pairs=True)


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(BOOKS, BOOKS)
def test_the_two_sides_are_alike(ours: list[bill.Line], theirs: list[bill.Line]) -> None:
    """Changing the books over changes the names of the sides; only what standings agree to is not the same both ways."""
    plain = [[one for one in book if one.standing in {bill.Standing.PAID, bill.Standing.UNPAID}] for book in (ours, theirs)]
    over = {"ours": "theirs", "theirs": "ours"}

    def seen(told: desk.Reconciled, names: dict[str, str]) -> set[tuple[Any, ...]]:
        found = set()
        for row in told.sums:
            word = row["class"]
            for name, other in names.items():
                if name in row["class"].split("-"):
                    word = row["class"].replace(name, other)
            found.add((names.get(row["side"], row["side"]), word, *(row[k] for k in ("currency", "kind", "day", "lines", "fen"))))
        return found

    assert seen(reconciled(plain[1], plain[0])[1], over) == seen(reconciled(plain[0], plain[1])[1], {})


@dataclasses.dataclass
class Thief:
    """A desk that loses the first break."""

    real: duck.Duck
    dialect: str = "duckdb"

    def keep(self, name: str, sql: str) -> None:
        self.real.keep(name, sql)
        if name == "breaks":
            self.real.connection.execute("DELETE FROM breaks WHERE number = 'A1'")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


def test_a_lost_line_stops_the_reconciliation(tmp_path: Any) -> None:
    """The law is checked in the run itself: whoever reads the result reads one that adds up."""
    with duck.opened(tmp_path) as real:
        real.book(bill.Side.OURS, numbered([line("A1"), line("A2")]))
        real.book(bill.Side.THEIRS, numbered([line("A2")]))
        with pytest.raises(faults.Defect, match="law 7"):
            desk.reconcile(Thief(real), WINDOW)
