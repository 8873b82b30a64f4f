"""The shop's change log is read onwards, and what nothing explains is kept by order: asked one by one, from any thread.

Level-triggered: the log only says which order to look at. What stands of its trail and the place to read on from are one commit of our
store; a log that was purged in between is begun again where it is cheap, and said so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime

from makewhole.core import faults, ids
from makewhole.model import rowchange
from makewhole.ports import trails

STEPS_A_COMMIT = 500
"""Transactions between two commits of ours: what a kill costs is reading them again."""


class LogTrail:
    """`trails.Trail` over a stream. Without `keeps` nothing is written: what the store holds is where reading begins."""

    def __init__(
        self, shop: ids.ShopName, stream: Callable[[], trails.Stream], lens: trails.Lens, notebook: trails.Notebook, *, keeps: bool
    ) -> None:
        self._shop, self._stream, self._lens, self._notebook, self._keeps = shop, stream, lens, notebook, keeps
        self._lock = threading.RLock()
        known = notebook.read(shop)
        self._place, self._since, self._stands = known.place, known.since, dict(known.stands)
        self._dirty: set[ids.OrderNumber] = set()
        self._trouble = self._gap = ""
        self._begun = self._followed = False

    def catch_up(self, now: datetime) -> None:
        """See the port."""
        with self._lock:
            self._begun = True
            if self._followed:
                return
            for _ in self._steps(lambda: now, follow=False):
                pass

    def follow(self, now: Callable[[], datetime], stopped: Callable[[], bool]) -> Iterator[frozenset[ids.OrderNumber]]:
        """See the port. Nobody else reads meanwhile: of two who read, the slower one would tell old news as new."""
        with self._lock:
            self._begun = self._followed = True
        try:
            for named in self._steps(now, follow=True):
                yield named
                if stopped():
                    return
        finally:
            self._followed = False

    def read(self, since: str | None) -> Iterator[tuple[trails.Step, trails.Meant | None]]:
        """See the port."""
        for step in self._stream().read(since):
            yield step, None if step.transaction is None else self._lens.read(step.transaction)

    def of(self, number: ids.OrderNumber, now: datetime) -> tuple[rowchange.RowChange, ...]:
        """See the port."""
        with self._lock:
            if not self._begun:
                self.catch_up(now)
            return tuple(r for r in self._stands.get(number, ()) if r.as_of <= now)

    def orders(self) -> tuple[ids.OrderNumber, ...]:
        """See the port."""
        with self._lock:
            return tuple(self._stands)

    def coverage(self) -> trails.Coverage:
        """See the port."""
        with self._lock:
            return trails.Coverage(since=self._since if self._place is not None else None, trouble=self._trouble or self._gap)

    def _steps(self, now: Callable[[], datetime], *, follow: bool) -> Iterator[frozenset[ids.OrderNumber]]:
        """Read on; a place that is gone is begun again once."""
        trouble = ""
        try:
            try:
                yield from self._read(now, follow=follow)
            except trails.Purged as gone:
                if self._place is None:
                    raise
                # True for good: what was written in between, nobody tells any more, however well reading goes on.
                self._gap, self._place, self._since = gone.what, None, None
                yield from self._read(now, follow=follow)
        except faults.BadInput as unread:
            trouble = unread.what
        except faults.Unavailable as silent:
            trouble = silent.why
        finally:
            with self._lock:
                self._trouble = trouble or self._trouble
                self._save()

    def _read(self, now: Callable[[], datetime], *, follow: bool) -> Iterator[frozenset[ids.OrderNumber]]:
        unsaved = 0
        self._trouble = ""
        for step in self._stream().read(self._place, follow=follow):
            with self._lock:
                named = self._take(step, now())
                unsaved += 1
                # Whoever follows is told of an order only when its trail is durable: a kill in between must not lose it.
                if unsaved >= STEPS_A_COMMIT or (follow and (named or step.transaction is None)):
                    self._save()
                    unsaved = 0
            yield named

    def _take(self, step: trails.Step, now: datetime) -> frozenset[ids.OrderNumber]:
        self._place = step.place
        self._trouble = step.gap or self._trouble
        if self._since is None:
            self._since = now if step.transaction is None else min(step.transaction.committed_at, now)
        if step.transaction is None:
            return frozenset()
        meant = self._lens.read(step.transaction)
        for change in meant.changes:
            known = self._stands.get(change.order, ())
            if not any((k.transaction, k.part) == (change.transaction, change.part) for k in known):
                self._put(change.order, known, rowchange.standing(known, change))
        for number, state in meant.told:
            known = self._stands.get(number, ())
            self._put(number, known, rowchange.explained(known, state))
        return meant.named

    def _put(self, number: ids.OrderNumber, known: tuple[rowchange.RowChange, ...], now: tuple[rowchange.RowChange, ...]) -> None:
        if now == known:
            return
        self._dirty.add(number)
        if now:
            self._stands[number] = now
        else:
            self._stands.pop(number, None)

    def _save(self) -> None:
        if not self._keeps or self._place is None:
            return
        changed = {n: self._stands.get(n, ()) for n in self._dirty}
        self._notebook.note(self._shop, trails.Known(stands=changed, place=self._place, since=self._since))
        self._dirty.clear()
