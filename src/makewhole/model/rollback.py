"""Taking changes back: what was meant (scope), what would be written (one net change a row), what is left alone, and what was done.

A plan is made once, hashed over the canonical bytes of every line, and applied as it is or not at all. Plans come from the change
log (a scope), from an image (`FromImage`), or from an earlier rollback (`Undo`): whoever makes one, the same hand applies it.
"""

from __future__ import annotations

import enum
import functools
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from makewhole.core import codec
from makewhole.model.cell import Cell
from makewhole.model.change import Position

ROWS_MAX = 1000
"""Rows of one database transaction: more hold their locks longer than a shop's own requests wait."""
SEEN_MAX = 1000
"""Transactions that a plan tells one by one; of more, how many there were."""
FORMAT = 1


class Scope(codec.Noun, frozen=True, kw_only=True, tag="scope"):
    """Which changes are to be taken back: all that is said must hold at once. At least one of transactions, since and user is said."""

    transactions: tuple[str, ...] = ()
    """The server's GTIDs (or file:offset, or a SQLite log's number), as `history` tells them."""
    since: datetime | None = None
    until: datetime | None = None
    """Committed at `since` or later and before `until`."""
    user: str = ""
    """As the server names who wrote it, or as the shop's own history rows of the same transaction do."""
    connection: int | None = None
    orders: tuple[str, ...] = ()
    """Only rows of these orders, by number."""
    columns: tuple[str, ...] = ()
    """Only these columns; all that were changed, where none is said."""


class FromImage(codec.Noun, frozen=True, kw_only=True, tag="image"):
    """Rows are brought back to what an image holds."""

    image: str
    as_of: datetime
    orders: tuple[str, ...] = ()


class Undo(codec.Noun, frozen=True, kw_only=True, tag="undo"):
    """An earlier rollback is taken back, whose plan had this hash."""

    plan: str


Origin = Scope | FromImage | Undo


class How(enum.Enum):
    """What is written to take a row's change back."""

    REWRITE = "rewrite"
    """The row is there and gets the values of `back`."""
    REINSERT = "reinsert"
    """The row was deleted and is inserted again, whole."""
    REMOVE = "remove"
    """The row was inserted and is deleted again."""


Cells = tuple[tuple[str, Cell], ...]
Contents = tuple[str, Cells, Cells]
"""Table, what must stand, what is written: equal for rows that a bulk edit changed alike."""


class Net(codec.Noun, frozen=True, kw_only=True, tag="net", gc=False):
    """One row's whole way back, however many changes it collapses. It refers to nothing that could refer to it: no collector need look."""

    table: str
    key: dict[str, Cell]
    unit: str
    """What goes back together or not at all: the order's number; of a row that is no order's, the row itself."""
    how: How
    now: dict[str, Cell]
    """What must stand in the row under the lock, column by column; nothing for a row that must not be there."""
    back: dict[str, Cell]
    """What is written; nothing for a row that is removed."""
    by: tuple[str, ...]
    """The first and the last transaction that is taken back; of an image, its name."""
    later: tuple[str, ...] = ()
    """Other columns that somebody changed afterwards: they stay as they are."""

    def name(self) -> str:
        """Which row, in one text."""
        return row_name(self.table, self.key)

    def contents(self) -> Contents:
        """What is told of a row beside its key: a bulk edit changed thousands alike."""
        return self.table, tuple(self.now.items()), tuple(self.back.items())


@dataclass(frozen=True, kw_only=True)
class Block:
    """Rows that are written in one transaction (at most `ROWS_MAX`), in the order in which they are."""

    rows: Sequence[Net]

    @functools.cached_property
    def kinds(self) -> Mapping[Contents, Sequence[Net]]:
        """The same rows by their contents: of a bulk edit there are few."""
        found: dict[Contents, list[Net]] = {}
        for row in self.rows:
            found.setdefault(row.contents(), []).append(row)
        return found


class Clash(enum.Enum):
    """Why a row is left alone."""

    CHANGED_LATER = "changed-later"
    """Somebody wrote the same column after the change, or between two of the changes."""
    GONE = "gone"
    """The row is not there any more."""
    BACK_AGAIN = "back-again"
    """A row with this key is there again."""
    CASCADED = "cascaded"
    """The database itself changes or deletes rows that refer to this one, and writes nothing of it to its log."""
    SETTLED = "settled"
    """Money went back, or may have: SQL does not bring it here again."""
    TYPE_CHANGED = "type-changed"
    """The column is not there any more, or of another type than when the change was made."""
    WITH_ORDER = "with-order"
    """Another row of the same order is left alone: half an order is worse than none."""


class Conflict(codec.Noun, frozen=True, kw_only=True, tag="conflict"):
    """A row that is left alone, and why."""

    net: Net
    clash: Clash
    columns: tuple[str, ...] = ()
    by: str = ""
    """The transaction that stands in the way, where one does."""
    at: datetime | None = None
    live: dict[str, Cell] = msgspec.field(default_factory=dict)
    """What stands there instead, where it was read."""


class Mode(enum.Enum):
    """What a conflict means for the rest. Chosen when the plan is made."""

    SKIP_CONFLICTS = "skip-conflicts"
    ALL_OR_NOTHING = "all-or-nothing"


class Column(codec.Noun, frozen=True, kw_only=True):
    """A column as the database has it now."""

    name: str
    type: str
    """The server's own words, sign, length, fraction and labels included."""
    collation: str = ""
    """Of text: character set and how it compares, as the server calls it."""
    written: bool = True
    """False for what the server makes by itself (generated, of system versions) or hides: never written."""
    ticks: bool = False
    """It is set at every write (ON UPDATE): set to now, never back."""
    counts: bool = False
    """The shop counts a row's writes in it: one more at ours too, never back, so that nobody takes the row for the one it read before."""


class Reference(codec.Noun, frozen=True, kw_only=True):
    """Another table's columns that refer to this one's, and what the server does to them."""

    table: str
    columns: tuple[str, ...]
    to: tuple[str, ...]
    on_delete: str
    on_update: str
    told: bool = False
    """Whether the log holds what the server does to them, as PostgreSQL's does: then rows that went with their parent come back with it."""


class Form(codec.Noun, frozen=True, kw_only=True):
    """A table as the database has it now. A plan holds for this form and no other."""

    table: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    parents: tuple[str, ...] = ()
    """Tables that this one refers to: they are inserted first and removed last."""
    children: tuple[Reference, ...] = ()
    triggers: tuple[str, ...] = ()
    """They fire, as this is ordinary SQL: stated in the plan."""


class Place(codec.Noun, frozen=True, kw_only=True):
    """One database of one server, by what tells it from every other."""

    server: str
    database: str


class Seen(codec.Noun, frozen=True, kw_only=True):
    """A transaction of which rows are taken back, whole: what else it wrote is told too."""

    id: str
    at: datetime
    position: str
    user: str = ""
    connection: int | None = None
    statement: str = ""
    taken: dict[str, int] = msgspec.field(default_factory=dict)
    """Rows that are taken back, by `table kind`."""
    left: dict[str, int] = msgspec.field(default_factory=dict)
    """Rows of the same transaction that are not."""


class Header(codec.Noun, frozen=True, kw_only=True, tag="plan"):
    """The first line of a plan."""

    format: int = FORMAT
    shop: str
    place: Place
    origin: Origin
    made_at: datetime
    read_to: Position
    """The log is known up to here; whatever comes later is looked at when the plan is applied."""
    mode: Mode = Mode.SKIP_CONFLICTS
    partial: bool = False
    """That only a part of some transaction goes back was said in so many words."""
    money: bool = False
    """Amounts are written: a second person approves."""
    forms: tuple[Form, ...]
    seen: tuple[Seen, ...] = ()
    transactions: int
    rows: int
    conflicts: int
    notes: tuple[str, ...] = ()


class End(codec.Noun, frozen=True, kw_only=True, tag="end"):
    """The last line of a plan: the hash of all lines before it."""

    hash: str


AnyLine = Header | Net | Conflict | End


class Batch(codec.Noun, frozen=True, kw_only=True, tag="batch"):
    """What one database transaction did: a line of the receipt."""

    plan: str
    number: int
    at: datetime
    transactions: tuple[str, ...]
    """Under which GTIDs it stands in the database's own log."""
    begins: Position
    ends: Position
    rows: tuple[Net, ...]
    before: tuple[dict[str, Cell], ...]
    """Of each row, what stood in it under the lock; nothing where all were `exact`."""
    exact: bool = False
    """Under the lock, each row held exactly what it says itself: `now`."""
    left: tuple[Conflict, ...] = ()
    earlier: int = 0
    """Rows that an earlier run of the same plan had done."""
    recovered: bool = False
    """An earlier run committed it and died before it told anybody: found in the log and told now."""


class Receipt(codec.Noun, frozen=True, kw_only=True, tag="receipt"):
    """The last line: everything was read again, and is what the plan says."""

    plan: str
    by: str
    approved_by: str = ""
    began_at: datetime
    ended_at: datetime
    rows: int
    left: int
    earlier: int
    transactions: tuple[str, ...]
    proven: int
    """Rows that were read again after the commit and hold what was written."""


def row_name(table: str, key: Mapping[str, Cell]) -> str:
    """One text for one row: table and key."""
    if len(key) == 1:
        ((column, value),) = key.items()
        return f"{table.lower()}\x1f{column.lower()}={value}"
    return "\x1f".join([table.lower(), *sorted(f"{c.lower()}={v}" for c, v in key.items())])


def expected(net: Net) -> dict[str, Cell]:
    """What stands in a row that is exactly as the plan says, as far as the plan looks at it."""
    return {**net.key, **net.now}


def names(rows: Iterable[Net]) -> list[str]:
    """The names of rows that are called once."""
    return [row_name(row.table, row.key) for row in rows]


def row_digest(name: str) -> str:
    """A row's name in 64 characters, however long its key is."""
    return hashlib.sha256(name.encode()).hexdigest()


class Hasher:
    """The hash of a plan, line by line: SHA-256 over each line's canonical bytes and its line end."""

    def __init__(self) -> None:
        self._told = hashlib.sha256()

    def add(self, line: bytes) -> None:
        """One more line, without its end."""
        self._told.update(line + b"\n")

    def add_whole(self, lines: bytes) -> None:
        """More lines, each with its end."""
        self._told.update(lines)

    def hex(self) -> str:
        """64 characters in lower case."""
        return self._told.hexdigest()
