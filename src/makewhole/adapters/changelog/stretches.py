"""A log goes in, segment by segment; most of it comes out as columns, in stretches, and what is not plain as transactions, in its order.

The compiled reader takes the plain transactions and stops before every other; those the Python reader takes, or refuses in words. Where
there is no compiled reader, all comes out as transactions.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import NamedTuple

from makewhole.adapters.changelog import arrow, compiled, events, gtids, queries, usual, wrong
from makewhole.adapters.changelog.compiled import Place
from makewhole.adapters.changelog.segments import Segment
from makewhole.adapters.changelog.tablemaps import Shape
from makewhole.adapters.changelog.transactions import Assembler, Group, Rows
from makewhole.model.change import Position, Value

OWN = ("_group", "_kind", "_after", "_at")
"""Columns of a part that are not the table's: see `Part`."""
ALL = frozenset({"*"})
"""Every column."""
NONE = frozenset[str]()
"""No column: only which transactions have rows of the table. This is told of tables whose columns have no names, too."""
Wanted = Callable[[Shape], frozenset[str] | None]
"""Of a table: which columns (lower case) are wanted, or ALL; None for a table whose rows are not."""
_QUERY, _MARIA_GTID, _GTID = (int(kind) for kind in (events.Type.QUERY, events.Type.MARIA_GTID, events.Type.GTID))
"""Plain numbers: members of an enum cost more than what is done with them."""
_SIMPLE = 0
"""PyBUF_SIMPLE: bytes that are only read."""


class Part(NamedTuple):
    """The rows of one table in a stretch, in their order; an update has two, before and after."""

    shape: Shape
    table: arrow.Table
    """`_group` is the transaction's place in the stretch, `_kind` 0 insert, 1 update, 2 delete, `_after` 1 for an image after, `_at` where
    the row's event begins in the segment; then the wanted columns."""

    def numbers(self) -> set[int]:
        """The places in the stretch of the transactions that have rows here."""
        return {int(str(number)) for number in self.table.values("_group")}

    def held(self) -> Iterator[tuple[int, str, Value]]:
        """Every value but NULL of the wanted columns: the transaction's place in the stretch, the column, the value."""
        numbers = self.table.values("_group")
        for name in self.table.columns[len(OWN) :]:
            values = zip(numbers, self.table.values(name), strict=True)
            yield from ((int(str(n)), name, value) for n, value in values if value is not None)


class Stretch:
    """Plain transactions, one after the other, in columns."""

    def __init__(self, told: Segment, assembler: Assembler, before: str, groups: tuple[int, bytes], parts: Sequence[Part]) -> None:
        self.parts, self.count = parts, groups[0]
        self._told, self._assembler, self._before, self._groups = told, assembler, before, groups[1]
        self._after = str(assembler.executed)

    @functools.cached_property
    def places(self) -> Sequence[Place]:
        """Where its transactions are. Made when asked for: most stretches hold nothing that is sought."""
        return compiled.places(self._groups)

    @property
    def ends(self) -> Position:
        """Where its last transaction ends."""
        (last,) = compiled.places(self._groups[-compiled.PLACE_BYTES :])
        return Position(file=self._told.file, offset=last.ends, gtids=self._after)

    def touching(self) -> Sequence[int]:
        """The transactions, by their ascending places in the stretch, that have rows in its parts."""
        return sorted(set[int]().union(*(part.numbers() for part in self.parts)))

    def heads(self) -> Iterator[Group]:
        """Every transaction of it, without its bytes and its rows, for which there is `rows`."""
        executed, before = gtids.Executed(self._before), Position(file="", offset=0)
        for place in self.places:
            offset, was = place.at + self._told.base, str(executed)
            pass_by(executed, place.source, place.number, place.number, place.kind)
            if before.offset != offset or before.gtids != was:
                before = Position(file=self._told.file, offset=offset, gtids=was)
            after = Position(file=self._told.file, offset=place.ends, gtids=str(executed))
            connection, user = self._spoken(place)
            committed = place.committed_us or place.when * 1_000_000
            yield Group(_name(before, place), before, after, committed, connection, user, (), (), (), self._told.told)
            before = after

    def rows(self, number: int, head: Group) -> tuple[Rows, ...]:
        """The rows of the transaction at this place in the stretch, cut as the Python reader cuts them."""
        return next(self._fed(self._assembler.beside(head.begins.gtids), self.places[number])).rows

    def groups(self, numbers: Sequence[int]) -> Iterator[Group]:
        """These transactions, by their ascending places in the stretch, as the Python reader reads them."""
        assembler, done = self._assembler.beside(self._before), 0
        places = self.places if numbers else ()
        for number in numbers:
            for place in places[done:number]:
                pass_by(assembler.executed, place.source, place.number, place.number, place.kind)
            done = number + 1
            yield from self._fed(assembler, places[number])

    def _fed(self, assembler: Assembler, place: Place) -> Iterator[Group]:
        told = self._told
        return _by_hand(Segment(told.file, told.told, told.raw[: place.end], told.base, place.at), assembler)

    def _spoken(self, place: Place) -> tuple[int | None, str]:
        """Which connection it came from, and who invoked it, as far as its events in words say so: MariaDB's mostly have none."""
        raw, at, connection, user = self._told.raw, place.at, None, ""
        tail = events.CHECKSUM_LENGTH if self._told.told.checksummed else 0
        while at < place.end:
            end = at + int.from_bytes(raw[at + 9 : at + 13], "little")
            if raw[at + 4] == _QUERY:
                with wrong.placed(self._told.file, at + self._told.base):
                    query = queries.parse(raw[at + events.HEADER_LENGTH : end - tail], compressed=False)
                connection, user = query.connection or connection, query.invoker or user
            at = end
        return connection, user


def _name(begins: Position, place: Place) -> str:
    if place.kind == _MARIA_GTID:
        domain, server = _maria(place.source)
        return f"{domain}-{server}-{place.number}"
    return f"{gtids.spelled(place.source)}:{place.number}" if place.kind else f"{begins.file}:{begins.offset}"


def _maria(source: bytes) -> tuple[int, int]:
    return int.from_bytes(source[:4], "little"), int.from_bytes(source[4:8], "little")


def pass_by(executed: gtids.Executed, source: bytes, first: int, last: int, kind: int) -> None:
    """These transactions, one after the other, have been executed. See `Place` for their source and kind."""
    if kind == _MARIA_GTID:
        domain, server = _maria(source)
        executed.add_mariadb(domain, f"{domain}-{server}-{last}")
    elif kind == _GTID:
        executed.add_mysql(gtids.spelled(source), first, last)


def read(log: Iterable[Segment], wanted: Wanted, *, plain: bool | None = None, executed: str = "") -> Iterator[Stretch | Group]:
    """Everything in this log. `executed` are the GTIDs before it, where it does not begin with a file's own list.

    `plain` False leaves the compiled reader out. Raises BadInput, naming file and byte, for damage.
    """
    library = None if plain is False else compiled.library()
    assembler = Assembler(executed)
    reading = None if library is None else _Reading(library, wanted, assembler)
    for told in log:
        if told.first is not None:
            yield from assembler.feed(told.file, told.first, told.told)
        if reading is not None:
            yield from reading.segment(told)
            continue
        yield from _by_hand(told, assembler)


def _by_hand(told: Segment, assembler: Assembler) -> Iterator[Group]:
    """All of a segment, by Python alone: by turns what is usual and what is not."""
    ended = False
    if not assembler.between:
        ended = yield from _one_by_one(told, assembler)
    while not ended:
        yield from usual.read(told, assembler)
        ended = yield from _one_by_one(told, assembler)


def _one_by_one(told: Segment, assembler: Assembler) -> Generator[Group, None, bool]:
    """Event by event, to where a transaction may begin; whether the segment ends there."""
    walk = events.walk(told.raw, told.at, told.told, told.file, told.base)
    while True:
        try:
            _, event, _ = next(walk)
        except StopIteration as end:
            told.at = end.value
            return True
        done = assembler.feed(told.file, event, told.told)
        told.at = event.at - told.base + len(event.raw)
        yield from done
        if assembler.between:
            return False


class _Reading:
    """One pass."""

    def __init__(self, library: ctypes.CDLL, wanted: Wanted, assembler: Assembler) -> None:
        self._library, self._wanted, self._assembler = library, wanted, assembler
        self._scan = compiled.Scan(library)
        self._told: events.Format | None = None
        self._plans: dict[int, Shape] = {}

    def segment(self, told: Segment) -> Iterator[Stretch | Group]:
        """By turns what is plain and what is not; a transaction that goes on in the next segment is not plain."""
        if told.told is not self._told:
            # What was learnt of tables is learnt anew: the server may have been replaced by another version.
            self._scan, self._plans, self._told = compiled.Scan(self._library), {}, told.told
            self._scan.format(told.told.lengths, checksummed=told.told.checksummed)
        ended = False
        if not self._assembler.between:
            ended = yield from _one_by_one(told, self._assembler)
        with _address(told.raw) as address:
            while not ended:
                reason, told.at, map_at, map_size = self._scan.run(address, len(told.raw), told.at)
                if reason == compiled.UNKNOWN_MAP:
                    self._learn(bytes(told.raw[map_at : map_at + map_size]), told.told)
                    continue
                yield from self._stretch(told)
                if reason != compiled.FULL:
                    ended = yield from _one_by_one(told, self._assembler)

    def _learn(self, map_: bytes, told: events.Format) -> None:
        plan = compiled.ODD
        # What makes no sense here makes none to the Python reader, which says so and where.
        with contextlib.suppress(*wrong.UNREAD):
            shape = self._assembler.shape(map_, told)
            columns = self._wanted(shape)
            plan = compiled.SKIP if columns is None else self._scan.add(shape, None if columns == ALL else columns)
            if plan >= 0:
                self._plans[plan] = shape
        self._scan.teach(map_, plan)

    def _stretch(self, told: Segment) -> Iterator[Stretch]:
        groups = self._scan.groups()
        if not groups[0]:
            return
        before = str(self._assembler.executed)
        parts = [Part(shape, self._table(plan)) for plan, shape in self._plans.items() if self._scan.count(plan)]
        for stretch in self._scan.executed():
            pass_by(self._assembler.executed, *stretch)
        self._scan.clear()
        yield Stretch(told, self._assembler, before, groups, parts)

    def _table(self, plan: int) -> arrow.Table:
        return arrow.Table(lambda array, schema: self._scan.export(plan, array, schema), compiled.Scan.release)


class _Buffer(ctypes.Structure):
    """Py_buffer, as Python's stable interface has it since 3.11."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("buf", "obj")),
        *((name, ctypes.c_ssize_t) for name in ("len", "itemsize")),
        *((name, ctypes.c_int) for name in ("readonly", "ndim")),
        *((name, ctypes.c_void_p) for name in ("format", "shape", "strides", "suboffsets", "internal")),
    )


@contextlib.contextmanager
def _address(raw: memoryview) -> Iterator[int]:
    """Where these bytes are, as long as the context lasts."""
    buffer = _Buffer()
    ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(raw), ctypes.byref(buffer), _SIMPLE)
    try:
        yield buffer.buf or 0
    finally:
        ctypes.pythonapi.PyBuffer_Release(ctypes.byref(buffer))
