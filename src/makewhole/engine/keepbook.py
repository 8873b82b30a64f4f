"""A day goes in, our side's book of it comes out: the shop's rows and our own refunds, read in batches."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from makewhole import ports
from makewhole.books import internal
from makewhole.core import clock, ids
from makewhole.model import bill

BATCH = 500
"""Orders read at once: a handful of statements of the shop's."""


def book(world: ports.World, window: bill.Window, merchants: Mapping[ids.ChannelName, str]) -> Iterator[bill.Line]:
    """The day's lines at these channels, and those so near to it that the other side may have them in it. Numbered from 1."""
    begins = datetime.combine(bill.date_of(window.day), datetime.min.time(), clock.BEIJING)
    margin = timedelta(seconds=window.margin_s)
    since, until = begins - margin, begins + timedelta(days=1) + margin
    mended = {c.order.number for c in world.store.cases()}
    numbered = itertools.count(1)
    moved = world.eyes.moved(since, until)
    while batch := list(itertools.islice(moved, BATCH)):
        for number, heard in world.eyes.read(batch).items():
            told = internal.lines(heard[0], world.eyes.payment_numbers(heard), merchants)
            if number in mended:
                told = internal.with_runs(told, world.store.runs_of(ids.OrderKey(shop=world.eyes.shop, number=number)))
            for line in told:
                # An order is read whole: a refund of today brings a payment of last week.
                if since <= line.at < until:
                    yield bill.placed(line, next(numbered))
