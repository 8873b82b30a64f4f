"""`makewhole demo --days N`: trading days whose books are closed every evening and morning, graded on every break that was planted."""

from __future__ import annotations

from pathlib import Path

from makewhole.cli import exits, progress, session, sheets
from makewhole.core import money
from makewhole.model import bill, daysheet
from makewhole.rehearsal import days as rehearsal

ORDERS_MAX = 20_000
"""A day: each that is broken is looked at a dozen times, with real signatures."""
DAYS_MAX = 30


def run(now: session.Session, *, seed: int, days: int, orders: int, place: Path) -> int:
    """Play the days, then show how they went; the sheets lie in the folder's `reports`."""
    out, say = now.out, now.say
    if not out.as_json:
        out.line(say("days.opens", days=days, orders=orders, seed=seed))
    with progress.Progress() as bar:
        shown = rehearsal.run(
            seed=seed, days=days, orders=orders, folder=place / "days", progress=lambda done, of: bar.at(say("days.trade"), done, of)
        )
    for told in shown.sheets.values():
        sheets.written(told, place / "reports")
    if out.as_json:
        out.document(rehearsal.shape(shown))
    else:
        _days(now, shown)
        _sums(now, shown.grade)
        out.line(say("days.flawless" if shown.grade.flawless() else "days.flawed"), "bold green" if shown.grade.flawless() else "bold red")
        out.line(say("days.folder", folder=place / "reports"), "dim")
    for mistake in shown.mistakes:
        out.note(mistake, "red")
    return exits.Exit.FINE if shown.grade.flawless() else exits.Exit.BROKEN


def _days(now: session.Session, shown: rehearsal.Shown) -> None:
    """One line a day and channel: the bill, what differed, where it is now."""
    say = now.say
    rows = [_line(now, sheet) for told in shown.sheets.values() for sheet in told]
    now.out.table(tuple(say(f"days.head-{name}") for name in ("day", "channel", "bill", "differs", "in-question", "now")), rows)


def _line(now: session.Session, sheet: daysheet.DaySheet) -> tuple[str, ...]:
    say = now.say
    theirs = [s for s in sheet.sums if s.side is bill.Side.THEIRS]
    states = (f"{say.meaning(state)} {lines}" for state, (lines, _) in sheet.by_state().items())
    return (
        str(bill.date_of(sheet.day)),
        say.word("Source", sheet.channel),
        say("days.lines", lines=sum(s.lines for s in theirs)),
        str(len(sheet.rows)),
        str(money.Money(fen=sum(r.of.found.gap().fen for r in sheet.rows))),
        say("punctuation.comma").join(states),
    )


def _sums(now: session.Session, grade: rehearsal.Grade) -> None:
    say = now.say
    named = ("planted", "found", "missed", "false_alarms", "misclassed", "wrong_ends", "cases", "cases_open", "unexplained_fen")
    more = ("not_conserved", "bills_closed", "bills_refused", "bills_waited_for")
    rows = [(say(f"days.{name}"), str(getattr(grade, name))) for name in (*named, *more)]
    now.out.table((say("days.head", orders=grade.orders, lines=grade.lines), ""), rows)
