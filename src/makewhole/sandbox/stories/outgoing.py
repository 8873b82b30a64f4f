"""Money on its way back: stuck, known to one side only, or booked twice."""

from __future__ import annotations

from makewhole.model.finding import Ailment
from makewhole.sandbox import day
from makewhole.sandbox.channel import truth as bank_truth
from makewhole.sandbox.shop.defects import Defect
from makewhole.sandbox.shop.schema import Status
from makewhole.sandbox.stories.story import NO_CLAIM, Tale, given_back, hours, minutes
from makewhole.sandbox.truth import End, Right

D = day.Day
REFUNDED = frozenset({Status.REFUNDED})


def stuck(world: D) -> day.Story:
    """Beyond three days and still under way; it ends well a day after it was found."""
    sn = yield from _paid(world)
    world.bank.plan_refund(f"RF{sn}-1", bank_truth.Outcome.SUCCESS, hours(24 * 5 + 6))
    world.shop.refund(sn, world.due_fen(sn))
    ends = {End.REFUNDED: given_back(REFUNDED), End.HANDED_OVER: NO_CLAIM}
    world.broken(sn, "stuck", {Ailment.REFUND_STUCK}, ends, since=world.clock.now() + hours(72))


def abnormal(world: D) -> day.Story:
    """The buyer's card was closed: the money cannot get there."""
    sn = yield from _paid(world)
    world.bank.plan_refund(f"RF{sn}-1", bank_truth.Outcome.ABNORMAL, hours(1))
    world.shop.refund(sn, world.due_fen(sn))
    world.broken(sn, "abnormal", {Ailment.REFUND_STUCK}, {End.HANDED_OVER: NO_CLAIM}, since=world.clock.now() + hours(1))


def record_lost(world: D) -> day.Story:
    """Sent, and the row rolled back: the shop still means to deliver."""
    sn = yield from _paid(world, Defect.LOSES_REFUND_ROW)
    world.shop.refund(sn, world.due_fen(sn))
    world.broken(sn, "record-lost", {Ailment.REFUND_NOT_RECORDED}, {End.HANDED_OVER: NO_CLAIM})


def taken_for_failed(world: D) -> day.Story:
    """No answer came in time, so the shop marked the refund failed; the channel had carried it out."""
    sn = yield from _paid(world, Defect.REFUND_TIMEOUT_IS_FAILURE)
    whole = world.chance.random() < 0.6
    due = world.due_fen(sn)
    amount = due if whole else due // 2
    world.lose_answer("refund")
    world.shop.refund(sn, amount)
    status = REFUNDED if whole else frozenset({Status.PAID})
    right = Right(kept_fen=due - amount, status=status)
    world.broken(sn, "taken-for-failed", {Ailment.REFUND_NOT_RECORDED}, {End.RESTORED: right})


def not_sent(world: D) -> day.Story:
    """Marked as done; nobody sent it."""
    sn = yield from _paid(world, Defect.REFUND_NOT_SENT)
    world.shop.refund(sn, world.due_fen(sn))
    world.broken(sn, "not-sent", {Ailment.REFUND_NOT_SENT}, {End.REFUNDED: given_back(REFUNDED)})


def booked_twice(world: D) -> day.Story:
    """A second click books a second refund; the channel had refused it."""
    sn = yield from _paid(world, Defect.REFUNDS_TWICE)
    world.shop.refund(sn, world.due_fen(sn))
    yield minutes(7)
    world.poll_refunds()
    world.shop.refund(sn, world.due_fen(sn))
    world.broken(sn, "booked-twice", {Ailment.REFUNDED_TOO_MUCH}, {End.HANDED_OVER: NO_CLAIM})


def _paid(world: D, *defects: Defect) -> day.Paying:
    sn = world.order(*defects)
    yield world.minutes(1, 10)
    world.pays(sn)
    yield world.minutes(20, 60)
    return sn


TALES: tuple[Tale, ...] = (
    Tale(name="stuck", script=stuck, earliest=hours(24 * 5), latest=hours(24 * 4)),
    Tale(name="abnormal", script=abnormal, earliest=hours(30), latest=hours(4)),
    Tale(name="record-lost", script=record_lost, earliest=hours(30), latest=hours(2)),
    Tale(name="taken-for-failed", script=taken_for_failed, earliest=hours(30), latest=hours(2), weight=2),
    Tale(name="not-sent", script=not_sent, earliest=hours(30), latest=hours(3), weight=2),
    Tale(name="booked-twice", script=booked_twice, earliest=hours(30), latest=hours(3)),
)
