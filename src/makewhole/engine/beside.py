"""What the daily books say beside an order's other sources: which of its differences still stand, on what was just heard of it."""

from __future__ import annotations

import structlog

from makewhole import ports
from makewhole.books import standing
from makewhole.core import ids
from makewhole.engine import keepbook, settling
from makewhole.model import bill, difference, dossier, finding, order, payment, rowchange
from makewhole.ports import accounts

log = structlog.get_logger()


def open_(books: accounts.Books, order: ids.OrderKey) -> list[difference.Followed]:
    """Differences of an order that are broken and not over. What waits for its partner is not broken.

    None where a record of them was altered: whoever keeps the daily books stops there and wakes a person, the order has other sources.
    """
    try:
        return [f for f in books.ledger.of_order(order) if f.what() not in bill.SETTLED]
    except accounts.Altered as altered:
        log.warning("altered", record=altered.record)
        return []


def orders(world: ports.World) -> frozenset[ids.OrderNumber]:
    """Orders of which the books may have something to say."""
    books = world.books
    if books is None:
        return frozenset()
    return frozenset().union(*(books.ledger.orders(world.eyes.shop, channel) for channel in books.sources))


def unsettled(world: ports.World, books: accounts.Books, channel: ids.ChannelName) -> list[difference.Followed]:
    """All of a channel that are broken and not over; none where a record of them was altered."""
    try:
        return [f for f in books.ledger.unsettled(world.eyes.shop, channel) if f.what() not in bill.SETTLED]
    except accounts.Altered as altered:
        log.warning("altered", record=altered.record)
        return []


def rulings(world: ports.World, books: accounts.Books, told: dossier.Dossier) -> tuple[difference.Ruling, ...]:
    """What people have decided about the order's money. Asked only where it may matter: every channel has spoken and has none of it."""
    shop, attempts = told.shop(), told.of(payment.Attempt)
    if shop is None or not attempts or any(a.state not in payment.SETTLED_UNPAID for a in attempts):
        return ()
    if not shop.says_paid() and shop.state not in order.ENDED_UNPAID and not told.of(rowchange.RowChange):
        return ()
    try:
        known = books.ledger.decided(told.order)
    except accounts.Altered as altered:
        # What was altered decides nothing.
        log.warning("altered", record=altered.record)
        return ()
    if not known:
        return ()
    ours, now = keepbook.of_dossier(world, told, {n: s.merchant for n, s in books.sources.items()}), world.clock.now()
    found = ((f, f.decided(now)) for f in known)
    ailment = finding.Ailment.PAID_IN_SHOP_ONLY
    return tuple(
        difference.Ruling(
            source=f.found.channel, as_of=said.at, of=f.found, said_so=said, speaks=standing.speaks_of(f, ailment, ours, told.claims)
        )
        for f, said in found
        if said is not None and said.at <= now
    )


def refunds(books: accounts.Books, order: ids.OrderKey) -> list[ids.RefundNo]:
    """Numbers under which a bill, and nobody else, knows refunds of an order: now the channel can be asked about them."""
    known = open_(books, order)
    return [ids.RefundNo(f.found.number) for f in known if f.found.kind is bill.Kind.REFUND and f.found.number is not None]


def still(world: ports.World, books: accounts.Books, told: dossier.Dossier) -> list[difference.Followed]:
    """Those that still stand, on what was just heard of the order."""
    known = open_(books, told.order)
    if not known:
        return []
    ours = keepbook.of_dossier(world, told, {n: s.merchant for n, s in books.sources.items()})
    ours += settling.of_dossier(world, books, told, known)
    return [f for f in known if standing.stands(f, ours, told.claims)]


def claims(world: ports.World, books: accounts.Books, told: dossier.Dossier) -> tuple[difference.Differs, ...]:
    """What the books say of an order: each difference that still stands, with what was decided about it."""
    now = world.clock.now()
    return tuple(
        difference.Differs(source=f.found.channel, as_of=f.found.found_at, of=f.found, what=f.what(), said_so=f.decided(now))
        for f in still(world, books, told)
    )
