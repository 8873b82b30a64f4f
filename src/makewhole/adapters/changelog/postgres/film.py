"""A PostgreSQL shop's archive and slot go in, its log runs by, transaction after transaction: `reversals.Film`, for taking changes back.

Nothing is taken out of the slot. Where the log ends now, a message of our own says that is put into it: everything that was committed
before is on the server's disk by then, also what it had not flushed (synchronous_commit = off), and comes before our message.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import sqlalchemy as sa

from makewhole.adapters.changelog.postgres import archive, definitions, log, messages, reading, session, slots
from makewhole.adapters.changelog.postgres.definitions import Definition
from makewhole.adapters.changelog.postgres.messages import Relation
from makewhole.adapters.changelog.postgres.reading import Progress, Reading
from makewhole.adapters.changelog.postgres.transactions import Decoder, Group
from makewhole.core import faults
from makewhole.model import change
from makewhole.model.change import Kind, Position, Traced
from makewhole.ports import reversals

MARK = "makewhole.mark"
"""What our message is called: whoever reads the log sees whose it is."""
_STAR = "*"
_HERE = "SELECT pg_logical_emit_message(true, %s, '')"
_FLUSHED = (
    "SELECT set_config('synchronous_commit', CASE c WHEN 'off' THEN 'local' ELSE c END, false) FROM current_setting('synchronous_commit') c"
)


@contextlib.contextmanager
def opened(url: sa.URL, folder: Path, tables: Sequence[Traced], *, for_images: bool = False) -> Iterator[SlotFilm]:
    """The film of the shop at this address. Raises BadInput where nothing keeps its changes, or not those of these tables."""
    partly = log.check(url, [(t.schema, t.table) for t in tables])
    if for_images and partly:
        raise faults.BadInput(partly, where=url.render_as_string(), todo="Run these statements by the tables' owner.")
    film = SlotFilm(url, folder, tables, for_images=for_images)
    try:
        film.begin()
        yield film
    finally:
        film.close()


class SlotFilm:
    """`reversals.Film`, and `imaging.Log`. Make it with `opened`. One connection answers questions and one streams the log.

    Images are made now and then, for years: for them the slot is let go of after each run, and starred values stay, marked as such. What
    is taken back must be known.
    """

    def __init__(self, url: sa.URL, folder: Path, tables: Sequence[Traced], *, for_images: bool) -> None:
        self._url, self._folder, self._tables, self._for_images = url, folder, tables, for_images
        self._slot = slots.slot_name(url.database or "")
        self._decoder, self._heads = Decoder(keys=self._key), Decoder(only={})
        self._relations: dict[tuple[str, str, tuple[str, ...]], Relation] = {}
        self._definitions: dict[tuple[str, str], Definition | None] = {}
        self._asking, self._open = contextlib.ExitStack(), contextlib.ExitStack()
        self._asked: session.Session | None = None
        self._reading: Reading | None = None
        self._stream: Generator[Group | Progress] | None = None
        self._told = self._at = 0
        """The last transaction ended here; everything before there has been told."""

    def begin(self) -> None:
        """Look at server, slot and archive."""
        self._known()

    def server(self) -> str:
        """What tells this server's log from every other."""
        return self._known().server.system

    def close(self) -> None:
        """Let go of the server."""
        self._let_go()
        self._asking.close()

    def end(self) -> Position:
        """See the port."""
        return Position(file=self._slot, offset=self._end())

    def run(self, since: Position | None = None) -> Iterator[reversals.Passing]:
        """See the port. What is written while it runs is for the next run."""
        known, target = self._known(), self._end()
        at = known.begins if since is None else since.offset
        if not self._told <= at <= self._at:
            self._let_go()
            self._told = self._at = self._known().unbroken(at)
        try:
            for group in self._until(target):
                yield self._passing(group)
        finally:
            if self._for_images:
                self._let_go()

    def whole(self) -> bool:
        """See the port. A slot is younger than its shop."""
        return False

    def watch(self, table: str) -> None:
        """See the port. Raises BadInput where the log does not tell of it: that is for whoever owns the publication."""
        with self._questions() as asked:
            ((schema,),) = asked.rows("SELECT current_schema()")
            if f"{schema}.{table}" in definitions.published(asked):
                return
            where = asked.where
        todo = f"ALTER PUBLICATION makewhole ADD TABLE {slots.quoted(schema)}.{slots.quoted(table)}, by the publication's owner."
        raise faults.BadInput(f"the log would not tell what is written to {table}", where=where, todo=todo)

    def drift(self, table: change.Table) -> Mapping[str, str]:
        """See the port."""
        where = self._url.render_as_string()
        now = self._definition(table.schema, table.name)
        if now is None:
            todo = "A table that was dropped or renamed is not put back by rows."
            raise faults.BadInput(f"the database has no table {table} any more", where=where, todo=todo)
        if not table.key:
            todo = "Give the table a primary key: a row without one cannot be told from its twin."
            raise faults.BadInput(f"{table} has no primary key", where=where, todo=todo)
        return definitions.differences(self._relations[table.schema, table.name, table.columns], now)

    def lacking(self, table: change.Table) -> str:
        """See the port."""
        name = f"{slots.quoted(table.schema)}.{slots.quoted(table.name)}"
        told = f"its REPLICA IDENTITY was not FULL, which `ALTER TABLE {name} REPLICA IDENTITY FULL` makes it from now on"
        return f"{told}; or a payment card's number in it was starred when it was kept"

    def beyond(self) -> str:
        """See the port."""
        with self._questions() as asked:
            tables = definitions.published(asked)
        begins = messages.spell(self._known().begins)
        told = f"the log tells of {', '.join(tables)} alone, from {begins} on"
        return f"{told}: what the same transactions wrote elsewhere is not known, and stays"

    def _end(self) -> int:
        """The log's end, with everything before it on the server's disk."""
        with self._questions() as asked:
            asked.rows(_HERE, MARK)
            return messages.place(asked.rows("SELECT pg_current_wal_flush_lsn()")[0][0])

    @contextlib.contextmanager
    def _questions(self) -> Iterator[session.Session]:
        """A session; one that was lost while nobody asked is made anew."""
        if self._asked is not None:
            try:
                self._asked.rows("SELECT 1")
            except faults.Unavailable:
                self._asking.close()
                self._asked = None
        if self._asked is None:
            self._asked = self._asking.enter_context(session.connected(self._url))
            self._asked.rows(_FLUSHED)
        yield self._asked

    def _known(self) -> Reading:
        """What is known of slot and archive, as they are when it is looked at first, and whenever the stream is begun anew."""
        if self._reading is None:
            told = Reading(url=self._url, slot=self._slot, folder=self._folder, keeps=False, tables=self._tables)
            self._reading = self._open.enter_context(told)
        return self._reading

    def _let_go(self) -> None:
        if self._stream is not None:
            self._open.callback(self._stream.close)
        self._open.close()
        self._reading = self._stream = None

    def _until(self, target: int) -> Iterator[Group]:
        """Transactions from where we are to this place, which lies in the past: so nobody waits for what nobody writes."""
        moved = time.monotonic()
        while self._at < target:
            was, told = self._at, self._next()
            if isinstance(told, Progress):
                self._at = max(self._at, told.at)
            else:
                self._told = self._at = told.ends
                yield told
            if self._at > was:
                moved = time.monotonic()
            elif time.monotonic() - moved > reading.BUSY_SECONDS_MAX:
                raise faults.Unavailable(f"somebody else reads the shop's log, and does not keep it in {self._folder}")

    def _next(self) -> Group | Progress:
        """One that the server gave up while nobody read on is begun again from where it was."""
        with contextlib.suppress(StopIteration, faults.Unavailable):
            if self._stream is not None:
                return next(self._stream)
        self._let_go()
        self._stream = self._known().groups(self._known().unbroken(self._at), follow=True)
        return next(self._stream)

    def _passing(self, group: Group) -> reversals.Passing:
        """A transaction as it runs by; its rows are read when its changes are asked for."""
        for one in self._decoder.relations(group):
            self._relations.setdefault((one.schema, one.name, tuple(c.name for c in one.columns)), one)
        head = self._heads.transaction(group, self._slot)
        written = frozenset((r.schema.lower(), r.name.lower()) for r in self._decoder.relations(group))

        def changes(tables: frozenset[tuple[str, str]] | None) -> Iterator[change.Change]:
            if tables is None or not tables.isdisjoint(written):
                told = self._decoder.changes(group, self._slot, tables)
                for one in map(_starred, told) if group.starred else told:
                    yield one if self._for_images else _sure(one)

        def speaks(schema: str, table: str) -> str:
            return next((s for s in head.statements if archive.spoken(s, schema, table)), "")

        return reversals.Passing(head=head, tables=written, changes=changes, speaks=speaks)

    def _key(self, relation: Relation) -> tuple[str, ...]:
        """The primary key of today: where the whole row tells it from others, the log does not say which columns are it."""
        now = self._definition(relation.schema, relation.name)
        if now is None or not set(now.key) <= {c.name for c in relation.columns}:
            return ()
        return now.key

    def _definition(self, schema: str, name: str) -> Definition | None:
        if (schema, name) not in self._definitions:
            with self._questions() as asked:
                self._definitions[schema, name] = definitions.definition(asked, schema, name)
        return self._definitions[schema, name]


def _starred(told: change.Change) -> change.Change:
    """A change whose starred values say so. What only looks like one is taken for one."""

    def marked(image: change.Image | None) -> change.Image | None:
        if image is None:
            return None
        return {c: change.Starred(v) if isinstance(v, str) and _STAR in v else v for c, v in image.items()}

    return msgspec.structs.replace(told, before=marked(told.before), after=marked(told.after))


def _sure(told: change.Change) -> change.Change:
    """A change without the values that were starred when it was kept, as far as it wrote them: nobody knows them any more."""

    def lost(column: str) -> bool:
        values = [image[column] for image in (told.before, told.after) if image is not None and column in image]
        # What an update left alone is neither compared nor written.
        left = told.kind is Kind.UPDATE and len(values) == 2 and change.same(*values)
        return not left and any(isinstance(v, change.Starred) for v in values)

    gone = {c for c in told.table.columns if lost(c)}
    if not gone:
        return told
    before, after = (None if i is None else {c: v for c, v in i.items() if c not in gone} for i in (told.before, told.after))
    return msgspec.structs.replace(told, before=before, after=after)
