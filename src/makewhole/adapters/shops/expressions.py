"""SQL expressions of a shop file: text goes in, a parsed tree of allowed parts comes out, and later its spelling in one dialect.

Nothing that a shop file says is ever pasted into a statement: it is parsed, every part is looked up in a list of what is allowed,
and what is sent is written again from the tree, with every text literal as a bind parameter.
"""

from __future__ import annotations

import functools
import itertools
import re
from dataclasses import dataclass, field

from sqlglot import dialects, errors, exp
from sqlglot.tokenizer_core import TokenType

from makewhole.core import faults

PARTS: tuple[type[exp.Expression], ...] = (
    exp.Column, exp.Identifier, exp.Literal, exp.Null, exp.Boolean, exp.Paren, exp.Tuple,
    exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In, exp.Between, exp.Like,
    exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.Neg,
    exp.Case, exp.If, exp.Coalesce, exp.Nullif, exp.Cast, exp.DataType, exp.Concat, exp.Substring, exp.Trim, exp.Lower, exp.Upper, exp.Abs,
)  # fmt: skip
"""No division: it makes floats of money. No subselects, no variables, no functions beyond these."""
_CASTS = frozenset({exp.DataType.Type.CHAR, exp.DataType.Type.VARCHAR, exp.DataType.Type.BIGINT, exp.DataType.Type.INT})
SPELLED_MAX = 8192
"""Spellings remembered: a shop file has about a hundred expressions, each under one or two aliases."""
_CUT = "mw_text_"
_NAME = re.compile(r"[\w$]{1,64}")
Pieces = tuple[tuple[str, ...], tuple[str, ...]]
"""SQL cut at every text literal, and the literals: one piece more than texts."""
_TODO = (
    "Use columns, literals, comparisons, AND/OR/NOT, + - *, CASE, IF, COALESCE, NULLIF, CONCAT, CAST AS CHAR, SUBSTRING, TRIM, "
    "LOWER, UPPER, ABS."
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Expression:
    """A parsed expression over the columns of one table. Each is itself: what is made of it is remembered by identity."""

    text: str
    tree: exp.Expression
    where: str

    def columns(self) -> tuple[str, ...]:
        """The columns it uses, in the order of their first use."""
        return self._columns

    @functools.cached_property
    def _columns(self) -> tuple[str, ...]:
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


def without(told: Expression, other: Expression) -> Expression:
    """A condition that holds where this one does and the other does not, be that one false or unknown."""
    ours, theirs = exp.Paren(this=told.tree.copy()), exp.Paren(this=other.tree.copy())
    tree = exp.And(this=ours, expression=exp.Not(this=exp.Paren(this=exp.Is(this=theirs, expression=exp.Boolean(this=True)))))
    return Expression(text=f"({told.text}) AND NOT (({other.text}) IS TRUE)", tree=tree, where=told.where)


def one(text: str, dialect: str, where: str) -> exp.Expression:
    """The tree of exactly one expression or statement without comments. Raises BadInput."""
    try:
        spoken = dialects.Dialect.get_or_raise(dialect)
        tokens = spoken.tokenize(text)
        for colon, name in itertools.pairwise(tokens):
            # A parameter may be called like a keyword (:key, :full): after a colon it is a name.
            if colon.token_type is TokenType.COLON and name.text.isidentifier():
                name.token_type = TokenType.VAR
        trees = spoken.parser().parse(tokens, text)
    except errors.SqlglotError as wrong:
        raise faults.BadInput(f"not SQL: {text!r}", where=where, todo=f"The parser says: {_first_line(wrong)}") from wrong
    if any(token.comments for token in tokens):
        raise faults.BadInput(f"a comment inside SQL: {text!r}", where=where, todo="Write the comment in TOML, with #.")
    if len(trees) != 1 or trees[0] is None:
        raise faults.BadInput(f"one piece of SQL is expected, not {len(trees)}: {text!r}", where=where, todo="Leave the semicolon out.")
    tree: exp.Expression = trees[0]
    for word in tree.find_all(exp.Identifier):
        if not _NAME.fullmatch(word.name):
            raise faults.BadInput(f"not a name: {word.name!r}", where=where, todo="Names are letters, digits, _ and $.")
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
        return self.join(_spelled(told, alias, self.dialect))

    def join(self, told: Pieces) -> str:
        """SQL that was cut at its texts, put together again with each of them bound."""
        pieces, texts = told
        if not texts:
            return pieces[0]
        return pieces[0] + "".join(self.bind(text) + piece for text, piece in zip(texts, pieces[1:], strict=True))

    def name(self, name: str) -> str:
        """An identifier, quoted."""
        return _quoted(name, self.dialect)


@functools.lru_cache(maxsize=SPELLED_MAX)
def _quoted(name: str, dialect: str) -> str:
    return exp.to_identifier(name, quoted=True).sql(dialect)


@functools.lru_cache(maxsize=SPELLED_MAX)
def _spelled(told: Expression, alias: str, dialect: str) -> Pieces:
    """An expression in brackets, or a bare column: a dossier needs a hundred, and they never change."""
    pieces, texts = cut(told.tree, dialect, alias)
    if isinstance(told.tree, exp.Column):
        return pieces, texts
    *most, last = (f"({pieces[0]}", *pieces[1:])
    return (*most, f"{last})"), texts


def cut(tree: exp.Expression, dialect: str, alias: str | None = None) -> Pieces:
    """A checked tree's SQL, cut where its texts are to be bound; with an alias, its columns are bound to that table."""
    texts: list[str] = []

    def rewrite(part: exp.Expression) -> exp.Expression:
        if isinstance(part, exp.Column) and alias is not None:
            return exp.column(part.name, table=alias, quoted=True)
        if isinstance(part, exp.Literal) and part.is_string:
            texts.append(part.this)
            return exp.Var(this=f":{_CUT}{len(texts) - 1}_")
        # Dialects spell parameters differently; the library that sends our statements wants one spelling for all.
        return exp.Var(this=f":{part.name}") if isinstance(part, exp.Placeholder) else part

    sql = tree.copy().transform(rewrite).sql(dialect, identify=True)
    pieces = re.split(rf":{_CUT}(\d+)_", sql)
    return tuple(pieces[::2]), tuple(texts[int(i)] for i in pieces[1::2])


def literal(tree: object) -> str | int:
    """The value of a literal: text, or a whole number."""
    if not isinstance(tree, exp.Literal):
        raise faults.Defect(f"no literal: {tree!r}")
    return tree.this if tree.is_string else int(tree.this)


def select(columns: list[str], source: str, conditions: list[str], tail: str = "") -> str:
    """A SELECT of parts that a scribe wrote: the one place where statements are put together from text."""
    told = f"SELECT {', '.join(columns)} FROM {source}"  # noqa: S608  every part was written from a checked tree, every value is bound
    return f"{told} WHERE {' AND '.join(conditions)} {tail}".rstrip() if conditions else f"{told} {tail}".rstrip()
