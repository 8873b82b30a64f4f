"""What of the daily books is due now: days that nobody has closed, the evening's comparison, and orders of which the books still differ.

Level-triggered like the sweep: it is asked every minute, and says each time what is not done yet. A night that was missed is caught up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import time

import structlog

from makewhole import ports
from makewhole.core import clock, faults, ids
from makewhole.engine import closing, differences, sweep
from makewhole.model import bill, difference
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
AGAIN_AFTER_DAYS = 3
"""Days after which a closed day's bill is had once more: what a channel corrects, it has found within the first working days."""
_AGAIN = "bills-again/"
_LATER = frozenset({closing.Closing.ANOTHERS, closing.Closing.NOT_MADE, closing.Closing.HALTED})
"""What says nothing of a bill yet: asked again the next time."""
log = structlog.get_logger()


def due(world: ports.World, books: accounts.Books) -> Iterator[closing.Day]:
    """The days to close now, the oldest first at each channel; then today's evening."""
    now = world.clock.now().astimezone(clock.BEIJING)
    today = bill.day_of(now)
    for channel, source in sorted(books.sources.items()):
        settles = isinstance(source, accounts.AccountSource)
        last = today - 1 if now.time() >= (EVENING if settles else MORNING) else today - 2
        done = books.ledger.closings(world.eyes.shop, channel, today - CATCH_UP_DAYS)
        closed = {c.day for c in done if c.stage is bill.Stage.BILL}
        first = min(closed) if closed else last - FIRST_DAYS + 1
        for day in range(first, last + 1):
            if day not in closed:
                yield closing.Day(channel=channel, day=day, stage=bill.Stage.BILL)
        evening = any((c.day, c.stage) == (today, bill.Stage.EVENING) for c in done)
        if now.time() >= EVENING and not evening and not settles:
            yield closing.Day(channel=channel, day=today, stage=bill.Stage.EVENING)


def keep(world: ports.World, books: accounts.Books, stopped: Callable[[], bool] = lambda: False) -> list[closing.Result]:
    """Close what is due, and follow what was found. A channel that does not answer keeps no other one waiting."""
    results: list[closing.Result] = []
    for of in due(world, books):
        if stopped():
            return results
        try:
            results.append(closing.close(world, books, of))
        except (faults.Unavailable, faults.Rejected, faults.Indeterminate, faults.Credentials) as no:
            # Whoever does not know us any more (a marketplace's token ends every week) keeps the other channels' days not open either.
            log.warning("day not closed", channel=of.channel, day=str(bill.date_of(of.day)), why=no.why)
    results += _again(world, books, stopped)
    if any(r.state in closing.NEWS for r in results):
        follow(world, books, stopped)
    return results


def _again(world: ports.World, books: accounts.Books, stopped: Callable[[], bool]) -> list[closing.Result]:
    """Closed days whose bills are due to be had once more; those that a channel has corrected. Each day once, as the store remembers."""
    now = world.clock.now().astimezone(clock.BEIJING)
    last = bill.day_of(now) - AGAIN_AFTER_DAYS
    results: list[closing.Result] = []
    for channel in sorted(books.sources) if now.time() >= MORNING else ():
        name = f"{_AGAIN}{world.eyes.shop}/{channel}"
        seen = int(world.store.mark(name) or last - 1)
        done = books.ledger.closings(world.eyes.shop, channel, max(seen + 1, last - CATCH_UP_DAYS))
        for day in [c.day for c in done if c.stage is bill.Stage.BILL and c.day <= last]:
            if stopped():
                return results
            try:
                result = closing.again(world, books, closing.Day(channel=channel, day=day, stage=bill.Stage.BILL))
            except (faults.Unavailable, faults.Rejected, faults.Indeterminate, faults.Credentials) as no:
                log.warning("bill not had once more", channel=channel, day=str(bill.date_of(day)), why=no.why)
                break
            if result.state in _LATER:
                break
            world.store.set_mark(name, str(day))
            if result.state is not closing.Closing.WAS_CLOSED:
                results.append(result)
    return results


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


def _broken(world: ports.World, books: accounts.Books, channel: ids.ChannelName) -> list[difference.Followed]:
    """What is to be followed at a channel; nothing, and a person is woken, where a record of it was altered."""
    try:
        return [f for f in books.ledger.unsettled(world.eyes.shop, channel) if f.what() not in bill.SETTLED]
    except accounts.Altered as altered:
        differences.halt(world, books, channel, altered)
        return []
