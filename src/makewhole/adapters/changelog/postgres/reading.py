"""A shop's slot and the archive beside it go in, its transactions come out in the order of their commits: what was kept, then what is new.

Whoever may keep puts what is new into the archive, and lets the server forget it, before telling it. Whoever may not reads it and leaves it
where it is. One alone can read a slot: the others read in the archive what that one keeps.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Self

import sqlalchemy as sa

from makewhole.adapters import postgres
from makewhole.adapters.changelog.postgres import archive, definitions, messages, session, slots
from makewhole.adapters.changelog.postgres.archive import Archive, Place
from makewhole.adapters.changelog.postgres.session import Alive, Copying
from makewhole.adapters.changelog.postgres.transactions import Assembler, Group, instant
from makewhole.core import faults
from makewhole.model.change import Gap, Position, Traced
from makewhole.ports import trails

BATCH = 500
"""Transactions in one commit of the archive."""
BATCH_BYTES_MAX = 32 << 20
BUSY_SECONDS_MAX = 10.0
"""How long somebody who keeps what is new is waited for: several times PLACE_SECONDS."""
BUSY_POLL_SECONDS = 0.25
FOLLOW_SECONDS, CATCH_UP_SECONDS = 0.25, 0.05
"""How long nothing may come before the server is asked how far it is: the pulse of whoever follows, who must be able to look up; and of
whoever wants to be done."""
PLACE_SECONDS = 1.0
"""Between two notes in the archive of how far a log without news was read: the server holds what lies between, and whoever reads the
archive meanwhile waits for it."""
AGAIN = "A full sweep looks at every order; what was overwritten in between is told by nobody."

_MOVE = "Move the folder away and begin anew: what it holds is still read by history --archive FOLDER."
_TAKEN = "somebody else took it out of the slot, or the slot was dropped and made anew"


@dataclass(frozen=True)
class Progress:
    """Everything that was committed before this place has been told."""

    at: int


@dataclass(kw_only=True)
class Reading:
    """One pass over the log of one shop."""

    url: sa.URL
    slot: str
    folder: Path
    keeps: bool
    """Whether what is new is put into the archive and forgotten by the server."""
    tables: Sequence[Traced]
    """Whose rows are to be found again by their keys."""
    server: slots.Server = field(init=False)
    found: slots.Slot = field(init=False)
    own: Mapping[tuple[str, str], tuple[str, ...]] = field(init=False)
    """Primary keys: numbers of the shop's own, whatever they look like."""
    opened: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    archive: Archive | None = field(default=None, init=False)
    gaps: tuple[Gap, ...] = field(default=(), init=False)
    """What is missing, oldest first."""
    known_gaps: int = field(default=0, init=False)
    """How many of them the archive had before."""
    _told: int = field(default=0, init=False)
    """Everything before this place has been told, or lies before what is known."""
    _noted: float = field(default=0.0, init=False)
    """When the archive was last told how far it goes."""

    def __enter__(self) -> Self:
        """Look at server, slot and archive. Raises BadInput where they do not go together."""
        with session.connected(self.url) as asked:
            self.server, self.found = slots.readable(asked, self.slot)
            self.own = definitions.keys(asked)
        if self.keeps or archive.exists(self.folder):
            with contextlib.ExitStack() as stack:
                self._open(stack.enter_context(archive.opened(self.folder)))
                self.opened = stack.pop_all()
        return self

    def _open(self, kept: Archive) -> None:
        known = kept.place()
        if known is not None:
            self._check(known, kept)
        elif self.keeps:
            kept.begin(Place(self.server.system, self.slot, self.found.confirmed, self.found.confirmed))
        else:
            return
        self.archive = kept

    def __exit__(self, *_: object) -> None:
        self.opened.close()

    @property
    def begins(self) -> int:
        """Everything after this place is known."""
        place = None if self.archive is None else self.archive.place()
        return max([self.found.confirmed if place is None else place.since, *(g.until.offset for g in self.gaps)])

    def unbroken(self, since: int) -> int:
        """This place, if everything after it is known. Raises Purged."""
        if since < self.begins:
            raise trails.Purged(f"nothing is known of the log before {messages.spell(self.begins)}", where=self.where, todo=AGAIN)
        return since

    def groups(self, since: int | None, *, follow: bool) -> Generator[Group | Progress]:
        """Every transaction that ended after this place, or the newest that were kept and all that is new, and how far it was read;
        to the log's end now, or with `follow` for ever."""
        self._told = since or 0
        yield from self._kept(since)
        until = time.monotonic() + BUSY_SECONDS_MAX
        while True:
            try:
                yield from self._new(follow=follow)
                return
            except session.Busy as busy:
                yield from self._kept(self._told)
                if follow:
                    until = time.monotonic() + BUSY_SECONDS_MAX
                elif self._told >= self.server.end and self.archive is not None:
                    return
                elif time.monotonic() > until:
                    raise faults.Unavailable(f"somebody else reads the shop's log, and does not keep it in {self.folder}: {busy}") from busy
            time.sleep(BUSY_POLL_SECONDS)

    @property
    def where(self) -> str:
        """The shop's address, for messages."""
        return self.url.render_as_string()

    def _check(self, known: Place, kept: Archive) -> None:
        """What is missing between the archive and the slot. Raises BadInput for an archive of another log."""
        if (known.server, known.slot) != (self.server.system, self.slot):
            raise faults.BadInput("the archive was read from another server, or another slot", where=str(self.folder), todo=_MOVE)
        self.gaps = kept.gaps()
        self.known_gaps = len(self.gaps)
        # The slot was looked at first: whoever keeps moves the archive on before the slot.
        if self.found.confirmed > known.ends:
            gap = Gap(
                since=Position(file=self.slot, offset=known.ends),
                until=Position(file=self.slot, offset=self.found.confirmed),
                after=kept.last(),
                before=self._begun(),
                why=_TAKEN,
            )
            self.gaps = (*self.gaps, gap)
            if self.keeps:
                kept.pass_over(gap)

    def _begun(self) -> datetime:
        """When the first transaction was committed that the slot still has; now, where it has none."""
        with contextlib.suppress(session.Busy):
            assembler = Assembler()
            with session.copying(self.url, self.slot, postgres.PUBLICATION, self.found.confirmed) as copy, messages.placed(self.where):
                for told in copy.read(CATCH_UP_SECONDS):
                    group = assembler.feed(told) if isinstance(told, bytes) else None
                    if group is not None:
                        return instant(group.begin.committed_us)
                    if isinstance(told, Alive) and told.at >= self.server.end:
                        break
        return self.server.now

    def _kept(self, since: int | None) -> Iterator[Group | Progress]:
        """What the archive holds, and how far it goes."""
        place = None if self.archive is None else self.archive.place()
        if self.archive is None or place is None:
            self._told = max(self._told, self.found.confirmed)
            return
        yield from self.archive.after(since, place.ends)
        self._told = max(self._told, place.ends)
        yield Progress(self._told)

    def _new(self, *, follow: bool) -> Iterator[Group | Progress]:
        patience = FOLLOW_SECONDS if follow else CATCH_UP_SECONDS
        with session.copying(self.url, self.slot, postgres.PUBLICATION, self._told) as copy, messages.placed(self.where):
            # Whoever had the slot until now may have kept more, and been killed before he told the server.
            yield from self._kept(self._told)
            yield from self._copied(copy, patience, follow=follow)

    def _copied(self, copy: Copying, patience: float, *, follow: bool) -> Iterator[Group | Progress]:
        assembler, batch, size, said = Assembler(), list[Group](), 0, time.monotonic()
        for told in copy.read(patience):
            if isinstance(told, bytes):
                group = assembler.feed(told)
                # What was told before comes again where the server was not told that it may forget it.
                if group is not None and group.ends > self._told:
                    batch.append(group)
                    size += sum(map(len, group.raw))
            # Whoever follows is told at once; whoever catches up is not kept waiting for the disk after every few.
            pause = isinstance(told, Alive) or (follow and told is None)
            if batch and (pause or len(batch) >= BATCH or size > BATCH_BYTES_MAX):
                self._keep(copy, batch, batch[-1].ends)
                yield from batch
                batch, size = [], 0
            if isinstance(told, Alive) and not assembler.within:
                self._told = max(self._told, told.at)
                over = not follow and told.at >= self.server.end
                self._note(copy, over=over)
                if over or time.monotonic() - said >= patience:
                    said = time.monotonic()
                    yield Progress(self._told)
                if over:
                    return

    def _keep(self, copy: Copying, groups: Sequence[Group], ends: int) -> None:
        """First the disk, then the server's leave to forget."""
        self._told = max(self._told, ends)
        if self.keeps and self.archive is not None:
            self.archive.keep(groups, self._told, self.tables, self.own)
            copy.confirmed, self._noted = self._told, time.monotonic()
            copy.confirm()

    def _note(self, copy: Copying, *, over: bool) -> None:
        """That nothing of ours was written is news for the server too: else it would keep everybody's log for us."""
        if self._told > copy.confirmed and (over or time.monotonic() - self._noted > PLACE_SECONDS):
            self._keep(copy, (), self._told)
