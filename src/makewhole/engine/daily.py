"""What of the daily books is due now: days that nobody has closed, the evening's comparison, and orders of which the books still differ.

Level-triggered like the sweep: it is asked every minute, and says each time what is not done yet. A night that was missed is caught up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta

import structlog

from makewhole import ports
from makewhole.core import clock, ids
from makewhole.engine import closing, differences, sweep
from makewhole.model import bill, difference, fact, policy
from makewhole.ports import accounts

EVENING = time(20)
"""Beijing time (R14): the day so far is compared, while somebody is still there to look; at a marketplace, whose account lines are made
on the next afternoon, the day before."""
MORNING = time(10)
"""Beijing time, of the next day: channels say that their bills are made by then."""
CATCH_UP_DAYS = 30
"""Days that are caught up after a long standstill: WeChat Pay gives bills of three months; older than this, a person should ask for."""
FIRST_DAYS = 1
"""Days that a new store begins with: yesterday. What was before Makewhole came is asked for by name."""
AGAIN_MORNINGS = (1, 3, 7, 30, 60)
"""Mornings after the one that closes a day, on which its bill is had again, as far as policy goes (`bill-again`): most of what a channel
corrects it finds on the next working days, the rest when its merchants close the week, the month, or ask."""
GIVEN_DAYS = 90
"""Days back for which every channel gives bills: WeChat Pay and Douyin Pay say three months, Alipay more."""
AGAIN_PAUSE = timedelta(hours=1)
"""Between two questions of one morning where the first was not answered: what is not made or not there is seldom there a minute later."""
LATE = timedelta(hours=26)
"""Of trying in vain to close a day, before a person is asked: no outage that a channel mends by itself lasts longer, and a marketplace's
day without lines is believed a day late."""
_AGAIN, _BEGUN, _TRIED = "bills-again/", "books-begun/", "tried-in-vain/"
_LATER = frozenset({closing.Closing.ANOTHERS, closing.Closing.NOT_MADE, closing.Closing.HALTED})
"""What says nothing of a bill yet: asked again after the pause."""
log = structlog.get_logger()


def due(world: ports.World, books: accounts.Books) -> Iterator[closing.Day]:
    """The days to close now, the oldest first at each channel; then today's evening."""
    now = world.clock.now().astimezone(clock.BEIJING)
    today = bill.day_of(now)
    for channel, source in sorted(books.sources.items()):
        settles = isinstance(source, accounts.AccountSource)
        last = today - 1 if now.time() >= (EVENING if settles else MORNING) else today - 2
        done = _closings(world, books, channel, today - CATCH_UP_DAYS)
        if done is None:
            continue
        closed = {c.day for c in done if c.stage is bill.Stage.BILL}
        first = _begun(world, books, channel, last)
        for day in range(max(first, today - CATCH_UP_DAYS), last + 1):
            if day not in closed:
                yield closing.Day(channel=channel, day=day, stage=bill.Stage.BILL)
        evening = any((c.day, c.stage) == (today, bill.Stage.EVENING) for c in done)
        if now.time() >= EVENING and not evening and not settles:
            yield closing.Day(channel=channel, day=today, stage=bill.Stage.EVENING)


def _begun(world: ports.World, books: accounts.Books, channel: ids.ChannelName, last: int) -> int:
    """The first day that this store was to close at a channel: one that could not be closed then is not forgotten for that."""
    mark = f"{_BEGUN}{world.eyes.shop}/{channel}"
    told = world.store.mark(mark)
    if told is None:
        closed = [c.day for c in _closings(world, books, channel, 0) or () if c.stage is bill.Stage.BILL]
        told = str(min(closed, default=last - FIRST_DAYS + 1))
        world.store.set_mark(mark, told)
    return int(told)


def keep(world: ports.World, books: accounts.Books, stopped: Callable[[], bool] = lambda: False) -> list[closing.Result]:
    """Close what is due, and follow what was found. A channel that does not answer keeps no other one waiting."""
    results: list[closing.Result] = []
    for of in due(world, books):
        if stopped():
            return results
        try:
            result = closing.close(world, books, of)
            results.append(result)
            if result.state is closing.Closing.NOT_MADE:
                _in_vain(world, of, result.why)
        except closing.SILENCES as no:
            log.warning("day not closed", channel=of.channel, day=str(bill.date_of(of.day)), why=no.why)
            _in_vain(world, of, no.why)
    results += _again(world, books, stopped)
    if any(r.state in closing.NEWS for r in results):
        follow(world, books, stopped)
    return results


def _in_vain(world: ports.World, of: closing.Day, why: str) -> None:
    """Ask a person, once, about a day that could not be closed for long: nobody looks for a sheet that is not there."""
    if of.stage is not bill.Stage.BILL:
        return
    now, mark = world.clock.now(), f"{_TRIED}{world.eyes.shop}/{of.channel}/{of.day}"
    since = world.store.mark(mark)
    if since is None:
        world.store.set_mark(mark, now.isoformat())
    elif now - datetime.fromisoformat(since) >= LATE:
        day = bill.date_of(of.day)
        differences.ask_about(world, of.channel, f"open/{day}", fact.fact(fact.Says.DAY_OPEN, day, why))


def _again(world: ports.World, books: accounts.Books, stopped: Callable[[], bool]) -> list[closing.Result]:
    """Closed days whose bills are due to be had again; those that were corrected. Channel by channel, one process at a time at each."""
    now = world.clock.now().astimezone(clock.BEIJING)
    results: list[closing.Result] = []
    for channel in sorted(books.sources) if now.time() >= MORNING else ():
        if stopped():
            break
        mornings = _mornings(world, channel, now)
        if not mornings:
            continue
        # Who died in his turn is taken over from when it has run out; what he had marked by then is not asked again.
        turn = f"{_AGAIN}{world.eyes.shop}/{channel}/turn"
        was, ours = world.store.mark(turn), f"{(now + closing.TURN).isoformat()} {world.owner}"
        if (was and datetime.fromisoformat(was.split()[0]) > now) or not world.store.move_mark(turn, was, ours):
            continue
        told, done = _had_again(world, books, channel, _mornings(world, channel, now), stopped)
        results += told
        world.store.move_mark(turn, ours, f"{(now if done else now + AGAIN_PAUSE).isoformat()} -")
    return results


def _mornings(world: ports.World, channel: ids.ChannelName, now: datetime) -> dict[int, range]:
    """For each morning after a closing, the days for which it has come since the last look. A new store begins with those of today."""
    told: dict[int, range] = {}
    most = world.policies.at(now).span(policy.RuleName.BILL_AGAIN).days
    for morning in (m for m in AGAIN_MORNINGS if m <= most):
        last = bill.day_of(now) - 1 - morning
        days = range(int(world.store.mark(_mark(world, channel, morning)) or last - 1) + 1, last + 1)
        if days:
            told[morning] = days
    return told


def _had_again(
    world: ports.World, books: accounts.Books, channel: ids.ChannelName, mornings: Mapping[int, range], stopped: Callable[[], bool]
) -> tuple[list[closing.Result], bool]:
    """One channel's days that are due, the oldest first, each asked about once for all mornings missed; whether all were answered."""
    results: list[closing.Result] = []
    for told in _closings(world, books, channel, bill.day_of(world.clock.now()) - GIVEN_DAYS) or () if mornings else ():
        due = [m for m, days in mornings.items() if told.day in days]
        if told.stage is not bill.Stage.BILL or not due:
            continue
        if stopped():
            return results, True
        # A bill that was had on that morning or later is no older than the morning.
        if any(told.day + 1 + m > bill.day_of(told.at) for m in due):
            try:
                result = closing.again(world, books, closing.Day(channel=channel, day=told.day, stage=bill.Stage.BILL))
            except closing.SILENCES as no:
                log.warning("bill not had again", channel=channel, day=str(bill.date_of(told.day)), why=no.why)
                return results, False
            if result.state in _LATER:
                return results, False
            if result.state is not closing.Closing.WAS_CLOSED:
                results.append(result)
        for m in due:
            world.store.set_mark(_mark(world, channel, m), str(told.day))
    for m, days in mornings.items():
        # Days among them that nobody has closed: once they are, their bill is newer than this morning.
        world.store.set_mark(_mark(world, channel, m), str(days[-1]))
    return results, True


def _mark(world: ports.World, channel: ids.ChannelName, morning: int) -> str:
    return f"{_AGAIN}{world.eyes.shop}/{channel}/{morning}"


def follow(world: ports.World, books: accounts.Books, stopped: Callable[[], bool] = lambda: False) -> list[ids.OrderKey]:
    """Work on every order of which the books differ; what agrees after that is over. The orders that were looked at."""
    orders: dict[ids.OrderKey, None] = {}
    for channel in sorted(books.sources):
        if books.ledger.halted(world.eyes.shop, channel) is None:
            orders.update(dict.fromkeys(f.found.order for f in _broken(world, books, channel)))
    for order in orders:
        if stopped():
            break
        sweep.work(world, order.number)
        differences.settle(world, books, order)
    return list(orders)


def _closings(world: ports.World, books: accounts.Books, channel: ids.ChannelName, first: int) -> Sequence[accounts.Closing] | None:
    """A channel's closed days; None, and a person is woken, where a record of one was altered: nobody knows then what is closed."""
    try:
        return books.ledger.closings(world.eyes.shop, channel, first)
    except accounts.Altered as altered:
        differences.halt(world, books, channel, altered)
        return None


def _broken(world: ports.World, books: accounts.Books, channel: ids.ChannelName) -> list[difference.Followed]:
    """What is to be followed at a channel; nothing, and a person is woken, where a record of it was altered."""
    try:
        return [f for f in books.ledger.unsettled(world.eyes.shop, channel) if f.what() not in bill.SETTLED]
    except accounts.Altered as altered:
        differences.halt(world, books, channel, altered)
        return []
