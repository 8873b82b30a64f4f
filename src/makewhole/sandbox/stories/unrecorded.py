"""Money that came and that the shop's open order does not know: the callback was lost, refused, swallowed or never applied."""

from __future__ import annotations

from makewhole.model.finding import Ailment
from makewhole.sandbox import day, truth
from makewhole.sandbox.shop.defects import Defect
from makewhole.sandbox.shop.shop import PRESALE
from makewhole.sandbox.stories.story import NO_CLAIM, Tale, given_back, hours, minutes, paid
from makewhole.sandbox.truth import End

D = day.Day


def _unrecorded(name: str, *defects: Defect, fate: day.Fate = day.Fate.RELAY) -> Tale:
    def script(world: D) -> day.Story:
        member = world.member()
        coupon = world.coupon(member) if world.chance.random() < 0.3 else None
        sn = world.order(*defects, member=member, coupon=coupon)
        yield world.minutes(0.3, 3)
        world.pays(sn, fate)
        world.broken(sn, name, {Ailment.PAID_NOT_RECORDED}, {End.RESTORED: paid(world.due_fen(sn))})

    return Tale(name=name, script=script, earliest=minutes(24), latest=minutes(6))


def dear(world: D) -> day.Story:
    """5,000 yuan and more: a person looks first, unless the shop's own job has asked by then."""
    sn = world.order(cart=[(world.rare(3, 268000), 2)])
    yield world.minutes(0.3, 3)
    world.pays(sn, day.Fate.LOST)
    world.broken(sn, "dear", {Ailment.PAID_NOT_RECORDED}, {End.HANDED_OVER: NO_CLAIM, End.RESTORED: paid(world.due_fen(sn))})


def wrong_amount_applied(world: D) -> day.Story:
    """The channel was asked for another amount than the order's, and the shop never compared."""
    sn = world.order()
    yield minutes(1)
    world.defects.on(Defect.CONFIGURES_WRONG_AMOUNT, sn)
    world.defects.on(Defect.SKIPS_AMOUNT_CHECK, sn)
    number = world.shop.pay(sn)
    yield minutes(2)
    world.pays(number, day.Fate.RELAY)
    world.broken(sn, "wrong-amount-applied", {Ailment.AMOUNT_DIFFERS}, {End.HANDED_OVER: NO_CLAIM}, payments=(number,))


def wrong_amount_refused(world: D) -> day.Story:
    """The same, and the shop refuses the notice: money is there, the order stays open."""
    sn = world.order()
    yield minutes(1)
    world.defects.on(Defect.CONFIGURES_WRONG_AMOUNT, sn)
    number = world.shop.pay(sn)
    yield minutes(2)
    world.pays(number, day.Fate.RELAY)
    world.defects.on(Defect.JOB_NOT_RUN, sn)
    world.broken(sn, "wrong-amount-refused", {Ailment.AMOUNT_DIFFERS}, {End.HANDED_OVER: NO_CLAIM}, payments=(number,))


def order_lost(world: D) -> day.Story:
    """The order's own transaction was rolled back after the link had gone out."""
    sn = world.shop.place(world.member(), world.cart())
    world.defects.on(Defect.LOSES_ORDER_ROW, sn)
    world.shop.pay(sn)
    yield world.minutes(1, 10)
    world.pays(sn, day.Fate.RELAY)
    world.broken(sn, "order-lost", {Ailment.MONEY_WITHOUT_ORDER}, {End.REFUNDED: given_back(), End.HANDED_OVER: NO_CLAIM})


def attempt_lost(world: D) -> day.Story:
    """The second attempt's row was rolled back: its money names an order that does not know it."""
    sn = world.order(goods=PRESALE)
    yield minutes(3)
    world.defects.on(Defect.LOSES_ATTEMPT_ROW, sn)
    number = world.shop.pay(sn)
    yield minutes(1)
    world.pays(number, day.Fate.RELAY)
    right = {End.RESTORED: paid(world.due_fen(sn))}
    world.broken(number, "attempt-lost", {Ailment.MONEY_WITHOUT_ORDER}, {End.RESTORED: truth.Right(kept_fen=world.due_fen(sn))})
    world.broken(sn, "attempt-lost", {Ailment.PAID_NOT_RECORDED}, right, payments=(sn, number))


def paid_twice(world: D) -> day.Story:
    """A second attempt is opened while the first stays open, and the buyer pays both."""
    sn = world.order(Defect.NEW_NUMBER_ON_RETRY)
    yield minutes(2)
    number = world.shop.pay(sn)
    world.pays(number, day.Fate.RELAY)
    yield world.minutes(1, 9)
    world.pays(sn, day.Fate.RELAY)
    world.broken(sn, "paid-twice", {Ailment.PAID_TWICE}, {End.REFUNDED: paid(world.due_fen(sn))}, payments=(sn, number))


def paid_by_hand(world: D) -> day.Story:
    """An operator sets the order to paid because the buyer says so."""
    sn = world.order()
    yield minutes(20)
    at = world.row(sn, "created_at")
    world.shop.edit(sn, status=20, paid_at=at, pay_channel="wechatpay", paid_amount=world.due_fen(sn))
    world.broken(sn, "paid-by-hand", {Ailment.PAID_IN_SHOP_ONLY}, {End.HANDED_OVER: NO_CLAIM})


TALES: tuple[Tale, ...] = (
    _unrecorded("callback-lost", fate=day.Fate.LOST),
    _unrecorded("shop-down", Defect.DOWN),
    _unrecorded("shop-fails", Defect.FAILS),
    _unrecorded("shop-refuses", Defect.REFUSES_NOTICES),
    _unrecorded("acknowledged-not-applied", Defect.ACKNOWLEDGES_BEFORE_APPLYING),
    Tale(name="dear", script=dear, earliest=minutes(24), latest=minutes(6)),
    Tale(name="wrong-amount-applied", script=wrong_amount_applied, earliest=hours(20), latest=minutes(20)),
    Tale(name="wrong-amount-refused", script=wrong_amount_refused, earliest=minutes(24), latest=minutes(8)),
    Tale(name="order-lost", script=order_lost, earliest=hours(20), latest=minutes(50)),
    Tale(name="attempt-lost", script=attempt_lost, earliest=hours(10), latest=minutes(50), orders=1),
    Tale(name="paid-twice", script=paid_twice, earliest=hours(20), latest=minutes(25)),
    Tale(name="paid-by-hand", script=paid_by_hand, earliest=hours(20), latest=minutes(40)),
)
