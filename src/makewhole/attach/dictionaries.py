"""Tables of a database go in; the dictionaries among them, which hold the labels of many columns' codes in one table, come out.

`sys_dict_data(dict_type, dict_value, dict_label)`, `lookup_value(lookup_type, lookup_code, meaning)`, `dict_item(dict_id, value, text)`:
a column says the group, one the code, which repeats from group to group, and one the label.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from makewhole.attach import naming, survey, values
from makewhole.attach.survey import Kind

GROUP = frozenset(
    {"type", "group", "grp", "dict", "category", "kind", "field", "column", "enum", "lookup", "class", "code", "key", "pid", "parent"}
)
CODE = frozenset(["value", "code", "cd", "val", "key", "item", "id", "no"])
LABEL = frozenset(["label", "name", "nm", "text", "meaning", "title", "desc", "description", "display"])
"""Words of which one stands in the name of a column of groups, of codes, of labels."""
GROUPS_MIN = 2
CODES_MIN = 3
"""Codes of a group that must be in use before it is believed to explain a column that it does not name."""
ROWS_MIN = 4
LABEL_CHARACTERS_MAX = 40


@dataclass(frozen=True, kw_only=True)
class Group:
    """The codes that belong together. `names` are what the group is called, in lower case."""

    names: tuple[str, ...]
    labels: dict[str, str]


def groups(tables: tuple[survey.Table, ...]) -> tuple[Group, ...]:
    """Every group of every dictionary."""
    by_name = {t.name: t for t in tables}
    return tuple(group for t in tables if len(t.sample) >= ROWS_MIN for group in _within(t, by_name))


def of(known: tuple[Group, ...], table: survey.Table, column: survey.Column) -> dict[str, str]:
    """The labels of a column's codes: of the group that its comment or its name names, if that one knows all of them."""
    used = set(values.codes(table, column))
    fits = [g for g in known if used and used <= set(g.labels)]
    named = [g for g in fits if _named(g, table, column)]
    best = max(named, key=lambda g: max(map(len, g.names)), default=None)
    return dict(best.labels) if best is not None else {}


def _named(group: Group, table: survey.Table, column: survey.Column) -> bool:
    comment, own = column.comment.lower(), _plain(column.name)
    whole = _plain(table.stem + column.name)
    for name in group.names:
        told = _plain(name)
        if len(told) >= CODES_MIN and (told in {own, whole} or told in _plain(comment)):
            return True
        if len(own) >= len("pay_mode") - 1 and told.endswith(own):
            return True
        if len(told) > len(own) and whole.endswith(told):
            return True
    return False


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(" ", "").replace(".", "")


def _within(table: survey.Table, by_name: dict[str, survey.Table]) -> list[Group]:
    """A table's groups; none where it is no dictionary."""
    names = {c.name: frozenset(naming.split(c.name)) for c in table.columns}
    texts = {c.name for c in table.columns if c.kind is Kind.TEXT}
    labels = [n for n in names if n in texts and names[n] & LABEL]
    coded = [n for n in names if names[n] & CODE]
    grouped = [n for n in names if names[n] & GROUP]
    best: list[Group] = []
    for group, code, label in itertools.product(grouped, coded, labels):
        if len({group, code, label}) == 3 and (found := _parted(table, group, code, label, by_name)) is not None and len(found) > len(best):
            best = found
    return best


def _parted(table: survey.Table, group: str, code: str, label: str, by_name: dict[str, survey.Table]) -> list[Group] | None:
    """The groups that three columns make; None where they make none: a code stands in a group once, and in several groups."""
    found: dict[str, dict[str, str]] = {}
    rows = list(zip(table.values(group), table.values(code), table.values(label), strict=True))
    for g, c, told in rows:
        if g is None or c is None or told is None or len(str(told)) > LABEL_CHARACTERS_MAX or not str(told).strip():
            continue
        if values.text(c) in found.setdefault(values.text(g), {}):
            return None
        found[values.text(g)][values.text(c)] = str(told).strip()
    several = [g for g in found.values() if len(g) > 1]
    if len(several) < GROUPS_MIN or 2 * len(several) < len(found) or len({c for g in found.values() for c in g}) == len(rows):
        return None
    return [Group(names=(g, *_called(table, group, g, by_name)), labels=labels) for g, labels in found.items()]


def _called(table: survey.Table, column: str, group: str, by_name: dict[str, survey.Table]) -> tuple[str, ...]:
    """What a group of a number is called in the table that the number leads to: `dict_id` to `sys_dict(id, dict_code, dict_name)`."""
    words = [w for w in naming.split(column) if w != "id"]
    there = next((r.table for r in table.references if r.column == column), "")
    heads = [by_name[there]] if there in by_name else [t for t in by_name.values() if t is not table and _leads(words, t)]
    for head in heads:
        if len(head.key) != 1:
            continue
        at = next((i for i, v in enumerate(head.values(head.key[0])) if values.text(v) == group), None)
        if at is not None:
            return tuple(v for c in head.columns if c.kind is Kind.TEXT and isinstance(v := head.values(c.name)[at], str) and v.strip())
    return ()


def _leads(words: list[str], table: survey.Table) -> bool:
    return bool(words) and table.name.lower().rstrip("s").endswith("_".join(words).rstrip("s"))
