"""Signals: silence, bursts, drifts and speed are seen when they are there; quiet nights, weekends, holidays and promotions are no alarm."""

from __future__ import annotations

import math
import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from makewhole import settings as house
from makewhole.core import clock
from makewhole.flow import signals
from makewhole.model import policy, signal
from makewhole.model.policy import RuleName

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=clock.BEIJING)
RULES = house.policy_book().at(NOON)
BEGIN = signals.slot(NOON - timedelta(days=28))
ROLE = signal.Sign
HOURS = (1, 1, 0, 0, 0, 0, 1, 3, 6, 9, 12, 14, 15, 12, 11, 12, 12, 13, 14, 17, 19, 18, 10, 4)
"""A shop's day: nobody buys at four in the morning."""


def poisson(chance: random.Random, mean: float) -> int:
    """A count with this mean."""
    if mean > 50:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    limit, drawn, count = math.exp(-mean), chance.random(), 0
    while drawn > limit:
        drawn *= chance.random()
        count += 1
    return count


def traded(seed: int, a_day: float, until: datetime = NOON, days: int = 35) -> dict[int, int]:
    """Callbacks of some weeks: by hour, by weekday, with good days and bad ones."""
    chance, counts = random.Random(seed), dict[int, int]()
    mood: dict[object, float] = {}
    for slot in range(signals.slot(until) - days * signals.SLOTS_A_DAY, signals.slot(until) + 1):
        at = signals.start(slot).astimezone(clock.BEIJING)
        day = mood.setdefault(at.date(), chance.lognormvariate(0, 0.25) * (0.7 if at.weekday() > 4 else 1.0))
        if count := poisson(chance, a_day * day * HOURS[at.hour] / sum(HOURS) / signals.SLOTS_AN_HOUR):
            counts[slot] = count
    return counts


def alarms(counts: dict[int, int], days: int) -> list[signal.Signal]:
    """What somebody sees who looks every quarter of an hour of the last days."""
    found = []
    for slot in range(signals.slot(NOON) - days * signals.SLOTS_A_DAY, signals.slot(NOON)):
        known = {s: n for s, n in counts.items() if slot - 29 * signals.SLOTS_A_DAY <= s <= slot}
        found.append(signals.callbacks_silent("wechatpay", known, RULES, signals.start(slot) + timedelta(minutes=7)))
    return [f for f in found if f is not None]


@pytest.mark.parametrize("a_day", [3, 200, 2_000])
def test_two_days_and_nights_are_quiet(a_day: float) -> None:
    """Small, middling and large shops."""
    assert alarms(traded(1, a_day), 2) == []


@pytest.mark.slow
@given(st.integers(0, 10_000), st.sampled_from([0.5, 3, 20, 80, 200, 600, 2_000, 10_000]))
@settings(max_examples=25, deadline=None)
def test_no_alarm_over_quiet_nights(seed: int, a_day: float) -> None:
    """Every quarter of an hour of two weeks, of shops from one payment in two days to ten thousand a day."""
    assert alarms(traded(seed, a_day), 14) == []


WITHIN = {300: timedelta(hours=4), 600: timedelta(hours=3), 2_000: timedelta(hours=1, minutes=30), 10_000: timedelta(hours=1)}
"""By callbacks a day: how long a shop's callbacks may be gone by day before it is told. The busier, the sooner."""


@pytest.mark.slow
@given(st.integers(0, 10_000), st.sampled_from(sorted(WITHIN)), st.integers(9, 20))
@settings(max_examples=25, deadline=None)
def test_silence_by_day_is_told_in_time(seed: int, a_day: int, hour: int) -> None:
    """Callbacks end: the busier the shop, the sooner; and once it is told it stays told, as one and the same."""
    ends = NOON.replace(hour=hour)
    counts = {s: n for s, n in traded(seed, a_day, ends).items() if s < signals.slot(ends)}
    looks = [ends + timedelta(minutes=m) for m in range(1, 24 * 60, 10)]
    told = [s for at in looks if (s := signals.callbacks_silent("wechatpay", counts, RULES, at)) is not None]
    assert told
    assert told[0].seen_at <= ends + WITHIN[a_day]
    assert len({s.id() for s in told}) == 1
    assert len(told) == len([at for at in looks if at >= told[0].seen_at])
    assert told[0].confidence > 0.999
    assert told[0].since <= ends


def test_silence_is_told_from_the_number_that_the_house_names() -> None:
    """Both sides of both limits: callbacks on the quietest day, and days that are known."""
    least, days = RULES.count(RuleName.SILENCE_CALLBACKS_MIN), RULES.span(RuleName.SILENCE_HISTORY).days
    last = signals.slot(NOON) - 4

    def seen(quietest: int, known: int) -> signal.Signal | None:
        counts = {last: 1, last - known * signals.SLOTS_A_DAY: 1}
        for d in range(1, known + 1):
            counts[last + 1 - d * signals.SLOTS_A_DAY] = quietest if d == 2 else 100
        return signals.callbacks_silent("wechatpay", counts, RULES, NOON)

    assert seen(least, days) is not None
    assert seen(least - 1, days) is None
    assert seen(least, days - 1) is None


def test_a_burst_is_told_beside_the_busiest_hour_of_the_week() -> None:
    """Both sides of both limits; an older week does not count; the hour names the episode."""
    least, times = RULES.count(RuleName.CODE_BURST_MIN), RULES.count(RuleName.CODE_BURST_TIMES)
    now = signals.slot(NOON)
    assert signals.code_burst("SYSTEM_ERROR", {now: least}, RULES, NOON) is not None
    assert signals.code_burst("SYSTEM_ERROR", {now: least - 1}, RULES, NOON) is None
    busy = {now - 200: 6, now - 199: 6}
    assert signals.code_burst("SYSTEM_ERROR", {**busy, now: 12 * times}, RULES, NOON) is None
    found = signals.code_burst("SYSTEM_ERROR", {**busy, now: 12 * times + 1}, RULES, NOON)
    assert found is not None
    assert (found.seen, found.usual, found.about) == (12 * times + 1, 12, "SYSTEM_ERROR")
    old = {now - 8 * signals.SLOTS_A_DAY: 1000}
    assert signals.code_burst("SYSTEM_ERROR", {**old, now: least}, RULES, NOON) is not None
    again = signals.code_burst("SYSTEM_ERROR", {**busy, now: 500}, RULES, NOON + timedelta(minutes=9))
    assert again is not None
    assert again.id() == found.id()


@pytest.mark.slow
@given(st.integers(0, 10_000), st.sampled_from([5, 100, 2_000]))
@settings(max_examples=25, deadline=None)
def test_codes_that_follow_trade_are_no_burst(seed: int, a_day: float) -> None:
    """A buyer who is paying, a number that is not known yet: as many as there are orders."""
    counts = traded(seed, a_day)
    for slot in range(signals.slot(NOON) - 14 * signals.SLOTS_A_DAY, signals.slot(NOON), 3):
        known = {s: n for s, n in counts.items() if s <= slot}
        assert signals.code_burst("USERPAYING", known, RULES, signals.start(slot) + timedelta(minutes=7)) is None


def fees(*rates: float, paid_fen: int = 10_000_000) -> list[signals.Fees]:
    """Bills of days, each with its rate in per cent."""
    first = NOON.replace(hour=0) - timedelta(days=len(rates))
    return [
        signals.Fees(day=first + timedelta(days=i), paid_fen=paid_fen, fees_millifen=round(paid_fen * 1000 * r / 100))
        for i, r in enumerate(rates)
    ]


@pytest.mark.parametrize(
    "days, drifts",
    [
        (fees(0.6, 0.6, 0.6, 0.66), False),
        (fees(0.6, 0.6, 0.6, 0.661), True),
        (fees(0.6, 0.6, 0.6, 0.53), True),
        (fees(0.6, 0.6, 1.0), False),  # two days are no history
        (fees(0.38, 0.6, 0.38, 0.6, 0.58), False),  # it has moved as far before
        (fees(0.6, 0.6, 0.6, 1.0, paid_fen=99_999), False),
        (fees(0.6, 0.6, 0.6, 1.0, paid_fen=100_000), True),
        ([*fees(0.6, 0.6, 0.6, 1.0), *fees(2.0, paid_fen=100)], False),  # the last day has too little
        ([], False),
    ],
)
def test_a_fee_drifts_beyond_what_the_house_names(days: list[signals.Fees], drifts: bool) -> None:  # noqa: FBT001 - a row of the table
    """Per cent of the usual share; by bills of a certain size; and farther than those before strayed."""
    found = signals.fee_drift("wechatpay", days, RULES, NOON)
    assert (found is not None) is drifts
    if found is not None:
        assert (found.seen, found.since) == (days[-1].rate(), days[-1].day)


def test_the_sixth_refund_of_a_day_is_told() -> None:
    """A number that comes twice is one refund."""
    most = RULES.count(RuleName.REFUNDS_PER_DAY_MAX)
    numbers = [f"R{i}" for i in range(most)]
    assert signals.refund_velocity("B1", [*numbers, "R0"], RULES, NOON) is None
    found = signals.refund_velocity("B1", [*numbers, "R9"], RULES, NOON)
    assert found is not None
    assert (found.seen, found.usual, found.numbers) == (most + 1, most, (*numbers, "R9"))


def test_a_bank_line_is_compared_to_the_fen() -> None:
    """One fen is a sign, none is none."""
    assert signals.bank_differs("wechatpay", NOON, 100, 100, NOON) is None
    found = signals.bank_differs("wechatpay", NOON, 100, 99, NOON)
    assert found is not None
    assert (found.seen, found.usual) == (99, 100)


def test_thresholds_are_dated() -> None:
    """Another number from a day on is another answer from that day on."""
    kept = tuple(r for r in RULES.rules if r.name is not RuleName.CODE_BURST_MIN)
    now = {signals.slot(NOON): 5}
    lower = policy.Rule(
        name=RuleName.CODE_BURST_MIN,
        value=5,
        unit=policy.Unit.COUNT,
        effective_from=datetime(2020, 1, 1, tzinfo=UTC),
        source="x",
        row="R17",
    )
    assert signals.code_burst("E", now, RULES, NOON) is None
    assert signals.code_burst("E", now, policy.Policy(version="x", rules=(*kept, lower)), NOON) is not None


def test_trade_of_the_tests_is_trade() -> None:
    """The weeks above have nights and days."""
    by_hour = Counter(signals.start(s).astimezone(clock.BEIJING).hour for s in traded(1, 2_000))
    assert by_hour[4] == 0
    assert by_hour[20] > 100
