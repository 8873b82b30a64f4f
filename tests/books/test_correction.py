"""A corrected bill beside what the one before it had: what says the same is no news, whatever became of it; what says otherwise is."""

from __future__ import annotations

import pytest

from makewhole.books import correction, outcome
from makewhole.core import ids, money
from makewhole.model import bill, comparison, decision, difference
from makewhole.model.bill import Break, Standing
from tests.books import test_outcome as days

WINDOW = bill.Window(day=days.DAY, waits_days=0)
SAID = decision.Decision(choice=decision.Choice.WRITE_OFF, by="Lin", why="because", at=days.NOW)
BOOKED = (
    difference.Decided(at=days.NOW, said=SAID),
    difference.Booked(at=days.NOW, choice=SAID.choice, amount=money.Money(fen=100)),
)
AMOUNT = days.pair(Break.AMOUNT, days.told(1000), days.told(900))


def known(*pairs: comparison.Pair, moves: tuple[difference.Move, ...] = ()) -> tuple[difference.Followed, ...]:
    """As the first bill left them."""
    return tuple(difference.Followed(found=found, moves=moves) for found in days.came_to(*pairs).found)


def again(*pairs: comparison.Pair, was: tuple[difference.Followed, ...], source: str = "c") -> outcome.Outcome:
    def order_of(of: comparison.Pair) -> ids.OrderKey:
        return ids.OrderKey(shop=days.SHOP, number=ids.OrderNumber(of.number or "?"))

    compared = comparison.Comparison(pairs=pairs, sums=())
    return correction.corrected(compared, WINDOW, was, shop=days.SHOP, order_of=order_of, source=source, now=days.NOW)


@pytest.mark.parametrize("moves", [(), BOOKED, (difference.Agreed(at=days.NOW),)])
@pytest.mark.parametrize(
    "first, second",
    [
        (AMOUNT, AMOUNT),
        (AMOUNT, days.pair(Break.AMOUNT, days.told(1000), days.told(900, line=7))),
        # The evening's question was answered "unpaid"; a bill has no line of what was not paid.
        (
            days.pair(Break.STATUS, days.told(), days.told(standing_=Standing.UNPAID)),
            days.pair(Break.OURS_ONLY, days.told(), None),
        ),
        (days.pair(Break.OURS_ONLY, days.told(), None), days.pair(Break.OURS_ONLY, days.told(), None)),
    ],
)
def test_a_line_that_says_what_it_said_is_no_news(
    first: comparison.Pair, second: comparison.Pair, moves: tuple[difference.Move, ...]
) -> None:
    """Whether it is open, decided or over."""
    assert again(second, was=known(first, moves=moves)) == outcome.Outcome(found=(), moves=())


@pytest.mark.parametrize("moves, ends", [((), True), (BOOKED, False)])
def test_a_line_that_says_otherwise_is_a_new_difference(moves: tuple[difference.Move, ...], *, ends: bool) -> None:
    """Of the one before it nothing is left where it was open, and what was decided stays; a third bill goes on from there."""
    (was,) = known(AMOUNT, moves=moves)
    second = again(days.pair(Break.AMOUNT, days.told(1000), days.told(800)), was=(was,))
    (new,) = second.found
    assert (new.what, new.corrects, new.gap().fen) == (Break.AMOUNT, was.found.id, 200)
    corrected = difference.Corrected(at=days.NOW, source="c")
    assert dict(second.moves) == ({was.found.id: corrected} if ends else {})
    after = was.after(corrected) if ends else was
    both = (after, difference.Followed(found=new))
    assert again(days.pair(Break.AMOUNT, days.told(1000), days.told(800)), was=both, source="d") == outcome.Outcome(found=(), moves=())
    third = again(AMOUNT, was=both, source="d")
    assert [d.corrects for d in third.found] == [was.found.id]
    assert third.found[0].id not in {was.found.id, new.id}
    assert [key for key, _ in third.moves] == [new.id]


def test_what_both_books_have_now_is_over_and_what_waits_for_other_days_is_let_be() -> None:
    """A difference that was open agrees; a line of tomorrow's book waits on."""
    (was,) = known(AMOUNT)
    tomorrow = days.told(when=days.at(days.DAY + 1, 23, 50))
    (waits,) = (
        difference.Followed(found=d)
        for d in days.came_to(days.pair(Break.WAITING, None, tomorrow, number="P2"), window=bill.Window(day=days.DAY + 1)).found
    )
    told = again(was=(was, waits))
    assert told == outcome.Outcome(found=(), moves=((was.found.id, difference.Agreed(at=days.NOW)),))
    assert again(was=known(AMOUNT, moves=BOOKED)) == outcome.Outcome(found=(), moves=())
