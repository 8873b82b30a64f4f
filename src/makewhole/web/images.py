"""Images while we serve: a round goes in every minute, each image that is due comes out; once a day they are compared and tidied."""

from __future__ import annotations

import threading
from datetime import datetime

import structlog

from makewhole import ports, settings
from makewhole.core import faults
from makewhole.engine import image as mover
from makewhole.model import image
from makewhole.model.policy import RuleName
from makewhole.wiring import images as wiring_images

log = structlog.get_logger()


class Rounds:
    """One call is one round. A shop of which no images can be made is told of once, and not every minute."""

    def __init__(self, told: settings.Settings, world: ports.World, stop: threading.Event) -> None:
        self._told, self._world, self._stop = told, world, stop
        self._said = ""
        self._left_out: tuple[str, ...] = ()

    def __call__(self) -> None:
        """Every image that is due. Raises Unavailable where shop or album are silent: the next round makes what this one missed."""
        try:
            with wiring_images.open_studio(self._told) as studio:
                self._name(studio.left_out)
                for head in mover.take(studio, stopped=self._stop.is_set):
                    log.info("image", at=head.at.isoformat(), kind=head.kind.value, changed=sum(head.changed.values()), why=head.why)
                if not self._stop.is_set():
                    self._daily(studio, self._world.clock.now())
            self._said = ""
        except faults.BadInput as wrong:
            if self._said != str(wrong):
                log.warning("no images", why=str(wrong))
            self._said = str(wrong)

    def _name(self, left_out: tuple[str, ...]) -> None:
        if left_out != self._left_out:
            log.warning("not in the images: no key of their own, or of no order", tables=list(left_out))
        self._left_out = left_out

    def _daily(self, studio: mover.Studio, now: datetime) -> None:
        """Once a day: compare the newest image with the shop, put small files together, delete what nobody must keep."""
        mark, today = f"images/{self._world.eyes.shop}", image.day(now)
        if (self._world.store.mark(mark) or today) == today:
            if self._world.store.mark(mark) is None:
                self._world.store.set_mark(mark, today)
            return
        checked = mover.check(studio)
        if checked is not None and checked.count:
            first = [f"{d.role} {d.key}" for d in checked.differences]
            log.error("images drifted: something was written that the log does not tell", rows=checked.count, first=first)
            for head in mover.take(studio, anew=f"{checked.count} rows were not what the log told"):
                log.warning("image", at=head.at.isoformat(), kind=head.kind.value, why=head.why)
        elif checked is not None:
            log.info("images are what the shop holds", at=checked.head.at.isoformat(), unsure=checked.unsure)
        # Whatever becomes of the tidying: the shop is read whole once a day, and not once a minute.
        self._world.store.set_mark(mark, today)
        files, images = mover.tidy(studio, self._world.policies.at(now).span(RuleName.IMAGE_RETENTION))
        log.info("images tidied", files=files, images=images)
