"""Previews of writes: declared statements and their values go in, lines for people come out. Computed by SELECT; nothing is locked.

Each statement is looked at as the rows stand now: what an earlier statement of the same hand would have changed is not seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlglot import exp

from makewhole.adapters.shops import binding, expressions, rows, schema, statements
from makewhole.core import faults

_NEW = "(new row)"


def lines(
    connection: sa.Connection,
    live: schema.Schema,
    dialect: str,
    writes: Sequence[statements.Statement],
    values: Mapping[str, object],
    each: binding.Each,
) -> tuple[str, ...]:
    """One line a row: table, key, column: before → after; and a warning where a statement would be refused."""
    new = frozenset(s.gives for s in writes if s.gives)
    found: list[str] = []
    for statement in writes:
        if statement.when and not values.get(statement.when):
            continue
        # What does not exist yet equals nothing; as a value it is shown by name.
        known = {**values, **dict.fromkeys(new, None if isinstance(statement.tree, exp.Update) else _NEW)}
        for item in each.over(statement):
            scribe = expressions.Scribe(dialect=dialect)
            bound = {n: v for n, v in {**known, **item}.items() if n in statement.parameters()}
            tree, keys = _query(statement, live)
            sql = statements.render(tree, scribe)
            told = connection.execute(sa.text(sql), {**scribe.values, **bound}).all()
            found += [_line(statement, keys, tuple(row)) for row in told]
            low, high = each.rows(statement)
            if not new & bound.keys() and (len(told) < low or (high is not None and len(told) > high)):
                found.append(
                    f"refused: {statement.what}: {len(told)} rows of {statement.table()} now, declared are {binding.span(low, high)}"
                )
    return tuple(found)


def _query(statement: statements.Statement, live: schema.Schema) -> tuple[exp.Expression, tuple[str, ...]]:
    """The SELECT that tells what a write would do, and the key columns it begins with."""
    tree = statement.tree
    if isinstance(tree, exp.Update):
        keys = live[statement.table()].primary_key
        before = [exp.column(e.this.name, quoted=True) for e in tree.expressions]
        query = exp.select(*(exp.column(k, quoted=True) for k in keys), *before, *(e.expression.copy() for e in tree.expressions))
        query = query.from_(tree.this.copy())
        for part in ("where", "order", "limit"):
            if tree.args.get(part) is not None:
                query.set(part, tree.args[part].copy())
        return query, keys
    source = tree.expression
    if isinstance(source, exp.Select):
        return source.copy(), ()
    if isinstance(source, exp.Values):
        return exp.select(*(v.copy() for v in source.expressions[0].expressions)), ()
    raise faults.Defect(f"no preview of {type(tree).__name__}")


def _line(statement: statements.Statement, keys: tuple[str, ...], row: tuple[object, ...]) -> str:
    table, columns = statement.table(), statement.columns()
    if isinstance(statement.tree, exp.Insert):
        told = ", ".join(f"{c} = {_spell(v)}" for c, v in zip(columns, row, strict=True))
        return f"{table} + {told}"
    key = ", ".join(f"{k}={_spell(v)}" for k, v in zip(keys, row, strict=False))
    before, after = row[len(keys) : len(keys) + len(columns)], row[len(keys) + len(columns) :]
    changes = [f"{c}: {_spell(b)} → {_spell(a)}" for c, b, a in zip(columns, before, after, strict=True) if _spell(b) != _spell(a)]
    return f"{table} {key} {', '.join(changes) or '(unchanged)'}"


def _spell(value: object) -> str:
    return "NULL" if value is None else rows.spell(value)
