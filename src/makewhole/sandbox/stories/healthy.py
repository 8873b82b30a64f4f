"""Stories that end well, many of them close to where an alarm would be false."""

from __future__ import annotations

from makewhole.sandbox import day
from makewhole.sandbox.channel import truth as bank_truth
from makewhole.sandbox.shop.shop import PRESALE
from makewhole.sandbox.stories.story import Tale, hours, minutes

D = day.Day


def paid(world: D) -> day.Story:
    """The usual: ordered, paid, told; then perhaps shipped and received."""
    sn = world.order()
    yield world.minutes(0.2, 20)
    world.pays(sn)
    yield world.minutes(30, 240)
    if world.chance.random() < 0.6:
        world.shop.ship(sn, f"SF{sn[1:]}")
        yield world.minutes(300, 900)
        if world.chance.random() < 0.5:
            world.shop.finish(sn)


def paid_by_relay(world: D) -> day.Story:
    """The same, its notice by way of Makewhole."""
    member = world.member()
    sn = world.order(member=member, coupon=world.coupon(member))
    yield world.minutes(0.2, 20)
    world.pays(sn, day.Fate.RELAY)


def told_late(world: D) -> day.Story:
    """The notice is lost, but the shop's own job asks before it closes."""
    sn = world.order()
    yield world.minutes(1, 20)
    world.pays(sn, day.Fate.LOST)


def cancelled(world: D) -> day.Story:
    """The buyer thinks better of it in time; stock and coupon go back."""
    member = world.member()
    sn = world.order(member=member, coupon=world.coupon(member))
    yield world.minutes(1, 25)
    world.shop.close_attempts(sn)
    world.shop.cancel(sn)


def still_open(world: D) -> day.Story:
    """There is time left; it is paid in the end."""
    sn = world.order()
    yield world.minutes(18, 21)
    world.pays(sn)


def just_paid(world: D) -> day.Story:
    """The notice is on its way when the first sweep comes."""
    sn = world.order()
    yield minutes(3)
    world.pays(sn, day.Fate.LATE)


def long_expired(world: D) -> day.Story:
    """Never paid, properly closed, and past its recovery window."""
    world.order()
    yield hours(1)


def refunded(world: D) -> day.Story:
    """Paid, and given back in full."""
    sn = world.order()
    yield world.minutes(1, 10)
    world.pays(sn)
    yield world.minutes(60, 300)
    world.shop.refund(sn, world.due_fen(sn))
    yield minutes(6)
    world.poll_refunds()


def partly_refunded(world: D) -> day.Story:
    """Paid, and a part given back."""
    sn = world.order()
    yield world.minutes(1, 10)
    world.pays(sn)
    yield world.minutes(60, 300)
    world.shop.refund(sn, world.due_fen(sn) // 3)
    yield minutes(6)
    world.poll_refunds()


def refund_under_way(world: D) -> day.Story:
    """The bank takes its days, within what is usual."""
    sn = world.order()
    yield minutes(2)
    world.pays(sn)
    yield minutes(30)
    world.bank.plan_refund(f"RF{sn}-1", bank_truth.Outcome.SUCCESS, hours(60))
    world.shop.refund(sn, world.due_fen(sn))


def second_try(world: D) -> day.Story:
    """The first attempt is closed before the second is opened, and only that one is paid."""
    sn = world.order()
    yield minutes(4)
    number = world.shop.pay(sn)
    yield minutes(2)
    world.pays(number)


def presale(world: D) -> day.Story:
    """Longer to pay than others have, and the time is used."""
    sn = world.order(goods=PRESALE)
    yield world.minutes(60, 1200)
    world.pays(sn)


TALES: tuple[Tale, ...] = (
    Tale(name="paid", script=paid, earliest=hours(40), latest=minutes(25), weight=60),
    Tale(name="paid-by-relay", script=paid_by_relay, earliest=hours(20), latest=minutes(25), weight=6),
    Tale(name="told-late", script=told_late, earliest=hours(20), latest=minutes(35), weight=2),
    Tale(name="cancelled", script=cancelled, earliest=hours(40), latest=minutes(27), weight=9),
    Tale(name="still-open", script=still_open, earliest=minutes(16), latest=minutes(1), weight=4),
    Tale(name="just-paid", script=just_paid, earliest=minutes(3.7), latest=minutes(3.2), weight=2),
    Tale(name="long-expired", script=long_expired, earliest=hours(60), latest=hours(25), weight=4),
    Tale(name="refunded", script=refunded, earliest=hours(40), latest=hours(6), weight=3),
    Tale(name="partly-refunded", script=partly_refunded, earliest=hours(40), latest=hours(6), weight=2),
    Tale(name="refund-under-way", script=refund_under_way, earliest=hours(40), latest=hours(2), weight=2),
    Tale(name="second-try", script=second_try, earliest=hours(40), latest=minutes(25), weight=3),
    Tale(name="presale", script=presale, earliest=hours(3), latest=minutes(10), weight=2),
)
