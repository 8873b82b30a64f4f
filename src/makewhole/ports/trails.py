"""What reads a shop's change log onwards, what its transactions mean there, and where that is kept: whatever the log tells
the engine. It never says what to do, only which order to look at, and what of its row nothing explains.

Raises the faults of `core.faults`, as ports do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from makewhole.core import faults, ids
from makewhole.model import change, rowchange
from makewhole.model.order import OrderState


class Purged(faults.BadInput):
    """The server has not got the place any more from which to read on: what was written in between, nobody knows."""


class ChangeLog(Protocol):
    """What the shop's database itself remembers of its writes, as far back as it does. Reads only."""

    def touching(self, sought: Sequence[change.Sought]) -> Iterator[change.Transaction]:
        """Transactions that wrote one of these rows, whole, oldest first; and statements without images that speak of their tables.
        Raises BadInput for a log that cannot be read (purged, truncated, corrupt, no rows), Unavailable for a silent server."""
        ...


@dataclass(frozen=True, kw_only=True)
class Step:
    """One transaction of the shop's tables; or none, and only how far the log was read."""

    place: str
    """Where to read on, in the log's own words."""
    transaction: change.Transaction | None = None
    gap: str = ""
    """What the log does not tell at this place, in words: rows that were changed without images, columns that were named too late."""


class Stream(Protocol):
    """The change log from a place on."""

    def read(self, since: str | None, *, follow: bool = False) -> Iterator[Step]:
        """To the log's end now; with `follow`, and then whatever comes, with a step without a transaction at least every second.

        Without a place: as far back as is cheap. Raises Purged where the place is gone, BadInput for a log that cannot be read,
        Unavailable for a silent server.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Meant:
    """What one transaction means in a shop."""

    changes: tuple[rowchange.RowChange, ...]
    """Net changes of orders' own rows."""
    told: tuple[tuple[ids.OrderNumber, OrderState], ...]
    """What the shop's own history tells that orders became."""
    named: frozenset[ids.OrderNumber]
    """Every order of which it wrote a row."""


class Lens(Protocol):
    """Reads a transaction as the shop's map does."""

    def read(self, told: change.Transaction) -> Meant:
        """What it means. Reads the shop's rows where a child row knows its order by key alone."""
        ...


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is remembered of a shop's change log."""

    stands: Mapping[ids.OrderNumber, tuple[rowchange.RowChange, ...]]
    """What stands of each order's trail; with `note`, an empty one is forgotten, and an order that is not here stays as it was."""
    place: str | None = None
    """Where to read on."""
    since: datetime | None = None
    """From when on the log was read without a gap."""


class Whole(Protocol):
    """Tells an order's state from images of its own row and of its parts' rows, in shops whose orders have parts."""

    def key(self, part: change.Image) -> str:
        """What tells a part's row from another's."""
        ...

    def part(self, part: change.Image) -> str | None:
        """Our word for a part's own state; None where its image does not tell it."""
        ...

    def state(self, own: change.Image, parts: Iterable[change.Image] | None) -> str | None:
        """Our word; None where the images do not tell it. `parts` is None where not all of them are known."""
        ...


class Notebook(Protocol):
    """Remembers it, durable on return."""

    def note(self, shop: ids.ShopName, news: Known) -> None:
        """Trails and place in one transaction."""
        ...

    def read(self, shop: ids.ShopName) -> Known:
        """All that stands."""
        ...


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How much of the log was heard."""

    since: datetime | None = None
    """From when on; None where nothing was."""
    trouble: str = ""
    """Why not more, in words; empty where all is well."""


class Trail(Protocol):
    """What the change log has told so far, ready to be asked order by order, from any thread."""

    def catch_up(self, now: datetime) -> None:
        """Read on to the log's end. Raises nothing of the log's own: what is wrong with it is told by `coverage`."""
        ...

    def follow(self, now: Callable[[], datetime], stopped: Callable[[], bool]) -> Iterator[frozenset[ids.OrderNumber]]:
        """Which orders each transaction wrote, as it is committed; an empty set about every second. Ends when stopped, or where the log
        cannot be read, for which see `coverage`."""
        ...

    def read(self, since: str | None) -> Iterator[tuple[Step, Meant | None]]:
        """The log from a place of the caller's own to its end now, and what each transaction means; what stands is not touched by it.
        Raises as `Stream.read` does."""
        ...

    def of(self, number: ids.OrderNumber, now: datetime) -> tuple[rowchange.RowChange, ...]:
        """What stands of an order's trail; read anew where something stood, as only then it can be gone."""
        ...

    def orders(self) -> tuple[ids.OrderNumber, ...]:
        """Every order of which something stands."""
        ...

    def coverage(self) -> Coverage:
        """How much was heard."""
        ...
