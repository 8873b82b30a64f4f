"""What the daily books need of the world: whoever gives bills, whoever compares books, and what remembers both.

Contracts are prose, as in `ports`; every method raises only the faults of `core.faults`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol, runtime_checkable

from makewhole.books import fees
from makewhole.core import faults, ids
from makewhole.model import bank, bill, case, comparison, difference, fetched

Owner = Callable[[ids.OutTradeNo], ids.OrderNumber | None]
"""Which order a payment belongs to, by the shop's own rule or rows."""


Theirs = fetched.RawBill | Iterable[bill.Line]
"""Their book: the bill as it came, or lines that were asked for one by one."""


class Altered(faults.Defect):
    """A record of ours is not what it was when it was written. `record` says which: nothing at this channel is settled on such ground."""

    def __init__(self, record: str, channel: ids.ChannelName | None) -> None:
        super().__init__(f"{record} is no longer what was stored: its digest does not fit", code="altered")
        self.record, self.channel = record, channel


@runtime_checkable
class BillSource(Protocol):
    """One merchant account's bills."""

    @property
    def merchant(self) -> str:
        """Our number there, which stands in every line."""
        ...

    def fetch_bill(self, day: date) -> fetched.Fetched:
        """The bill of a Beijing day as raw bytes; that there is none; or that it is not made yet, which is a value and no fault.

        Raises Unavailable where it cannot be had now, Rejected for a day that the channel does not keep.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Access:
    """Our leave to ask a marketplace: until when, where we know, and whether we renew it ourselves."""

    until: datetime | None
    renews: bool
    unkept: str = ""
    """Why a renewed one could not be kept, which is why it would not be asked for."""


@runtime_checkable
class AccountSource(BillSource, Protocol):
    """A marketplace that takes the buyers' money and settles days later. Its account lines of a day are its bill; they name orders."""

    def lines(self, raw: fetched.RawBill) -> Sequence[bill.Line]:
        """The book that they are, numbered from 1: a payment under its order's number. Raises `bill.Refused`, for one wrong line too."""
        ...

    def access(self) -> Access:
        """Whether we may ask, by asking; nothing is renewed by that. Leave that is over and that we renew ourselves is not tried.

        Raises Credentials, Unavailable or Rejected.
        """
        ...


class Accountant(Protocol):
    """Compares two books of a day."""

    def same(self, one: fetched.RawBill, other: fetched.RawBill) -> bool:
        """Whether two bills of a day say the same, however they are packed. Raises `bill.Refused` where one cannot be unpacked."""
        ...

    def compare(
        self,
        ours: Iterable[bill.Line],
        theirs: Theirs,
        window: bill.Window,
        *,
        carried: Sequence[bill.Line] = (),
        owner: Owner | None = None,
    ) -> comparison.Comparison:
        """Every line of both books in exactly one class (law 7, checked here: Defect where it does not hold).

        `carried`: lines of theirs from earlier days that still wait for a partner, numbered below 0. Raises `bill.Refused` for a bill that
        is wrong in any line, nothing compared.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Closing:
    """A day at one channel, closed: against what, with which result. `source`: the bill's digest, `no-bill`, or `query`."""

    shop: ids.ShopName
    channel: ids.ChannelName
    merchant: str
    day: int
    stage: bill.Stage
    source: str
    at: datetime
    sums: tuple[comparison.Sum, ...] = ()
    settled: tuple[comparison.Settled, ...] | None = None
    """What the bill pays out; None of days that were closed before this was reckoned, and of the evening."""
    version: int = 0
    """How often the channel has corrected its bill since the day was closed first, and the day was closed anew."""


class Ledger(Protocol):
    """Our memory of bills and differences. Append only: what was written is never changed, and read only against its digest.

    Reading raises Altered for a record that no longer fits the digest it was stored with.
    """

    def keep_bill(self, shop: ids.ShopName, had: fetched.Had, at: datetime, entry: case.Entry, *, anew: bool = False) -> bool:
        """Durable on return; False, nothing written, where one of this day is kept already: `anew`, where this very one is.

        What was kept before stays; the last one is found.
        """
        ...

    def find_bill(self, shop: ids.ShopName, channel: ids.ChannelName, merchant: str, day: date) -> fetched.Had | None:
        """As it was kept."""
        ...

    def check_notices(self, shop: ids.ShopName, channel: ids.ChannelName, since: datetime, until: datetime) -> None:
        """Every genuine callback of this span is what it was when it was kept. Raises Altered for the first that is not."""
        ...

    def keep(self, found: Sequence[difference.Difference], entries: Sequence[case.Entry]) -> Sequence[difference.Difference]:
        """Those that were not known yet, durable on return; `entries` has one for each that is handed in."""
        ...

    def add(self, of: ids.Key, move: difference.Move, entry: case.Entry) -> difference.Followed:
        """One move more, with its evidence. The same move again changes nothing.

        Raises Rejected, nothing changed, where there is no such difference, where it is over, or where somebody decided otherwise.
        """
        ...

    def find(self, of: ids.Key) -> difference.Followed | None:
        """By id."""
        ...

    def of_order(self, order: ids.OrderKey) -> Sequence[difference.Followed]:
        """Of one order, those that are not over, the oldest first."""
        ...

    def decided(self, order: ids.OrderKey) -> Sequence[difference.Followed]:
        """Of one order, those about which a person has decided anything, over or not, the oldest first."""
        ...

    def orders(self, shop: ids.ShopName, channel: ids.ChannelName) -> frozenset[ids.OrderNumber]:
        """Orders with a difference that is not over: asked once for many orders that are looked at, of which few have any."""
        ...

    def unsettled(self, shop: ids.ShopName, channel: ids.ChannelName) -> Sequence[difference.Followed]:
        """All of a channel that are not over, the oldest first. One channel's altered record says nothing of the others'."""
        ...

    def of_days(self, shop: ids.ShopName, channel: ids.ChannelName, first: int, last: int) -> Sequence[difference.Followed]:
        """All that were found in the books of these days, over or not."""
        ...

    def begin(self, shop: ids.ShopName, channel: ids.ChannelName, day: int, stage: bill.Stage, turn: Turn, version: int = 0) -> bool:
        """Whether the day is the caller's to close: nobody has in this version, and nobody else is about to within its lease."""
        ...

    def close(self, closing: Closing, owner: str, entry: case.Entry) -> None:
        """The day is closed, once in each version. Raises Rejected where the caller's turn is over."""
        ...

    def closings(self, shop: ids.ShopName, channel: ids.ChannelName, first: int) -> Sequence[Closing]:
        """Of the days from `first` on, the oldest first, each in its last version."""
        ...

    def keep_statement(self, shop: ids.ShopName, told: bank.Statement, at: datetime, entry: case.Entry) -> bool:
        """Durable on return; False, nothing written, where this very file is kept already."""
        ...

    def has_statement(self, shop: ids.ShopName, digest: str) -> bool:
        """Whether a file with this digest is kept."""
        ...

    def statements(self, shop: ids.ShopName, first: int) -> Sequence[bank.Statement]:
        """Those that tell of days from `first` on, in the order in which they were kept. Raises Altered."""
        ...

    def halt(self, shop: ids.ShopName, channel: ids.ChannelName, record: str, entry: case.Entry) -> bool:
        """Settle nothing at this channel until a person says so; False where it was halted already."""
        ...

    def halted(self, shop: ids.ShopName, channel: ids.ChannelName) -> str | None:
        """By which record; None where it is not."""
        ...

    def resume(self, shop: ids.ShopName, channel: ids.ChannelName, entry: case.Entry) -> None:
        """A person has looked. What does not fit its digest is set aside, kept and believed by nobody: a bill may be fetched again, a day
        is to be closed anew, and a difference to be found anew with its day; a callback is no genuine one any more."""
        ...


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Who closes a day, since when, for how long at most without a word."""

    owner: str
    now: datetime
    span: timedelta


class Drawer(Protocol):
    """Where people put a bank's statements."""

    def names(self) -> Sequence[str]:
        """What lies there now, in a stable order. Raises Unavailable where it cannot be looked into."""
        ...

    def digest(self, name: str) -> str:
        """SHA-256 of what lies there under this name. Raises Unavailable."""
        ...

    def read(self, name: str) -> bank.Statement:
        """The statement. Raises `bill.Refused` for the first line that is wrong, Unavailable where it cannot be read now."""
        ...


@dataclass(frozen=True, kw_only=True)
class Books:
    """All that the daily books need, in one value."""

    sources: Mapping[ids.ChannelName, BillSource]
    rates: Mapping[ids.ChannelName, fees.Rate] = field(default_factory=dict)
    """The fees that were agreed on; where none is named, fees are shown and not compared."""
    accountant: Accountant
    ledger: Ledger
    bank: Drawer | None = None
    """Where the merchant puts the bank's statements; None where no folder is named."""
