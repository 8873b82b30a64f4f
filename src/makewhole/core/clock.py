"""Instants: always aware, always handed in. Who needs the time is given `now`; only the edge owns a Clock."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Protocol

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")
"""The zone of every Chinese channel and platform. China has had no daylight saving since 1991."""


class Clock(Protocol):
    """Gives the current instant and lets time pass; simulated in worlds that must repeat themselves (law 10)."""

    def now(self) -> datetime:
        """The current instant, with a zone."""
        ...

    def sleep(self, span: timedelta) -> None:
        """Return after this much time has passed on this clock."""
        ...


class ManualClock:
    """A clock that moves only when told to: for simulation, tests and `--at INSTANT`."""

    def __init__(self, start: datetime) -> None:
        self._now = aware(start)

    def now(self) -> datetime:
        """The instant it was last moved to."""
        return self._now

    def sleep(self, span: timedelta) -> None:
        """Time passes at once."""
        self.advance(span)

    def advance(self, span: timedelta) -> datetime:
        """Move forward and return the new instant. Raises ValueError for a step back."""
        if span < timedelta(0):
            raise ValueError("time does not run backwards")
        self._now += span
        return self._now


def aware(instant: datetime) -> datetime:
    """The instant itself. Raises ValueError where it has no zone: such a time means nothing."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant.isoformat()} has no time zone")
    return instant


def parse(text: str) -> datetime:
    """An instant from RFC 3339 text with an offset. Raises ValueError otherwise."""
    try:
        told = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise ValueError(f"not an instant: {text!r} (expected like 2026-11-23T20:00:00+08:00)") from wrong
    return aware(told)


def rfc3339(instant: datetime) -> str:
    """Beijing time to the second, as Chinese channels write it: 2026-11-23T20:00:00+08:00."""
    return aware(instant).astimezone(BEIJING).isoformat(timespec="seconds")
