"""Relay: callbacks go in; they are durable before they are answered, and forwarded until the shop's row shows the payment (law 6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from makewhole import ports
from makewhole.core import faults, ids
from makewhole.model import act, order, payment, run

FORWARD_WAITS = tuple(timedelta(seconds=s) for s in (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600))
"""WeChat Pay's own schedule, 24 h 4 min in all: a shop that was written for the channel knows it."""
FORWARD_BATCH = 100
"""Notices forwarded in one look: a shop that comes back is not flooded."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the channel is told. 200 only for what is durable here; anything else makes the channel send again."""

    status: int
    code: str
    message: str


def receive(world: ports.World, reader: ports.NoticeReader, headers: ports.Headers, body: bytes) -> Answer:
    """Read, keep, answer; in that order. Raises nothing: a store that cannot keep it is a 503, and the channel comes again."""
    now = world.clock.now()
    try:
        kept = reader.read(headers, body, now)
    except faults.Rejected as unreadable:
        return Answer(status=400, code="FAIL", message=unreadable.why)
    except faults.Unavailable as cannot_tell:
        return Answer(status=503, code="FAIL", message=cannot_tell.why)
    try:
        world.store.keep_notice(kept)
    except faults.Fault as down:
        return Answer(status=503, code="FAIL", message=f"not kept: {down.why}")
    if kept.check is not payment.NoticeCheck.GENUINE:
        return Answer(status=401, code="FAIL", message=kept.check.value)
    return Answer(status=200, code="SUCCESS", message="OK")


def forward_due(world: ports.World) -> int:
    """Hand every due notice to the shop, look at its row, and plan the next try. Returns how many were settled."""
    now = world.clock.now()
    return sum(forward(world, kept, now) for kept in world.store.due_notices(world.eyes.shop, now, FORWARD_BATCH))


def forward(world: ports.World, kept: ports.Kept, now: datetime) -> bool:
    """One notice: settled once the row shows it. What the shop answers is noted, and believed only by its row."""
    if applied(world, kept) or goes_back(world, kept):
        world.store.note_forwarding(kept.key, kept.answer, kept.answer_code, None, settled=True)
        return True
    if world.forwarder is None:
        return False
    answer, code = world.forwarder.forward(kept)
    done = applied(world, kept)
    tries = kept.forwarded
    later = None if done or tries >= len(FORWARD_WAITS) else now + FORWARD_WAITS[tries]
    world.store.note_forwarding(kept.key, answer, code, later, settled=done)
    return done


def goes_back(world: ports.World, kept: ports.Kept) -> bool:
    """Whether we are giving this payment back, or did: a shop that hears of it now would deliver for money that is gone."""
    key = ids.OrderKey(shop=world.eyes.shop, number=owner(world, kept))
    refunding = (r for r in world.store.runs_of(key) if r.end is not run.End.PLAN_AGAIN)
    return any(isinstance(s.act, act.RefundPayment) and s.act.payment == kept.number for r in refunding for s in r.plan.steps)


def owner(world: ports.World, kept: ports.Kept) -> ids.OrderNumber:
    """The order that the notice is about: by a link that was decided on, by the shop's rows or rule, else the number itself."""
    shop = world.eyes.shop
    return world.store.linked(shop, kept.number) or world.eyes.owner(kept.number) or ids.OrderNumber(kept.number)


def applied(world: ports.World, kept: ports.Kept) -> bool:
    """Whether the shop's row shows this payment. A shop that cannot be read has shown nothing."""
    number = owner(world, kept)
    try:
        claims, _ = world.eyes.read([number])[number]
    except faults.Unavailable:
        return False
    row = next((c for c in claims if isinstance(c, order.ShopOrder)), None)
    if row is None or not row.says_paid():
        return False
    # Paid by another attempt is not paid by this one.
    told = kept.attempt.transaction if kept.attempt is not None else None
    return row.transaction is None or told is None or row.transaction == told
