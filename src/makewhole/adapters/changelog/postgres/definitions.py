"""A table as the log described it and as the catalogue has it now go in; the columns that are another thing today come out, by name."""

# ruff: noqa: S608  statements of our own, whose parameters are parameters

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from makewhole.adapters import postgres
from makewhole.adapters.changelog.postgres.messages import Relation
from makewhole.adapters.changelog.postgres.session import Session

_GENERATED_SINCE = 120_000
"""The version from which a column may be made by the server; the log does not hold such columns."""


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A table in the catalogue."""

    number: int
    columns: Mapping[str, tuple[int, int]]
    """Of each column that the log may tell: its type's number, and what that was given in brackets."""
    key: tuple[str, ...]


def definition(asked: Session, schema: str, name: str) -> Definition | None:
    """The table of exactly this name; None where there is none."""
    generated = "a.attgenerated <> ''" if asked.version >= _GENERATED_SINCE else "false"
    columns = asked.rows(
        "SELECT c.oid, a.attname, a.atttypid, a.atttypmod FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
        f" WHERE n.nspname = %s AND c.relname = %s AND c.relkind IN ('r', 'p') AND NOT {generated} ORDER BY a.attnum",
        schema,
        name,
    )
    if not columns:
        return None
    return Definition(
        number=columns[0][0],
        columns={column: (type_, modifier) for _, column, type_, modifier in columns},
        key=keys(asked, columns[0][0]).get((schema.lower(), name.lower()), ()),
    )


def keys(asked: Session, number: int | None = None) -> dict[tuple[str, str], tuple[str, ...]]:
    """Primary keys by schema and table, lower case: of this table, or of all that the log tells of."""
    told: dict[tuple[str, str], tuple[str, ...]] = {}
    those = "EXISTS (SELECT FROM pg_publication_tables p WHERE p.pubname = %s AND p.schemaname = n.nspname AND p.tablename = c.relname)"
    rows = asked.rows(
        "SELECT lower(n.nspname), lower(c.relname), a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid"
        " JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY k (attnum, place)"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum"
        f" WHERE i.indisprimary AND {those if number is None else 'c.oid = %s'}"
        " ORDER BY c.oid, k.place",
        postgres.PUBLICATION if number is None else number,
    )
    for schema, name, column in rows:
        told[schema, name] = (*told.get((schema, name), ()), column)
    return told


def published(asked: Session) -> list[str]:
    """The tables that the log tells of, by name."""
    rows = asked.rows("SELECT schemaname, tablename FROM pg_publication_tables WHERE pubname = %s ORDER BY 1, 2", postgres.PUBLICATION)
    return [f"{schema}.{name}" for schema, name in rows]


def differences(relation: Relation, told: Definition) -> dict[str, str]:
    """What is different today, in words, by column."""
    if relation.number != told.number:
        return dict.fromkeys((c.name for c in relation.columns), "the table was dropped and made anew")
    found: dict[str, str] = {}
    for column in relation.columns:
        now = told.columns.get(column.name)
        if now is None:
            found[column.name] = "the column is not there any more"
        elif now != (column.type, column.modifier):
            found[column.name] = "its type was another one"
    new = set(told.columns) - {c.name for c in relation.columns}
    return found | dict.fromkeys(sorted(new), "the column is new")
