"""A closed day goes in, its sheet comes out: what was found, and where each difference stands now.

Reads only; but a record that was altered halts its channel, whose sheet is then not to be had, and the others are.
"""

from __future__ import annotations

from collections.abc import Sequence

from makewhole import ports
from makewhole.core import ids
from makewhole.engine import differences, payouts
from makewhole.model import bill, case, daysheet, difference, finding
from makewhole.ports import accounts

_SHOWN = frozenset({bill.Break.ACROSS_CUT_OFF})
"""Kept in the ledger so that the next day knows of it, and no difference to anybody."""


def sheets(world: ports.World, books: accounts.Books, day: int, channels: Sequence[ids.ChannelName]) -> list[daysheet.DaySheet]:
    """The sheets of a day at these channels, where it was closed: against the bill, or else in the evening."""
    found = []
    for channel in channels:
        try:
            made = sheet(world, books, channel, day)
        except accounts.Altered as altered:
            differences.halt(world, books, channel, altered)
            continue
        if made is not None:
            found.append(made)
    return found


def sheet(world: ports.World, books: accounts.Books, channel: ids.ChannelName, day: int) -> daysheet.DaySheet | None:
    """One channel's; None where nobody has closed the day there. Raises Altered."""
    shop = world.eyes.shop
    closed = [c for c in books.ledger.closings(shop, channel, day) if c.day == day]
    last = next((c for c in closed if c.stage is bill.Stage.BILL), closed[0] if closed else None)
    if last is None:
        return None
    known = books.ledger.of_days(shop, channel, day, day)
    return daysheet.DaySheet(
        shop=shop,
        channel=channel,
        merchant=last.merchant,
        day=day,
        stage=last.stage,
        source=last.source,
        closed_at=last.at,
        printed_at=world.clock.now(),
        sums=tuple(s for s in last.sums if s.day == day),
        rows=tuple(row(world, f) for f in known if f.what() not in _SHOWN),
        settled=last.settled or (),
        payouts=tuple(p for p in payouts.of_channel(world, books, channel) if day in p.days),
    )


def row(world: ports.World, of: difference.Followed) -> daysheet.Row:
    """One difference as it stands now."""
    now = world.clock.now()
    followed_by = _case(world, of)
    said = next((m.said for m in reversed(of.moves) if isinstance(m, difference.Decided)), None)
    return daysheet.Row(of=of, state=daysheet.state(of, followed_by, now), case=followed_by, decided=said)


def _case(world: ports.World, of: difference.Followed) -> case.Case | None:
    """The case that is about this difference; else the newest one about its order's money."""
    known = world.store.cases(of.found.order)
    own = [c for c in known if c.finding.subject == (of.found.id,)]
    money = [c for c in known if finding.family(c.finding.ailment) is finding.Family.PAYMENT]
    relevant = own or money
    return relevant[-1] if relevant else None
