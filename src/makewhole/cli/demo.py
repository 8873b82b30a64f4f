"""`makewhole demo`: a trading day that breaks on purpose and is made whole, graded against the truth that the engine never sees."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from makewhole.cli import exits, logs, options, progress, session, start, words
from makewhole.core import faults, money
from makewhole.rehearsal import demo
from makewhole.sandbox import grade

MARK = ".makewhole-demo"
"""Lies in a folder that a demo made. The demo empties its folder first, so it must never be given one that holds anything else."""
ORDERS_MAX = 1_000_000


def command(say: words.Say) -> click.Command:
    """The command in the reader's language."""
    params: list[click.Parameter] = [
        click.Option(["--seed"], type=click.IntRange(0), default=1, show_default=True, help=say("option.seed")),
        click.Option(["--orders"], type=click.IntRange(1, ORDERS_MAX), default=1000, show_default=True, help=say("option.orders")),
        click.Option(["--broken"], type=click.FloatRange(0, 1), default=0.05, show_default=True, help=say("option.broken")),
        click.Option(["--folder"], metavar="FOLDER", help=say("option.folder")),
        options.as_json(say),
    ]
    return options.Command("demo", say, params=params, callback=click.pass_obj(run))


def run(begun: start.Start, /, *, seed: int, orders: int, broken: float, folder: str | None, as_json: bool) -> int:
    """Play the day, then show how it went."""
    now = session.Session(begun, as_json=as_json)
    out, say = now.out, now.say
    logs.listen(begun, logs.SILENT)
    place = _place(folder, say)
    if not as_json:
        out.line(say("demo.opens", orders=orders, broken=round(orders * broken), seed=seed))
    with progress.Progress() as bar:

        def tell(what: str, done: int, of: int) -> None:
            (place / MARK).touch()
            bar.at(say(f"demo.{what}"), done, of)

        graded, mistakes = demo.run(seed=seed, orders=orders, broken=broken, folder=place, progress=tell)
    if as_json:
        out.document(graded)
    else:
        _story(now, graded, place)
    for mistake in mistakes:
        out.note(str(mistake), "red")
    return exits.Exit.FINE if graded.flawless() else exits.Exit.BROKEN


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


def _story(now: session.Session, graded: grade.Grade, place: Path) -> None:
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
        (say("demo.minutes"), f"{graded.recovery_minutes.median:g} / {graded.recovery_minutes.p95:g}"),
    ]
    out.table((say("demo.head", orders=graded.orders, seed=graded.seed), ""), rows)
    told = graded.money
    amounts = {
        k: str(money.Money(fen=n))
        for k, n in (("paid", told.paid), ("whole", told.whole), ("refunded", told.refunded), ("open", told.open))
    }
    out.line(say("demo.money", **amounts))
    out.line(say("demo.flawless" if graded.flawless() else "demo.flawed"), "bold green" if graded.flawless() else "bold red")
    out.line(say("demo.folder", folder=place), "dim")
