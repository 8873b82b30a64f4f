"""Orders that ran out of time: money that came too late, and orders that nobody paid."""

from __future__ import annotations

from makewhole.model.finding import Ailment
from makewhole.sandbox import day
from makewhole.sandbox.shop import schema
from makewhole.sandbox.shop.defects import Defect
from makewhole.sandbox.stories.story import CLOSED, NO_CLAIM, Tale, given_back, hours, minutes, paid
from makewhole.sandbox.truth import End, Right

D = day.Day
_LATE = (Defect.CLOSES_ONLY_LOCALLY, Defect.LINK_OUTLIVES_ORDER, Defect.SWALLOWS_NOTICES_OF_CLOSED)
RECALLED = Right(kept_fen=0, status=CLOSED)
"""The old order stays closed; what becomes of the new one is its own matter."""


def _accepted(world: D, sn: str, name: str) -> None:
    world.broken(sn, name, {Ailment.PAID_AFTER_CLOSE}, {End.RESTORED: paid(world.due_fen(sn))})


def paid_late(world: D) -> day.Story:
    """Closed in the shop and not at the channel; the buyer pays, the notice is swallowed."""
    member = world.member()
    coupon = world.coupon(member) if world.chance.random() < 0.4 else None
    sn = world.order(*_LATE, member=member, coupon=coupon)
    yield world.minutes(35, 80)
    world.pays(sn, day.Fate.RELAY)
    _accepted(world, sn, "paid-late")


def closed_without_asking(world: D) -> day.Story:
    """Paid in time, the callback lost; the job believes its own row."""
    sn = world.order(Defect.CLOSES_WITHOUT_ASKING, Defect.CLOSES_ONLY_LOCALLY)
    yield world.minutes(5, 25)
    world.pays(sn, day.Fate.LOST)
    _accepted(world, sn, "closed-without-asking")


def closed_over_payment(world: D) -> day.Story:
    """The job read the row, the payment landed, the job wrote over it."""
    sn = world.order()
    yield world.minutes(29, 29.8)
    world.pays(sn, day.Fate.RELAY)
    yield minutes(0.3)
    world.shop.close(sn, "job", over=True)
    _accepted(world, sn, "closed-over-payment")


def sold_meanwhile(world: D) -> day.Story:
    """The last piece went to somebody else before the money came."""
    sku = world.rare()
    sn = world.order(*_LATE, cart=[(sku, 1)])
    yield minutes(32)
    other = world.order(cart=[(sku, 1)])
    yield minutes(2)
    world.pays(other)
    yield world.minutes(2, 60)
    world.pays(sn, day.Fate.RELAY)
    world.broken(sn, "sold-meanwhile", {Ailment.PAID_AFTER_CLOSE}, {End.REFUNDED: given_back(CLOSED)})


def coupon_spent(world: D) -> day.Story:
    """The coupon that made the price was spent on another order meanwhile."""
    member = world.member()
    coupon = world.coupon(member)
    sn = world.order(*_LATE, member=member, coupon=coupon)
    yield minutes(33)
    other = world.order(member=member, coupon=coupon)
    yield minutes(1)
    world.pays(other)
    yield world.minutes(2, 60)
    world.pays(sn, day.Fate.RELAY)
    world.broken(sn, "coupon-spent", {Ailment.PAID_AFTER_CLOSE}, {End.REFUNDED: given_back(CLOSED)})


def price_rose(world: D) -> day.Story:
    """The price went up by a tenth."""
    sku = world.rare(20)
    sn = world.order(*_LATE, cart=[(sku, 1)])
    yield minutes(40)
    world.shop.rows.run("UPDATE sku_stock SET price = price * 11 / 10 WHERE sku_code = ?", sku)
    world.pays(sn, day.Fate.RELAY)
    world.broken(sn, "price-rose", {Ailment.PAID_AFTER_CLOSE}, {End.HANDED_OVER: NO_CLAIM})


def very_late(world: D) -> day.Story:
    """Half a day after the end: goods do not leave before a person has looked."""
    sn = world.order(*_LATE)
    yield world.minutes(13 * 60, 15 * 60)
    world.pays(sn, day.Fate.RELAY)
    world.broken(sn, "very-late", {Ailment.PAID_AFTER_CLOSE}, {End.HANDED_OVER: NO_CLAIM})


def too_old(world: D) -> day.Story:
    """Found a day after it was paid: the buyer has bought elsewhere by now."""
    sn = world.order(*_LATE)
    yield world.minutes(35, 80)
    world.pays(sn, day.Fate.RELAY)
    world.broken(sn, "too-old", {Ailment.PAID_AFTER_CLOSE}, {End.REFUNDED: given_back(CLOSED)})


def late_wrong_amount(world: D) -> day.Story:
    """Late, and not the amount that was due."""
    sn = world.order(*_LATE)
    yield minutes(40)
    world.pays(sn, day.Fate.RELAY, amount_fen=world.due_fen(sn) - 100)
    world.broken(sn, "late-wrong-amount", {Ailment.AMOUNT_DIFFERS}, {End.HANDED_OVER: NO_CLAIM})


def never_paid(world: D) -> day.Story:
    """The buyer left; the shop closed it as it should."""
    member = world.member()
    coupon = world.coupon(member) if world.chance.random() < 0.4 else None
    sn = world.order(member=member, coupon=coupon)
    _unpaid(world, sn, "never-paid", {End.RESTORED: RECALLED})
    yield minutes(1)


def never_closed(world: D) -> day.Story:
    """The buyer left, and the shop's job never came."""
    sn = world.order(Defect.JOB_NOT_RUN)
    _unpaid(world, sn, "never-closed", {End.RESTORED: RECALLED})
    yield minutes(1)


def forgotten(world: D) -> day.Story:
    """The same, past its recovery window: only to be closed."""
    sn = world.order(Defect.JOB_NOT_RUN)
    _unpaid(world, sn, "forgotten", {End.RESTORED: RECALLED})
    yield minutes(1)


def never_paid_sold_out(world: D) -> day.Story:
    """Nobody paid, and what it was for is sold: it cannot be written again."""
    sku = world.rare()
    sn = world.order(cart=[(sku, 1)])
    _unpaid(world, sn, "never-paid-sold-out", {End.HANDED_OVER: NO_CLAIM})
    yield minutes(33)
    other = world.order(cart=[(sku, 1)])
    yield minutes(1)
    world.pays(other)


def _unpaid(world: D, sn: str, name: str, ends: dict[End, Right]) -> None:
    world.broken(sn, name, {Ailment.EXPIRED_UNPAID}, ends, since=schema.instant(world.row(sn, "expire_at")))


TALES: tuple[Tale, ...] = (
    Tale(name="paid-late", script=paid_late, earliest=hours(18), latest=hours(2), weight=2),
    Tale(name="closed-without-asking", script=closed_without_asking, earliest=hours(18), latest=minutes(35), weight=2),
    Tale(name="closed-over-payment", script=closed_over_payment, earliest=hours(18), latest=minutes(35)),
    Tale(name="sold-meanwhile", script=sold_meanwhile, earliest=hours(18), latest=hours(2.2), orders=2),
    Tale(name="coupon-spent", script=coupon_spent, earliest=hours(18), latest=hours(2.2), orders=2),
    Tale(name="price-rose", script=price_rose, earliest=hours(18), latest=hours(2)),
    Tale(name="very-late", script=very_late, earliest=hours(23), latest=hours(16)),
    Tale(name="too-old", script=too_old, earliest=hours(50), latest=hours(27)),
    Tale(name="late-wrong-amount", script=late_wrong_amount, earliest=hours(18), latest=hours(2)),
    Tale(name="never-paid", script=never_paid, earliest=hours(18), latest=minutes(40), weight=3),
    Tale(name="never-closed", script=never_closed, earliest=hours(18), latest=minutes(40), weight=2),
    Tale(name="forgotten", script=forgotten, earliest=hours(60), latest=hours(26)),
    Tale(name="never-paid-sold-out", script=never_paid_sold_out, earliest=hours(18), latest=hours(2), orders=2),
)
