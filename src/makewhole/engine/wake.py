"""The change log wakes orders: which ones were written goes in, each is looked at within a second, and worked on if it is broken.

Level-triggered: the log only says which order to look at. Nothing rests on being woken: what is lost here, the next sweep sees.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent import futures
from dataclasses import dataclass

import structlog

from makewhole import ports
from makewhole.core import faults, ids
from makewhole.engine import look, sweep
from makewhole.model.finding import Ailment
from makewhole.ports import trails

SETTLED_SECONDS = 0.3
"""After an order was first named: a shop that writes its rows in several transactions has written them by then, and an order that is
looked at in the middle looks broken. Less than the second within which it is to be woken."""
AT_ONCE_MAX = 500
"""Orders that are looked at together. Of a bulk change of more, the next sweep sees the rest: it asks the shop in batches."""
LEFT_TO_SWEEPS = frozenset({Ailment.ORDER_CONTRADICTS_ITSELF, Ailment.PAID_IN_SHOP_ONLY})
"""What a row that is still being written shows as well: nobody is asked about it within a second of its writing."""
log = structlog.get_logger()


@dataclass(kw_only=True)
class Wake:
    """One call follows the log until stopped, or until it cannot be read: then it says why, and whoever calls begins again."""

    world: ports.World
    trail: trails.Trail
    pool: futures.Executor
    stopped: Callable[[], bool]
    said: str = ""

    def __call__(self) -> None:
        """Raises Credentials, and a Defect of an order's work."""
        waiting: dict[ids.OrderNumber, float] = {}
        busy: set[futures.Future[None]] = set()
        self._say()
        for named in self.trail.follow(self.world.clock.now, self.stopped):
            now = time.monotonic()
            waiting.update({n: now for n in sorted(named) if n not in waiting})
            busy = _unfinished(busy)
            for number in _due(waiting, now, AT_ONCE_MAX - len(busy)):
                busy.add(self.pool.submit(_one, self.world, number))
            self._say()
            if len(waiting) > AT_ONCE_MAX:
                log.info("left to the next sweep", orders=len(waiting))
                waiting.clear()
        self._say()

    def _say(self) -> None:
        """What of the log is not heard is told once, and not every second."""
        trouble = self.trail.coverage().trouble
        if trouble and trouble != self.said:
            log.warning("the change log does not tell everything: sweeps look at every order all the same", why=trouble)
            self.said = trouble


def _due(waiting: dict[ids.OrderNumber, float], now: float, room: int) -> Iterator[ids.OrderNumber]:
    """Orders that have settled, as many as there is room for; they wait no longer."""
    for number in [n for n, since in waiting.items() if now - since >= SETTLED_SECONDS][: max(room, 0)]:
        del waiting[number]
        yield number


def _one(world: ports.World, number: ids.OrderNumber) -> None:
    try:
        looked = look.look(world, number)
    except faults.Unavailable as down:
        log.info("left to the next sweep", order=number, why=down.why)
        return
    found = looked.findings()
    # A whole order of which nothing is open is not worth a line; one whose case is open must get its end.
    if all(f.ailment in LEFT_TO_SWEEPS for f in found) and (found or not world.store.cases(looked.order, open_only=True)):
        return
    result = sweep.work(world, number)
    log.info("order", order=str(result.order), state=result.state.value, woken="by the change log")


def _unfinished(busy: set[futures.Future[None]]) -> set[futures.Future[None]]:
    """Without those that are over. Raises what one of them raised: Credentials are true of every order, and a Defect is ours."""
    over = {one for one in busy if one.done()}
    for one in over:
        one.result()
    return busy - over
