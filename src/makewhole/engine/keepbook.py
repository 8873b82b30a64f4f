"""A day goes in, our side's book of it comes out: the shop's rows and our own refunds, read in batches."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from makewhole import ports
from makewhole.books import fees, internal
from makewhole.core import clock, ids
from makewhole.model import act, bill, case, dossier, finding, run

BATCH = 500
"""Orders read at once: a handful of statements of the shop's."""
Merchants = Mapping[ids.ChannelName, str]
"""Our number at each channel whose book is kept."""


def book(world: ports.World, window: bill.Window, merchants: Merchants) -> Iterator[bill.Line]:
    """The day's lines at these channels, and those so near to it that the other side may have them in it. Numbered from 1."""
    rates = {} if world.books is None else world.books.rates
    since, until = span(window)
    mended = {c.order.number: c for c in world.store.cases() if c.order.shop == world.eyes.shop}
    numbered = itertools.count(1)
    moved = _numbers(world, mended, since, until)
    while batch := list(itertools.islice(moved, BATCH)):
        for number, heard in world.eyes.read(batch).items():
            told = internal.lines(heard[0], world.eyes.payment_numbers(heard), merchants)
            if number in mended:
                told = with_ours(world, number, told, merchants)
            for line in told:
                # An order is read whole: a refund of today brings a payment of last week.
                if since <= line.at < until:
                    yield fees.charged(bill.placed(line, next(numbered)), rates.get(line.channel))


def of_heard(world: ports.World, number: ids.OrderNumber, heard: ports.Heard, merchants: Merchants) -> tuple[bill.Line, ...]:
    """Our lines of one order, from what the shop's rows say of it; without any fee."""
    return with_ours(world, number, internal.lines(heard[0], world.eyes.payment_numbers(heard), merchants), merchants)


def span(window: bill.Window) -> tuple[datetime, datetime]:
    """The day and what is near to it; the end is not in it."""
    begins = datetime.combine(bill.date_of(window.day), datetime.min.time(), clock.BEIJING)
    margin = timedelta(seconds=window.margin_s)
    return begins - margin, begins + timedelta(days=1) + margin


def with_ours(world: ports.World, number: ids.OrderNumber, told: tuple[bill.Line, ...], merchants: Merchants) -> tuple[bill.Line, ...]:
    """An order's lines with the refunds that our runs sent, and the payments that these gave back."""
    key = ids.OrderKey(shop=world.eyes.shop, number=number)
    runs = world.store.runs_of(key)
    if not runs:
        return told
    found = [c.finding for c in world.store.cases(key)]
    of = next((line.order for line in told), None)
    return internal.with_sent(told, [s for r in runs for s in _sent(r, found)], merchants, of)


def of_dossier(world: ports.World, told: dossier.Dossier, merchants: Merchants) -> tuple[bill.Line, ...]:
    """Our lines of one order, from what was heard of it just now."""
    lines = internal.lines(told.claims, world.eyes.payment_numbers((told.claims, ())), merchants)
    rates = {} if world.books is None else world.books.rates
    return tuple(fees.charged(line, rates.get(line.channel)) for line in with_ours(world, told.order.number, lines, merchants))


def _sent(going: run.Run, found: list[finding.Finding]) -> Iterator[internal.Sent]:
    since = next((f.since for f in found if going.plan.follows(f) and f.since is not None), going.begun_at)
    for step, mark in zip(going.steps, going.marks, strict=True):
        if mark is run.Mark.DONE and isinstance(step.act, act.RefundPayment):
            yield internal.Sent(act=step.act, at=going.begun_at, came_at=since)


def _numbers(
    world: ports.World, mended: Mapping[ids.OrderNumber, case.Case], since: datetime, until: datetime
) -> Iterator[ids.OrderNumber]:
    """Orders whose rows moved, then those that we worked on then: what we gave back moves no row of theirs, or has no rows at all."""
    ours = {n for n, c in mended.items() if c.opened_at < until and (c.ended_at is None or c.ended_at >= since)}
    for number in world.eyes.moved(since, until):
        ours.discard(number)
        yield number
    yield from sorted(ours)
