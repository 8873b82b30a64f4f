"""Runs of days against runs of bank lines: T+1, weekends in one line, fees taken out or apart, what is short, late or nobody's."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from makewhole.books import payouts
from makewhole.core import ids
from makewhole.model import bank

CHANNEL = ids.ChannelName("wechatpay")
ALL = range(1000)
A, D, M, U, W, B = (
    bank.Paid.AGREES,
    bank.Paid.DIFFERS,
    bank.Paid.MISSING,
    bank.Paid.UNEXPECTED,
    bank.Paid.WAITS,
    bank.Paid.BEFORE,
)


def due(*grosses: int, first: int = 100, fee_millifen: int = 0, fee_fen: int | None = None) -> list[bank.Due]:
    """Days from `first` on, each with this much and the same fee."""
    fees = fee_millifen // 1000 if fee_fen is None else fee_fen
    days = enumerate(grosses, start=first)
    return [bank.Due(channel=CHANNEL, day=day, gross_fen=gross, fees_millifen=fee_millifen, fees_fen=fees) for day, gross in days]


def lines(*told: tuple[int, int]) -> list[bank.Line]:
    """(day, fen) of each."""
    return [
        bank.Line(id=ids.derive("line", place), place=place, channel=CHANNEL, day=day, fen=fen, memo="")
        for place, (day, fen) in enumerate(told, start=1)
    ]


def seen(days: list[bank.Due], came: list[bank.Line], covered: range = ALL) -> list[tuple[tuple[int, ...], int, bank.Paid]]:
    """Days, fen at the bank, state."""
    return [(p.days, p.bank_fen, p.state) for p in payouts.payouts(days, came, covered, waits_days=10)]


@pytest.mark.parametrize(
    "days, came, expected",
    [
        (due(500, 700), lines((101, 500), (102, 700)), [((100,), 500, A), ((101,), 700, A)]),
        # Friday to Sunday on Monday; a day in two lines; a day that gave back more than it took is taken out of the next.
        (due(500, 700, 800, 900), lines((101, 500), (104, 2400)), [((100,), 500, A), ((101, 102, 103), 2400, A)]),
        (due(500, 700), lines((101, 200), (101, 300), (102, 700)), [((100,), 500, A), ((101,), 700, A)]),
        (due(500, -80, 700), lines((101, 500), (103, 620)), [((100,), 500, A), ((101, 102), 620, A)]),
        # A day without trade is missed by nobody.
        (due(500, 0, 700), lines((101, 500), (103, 700)), [((100,), 500, A), ((102,), 700, A)]),
        # One fen short is short; what comes after it is not drawn into it.
        (due(500, 700, 800), lines((101, 500), (102, 699), (103, 800)), [((100,), 500, A), ((101,), 699, D), ((102,), 800, A)]),
        (due(500, 700), lines((101, 499), (102, 700)), [((100,), 499, D), ((101,), 700, A)]),
        # What was short and came later by itself is whole.
        (due(500, 700), lines((101, 450), (102, 50), (102, 700)), [((100,), 500, A), ((101,), 700, A)]),
        # Nothing came, and everything after it did.
        (due(500, 700, 800), lines((101, 500), (103, 800)), [((100,), 500, A), ((101,), 0, M), ((102,), 800, A)]),
        # A line that no day explains; one of a day that is not closed yet.
        (due(500, 700), lines((101, 500), (101, 33), (102, 700)), [((100,), 500, A), ((), 33, U), ((101,), 700, A)]),
        (due(500, 700), lines((101, 500), (102, 700), (104, 60)), [((100,), 500, A), ((101,), 700, A), ((), 60, W)]),
        # The first line that was ever seen may be for days before ours.
        (due(500, 700), lines((100, 77), (101, 500), (102, 700)), [((), 77, B), ((100,), 500, A), ((101,), 700, A)]),
        (due(500, 700, 900), lines((102, 1300), (103, 900)), [((100, 101), 1300, B), ((102,), 900, A)]),
        # Of a channel whose money goes elsewhere nothing is said.
        (due(500, 700), [], []),
        ([], lines((101, 500)), []),
    ],
)  # fmt: skip
def test_which_line_pays_which_day(days: list[bank.Due], came: list[bank.Line], expected: object) -> None:
    assert seen(days, came) == expected


def test_nothing_is_late_before_a_statement_is_there_of_every_day_on_which_it_could_have_come() -> None:
    """Ten days by policy, counted over statements and not over the calendar."""
    days, came = due(500, 700), lines((101, 500))
    assert seen(days, came, range(100, 111)) == [((100,), 500, A), ((101,), 0, W)]
    assert seen(days, came, range(100, 112)) == [((100,), 500, A), ((101,), 0, M)]
    short = lines((101, 500), (103, 600))
    assert seen(days, short, range(100, 104))[1] == ((101,), 600, W)
    assert seen(due(500, 700, 0), short, range(100, 104))[1] == ((101,), 600, D)
    assert seen(due(500, 700, 0), short, range(103, 104))[1] == ((101,), 600, W)


@pytest.mark.parametrize("came, paid", [(488, "each line"), (489, "the day"), (500, "apart")])
def test_fees_are_taken_out_of_the_payout_or_charged_apart(came: int, paid: str) -> None:
    """Which of them, the channel's days say together: each of three ways explains all of them; another fen none."""
    days = due(500, 500, fee_millifen=11_400, fee_fen=12)
    assert {p[2] for p in seen(days, lines((101, came), (102, came)))} == {A}, paid
    assert {p[2] for p in seen(days, lines((101, came + 2), (102, came + 2)))} == {D}


@settings(max_examples=40)
@given(st.lists(st.integers(-300, 900), min_size=1, max_size=9), st.data())
def test_every_fen_of_both_is_told_once(amounts: list[int], data: st.DataObject) -> None:
    """Whatever is cut out of a right statement, or put into it."""
    days = due(*amounts)
    right = [(d.day + 1, d.gross_fen) for d in days]
    wrong = data.draw(st.lists(st.tuples(st.integers(100, 112), st.integers(1, 900)), max_size=3))
    came = lines(*[line for line in (*right, *wrong) if data.draw(st.booleans())])
    told = payouts.payouts(days, came, ALL, waits_days=10)
    if not came:
        assert told == ()
        return
    held = [day for p in told for day in p.days]
    assert len(held) == len(set(held))
    assert {d.day for d in days if d.gross_fen != 0} <= set(held) <= {d.day for d in days}
    assert sorted(line.id for p in told for line in p.lines) == sorted(line.id for line in came)
    assert all(p.settled_fen == p.bank_fen for p in told if p.state is A)
