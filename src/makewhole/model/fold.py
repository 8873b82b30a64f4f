"""A stretch of the change log goes in, transaction after transaction; the rows of the image at its end come out."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

from makewhole.model import change
from makewhole.model.image import Form, Op, Spelling
from makewhole.model.sheet import Block, Sheet


class Fold:
    """Keeps of each row where it was at first and what it is at last: a reference, until somebody asks for the rows."""

    def __init__(self, forms: Sequence[Form]) -> None:
        self._stretches: dict[tuple[str, str], tuple[_Stretch, ...]] = {}
        for f in forms:
            # Rows of two kinds may stand in one table.
            name = (f.table.schema, f.table.name)
            self._stretches[name] = (*self._stretches.get(name, ()), _Stretch(f))
        self._tables: dict[int, tuple[change.Table, tuple[_Stretch, ...]]] = {}

    def add(self, changes: Iterable[change.Change]) -> None:
        """Rows of one transaction, in the order of the log. Raises BadInput for images that are not whole."""
        for told in changes:
            known = self._tables.get(id(told.table))
            if known is None:
                stretches = self._stretches.get((told.table.schema.lower(), told.table.name.lower()), ())
                # Kept, so that no other table can come to have its id.
                known = self._tables[id(told.table)] = (told.table, stretches)
            table, stretches = known
            for stretch in stretches:
                stretch.add(table, told.before, told.after)

    def places(self) -> frozenset[tuple[str, str]]:
        """Role and key of every row that was touched."""
        return frozenset((s.form.table.role, key) for s in self._all() for key in s.last)

    def rows(self) -> Sheet:
        """Sorted by role, order and key. A row that came and went in between leaves nothing."""
        return Sheet(sorted((s.block() for s in self._all()), key=lambda block: block.role))

    def _all(self) -> Iterator[_Stretch]:
        return itertools.chain.from_iterable(self._stretches.values())


class _Stretch:
    """The same of one table."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.was: dict[str, str | None] = {}
        """Under which order each changed row was known before; None for a row that was not there."""
        self.last: dict[str, change.Image | None] = {}
        self._spelling: tuple[change.Table, Spelling] | None = None

    def add(self, table: change.Table, before: change.Image | None, after: change.Image | None) -> None:
        if (mine := self.form.kind) is not None:
            # A row of another kind is not there; one that became another is gone.
            before, after = (image if image is not None and mine(image) else None for image in (before, after))
        one = after if before is None else before
        if one is None:
            return
        how = self._how(table, one)
        key = how.key(one)
        if key not in self.last:
            self.was[key] = None if before is None else how.link(before)
        if before is not None and after is not None:
            late = how if len(after) == len(before) else self._how(table, after)
            if late.own(after) != how.own(before) and (now := late.key(after)) != key:
                # The row got another key: the old one is gone, the new one is there.
                self.last[key] = None
                key = now
                self.was.setdefault(key, None)
        self.last[key] = after

    def _how(self, table: change.Table, image: change.Image) -> Spelling:
        """Nearly every image of a table has all of its columns: then the table's own names tell how to take it apart."""
        if len(image) != len(table.columns):
            return self.form.spelling(tuple(image))
        if self._spelling is None or self._spelling[0] is not table:
            self._spelling = (table, self.form.spelling(tuple(image)))
        return self._spelling[1]

    def block(self) -> Block:
        """In the order of orders and keys. Taken apart as the log told them, where they lie together in memory."""
        images = [image for image in self.last.values() if image is not None]
        keys = [key for key, image in self.last.items() if image is not None]
        links, ops = self.form.links(images), [Op.PUT] * len(keys)
        columns, types = self.form.columns(images)
        for op, gone in ((Op.MOVED, self._moved(keys, links)), (Op.DELETE, self._deleted())):
            keys += [key for key, _ in gone]
            links += [link for _, link in gone]
            ops += [op] * len(gone)
        if nothing := [None] * (len(keys) - len(images)):
            columns = [[*column, *nothing] for column in columns]
            types += [""] * len(nothing)
        order = sorted(range(len(keys)), key=keys.__getitem__)
        order.sort(key=links.__getitem__)
        return Block(self.form.table.role, links, keys, ops, types, columns, order)

    def _moved(self, keys: Sequence[str], links: Sequence[str]) -> list[tuple[str, str]]:
        """Rows that belong to another order now, and the order that they left."""
        before = map(self.was.__getitem__, keys)
        return [(key, was) for key, was, link in zip(keys, before, links, strict=True) if was is not None and was != link]

    def _deleted(self) -> list[tuple[str, str]]:
        return [(key, was) for key, image in self.last.items() if image is None and (was := self.was[key]) is not None]
