"""What the log tells of one row from the first bad change of it to now, folded as it is read: small, however much happened."""

from __future__ import annotations

from datetime import datetime

import msgspec

from makewhole.core import codec
from makewhole.model import rollback
from makewhole.model.cell import Cell


class Later(codec.Noun, frozen=True, kw_only=True):
    """A change by somebody else."""

    by: str
    at: datetime
    kind: str
    """`change.Kind`, by value."""
    columns: tuple[str, ...]
    """Which columns got another value; of a row inserted or deleted, all."""


class Trail(codec.Noun, frozen=True, kw_only=True):
    """One row. A bad change is one that is to be taken back; a good one is anybody else's after the first bad one."""

    table: str
    key: dict[str, Cell]
    """As the row is called now."""
    unit: str
    born: bool = False
    """Whether the first bad change inserted it."""
    there: bool = True
    """Whether the row is there after what was read so far."""
    first: dict[str, Cell] = msgspec.field(default_factory=dict)
    """What stood in each column before its first bad change: what is to stand there again."""
    last: dict[str, Cell] = msgspec.field(default_factory=dict)
    """What the last bad change left in each of them: what must still stand there."""
    later: dict[str, Later] = msgspec.field(default_factory=dict)
    """Good changes of other columns, the last of each."""
    clash: rollback.Clash | None = None
    """The first thing that stands in the way."""
    clash_columns: tuple[str, ...] = ()
    clash_by: Later | None = None
    first_by: str
    last_by: str
