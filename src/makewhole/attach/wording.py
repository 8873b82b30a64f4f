"""A table's names and comments go in; which of their words say something of a column comes out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from makewhole.attach import naming, survey, values
from makewhole.attach.naming import NONE, Said

PREFIX_SHARE_MIN = 0.7
"""A word that stands in more of a table's column names is the table's prefix and says nothing of a column."""
HABIT_MIN = 0.95
_HABIT = re.compile(r"F[a-z][a-z0-9_]*")
"""Share of columns that begin with the letter of `field`, from which it says nothing."""
PREFIX_COLUMNS_MIN = 5
BARE = frozenset({"id", "number", "num", "name", "info"})
THINGS = frozenset({"goods", "sku", "order", "buyer", "coupon", "refund", "shop"})
"""What says nothing without the thing that stands before it."""
_LISTED = re.compile(r"[/,，、;；|\s]+")
LISTED_MIN = 2
"""Values of a column that its comment lists, from which it is no name."""
BLOCK_MIN = 2
"""Columns with one prefix that speak of an address, from which the others with that prefix belong to it."""
IN_BLOCK = frozenset({"name", "phone", "company", "address", "email", "note", "image", "country"})


NET = frozenset({"net"})


def meaningful(table: survey.Table, name: str) -> str:
    """A column's name without the word that nearly every column here begins with."""
    if _HABIT.fullmatch(name) and sum(bool(_HABIT.fullmatch(c.name)) for c in table.columns) >= HABIT_MIN * len(table.columns):
        # `Fdeal_code`, `Fpay_time`: a house that begins every column with the same letter.
        name = name[1:]
    firsts = Counter(naming.split(c.name)[0] for c in table.columns if len(naming.split(c.name)) > 1)
    if not firsts or len(table.columns) < PREFIX_COLUMNS_MIN:
        return name
    word, times = firsts.most_common(1)[0]
    parts = naming.split(name)
    if times < PREFIX_SHARE_MIN * len(table.columns) or len(parts) < 2 or parts[0] != word:
        return name
    rest = "_".join(parts[1:])
    # `products_id` among an order's lines: without its prefix, it would be the line's own.
    bare = naming.ideas(naming.of_name(rest)) <= BARE and naming.ideas(naming.of_name(word)) & THINGS
    return name if bare else rest


def lists(table: survey.Table, column: survey.Column) -> bool:
    """Whether a comment does nothing but list the column's values: `ASKED, SENT, ARRIVED`."""
    told = {values.text(v).lower() for v in table.values(column.name) if v is not None} - {""}
    said = [part.strip().lower() for part in _LISTED.split(column.comment) if part.strip()]
    return len(told & set(said)) >= LISTED_MIN and len(told & set(said)) >= len(said) / 2


def net_of(names: Mapping[str, Said]) -> dict[str, Said]:
    """The names, where `net` says what it is net of: of the tax, where a column speaks of one; else of what was taken off, and due."""
    if any("tax" in naming.ideas(said) for said in names.values()):
        return dict(names)
    return {name: tuple(frozenset({"due"}) if word == NET else word for word in said) for name, said in names.items()}


def addresses(names: Mapping[str, Said]) -> frozenset[str]:
    """Columns of an address that one prefix holds together: beside `shipping_city`, `shipping_company` is no carrier."""
    groups: dict[str, list[str]] = {}
    for name in names:
        if len(parts := naming.split(name)) > 1:
            groups.setdefault(parts[0], []).append(name)
    found: set[str] = set()
    for prefix, group in groups.items():
        rest = {name: NONE.union(*(w for w in names[name] if not w & naming.ideas(naming.of_name(prefix)))) for name in group}
        if sum("address" in ideas for ideas in rest.values()) >= BLOCK_MIN:
            found |= {name for name, ideas in rest.items() if ideas <= IN_BLOCK}
    return frozenset(found)
