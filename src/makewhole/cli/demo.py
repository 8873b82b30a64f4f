"""`makewhole demo`: a trading day that breaks on purpose and is made whole, graded against the truth that the engine never sees."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from makewhole.cli import demodays, exits, logs, options, progress, session, start, words
from makewhole.core import faults, money
from makewhole.model import plan
from makewhole.rehearsal import demo, retold
from makewhole.sandbox import grade

MARK = ".makewhole-demo"
"""Lies in a folder that a demo made. The demo empties its folder first, so it must never be given one that holds anything else."""
CASES = "cases.jsonl"
"""In that folder: every case, what was found, why, and what made it whole, one JSON object a line."""
TALES_MAX = 12
ORDERS, ORDERS_A_DAY = 1000, 100
"""Unless told otherwise: of the one day, and of each of several, whose every break is looked at again and again."""
ORDERS_MAX = 1_000_000
MENDED = frozenset({plan.Terminal.RESTORED, plan.Terminal.REFUNDED})


def command(say: words.Say) -> click.Command:
    """The command in the reader's language."""
    params: list[click.Parameter] = [
        click.Option(["--seed"], type=click.IntRange(0), default=1, show_default=True, help=say("option.seed")),
        click.Option(["--orders"], type=click.IntRange(1, ORDERS_MAX), help=say("option.orders", orders=ORDERS, day=ORDERS_A_DAY)),
        click.Option(["--broken"], type=click.FloatRange(0, 1), default=0.05, show_default=True, help=say("option.broken")),
        click.Option(["--days"], type=click.IntRange(1, demodays.DAYS_MAX), help=say("option.days")),
        click.Option(["--folder"], metavar="FOLDER", help=say("option.folder")),
        options.as_json(say),
    ]
    return options.Command("demo", say, params=params, callback=click.pass_obj(run))


def run(begun: start.Start, /, *, seed: int, orders: int | None, broken: float, days: int | None, folder: str | None, as_json: bool) -> int:
    """Play the day, then show how it went."""
    now = session.Session(begun, as_json=as_json)
    out, say = now.out, now.say
    logs.listen(begun, logs.SILENT)
    place = _place(folder, say)
    if days is not None:
        place.mkdir(parents=True, exist_ok=True)
        (place / MARK).touch()
        return demodays.run(now, seed=seed, days=days, orders=min(orders or ORDERS_A_DAY, demodays.ORDERS_MAX), place=place)
    orders = orders or ORDERS
    if not as_json:
        out.line(say("demo.opens", orders=orders, broken=round(orders * broken), seed=seed))
    with progress.Progress() as bar:

        def tell(what: str, done: int, of: int) -> None:
            (place / MARK).touch()
            bar.at(say(f"demo.{what}"), done, of)

        shown = demo.run(seed=seed, orders=orders, broken=broken, folder=place, progress=tell)
    (place / CASES).write_bytes(b"".join(msgspec.json.encode(told) + b"\n" for told in shown.cases))
    if as_json:
        out.document(shown.grade)
    else:
        _tales(now, shown.cases)
        _sums(now, shown.grade)
        _recovery(now, shown.cases)
        _verdict(now, shown.grade, place)
    for breach in shown.breaches:
        out.note(say("demo.breach", law=say(f"law.{breach.law}"), says=breach.says), "red")
    return exits.Exit.FINE if shown.grade.flawless() else exits.Exit.BROKEN


def _place(folder: str | None, say: words.Say) -> Path:
    """A new temporary folder, or the named one if nothing but an earlier demo is in it."""
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="makewhole-demo-"))
    place = Path(folder)
    try:
        if place.exists() and not (place / MARK).exists() and any(place.iterdir()):
            raise faults.BadInput(say("demo.not-ours"), where=folder, todo=say("demo.not-ours-todo"))
    except OSError as unread:
        raise faults.BadInput(
            say("demo.no-folder", why=unread.strerror or str(unread)), where=folder, todo=say("demo.not-ours-todo")
        ) from unread
    return place


def _tales(now: session.Session, cases: Sequence[retold.Retold]) -> None:
    """What was found, why, and what made it whole: one of each kind first, so that a few lines show many ways to break."""
    out, say = now.out, now.say
    kinds: dict[object, retold.Retold] = {}
    for told in cases:
        kinds.setdefault((told.ailment, told.remedies[-1:], told.cause_detail), told)
    first = list(kinds.values())
    shown = [*first, *(told for told in cases if told not in first)][:TALES_MAX]
    out.table(tuple(say(f"demo.tale-{head}") for head in ("order", "found", "why", "done", "end")), [_tale(say, told) for told in shown])
    if len(cases) > len(shown):
        out.line(say("demo.tales-more", shown=len(shown), cases=len(cases), file=CASES), "dim")


def _tale(say: words.Say, told: retold.Retold) -> tuple[str, ...]:
    ended = say("demo.open") if told.terminal is None else say.meaning(told.terminal)
    return (
        told.order,
        f"{say.meaning(told.ailment)} {money.Money(fen=told.stake_fen)}",
        say.meaning(told.cause_detail),
        say("demo.by-others") if not told.remedies else say.meaning(told.remedies[-1]),
        ended if not told.minutes else say("demo.end-after", end=ended, minutes=f"{told.minutes:g}"),
    )


def _sums(now: session.Session, graded: grade.Grade) -> None:
    """Found, made whole, graded; where every fen is."""
    out, say = now.out, now.say
    rows = [
        (say("demo.broken"), str(graded.broken)),
        (say("demo.found"), str(graded.found)),
        (say("demo.missed"), str(graded.missed)),
        (say("demo.alarms"), str(graded.false_alarms)),
        (say("demo.restored"), str(graded.restored)),
        (say("demo.refunded"), str(graded.refunded)),
        (say("demo.handed-over"), str(graded.handed_over)),
        (say("demo.wrong"), str(graded.wrong_repairs)),
        (say("demo.laws"), str(graded.laws_broken)),
    ]
    out.table((say("demo.head", orders=graded.orders, seed=graded.seed), ""), rows)
    told = graded.money
    amounts = {
        k: str(money.Money(fen=n))
        for k, n in (("paid", told.paid), ("whole", told.whole), ("refunded", told.refunded), ("open", told.open))
    }
    out.line(say("demo.money", **amounts))
    minutes = graded.recovery_minutes
    out.line(say("demo.minutes", median=f"{minutes.median:g}", p95=f"{minutes.p95:g}"))


def _recovery(now: session.Session, cases: Sequence[retold.Retold]) -> None:
    """What of the time to recovery is ours, and what is the channel's: a refund that it has accepted takes as long as it takes."""
    mended = [(told.minutes, told.waited_for_channel_minutes) for told in cases if told.terminal in MENDED and told.minutes is not None]
    waits = [waited for _, waited in mended if waited]
    if not waits:
        return
    ours = sorted(max(0.0, minutes - waited) for minutes, waited in mended)
    p95 = ours[min(len(ours) - 1, int(len(ours) * 0.95))]
    now.out.line(
        now.say("demo.waits", cases=len(waits), longest=f"{max(waits):g}", median=f"{ours[len(ours) // 2]:g}", p95=f"{p95:g}"), "dim"
    )


def _verdict(now: session.Session, graded: grade.Grade, place: Path) -> None:
    """In one line; and where everything lies."""
    out, say = now.out, now.say
    out.line(say("demo.flawless" if graded.flawless() else "demo.flawed"), "bold green" if graded.flawless() else "bold red")
    out.line(say("demo.folder", folder=place, file=CASES), "dim")
