"""Binlog files go in; most of them comes out as columns, stretch by stretch, and what is not plain as transactions, in the log's order.

The compiled reader takes the plain transactions and stops before every other; those the Python reader takes, or refuses in words. Where
there is no compiled reader, all comes out as transactions.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from makewhole.adapters.changelog import arrow, compiled, events, files, gtids, tablemaps, wrong
from makewhole.adapters.changelog.compiled import Place
from makewhole.adapters.changelog.events import Format
from makewhole.adapters.changelog.tablemaps import Shape
from makewhole.adapters.changelog.transactions import Assembler, Group

OWN = ("_group", "_kind", "_after", "_at")
"""Columns of a part that are not the table's: see `Part`."""
ALL = frozenset({"*"})
"""Every column."""
Wanted = Callable[[Shape], frozenset[str] | None]
"""Of a table: which columns (lower case) are wanted, or ALL; None for a table whose rows are not."""
_SIMPLE = 0
"""PyBUF_SIMPLE: bytes that are only read."""


class Part(NamedTuple):
    """The rows of one table in a stretch, in their order; an update has two, before and after."""

    shape: Shape
    table: arrow.Table
    """`_group` is the transaction's place in the stretch, `_kind` 0 insert, 1 update, 2 delete, `_after` 1 for an image after, `_at` where
    the row's event begins in the file; then the wanted columns."""


class Stretch:
    """Plain transactions, one after the other, in columns."""

    def __init__(self, file: str, told: Format, raw: memoryview, executed: str, groups: tuple[int, bytes], parts: Sequence[Part]) -> None:
        self.file, self.parts, self.count = file, parts, groups[0]
        self._told, self._raw, self._executed, self._groups = told, raw, executed, groups[1]

    @property
    def places(self) -> Sequence[Place]:
        """Where its transactions are. Made when asked for: most stretches hold nothing that is sought."""
        return compiled.places(self._groups)

    def groups(self, numbers: Sequence[int]) -> Iterator[Group]:
        """These transactions, by their ascending places in the stretch, as the Python reader reads them."""
        executed, done = gtids.Executed(self._executed), 0
        places = self.places if numbers else ()
        for number in numbers:
            for place in places[done:number]:
                pass_by(executed, place.source, place.number, place.number, place.kind)
            done = number
            place, assembler = places[number], Assembler(str(executed))
            for file, event, told in events.walk(self._raw[: place.end], place.at, self._told, self.file):
                yield from assembler.feed(file, event, told)


def pass_by(executed: gtids.Executed, source: bytes, first: int, last: int, kind: int) -> None:
    """These transactions, one after the other, have been executed. See `Place` for their source and kind."""
    if kind == events.Type.MARIA_GTID:
        domain, server = int.from_bytes(source[:4], "little"), int.from_bytes(source[4:8], "little")
        executed.add_mariadb(domain, f"{domain}-{server}-{last}")
    elif kind == events.Type.GTID:
        executed.add_mysql(gtids.spelled(source), first, last)


def read(paths: Sequence[Path], wanted: Wanted, *, plain: bool | None = None) -> Iterator[Stretch | Group]:
    """Everything in these files. `plain` False leaves the compiled reader out. Raises BadInput, naming file and byte, for damage."""
    library = None if plain is False else compiled.library()
    assembler = Assembler()
    if library is None:
        for file, event, told in files.read(paths):
            yield from assembler.feed(file, event, told)
        return
    for i, path in enumerate(paths):
        # What was learnt of tables is learnt anew for each file: the server may have been replaced by another version.
        reading = _Reading(compiled.Scan(library), wanted, assembler)
        yield from reading.file(path, last=i == len(paths) - 1)


class _Reading:
    """One pass."""

    def __init__(self, scan: compiled.Scan, wanted: Wanted, assembler: Assembler) -> None:
        self._scan, self._wanted, self._assembler = scan, wanted, assembler
        self._plans: dict[int, Shape] = {}

    def file(self, path: Path, *, last: bool) -> Iterator[Stretch | Group]:
        """One file: its first event, then by turns what is plain and what is not, then how it ends."""
        with files.opened(path) as (raw, first, told), _address(raw) as address:
            self._scan.format(told.lengths, checksummed=told.checksummed)
            name, at, ended = path.name, first.at + len(first.raw), False
            yield from self._assembler.feed(name, first, told)
            while not ended:
                reason, at, map_at, map_size = self._scan.run(address, len(raw), at)
                if reason == compiled.UNKNOWN_MAP:
                    self._learn(bytes(raw[map_at : map_at + map_size]), told)
                    continue
                yield from self._stretch(name, told, raw)
                if reason != compiled.FULL:
                    at, ended = yield from self._by_hand(name, raw, at, told)
            files.check_end(name, len(raw) - at, told, last=last)

    def _by_hand(self, name: str, raw: memoryview, at: int, told: Format) -> Generator[Group, None, tuple[int, bool]]:
        """What is not plain, to where a transaction may begin; the place after it, and whether the file ends there."""
        walk = events.walk(raw, at, told, name)
        while True:
            try:
                _, event, _ = next(walk)
            except StopIteration as end:
                return end.value, True
            yield from self._assembler.feed(name, event, told)
            if self._assembler.between:
                return event.at + len(event.raw), False

    def _learn(self, map_: bytes, told: Format) -> None:
        plan = compiled.ODD
        # What makes no sense here makes none to the Python reader, which says so and where.
        with contextlib.suppress(*wrong.UNREAD):
            shape = tablemaps.parse(memoryview(map_), mariadb=told.mariadb, year_signed=told.year_signed)
            columns = self._wanted(shape)
            plan = compiled.SKIP if columns is None else self._scan.add(shape, None if columns == ALL else columns)
            if plan >= 0:
                self._plans[plan] = shape
        self._scan.teach(map_, plan)

    def _stretch(self, name: str, told: Format, raw: memoryview) -> Iterator[Stretch]:
        groups = self._scan.groups()
        if not groups[0]:
            return
        before = str(self._assembler.executed)
        parts = [Part(shape, self._table(plan)) for plan, shape in self._plans.items() if self._scan.count(plan)]
        for stretch in self._scan.executed():
            pass_by(self._assembler.executed, *stretch)
        self._scan.clear()
        yield Stretch(name, told, raw, before, groups, parts)

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
