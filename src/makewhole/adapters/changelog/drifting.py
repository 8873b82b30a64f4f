"""A table as the log described it and as the server has it now go in; the columns that are another thing today come out, by name."""

from __future__ import annotations

import re

from makewhole.adapters.changelog import schemas
from makewhole.adapters.changelog.schemas import ColumnDefinition, Definition
from makewhole.adapters.changelog.tablemaps import Code, Column, Shape

_FRACTION = re.compile(r"\((\d)\)")
_SAME_SETS = {"utf8": "utf8mb3"}
_UNREAD = frozenset({"inet4", "inet6", "uuid", "vector"})
"""Types whose values the log holds in a form of their own, which is not read here."""


def differences(shape: Shape, told: Definition | None) -> dict[str, str]:
    """What is different, in words, by column; the key counts as a difference of its columns."""
    if told is None:
        return {c.name or "": "the table is not there any more" for c in shape.columns}
    now = {c.name.lower(): c for c in told.columns}
    found: dict[str, str] = {}
    for column in shape.columns:
        name = column.name or ""
        definition = now.pop(name.lower(), None)
        why = "the column is not there any more" if definition is None else _difference(column, definition)
        if why:
            found[name] = why
    found |= {c.name: "the column is new" for c in now.values()}
    was = {(shape.columns[i].name or "").lower() for i in shape.key}
    key = {told.columns[i].name.lower() for i in told.key}
    return found | dict.fromkeys(sorted(was ^ key), "the primary key is another one")


def _difference(column: Column, told: ColumnDefinition) -> str:
    kind = told.data_type.lower()
    if kind in _UNREAD:
        return f"its type ({kind}) cannot be compared"
    if not schemas.agree(column, told):
        return f"its type was another one than {told.column_type}"
    if column.unsigned is not None and column.code != Code.YEAR:
        unsigned = "unsigned" in told.column_type.lower() or "zerofill" in told.column_type.lower()
        if column.unsigned != unsigned:
            return "its sign is another one"
    if column.charset is not None and told.charset is not None and _set(column.charset) != _set(told.charset):
        return f"its character set was {column.charset} and is {told.charset}"
    if column.labels is not None and column.labels != schemas.labels(told.column_type):
        return f"its labels were {', '.join(column.labels)}"
    if column.code in {Code.DATETIME2, Code.TIMESTAMP2, Code.TIME2}:
        digits = _FRACTION.search(told.column_type)
        if column.meta != (int(digits[1]) if digits else 0):
            return "it keeps another fraction of a second"
    return ""


def _set(name: str) -> str:
    return _SAME_SETS.get(name.lower(), name.lower())
