"""Gather: order keys go in, dossiers come out. Asks every source that could speak, and notes who was silent and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent import futures

import structlog

from makewhole import ports
from makewhole.core import faults, ids
from makewhole.engine import beside
from makewhole.flow import observe, signals
from makewhole.model import claim, dossier, order, payment
from makewhole.ports import accounts

NOBODYS_NUMBER = ids.OutTradeNo("MWDOCTOR00000000000000000000NONE")
"""An out_trade_no that no shop will ever use: the right answer to it is that there is no such payment."""
log = structlog.get_logger()
_Numbers = list[tuple[ids.ChannelName, ids.OutTradeNo]]


def gather(world: ports.World, numbers: Sequence[ids.OrderNumber], pool: futures.Executor | None = None) -> Iterator[dossier.Dossier]:
    """A dossier for each order, in the order asked; with a pool, channels are waited for in parallel.

    A number that the shop does not know may be a payment's.
    """
    heard = _shop(world, numbers)
    _catch_up(world, numbers)
    differing = beside.orders(world)

    def one_of(number: ids.OrderNumber) -> dossier.Dossier:
        key = ids.OrderKey(shop=world.eyes.shop, number=number)
        if world.books is None:
            return observe.observe(key, *_order(world, key, heard[number]))
        differs = number in differing
        told = observe.observe(key, *_order(world, key, heard[number], beside.refunds(world.books, key) if differs else ()))
        return _with_books(world, world.books, told, differs=differs)

    yield from map(one_of, numbers) if pool is None else pool.map(one_of, numbers)


def _with_books(world: ports.World, books: accounts.Books, told: dossier.Dossier, *, differs: bool) -> dossier.Dossier:
    """And what the daily books say of it: last, as whether they still differ is asked of what all others said."""
    more: tuple[dossier.AnyClaim, ...] = (*(beside.claims(world, books, told) if differs else ()), *beside.rulings(world, books, told))
    return dossier.Dossier(order=told.order, claims=(*told.claims, *more), silences=told.silences) if more else told


def one(world: ports.World, number: ids.OrderNumber) -> dossier.Dossier:
    """The dossier of one order."""
    return next(gather(world, [number]))


def _catch_up(world: ports.World, numbers: Sequence[ids.OrderNumber]) -> None:
    """What stood may be gone: a bad change that was taken back shows in the log alone."""
    now = world.clock.now()
    if world.trail is not None and any(world.trail.of(n, now) for n in numbers):
        world.trail.catch_up(now)


def _shop(world: ports.World, numbers: Sequence[ids.OrderNumber]) -> dict[ids.OrderNumber, ports.Heard]:
    try:
        return dict(world.eyes.read(numbers))
    except faults.Unavailable as silent:
        why = claim.Why.UNREACHABLE
        return {n: ((), (_silence(claim.SHOP, claim.About.ORDER, n, why, silent.why),)) for n in numbers}


def _order(world: ports.World, key: ids.OrderKey, shop: ports.Heard, billed: Sequence[ids.RefundNo] = ()) -> ports.Heard:
    claims, silences = list(shop[0]), list(shop[1])
    linked = world.store.numbers_of(key)
    asked = _numbers(world, key, shop, linked)
    for channel, numbers in asked.items():
        _extend(claims, silences, _asked(world, world.channels[channel], numbers))
    attempts = [c for c in claims if isinstance(c, payment.Attempt)]
    silences = _drop_guesses(silences, attempts, asked, _written(shop, attempts, linked))
    _extend(claims, silences, _refunds(world, key, claims, billed))
    _extend(claims, silences, _notices(world, key, attempts))
    if not any(isinstance(c, order.ShopOrder) for c in claims):
        _extend(claims, silences, _orphan(world, key, attempts))
    silences += _unattached(world, key, claims)
    if world.trail is not None:
        claims += world.trail.of(key.number, world.clock.now())
    return tuple(claims), tuple(silences)


def _numbers(
    world: ports.World, key: ids.OrderKey, shop: ports.Heard, aliases: Sequence[ids.OutTradeNo]
) -> dict[ids.ChannelName, list[ids.OutTradeNo]]:
    """Which channel to ask for which attempts: by the shop's rule or rows, by linked aliases, or by the very number given."""
    known: _Numbers = list(world.eyes.payment_numbers(shop))
    for linked in aliases:
        known += [(channel, linked) for channel in world.channels]
    if not known and not any(isinstance(c, order.ShopOrder) for c in shop[0]):
        known = [(channel, ids.OutTradeNo(key.number)) for channel in world.channels]
    by_channel: dict[ids.ChannelName, list[ids.OutTradeNo]] = defaultdict(list)
    for channel, number in known:
        if channel in world.channels and number not in by_channel[channel]:
            by_channel[channel].append(number)
    return {c: by_channel[c] for c in sorted(by_channel) if by_channel[c]}


def _asked(world: ports.World, channel: ports.Channel, numbers: list[ids.OutTradeNo]) -> ports.Heard:
    try:
        heard = channel.ask(numbers)
    except faults.Credentials:
        # True of every order: the whole sweep would hear nothing else.
        raise
    except faults.Fault as silent:
        heard = (), tuple(_silence(channel.name, claim.About.PAYMENT, n, _why(silent), silent.why, silent.code) for n in numbers)
    _count(world, heard[1])
    return heard


def _count(world: ports.World, silences: Iterable[claim.Silence]) -> None:
    """The codes that a channel answered with, for whoever looks for bursts."""
    for quiet in silences:
        # That there is no such number is an answer, and no trouble of the channel's.
        if quiet.code and quiet.why is not claim.Why.NOT_FOUND:
            world.answers.add(quiet.code, signals.slot(world.clock.now()))


def _why(silent: faults.Fault) -> claim.Why:
    """What kind of silence a fault is. A Defect over one answer is our mistake: of this order we know nothing then, of others we do."""
    match silent:
        case faults.Rejected():
            return claim.Why.REFUSED
        case faults.Defect():
            log.error("defect", why=silent.why)
            return claim.Why.NOT_UNDERSTOOD
        case _:
            return claim.Why.UNREACHABLE


def _written(shop: ports.Heard, attempts: list[payment.Attempt], aliases: Sequence[ids.OutTradeNo]) -> frozenset[ids.OutTradeNo]:
    """Numbers that are no guesses: a channel that does not find one of them may be a lagging replica, and the money lie there.

    An alias that was decided on names money that was once heard of: some channel must know it. A number that the shop's own rows name is
    one as well, until the payment that the shop recorded was heard of.
    """
    unheard = frozenset(aliases) - {a.number for a in attempts}
    row = next((c for c in shop[0] if isinstance(c, order.ShopOrder)), None)
    if row is None or (row.transaction is not None and any(a.transaction == row.transaction for a in attempts)):
        return unheard
    return unheard | {t.number for t in row.tried}


def _drop_guesses(
    silences: list[claim.Silence],
    attempts: list[payment.Attempt],
    asked: dict[ids.ChannelName, list[ids.OutTradeNo]],
    written: frozenset[ids.OutTradeNo],
) -> list[claim.Silence]:
    """Only the likeliest number of a channel, and what the shop wrote down, must exist; "not found" for a mere guess says nothing."""
    spoke = {a.channel for a in attempts}
    first = {channel: numbers[0] for channel, numbers in asked.items()}

    def guess(s: claim.Silence) -> bool:
        if s.about is not claim.About.PAYMENT or s.why is not claim.Why.NOT_FOUND or s.number in written:
            return False
        return s.number != first.get(ids.ChannelName(s.source)) or bool(spoke)

    return [s for s in silences if not guess(s)]


def _refunds(world: ports.World, key: ids.OrderKey, claims: list[dossier.AnyClaim], billed: Sequence[ids.RefundNo]) -> ports.Heard:
    """Refunds under the shop's numbers, under ours and under those of bills, of payments that the channel says were turned into refunds."""
    rows = [c.number for c in claims if isinstance(c, payment.ShopRefund) and c.number is not None]
    rows += billed
    found: list[dossier.AnyClaim] = []
    silent: list[claim.Silence] = []
    for attempt in (c for c in claims if isinstance(c, payment.Attempt)):
        if attempt.state is not payment.AttemptState.REFUND or attempt.channel not in world.channels:
            continue
        ours = ids.refund_no(key.shop, ids.TransactionId(attempt.transaction or attempt.number))
        numbers = list(dict.fromkeys([*rows, ours]))
        try:
            told, quiet = world.channels[attempt.channel].ask_refunds([(n, attempt.number) for n in numbers])
        except faults.Credentials:
            raise
        except faults.Fault as down:
            quiet = (_silence(attempt.channel, claim.About.REFUND, attempt.number, _why(down), down.why, down.code),)
            told = ()
        _count(world, quiet)
        # A refund number may belong to another attempt of the same order, and ours is a guess.
        found += [r for r in told if isinstance(r, payment.ChannelRefund) and r.payment == attempt.number]
        silent += [s for s in quiet if s.why is not claim.Why.NOT_FOUND]
    return tuple(found), tuple(silent)


def _notices(world: ports.World, key: ids.OrderKey, attempts: list[payment.Attempt]) -> ports.Heard:
    heard: list[dossier.AnyClaim] = []
    silent: list[claim.Silence] = []
    for attempt in attempts:
        kept = world.store.notices(key.shop, attempt.number)
        heard += [notice(k) for k in kept]
        if not any(k.refund is None for k in kept):
            why = claim.Why.NOT_FOUND if world.relayed else claim.Why.NOT_CONFIGURED
            silent.append(_silence(claim.RELAY, claim.About.NOTICE, attempt.number, why))
    return tuple(heard), tuple(silent)


def notice(kept: ports.Kept) -> payment.Notice:
    """The claim that a kept callback makes."""
    return payment.Notice(
        source=claim.RELAY,
        as_of=kept.received_at,
        channel=kept.channel,
        number=kept.number,
        check=kept.check,
        received_at=kept.received_at,
        answer=kept.answer,
        answer_code=kept.answer_code,
        forwarded=kept.forwarded,
        refund=None if kept.refund is None else kept.refund.number,
    )


def _orphan(world: ports.World, key: ids.OrderKey, attempts: list[payment.Attempt]) -> ports.Heard:
    """Money that the shop knows no order for: was it linked since, and what could it belong to?"""
    claims: list[dossier.AnyClaim] = []
    for attempt in attempts:
        owner = world.store.linked(key.shop, attempt.number)
        if owner is not None:
            claims.append(payment.Link(source=claim.RELAY, as_of=world.clock.now(), number=attempt.number, order=owner))
        elif attempt.state in payment.TOOK_MONEY:
            claims += world.eyes.candidates(attempt)
    return tuple(claims), ()


def _unattached(world: ports.World, key: ids.OrderKey, claims: list[dossier.AnyClaim]) -> list[claim.Silence]:
    """The channel that the shop's row names, where nobody attached it; and no channel at all."""
    shop = next((c for c in claims if isinstance(c, order.ShopOrder)), None)
    named = () if shop is None or shop.channel is None else (shop.channel,)
    return [_silence(c, claim.About.PAYMENT, key.number, claim.Why.NOT_CONFIGURED) for c in named if c not in world.channels]


def _extend(claims: list[dossier.AnyClaim], silences: list[claim.Silence], heard: ports.Heard) -> None:
    claims.extend(heard[0])
    silences.extend(heard[1])


def _silence(source: str, about: claim.About, number: str, why: claim.Why, detail: str = "", code: str | None = None) -> claim.Silence:
    return claim.Silence(source=source, about=about, number=number, why=why, detail=detail, code=code or "")
