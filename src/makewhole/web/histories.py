"""The archive of the shop's changes while we serve: a round goes in every minute, what the shop's server wrote since is kept, as
long as the rules want.

Whoever serves without one is told, each day, what his server forgets.
"""

from __future__ import annotations

import time

import structlog

from makewhole import ports, settings
from makewhole.core import faults
from makewhole.engine import history
from makewhole.model import image
from makewhole.model.policy import RuleName
from makewhole.wiring import history as wiring_history

REMIND_EVERY_S = 86_400
"""Seconds between two warnings of one kind: a log file of a week has it in it, and is not full of it."""
log = structlog.get_logger()


class Rounds:
    """One call is one round. What cannot be kept is told of once a day, and not every minute; a gap is an error, and stands in the
    archive."""

    def __init__(self, told: settings.Settings) -> None:
        self._told, self._said, self._said_at = told, "", 0.0

    def __call__(self) -> None:
        """Keep what is new. Raises Unavailable where shop or disk are not there: the next round keeps what this one missed."""
        try:
            kept, gaps = wiring_history.keep_archive(self._told)
        except faults.BadInput as wrong:
            if self._said != str(wrong) or time.monotonic() - self._said_at >= REMIND_EVERY_S:
                log.warning("changes are not kept: what the server forgets is gone", why=str(wrong))
                self._said, self._said_at = str(wrong), time.monotonic()
            return
        self._said = ""
        for gap in gaps:
            log.error("the server forgot changes before they were kept", since=str(gap.since), until=str(gap.until), why=gap.why)
        if kept:
            log.info("changes kept", transactions=kept)


def remind(told: settings.Settings) -> None:
    """Where no archive is named: how soon the shop's server forgets, if that is soon."""
    kept_for = wiring_history.forgets_after(told)
    if kept_for is not None:
        log.warning("changes are not archived, and the server forgets them soon: set history.archive", kept_for=str(kept_for))


class Tidying:
    """One call is one round; once a day what is older than the rules want is forgotten."""

    def __init__(self, told: settings.Settings, world: ports.World) -> None:
        self._told, self._world = told, world

    def __call__(self) -> None:
        """Once a day. Raises Rejected where less is to be kept than the audit needs, Unavailable where the disk is not there."""
        now = self._world.clock.now()
        mark, today = f"changes/{self._world.eyes.shop}", image.day(now)
        if self._world.store.mark(mark) == today:
            return
        before = history.kept_since(self._world.policies.at(now).span(RuleName.CHANGE_RETENTION), now)
        if forgotten := wiring_history.forget_changes(self._told, before):
            log.info("changes forgotten", transactions=forgotten, before=before.isoformat())
        self._world.store.set_mark(mark, today)
