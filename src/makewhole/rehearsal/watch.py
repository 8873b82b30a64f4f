"""Hooks around everything durable and everything outside: where a simulator kills, interrupts and notes; what runs between them is real."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

from makewhole import ports
from makewhole.adapters.store import journal
from makewhole.core import faults, ids
from makewhole.engine import relay
from makewhole.model import case, plan, run
from makewhole.ports import accounts
from makewhole.rehearsal import stage
from makewhole.sandbox import laws
from makewhole.sandbox.shop import till

WRITES = frozenset(
    {
        "open_case",
        "end_case",
        "begin_run",
        "save_run",
        "claim_runs",
        "release_run",
        "link",
        "keep_notice",
        "note_forwarding",
        "ask",
        "append",
    }
)
"""What of the store is a commit."""


LEDGER_WRITES = frozenset({"keep_bill", "keep", "add", "begin", "close", "halt", "resume"})
"""What of the daily books is a commit."""
ASKED_WITHIN = timedelta(hours=2)
"""How fresh an answer must be to end an order by: a run waits an hour at most between the close at the channel and the one in the shop."""


class Crash(BaseException):
    """The process dies here: nothing below it runs, nothing above it but the simulator catches it."""


@dataclass(kw_only=True)
class Hooks:
    """Counts the places that a worker passes, and lets the simulator in at each of them."""

    count: int = 0
    crashes: frozenset[int] = frozenset()
    """At which counts the process dies."""
    visit: Callable[[str], None] | None = None
    """Called at every place: it may raise a fault, do somebody else's work, or let time pass."""
    trace: list[str] = field(default_factory=list)
    quiet: bool = False
    kills: int = 0
    _inside: bool = False

    def at(self, place: str) -> None:
        """Pass a place."""
        if self.quiet or self._inside:
            return
        self.count += 1
        self.trace.append(f"{self.count} {place}")
        if self.count in self.crashes:
            self.trace.append(f"{self.count} killed")
            self.kills += 1
            raise Crash(place)
        if self.visit is not None:
            self._inside = True
            try:
                self.visit(place)
            finally:
                self._inside = False


class HookedStore:
    """The real store with a hook before and after every commit."""

    def __init__(self, store: journal.SqlStore, hooks: Hooks) -> None:
        self._store = store
        self._hooks = hooks

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._store, name)
        if name not in WRITES:
            return real
        if name == "claim_runs":
            return self._claim

        def write(*args: Any, **told: Any) -> Any:
            self._hooks.at(f"before {name}")
            result = real(*args, **told)
            self._hooks.at(f"after {name}")
            return result

        return write

    def _claim(self, shop: ids.ShopName, lease: ports.Lease, limit: int) -> Sequence[ports.Claimed]:
        """A claim that finds nothing changes nothing: no place to be killed at, however often a quiet hour asks."""
        claimed = self._store.claim_runs(shop, lease, limit)
        if claimed:
            self._hooks.at("after claim_runs")
        return claimed


class HookedLedger:
    """The real ledger of the daily books with a hook before and after every commit."""

    def __init__(self, ledger: accounts.Ledger, hooks: Hooks) -> None:
        self._ledger = ledger
        self._hooks = hooks

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._ledger, name)
        if name not in LEDGER_WRITES:
            return real

        def write(*args: Any, **told: Any) -> Any:
            self._hooks.at(f"before {name}")
            result = real(*args, **told)
            self._hooks.at(f"after {name}")
            return result

        return write


@dataclass(kw_only=True)
class Notebook:
    """What every doer of a world writes down, whoever the worker is."""

    on: stage.Stage
    effects: list[laws.Effect] = field(default_factory=list)
    doubts: set[str] = field(default_factory=set)
    acting: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    lease: timedelta = timedelta(seconds=60)
    unkept: list[str] = field(default_factory=list)
    """Callbacks that were acknowledged and that the inbox does not hold."""
    _read: int = 0
    _intents: set[str] = field(default_factory=set)
    _allowed: set[str] = field(default_factory=set)
    _done: set[str] = field(default_factory=set)
    asked_at: dict[str, datetime] = field(default_factory=dict)
    """When our own connector last had an answer about an attempt, by the channel's own count of requests."""

    def note(self, kind: laws.Did, who: str, order: ids.OrderKey, step: plan.Step) -> None:
        """An act or a look begins."""
        self._catch_up()
        key = plan.key(order, step)
        number, now = str(order.number), self.on.day.clock.now()
        other = self.acting.get(number)
        overlaps = other[0] if other is not None and other[0] != who and now - other[1] < self.lease else ""
        self.effects.append(
            laws.Effect(
                kind=kind,
                who=who,
                order=number,
                act=step.act,
                key=key,
                intended=key in self._intents,
                allowed=key in self._allowed,
                asked=any(n.startswith(number) and now - at < ASKED_WITHIN for n, at in self.asked_at.items()),
                open_attempts=self._open(number),
                overlaps=overlaps,
                known_done=key in self._done,
                in_doubt=key in self.doubts,
            )
        )
        if kind is laws.Did.LOOK:
            self.doubts.discard(key)

    def asking(self, question: Callable[[], Any]) -> Any:
        """Note which attempts the channel was really asked about meanwhile."""
        asked = self.on.day.channel.asked
        before = len(asked)
        try:
            return question()
        finally:
            now = self.on.day.clock.now()
            self.asked_at.update({n: now for route, n in asked[before:] if route == "query"})

    def _open(self, number: str) -> tuple[str, ...]:
        bank = self.on.day.bank
        return tuple(n for n in bank.transactions if n.startswith(number) and bank.find(n).state == "NOTPAY")

    def _catch_up(self) -> None:
        """Read what is durable by now."""
        runs_allowed = self._allowed
        for line in self.on.store.entries(self._read):
            self._read = line.seq + 1
            entry = line.entry()
            if entry.kind is case.EntryKind.VERDICT and entry.body["verdict"]["type"] == "allowed":
                runs_allowed.add(str(entry.run))
            if entry.kind is case.EntryKind.STEP_OUTCOME and entry.body["news"]["type"] == "succeeded":
                self._done.add(entry.body["key"])
            if entry.kind is case.EntryKind.INTENT:
                self._intents.add(entry.body["key"])
                if str(entry.run) in runs_allowed:
                    runs_allowed.add(entry.body["key"])


class WatchedDoer:
    """A doer with a hook before and after each act, and a notebook."""

    def __init__(self, doer: ports.Doer, book: Notebook, hooks: Hooks, who: str, refuse: Callable[[plan.Step], bool] | None = None) -> None:
        self._doer, self._book, self._hooks, self._who = doer, book, hooks, who
        self._refuse = refuse

    def do(self, order: ids.OrderKey, step: plan.Step, now: datetime) -> run.News:
        """Act once."""
        self._book.note(laws.Did.DO, self._who, order, step)
        number, key = str(order.number), plan.key(order, step)
        self._hooks.trace.append(f"  {self._who} does {type(step.act).__name__} for {number}")
        before = self._book.acting.get(number)
        self._book.acting[number] = (self._who, self._book.on.day.clock.now())
        try:
            self._hooks.at(f"before {type(step.act).__name__}")
            if self._refuse is not None and self._refuse(step):
                raise faults.Rejected("a rule of the shop that nobody knew of")
            news: run.News = self._book.asking(lambda: self._doer.do(order, step, now))
            self._hooks.at(f"after {type(step.act).__name__}")
        except faults.Indeterminate:
            self._book.doubts.add(key)
            raise
        except Crash:
            self._book.doubts.add(key)
            raise
        finally:
            self._book.acting.pop(number, None)
            if before is not None:
                self._book.acting[number] = before
        if isinstance(news, run.Doubt):
            self._book.doubts.add(key)
        return news

    def look(self, order: ids.OrderKey, step: plan.Step, now: datetime) -> run.News:
        """Look."""
        self._book.note(laws.Did.LOOK, self._who, order, step)
        seen: run.News = self._book.asking(lambda: self._doer.look(order, step, now))
        return seen

    def ask(self, numbers: Sequence[ids.OutTradeNo]) -> ports.Heard:
        """Ask a channel."""
        heard: ports.Heard = self._book.asking(lambda: cast("ports.Channel", self._doer).ask(numbers))
        return heard

    def preview(self, order: ids.OrderKey, step: plan.Step, now: datetime) -> tuple[str, ...]:
        """As it is."""
        return self._doer.preview(order, step, now)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._doer, name)


def receive(world: ports.World, book: Notebook, headers: till.Headers, body: bytes) -> int:
    """A worker's notify URL: its HTTP status; what it acknowledges is looked for in the inbox at once."""
    on = book.on
    status = relay.receive(world, on.reader, headers, body).status
    if status < 300:
        kept = on.reader.read(headers, body, on.day.clock.now())
        if all(k.key != kept.key for k in on.store.notices(on.world.eyes.shop, kept.number)):
            book.unkept.append(kept.number)
    return status


def worker(on: stage.Stage, book: Notebook, hooks: Hooks, who: str, refuse: Callable[[plan.Step], bool] | None = None) -> ports.World:
    """The stage's world as one worker sees it: the same shop, channel and store, through hooks."""
    real = on.world
    if real.hands is None:
        raise faults.Defect("a rehearsal without hands")
    channels = {n: cast("ports.Channel", WatchedDoer(c, book, hooks, who)) for n, c in real.channels.items()}
    books = real.books
    if books is not None:
        books = replace(books, ledger=cast("accounts.Ledger", HookedLedger(books.ledger, hooks)))
    return ports.World(
        clock=real.clock,
        eyes=real.eyes,
        hands=cast("ports.Hands", WatchedDoer(real.hands, book, hooks, who, refuse)),
        channels=channels,
        store=cast("ports.Store", HookedStore(on.store, hooks)),
        policies=real.policies,
        playbook=real.playbook,
        relayed=real.relayed,
        forwarder=real.forwarder,
        books=books,
        owner=who,
        lease=real.lease,
    )
