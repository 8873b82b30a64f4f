"""A long run of things goes in, short lists come out: what is asked of a database or a channel is asked a bounded number at a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import TypeVar

One = TypeVar("One")


def batches(things: Iterable[One], size: int) -> Iterator[list[One]]:
    """Lists of at most `size`, in order; nothing is read ahead of the list that is handed out."""
    rest = iter(things)
    while batch := list(itertools.islice(rest, size)):
        yield batch
