"""History: an order's number goes in, every transaction that wrote a row of it comes out, oldest first. Changes nothing."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from makewhole import ports
from makewhole.core import faults, ids
from makewhole.engine import partsteps
from makewhole.model import change
from makewhole.model.change import Change, Sought, Traced
from makewhole.ports import trails

KEPT_MIN = timedelta(days=180)
"""R19: whoever asks for less is refused, as with the images that are made of the same changes."""


def kept_since(keep: timedelta, now: datetime) -> datetime:
    """Before when an archive may forget. Raises Rejected where less is to be kept than the audit needs."""
    if keep < KEPT_MIN:
        raise faults.Rejected(f"changes are kept for {KEPT_MIN.days} days at least (R19), not {keep.days}: see change-retention")
    return now - keep


@dataclass(frozen=True, kw_only=True)
class Past:
    """A shop's change log, and what must be known of the shop to read it."""

    log: ports.ChangeLog
    tables: Sequence[Traced]
    key_of: Callable[[ids.OrderNumber], str | None]
    """The key of the order's row now: the log may hold none that tells it."""
    state: Callable[[change.Image], str | None]
    shown: Callable[[str, str, str], str | None]
    parts_of: Callable[[ids.OrderNumber], frozenset[str]] = lambda number: frozenset()
    """The keys of its parts now, where rows name parts alone: the log may have begun after those were written."""
    whole: trails.Whole | None = None
    """Where orders have parts: tells their state by all of their rows."""
    gaps: Sequence[change.Gap] = ()
    """What of the log is missing, oldest first; only an archive knows."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One transaction in an order's life."""

    transaction: change.Transaction
    own: tuple[tuple[str, Change], ...]
    """The order's changes, each with the shop file's word for its table."""
    also: Mapping[tuple[str, change.Kind], int]
    """What else the same transaction wrote: rows by table and kind."""
    state: str | None
    """Our word for the order's state afterwards, where this transaction told it."""


@dataclass(frozen=True, kw_only=True)
class _Known:
    """Under which names an order's rows are known."""

    number: str
    keys: frozenset[str]
    """Of the order's own row."""
    parts: frozenset[str] = frozenset()
    """Of its parts' rows, where some rows name a part alone."""

    def columns(self, table: Traced) -> tuple[tuple[str, frozenset[str]], ...]:
        """By which of its columns a table's row is the order's, and what stands in them then."""
        told = ((table.number, frozenset({self.number})), (table.key, self.keys), (table.link, self.keys), (table.part, self.parts))
        return tuple((column, values) for column, values in told if column is not None)


def history(past: Past, number: ids.OrderNumber) -> tuple[Step, ...]:
    """Every transaction that wrote a row of this order. Raises BadInput and Unavailable as the log does."""
    key = past.key_of(number)
    known = _Known(number=number, keys=frozenset() if key is None else frozenset({key}), parts=past.parts_of(number))
    while True:
        told = tuple(past.log.touching(sought(past.tables, known)))
        found = _learnt(past.tables, known, told)
        if found == known:
            # A key that the log alone knows (of an order that was deleted) may have rows in transactions that were passed by.
            return _as_wholes(past, _from_birth([_step(past, t, known) for t in told]))
        known = found


def missing(past: Past, steps: Sequence[Step]) -> tuple[change.Gap, ...]:
    """The gaps in which something of this order may have been written: those that were not over before it was there."""
    begins = steps[0].transaction.committed_at if steps and _is_born(steps[0]) else None
    return tuple(gap for gap in past.gaps if begins is None or gap.before > begins)


def _from_birth(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Without what happened to the tables before the order was in them."""
    first = next((i for i, s in enumerate(steps) if s.own), 0)
    return tuple(steps[first:] if steps and _is_born(steps[first]) else steps)


def _as_wholes(past: Past, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """With the states of an order in parts, which no single row tells."""
    if past.whole is None:
        return steps
    told = partsteps.Rows(whole=past.whole, known=bool(steps) and _is_born(steps[0]))
    return tuple(dataclasses.replace(s, state=told.take(s.own)) for s in steps)


def _is_born(step: Step) -> bool:
    return any(role == "order" and c.kind is change.Kind.INSERT for role, c in step.own)


def sought(tables: Sequence[Traced], known: _Known) -> tuple[Sought, ...]:
    """The rows to look for: those that hold the number, a key of the order's, or a key of a part of it."""
    return tuple(
        Sought(schema=t.schema, table=t.table, column=c, value=v) for t in tables for c, values in known.columns(t) for v in sorted(values)
    )


def _learnt(tables: Sequence[Traced], known: _Known, told: Sequence[change.Transaction]) -> _Known:
    """With the keys under which the order's own row was known, and those of its parts where other rows are known by them alone."""
    keys, parts = set(known.keys), set(known.parts)
    by_part = any(t.part is not None and t.role != "suborder" for t in tables)
    for table in tables:
        own, part = table.key if table.number is not None else None, table.part if by_part and table.role == "suborder" else None
        if own is None and part is None:
            continue
        images = (i for t in told for c in t.changes if _of(c, table) for i in (c.before, c.after) if i is not None)
        for image in (i for i in images if table.holds(i) is not False):
            if own is not None and change.spell(_value(image, table.number or "")) == known.number:
                keys.add(change.spell(_value(image, own)))
            if part is not None and _is(image, table, known):
                parts.add(change.spell(_value(image, part)))
    return dataclasses.replace(known, keys=frozenset(keys - {""}), parts=frozenset(parts - {""}))


def _step(past: Past, told: change.Transaction, known: _Known) -> Step:
    own: list[tuple[str, Change]] = []
    also: Counter[tuple[str, change.Kind]] = Counter()
    state = None
    for changed in told.changes:
        table = _table(past, changed, known)
        if table is None:
            also[str(changed.table), changed.kind] += 1
            continue
        own.append((table.role, changed))
        if table.key is not None and changed.after is not None:
            state = past.state(changed.after) or state
    return Step(transaction=told, own=tuple(own), also=also, state=state)


def _table(past: Past, changed: Change, known: _Known) -> Traced | None:
    """The table in which a row is the order's; where rows of two kinds stand in one and the log does not tell which, whichever knows it."""
    there = [t for t in past.tables if _of(changed, t)]
    mine = change.kind_of(there, changed)
    if mine is not None:
        return mine if _holds(changed, mine, known) else None
    unsure = (t for t in there if all(t.holds(i) is None for i in (changed.before, changed.after) if i is not None))
    return next((t for t in unsure if _holds(changed, t, known)), None)


def _of(changed: Change, table: Traced) -> bool:
    return (changed.table.schema.lower(), changed.table.name.lower()) == (table.schema.lower(), table.table.lower())


def _holds(changed: Change, table: Traced, known: _Known) -> bool:
    return any(image is not None and _is(image, table, known) for image in (changed.before, changed.after))


def _is(image: change.Image, table: Traced, known: _Known) -> bool:
    return any(change.spell(_value(image, column)) in values for column, values in known.columns(table))


def _value(image: change.Image, column: str) -> change.Value:
    """Servers compare the names of columns without case, and so do shop files."""
    if column in image:
        return image[column]
    return next((v for name, v in image.items() if name.lower() == column.lower()), None)
