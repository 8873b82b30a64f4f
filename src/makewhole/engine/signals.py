"""Signals of a whole shop: what inbox, evidence log and closed books know is counted as it comes; what is not as usual is told once.

Counts stand in one mark of the store, with the places up to which inbox and log were read: whoever is killed counts on from there. What
questions are answered with stands in a mark of its own, which is written often: nothing else tells of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog

from makewhole import ports
from makewhole.core import batching, clock, codec, faults, ids
from makewhole.engine import payouts, relay
from makewhole.flow import guard, record, signals
from makewhole.model import act, bank, bill, case, order, payment
from makewhole.model.signal import Signal
from makewhole.ports import accounts

PAGE = 1_000
"""Callbacks, or entries of evidence, read at once."""
SETTLED = timedelta(minutes=1)
"""Callbacks are dated before they are committed: younger ones are counted next time."""
BATCH = 500
"""Orders read at once."""
OVERLAP = timedelta(minutes=5)
"""A row is dated before it is committed: the next look begins this much earlier."""
CODES_MAX = 200
"""Codes counted: channels document fewer; a stranger's invention must not fill the store."""
_MARK, _ANSWERED, _REFUNDS = "signals/", "answered-codes/", "refunds-elsewhere/"
log = structlog.get_logger()
Slots = dict[str, dict[int, int]]
"""How many, by name and slot of `flow.signals`."""
Stored = dict[str, dict[str, int]]
"""The same in canonical JSON, whose keys are texts."""
Refunds = dict[str, dict[str, list[str]]]
"""By Beijing day and buyer: numbers of refunds that we did not send."""


class Counted(msgspec.Struct, kw_only=True, frozen=True):
    """What was counted so far, and up to which callback and which entry."""

    at: datetime
    key: str
    seq: int
    rows_at: datetime
    """Up to when the shop's rows were asked for refunds."""
    callbacks: Stored
    """By channel."""
    codes: Stored
    refunds: Refunds
    told: dict[str, datetime]
    """Signals that were told, by id, and when they were last seen."""


def keep(world: ports.World) -> tuple[Signal, ...]:
    """Count on, tell in the evidence log what is new, and remember; all that is to be seen now. `serve` does so every minute."""
    keep_answers(world)
    now, mark = world.clock.now(), _MARK + world.eyes.shop
    stood = world.store.mark(mark)
    before = _known(stood, now)
    counted = _counted_on(world, before, now)
    begins = now.astimezone(clock.BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
    _refunds_written(world, counted.refunds, max(begins, before.rows_at - OVERLAP), now)
    counted = msgspec.structs.replace(counted, rows_at=now)
    seen = _judged(world, counted, now)
    fresh = [s for s in seen if s.id() not in counted.told]
    for one in fresh:
        # Whichever process sees it: one episode is one entry.
        world.store.append([record.signal_seen(world.eyes.shop, one)], once=f"signal/{world.eyes.shop}/{one.id()}")
        log.warning("not as usual", sign=one.sign.value, since=str(one.since), seen=one.seen, usual=one.usual, role=one.role.value)
    oldest = now - timedelta(days=signals.DAYS)
    told: dict[str, datetime] = {**counted.told, **{str(s.id()): now for s in seen}}
    after = msgspec.structs.replace(counted, told={k: at for k, at in told.items() if at > oldest})
    # Two processes of a shop count from the same places: the one that comes second with them has counted nothing new.
    if world.store.move_mark(mark, stood, codec.canonical(after).decode()):
        _hand_on(world, after.refunds)
    return seen


def keep_answers(world: ports.World) -> None:
    """Remember the codes that this process's questions were answered with. `serve` does so every second: a kill loses no more."""
    answered, moved = world.answers.take(), False
    if not answered:
        return
    try:
        mark = _ANSWERED + world.eyes.shop
        stood = world.store.mark(mark)
        codes = _slots(_answered(stood))
        for (code, slot), times in answered.items():
            if code in codes or len(codes) < CODES_MAX:
                slots = codes.setdefault(code, {})
                slots[slot] = slots.get(slot, 0) + times
        oldest = signals.slot(world.clock.now() - timedelta(days=signals.DAYS + 1))
        moved = world.store.move_mark(mark, stood, codec.canonical(_since(codes, oldest)).decode())
    finally:
        # Another process was faster, or the store is away: they come along the next time.
        for (code, slot), times in answered.items() if not moved else ():
            world.answers.add(code, slot, times)


def _hand_on(world: ports.World, refunds: Refunds) -> None:
    """To whoever guards the next refund to the same account."""
    for day, buyers in refunds.items():
        for buyer, numbers in buyers.items():
            world.store.set_mark(_REFUNDS + guard.refunds_bucket(world.eyes.shop, buyer, day), codec.canonical(numbers).decode())


def found(world: ports.World) -> tuple[Signal, ...]:
    """What is to be seen now, and nothing is written: for whoever asks."""
    now = world.clock.now()
    before = _known(world.store.mark(_MARK + world.eyes.shop), now)
    return _judged(world, _counted_on(world, before, now), now)


def refunds_elsewhere(store: ports.Store, bucket: str) -> tuple[str, ...]:
    """Refunds of this bucket (`guard.refunds_bucket`) that the shop sent by itself, as far as callbacks told us."""
    told = store.mark(_REFUNDS + bucket)
    return () if told is None else codec.decode(told, tuple[str, ...])


def _known(stood: str | None, now: datetime) -> Counted:
    if stood is not None:
        return codec.decode(stood, Counted)
    begins = now - timedelta(days=signals.DAYS)
    return Counted(at=begins, key="", seq=0, rows_at=begins, callbacks={}, codes={}, refunds={}, told={})


def _counted_on(world: ports.World, before: Counted, now: datetime) -> Counted:
    """With all that was told since: callbacks and evidence."""
    callbacks, codes = _slots(before.callbacks), _slots(before.codes)
    refunds = {day: {b: list(n) for b, n in buyers.items()} for day, buyers in before.refunds.items() if day >= guard.today(now)}
    at, key = before.at, before.key
    for kept in _notices(world, at, key, now - SETTLED):
        at, key = kept.received_at, kept.key
        _add(callbacks, str(kept.channel), signals.slot(at))
        if kept.refund is not None and guard.today(at) == guard.today(now):
            _refunds_told(world, refunds, kept, kept.refund)
    seq = before.seq
    for line in itertools.islice(world.store.entries(seq), PAGE * 10):
        seq, told = line.seq + 1, line.entry()
        code = _code(told)
        if code and (code in codes or len(codes) < CODES_MAX):
            _add(codes, code, signals.slot(told.at))
    oldest = signals.slot(now - timedelta(days=signals.DAYS + 1))
    return msgspec.structs.replace(
        before, at=at, key=key, seq=seq, callbacks=_since(callbacks, oldest), codes=_since(codes, oldest), refunds=refunds
    )


def _answered(stood: str | None) -> Stored:
    return {} if stood is None else codec.decode(stood, Stored)


def _codes(world: ports.World, counted: Counted) -> Slots:
    """What steps and questions were answered with, whoever asked."""
    codes = _slots(counted.codes)
    for code, slots in _slots(_answered(world.store.mark(_ANSWERED + world.eyes.shop))).items():
        known = codes.setdefault(code, {})
        for slot, times in slots.items():
            known[slot] = known.get(slot, 0) + times
    return codes


def _notices(world: ports.World, at: datetime, key: str, until: datetime) -> Iterator[ports.Kept]:
    """Genuine callbacks since the last count, the oldest first."""
    while found_now := world.store.notices_after(world.eyes.shop, at, key, PAGE):
        for kept in found_now:
            if kept.received_at > until:
                return
            if kept.check is payment.NoticeCheck.GENUINE:
                yield kept
        at, key = found_now[-1].received_at, found_now[-1].key


def _refunds_told(world: ports.World, refunds: Refunds, kept: ports.Kept, refund: payment.ChannelRefund) -> None:
    """A refund that a callback told of."""
    number = relay.owner(world, kept)
    try:
        claims, _ = world.eyes.read([number])[number]
    except (faults.Unavailable, faults.Rejected) as silent:
        log.warning("refund not counted", number=kept.number, why=silent.why)
        return
    _count_refunds(world, refunds, number, claims, [str(refund.number)], kept.received_at)


def _refunds_written(world: ports.World, refunds: Refunds, since: datetime, now: datetime) -> None:
    """Refunds that the shop's own rows tell of: many shops send them without asking for a callback."""
    for batch in batching.batches(world.eyes.moved(since, now), BATCH):
        for number, (claims, _) in world.eyes.read(batch).items():
            asked = [r for r in claims if isinstance(r, payment.ShopRefund) and r.state is not payment.RefundState.CLOSED]
            of_today = [r for r in asked if r.requested_at is not None and guard.today(r.requested_at) == guard.today(now)]
            _count_refunds(world, refunds, number, claims, [str(r.number) for r in of_today if r.number], now)


def _count_refunds(
    world: ports.World, refunds: Refunds, number: ids.OrderNumber, claims: Sequence[object], told: Sequence[str], at: datetime
) -> None:
    if not told:
        return
    runs = world.store.runs_of(ids.OrderKey(shop=world.eyes.shop, number=number))
    # Ours are counted where they are reserved.
    ours = {str(s.act.number) for r in runs for s in r.plan.steps if isinstance(s.act, act.RefundPayment)}
    buyer = next((c.buyer for c in claims if isinstance(c, order.ShopOrder)), None)
    if buyer:
        known = refunds.setdefault(guard.today(at), {}).setdefault(buyer, [])
        known += [n for n in told if n not in known and n not in ours]


def _judged(world: ports.World, counted: Counted, now: datetime) -> tuple[Signal, ...]:
    rules = world.policies.at(now)
    told: list[Signal | None] = []
    if world.relayed:
        told += [signals.callbacks_silent(channel, counts, rules, now) for channel, counts in sorted(_slots(counted.callbacks).items())]
    told += [signals.code_burst(code, counts, rules, now) for code, counts in sorted(_codes(world, counted).items())]
    for channel in ports.channel_names(world):
        told.append(signals.fee_drift(channel, _fees(world, channel, now), rules, now))
    told += _bank(world, now)
    for buyer, numbers in sorted(counted.refunds.get(guard.today(now), {}).items()):
        bucket = guard.refunds_bucket(world.eyes.shop, buyer, guard.today(now))
        ours = world.store.exposure([bucket]).get(bucket, (0, 0))[0]
        told.append(signals.refund_velocity(buyer, [*numbers, *(f"#{i + 1}" for i in range(ours))], rules, now))
    return tuple(s for s in told if s is not None)


def _fees(world: ports.World, channel: ids.ChannelName, now: datetime) -> list[signals.Fees]:
    """Of each day whose bill was compared, the oldest first."""
    if world.books is None:
        return []
    try:
        closed = world.books.ledger.closings(world.eyes.shop, channel, bill.day_of(now) - signals.DAYS - 1)
    except accounts.Altered as altered:
        # Whoever keeps the daily books wakes a person about it.
        log.warning("altered", record=altered.record)
        return []
    days = {}
    for closing in closed:
        paid = [s for s in closing.sums if s.side is bill.Side.THEIRS and s.kind is bill.Kind.PAYMENT and s.day == closing.day]
        fen = sum(s.fen for s in paid)
        if closing.stage is bill.Stage.BILL and fen > 0:
            begins = datetime.combine(bill.date_of(closing.day), datetime.min.time(), clock.BEIJING)
            days[closing.day] = signals.Fees(day=begins, paid_fen=fen, fees_millifen=sum(s.fees_millifen for s in paid))
    return [days[day] for day in sorted(days)]


def _bank(world: ports.World, now: datetime) -> Iterator[Signal | None]:
    """Payouts that are not what the bills settle."""
    if world.books is None:
        return
    for channel in sorted(world.books.sources):
        try:
            told = payouts.of_channel(world, world.books, channel)
        except accounts.Altered as altered:
            # Whoever keeps the daily books wakes a person about it.
            log.warning("altered", record=altered.record)
            return
        for one in told:
            if one.state in bank.WRONG:
                begins = datetime.combine(bill.date_of(one.day()), datetime.min.time(), clock.BEIJING)
                yield signals.bank_differs(channel, begins, one.settled_fen, one.bank_fen, now)


def _code(told: case.Entry) -> str:
    """The return code that a step was answered with; empty where it had none."""
    news: Any = told.body.get("news") if told.kind is case.EntryKind.STEP_OUTCOME else None
    return str(news.get("code") or "") if isinstance(news, Mapping) else ""


def _add(counts: Slots, name: str, slot: int) -> None:
    slots = counts.setdefault(name, {})
    slots[slot] = slots.get(slot, 0) + 1


def _slots(counts: Stored) -> Slots:
    return {name: {int(s): n for s, n in slots.items()} for name, slots in counts.items()}


def _since(counts: Slots, oldest: int) -> Stored:
    return {name: kept for name, slots in counts.items() if (kept := {str(s): n for s, n in slots.items() if s >= oldest})}
