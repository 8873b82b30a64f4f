"""Messages of pgoutput go in, whole transactions come out: `Assembler` puts their bytes together, `transaction` reads the rows.

A transaction carries the description of every table that it wrote, so that its bytes can be kept and read anew in ten years.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from makewhole.adapters import postgres
from makewhole.adapters.changelog.postgres import messages
from makewhole.adapters.changelog.postgres.messages import Identity, Relation, Row
from makewhole.adapters.changelog.wrong import Unreadable
from makewhole.model import change
from makewhole.model.change import Kind, Position

Only = Mapping[tuple[str, str], Collection[str]]
"""Columns by schema and table, all in lower case."""
Keys = Callable[[Relation], tuple[str, ...]]
"""A table's primary key, where its description does not tell it."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RELATION, _BEGIN, _COMMIT = b"R", b"B", b"C"
_ROWS = frozenset({b"I", b"U", b"D"})


@dataclass(frozen=True, kw_only=True)
class Group:
    """One transaction's bytes."""

    begin: messages.Begin
    ends: int
    """The LSN after its commit: where to read on."""
    forms: tuple[bytes, ...]
    """Descriptions of tables that were sent before it, as far as it wrote rows of them."""
    raw: tuple[bytes, ...]
    """Its messages in order, without those of its beginning and end."""
    starred: bool = False
    """Whether card numbers were starred in its rows when it was kept."""


class Assembler:
    """Puts messages together, in the order in which the server sends them."""

    def __init__(self) -> None:
        self._forms: dict[int, bytes] = {}
        self._begin: messages.Begin | None = None
        self._used: dict[int, bytes] = {}
        self._raw: list[bytes] = []
        self._described: set[int] = set()

    @property
    def within(self) -> bool:
        """Whether a transaction has begun and is not over."""
        return self._begin is not None

    def feed(self, raw: bytes) -> Group | None:
        """The transaction that this message ends, if it ends one. Raises Unreadable for a message that cannot stand where it does."""
        kind = messages.kind(raw)
        if kind in _ROWS:
            self._use(int.from_bytes(raw[1:5], "big"))
            self._raw.append(raw)
        elif kind == _RELATION:
            self._describe(raw)
        elif kind == _BEGIN:
            self._start(raw)
        elif kind == _COMMIT:
            return self._end(raw)
        else:
            self._other(raw)
        return None

    def _use(self, number: int) -> None:
        if self._begin is None:
            raise Unreadable("a row outside of any transaction", messages.TODO)
        if number not in self._forms:
            raise Unreadable(f"a row of table {number}, which was not described", messages.TODO)
        if number not in self._described:
            self._used.setdefault(number, self._forms[number])

    def _describe(self, raw: bytes) -> None:
        number = int.from_bytes(raw[1:5], "big")
        self._forms[number] = raw
        if self._begin is not None:
            self._described.add(number)
            self._raw.append(raw)

    def _start(self, raw: bytes) -> None:
        told = messages.read(raw)
        if self._begin is not None or not isinstance(told, messages.Begin):
            raise Unreadable("a transaction begins inside of another", messages.TODO)
        self._begin = told
        self._used, self._raw, self._described = {}, [], set()

    def _end(self, raw: bytes) -> Group:
        told, begin = messages.read(raw), self._begin
        if begin is None or not isinstance(told, messages.Commit) or told.at != begin.commits_at:
            raise Unreadable("the end of a transaction that did not begin", messages.TODO)
        self._begin = None
        return Group(begin=begin, ends=told.ends, forms=tuple(self._used.values()), raw=tuple(self._raw))

    def _other(self, raw: bytes) -> None:
        """Whatever is rare is read at once: what nobody knows is refused here, before anything is kept."""
        told = messages.read(raw)
        if isinstance(told, messages.Said) and not told.within:
            return
        if isinstance(told, messages.Truncate):
            for number in told.relations:
                self._use(number)
        if self._begin is None:
            raise Unreadable("a message outside of any transaction", messages.TODO)
        self._raw.append(raw)


@dataclass(frozen=True)
class Shape:
    """A table, ready to read its rows."""

    table: change.Table
    relation: Relation
    readers: tuple[tuple[int, str, bool, postgres.Reading], ...]
    """Of each column that is read: its place, its name, whether it is of the identity, and how."""

    @classmethod
    def of(cls, relation: Relation, only: Only | None, keys: Keys = lambda relation: ()) -> Shape:
        """Where the whole row is the identity, the log does not tell which columns are the key: `keys` may."""
        wanted = None if only is None else only.get((relation.schema.lower(), relation.name.lower()), ())
        key = keys(relation) if relation.identity is Identity.FULL else tuple(c.name for c in relation.columns if c.key)
        columns = tuple(c.name for c in relation.columns)
        table = change.Table(schema=relation.schema, name=relation.name, columns=columns, key=key)
        places = [(i, c) for i, c in enumerate(relation.columns) if wanted is None or c.name.lower() in wanted]
        return cls(table, relation, tuple((i, c.name, c.key, postgres.reader(c.type)) for i, c in places))

    def image(self, row: Row, *, key_only: bool = False) -> dict[str, change.Value]:
        """The columns that this row tells."""
        if len(row) != len(self.table.columns):
            raise Unreadable(f"a row of {len(row)} values in {self.table}, which has {len(self.table.columns)} columns", messages.TODO)
        told: dict[str, change.Value] = {}
        for place, name, key, read in self.readers:
            cell = row[place]
            if not isinstance(cell, messages.Unchanged) and (key or not key_only):
                told[name] = None if cell is None else read(cell)
        return told


class Decoder:
    """Reads groups. A table's description is read once. With `only`, of rows only these columns of these tables. `keys` tells the primary
    keys of tables whose whole row is their identity."""

    def __init__(self, only: Only | None = None, keys: Keys = lambda relation: ()) -> None:
        self._only, self._keys = only, keys
        self._shapes: dict[bytes, Shape] = {}

    def transaction(self, group: Group, log: str) -> change.Transaction:
        """The whole transaction; `log` names where it stands. Raises BadInput, which names the place, where it cannot be read."""
        with messages.placed(f"{log} at {messages.spell(group.begin.commits_at)}"):
            return self._transaction(group, log)

    def changes(self, group: Group, log: str, tables: Collection[tuple[str, str]] | None) -> Iterator[change.Change]:
        """Its changes of these tables (schema and name, lower case), or of all; rows of others are passed by unread."""
        with messages.placed(f"{log} at {messages.spell(group.begin.commits_at)}"):
            for told in self._read(group, tables):
                if isinstance(told, change.Change):
                    yield told

    def relations(self, group: Group) -> Iterator[Relation]:
        """The tables of which it tells rows, as each is described in it."""
        shapes: dict[int, Shape] = {}
        for form in group.forms:
            self._describe(form, shapes)
        met = dict[int, Shape]()
        for raw in group.raw:
            number = int.from_bytes(raw[1:5], "big")
            if messages.kind(raw) == _RELATION:
                self._describe(raw, shapes)
            elif messages.kind(raw) in _ROWS and met.get(number) is not shapes.get(number):
                met[number] = _shape(shapes, number)
                yield met[number].relation

    def _transaction(self, group: Group, log: str) -> change.Transaction:
        changes, statements, user = list[change.Change](), list[str](), ""
        for told in self._read(group):
            match told:
                case change.Change():
                    changes.append(told)
                case messages.Said(prefix=prefix, content=content) if prefix == postgres.SPOKEN_USER:
                    user = content.decode("utf-8", "replace")
                case messages.Origin(name=name):
                    user = user or f"replicated from {name}"
                case str():
                    statements.append(told)
                case _:
                    continue
        begin = group.begin
        return change.Transaction(
            id=f"{begin.xid}@{messages.spell(begin.commits_at)}",
            begins=Position(file=log, offset=begin.commits_at),
            ends=Position(file=log, offset=group.ends),
            committed_at=instant(begin.committed_us),
            user=user,
            changes=tuple(changes),
            statements=tuple(statements),
        )

    def _read(self, group: Group, tables: Collection[tuple[str, str]] | None = None) -> Iterator[change.Change | messages.Message | str]:
        shapes: dict[int, Shape] = {}
        for form in group.forms:
            self._describe(form, shapes)
        for raw in group.raw:
            if messages.kind(raw) == _RELATION:
                self._describe(raw, shapes)
                continue
            if messages.kind(raw) in _ROWS and not self._reads(_shape(shapes, int.from_bytes(raw[1:5], "big")), tables):
                continue
            told = messages.read(raw)
            match told:
                case messages.Insert() | messages.Update() | messages.Delete():
                    yield changed(told, _shape(shapes, told.relation))
                case messages.Truncate():
                    yield _emptied(told, [_shape(shapes, n) for n in told.relations])
                case _:
                    yield told

    def _reads(self, shape: Shape, tables: Collection[tuple[str, str]] | None) -> bool:
        if self._only is not None and not shape.readers:
            return False
        return tables is None or (shape.table.schema.lower(), shape.table.name.lower()) in tables

    def _describe(self, raw: bytes, shapes: dict[int, Shape]) -> None:
        shape = self._shapes.get(raw)
        if shape is None:
            told = messages.read(raw)
            if not isinstance(told, Relation):
                raise Unreadable("no description of a table", messages.TODO)
            shape = self._shapes[raw] = Shape.of(told, self._only, self._keys)
        shapes[shape.relation.number] = shape


def instant(us: int) -> datetime:
    """An instant from its microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=us)


def changed(told: messages.Insert | messages.Update | messages.Delete, shape: Shape) -> change.Change:
    """One row's change, as far as the server told it: a column that it did not tell is in no image."""
    match told:
        case messages.Insert(new=new):
            return change.Change(table=shape.table, kind=Kind.INSERT, before=None, after=shape.image(new))
        case messages.Delete(old=old, whole=whole):
            return change.Change(table=shape.table, kind=Kind.DELETE, before=shape.image(old, key_only=not whole), after=None)
        case messages.Update(old=old, whole=whole, new=new):
            after = shape.image(new)
            if old is None:
                # The key was not written over, or the server would have told it.
                before = {name: after[name] for name in shape.table.key if name in after}
            else:
                before = shape.image(old, key_only=not whole)
            # A large value that was left alone is what it was before, where that is told.
            left = {name: before[name] for name in before if name not in after}
            return change.Change(table=shape.table, kind=Kind.UPDATE, before=before, after=_ordered(shape, after | left))


def _ordered(shape: Shape, image: dict[str, change.Value]) -> dict[str, change.Value]:
    return {name: image[name] for name in shape.table.columns if name in image}


def _emptied(told: messages.Truncate, shapes: list[Shape]) -> str:
    names = ", ".join(str(s.table) for s in shapes)
    return f"TRUNCATE {names}{' RESTART IDENTITY' if told.restart else ''}{' CASCADE' if told.cascade else ''}"


def _shape(shapes: dict[int, Shape], number: int) -> Shape:
    shape = shapes.get(number)
    if shape is None:
        raise Unreadable(f"a row of table {number}, which was not described", messages.TODO)
    return shape
