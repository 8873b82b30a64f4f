"""Stock, coupons and rows: what an order holds and how it ended do not agree, or its own columns do not."""

from __future__ import annotations

from collections.abc import Callable

from makewhole.model.finding import Ailment
from makewhole.sandbox import day
from makewhole.sandbox.shop.defects import Defect
from makewhole.sandbox.stories.story import CLOSED, NO_CLAIM, Tale, hours, minutes
from makewhole.sandbox.truth import End, Right

D = day.Day
_CLOSED = Right(kept_fen=0, status=CLOSED)


def _cancelled(name: str, defect: Defect, ailment: Ailment) -> Tale:
    def script(world: D) -> day.Story:
        member = world.member()
        coupon = world.coupon(member)
        sn = world.order(defect, member=member, coupon=coupon)
        yield world.minutes(1, 25)
        world.shop.close_attempts(sn)
        world.shop.cancel(sn)
        world.broken(sn, name, {ailment}, {End.RESTORED: _CLOSED})

    return Tale(name=name, script=script, earliest=hours(40), latest=hours(1.2))


def coupon_twice(world: D) -> day.Story:
    """Two carts at once with one coupon."""
    member = world.member()
    coupon = world.coupon(member)
    world.defects.on(Defect.COUPON_WITHOUT_LOCK, coupon)
    first = world.order(member=member, coupon=coupon)
    second = world.order(member=member, coupon=coupon)
    yield minutes(2)
    world.pays(first)
    world.pays(second)
    world.broken(first, "coupon-twice", {Ailment.COUPON_USED_TWICE}, {End.HANDED_OVER: NO_CLAIM})


def duplicate_row(world: D) -> day.Story:
    """A repeated submit wrote the order twice."""
    sn = world.shop.place(world.member(), world.cart())
    world.defects.on(Defect.DUPLICATES_ROW, sn)
    world.shop.pay(sn)
    yield minutes(2)
    world.pays(sn)
    _contradiction(world, sn, "duplicate-row")


def _edited(name: str, mend: Callable[[D, str], None]) -> Tale:
    def script(world: D) -> day.Story:
        sn = world.order()
        yield minutes(3)
        world.pays(sn)
        yield minutes(60)
        world.shop.ship(sn, f"SF{sn[1:]}")
        yield minutes(5)
        mend(world, sn)
        _contradiction(world, sn, name)

    return Tale(name=name, script=script, earliest=hours(40), latest=hours(1.5))


def _parcel_wiped(world: D, sn: str) -> None:
    world.shop.edit(sn, express_no=None)


def _finished_by_hand(world: D, sn: str) -> None:
    world.shop.edit(sn, status=40)


def _price_edited(world: D, sn: str) -> None:
    world.shop.edit(sn, freight_amount=int(world.row(sn, "freight_amount")) + 300)


def _time_wiped(world: D, sn: str) -> None:
    world.shop.edit(sn, paid_at=None)


def _contradiction(world: D, sn: str, name: str) -> None:
    world.broken(sn, name, {Ailment.ORDER_CONTRADICTS_ITSELF}, {End.HANDED_OVER: NO_CLAIM})


TALES: tuple[Tale, ...] = (
    _cancelled("stock-kept", Defect.NEVER_RETURNS_STOCK, Ailment.STOCK_NOT_RETURNED),
    _cancelled("stock-twice", Defect.RETURNS_STOCK_TWICE, Ailment.STOCK_RETURNED_TWICE),
    _cancelled("coupon-kept", Defect.NEVER_RETURNS_COUPON, Ailment.COUPON_NOT_RETURNED),
    Tale(name="coupon-twice", script=coupon_twice, earliest=hours(20), latest=minutes(35), orders=2),
    Tale(name="duplicate-row", script=duplicate_row, earliest=hours(20), latest=minutes(35)),
    _edited("parcel-wiped", _parcel_wiped),
    _edited("finished-by-hand", _finished_by_hand),
    _edited("price-edited", _price_edited),
    _edited("time-wiped", _time_wiped),
)
