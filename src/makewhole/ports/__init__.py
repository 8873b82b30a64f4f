"""All that the engine asks of the world to mend orders, on one page; what its other works ask stands on the pages beside.

Contracts are prose; every adapter is run through the contract suite of its port.

Errors: every method raises only the faults of `core.faults`. Rejected: understood, said no. Unavailable: nothing happened, we know it.
Indeterminate: it may have happened. Defect: our mistake; nobody below the process's edge catches it, but to keep one order's
from the others. Credentials: a Defect that is true of every order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from makewhole.core import clock, ids, note
from makewhole.model import act, case, claim, dossier, finding, payment, plan, playbook, policy, run, screen, verdict
from makewhole.ports import accounts, answers, indexes, trails

Heard = tuple[tuple[dossier.AnyClaim, ...], tuple[claim.Silence, ...]]
"""Claims and silences, as a source gave them."""
Headers = Sequence[tuple[str, str]]
"""HTTP headers in the order they came; names compare without case."""
Search = indexes.Search
"""What finds orders by fragments, and what fills it: on a page of their own, as nothing that decides asks them."""
Archive = indexes.Archive
ChangeLog = trails.ChangeLog


class Suspect(Protocol):
    """A row that at least one screen named."""

    @property
    def number(self) -> ids.OrderNumber:
        """The order."""
        ...

    @property
    def ailments(self) -> tuple[finding.Ailment, ...]:
        """Of what it is suspected."""
        ...

    @property
    def created_at(self) -> datetime | None:
        """For the order of work and for pages."""
        ...


class Eyes(Protocol):
    """Reads one shop. Never writes; works with a read-only account; every statement bounded."""

    @property
    def shop(self) -> ids.ShopName:
        """The shop's name, as every key is scoped by it."""
        ...

    def suspects(self, screens: Sequence[tuple[finding.Ailment, screen.Predicate]], changed_since: str | None = None) -> Iterator[Suspect]:
        """One pass over the orders, streaming, all screens at once. Screens on fields that the map lacks are left out.

        With `changed_since` (a mark from `mark()`), only rows changed since then; raises Defect if the map has no version column.
        """
        ...

    def may_write(self) -> bool | None:
        """Whether the account could write, though we never do; None where nobody can tell."""
        ...

    def moved(self, since: datetime, until: datetime) -> Iterator[ids.OrderNumber]:
        """Orders written, paid or refunded in this span, `until` not in it: a day's book is made of them. Streaming, each once."""
        ...

    def mark(self) -> str | None:
        """The newest version now, to pass to `suspects` next time; None where the map has no version column."""
        ...

    def read(self, numbers: Sequence[ids.OrderNumber]) -> Mapping[ids.OrderNumber, Heard]:
        """Everything the shop's rows say of these orders, in few statements: the order, its refunds, stock, coupon, reissue.

        Every number asked has an answer: one the shop does not know gets a silence (about order, not-found).
        """
        ...

    def payment_numbers(self, heard: Heard) -> tuple[tuple[ids.ChannelName, ids.OutTradeNo], ...]:
        """Under which numbers an order's attempts may be known at which channels, most likely first."""
        ...

    def owner(self, number: ids.OutTradeNo) -> ids.OrderNumber | None:
        """The order that an out_trade_no belongs to by the shop's own rule or rows; None where neither knows it."""
        ...

    def candidates(self, paid: payment.Attempt) -> tuple[payment.Candidate, ...]:
        """Orders that this payment may belong to (attach, amount, time, payer), at most 20."""
        ...


class Doer(Protocol):
    """Carries steps out in one system and can look whether it did. A repeat with the same key must be harmless or be refused."""

    def do(self, order: ids.OrderKey, step: plan.Step, now: datetime) -> run.News:
        """Act once. Succeeded, Pending (accepted, not done), or Refusal; faults for the rest. Never retries by itself."""
        ...

    def look(self, order: ids.OrderKey, step: plan.Step, now: datetime) -> run.News:
        """Saw whether the act took effect, or Pending or Refusal where the system says so.

        Saw(there=False) only when a request still under way can no longer land; until then Saw(there=None).
        """
        ...

    def preview(self, order: ids.OrderKey, step: plan.Step, now: datetime) -> tuple[str, ...]:
        """What `do` would change, row by row or call by call, in lines for people. Reads only."""
        ...


class Hands(Doer, Protocol):
    """Acts on one shop. A step without a hand: `can` is false, and the engine asks a person instead."""

    def can(self, step: plan.Step) -> bool:
        """Whether the shop file declares a hand for this act."""
        ...


class Channel(Doer, Protocol):
    """One merchant account at one payment channel."""

    @property
    def name(self) -> ids.ChannelName:
        """As in claims and acts."""
        ...

    def ask(self, numbers: Sequence[ids.OutTradeNo]) -> Heard:
        """What the channel says of these attempts: an Attempt or a silence for each."""
        ...

    def ask_refunds(self, numbers: Sequence[tuple[ids.RefundNo, ids.OutTradeNo]]) -> Heard:
        """What the channel says of these refunds: a ChannelRefund or a silence for each."""
        ...


class Line(Protocol):
    """An entry of the evidence log in its place."""

    @property
    def seq(self) -> int:
        """Its place, counted from 0."""
        ...

    def entry(self) -> case.Entry:
        """What it says."""
        ...


class Store(Protocol):
    """Our own memory: durable inbox, cases, runs, leases, limits, evidence. Every method that writes is one transaction.

    A commit whose answer was lost is re-read by its key, never repeated blindly. Fences: every write on a run carries the fence that
    its lease gave; a stale fence raises Rejected and changes nothing.
    """

    def open_case(self, opened: case.Case, entry: case.Entry) -> case.Case:
        """Open it, or return the one of the same id; a case that ended restored or refunded and is found again is opened anew."""
        ...

    def end_case(self, over: case.Case, entry: case.Entry) -> None:
        """Write its terminal. Ending it twice with the same terminal is ending it once."""
        ...

    def find_case(self, of: ids.CaseId) -> case.Case | None:
        """By id."""
        ...

    def cases(self, order: ids.OrderKey | None = None, *, open_only: bool = False) -> Sequence[case.Case]:
        """Of one order, or all."""
        ...

    def begin_run(
        self,
        first: run.Run,
        of: ids.CaseId,
        reservations: Sequence[verdict.Reservation],
        entries: Sequence[case.Entry],
        lease: Lease,
        known: int | None = None,
    ) -> Claimed:
        """Insert the run and reserve its limits in one transaction (law 1), leased to the caller.

        A run of this id that exists is returned as it stands, with a fence only if it is due (its `not_before` is past) and its lease
        was free and is now the caller's. An order has one run under way at most: where another one is, that one is returned, unfenced.
        Raises LimitReached, nothing changed, where a reservation does not fit; Overtaken where the order has other runs than the `known`
        that were over before it was looked at: what the plan rests on may have moved where its own row does not show it.
        """
        ...

    def save_run(self, going: run.Run, fence: int, entries: Sequence[case.Entry], not_before: datetime | None = None) -> None:
        """The run and its evidence, durable on return. Raises Rejected where the fence is stale."""
        ...

    def find_run(self, of: ids.RunId) -> run.Run | None:
        """As last saved."""
        ...

    def runs_of(self, order: ids.OrderKey) -> Sequence[run.Run]:
        """All of one order, oldest first."""
        ...

    def claim_runs(self, shop: ids.ShopName, lease: Lease, limit: int) -> Sequence[Claimed]:
        """Runs of this shop that are not over, due, and whose lease is free or expired, leased to the caller with a new fence."""
        ...

    def release_run(self, of: ids.RunId, fence: int) -> None:
        """Give the lease back before it expires."""
        ...

    def exposure(self, buckets: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        """Count and fen used of each bucket."""
        ...

    def link(self, shop: ids.ShopName, number: ids.OutTradeNo, order: ids.OrderNumber, source: str) -> None:
        """Remember an alias. Raises Rejected where the number already belongs to another order."""
        ...

    def linked(self, shop: ids.ShopName, number: ids.OutTradeNo) -> ids.OrderNumber | None:
        """The order that a number was linked to."""
        ...

    def numbers_of(self, order: ids.OrderKey) -> Sequence[ids.OutTradeNo]:
        """Numbers linked to an order."""
        ...

    def keep_notice(self, notice: Kept) -> bool:
        """Durable on return (law 6). False where the same notice (by its key) was kept already, or where it is not genuine and so many
        refused ones are kept that a stranger could fill the disk."""
        ...

    def notices(self, shop: ids.ShopName, number: ids.OutTradeNo) -> Sequence[Kept]:
        """Notices about one attempt, oldest first."""
        ...

    def notices_after(self, shop: ids.ShopName, at: datetime, key: str, limit: int) -> Sequence[Kept]:
        """All that were received later than an instant, or at it and under a greater key; the oldest first."""
        ...

    def due_notices(self, shop: ids.ShopName, now: datetime, limit: int) -> Sequence[Kept]:
        """Genuine notices to this shop that are not settled and whose next forwarding is due."""
        ...

    def note_forwarding(
        self, key: ids.Key, answer: payment.ShopAnswer, code: int | None, next_at: datetime | None, *, settled: bool
    ) -> None:
        """What the shop answered, and when to try again; settled once the shop's row shows the payment, or nobody waits any more."""
        ...

    def unsettled_payments(self, shop: ids.ShopName, now: datetime) -> Sequence[ids.OutTradeNo]:
        """Numbers of genuine notices that are not settled: orders to look at, whatever the shop's rows look like."""
        ...

    def ask(self, order: ids.OrderKey, topic: str, asked: act.AskPerson, at: datetime) -> None:
        """Put a question before people. The same topic of the same order is one question."""
        ...

    def asked(self, order: ids.OrderKey, topic: str) -> act.AskPerson | None:
        """The question as it was put."""
        ...

    def checkpoint(self, seal: note.Seal, origin: str) -> str:
        """A signed note of the evidence log as it is now, kept; one for each size (law 9)."""
        ...

    def append(self, entries: Sequence[case.Entry], once: str = "") -> None:
        """Evidence that belongs to no other write. With a key, only the first time that it is said: a mark of that name is kept."""
        ...

    def entries(self, start: int = 0) -> Iterator[Line]:
        """The evidence log from entry `start` on, as it is now."""
        ...

    def mark(self, name: str) -> str | None:
        """A remembered place (of a sweep, a reader)."""
        ...

    def set_mark(self, name: str, value: str) -> None:
        """Remember a place."""
        ...

    def move_mark(self, name: str, was: str | None, value: str) -> bool:
        """Remember a place if the one that is remembered is still `was`; False, nothing written, where somebody was faster."""
        ...


class NoticeReader(Protocol):
    """Reads a channel's callbacks."""

    def read(self, headers: Headers, body: bytes, now: datetime) -> Kept:
        """Verify over the raw bytes, decrypt, classify. Reads no clock of its own and keeps nothing.
        Raises Rejected for what is no callback at all, Unavailable where a certificate that it needs cannot be fetched now."""
        ...


class Forwarder(Protocol):
    """Hands a kept callback to the shop's own notify URL, headers and bytes as they came."""

    def forward(self, notice: Kept) -> tuple[payment.ShopAnswer, int | None]:
        """The shop's answer and its HTTP status. Raises nothing: an unreachable shop is an answer too."""
        ...


@dataclass(frozen=True, kw_only=True)
class Lease:
    """Who works, since when, for how long: a holder that is silent longer than `span` has lost it."""

    owner: str
    now: datetime
    span: timedelta


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A run and the fence to write it with; None where somebody else holds it."""

    run: run.Run
    case: ids.CaseId
    fence: int | None
    begun: bool = False
    """Whether this very call began it: then nothing of it was done yet, and an intention in it is no doubt."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A callback as it came off the wire. `key` is derived from channel and body's own id, so that a repeat is one notice."""

    key: ids.Key
    shop: ids.ShopName
    channel: ids.ChannelName
    number: ids.OutTradeNo
    check: payment.NoticeCheck
    received_at: datetime
    headers: tuple[tuple[str, str], ...]
    body: bytes
    attempt: payment.Attempt | None = None
    """What a genuine notice of a payment claims."""
    refund: payment.ChannelRefund | None = None
    """What a genuine notice of a refund claims; `number` is then the refunded payment's."""
    answer: payment.ShopAnswer = payment.ShopAnswer.NOT_FORWARDED
    answer_code: int | None = None
    forwarded: int = 0
    settled: bool = False


class Overtaken(Exception):
    """Somebody else has worked on the order since it was looked at; nothing was changed."""


class LimitReached(Exception):
    """A reservation does not fit; nothing was changed."""

    def __init__(self, reservation: verdict.Reservation) -> None:
        super().__init__(f"limit reached: {reservation.bucket}")
        self.reservation = reservation


@dataclass(frozen=True, kw_only=True)
class World:
    """Everything the movers touch, in one value: made in `wiring`, or by a simulator."""

    clock: clock.Clock
    eyes: Eyes
    hands: Hands | None
    channels: Mapping[ids.ChannelName, Channel]
    store: Store
    policies: policy.Book
    playbook: playbook.Playbook
    relayed: bool = False
    """Whether callbacks come through our relay, so that none kept means none came."""
    forwarder: Forwarder | None = None
    books: accounts.Books | None = None
    """The daily books; None where none are kept."""
    seal: note.Seal | None = None
    """Signs the evidence log's roots; None where nothing is kept."""
    trail: trails.Trail | None = None
    """What the shop's change log tells; None where nobody asks it."""
    answers: answers.Answers = field(default_factory=answers.Answers)
    """Codes that channels answered to this process's questions."""
    owner: str = "makewhole"
    lease: timedelta = timedelta(seconds=60)


def channel_names(world: World) -> Iterable[ids.ChannelName]:
    """The attached channels, in a stable order."""
    return sorted(world.channels)
