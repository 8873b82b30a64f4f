"""A row's changes go in, oldest first; its trail comes out, which always says how to undo all bad ones at once.

Reading forwards gives the same as reversing newest to oldest, and needs no second pass: of each column the value before its first bad
change is what goes back, the value after its last bad change is what must still stand there. A good change of such a column after a
bad one, or between two, is somebody's legitimate work: the row is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from makewhole.model import change, rollback
from makewhole.model.cell import Cell, pack
from makewhole.model.change import Kind
from makewhole.model.rollback import Clash
from makewhole.model.trail import Later, Trail

Wanted = Callable[[str], bool]
"""Whether a column is taken back: not what the server writes by itself, nor what nobody asked for."""


class Incomplete(Exception):
    """The log contradicts itself, or the live row contradicts the log: something wrote and is not in it. Everything stops."""


def cells(image: change.Image | None) -> dict[str, Cell]:
    """An image as cells."""
    return {name: pack(value) for name, value in (image or {}).items()}


def bad(trail: Trail | None, told: change.Change, by: Later, unit: str, wanted: Wanted) -> Trail | None:
    """The trail after a bad change of the row; None where nothing is left to undo. Raises Incomplete."""
    before, after = cells(told.before), cells(told.after)
    match told.kind:
        case Kind.INSERT:
            return _inserted(trail, told, after, by, unit)
        case Kind.DELETE:
            return _deleted(trail, told, before, by, unit)
        case Kind.UPDATE:
            return _updated(trail, told, (before, after), by, unit, wanted)


def good(trail: Trail, by: Later) -> Trail:
    """The trail after somebody else's change of the row: `by` says which, as a row that got another key is gone under this one."""
    match Kind(by.kind):
        case Kind.DELETE:
            return _clash(msgspec.structs.replace(trail, there=False), Clash.GONE, by, ())
        case Kind.INSERT:
            return _clash(msgspec.structs.replace(trail, there=True), Clash.BACK_AGAIN, by, ())
        case Kind.UPDATE:
            touched = tuple(c for c in by.columns if trail.born or c in trail.last)
            if touched:
                return _clash(trail, Clash.CHANGED_LATER, by, touched)
            return msgspec.structs.replace(trail, later={**trail.later, **dict.fromkeys(by.columns, by)})


def moved(table: change.Table, told: change.Change) -> bool:
    """Whether an update changed the row's own key."""
    before, after = told.before or {}, told.after or {}
    return told.kind is Kind.UPDATE and any(c in after and pack(before.get(c)) != pack(after[c]) for c in table.key)


def key_of(table: change.Table, image: change.Image) -> dict[str, Cell]:
    """The row's key in an image. Raises Incomplete where the image does not hold it."""
    try:
        return {c: pack(image[c]) for c in table.key}
    except KeyError as missing:
        raise Incomplete(f"a change of {table} does not tell its key column {missing}") from missing


def net(trail: Trail, form: rollback.Form, unit: str) -> rollback.Net | None:
    """What undoes it all at once; None where the changes undid each other. Of a row that is inserted again, what the server makes by itself
    is left to it."""
    made = {c.name for c in form.columns if not c.written}
    moving = {c.name for c in form.columns if c.ticks or c.counts}
    by = (trail.first_by,) if trail.first_by == trail.last_by else (trail.first_by, trail.last_by)
    now = {c: v for c, v in trail.last.items() if c not in made}
    back = {c: v for c, v in trail.first.items() if c not in made}
    if trail.born:
        how, now, back = rollback.How.REMOVE, {c: v for c, v in now.items() if c not in moving}, {}
    elif not trail.last:
        how = rollback.How.REINSERT
    else:
        columns = [c for c in now if now[c] != back.get(c) and c not in moving]
        if not columns:
            return None
        how, now, back = rollback.How.REWRITE, {c: now[c] for c in columns}, {c: back[c] for c in columns}
    later = tuple(sorted(trail.later))
    return rollback.Net(table=trail.table, key=trail.key, unit=unit, how=how, now=now, back=back, by=by, later=later)


def _inserted(trail: Trail | None, told: change.Change, after: dict[str, Cell], by: Later, unit: str) -> Trail:
    if trail is None:
        key = key_of(told.table, told.after or {})
        return Trail(table=told.table.name, key=key, unit=unit, born=True, last=after, first_by=by.by, last_by=by.by)
    if trail.there:
        raise Incomplete(f"{by.by} inserts a row of {told.table} that is there already")
    # Deleted and inserted again, both by what is taken back: it is one change from the row as it was to the row as it is.
    return msgspec.structs.replace(trail, there=True, last=after, last_by=by.by)


def _deleted(trail: Trail | None, told: change.Change, before: dict[str, Cell], by: Later, unit: str) -> Trail | None:
    if trail is None:
        key = key_of(told.table, told.before or {})
        return Trail(table=told.table.name, key=key, unit=unit, there=False, first=before, first_by=by.by, last_by=by.by)
    _chained(trail, before, by)
    if trail.born and trail.clash is None:
        return None
    # What somebody else wrote in between goes back as they left it; what was bad goes back as it was before.
    return msgspec.structs.replace(trail, there=False, first={**before, **trail.first}, last={}, later={}, last_by=by.by)


def _updated(
    trail: Trail | None, told: change.Change, images: tuple[dict[str, Cell], dict[str, Cell]], by: Later, unit: str, wanted: Wanted
) -> Trail | None:
    before, after = images
    columns = [c for c in after if before.get(c) != after[c] and wanted(c)]
    if trail is None:
        if not columns:
            return None
        # Under its new key, if that was changed: this is how the row is called now.
        key = key_of(told.table, {**(told.before or {}), **(told.after or {})})
        trail = Trail(table=told.table.name, key=key, unit=unit, first_by=by.by, last_by=by.by)
    else:
        _chained(trail, before, by)
        key = key_of(told.table, {**(told.before or {}), **(told.after or {})})
    first = {**{c: before[c] for c in columns}, **trail.first}
    last = {**trail.last, **({c: after[c] for c in columns} if not trail.born else after)}
    later = {c: was for c, was in trail.later.items() if c not in columns}
    return msgspec.structs.replace(trail, key=key, first=first if not trail.born else {}, last=last, later=later, last_by=by.by)


def _chained(trail: Trail, before: Mapping[str, Cell], by: Later) -> None:
    """Raises Incomplete where a column holds something else than the log's last word on it, and nothing in the log wrote it."""
    if trail.clash is not None:
        return
    wrong = [c for c, v in trail.last.items() if c in before and before[c] != v]
    if wrong or not trail.there:
        what = ", ".join(wrong) or "a row that is not there"
        raise Incomplete(f"{by.by} finds in {trail.table} another value than the log told last, and nobody wrote it: {what}")


def _clash(trail: Trail, clash: Clash, by: Later, columns: tuple[str, ...]) -> Trail:
    """The first one stays: it is what to look at."""
    if trail.clash is not None:
        return trail
    return msgspec.structs.replace(trail, clash=clash, clash_columns=columns, clash_by=by)
