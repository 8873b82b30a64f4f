"""Relay: callbacks go in; they are durable before they are answered, and forwarded until the shop's row shows the payment (law 6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from makewhole import ports
from makewhole.core import faults, ids
from makewhole.engine import cardless
from makewhole.model import act, intact, order, payment, run

FORWARD_WAITS = tuple(timedelta(seconds=s) for s in (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600))
"""WeChat Pay's own schedule, 24 h 4 min in all: a shop that was written for the channel knows it."""
FORWARD_BATCH = 100
"""Notices forwarded in one look: a shop that comes back is not flooded."""
FORWARD_FOR = timedelta(seconds=10)
"""One look begins no forwarding after this time: a hundred notices for a shop that hangs would hide that it has come back."""
AGAIN = "try again"
"""What a channel is told that must come again. The reason is ours: whoever asks may be nobody's channel."""
log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the channel is told. 200 only for what is durable here; anything else makes the channel send again."""

    status: int
    code: str
    message: str
    why: str = ""
    """For our own log. Not for whoever asked: a stranger learns neither which check failed nor how our house stands."""


def receive(world: ports.World, reader: ports.NoticeReader, headers: ports.Headers, body: bytes) -> Answer:
    """Read, keep, answer; in that order. Raises nothing: a store that cannot keep it is a 503, and the channel comes again."""
    now = world.clock.now()
    try:
        kept = cardless.cardless(reader.read(headers, body, now))
    except faults.Rejected as unreadable:
        return Answer(status=400, code="FAIL", message="no callback", why=unreadable.why)
    except faults.Unavailable as cannot_tell:
        return Answer(status=503, code="FAIL", message=AGAIN, why=cannot_tell.why)
    try:
        world.store.keep_notice(kept)
    except faults.Fault as down:
        return Answer(status=503, code="FAIL", message=AGAIN, why=f"not kept: {down.why}")
    if kept.check is not payment.NoticeCheck.GENUINE:
        return Answer(status=401, code="FAIL", message="not accepted", why=kept.check.value)
    return Answer(status=200, code="SUCCESS", message="OK")


def forward_due(world: ports.World, stopped: Callable[[], bool] = lambda: False) -> int:
    """Hand every due notice to the shop, look at its row, and plan the next try. Returns how many were settled.

    Raises Unavailable where the shop's rows or our store cannot be read: then all of them wait.
    """
    begun, settled = world.clock.now(), 0
    for kept in world.store.due_notices(world.eyes.shop, begun, FORWARD_BATCH):
        now = world.clock.now()
        if stopped() or now - begun > FORWARD_FOR:
            break
        try:
            settled += forward(world, kept, now)
        except (faults.Rejected, faults.Defect) as wrong:
            # Whatever is wrong about this one must not stop the others; it comes again when they have had their turn.
            log.warning("notice not forwarded", number=kept.number, why=wrong.why)
            world.store.note_forwarding(kept.key, kept.answer, kept.answer_code, now + FORWARD_WAITS[-1], settled=False)
    return settled


def forward(world: ports.World, kept: ports.Kept, now: datetime) -> bool:
    """One notice: settled once the row shows it. What the shop answers is noted, and believed only where no row could ever show it."""
    if applied(world, kept) or goes_back(world, kept):
        world.store.note_forwarding(kept.key, kept.answer, kept.answer_code, None, settled=True)
        return True
    if world.forwarder is None:
        return False
    if not intact.intact(kept.headers):
        # What is kept does not fit its signature: the shop would refuse it, and rightly. The order itself is looked at all the same.
        world.store.note_forwarding(kept.key, kept.answer, kept.answer_code, None, settled=False)
        return False
    answer, code = world.forwarder.forward(kept)
    done = applied(world, kept) or (answer is payment.ShopAnswer.ACKNOWLEDGED and unseen(world, kept))
    tries = kept.forwarded
    later = None if done or tries >= len(FORWARD_WAITS) else now + FORWARD_WAITS[tries]
    world.store.note_forwarding(kept.key, answer, code, later, settled=done)
    return done


def goes_back(world: ports.World, kept: ports.Kept) -> bool:
    """Whether the shop must not hear of it: a payment that we are giving back, or gave (it would deliver for money that is gone), and
    the refund by which we did, under a number that the shop never gave out."""
    key = ids.OrderKey(shop=world.eyes.shop, number=owner(world, kept))
    runs = (r for r in world.store.runs_of(key) if r.end is not run.End.PLAN_AGAIN)
    acts = (s.act for r in runs for s in r.plan.steps if isinstance(s.act, act.RefundPayment))
    if kept.refund is not None:
        return any(ours.number == kept.refund.number for ours in acts)
    return any(ours.payment == kept.number for ours in acts)


def owner(world: ports.World, kept: ports.Kept) -> ids.OrderNumber:
    """The order that the notice is about: by a link that was decided on, by the shop's rows or rule, else the number itself."""
    shop = world.eyes.shop
    return world.store.linked(shop, kept.number) or world.eyes.owner(kept.number) or ids.OrderNumber(kept.number)


def applied(world: ports.World, kept: ports.Kept) -> bool:
    """Whether the shop's rows show this payment, or this refund. A shop that cannot be read has shown nothing."""
    try:
        claims, _ = _rows(world, kept)
    except faults.Unavailable:
        return False
    if kept.refund is not None:
        return any(_shows(row, kept.refund) for row in claims if isinstance(row, payment.ShopRefund))
    row = next((c for c in claims if isinstance(c, order.ShopOrder)), None)
    if row is None or not row.says_paid():
        return False
    # Paid by another attempt is not paid by this one.
    told = kept.attempt.transaction if kept.attempt is not None else None
    return row.transaction is None or told is None or row.transaction == told


def unseen(world: ports.World, kept: ports.Kept) -> bool:
    """Whether no row of the shop could show it: a refund of which it has no row, or whose rows nobody mapped."""
    if kept.refund is None:
        return False
    told, number = _rows(world, kept)[0], kept.refund.number
    return not any(isinstance(row, payment.ShopRefund) and row.number == number for row in told)


def _rows(world: ports.World, kept: ports.Kept) -> ports.Heard:
    number = owner(world, kept)
    return world.eyes.read([number])[number]


def _shows(row: payment.ShopRefund, news: payment.ChannelRefund) -> bool:
    if row.number != news.number:
        return False
    # Of a refund that only a person can bring to an end, the row may say whatever its shop calls that.
    return row.state is news.state or (news.state is payment.RefundState.ABNORMAL and row.state not in payment.UNDER_WAY)
