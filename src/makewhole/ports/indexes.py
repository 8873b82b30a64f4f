"""What finds orders by fragments and what fills it: contracts in prose, one suite of tests for every adapter.

Raises the faults of `core.faults`, as ports do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from makewhole.model import document


class Search(Protocol):
    """Finds documents by fragments of their text. The meaning of a word is `document.searchable`: it is found wherever it stands in it.

    Raises Unavailable where the index is not to be had now (another process writes), BadInput where its files are not what they should be.
    """

    def index(self, documents: Iterable[document.Document], marks: Mapping[str, str] | None = None) -> int:
        """Durable on return, documents and marks in one commit or none; how many documents were taken. A key that is there is replaced."""
        ...

    def find(self, asked: document.Asked) -> document.Found:
        """The best hits and the exact total. Words are text: no operator, no wildcard, no syntax."""
        ...

    def forget(self, *, source: str | None = None, before: datetime | None = None) -> int:
        """Delete by source, by time, or by both at once; how many were deleted. Documents without a time are older than any time."""
        ...

    def mark(self, name: str) -> str | None:
        """A place remembered with `index`: how far a feed has come in this very index."""
        ...

    def size(self) -> int:
        """How many documents there are; marks do not count."""
        ...

    def clear(self) -> None:
        """Throw everything away, marks too; also where the index is damaged."""
        ...


class Archive(Protocol):
    """Every order that a shop ever had, in pages, for the index. Reads only; every statement bounded."""

    def pages(self, after: str | None) -> Iterator[tuple[Sequence[document.Document], str]]:
        """Documents in the order of the table's key, each page with the mark to go on from."""
        ...
