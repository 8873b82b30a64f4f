"""The archive of the shop's changes while we serve: a round goes in every minute, what the shop's server wrote since is kept for good."""

from __future__ import annotations

import structlog

from makewhole import settings, wiring_history
from makewhole.core import faults

log = structlog.get_logger()


class Rounds:
    """One call is one round. What cannot be kept is told of once, and not every minute; a gap is an error, and stands in the archive."""

    def __init__(self, told: settings.Settings) -> None:
        self._told, self._said = told, ""

    def __call__(self) -> None:
        """Keep what is new. Raises Unavailable where shop or disk are not there: the next round keeps what this one missed."""
        try:
            kept, gaps = wiring_history.keep_archive(self._told)
        except faults.BadInput as wrong:
            if self._said != str(wrong):
                log.warning("changes are not kept: what the server forgets is gone", why=str(wrong))
            self._said = str(wrong)
            return
        self._said = ""
        for gap in gaps:
            log.error("the server forgot changes before they were kept", since=str(gap.since), until=str(gap.until), why=gap.why)
        if kept:
            log.info("changes kept", transactions=kept)
