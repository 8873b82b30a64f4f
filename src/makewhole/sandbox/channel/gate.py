"""A sandbox channel's front door, as far as all channels have the same: requests and their faults come in, time passes, callbacks go out.

What is said, signed and believed is the channel's own (`_answered`); here is what gets lost on the way, what is held up, and who waits.
"""

from __future__ import annotations

import abc
import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Generic, TypeVar

from makewhole.core import clock
from makewhole.sandbox.channel import post, truth
from makewhole.sandbox.channel.faults import Fault, Faults

Reply = tuple[int, dict[str, str], bytes]
LANDS_AFTER = timedelta(seconds=45)
"""A request that was held up on the way arrives after the client's total time-out (20 s) and its first looks."""

Said = TypeVar("Said")
"""What a merchant answers to a callback."""


class Gate(abc.ABC, Generic[Said]):
    """One channel with one merchant. `clock` is the world's; `wire_clock` stamps what is signed, and is real when real clients come."""

    NAME: ClassVar[str]
    """The channel's, as its section of the settings is called."""
    SHOWS: ClassVar[Sequence[Fault]] = (
        Fault.REFUSED,
        Fault.REQUEST_LOST,
        Fault.ANSWER_LOST,
        Fault.LANDS_LATE,
        Fault.RATE_LIMITED,
        Fault.SYSTEM_ERROR_BEFORE,
        Fault.SYSTEM_ERROR_AFTER,
        Fault.UNSIGNED,
        Fault.ANSWER_BAD_SIGNATURE,
    )
    """What can go wrong here with one exchange."""
    LINK: ClassVar[str] = "native"
    """The kind of an attempt as a shop opens it by itself."""
    PART_SHOWS: ClassVar[bool]
    """Whether a query shows that some of a payment went back."""

    notices: post.Post[Said]

    def __init__(
        self, ticking: clock.Clock, *, wire_clock: clock.Clock | None = None, faults: Faults | None = None, base_url: str = ""
    ) -> None:
        self.clock = ticking
        self.wire_clock = wire_clock or ticking
        self.faults = faults or Faults()
        self.base_url = base_url
        self.slow = timedelta(seconds=30)
        self.patience: timedelta | None = timedelta(seconds=20)
        """How long an in-process client waits; over sockets it has a clock of its own."""
        self.pause: Callable[[timedelta], None] = ticking.sleep
        self.truth = truth.Truth(ticking, self._tell)
        self.asked: list[tuple[str, str]] = []
        """Every request that arrived: endpoint and number, for tests that count."""
        self._on_the_way: list[tuple[datetime, Callable[[], object]]] = []
        self._lock = threading.RLock()

    # What a world does with it

    def transport(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """What the engine's HTTP client calls in a simulation: no socket, the same bytes."""
        return self.handle(method, url, headers, body)

    def due_callbacks(self, now: datetime) -> bool:
        """Whether a delivery is due. Lets refunds end first, since they announce themselves."""
        with self._lock:
            self._pass(now)
            due = self.notices.next_due()
            return due is not None and due <= now

    def next_event(self) -> datetime | None:
        """When something happens next by itself: a refund ends, a callback is due."""
        told = (self.truth.next_settlement(), self.notices.next_due(), *(at for at, _ in self._on_the_way))
        times = [t for t in told if t is not None]
        return min(times, default=None)

    def deliver(self, send: Callable[[post.Delivery], Said], now: datetime | None = None) -> int:
        """Let time's work be done and deliver what is due. Returns the number of POSTs."""
        with self._lock:
            at = now or self.clock.now()
            self._pass(at)
            return self.notices.deliver(at, send)

    def open_cashier(self, number: str) -> truth.Transaction:
        """The buyer opens the link of an attempt."""
        return self.truth.transactions[number]

    # What its merchant knows

    @property
    @abc.abstractmethod
    def parties(self) -> tuple[str, str]:
        """The app and the merchant number of its one merchant."""

    @abc.abstractmethod
    def section(self) -> dict[str, object]:
        """The merchant's section of a settings file, its addresses those of here; files by the names that `file` knows."""

    @abc.abstractmethod
    def file(self, name: str) -> bytes:
        """A file that the section names."""

    @abc.abstractmethod
    def word(self, no: truth.No) -> str:
        """The code of a refusal."""

    # What a client sees

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """One request. Absolute-form targets are taken as well as paths. Raises OSError where the plan loses something."""
        with self._lock:
            self._pass(self.clock.now())
            if method == "HEAD":
                return 200, {}, b""
            if self.faults.draw(Fault.REFUSED):
                raise ConnectionRefusedError("the sandbox refuses the connection")
            return self._answered(method, target, {k.lower(): v for k, v in headers.items()}, body)

    # What each channel has of its own

    @abc.abstractmethod
    def _answered(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The answer to a request that arrived."""

    @abc.abstractmethod
    def _says(self, fault: Fault, route: str) -> Exception | None:
        """The channel's own refusal under a fault (busy, confused, lagging, paying); None where it has none on this route."""

    @abc.abstractmethod
    def _tell(self, event: str, of: truth.Transaction, refund: truth.Refund | None, at: datetime) -> None:
        """Put the news of a payment or a refund on their way to the merchant."""

    @abc.abstractmethod
    def _refusals(self) -> tuple[type[Exception], ...]:
        """What a request that nobody waits for any more may be refused with."""

    # What all have

    def _pass(self, now: datetime) -> None:
        """Whatever was held up and should have arrived by now arrives; then refunds end whose time has come."""
        landed = [what for at, what in self._on_the_way if at <= now]
        self._on_the_way = [(at, what) for at, what in self._on_the_way if at > now]
        for what in landed:
            # Nobody waits for the answer any more, not even for a refusal.
            with contextlib.suppress(*self._refusals()):
                what()
        self.truth.settle(now)

    def _carried_out(self, route: str, dispatch: Callable[[], bytes]) -> bytes:
        """Carry a request out, or let the plan spoil it before, under way or after."""
        draw = self.faults.draw
        if draw(Fault.REQUEST_LOST, route):
            raise TimeoutError("the request was lost")
        for fault in (Fault.RATE_LIMITED, Fault.SYSTEM_ERROR_BEFORE, Fault.REPLICA_LAG, Fault.USERPAYING):
            said = self._says(fault, route)
            if said is not None and draw(fault, route):
                raise said
        if draw(Fault.LANDS_LATE, route):
            self._on_the_way.append((self.clock.now() + LANDS_AFTER, dispatch))
            raise TimeoutError("the request is held up on the way")
        slow = draw(Fault.SLOW, route)
        if slow:
            self.pause(self.slow)
        done = dispatch()
        if draw(Fault.ANSWER_LOST, route) or (slow and self.patience is not None and self.slow > self.patience):
            raise TimeoutError("the answer was lost")
        said = self._says(Fault.SYSTEM_ERROR_AFTER, route)
        if said is not None and draw(Fault.SYSTEM_ERROR_AFTER, route):
            raise said
        return done
