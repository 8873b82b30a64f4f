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


def history(past: Past, number: ids.OrderNumber) -> tuple[Step, ...]:
    """Every transaction that wrote a row of this order. Raises BadInput and Unavailable as the log does."""
    key = past.key_of(number)
    keys: set[str] = set() if key is None else {key}
    while True:
        told = tuple(past.log.touching(sought(past.tables, number, keys)))
        found = keys | _keys(past.tables, number, told)
        if found == keys:
            # A key that the log alone knows (of an order that was deleted) may have rows in transactions that were passed by.
            return _as_wholes(past, _from_birth([_step(past, t, number, keys) for t in told]))
        keys = found


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


def sought(tables: Sequence[Traced], number: str, keys: set[str]) -> tuple[Sought, ...]:
    """The rows to look for: those that hold the number, or a key of the order's."""
    by_number = [(t, t.number, number) for t in tables if t.number is not None]
    by_key = [(t, c, key) for t in tables for c in (t.key, t.link) if c is not None for key in sorted(keys)]
    return tuple(Sought(schema=t.schema, table=t.table, column=c, value=v) for t, c, v in [*by_number, *by_key])


def _keys(tables: Sequence[Traced], number: str, told: Sequence[change.Transaction]) -> set[str]:
    """Keys under which the order's own row was known."""
    found = set()
    for order in (t for t in tables if t.key is not None and t.number is not None):
        for image in (i for t in told for c in t.changes if _of(c, order) for i in (c.before, c.after) if i is not None):
            if change.spell(_value(image, order.number or "")) == number and (key := change.spell(_value(image, order.key or ""))):
                found.add(key)
    return found


def _step(past: Past, told: change.Transaction, number: str, keys: set[str]) -> Step:
    own: list[tuple[str, Change]] = []
    also: Counter[tuple[str, change.Kind]] = Counter()
    state = None
    for changed in told.changes:
        table = next((t for t in past.tables if _of(changed, t) and _holds(changed, t, number, keys)), None)
        if table is None:
            also[str(changed.table), changed.kind] += 1
            continue
        own.append((table.role, changed))
        if table.key is not None and changed.after is not None:
            state = past.state(changed.after) or state
    return Step(transaction=told, own=tuple(own), also=also, state=state)


def _of(changed: Change, table: Traced) -> bool:
    return (changed.table.schema.lower(), changed.table.name.lower()) == (table.schema.lower(), table.table.lower())


def _holds(changed: Change, table: Traced, number: str, keys: set[str]) -> bool:
    for image in (changed.before, changed.after):
        if image is None:
            continue
        if table.number is not None and change.spell(_value(image, table.number)) == number:
            return True
        if any(c is not None and change.spell(_value(image, c)) in keys for c in (table.key, table.link)):
            return True
    return False


def _value(image: change.Image, column: str) -> change.Value:
    """Servers compare the names of columns without case, and so do shop files."""
    if column in image:
        return image[column]
    return next((v for name, v in image.items() if name.lower() == column.lower()), None)
