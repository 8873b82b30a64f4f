"""Changes of rows go in, whose they are comes out: what goes back together. A row says so by its order's number, by its key, or by a part
of it alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from makewhole.flow.rollback import folding
from makewhole.model import change, rollback
from makewhole.model.change import Traced
from makewhole.ports import reversals


class Owners:
    """While a log runs by. What it learns of keys and parts lies on the shelf."""

    def __init__(self, tables: Iterable[Traced], shelf: reversals.Shelf, part: Callable[[str], change.Image | None]) -> None:
        self.tables: dict[str, tuple[Traced, ...]] = {}
        """By name, lower case: what a table's rows are to orders; several kinds, where those stand in one table."""
        for t in tables:
            self.tables[t.table.lower()] = (*self.tables.get(t.table.lower(), ()), t)
        told = [t for there in self.tables.values() for t in there if t.part is not None]
        self._parts = next((t for t in told if t.role == "suborder"), None)
        self._by_part = any(t.role != "suborder" for t in told)
        self._shelf, self._part = shelf, part

    def unit(self, told: change.Change) -> str:
        """The order that a row is of, by number where the row tells it, by the order's key where not; else the row is a unit of its own."""
        traced, image = self._traced(told), told.before if told.before is not None else told.after or {}
        names = [] if traced is None else self._names(traced, image)
        if traced is not None and traced.key is not None and len(names) > 1:
            self._shelf.same(names[1], names[0])
        if names and self._by_part and traced is not None and traced is self._parts:
            self._shelf.same(_by_part(_column(image, traced.part)), names[0])
        return names[0] if names else rollback.row_name(told.table.name, folding.key_of(told.table, image))

    def ours(self, told: change.Change, numbers: Collection[str]) -> bool:
        """Whether a row is of one of these orders: by its number, or by its key as far as the log has told whose that is."""
        traced = self._traced(told)
        images = () if traced is None else (i for i in (told.before, told.after) if i is not None)
        names = [name for image in images if traced is not None for name in self._names(traced, image)]
        return any(name in numbers or self._shelf.number(name) in numbers for name in names)

    def _traced(self, told: change.Change) -> Traced | None:
        return change.kind_of(self.tables.get(told.table.name.lower(), ()), told)

    def _names(self, traced: Traced, image: change.Image) -> list[str]:
        """What a row's order is called in it, the best name first; nothing where it names none."""
        number, key = _column(image, traced.number), _column(image, traced.key) or _column(image, traced.link)
        part = _column(image, traced.part) if traced.role != "suborder" else ""
        return [*([number] if number else []), *([_by_key(key)] if key else []), *([self._of_part(part)] if part else [])]

    def _of_part(self, key: str) -> str:
        """The unit of a row that names a part alone: the part's, as the log told it, or as the part stands in the shop now."""
        named = _by_part(key)
        if (unit := self._shelf.number(named)) or self._parts is None:
            return unit or named
        row = self._part(key)
        (unit, *_) = (*([] if row is None else self._names(self._parts, row)), named)
        # Under its own name where there is no such part any more: nobody asks twice.
        self._shelf.same(named, unit)
        return unit


def _by_key(key: str) -> str:
    """What an order is called until somebody tells its number."""
    return f"#{key}"


def _by_part(key: str) -> str:
    return f"~{key}"


def _column(image: change.Image, column: str | None) -> str:
    if column is None:
        return ""
    return next((change.spell(v) for n, v in image.items() if n.lower() == column.lower()), "")
