"""`makewhole reconcile decide | differences | resume`: what a person says about the daily books, written down with who and why."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import click

from makewhole import ports
from makewhole.cli import bookshapes, daybooks, exits, mishap, options, session, start, words
from makewhole.core import clock, faults, ids
from makewhole.engine import daysheets, differences, sweep
from makewhole.flow import record
from makewhole.model import bill, daysheet, decision, difference
from makewhole.ports import accounts

LATELY_DAYS = 92
"""Days: as long as channels give their bills."""
TEXT_MAX = 500
"""Characters of a reason: a few sentences. It is kept for good."""


def command(say: words.Say) -> click.Command:
    """`decide`."""
    choices = [c.value for c in decision.Choice]
    params: list[click.Parameter] = [
        click.Argument(["of"], metavar=say("arg.difference")),
        click.Argument(["choice"], type=click.Choice(choices)),
        click.Option(["--by"], required=True, metavar="NAME", help=say("option.by")),
        click.Option(["--why"], required=True, metavar="TEXT", help=say("option.why")),
        *options.attached(say),
        options.as_json(say),
    ]
    return options.Command("decide", say, params=params, callback=click.pass_obj(decide))


def listing(say: words.Say) -> click.Command:
    """`differences`."""
    params: list[click.Parameter] = [*options.attached(say), options.as_json(say)]
    return options.Command("differences", say, params=params, callback=click.pass_obj(differences_))


def resuming(say: words.Say) -> click.Command:
    """`resume`."""
    params: list[click.Parameter] = [
        click.Argument(["channel"]),
        click.Option(["--by"], required=True, metavar="NAME", help=say("option.by")),
        click.Option(["--why"], required=True, metavar="TEXT", help=say("option.why")),
        *options.attached(say),
    ]
    return options.Command("resume", say, params=params, callback=click.pass_obj(resume))


def decide(begun: start.Start, /, *, of: str, choice: str, by: str, why: str, as_json: bool, **where: str | None) -> int:
    """Write the decision down and act on it, once, if the difference still stands."""
    now = session.Session(begun, as_json=as_json)
    told = now.settings(**where)
    with now.world(told) as world:
        books = daybooks.attached(now, world)
        one = _named(now, world, books, of)
        said = _said(now, world, choice, by, why)
        if one.end() is None:
            _fits(now, one, said.choice)
            standing = differences.settle(world, books, one.found.order)
            if one.found.id in {f.found.id for f in standing}:
                _write(now, books, one, said)
                sweep.work(world, one.found.order.number)
                # Where the shop's own row was corrected, nothing is left to book: both sides agree.
                differences.settle(world, books, one.found.order)
        after = daysheets.row(world, books.ledger.find(one.found.id) or one)
        if after.decided is not None and after.decided.choice is not said.choice:
            what = now.say("reconcile.decided", by=after.decided.by, choice=now.say.meaning(after.decided.choice))
            raise faults.BadInput(what, where="decide", todo=now.say("reconcile.decided-todo"))
        if now.out.as_json:
            now.out.document(bookshapes.difference(after))
        else:
            now.out.line(bookshapes.sentence(now.say, after))
            if after.decided is not None:
                now.out.line(now.say("reconcile.decided", by=after.decided.by, choice=now.say.meaning(after.decided.choice)), "dim")
            else:
                now.out.line(now.say("reconcile.undecided"), "dim")
    return exits.Exit.BROKEN if after.state in {daysheet.DayState.OPEN, daysheet.DayState.PERSON} else exits.Exit.FINE


def differences_(begun: start.Start, /, *, as_json: bool, **where: str | None) -> int:
    """What is not over, of every day."""
    now = session.Session(begun, as_json=as_json)
    told = now.settings(**where)
    with now.world(told) as world:
        books = daybooks.attached(now, world)
        altered: list[accounts.Altered] = []
        rows = [daysheets.row(world, f) for f in _unsettled(world, books, altered)]
    for one in rows:
        if as_json:
            now.out.document(bookshapes.difference(one))
        else:
            now.out.line(f"{bill.date_of(one.of.found.day)}  {bookshapes.sentence(now.say, one)}")
    for wrong in altered:
        mishap.tell(wrong, begun)
    if altered:
        return exits.Exit.INCOMPLETE
    if not rows and not as_json:
        now.out.line(now.say("reconcile.none-left"), "bold")
    left = any(r.state in {daysheet.DayState.OPEN, daysheet.DayState.PERSON} for r in rows)
    return exits.Exit.BROKEN if left else exits.Exit.FINE


def resume(begun: start.Start, /, *, channel: str, by: str, why: str, **where: str | None) -> int:
    """Somebody has looked at the record that was altered: the channel is settled again."""
    now = session.Session(begun)
    told = now.settings(**where)
    with now.world(told) as world:
        books = daybooks.attached(now, world)
        named, shop = ids.ChannelName(channel), world.eyes.shop
        halted = books.ledger.halted(shop, named)
        if halted is None:
            raise faults.BadInput(now.say("reconcile.not-halted"), where=channel, todo=now.say("reconcile.not-halted-todo"))
        books.ledger.resume(shop, named, record.resumed(shop, named, by, why, world.clock.now()))
        now.out.line(now.say("reconcile.resumed", channel=now.say.word("Source", channel), record=halted))
    return exits.Exit.FINE


def _named(now: session.Session, world: ports.World, books: accounts.Books, of: str) -> difference.Followed:
    """By its id or the front of it. Raises BadInput where none, or more than one, is meant."""
    whole = books.ledger.find(ids.Key(of))
    if whole is not None:
        return whole
    meant = [f for f in _lately(world, books) if f.found.id.startswith(of) and len(of) >= bookshapes.SHORT]
    if len(meant) != 1:
        raise faults.BadInput(now.say("reconcile.no-difference", given=of), where="decide", todo=now.say("reconcile.no-difference-todo"))
    return meant[0]


def _unsettled(world: ports.World, books: accounts.Books, altered: list[accounts.Altered] | None = None) -> list[difference.Followed]:
    """Of every channel; one whose record was altered is added to `altered`, if that is given. Raises Altered otherwise."""
    found: list[difference.Followed] = []
    for channel in sorted(books.sources):
        try:
            found += books.ledger.unsettled(world.eyes.shop, channel)
        except accounts.Altered as wrong:
            if altered is None:
                raise
            altered.append(wrong)
    return sorted(found, key=lambda f: f.found.day)


def _lately(world: ports.World, books: accounts.Books) -> list[difference.Followed]:
    """Those that are not over, and those that were over lately: whoever presses twice is told what the first time did."""
    known = {f.found.id: f for f in _unsettled(world, books)}
    today, shop = bill.day_of(world.clock.now()), world.eyes.shop
    for channel in sorted(books.sources):
        known.update({f.found.id: f for f in books.ledger.of_days(shop, channel, today - LATELY_DAYS, today)})
    return list(known.values())


def _said(now: session.Session, world: ports.World, choice: str, by: str, why: str) -> decision.Decision:
    if not by.strip() or not why.strip() or len(by) > TEXT_MAX or len(why) > TEXT_MAX:
        raise faults.BadInput(now.say("reconcile.who-and-why"), where="--by, --why", todo=now.say("reconcile.who-and-why-todo"))
    by, why = (" ".join("".join(c if c.isprintable() else " " for c in told).split()) for told in (by, why))
    at = world.clock.now()
    chosen = decision.Choice(choice)
    return decision.Decision(choice=chosen, by=by, why=why, at=at, until=_next_bill(at) if chosen is decision.Choice.WAIT else None)


def _next_bill(at: datetime) -> datetime:
    """Noon of the next day: bills are there by ten, and some later."""
    return datetime.combine(at.astimezone(clock.BEIJING).date() + timedelta(days=1), time(12), clock.BEIJING)


def _fits(now: session.Session, one: difference.Followed, choice: decision.Choice) -> None:
    """Raises BadInput for a fee's decision about something that is no fee."""
    if choice is decision.Choice.CHARGE_BACK_FEE and one.what() is not bill.Break.FEE:
        raise faults.BadInput(now.say("reconcile.no-fee"), where="decide", todo=now.say("reconcile.no-fee-todo"))


def _write(now: session.Session, books: accounts.Books, one: difference.Followed, said: decision.Decision) -> None:
    try:
        differences.decide(books, one.found.id, said)
    except faults.Rejected as no:
        raise faults.BadInput(no.why, where="decide", todo=now.say("reconcile.decided-todo")) from no
