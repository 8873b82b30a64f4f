"""A marketplace's account lines of a day go in, what our book says of the same orders is held against them.

It settles an order days after it was paid: not the day decides which of our lines are meant, but the orders that the account names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from makewhole import ports
from makewhole.books import fees, outcome, settlement
from makewhole.core import batching, ids
from makewhole.engine import keepbook
from makewhole.model import bill, comparison, difference, dossier, fetched
from makewhole.ports import accounts


def compared(
    world: ports.World, books: accounts.Books, market: accounts.AccountSource, source: fetched.Had, window: bill.Window
) -> comparison.Comparison:
    """Every line of the account in exactly one class. Raises `bill.Refused` before the shop is asked for anything."""
    theirs = market.lines(source) if isinstance(source, fetched.RawBill) else ()
    ours = _ours(world, books, theirs)
    # Nothing here waits for a neighbouring day's book: our line stands on the account's day.
    return books.accountant.compare(ours, theirs, msgspec.structs.replace(window, margin_s=0), owner=world.eyes.owner)


def of_dossier(
    world: ports.World, books: accounts.Books, told: dossier.Dossier, known: Sequence[difference.Followed]
) -> tuple[bill.Line, ...]:
    """Our lines of an order as they stand now beside what a marketplace's account was found to say of it."""
    named = [
        outcome.line_of(f.found, f.found.theirs, place)
        for place, f in enumerate(known, start=1)
        if f.found.theirs is not None and isinstance(books.sources.get(f.found.channel), accounts.AccountSource)
    ]
    if not named:
        return ()
    numbers = world.eyes.payment_numbers((told.claims, ()))
    lines = keepbook.of_dossier(world, told, _everywhere(numbers))
    return tuple(_charged(books, line) for line in settlement.beside(lines, named))


def _ours(world: ports.World, books: accounts.Books, theirs: Sequence[bill.Line]) -> list[bill.Line]:
    by_order: dict[ids.OrderNumber, list[bill.Line]] = defaultdict(list)
    owners: dict[ids.OutTradeNo, ids.OrderNumber | None] = {}
    for line in theirs:
        if line.payment is None:
            continue
        if line.payment not in owners:
            owners[line.payment] = world.eyes.owner(line.payment)
        owner = owners[line.payment]
        if owner is not None:
            by_order[owner].append(line)
    found: list[bill.Line] = []
    for batch in batching.batches(by_order, keepbook.BATCH):
        for number, heard in world.eyes.read(batch).items():
            numbers = world.eyes.payment_numbers(heard)
            lines = keepbook.of_heard(world, number, heard, _everywhere(numbers))
            found += (_charged(books, line) for line in settlement.beside(lines, by_order[number]))
    return [bill.placed(line, place) for place, line in enumerate(found, start=1)]


def _everywhere(numbers: Sequence[tuple[ids.ChannelName, ids.OutTradeNo]]) -> Mapping[ids.ChannelName, str]:
    """Every channel: whichever took the buyer's money, the marketplace settles the order."""
    return {channel: "" for channel, _ in numbers}


def _charged(books: accounts.Books, line: bill.Line) -> bill.Line:
    return fees.charged(line, books.rates.get(line.channel))
