"""Signals: counts of a shop's last weeks and the house's thresholds go in, what is not as usual comes out. Pure, as all of flow.

Time is counted in slots of a quarter of an hour since 1970 (UTC), so that the same time of another day is a number of slots away.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from makewhole.core import clock
from makewhole.model import policy, verdict
from makewhole.model.policy import RuleName
from makewhole.model.signal import Sign, Signal

SLOT = timedelta(minutes=15)
SLOTS_A_DAY, SLOTS_AN_HOUR = 96, 4
DAYS = 28
"""How far back anything is compared: four of each day of the week."""
BURST_DAYS = 7
"""Days in whose busiest hour a code is looked for."""
PERCENT, PARTS = 100, 1_000_000
Counts = Mapping[int, int]
"""How many, by slot; a slot without any is not there."""


@dataclass(frozen=True, kw_only=True)
class Fees:
    """One day's bill at one channel: what was paid, in fen, and what was taken of it, in thousandths of a fen."""

    day: datetime
    paid_fen: int
    fees_millifen: int

    def rate(self) -> int:
        """Parts in a million."""
        return self.fees_millifen * (PARTS // 1000) // self.paid_fen


def slot(at: datetime) -> int:
    """The slot of an instant."""
    return int(at.timestamp()) // int(SLOT.total_seconds())


def start(of: int) -> datetime:
    """When a slot begins."""
    return datetime.fromtimestamp(of * int(SLOT.total_seconds()), UTC)


def callbacks_silent(channel: str, counts: Counts, rules: policy.Policy, now: datetime) -> Signal | None:
    """Whole slots without a callback, in which each of the days before had a number of them: the quietest day decides.

    A mean would call every holiday a failure. Nothing is said before enough days are known, nor of a silence at night that each night has.
    """
    begun, last = min(counts, default=0), max(counts, default=0)
    # The slot of now is not over; and what a day of silence does not show, the next one, which is compared with it, would only blur.
    silent = range(last + 1, min(slot(now), last + 1 + SLOTS_A_DAY))
    whole_days = (last + 1 - begun) // SLOTS_A_DAY
    if not silent or whole_days < rules.span(RuleName.SILENCE_HISTORY).days:
        return None
    days = [sum(counts.get(s - d * SLOTS_A_DAY, 0) for s in silent) for d in range(1, min(whole_days, DAYS) + 1)]
    quietest = min(days)
    if quietest < rules.count(RuleName.SILENCE_CALLBACKS_MIN):
        return None
    return Signal(
        sign=Sign.CALLBACKS_SILENT,
        about=channel,
        since=start(last + 1),
        seen_at=now,
        seen=0,
        usual=sum(days) // len(days),
        confidence=round(1 - math.exp(-quietest), 4),
        role=verdict.Role.OPERATOR,
    )


def code_burst(code: str, counts: Counts, rules: policy.Policy, now: datetime) -> Signal | None:
    """More answers of one code in the last hour than a multiple of the busiest hour of the week before, and more than a few."""
    hour = slot(now) - SLOTS_AN_HOUR + 1
    seen = sum(counts.get(s, 0) for s in range(hour, slot(now) + 1))
    if seen < rules.count(RuleName.CODE_BURST_MIN):
        return None
    week = range(hour - BURST_DAYS * SLOTS_A_DAY, hour - SLOTS_AN_HOUR + 1)
    known = [s for s in counts if week.start <= s < hour]
    busiest = max((sum(counts.get(s + i, 0) for i in range(SLOTS_AN_HOUR)) for s in known if s in week), default=0)
    if seen <= busiest * rules.count(RuleName.CODE_BURST_TIMES):
        return None
    return Signal(
        sign=Sign.CODE_BURST,
        about=code,
        since=_hour(now),
        seen_at=now,
        seen=seen,
        usual=busiest,
        confidence=round(1 - math.exp(-(seen - busiest)), 4),
        role=verdict.Role.OPERATOR,
    )


def fee_drift(channel: str, days: Sequence[Fees], rules: policy.Policy, now: datetime) -> Signal | None:
    """The last day's share of fees beside that of the days before it together, the oldest first."""
    told = [d for d in days if d.paid_fen >= rules.amount(RuleName.FEE_VOLUME_MIN).fen]
    if len(told) - 1 < rules.span(RuleName.FEE_HISTORY).days or told[-1] is not days[-1]:
        return None
    *before, last = told[-1 - DAYS :]
    usual = Fees(day=last.day, paid_fen=sum(d.paid_fen for d in before), fees_millifen=sum(d.fees_millifen for d in before)).rate()
    # The days before differ among themselves, too: goods with other rates, discounts of the channel's.
    spread = max(abs(d.rate() - usual) for d in before)
    off = abs(last.rate() - usual)
    if off <= spread or off * PERCENT <= usual * rules.count(RuleName.FEE_DRIFT_MAX):
        return None
    return Signal(
        sign=Sign.FEE_DRIFT,
        about=channel,
        since=last.day,
        seen_at=now,
        seen=last.rate(),
        usual=usual,
        confidence=0.95,
        role=verdict.Role.FINANCE,
    )


def refund_velocity(buyer: str, refunds: Sequence[str], rules: policy.Policy, now: datetime) -> Signal | None:
    """More refunds to one account on one Beijing day than the platform allows (R18)."""
    most = rules.count(RuleName.REFUNDS_PER_DAY_MAX)
    if len(set(refunds)) <= most:
        return None
    return Signal(
        sign=Sign.REFUND_VELOCITY,
        about=buyer,
        since=_day(now),
        seen_at=now,
        seen=len(set(refunds)),
        usual=most,
        confidence=1.0,
        role=verdict.Role.FINANCE,
        numbers=tuple(sorted(set(refunds))),
    )


def bank_differs(channel: str, day: datetime, settled_fen: int, bank_fen: int, now: datetime) -> Signal | None:
    """What a day's bill settles (payments less refunds less fees) beside the bank's line. To the fen: money is not roughly there."""
    if settled_fen == bank_fen:
        return None
    return Signal(
        sign=Sign.BANK_DIFFERS,
        about=channel,
        since=day,
        seen_at=now,
        seen=bank_fen,
        usual=settled_fen,
        confidence=1.0,
        role=verdict.Role.FINANCE,
    )


def _hour(now: datetime) -> datetime:
    return now.astimezone(clock.BEIJING).replace(minute=0, second=0, microsecond=0)


def _day(now: datetime) -> datetime:
    return _hour(now).replace(hour=0)
