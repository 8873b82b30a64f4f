"""What happens on the trading days: mostly orders that are paid and recorded, and of each channel every day one of each way to break."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from makewhole.model.bill import Break, Kind
from makewhole.model.daysheet import DayState
from makewhole.sandbox.trading import MINUTE, START, Trading

Tale = Callable[[Trading, str], None]
"""Begins at this moment, at this channel."""
MENDED = (DayState.RESTORED, DayState.AGREED)
BACK = (DayState.REFUNDED,)
PERSON = (DayState.PERSON,)


def whole(world: Trading, channel: str) -> None:
    """Paid, called back, recorded."""
    sn = world.order(channel)
    now = world.clock.now()
    world.at(now + 2 * MINUTE, lambda: world.pays(channel, sn))
    world.at(now + 2 * MINUTE + timedelta(seconds=3), lambda: world.records(channel, sn))


def unpaid(world: Trading, channel: str) -> None:
    """The buyer leaves."""
    world.order(channel)


def given_back(world: Trading, channel: str) -> None:
    """Paid, and given back the same day, under one number on both sides."""
    sn = world.paid(channel)

    def later() -> None:
        world.refund_at_channel(channel, sn, f"RF{sn}")
        world.refund_row(sn, f"RF{sn}", world.due(sn))

    world.at(world.clock.now() + 30 * MINUTE, later)


def callback_lost(world: Trading, channel: str) -> None:
    """Paid, and the shop never hears of it."""
    sn = world.order(channel)
    world.at(world.clock.now() + 2 * MINUTE, lambda: world.pays(channel, sn))
    world.plant("callback-lost", channel, sn, [Break.STATUS], MENDED)


def closed_over_payment(world: Trading, channel: str) -> None:
    """Paid in time; the shop's job closes the order without asking."""
    sn = world.order(channel)
    now = world.clock.now()
    world.at(now + 28 * MINUTE, lambda: world.pays(channel, sn))
    world.at(now + 31 * MINUTE, lambda: world.shop.close(sn, "job"))
    world.plant("closed-over-payment", channel, sn, [Break.STATUS], (*MENDED, *BACK, *PERSON))


def paid_by_hand(world: Trading, channel: str) -> None:
    """An operator believes a buyer's screenshot."""
    sn = world.order(channel)
    world.at(world.clock.now() + 20 * MINUTE, lambda: world.records(channel, sn))
    world.plant("paid-by-hand", channel, sn, [Break.OURS_ONLY, Break.STATUS], PERSON)


def stray(world: Trading, channel: str) -> None:
    """Money under a number that the shop never wrote down."""
    number = f"TILL{channel[:1].upper()}{world.clock.now():%m%d%H%M%S}"
    world.stray(channel, number, 77_77)
    world.plant("stray", channel, number, [Break.THEIRS_ONLY], BACK)


def short(world: Trading, channel: str) -> None:
    """One yuan too little came, and the shop never compared."""
    sn = world.order(channel)
    now = world.clock.now()
    world.at(now + MINUTE, lambda: world.pays(channel, sn, world.due(sn) - 100))
    world.at(now + 2 * MINUTE, lambda: world.records(channel, sn))
    world.plant("short", channel, sn, [Break.AMOUNT], PERSON)


def refunded_at_channel(world: Trading, channel: str) -> None:
    """Somebody refunds on the channel's own page; the shop's rows say nothing of it."""
    sn = world.paid(channel)
    world.at(world.clock.now() + 40 * MINUTE, lambda: world.refund_at_channel(channel, sn, f"PAGE{sn}"))
    world.plant("refunded-at-channel", channel, f"PAGE{sn}", [Break.THEIRS_ONLY], (*MENDED, *PERSON), Kind.REFUND)


def refund_not_sent(world: Trading, channel: str) -> None:
    """Marked as done; nobody sent it."""
    sn = world.paid(channel)
    world.at(world.clock.now() + 40 * MINUTE, lambda: world.refund_row(sn, f"RF{sn}", world.due(sn)))
    world.plant("refund-not-sent", channel, f"RF{sn}", [Break.OURS_ONLY], BACK, Kind.REFUND)


def paid_twice(world: Trading, channel: str) -> None:
    """A second attempt stays open, and the buyer pays both."""
    sn = world.paid(channel)
    world.attempt(channel, sn, f"{sn}-2")
    world.at(world.clock.now() + 5 * MINUTE, lambda: world.pays(channel, f"{sn}-2"))
    world.plant("paid-twice", channel, f"{sn}-2", [Break.THEIRS_ONLY], BACK)


def overcharged(world: Trading, channel: str) -> None:
    """All is well but the fee: the channel takes half a yuan more than was agreed."""
    sn = world.paid(channel)
    world.bank(channel).transactions[sn].overcharged = 50
    world.plant("overcharged", channel, sn, [Break.FEE], PERSON)


def across_midnight(world: Trading, channel: str) -> None:
    """The channel's clock says today, the shop's tomorrow: no difference at all."""
    sn = world.order(channel)
    world.pays(channel, sn)
    tomorrow = (world.clock.now() + timedelta(hours=1)).replace(hour=0, minute=0, second=5)
    world.at(tomorrow, lambda: world.records(channel, sn, at=tomorrow))


TALES: Mapping[str, Tale] = {
    "callback-lost": callback_lost,
    "closed-over-payment": closed_over_payment,
    "paid-by-hand": paid_by_hand,
    "stray": stray,
    "short": short,
    "refunded-at-channel": refunded_at_channel,
    "refund-not-sent": refund_not_sent,
    "paid-twice": paid_twice,
    "overcharged": overcharged,
}
HEALTHY: tuple[Tale, ...] = (whole, whole, whole, whole, whole, whole, unpaid, given_back)


def fill(world: Trading, *, days: int, orders: int) -> None:
    """Put the days on the agenda: `orders` a day over all channels, and one of each tale at each channel every day."""
    for day in range(days):
        begins = START + timedelta(days=day)
        for channel in world.gates:
            for tale in TALES.values():
                _begin(world, begins, channel, tale, until=22 * 60)
            # After ten at night nothing else happens: the last minute belongs to midnight.
            world.at(begins + timedelta(hours=23, minutes=59, seconds=50), _tell(world, across_midnight, channel))
        for _ in range(max(0, orders - len(world.gates) * (len(TALES) + 1))):
            _begin(world, begins, world.chance.choice(list(world.gates)), world.chance.choice(HEALTHY), until=22 * 60)


def _begin(world: Trading, begins: datetime, channel: str, tale: Tale, *, until: int) -> None:
    world.at(begins + timedelta(seconds=world.chance.randrange(60 * 60, until * 60)), _tell(world, tale, channel))


def _tell(world: Trading, tale: Tale, channel: str) -> Callable[[], None]:
    return lambda: tale(world, channel)
