"""A day at one channel goes in and is closed, once: our book beside the channel's bill, or in the evening beside what it answers.

Nothing of what is found is acted on here: it is written down, and the orders that it belongs to are looked at like any others.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from makewhole import ports
from makewhole.books import asked, correction, outcome
from makewhole.core import batching, faults, ids
from makewhole.engine import differences, gather, keepbook, settling
from makewhole.flow import record
from makewhole.model import bill, claim, comparison, difference, fact, fetched, policy
from makewhole.ports import accounts

TURN = timedelta(minutes=30)
"""How long closing a day may take before another process takes it over: ten million lines a side take ten minutes on two cores."""
log = structlog.get_logger()


class Closing(enum.Enum):
    """How far a day is."""

    CLOSED = "closed"
    """Now, by this call."""
    WAS_CLOSED = "was-closed"
    CORRECTED = "corrected"
    """Anew, by this call: the channel had corrected its bill since."""
    ANOTHERS = "anothers"
    """Another process is about to close it."""
    NOT_MADE = "not-made"
    """The channel has not made its bill yet."""
    REFUSED = "refused"
    """The bill is wrong: nothing was compared, a person is asked."""
    HALTED = "halted"
    """A record of ours was altered: nothing is settled at this channel until a person has looked."""
    SILENT = "silent"
    """Shop or channel did not answer, or did not let us in: tried again."""


SILENCES = (faults.Unavailable, faults.Rejected, faults.Indeterminate, faults.Credentials)
"""What leaves one channel's day open, and no other one's: a marketplace's token ends every week."""
NEWS = frozenset({Closing.CLOSED, Closing.CORRECTED})
"""Something was compared."""


@dataclass(frozen=True, kw_only=True)
class Day:
    """Which day at which channel, against what."""

    channel: ids.ChannelName
    day: int
    stage: bill.Stage


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of it. `why`: the reason of a refusal, or the record that was altered."""

    of: Day
    state: Closing
    compared: comparison.Comparison | None = None
    found: tuple[difference.Difference, ...] = ()
    why: str = ""


def stage_of(books: accounts.Books, channel: ids.ChannelName, day: int, today: int) -> bill.Stage:
    """Against what a day is compared now. A marketplace is not asked order by order: its day is its account's lines."""
    asks = not isinstance(books.sources[channel], accounts.AccountSource)
    return bill.Stage.EVENING if day == today and asks else bill.Stage.BILL


def close(world: ports.World, books: accounts.Books, of: Day) -> Result:
    """Close the day, if nobody has. Raises Unavailable where shop or channel do not answer: then it is tried again."""
    return _unless_altered(world, books, of, _close)


def again(world: ports.World, books: accounts.Books, of: Day) -> Result:
    """Have the bill of a closed day once more, and close the day anew if the channel has corrected it. Raises as `close` does."""
    return _unless_altered(world, books, of, _again)


def _unless_altered(
    world: ports.World, books: accounts.Books, of: Day, work: Callable[[ports.World, accounts.Books, Day], Result]
) -> Result:
    try:
        return work(world, books, of)
    except accounts.Altered as altered:
        differences.halt(world, books, of.channel, altered)
        return Result(of=of, state=Closing.HALTED, why=altered.record)


def _again(world: ports.World, books: accounts.Books, of: Day) -> Result:
    shop, ledger, source = world.eyes.shop, books.ledger, books.sources[of.channel]
    record_ = ledger.halted(shop, of.channel)
    if record_ is not None:
        return Result(of=of, state=Closing.HALTED, why=record_)
    before = next((c for c in ledger.closings(shop, of.channel, of.day) if (c.day, c.stage) == (of.day, bill.Stage.BILL)), None)
    if before is None:
        return _close(world, books, of)
    day = bill.date_of(of.day)
    # Kept and not closed by: whoever was to close the day anew did not come to its end.
    kept = ledger.find_bill(shop, of.channel, source.merchant, day)
    had = source.fetch_bill(day)
    if isinstance(had, fetched.NotMade):
        return Result(of=of, state=Closing.NOT_MADE, why=had.why)
    if isinstance(had, fetched.NoBill) and isinstance(kept, fetched.RawBill):
        differences.ask_about(world, of.channel, f"withdrawn/{day}", fact.fact(fact.Says.BILL_WITHDRAWN, day))
        return Result(of=of, state=Closing.WAS_CLOSED)
    try:
        if kept is not None and before.source == _name(kept) and _same(books, kept, had):
            return Result(of=of, state=Closing.WAS_CLOSED)
        turn = accounts.Turn(owner=world.owner, now=world.clock.now(), span=TURN)
        if not ledger.begin(shop, of.channel, of.day, of.stage, turn, before.version + 1):
            return Result(of=of, state=Closing.ANOTHERS)
        return _compared(world, books, of, had, before)
    except bill.Refused as refused:
        return _refused(world, of, refused)


def _same(books: accounts.Books, kept: fetched.Had, had: fetched.Had) -> bool:
    """Whether the channel says what it said before. A marketplace's pages differ in more than their lines."""
    if not isinstance(kept, fetched.RawBill) or not isinstance(had, fetched.RawBill):
        return kept == had
    source = books.sources[had.channel]
    if isinstance(source, accounts.AccountSource):
        return source.lines(kept) == source.lines(had)
    return books.accountant.same(kept, had)


def _name(source: fetched.Had) -> str:
    """By which a closing says against what."""
    return source.digest() if isinstance(source, fetched.RawBill) else "no-bill"


def _refused(world: ports.World, of: Day, refused: bill.Refused) -> Result:
    why = fact.fact(fact.Says.BILL_REFUSED, bill.date_of(of.day), refused.wrong.value, refused.why)
    differences.ask_about(world, of.channel, f"bill/{bill.date_of(of.day)}", why)
    return Result(of=of, state=Closing.REFUSED, why=f"{refused.wrong.value}: {refused.why}")


def _close(world: ports.World, books: accounts.Books, of: Day) -> Result:
    shop, ledger = world.eyes.shop, books.ledger
    record_ = ledger.halted(shop, of.channel)
    if record_ is not None:
        return Result(of=of, state=Closing.HALTED, why=record_)
    done = ledger.closings(shop, of.channel, of.day)
    if any((c.day, c.stage) == (of.day, of.stage) for c in done):
        return Result(of=of, state=Closing.WAS_CLOSED)
    now = world.clock.now()
    source: fetched.Had | None = None
    if of.stage is bill.Stage.BILL:
        told = _bill(world, books, of)
        if isinstance(told, fetched.NotMade):
            return Result(of=of, state=Closing.NOT_MADE, why=told.why)
        source = told
    if not ledger.begin(shop, of.channel, of.day, of.stage, accounts.Turn(owner=world.owner, now=now, span=TURN)):
        return Result(of=of, state=Closing.ANOTHERS)
    try:
        return _compared(world, books, of, source)
    except bill.Refused as refused:
        return _refused(world, of, refused)


def _bill(world: ports.World, books: accounts.Books, of: Day) -> fetched.Fetched:
    """As we kept it; else as the channel gives it now. It is kept once it was believed: one that is refused may be had better."""
    source, day = books.sources[of.channel], bill.date_of(of.day)
    kept = books.ledger.find_bill(world.eyes.shop, of.channel, source.merchant, day)
    return source.fetch_bill(day) if kept is None else kept


def _compared(
    world: ports.World, books: accounts.Books, of: Day, source: fetched.Had | None, before: accounts.Closing | None = None
) -> Result:
    """`before`: as the day was closed by the bill that the channel has corrected."""
    shop, ledger, now = world.eyes.shop, books.ledger, world.clock.now()
    rules = world.policies.at(now)
    waits = rules.span(policy.RuleName.CUT_OFF_WAIT).days
    if before is not None:
        # The books of the next days were seen meanwhile.
        waits = max(0, waits - (bill.day_of(now) - 1 - of.day))
    window = bill.Window(day=of.day, waits_days=waits)
    merchants = {of.channel: books.sources[of.channel].merchant}
    # What a callback told of decided about orders of this day.
    ledger.check_notices(shop, of.channel, *keepbook.span(window))
    known = ledger.of_days(shop, of.channel, of.day - window.waits_days - 1, of.day + 1)
    if source is None:
        name = "query"
        ours, theirs = _evening(world, window, merchants, rules)
        compared = books.accountant.compare(ours, theirs, window, owner=world.eyes.owner)
    else:
        name = _name(source)
        market = books.sources[of.channel]
        if isinstance(market, accounts.AccountSource):
            compared = settling.compared(world, books, market, source, window)
        else:
            compared = books.accountant.compare(
                _ours(world, window, merchants, known),
                source if isinstance(source, fetched.RawBill) else (),
                window,
                carried=outcome.carried(known, bill.Side.THEIRS, of.day),
                owner=world.eyes.owner,
            )
        ledger.keep_bill(shop, source, now, record.bill_kept(shop, source, name, now), anew=before is not None)
    said = (outcome.outcome if before is None else correction.corrected)(
        compared, window, known, shop=shop, order_of=lambda p: differences.order_of(world, p), source=name, now=now
    )
    # The evening knows half of the day: what stands alone then may be on its way, and the bill will tell.
    found = [d for d in said.found if of.stage is bill.Stage.BILL or d.what in differences.TOLD_BY_QUERY]
    new = ledger.keep(found, [record.difference_found(d) for d in found])
    noted = {d.id for d in found} | {f.found.id for f in known}
    for key, move in said.moves:
        if key in noted and of.stage is bill.Stage.BILL:
            differences.add(books, key, move)
    closing = accounts.Closing(
        shop=shop,
        channel=of.channel,
        merchant=merchants[of.channel],
        day=of.day,
        stage=of.stage,
        source=name,
        at=now,
        sums=compared.sums,
        settled=compared.settled if of.stage is bill.Stage.BILL else None,
        version=0 if before is None else before.version + 1,
    )
    was = None if before is None else before.source
    ledger.close(closing, world.owner, record.day_closed(shop, of.channel, of.day, of.stage, name, len(new), now, was))
    state = Closing.CLOSED if before is None else Closing.CORRECTED
    told = {"channel": of.channel, "day": str(bill.date_of(of.day)), "against": of.stage.value, "differences": len(new)}
    log.info("day closed", **told, again=before is not None)
    return Result(of=of, state=state, compared=compared, found=tuple(new))


def _ours(
    world: ports.World, window: bill.Window, merchants: keepbook.Merchants, known: Sequence[difference.Followed]
) -> Iterator[bill.Line]:
    """Our book, without what has its partner in a neighbouring day's bill, and with what waits from earlier days."""
    gone, read = outcome.taken(known), set()
    for line in keepbook.book(world, window, merchants):
        read.add((line.kind, line.number))
        if line.number is None or (line.channel, line.kind, line.number, line.day) not in gone:
            yield line
    yield from (line for line in outcome.carried(known, bill.Side.OURS, window.day) if (line.kind, line.number) not in read)


def _evening(
    world: ports.World, window: bill.Window, merchants: keepbook.Merchants, rules: policy.Policy
) -> tuple[list[bill.Line], list[bill.Line]]:
    """The day so far on both sides, order by order. What a source was silent about is left out on both: the bill will tell."""
    since, until = keepbook.span(window)
    settled_by = world.clock.now() - rules.span(policy.RuleName.CALLBACK_GRACE)
    ours: list[bill.Line] = []
    theirs: list[bill.Line] = []
    for batch in batching.batches(world.eyes.moved(since, until), keepbook.BATCH):
        for told in gather.gather(world, batch):
            if any(s.why in claim.UNHEARD for s in told.silences):
                continue
            ours += keepbook.of_dossier(world, told, merchants)
            theirs += asked.lines(told, merchants, settled_by=settled_by)
    near = [[line for line in side if since <= line.at < until] for side in (ours, theirs)]
    placed = [[bill.placed(line, place) for place, line in enumerate(side, start=1)] for side in near]
    return placed[0], placed[1]
