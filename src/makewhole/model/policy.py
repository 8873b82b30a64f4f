"""A platform's and a house's rules as dated data: which number holds from when, where it is written down, for which R-row."""

from __future__ import annotations

import bisect
import enum
import functools
from datetime import datetime, timedelta

from makewhole.core import codec, money


class RuleName(enum.Enum):
    """Every rule that a decision may ask for. A policy file must give each of them a value."""

    UNPAID_EXPIRY = "unpaid-expiry"
    UNPAID_EXPIRY_VIRTUAL = "unpaid-expiry-virtual"
    RECOVERY_WINDOW = "recovery-window"
    RECALL_BY_PERSON = "recall-by-person"
    REVIEW_AMOUNT = "review-amount"
    REPEATED_PAYMENTS_MAX = "repeated-payments-max"
    REFUNDS_PER_DAY_MAX = "refunds-per-day-max"
    REPAIRS_PER_DAY_MAX = "repairs-per-day-max"
    REPAIR_AMOUNT_PER_DAY_MAX = "repair-amount-per-day-max"
    AUTOMATIC_REPAIRS = "automatic-repairs"
    CALLBACK_GRACE = "callback-grace"
    ORPHAN_GRACE = "orphan-grace"
    LATE_ACCEPT_AGE = "late-accept-age"
    FRAUD_WINDOW = "fraud-window"
    PRICE_DRIFT_MAX = "price-drift-max"
    REFUND_STUCK_AFTER = "refund-stuck-after"
    RESOURCE_GRACE = "resource-grace"
    MONEY_LOOK_BACK = "money-look-back"
    PERSON_DEADLINE = "person-deadline"
    LINK_LIFETIME = "link-lifetime"
    SILENCE_CALLBACKS_MIN = "silence-callbacks-min"
    SILENCE_HISTORY = "silence-history"
    CODE_BURST_MIN = "code-burst-min"
    CODE_BURST_TIMES = "code-burst-times"
    FEE_DRIFT_MAX = "fee-drift-max"
    FEE_HISTORY = "fee-history"
    FEE_VOLUME_MIN = "fee-volume-min"
    IMAGE_RETENTION = "image-retention"
    CHANGE_RETENTION = "change-retention"
    CUT_OFF_WAIT = "cut-off-wait"
    PAYOUT_WAIT = "payout-wait"
    BILL_AGAIN = "bill-again"


class Unit(enum.Enum):
    """What a rule's number counts."""

    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    FEN = "fen"
    COUNT = "count"
    SWITCH = "switch"
    """1 is on, 0 is off."""


_SPANS = {Unit.MINUTES: timedelta(minutes=1), Unit.HOURS: timedelta(hours=1), Unit.DAYS: timedelta(days=1)}


class Rule(codec.Noun, frozen=True, kw_only=True):
    """One rule, in force from `effective_from` until another of its name takes over."""

    name: RuleName
    value: int
    unit: Unit
    effective_from: datetime
    source: str
    row: str


class Policy(codec.Noun, frozen=True, kw_only=True):
    """The rules in force at one instant. `version` names file, date and content: every verdict carries it (law 1)."""

    version: str
    rules: tuple[Rule, ...]

    def rule(self, name: RuleName) -> Rule:
        """The rule of this name. Raises KeyError where the policy lacks it, which loading already refuses."""
        for rule in self.rules:
            if rule.name is name:
                return rule
        raise KeyError(f"policy {self.version} has no rule {name.value}")

    def span(self, name: RuleName) -> timedelta:
        """A rule's span of time. Raises ValueError where it counts something else."""
        rule = self.rule(name)
        if rule.unit not in _SPANS:
            raise ValueError(f"{name.value} is not a span of time but {rule.unit.value}")
        return rule.value * _SPANS[rule.unit]

    def amount(self, name: RuleName) -> money.Money:
        """A rule's amount."""
        return money.Money(fen=self._counted(name, Unit.FEN))

    def count(self, name: RuleName) -> int:
        """A rule's count."""
        return self._counted(name, Unit.COUNT)

    def on(self, name: RuleName) -> bool:
        """Whether a switch is on."""
        return self._counted(name, Unit.SWITCH) == 1

    def _counted(self, name: RuleName, unit: Unit) -> int:
        rule = self.rule(name)
        if rule.unit is not unit:
            raise ValueError(f"{name.value} counts {rule.unit.value}, not {unit.value}")
        return rule.value


class Book(codec.Noun, frozen=True, kw_only=True, dict=True):
    """Dated rules of a platform and a house. Of one name, the rule that took effect last holds; the house's word beats the platform's."""

    name: str
    platform: tuple[Rule, ...]
    house: tuple[Rule, ...] = ()

    def at(self, now: datetime) -> Policy:
        """The rules in force at an instant. Raises KeyError naming the rules that nothing defines then."""
        turns = self._turns
        turn = bisect.bisect_right(turns, now)
        # Every look at an order asks, and between two turns the answer is the same.
        known = self._known.get(turn)
        return self._known.setdefault(turn, self._at(now)) if known is None else known

    @functools.cached_property
    def _turns(self) -> tuple[datetime, ...]:
        """When a rule takes effect."""
        return tuple(sorted({r.effective_from for r in (*self.platform, *self.house)}))

    @functools.cached_property
    def _known(self) -> dict[int, Policy]:
        """By how many turns were over: remembered, not part of the value."""
        return {}

    def _at(self, now: datetime) -> Policy:
        chosen = {name: _in_force(self.house, name, now) or _in_force(self.platform, name, now) for name in RuleName}
        lacking = sorted(name.value for name, rule in chosen.items() if rule is None)
        if lacking:
            raise KeyError(f"{self.name} defines no value at {now.isoformat()} for: {', '.join(lacking)}")
        rules = tuple(rule for rule in chosen.values() if rule is not None)
        return Policy(version=f"{self.name}@{codec.digest(rules)[:12]}", rules=rules)


def _in_force(rules: tuple[Rule, ...], name: RuleName, now: datetime) -> Rule | None:
    begun = [r for r in rules if r.name is name and r.effective_from <= now]
    return max(begun, key=lambda r: r.effective_from, default=None)
