"""The page of ports for taking changes back: the change log run through like a film, and the hand that writes rows back.

A plan comes from the film (`makewhole rollback`) or from an image (`images restore`); the hand is the same, and so is what it checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from makewhole.model import cell, change, rollback, trail

Live = Mapping[str, Mapping[str, cell.Cell] | None]
"""What stands in rows now, by `Net.name()`: every column that may be read, as cells; None for a row that is not there."""


@dataclass(frozen=True, kw_only=True)
class Passing:
    """One transaction as the film runs by. Its changes are decoded as they are asked for: there may be millions."""

    head: change.Transaction
    """Without its changes."""
    tables: frozenset[tuple[str, str]]
    """Schema and table, lower case, of every row that it wrote."""
    changes: Callable[[frozenset[tuple[str, str]] | None], Iterator[change.Change]]
    """In the order of the log; of these tables, or of all."""
    speaks: Callable[[str, str], str]
    """The first of its statements without row images that names this schema and table; empty where none does."""


class Film(Protocol):
    """The change log of one server, run through from its oldest byte to now. Reads only."""

    def end(self) -> change.Position:
        """Where the log ends now."""
        ...

    def run(self, since: change.Position | None = None) -> Iterator[Passing]:
        """Every transaction from this place, or from the oldest, to the log's end.

        Raises BadInput for a log that has a gap, is purged there, or cannot be read; Unavailable for a silent server.
        """
        ...

    def whole(self) -> bool:
        """Whether what was run began with the database's first write, and not with the oldest that is left."""
        ...

    def watch(self, table: str) -> None:
        """See to it that what is written to this table of ours stands in the log: a server's holds everything, triggers hold what they are
        on."""
        ...

    def lacking(self, table: change.Table) -> str:
        """What may have kept a change of this table from being told whole, in words."""
        ...

    def beyond(self) -> str:
        """What this log does not hold by its nature, in words, for whoever reads a plan; empty where it holds every table's rows."""
        ...

    def drift(self, table: change.Table) -> Mapping[str, str]:
        """Columns of a table as the log described it that are another thing today, by name, with what is different; a column that
        is new counts. Raises BadInput where the log itself does not name the table's columns and key."""
        ...


@dataclass(frozen=True, kw_only=True)
class Held:
    """Rows under lock."""

    live: Live
    done: frozenset[str]
    """Rows, by name, that this plan wrote before: the audit table says so."""
    exact: bool = False
    """Every row is there and held exactly what the plan expects (`rollback.expected`): nobody tells it row by row, and `live` is empty."""


@dataclass(frozen=True, kw_only=True)
class Wrote:
    """What one transaction of the hand did."""

    before: Mapping[str, Mapping[str, cell.Cell] | None]
    """What stood in each row that was written, under the lock."""
    block: rollback.Block
    """The rows that were written."""
    earlier: int
    exact: bool = False
    """As in `Held`: `before` is empty then."""
    proven: bool = False
    """After the commit, all of the rows were asked for again and hold what was written; where not, they are to be read."""


class Reverser(Protocol):
    """Writes rows of one shop's database back. Every statement has parameters; every session says its zone, mode and character set."""

    def place(self) -> rollback.Place:
        """Which server and database this is. Raises Unavailable for a silent one."""
        ...

    def ready(self) -> None:
        """Make the audit table, if it is not there. Raises Rejected on a replica, a read-only server, or one whose log would not tell our
        own writes whole; BadInput where the account may not."""
        ...

    def describe(self, tables: Sequence[str]) -> Mapping[str, rollback.Form]:
        """These tables as they are now, by name in lower case; those that are not there are left out. Reads only."""
        ...

    def read(self, rows: Sequence[rollback.Net], forms: Mapping[str, rollback.Form]) -> Live:
        """What stands in these rows now, without a lock."""
        ...

    def write(
        self,
        plan: str,
        block: rollback.Block,
        forms: Mapping[str, rollback.Form],
        decide: Callable[[Held], rollback.Block],
    ) -> Wrote:
        """One transaction: lock these rows in the order of their keys, hand what stands there to `decide`, write what it gives back (the
        same block, where that is all of it), and their names in the audit table with it, commit.

        The statements touch exactly as many rows as `decide` gave, or all is rolled back. Whatever `decide` raises rolls back too. It may
        be asked twice: first of rows that were compared and written in one statement each, which is rolled back where it does not want
        them all.
        Raises Rejected where the database refuses, Unavailable where nothing happened, Indeterminate where the commit's answer was lost:
        the same call again then finds the rows done.
        """
        ...


class Shelf(Protocol):
    """Where the rows of a rollback lie while it is thought about: in bounded memory, whatever their number."""

    def get(self, name: str) -> trail.Trail | None:
        """A row's trail so far."""
        ...

    def put(self, name: str, told: trail.Trail | None) -> None:
        """Remember it; None forgets the row."""
        ...

    def same(self, unit: str, number: str) -> None:
        """Two names of one unit: an order's key, by which some rows know it, and its number; or a part's key, and its order's key."""
        ...

    def number(self, unit: str) -> str:
        """What was told of a unit that is named by a key: for an order's its number; empty where nothing was."""
        ...

    def trails(self) -> Iterator[tuple[str, trail.Trail]]:
        """All rows, those of one unit side by side, with the unit's name."""
        ...

    def keep(self, line: bytes) -> None:
        """Remember a line of the plan."""
        ...

    def lines(self) -> Iterator[bytes]:
        """The lines, in the order in which they were kept."""
        ...

    def quiet(self) -> bool:
        """Whether nobody wrote any row since the plan was made."""
        ...

    def happened(self, name: str, event: trail.Later) -> None:
        """Remember that somebody wrote a row after the plan was made."""
        ...

    def since(self, name: str) -> tuple[trail.Later, ...]:
        """What somebody did to a row after the plan was made, oldest first."""
        ...
