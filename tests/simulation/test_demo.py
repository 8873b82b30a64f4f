"""The demo at its full size, every fault on, over a hundred seeds: nothing missed, no false alarm, no wrong repair, no law broken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from makewhole.rehearsal import demo
from makewhole.sandbox import lightkeys

SEEDS = 100
CHUNK = 5
"""Seeds of one test: small enough that two workers end at about the same time."""
QUICK = 120
"""Orders of the quick check's day."""


def flaws(shown: demo.Shown) -> list[str]:
    """Every mistake of one seed, with the command that shows it."""
    seed = shown.grade.seed
    return [f"seed {seed}: {breach} (makewhole demo --seed {seed})" for breach in shown.breaches]


def test_a_small_day_is_flawless(tmp_path: Path) -> None:
    """And its money adds up, and every case has its end."""
    with lightkeys.used():
        shown = demo.run(seed=1, orders=QUICK, broken=0.1, folder=tmp_path)
    assert flaws(shown) == []
    told = shown.grade
    assert told.flawless()
    assert (told.orders, told.broken) == (QUICK, told.found)
    assert told.restored + told.refunded + told.handed_over == told.broken
    assert told.money.paid == told.money.whole + told.money.refunded + told.money.open
    assert all(case.terminal and case.minutes is not None for case in shown.cases)
    assert all(case.waited_for_channel_minutes <= case.minutes for case in shown.cases if case.minutes is not None)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("first", range(1, SEEDS + 1, CHUNK))
def test_a_thousand_orders_are_flawless(first: int, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """1,000 orders, 5 % broken, the channel at its worst."""
    found, failed, minutes = 0, [], []
    for seed in range(first, first + CHUNK):
        with lightkeys.used():
            shown = demo.run(seed=seed, folder=tmp_path / "world")
        failed += flaws(shown)
        assert shown.grade.orders == 1000
        found += shown.grade.found
        minutes.append(shown.grade.recovery_minutes.median)
    record_property("says", f"seeds {first} to {first + CHUNK - 1}: {found} found, {len(failed)} mistakes, medians {minutes} min")
    assert failed == []
