"""Rows of PostgreSQL go in as the server prints them, values come out as its log tells them: a driver's own types would lose some of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from makewhole.adapters import postgres
from makewhole.model import change

SESSION = tuple(f"SET {told.strip().replace('=', ' TO ')}" for told in postgres.SESSION.split("-c") if told.strip())
"""What a session says first, so that it prints what the log's does."""


def rows(answer: sa.CursorResult[Any], types: Sequence[int]) -> Iterator[tuple[change.Value, ...]]:
    """The rows of an answer whose columns have these types."""
    raw: Any = answer.cursor
    readers = [postgres.reader(number) for number in types]
    for i in range(raw.pgresult.ntuples):
        cells = (raw.pgresult.get_value(i, j) for j in range(len(readers)))
        yield tuple([None if cell is None else read(cell) for read, cell in zip(readers, cells, strict=True)])
    answer.close()
