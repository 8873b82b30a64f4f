"""The post that carries a channel's callbacks: events go in, deliveries come out on the channel's schedule until the merchant says yes.

How a delivery is dressed (sealed, signed, broken on purpose) and what counts as yes is the channel's own.
"""

from __future__ import annotations

import abc
import heapq
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from makewhole.core import clock
from makewhole.sandbox.channel.faults import Fault, Faults

_DOUBLED_BY = timedelta(milliseconds=400)
_LATE_BY = timedelta(hours=3)
_OVERTAKEN_BY = timedelta(minutes=20)

Said = TypeVar("Said")
"""What a merchant answers: a status at one channel, a body at another."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One POST to the merchant. `sound` is whether the channel itself stands behind it: a merchant that says yes to another is wrong."""

    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    number: str
    event: str
    sound: bool = True
    broken_by: Fault | None = None


@dataclass(kw_only=True)
class Notice:
    """An event on its way to the merchant."""

    id: str
    event: str
    kind: str
    content: bytes
    number: str
    url: str
    created_at: datetime
    due_at: datetime
    tries: int = 0
    acknowledged: bool = False
    never: bool = False


class Post(abc.ABC, Generic[Said]):
    """All callbacks of one merchant account."""

    def __init__(self, faults: Faults, schedule: Sequence[timedelta]) -> None:
        self.faults = faults
        self.schedule = tuple(schedule)
        self.wrongly_acknowledged: Counter[str] = Counter()
        """Deliveries that no merchant may say yes to, and one did: by the fault that made them."""
        self.delivered = 0
        self.all: list[Notice] = []
        self._queue: list[tuple[datetime, int, Notice]] = []
        self._pushed = 0

    @abc.abstractmethod
    def dress(self, notice: Notice) -> Delivery:
        """The POST of a notice as it goes out now, broken if the plan says so."""

    @abc.abstractmethod
    def forge(self, notice: Notice) -> Delivery:
        """The same, made by somebody who knows everything but the channel's key."""

    @abc.abstractmethod
    def _yes(self, said: Said) -> bool:
        """Whether the merchant acknowledged."""

    def announce(self, event: str, content: Mapping[str, Any], *, url: str, at: datetime) -> Notice:
        """Put an event on its way."""
        notice = Notice(
            id=f"EV-{at.astimezone(clock.BEIJING):%Y%m%d}{len(self.all):010d}",
            event=event,
            kind="refund" if event.startswith("REFUND.") else "transaction",
            content=json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(),
            number=str(content["out_trade_no"]),
            url=url,
            created_at=at,
            due_at=at,
        )
        notice.never = self.faults.draw(Fault.NOTICE_NEVER, event)
        if self.faults.draw(Fault.NOTICE_LATE, event):
            notice.due_at += _LATE_BY
        if self.faults.draw(Fault.NOTICE_OUT_OF_ORDER, event):
            notice.due_at += _OVERTAKEN_BY
        self._push(notice)
        if self.faults.draw(Fault.NOTICE_DOUBLED, event):
            self._push(replace(notice, due_at=notice.due_at + _DOUBLED_BY))
        return notice

    def next_due(self) -> datetime | None:
        """When the next delivery is due."""
        return self._queue[0][0] if self._queue else None

    def due(self, now: datetime) -> list[Notice]:
        """What is due, oldest first, taken from the queue: `deliver` puts back what must come again."""
        taken = []
        while self._queue and self._queue[0][0] <= now:
            taken.append(heapq.heappop(self._queue)[2])
        return taken

    def deliver(self, now: datetime, send: Callable[[Delivery], Said]) -> int:
        """Deliver what is due. Returns how many POSTs were made. An OSError of `send` is no answer."""
        before = self.delivered
        for notice in self.due(now):
            if not notice.never and not self.faults.draw(Fault.NOTICE_LOST, notice.event):
                if self.faults.draw(Fault.NOTICE_FORGED, notice.event):
                    self._sent(self.forge(notice), send)
                notice.acknowledged = self._sent(self.dress(notice), send) or notice.acknowledged
            if not notice.acknowledged and notice.tries < len(self.schedule):
                notice.due_at = max(now, notice.due_at) + self.schedule[notice.tries]
                notice.tries += 1
                self._push(notice, again=True)
        return self.delivered - before

    def _sent(self, delivery: Delivery, send: Callable[[Delivery], Said]) -> bool:
        self.delivered += 1
        try:
            yes = self._yes(send(delivery))
        except OSError:
            return False
        if yes and not delivery.sound:
            self.wrongly_acknowledged[delivery.broken_by.value if delivery.broken_by else ""] += 1
        return yes

    def _push(self, notice: Notice, *, again: bool = False) -> None:
        if not again:
            self.all.append(notice)
        self._pushed += 1
        heapq.heappush(self._queue, (notice.due_at, self._pushed, notice))
