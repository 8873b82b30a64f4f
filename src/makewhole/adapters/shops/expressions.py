"""SQL expressions of a shop file: text goes in, a parsed tree of allowed parts comes out, and later its spelling in one dialect.

Nothing that a shop file says is ever pasted into a statement: it is parsed, every part is looked up in a list of what is allowed,
and what is sent is written again from the tree, with every text literal as a bind parameter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import sqlglot
from sqlglot import errors, exp

from makewhole.core import faults

PARTS: tuple[type[exp.Expression], ...] = (
    exp.Column, exp.Identifier, exp.Literal, exp.Null, exp.Boolean, exp.Paren, exp.Tuple,
    exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In, exp.Between, exp.Like,
    exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.Neg,
    exp.Case, exp.If, exp.Coalesce, exp.Nullif, exp.Cast, exp.DataType, exp.Concat, exp.Substring, exp.Trim, exp.Lower, exp.Upper, exp.Abs,
)  # fmt: skip
"""No division: it makes floats of money. No subselects, no variables, no functions beyond these."""
_CASTS = frozenset({exp.DataType.Type.CHAR, exp.DataType.Type.VARCHAR, exp.DataType.Type.BIGINT, exp.DataType.Type.INT})
_NAME = re.compile(r"[\w$]{1,64}")
_TODO = (
    "Use columns, literals, comparisons, AND/OR/NOT, + - *, CASE, IF, COALESCE, NULLIF, CONCAT, CAST AS CHAR, SUBSTRING, TRIM, "
    "LOWER, UPPER, ABS."
)


@dataclass(frozen=True, kw_only=True)
class Expression:
    """A parsed expression over the columns of one table."""

    text: str
    tree: exp.Expression
    where: str

    def columns(self) -> tuple[str, ...]:
        """The columns it uses, in the order of their first use."""
        return tuple(dict.fromkeys(c.name for c in self.tree.find_all(exp.Column)))

    def column(self) -> str | None:
        """The column that it is, where it is nothing but a column."""
        return self.tree.name if isinstance(self.tree, exp.Column) else None


def parse(text: str, dialect: str, where: str) -> Expression:
    """One expression. Raises BadInput that names the part which is not allowed."""
    tree = one(text, dialect, where)
    for part in tree.walk():
        _check(part, text, where)
    return Expression(text=text, tree=tree, where=where)


def one(text: str, dialect: str, where: str) -> exp.Expression:
    """The tree of exactly one expression or statement without comments. Raises BadInput."""
    try:
        tokens = sqlglot.tokenize(text, read=dialect)
        trees = sqlglot.parse(text, read=dialect)
    except errors.SqlglotError as wrong:
        raise faults.BadInput(f"not SQL: {text!r}", where=where, todo=f"The parser says: {_first_line(wrong)}") from wrong
    if any(token.comments for token in tokens):
        raise faults.BadInput(f"a comment inside SQL: {text!r}", where=where, todo="Write the comment in TOML, with #.")
    if len(trees) != 1 or trees[0] is None:
        raise faults.BadInput(f"one piece of SQL is expected, not {len(trees)}: {text!r}", where=where, todo="Leave the semicolon out.")
    tree = trees[0]
    for name in tree.find_all(exp.Identifier):
        if not _NAME.fullmatch(name.name):
            raise faults.BadInput(f"not a name: {name.name!r}", where=where, todo="Names are letters, digits, _ and $.")
    return tree


def _check(part: exp.Expression, text: str, where: str) -> None:
    if not isinstance(part, PARTS):
        raise faults.BadInput(f"{called(part)} is not allowed in {text!r}", where=where, todo=_TODO)
    if isinstance(part, exp.Column) and part.table:
        raise faults.BadInput(f"a column with its table in {text!r}", where=where, todo=f"Write {part.name} alone: the table is known.")
    if isinstance(part, exp.Cast) and part.to.this not in _CASTS:
        raise faults.BadInput(f"a cast to {part.to.sql()} in {text!r}", where=where, todo="Cast to CHAR or SIGNED only.")
    if isinstance(part, exp.In) and part.args.get("query") is not None:
        raise faults.BadInput(f"a subselect in {text!r}", where=where, todo=_TODO)


def called(part: exp.Expression) -> str:
    """What a part is called, for messages."""
    return f"{part.name}()" if isinstance(part, exp.Anonymous) else type(part).__name__.upper()


def _first_line(wrong: Exception) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", str(wrong)).splitlines()[0]


@dataclass(kw_only=True)
class Scribe:
    """Writes statements in one dialect, and keeps the values that are bound to them."""

    dialect: str
    values: dict[str, object] = field(default_factory=dict)

    def bind(self, value: object) -> str:
        """A parameter for this value."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    def binds(self, values: tuple[object, ...]) -> str:
        """A list of parameters, for IN."""
        return "(" + ", ".join(self.bind(v) for v in values) + ")"

    def write(self, told: Expression, alias: str) -> str:
        """The expression with its columns bound to a table's alias and its texts bound as parameters."""
        tree = told.tree.copy().transform(lambda part: self._rewrite(part, alias))
        return f"({tree.sql(self.dialect, identify=True)})" if not isinstance(tree, exp.Column) else tree.sql(self.dialect, identify=True)

    def name(self, name: str) -> str:
        """An identifier, quoted."""
        return exp.to_identifier(name, quoted=True).sql(self.dialect)

    def _rewrite(self, part: exp.Expression, alias: str) -> exp.Expression:
        if isinstance(part, exp.Column):
            return exp.column(part.name, table=alias, quoted=True)
        if isinstance(part, exp.Literal) and part.is_string:
            return exp.Placeholder(this=self.bind(part.this)[1:])
        return part


def literal(tree: object) -> str | int:
    """The value of a literal: text, or a whole number."""
    if not isinstance(tree, exp.Literal):
        raise faults.Defect(f"no literal: {tree!r}")
    return tree.this if tree.is_string else int(tree.this)


def select(columns: list[str], source: str, conditions: list[str], tail: str = "") -> str:
    """A SELECT of parts that a scribe wrote: the one place where statements are put together from text."""
    told = f"SELECT {', '.join(columns)} FROM {source}"  # noqa: S608  every part was written from a checked tree, every value is bound
    return f"{told} WHERE {' AND '.join(conditions)} {tail}".rstrip() if conditions else f"{told} {tail}".rstrip()
