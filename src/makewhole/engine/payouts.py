"""Closed days and the bank's statements go in; which payouts agree with the bills comes out, and somebody is asked about the rest.

A bank's line moves nothing: it says whether the money arrived that both books already agree on. So nothing is repaired by it.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from makewhole import ports
from makewhole.books import payouts
from makewhole.core import ids, money
from makewhole.engine import differences
from makewhole.flow import record
from makewhole.model import bank, bill, fact, policy
from makewhole.ports import accounts

BACK_DAYS = 35
"""Days back that payouts are reckoned from: a month's statement and the days that a payout may take."""
BOOK = ids.ChannelName("bank")
"""Under this name a person is asked about a statement that is of no channel."""
log = structlog.get_logger()


def take(world: ports.World, books: accounts.Books, told: bank.Statement) -> bool:
    """Keep a statement; False where this very file is kept already."""
    shop, now = world.eyes.shop, world.clock.now()
    return books.ledger.keep_statement(shop, told, now, record.statement_kept(shop, told, now))


def of_channel(world: ports.World, books: accounts.Books, channel: ids.ChannelName) -> Sequence[bank.Payout]:
    """Of the last days that are closed, the oldest first; none of a channel that no line names. Raises Altered."""
    shop, now = world.eyes.shop, world.clock.now()
    first = bill.day_of(now) - BACK_DAYS
    told = books.ledger.statements(shop, first)
    lines = {line.id: line for one in told for line in one.lines if line.channel == channel}
    if not lines:
        return ()
    covered = frozenset(day for one in told for day in range(one.first, one.last + 1))
    waits = world.policies.at(now).span(policy.RuleName.PAYOUT_WAIT)
    return payouts.payouts(_due(books, shop, channel, first), tuple(lines.values()), covered, waits_days=waits.days)


def keep(world: ports.World, books: accounts.Books) -> frozenset[int]:
    """Take what lies in the drawer and is not known, and ask a person about every payout that is wrong: once each.

    The days of which something new was heard.
    """
    drawer = books.bank
    new = [] if drawer is None else [told for name in drawer.names() for told in [_take(world, books, drawer, name)] if told is not None]
    tell(world, books)
    lines = {line.id for told in new for line in told.lines}
    heard = [p for channel in books.sources if lines for p in _known(world, books, channel) if any(line.id in lines for line in p.lines)]
    return frozenset(day for one in heard for day in one.days)


def tell(world: ports.World, books: accounts.Books) -> list[bank.Payout]:
    """Ask a person about each payout that is wrong, once. Those that are."""
    wrong: list[bank.Payout] = []
    for channel in sorted(books.sources):
        found = [p for p in _known(world, books, channel) if p.state in bank.WRONG]
        for one in found:
            settled, came = money.Money(fen=one.settled_fen), money.Money(fen=one.bank_fen)
            why = fact.fact(fact.Says.BANK_DIFFERS, bill.date_of(one.day()), settled, came)
            differences.ask_about(world, channel, f"bank/{bill.date_of(one.day())}", why)
        wrong += found
    return wrong


def _known(world: ports.World, books: accounts.Books, channel: ids.ChannelName) -> Sequence[bank.Payout]:
    """A channel's payouts; none, and a person is woken, where a record of them was altered."""
    try:
        return of_channel(world, books, channel)
    except accounts.Altered as altered:
        if altered.channel is None:
            differences.ask_about(world, BOOK, "altered", fact.fact(fact.Says.RECORD_ALTERED, altered.record))
        else:
            differences.halt(world, books, altered.channel, altered)
        return ()


def _take(world: ports.World, books: accounts.Books, drawer: accounts.Drawer, name: str) -> bank.Statement | None:
    digest = drawer.digest(name)
    if books.ledger.has_statement(world.eyes.shop, digest):
        return None
    try:
        told = drawer.read(name)
    except bill.Refused as refused:
        # The same file is the same question, however often it is looked at.
        shown = bank.private(name)
        why = fact.fact(fact.Says.STATEMENT_REFUSED, shown, refused.wrong.value, refused.why)
        differences.ask_about(world, BOOK, f"statement/{digest}", why)
        log.warning("statement refused", file=shown, wrong=refused.wrong.value, why=refused.why)
        return None
    take(world, books, told)
    log.info("statement kept", file=told.name, lines=len(told.lines), others=told.others)
    return told


def _due(books: accounts.Books, shop: ids.ShopName, channel: ids.ChannelName, first: int) -> list[bank.Due]:
    """What each closed day settles in yuan; only the last ones between which none is missing."""
    found: list[bank.Due] = []
    for closing in books.ledger.closings(shop, channel, first):
        if closing.stage is not bill.Stage.BILL:
            continue
        if closing.settled is None or (found and closing.day != found[-1].day + 1):
            found = []
        if closing.settled is not None:
            own = [s for s in closing.settled if s.currency == money.CNY]
            found.append(
                bank.Due(
                    channel=channel,
                    day=closing.day,
                    gross_fen=sum(s.gross_fen for s in own),
                    fees_millifen=sum(s.fees_millifen for s in own),
                    fees_fen=sum(s.fees_fen for s in own),
                )
            )
    return found
