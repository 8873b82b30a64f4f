"""A survey goes in, a proposal comes out: which table and column says what, why, how surely, and what must be asked."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping

from makewhole.attach import amounts, around, drafts, links, naming, orders, shards, survey, tables, values
from makewhole.attach.columns import Read, read
from makewhole.attach.proposal import Proposal

NOBODY: Mapping[str, str] = types.MappingProxyType({})
TABLES_MAX = 2000
"""Tables looked at; beyond, names alone decide which are worth it, and no shop is known to have more."""


def propose(told: survey.Survey, named: Mapping[str, str] = NOBODY) -> Proposal | None:
    """The proposal; None where no table looks like orders. `named` are tables by role, where somebody said which it is."""
    told = shards.together(told)
    initials = naming.speaks_initials(tuple(c.name for t in told.tables for c in t.columns))
    whole = amounts.said_of_whole(told.tables)
    reads = tuple(read(t, initials=initials, whole_money=whole) for t in told.tables[:TABLES_MAX] if t.columns)
    reads = _same_clock(reads)
    order = tables.order(reads, named.get("order", ""))
    if order is None:
        return None
    draft = drafts.Draft(dialect=told.dialect)
    if order.rivals:
        # Every other field hangs on this table: nothing is stated before it is told which it is.
        draft.table(order.role, order.read.table.name, order.rivals)
        return drafts.finished(draft, told)
    chosen, barred = orders.columns_of(order.read)
    parent = links.parent(
        order.read, orders.key_of(order.read), chosen["order.number"].name if "order.number" in chosen else orders.key_of(order.read)
    )
    casts = tables.children(reads, parent, named)
    by_role = {c.role: c for c in casts}
    lookups = _lookups(reads, order.read)
    orders.propose(draft, order, chosen, barred, lookups)
    for cast in casts:
        if cast.rivals:
            draft.table(cast.role, cast.read.table.name, cast.rivals)
        around.propose(draft, cast, by_role, parent, _lookups(reads, cast.read))
    return drafts.finished(draft, told)


def _same_clock(reads: tuple[Read, ...]) -> tuple[Read, ...]:
    """With the unit in which this database's whole numbers tell instants, where they all use one."""
    whole = [(r, c) for r in reads for c in r.table.columns if c.kind is survey.Kind.INTEGER]
    units = {r.look(c.name).unit or (drafts.clock_said(c) if "time" in r.ideas(c.name) else "") for r, c in whole} - {""}
    return tuple(dataclasses.replace(r, whole_time=next(iter(units))) for r in reads) if len(units) == 1 else reads


def _lookups(reads: tuple[Read, ...], of: Read) -> dict[str, dict[str, str]]:
    """Labels of codes that stand in small tables of their own: by a declared foreign key, or by `order_status(id, name)`."""
    small = {
        r.table.name: r
        for r in reads
        if r.table.whole and 1 < len(r.table.sample) <= LOOKUP_ROWS_MAX and len(r.table.columns) <= LOOKUP_COLUMNS_MAX
    }
    found = {}
    for column in of.table.columns:
        target = next((ref.table for ref in of.table.references if ref.column == column.name), "")
        told = small.get(target) or next((r for r in small.values() if r is not of and _explains(r, column.name)), None)
        told = told or next((r for r in small.values() if r is not of and _holds_codes(r, of, column)), None)
        if labels := _labels(told) if told is not None else _beside(of, column.name):
            found[column.name] = labels
    return found


def _beside(told: Read, column: str) -> dict[str, str]:
    """Labels that stand in the same row: `order_status_name` beside `order_status`, always the same one for a code."""
    name = next((c.name for c in told.table.columns if c.kind is survey.Kind.TEXT and _names(c.name, column)), "")
    found: dict[str, set[str]] = {}
    for code, label in zip(told.table.values(column), told.table.values(name), strict=True) if name else ():
        if code is not None and label is not None and str(label).strip():
            found.setdefault(values.text(code), set()).add(str(label).strip())
    return {code: min(labels) for code, labels in found.items()} if all(len(labels) == 1 for labels in found.values()) else {}


def _names(name: str, column: str) -> bool:
    """Whether a column is called as what another one's codes are called: its name, with one more word for a name."""
    rest = name.lower().removeprefix(column.lower())
    return rest != name.lower() and rest.strip("_") in LABEL_ENDS


def _holds_codes(told: Read, of: Read, column: survey.Column) -> bool:
    """Whether a small table that speaks of states names every code of a column of states: `order_state_lang` explains `current_state`."""
    if "state" not in naming.ideas(told.said) or "state" not in naming.ideas(of.names[column.name]):
        return False
    used, known = set(values.codes(of.table, column)), set(_labels(told))
    return len(used) >= CODES_MIN and used <= known


def _explains(told: Read, column: str) -> bool:
    """Whether a small table is called as a column of codes is: `order_status` or `shop_order_statuses` explains `order_status_id`."""
    base = column.lower().removesuffix("_id").removesuffix("_code")
    table = told.table.name.lower()
    return len(base) >= NAME_MIN and any(table == base + end or table.endswith(f"_{base}{end}") for end in ("", "s", "es"))


CODES_MIN = 3
"""Codes that a table must name before it is believed to explain a column that it is not named for."""
LABEL_ENDS = frozenset({"name", "text", "label", "title", "desc", "str", "cn", "zh"})
NAME_MIN = 5
"""Letters of a column's name from which a table of the same name is no accident."""
LOOKUP_ROWS_MAX = 60
LOOKUP_COLUMNS_MAX = 8
"""A table of labels is small in both directions."""


def _labels(told: Read) -> dict[str, str]:
    key = told.table.key[0] if len(told.table.key) == 1 else told.table.columns[0].name
    names = [c.name for c in told.table.columns if c.name != key and c.kind is survey.Kind.TEXT]
    best = max(names, key=lambda n: len(told.ideas(n) & {"name", "note", "state"}), default="")
    if not best:
        return {}
    found: dict[str, str] = {}
    for code, label in zip(told.table.values(key), told.table.values(best), strict=True):
        if label is not None and str(label).strip():
            # A label in each of the shop's languages: the first one will do.
            found.setdefault(str(code), str(label))
    return found
