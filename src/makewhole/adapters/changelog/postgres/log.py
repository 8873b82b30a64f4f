"""The change log of a PostgreSQL shop: `ports.ChangeLog` for one order's past, `trails.Stream` for the engine, over one reading."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
import sqlalchemy as sa

from makewhole.adapters import postgres
from makewhole.adapters.changelog import scanning
from makewhole.adapters.changelog.postgres import archive, session, setup, slots
from makewhole.adapters.changelog.postgres.reading import AGAIN, Progress, Reading
from makewhole.adapters.changelog.postgres.transactions import Decoder, Group
from makewhole.core import codec, faults
from makewhole.model import change
from makewhole.model.change import Sought, Traced
from makewhole.ports import trails

GROUPS_A_STEP = 1_000
"""Transactions of others that are passed by before it is told how far the reading is."""


class Place(codec.Noun, frozen=True, kw_only=True):
    """Where to read on: in which server's log, and where there."""

    server: str
    lsn: int


class SlotLog:
    """`ports.ChangeLog`: what the archive holds, and what the slot holds beyond it. Make it with `opened`."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    @property
    def gaps(self) -> Sequence[change.Gap]:
        """What is missing, oldest first."""
        return self._reading.gaps

    def touching(self, sought: Sequence[Sought]) -> Iterator[change.Transaction]:
        """See the port."""
        reading, asked = self._reading, scanning.wanted(sought)
        keyed, whole = Decoder(asked), Decoder()
        check(reading.url, tuple(asked))
        told, kept = None, reading.archive
        place = None if kept is None else kept.place()
        if kept is not None and place is not None:
            told = place.ends
            yield from _holding(map(kept.transaction, kept.touching(sought, told)), asked)
        # What was kept is not read twice; what somebody keeps meanwhile is.
        new = (g for g in reading.groups(told, follow=False) if isinstance(g, Group))
        for group in new:
            # Of what is passed by, only the columns that are asked for.
            if _holds(keyed.transaction(group, reading.slot), asked):
                yield whole.transaction(group, reading.slot)


@contextlib.contextmanager
def opened(url: sa.URL, folder: Path, tables: Sequence[Traced], *, keeps: bool) -> Iterator[SlotLog]:
    """The log of the shop at this address. With `keeps`, what is new in it goes into the archive, and out of the slot."""
    with _reading(url, folder, tables, keeps=keeps) as reading:
        yield SlotLog(reading)


@contextlib.contextmanager
def kept(folder: Path) -> Iterator[KeptLog]:
    """An archive by itself. Raises BadInput where there is none."""
    if not archive.exists(folder):
        raise faults.BadInput(f"there is no {archive.FILE} in it", where=str(folder), todo="Name the folder of an archive.")
    with archive.opened(folder) as known:
        yield KeptLog(known)


def keep_up(url: sa.URL, folder: Path, tables: Sequence[Traced]) -> tuple[int, Sequence[change.Gap]]:
    """Keep what is new; how many transactions came, and which gaps are new. Raises as `Reading` does."""
    with _reading(url, folder, tables, keeps=True) as reading:
        place = None if reading.archive is None else reading.archive.place()
        new = reading.groups(None if place is None else place.ends, follow=False)
        return sum(isinstance(told, Group) for told in new), reading.gaps[reading.known_gaps :]


def _reading(url: sa.URL, folder: Path, tables: Sequence[Traced], *, keeps: bool) -> Reading:
    return Reading(url=url, slot=slots.slot_name(url.database or ""), folder=folder, keeps=keeps, tables=tables)


class KeptLog:
    """`ports.ChangeLog` over an archive that is only read: one that was moved away, or a copy of it. Make it with `kept`."""

    def __init__(self, known: archive.Archive) -> None:
        self._known = known

    @property
    def gaps(self) -> Sequence[change.Gap]:
        """What is missing, oldest first."""
        return self._known.gaps()

    def touching(self, sought: Sequence[Sought]) -> Iterator[change.Transaction]:
        """See the port."""
        place = self._known.place()
        if place is not None:
            yield from _holding(map(self._known.transaction, self._known.touching(sought, place.ends)), scanning.wanted(sought))


class SlotStream:
    """`trails.Stream` over the same."""

    def __init__(self, url: sa.URL, folder: Path, tables: Sequence[Traced], *, keeps: bool) -> None:
        self._url, self._folder, self._tables, self._keeps = url, folder, tables, keeps
        self._slot = slots.slot_name(url.database or "")
        self._wanted = frozenset((t.schema.lower(), t.table.lower()) for t in tables)
        # Children may go without: what they tell wakes an order, and a sweep sees it as well.
        self._own = tuple((t.schema, t.table) for t in tables if t.role == "order")

    def read(self, since: str | None, *, follow: bool = False) -> Iterator[trails.Step]:
        """See the port."""
        gap = check(self._url, self._own)
        with _reading(self._url, self._folder, self._tables, keeps=self._keeps) as reading:
            at = None if since is None else _known(since, reading)
            decoder, passed = Decoder(), 0
            for told in reading.groups(at, follow=follow):
                step = self._step(told, decoder, reading.server.system, gap)
                passed += 1
                if step.transaction is None and not step.gap and isinstance(told, Group) and passed < GROUPS_A_STEP:
                    continue
                passed = 0
                yield step

    def _step(self, told: Group | Progress, decoder: Decoder, system: str, gap: str) -> trails.Step:
        if isinstance(told, Progress):
            return trails.Step(place=_place(system, told.at), gap=gap)
        one = decoder.transaction(told, self._slot)
        mine = tuple(c for c in one.changes if (c.table.schema.lower(), c.table.name.lower()) in self._wanted)
        unseen = next((s for s in one.statements for table in self._wanted if archive.spoken(s, *table)), "")
        gap = f"{unseen.split()[0]} without its rows, at {one.id}" if unseen else gap
        if not mine:
            return trails.Step(place=_place(system, told.ends), gap=gap)
        return trails.Step(place=_place(system, told.ends), transaction=msgspec.structs.replace(one, changes=mine), gap=gap)


def check(url: sa.URL, names: Sequence[tuple[str, str]]) -> str:
    """What the log does not tell of these tables, in words; empty where it tells all. Raises BadInput for one that it tells nothing of."""
    with session.connected(url) as asked:
        told = slots.tables(asked, names)
        where = asked.where
    untold = [t for t in told if not t.published]
    if untold:
        todo = f"ALTER PUBLICATION {postgres.PUBLICATION} ADD TABLE {untold[0].quoted()}, after its REPLICA IDENTITY; or: {slots.MAKE}"
        raise faults.BadInput(f"nothing tells the changes of {untold[0].name}", where=where, todo=todo)
    partly = [sql for t in told for sql in setup.full(t)]
    return f"rows as they were are not told whole: {'; '.join(partly)}" if partly else ""


def _holding(transactions: Iterable[change.Transaction], asked: scanning.Wanted) -> Iterator[change.Transaction]:
    return (told for told in transactions if _holds(told, asked))


def _holds(told: change.Transaction, asked: scanning.Wanted) -> bool:
    """Whether it wrote one of the rows, or speaks of their tables without telling rows."""
    if any(archive.spoken(s, *table) for s in told.statements for table in asked):
        return True
    for one in told.changes:
        columns = asked.get((one.table.schema.lower(), one.table.name.lower()))
        if columns is not None and scanning.holds(one, columns):
            return True
    return False


def _place(system: str, at: int) -> str:
    return codec.canonical(Place(server=system, lsn=at)).decode()


def _known(since: str, reading: Reading) -> int:
    try:
        known = codec.decode(since, Place)
    except msgspec.ValidationError as foreign:
        raise trails.Purged("the place that is known is of another log", where=reading.where, todo=AGAIN) from foreign
    if known.server != reading.server.system:
        raise trails.Purged("the log was read from another server", where=reading.where, todo=AGAIN)
    return reading.unbroken(known.lsn)
