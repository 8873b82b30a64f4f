"""Trading days at three channels, closed every morning and evening: every break found, classed and ended, every fen accounted for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from makewhole.cli import program
from makewhole.model import bill
from makewhole.rehearsal import days
from makewhole.sandbox import counterparts, trading
from makewhole.sandbox.stories import trading as stories

pytestmark = pytest.mark.slow


def test_three_days_are_flawless(tmp_path: Path) -> None:
    """One of each way to break, at each channel, every day; bills that come late, wrong in a line, and cut short."""
    shown = days.run(seed=1, days=3, orders=60, folder=tmp_path)
    grade = shown.grade
    assert shown.mistakes == ()
    assert grade.flawless()
    assert grade.planted == grade.found == 3 * len(counterparts.GATES) * len(stories.TALES)
    assert (grade.bills_closed, grade.bills_refused) == (9, 1)
    assert grade.bills_waited_for >= 1
    assert sum(grade.by_state.values()) == grade.planted == grade.cases
    classes = {row.of.what() for told in shown.sheets.values() for sheet in told for row in sheet.rows}
    assert classes == {bill.Break.STATUS, bill.Break.AMOUNT, bill.Break.OURS_ONLY, bill.Break.THEIRS_ONLY, bill.Break.FEE}


def test_a_break_that_nobody_planted_and_one_that_is_hidden_are_counted(tmp_path: Path) -> None:
    """The grade can fail: a line that the sandbox moves on its own is a false alarm, and a planted one that is not there is missed."""
    on = days.scene(7, tmp_path, store="sqlite://")
    try:
        made = on.trading
        made.at(trading.START + 60 * trading.MINUTE, lambda: stories.stray(made, "wechatpay"))
        made.at(trading.START + 61 * trading.MINUTE, lambda: stories.whole(made, "wechatpay"))
        results = days._day(on, 0, last=False) + days._day(on, 1, last=True)
        (planted,) = made.planted
        made.planted[0] = trading.Planted(**{**vars(planted), "number": "NOWHERE"})
        shown = days._judged(on, 7, 1, results)
    finally:
        on.store.close()
    assert (shown.grade.missed, shown.grade.false_alarms, shown.grade.flawless()) == (1, 1, False)
    assert len(shown.mistakes) == 2


def test_the_program_shows_it(tmp_path: Path) -> None:
    """The grade as JSON, the sheets in the folder, 0 for a flawless run."""
    asked = ["demo", "--days", "1", "--orders", "30", "--seed", "5", "--folder", str(tmp_path / "d"), "--json"]
    told = CliRunner().invoke(program.PROGRAM, asked)
    assert told.exit_code == 0, told.output
    document = json.loads(told.stdout)
    assert (document["missed"], document["unexplained_fen"], document["cases_open"]) == (0, 0, 0)
    assert sorted(p.suffix for p in (tmp_path / "d" / "reports").iterdir()) == [".csv", ".html", ".json", ".xlsx"]
