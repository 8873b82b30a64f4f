"""The page of ports for images every 15 minutes: the shop's log and tables that they are made of, and the album that keeps them.

Raises the faults of `core.faults`, as ports do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from makewhole.model import change, image
from makewhole.model.sheet import Sheet

Changed = tuple[image.Head, Sheet]
"""A head, and the rows that changed since what was there before, sorted as `fold.Fold` does."""


@dataclass(frozen=True, kw_only=True)
class Meanwhile:
    """What was written since an image, and while its shop was read."""

    since: Sheet
    """Rows that changed since the image."""
    unsure: frozenset[tuple[str, str]]
    """Role and key of rows that changed while the pages were read: no page can tell when it saw them."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One row that is another one in a later image. `before` or `after` is None where it was not there."""

    role: str
    link: str
    key: str
    before: Mapping[str, str | None] | None
    after: Mapping[str, str | None] | None


class Passing(Protocol):
    """One transaction of the log."""

    @property
    def head(self) -> change.Transaction:
        """Without its changes."""
        ...

    @property
    def changes(self) -> Callable[[frozenset[tuple[str, str]] | None], Iterator[change.Change]]:
        """In the order of the log; of these tables (schema and name, lower case), or of all."""
        ...

    @property
    def speaks(self) -> Callable[[str, str], str]:
        """The first of its statements without row images that names this schema and table; empty where none does."""
        ...


class Log(Protocol):
    """The shop's change log, as `reversals.Film` runs through it."""

    def end(self) -> change.Position:
        """Where the log ends now."""
        ...

    def run(self, since: change.Position | None = None) -> Iterator[Passing]:
        """Every transaction from this place to the log's end. Raises BadInput for a log that has a gap there, or cannot be read."""
        ...


class Tables(Protocol):
    """The shop's tables as they are. Reads only; every statement bounded."""

    def pages(self) -> Iterator[Sheet]:
        """Every row of every imaged table, once, page after page. Not at one instant: what was written meanwhile is in the log."""
        ...


@dataclass(frozen=True, kw_only=True)
class Source:
    """The shop, as images are made of it."""

    log: Log
    server: str
    """What tells this server's log from every other."""
    tables: Tables
    forms: tuple[image.Form, ...]
    form: str
    """The forms and their guards in one word: images of another form do not go on with ours."""


class Album(Protocol):
    """Keeps images; one commit is one image, and whoever is killed leaves the last one whole.

    Raises Unavailable where it cannot be reached, or another process is adding the same image; BadInput where it is damaged.
    """

    def last(self) -> image.Head | None:
        """The newest image."""
        ...

    def head(self, at: datetime) -> image.Head | None:
        """The newest image whose instant is not after this one."""
        ...

    def heads(self, since: datetime, until: datetime) -> Sequence[image.Head]:
        """Images whose instant is neither before `since` nor after `until`, oldest first."""
        ...

    def open(self, pages: Iterable[Sheet], columns: Mapping[str, tuple[str, ...]], finish: Callable[[], Changed]) -> image.Head:
        """An opening: the pages, and what `finish`, called once they are read, tells that was written meanwhile."""
        ...

    def add(self, head: image.Head, rows: Sheet) -> image.Head:
        """The next image; a base is made of the images before. One that is there already is left alone."""
        ...

    def rows(self, of: image.Head, links: Sequence[tuple[str, str]]) -> Sequence[image.Row]:
        """Rows of these roles that belong to these orders, as the image holds them."""
        ...

    def everything(self, of: image.Head) -> Iterator[image.Row]:
        """Every row of an image, a few at a time in memory, by role, order and key."""
        ...

    def differences(self, before: image.Head, after: image.Head) -> Iterator[Difference]:
        """Rows that differ between two images, by role, order and key."""
        ...

    def compared(self, of: image.Head, pages: Iterable[Sheet], finish: Callable[[], Meanwhile]) -> Iterator[Difference]:
        """Rows in which the image, with what changed since, is not what the pages hold: `before` the image's, `after` the pages'.
        `finish` is called once the pages are read."""
        ...

    def compact(self, before: datetime) -> int:
        """Put the small files of days that are over together; how many files were taken in."""
        ...

    def forget(self, before: datetime) -> int:
        """Delete the days that ended before this instant; how many images are gone."""
        ...
