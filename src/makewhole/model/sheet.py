"""Rows of an image, column by column: a million values lie in twenty lists, and a row is put together when somebody asks for it."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, overload

from makewhole.model import change
from makewhole.model.image import Form, Op, Row


class Block(NamedTuple):
    """Rows of one role, each list in the order in which they were told; `order` says which of them comes first, second, …"""

    role: str
    links: Sequence[str]
    keys: Sequence[str]
    ops: Sequence[Op]
    types: Sequence[str]
    columns: Sequence[Sequence[str | None]]
    """In the order of the table's columns; None throughout in a row that is gone."""
    order: Sequence[int] | None = None
    """None where they lie in their order already. Whoever writes them moves them once; lists of texts are dear to move."""

    def row(self, place: int) -> Row:
        """The one at this place of their order."""
        at = place if self.order is None else self.order[place]
        gone = self.ops[at] in GONE
        values = None if gone else tuple(column[at] for column in self.columns)
        return Row(self.role, self.links[at], self.keys[at], self.ops[at], values, self.types[at])


GONE = frozenset({Op.DELETE, Op.MOVED})
"""What a row without values says."""


class Sheet(Sequence[Row]):
    """Blocks, each of another role."""

    def __init__(self, blocks: Sequence[Block] = ()) -> None:
        self.blocks = tuple(block for block in blocks if block.keys)
        self._ends = list(itertools.accumulate(len(block.keys) for block in self.blocks))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __iter__(self) -> Iterator[Row]:
        return (block.row(at) for block in self.blocks for at in range(len(block.keys)))

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> list[Row]: ...
    def __getitem__(self, at: int | slice) -> Row | list[Row]:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(len(self)))]
        place = range(len(self))[at]
        block = bisect.bisect_right(self._ends, place)
        return self.blocks[block].row(place - (self._ends[block - 1] if block else 0))

    def counted(self) -> dict[str, int]:
        """Rows by role; that one left an order is told with the row itself."""
        told = ((block.role, len(block.ops) - block.ops.count(Op.MOVED)) for block in self.blocks)
        return {role: count for role, count in told if count}

    def links(self) -> Iterator[tuple[str, Sequence[str]]]:
        """The orders of each block's rows, by role, as they were told."""
        return ((block.role, block.links) for block in self.blocks)


def read(form: Form, images: Sequence[change.Image], op: Op = Op.BASE) -> Sheet:
    """Rows of one table as they stand there, in this order; those of the form's kind."""
    if form.kind is not None:
        images = [image for image in images if form.kind(image)]
    columns, types = form.columns(images)
    return Sheet([Block(form.table.role, form.links(images), form.keys(images), [op] * len(images), types, columns)])


def newest(rows: Iterable[tuple[int, Row]]) -> Iterator[Row]:
    """Rows of several images, each with its image, in any order: what is there after the last of them."""
    last: dict[tuple[str, str, str], tuple[int, Row]] = {}
    for image, row in rows:
        place = row[:3]
        if place not in last or last[place][0] <= image:
            last[place] = (image, row)
    return (row for _, row in last.values() if row.values is not None)
