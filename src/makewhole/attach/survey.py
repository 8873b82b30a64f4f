"""A survey: what the catalogue of a shop's database and a few bounded samples show, as frozen nouns. `adapters.shops.survey` takes it."""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

Value = int | str | float | Decimal | datetime | date | None
"""A sampled value. Text may be cut, and what is neither text, number nor time is not sampled."""


class Kind(enum.Enum):
    """What matters of a column's type."""

    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    TEXT = "text"
    INSTANT = "instant"
    """DATETIME, TIMESTAMP."""
    DATE = "date"
    OTHER = "other"
    """JSON, binary, geometry: never sampled."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column as the catalogue has it. `size` is the characters or digits allowed, 0 where nothing says so."""

    name: str
    kind: Kind
    declared: str = ""
    size: int = 0
    scale: int = 0
    nullable: bool = True
    zoned: bool = False
    """Whether its instants are absolute: TIMESTAMP of MySQL, TIMESTAMPTZ of PostgreSQL."""
    comment: str = ""
    members: tuple[str, ...] = ()
    """What an ENUM allows."""
    codes: tuple[str, ...] | None = None
    """Every distinct value, where the survey could list them all at a bounded cost."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A declared foreign key of one column."""

    column: str
    table: str
    there: str


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table with its sample. `rows` is the server's own estimate."""

    name: str
    comment: str = ""
    rows: int = 0
    columns: tuple[Column, ...] = ()
    key: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    indexed: frozenset[str] = frozenset()
    references: tuple[Reference, ...] = ()
    sample: tuple[tuple[Value, ...], ...] = ()
    """Rows, each in the order of `columns`: from both ends of the primary key and from places between."""
    whole: bool = False
    """Whether the sample is the whole table."""
    shards: tuple[str, ...] = ()
    """The tables that it is in the database, where it was cut by suffix."""

    @property
    def stem(self) -> str:
        """Its name; of shards, what their names have in common."""
        return self.name.partition("{")[0].rstrip("_") if self.shards else self.name

    @functools.cached_property
    def by_name(self) -> dict[str, Column]:
        """The columns by name."""
        return {c.name: c for c in self.columns}

    @functools.cached_property
    def _values(self) -> dict[str, tuple[Value, ...]]:
        return {c.name: tuple(row[i] for row in self.sample) for i, c in enumerate(self.columns)}

    def values(self, column: str) -> tuple[Value, ...]:
        """The sampled values of one column, in the order of the rows."""
        return self._values[column]


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What is known of a database without having read any big table through."""

    database: str
    dialect: str
    """mysql, sqlite or postgres."""
    tables: tuple[Table, ...]
    zone: str = ""
    """The server's own time zone as an IANA name, empty where it does not tell."""

    @functools.cached_property
    def by_name(self) -> dict[str, Table]:
        """The tables by name."""
        return {t.name: t for t in self.tables}
