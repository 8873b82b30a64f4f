"""What a person decides in a rehearsal about an order: the difference that the books have of it, and the word about it, written down."""

from __future__ import annotations

from makewhole.core import ids
from makewhole.flow import record
from makewhole.model import bill, comparison, decision, difference
from makewhole.rehearsal import stage
from makewhole.sandbox.shop import schema


def second_line(on: stage.Stage, number: str, choice: decision.Choice) -> None:
    """The bill has a second line of the order's payment; finance decides what it is."""
    at = on.day.clock.now()
    told = comparison.Told(
        line=2, amount_fen=4200, fee_millifen=None, currency="CNY", standing=bill.Standing.PAID, at=at, day=bill.day_of(at)
    )
    _keep(on, number, bill.Break.DUPLICATE_THEIRS, choice, "a line of the channel's own test", theirs=told)


def paid_by_hand(on: stage.Stage, number: str, off_fen: int = 0) -> None:
    """The bill has nothing of a payment that the shop's row claims; finance decides that the channel is right.

    With `off_fen`, the row claimed that much less then: of what it claims now, nobody has decided.
    """
    at = schema.instant(on.day.row(number, "paid_at"))
    told = comparison.Told(
        line=1,
        amount_fen=on.day.due_fen(number) - off_fen,
        fee_millifen=None,
        currency="CNY",
        standing=bill.Standing.PAID,
        at=at,
        day=bill.day_of(at),
        payment=ids.OutTradeNo(number),
        order=ids.OrderNumber(number),
    )
    _keep(on, number, bill.Break.OURS_ONLY, decision.Choice.CHANNEL_IS_RIGHT, "the screenshot was edited", ours=told)


def _keep(
    on: stage.Stage,
    number: str,
    what: bill.Break,
    choice: decision.Choice,
    why: str,
    *,
    ours: comparison.Told | None = None,
    theirs: comparison.Told | None = None,
) -> None:
    at = on.day.clock.now()
    found = difference.Difference(
        id=ids.derive(what.value, number),
        order=ids.OrderKey(shop=on.world.eyes.shop, number=ids.OrderNumber(number)),
        channel=stage.CHANNEL,
        merchant="1900000001",
        kind=bill.Kind.PAYMENT,
        number=number,
        what=what,
        day=bill.day_of(at) if ours is None else ours.day,
        ours=ours,
        theirs=theirs,
        found_at=at,
        source="query",
    )
    on.store.ledger.keep([found], [record.difference_found(found)])
    move = difference.Decided(at=at, said=decision.Decision(choice=choice, by="finance", why=why, at=at))
    on.store.ledger.add(found.id, move, record.difference_moved(found.id, found.order, move))
