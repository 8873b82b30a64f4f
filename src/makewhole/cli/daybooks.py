"""A day's books at every attached channel: closed if nobody has closed them, followed where asked for, shown as they stand."""

from __future__ import annotations

from typing import Any

from makewhole import ports, settings
from makewhole.adapters.payments import registry
from makewhole.cli import bankfiles, bookfiles, bookshapes, exits, session, sheets
from makewhole.core import faults, ids
from makewhole.engine import closing, daily, daysheets, payouts
from makewhole.model import bank as banks
from makewhole.model import bill, daysheet
from makewhole.ports import accounts

INCOMPLETE = frozenset(closing.Closing) - closing.NEWS - {closing.Closing.WAS_CLOSED}
"""Nothing was compared: what the books would have shown, nobody knows."""


def run(
    now: session.Session,
    told: settings.Settings,
    *,
    day: int,
    channel: str | None,
    applied: bool,
    report: str | None,
    bank: str | None = None,
    again: bool = False,
) -> int:
    """Close, follow, tell. 1 where a difference is left, 3 where a day could not be closed."""
    statement = None if bank is None else bankfiles.read(now, told, bank)
    with now.world(told) as world:
        books = attached(now, world)
        if statement is not None:
            payouts.take(world, books, statement)
        channels = _channels(now, books, channel)
        today = bill.day_of(world.clock.now())
        if day > today:
            raise faults.BadInput(now.say("reconcile.future"), where="--day", todo=now.say("reconcile.day-todo"))
        days = [closing.Day(channel=c, day=day, stage=closing.stage_of(books, c, day, today)) for c in channels]
        results = [_closed(world, books, one, again=again, alone=len(days) == 1) for one in days]
        if applied:
            daily.follow(world, books)
        payouts.tell(world, books)
        found = daysheets.sheets(world, books, day, channels)
        results = [_stopped(world, books, one) for one in results]
        _tell(now, day, results, found)
        if report is not None:
            sheets.write(now, found, report)
    if any(r.state in INCOMPLETE for r in results):
        return exits.Exit.INCOMPLETE
    wrong = any(s.broken() or any(p.state in banks.WRONG for p in s.payouts) for s in found)
    return exits.Exit.BROKEN if wrong else exits.Exit.FINE


def _closed(world: ports.World, books: accounts.Books, one: closing.Day, *, again: bool, alone: bool) -> closing.Result:
    """What became of the day at one channel. Where there are others, one that is silent does not keep theirs open."""
    try:
        return (closing.again if again and one.stage is bill.Stage.BILL else closing.close)(world, books, one)
    except closing.SILENCES as no:
        if alone:
            raise
        return closing.Result(of=one, state=closing.Closing.SILENT, why=no.why)


def _stopped(world: ports.World, books: accounts.Books, told: closing.Result) -> closing.Result:
    """The result, unless its channel was halted meanwhile: whoever followed or printed the day has read more of our records."""
    record = books.ledger.halted(world.eyes.shop, told.of.channel)
    return told if record is None else closing.Result(of=told.of, state=closing.Closing.HALTED, why=record)


def bank(now: session.Session, told: settings.Settings, path: str) -> int:
    """Keep a bank's statement, and tell of every payout that is known. 1 where one is wrong."""
    statement = bankfiles.read(now, told, path)
    with now.world(told) as world:
        books = attached(now, world)
        fresh = payouts.take(world, books, statement)
        payouts.tell(world, books)
        found = [p for channel in sorted(books.sources) for p in payouts.of_channel(world, books, channel)]
    if now.out.as_json:
        shape = bankfiles.statement_shape(statement)
        now.out.document({**shape, "new": fresh, "payouts": [bankfiles.shape(p) for p in found]})
    else:
        bankfiles.tell(now, statement, found)
    return exits.Exit.BROKEN if any(p.state in banks.WRONG for p in found) else exits.Exit.FINE


def attached(now: session.Session, world: ports.World) -> accounts.Books:
    """The daily books. Raises BadInput where no channel that gives bills is attached."""
    if world.books is None or not world.books.sources:
        raise faults.BadInput(now.say("reconcile.no-channel"), where=now.say("bad.settings"), todo=_add(now))
    return world.books


def _add(now: session.Session) -> str:
    """Which sections attach a channel."""
    *others, last = (f"[{name}]" for name in registry.ENTRIES)
    named = now.say("punctuation.or").join(filter(None, (now.say("punctuation.comma").join(others), last)))
    return now.say("reconcile.no-channel-todo", sections=named)


def _channels(now: session.Session, books: accounts.Books, named: str | None) -> list[ids.ChannelName]:
    if named is None:
        return sorted(books.sources)
    if named not in books.sources:
        what = now.say("reconcile.not-attached", channel=now.say.word("Source", named))
        raise faults.BadInput(what, where="--channel", todo=_add(now))
    return [ids.ChannelName(named)]


def _tell(now: session.Session, day: int, results: list[closing.Result], found: list[daysheet.DaySheet]) -> None:
    say, out = now.say, now.out
    if out.as_json:
        by_channel = {s.channel: s for s in found}
        out.document({"day": bill.date_of(day), "channels": [_shape(r, by_channel.get(r.of.channel)) for r in results]})
        return
    for result in results:
        told = next((s for s in found if s.channel == result.of.channel), None)
        values = {"channel": say.word("Source", result.of.channel), "day": bill.date_of(day), "state": say.meaning(result.state)}
        out.line(say("reconcile.day", **values), "bold")
        if result.why:
            out.line(f"    {result.why}", "yellow")
        if told is not None:
            _sheet(now, told)


def _sheet(now: session.Session, told: daysheet.DaySheet) -> None:
    say, out = now.say, now.out
    heads = [say(f"head.{name}") for name in ("class", "side", "kind", "lines", "amount", "fees")]
    out.table(heads, [bookfiles.row(say, bookfiles.summed(s)) for s in told.sums])
    for one in told.rows:
        out.line(bookshapes.sentence(say, one), "dim" if one.state not in {daysheet.DayState.OPEN, daysheet.DayState.PERSON} else "")
    if told.payouts:
        out.table(bankfiles.heads(say), bankfiles.rows(say, told.payouts))
    left = told.broken()
    out.line(say("reconcile.left", lines=len(left)) if left else say("reconcile.fine"), "bold")


def _shape(result: closing.Result, told: daysheet.DaySheet | None) -> dict[str, Any]:
    shape: dict[str, Any] = {"channel": result.of.channel, "state": result.state.value, "why": result.why}
    return shape if told is None else {**shape, **bookshapes.shape_of(told)}
