"""Statements of a shop file's hands: text goes in, a checked UPDATE, INSERT or SELECT comes out, and later its spelling in one dialect."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from sqlglot import exp

from makewhole.adapters.shops import expressions, language
from makewhole.core import faults

_PARTS: tuple[type[exp.Expression], ...] = (
    *expressions.PARTS,
    exp.Update, exp.Insert, exp.Select, exp.From, exp.Where, exp.Table, exp.TableAlias, exp.Schema, exp.Values, exp.Placeholder,
    exp.Subquery, exp.Exists, exp.Order, exp.Ordered, exp.Limit, exp.Count, exp.Star,
)  # fmt: skip
_TODO = "Declare UPDATE … WHERE …, INSERT … VALUES or INSERT … SELECT … WHERE …, each on one table, bound to :row or another parameter."


@dataclass(frozen=True, kw_only=True, eq=False)
class Statement:
    """One checked statement with what it may touch. Each is itself: its spelling is remembered by identity."""

    tree: exp.Expression
    where: str
    what: str = ""
    rows_min: int = 1
    rows_max: int | None = 1
    rows_as: str | None = None
    """As many rows as the order has `items` or `parts`."""
    for_each: str | None = None
    when: str | None = None
    gives: str | None = None

    def table(self) -> str:
        """The table that it writes, or that it reads from first."""
        found = self.tree.find(exp.Table)
        return found.name if found is not None else ""

    def tables(self) -> tuple[str, ...]:
        """Every table that it names."""
        return tuple(dict.fromkeys(t.name for t in self.tree.find_all(exp.Table)))

    def parameters(self) -> frozenset[str]:
        """The parameters that it binds."""
        return self._parameters

    @functools.cached_property
    def _parameters(self) -> frozenset[str]:
        return frozenset(p.name for p in self.tree.find_all(exp.Placeholder))

    def write(self, scribe: expressions.Scribe) -> str:
        """The statement in the scribe's dialect; text literals are bound to the scribe."""
        return scribe.join(_spelled(self, scribe.dialect))

    def limited(self) -> bool:
        """Whether it is an UPDATE with ORDER BY or LIMIT, which MySQL and MariaDB alone know."""
        return isinstance(self.tree, exp.Update) and bool(self.tree.args.get("limit") or self.tree.args.get("order"))

    def asks(self) -> frozenset[str]:
        """Columns that its conditions look at, in lower case."""
        return frozenset(c.name.lower() for where in self.tree.find_all(exp.Where) for c in where.find_all(exp.Column))

    def columns(self) -> tuple[str, ...]:
        """Columns that an UPDATE sets or an INSERT fills."""
        if isinstance(self.tree, exp.Update):
            return tuple(e.this.name for e in self.tree.expressions)
        return tuple(c.name for c in self.tree.this.expressions)


@functools.lru_cache(maxsize=expressions.SPELLED_MAX)
def _spelled(told: Statement, dialect: str) -> expressions.Pieces:
    """Writing SQL from a tree takes longer than the shop needs to carry it out, and a hand's statements never change."""
    return expressions.cut(told.tree, dialect)


def render(tree: exp.Expression, scribe: expressions.Scribe) -> str:
    """Any checked tree in the scribe's dialect."""
    return scribe.join(expressions.cut(tree, scribe.dialect))


def parse_write(spec: language.StatementSpec, dialect: str, where: str) -> Statement:
    """A declared write. Raises BadInput: UPDATE without WHERE, DELETE, DDL and everything else are refused."""
    tree = expressions.one(spec.sql, dialect, where)
    match tree:
        case exp.Update():
            _check_update(tree, where)
        case exp.Insert():
            _check_insert(tree, where)
        case _:
            raise faults.BadInput(f"a hand may not {type(tree).__name__.upper()}: {spec.sql!r}", where=where, todo=_TODO)
    _check_parts(tree, where)
    if spec.for_each not in {None, "item", "part"}:
        raise faults.BadInput(f"for_each cannot be {spec.for_each!r}", where=where, todo='Write for_each = "item" or for_each = "part".')
    low, high, rows_as = _rows(spec.expect_rows, where)
    return Statement(
        tree=tree,
        where=where,
        what=spec.what,
        rows_min=low,
        rows_max=high,
        rows_as=rows_as,
        for_each=spec.for_each,
        when=spec.when,
        gives=spec.gives,
    )


def parse_query(sql: str, dialect: str, where: str) -> Statement:
    """The query that tells whether an act was done: a row means yes. Raises BadInput."""
    tree = expressions.one(sql, dialect, where)
    if not isinstance(tree, exp.Select) or tree.args.get("locks") or tree.args.get("joins"):
        todo = "Write SELECT 1 FROM one table WHERE …; further tables only in EXISTS."
        raise faults.BadInput(f"done is a query: {sql!r}", where=where, todo=todo)
    _bound(tree, where)
    _check_parts(tree, where)
    return Statement(tree=tree, where=where)


def _check_update(tree: exp.Update, where: str) -> None:
    if tree.args.get("from_") or not isinstance(tree.this, exp.Table) or tree.this.args.get("joins"):
        raise faults.BadInput("an UPDATE of more than one table", where=where, todo=_TODO)
    _bound(tree, where)
    done: set[str] = set()
    for setting in tree.expressions:
        if not isinstance(setting, exp.EQ) or not isinstance(setting.this, exp.Column):
            raise faults.BadInput("SET is not a list of column = expression", where=where, todo=_TODO)
        # MySQL uses the new value of a column set further left, everybody else the old one: what it means must not depend on it.
        read = {c.name for c in setting.expression.find_all(exp.Column)}
        if read & done:
            todo = "Compute every column from columns that this statement has not set yet."
            raise faults.BadInput(f"SET reads {', '.join(sorted(read & done))} after setting it", where=where, todo=todo)
        done.add(setting.this.name)


def _check_insert(tree: exp.Insert, where: str) -> None:
    if tree.args.get("conflict") or tree.args.get("ignore") or tree.args.get("overwrite") or tree.args.get("exists"):
        raise faults.BadInput("an INSERT that hides a conflict", where=where, todo="A conflict must be seen: write a plain INSERT.")
    if not isinstance(tree.this, exp.Schema):
        raise faults.BadInput("an INSERT without its columns", where=where, todo="Name the columns: INSERT INTO t (a, b) …")
    source = tree.expression
    if isinstance(source, exp.Select):
        _bound(source, where)
    elif not isinstance(source, exp.Values) or len(source.expressions) != 1:
        raise faults.BadInput(
            "an INSERT of several rows at once", where=where, todo='Use one VALUES list, with for_each = "item" if need be.'
        )


def _bound(tree: exp.Expression, where: str) -> None:
    condition = tree.args.get("where")
    if condition is None:
        raise faults.BadInput(f"{type(tree).__name__.upper()} without WHERE", where=where, todo=_TODO)
    if condition.find(exp.Placeholder) is None:
        raise faults.BadInput("a WHERE that no parameter narrows", where=where, todo=_TODO)


def _check_parts(tree: exp.Expression, where: str) -> None:
    for part in tree.walk():
        if not isinstance(part, _PARTS):
            raise faults.BadInput(f"{expressions.called(part)} is not allowed in a hand", where=where, todo=_TODO)
        if isinstance(part, exp.Table) and (part.db or part.catalog):
            raise faults.BadInput(f"a table of another database: {part.sql()}", where=where, todo="Name the table alone.")
        if isinstance(part, exp.Placeholder) and not part.this:
            raise faults.BadInput("a parameter without a name", where=where, todo="Write :row, :number, …")


def _rows(told: int | str, where: str) -> tuple[int, int | None, str | None]:
    """How many rows a statement must touch: 1, "0..1", "1..", "items" or "parts"."""
    if isinstance(told, int):
        return told, told, None
    if told in {"items", "parts"}:
        return 0, None, told
    low, dots, high = told.partition("..")
    if not dots or not low.isdigit() or not (high.isdigit() or not high):
        raise faults.BadInput(f"expect_rows cannot be {told!r}", where=where, todo='Write a number, "0..1", "1..", "items" or "parts".')
    return int(low), int(high) if high else None, None
