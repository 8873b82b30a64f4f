"""A shop file's expression and one image of a row go in, the value that the database would have made of it comes out, or Unsure.

A change log holds rows that are in no table any more, so that no database can be asked. What is not certain to come out as it would there
(a collation, a cast, a column that the image does not tell) is Unsure, and never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlglot import exp

from makewhole.adapters.shops import expressions
from makewhole.model import change


class Unsure(Exception):
    """Only the database itself could tell."""


def evaluate(told: expressions.Expression, image: change.Image) -> change.Value:
    """The value of an expression over this image. Raises Unsure."""
    return _value(told.tree, image)


def holds(told: expressions.Expression, image: change.Image) -> bool:
    """Whether a condition holds, as in WHERE: what is unknown does not. Raises Unsure."""
    return _truth(told.tree, image) is True


def lacks(told: expressions.Expression) -> str | None:
    """The first part of an expression that no image is ever evaluated with, as it is called; None where there is none."""
    return next((expressions.called(part) for part in told.tree.walk() if type(part) not in _KNOWN), None)


def column(image: change.Image, name: str) -> change.Value:
    """A column of an image; servers compare names without case. Raises Unsure where the log does not tell it."""
    if name in image:
        return image[name]
    for known, value in image.items():
        if known.lower() == name.lower():
            return value
    raise Unsure(name)


def _value(tree: exp.Expression, image: change.Image) -> change.Value:
    match tree:
        case exp.Paren():
            return _value(tree.this, image)
        case exp.Column():
            return column(image, tree.name)
        case exp.Null():
            return None
        case exp.Boolean():
            return int(tree.this)
        case exp.Literal():
            return str(tree.this) if tree.is_string else _number(tree.this)
        case exp.Neg():
            told = _value(tree.this, image)
            return None if told is None else -_number(told)
        case exp.Add() | exp.Sub() | exp.Mul():
            return _sum(tree, image)
        case exp.Coalesce():
            return next((v for part in (tree.this, *tree.expressions) if (v := _value(part, image)) is not None), None)
        case exp.Nullif():
            one, other = _value(tree.this, image), _value(tree.expression, image)
            return None if _compare(one, other) == 0 else one
        case exp.Case():
            return _case(tree, image)
        case exp.If():
            chosen = tree.args["true"] if _truth(tree.this, image) is True else tree.args.get("false")
            return None if chosen is None else _value(chosen, image)
        case exp.Concat():
            parts = [_value(part, image) for part in tree.expressions]
            return None if None in parts else "".join(change.spell(p) for p in parts)
        case _ if type(tree) in _TRUTHS:
            truth = _truth(tree, image)
            return None if truth is None else int(truth)
        case _:
            raise Unsure(expressions.called(tree))


def _sum(tree: exp.Expression, image: change.Image) -> change.Value:
    one, other = _value(tree.this, image), _value(tree.expression, image)
    if one is None or other is None:
        return None
    left, right = _number(one), _number(other)
    return left + right if isinstance(tree, exp.Add) else left - right if isinstance(tree, exp.Sub) else left * right


def _case(tree: exp.Expression, image: change.Image) -> change.Value:
    for branch in tree.args["ifs"]:
        condition = branch.this if tree.this is None else exp.EQ(this=tree.this.copy(), expression=branch.this.copy())
        if _truth(condition, image) is True:
            return _value(branch.args["true"], image)
    default = tree.args.get("default")
    return None if default is None else _value(default, image)


def _truth(tree: exp.Expression, image: change.Image) -> bool | None:
    """True, false or unknown, as SQL has it."""
    told = _TRUTHS.get(type(tree))
    if told is not None:
        return told(tree, image)
    if isinstance(tree, exp.Paren):
        return _truth(tree.this, image)
    value = _value(tree, image)
    return None if value is None else _number(value) != 0


def _and(tree: Any, image: change.Image) -> bool | None:
    one = _truth(tree.this, image)
    other = False if one is False else _truth(tree.expression, image)
    if other is False:
        return False
    return None if one is None or other is None else True


def _or(tree: Any, image: change.Image) -> bool | None:
    one = _truth(tree.this, image)
    other = True if one is True else _truth(tree.expression, image)
    if other is True:
        return True
    return None if one is None or other is None else False


def _not(tree: Any, image: change.Image) -> bool | None:
    told = _truth(tree.this, image)
    return None if told is None else not told


def _comparing(says: Callable[[int], bool]) -> Callable[[Any, change.Image], bool | None]:
    def compared(tree: Any, image: change.Image) -> bool | None:
        told = _compare(_value(tree.this, image), _value(tree.expression, image))
        return None if told is None else says(told)

    return compared


def _is(tree: Any, image: change.Image) -> bool | None:
    if isinstance(tree.expression, exp.Null):
        return _value(tree.this, image) is None
    told = _truth(tree.this, image)
    return told is not None and told is bool(_number(_value(tree.expression, image)))


def _in(tree: Any, image: change.Image) -> bool | None:
    value, among = _value(tree.this, image), [_value(one, image) for one in tree.expressions]
    # What stands in the list letter by letter is in it, whatever a collation thinks of the others.
    if value is not None and any(type(one) is type(value) and one == value for one in among):
        return True
    told = [_compare(value, one) for one in among]
    return True if 0 in told else None if None in told else False


def _between(tree: Any, image: change.Image) -> bool | None:
    value = _value(tree.this, image)
    low, high = _compare(value, _value(tree.args["low"], image)), _compare(value, _value(tree.args["high"], image))
    return None if low is None or high is None else low >= 0 and high <= 0


_TRUTHS: Mapping[type[exp.Expression], Callable[[Any, change.Image], bool | None]] = {
    exp.And: _and,
    exp.Or: _or,
    exp.Not: _not,
    exp.EQ: _comparing(lambda told: told == 0),
    exp.NEQ: _comparing(lambda told: told != 0),
    exp.GT: _comparing(lambda told: told > 0),
    exp.GTE: _comparing(lambda told: told >= 0),
    exp.LT: _comparing(lambda told: told < 0),
    exp.LTE: _comparing(lambda told: told <= 0),
    exp.Is: _is,
    exp.In: _in,
    exp.Between: _between,
}
_KNOWN: frozenset[type[exp.Expression]] = frozenset(_TRUTHS) | {
    exp.Paren, exp.Column, exp.Identifier, exp.Null, exp.Boolean, exp.Literal, exp.Tuple, exp.Neg, exp.Add, exp.Sub, exp.Mul,
    exp.Coalesce, exp.Nullif, exp.Case, exp.If, exp.Concat,
}  # fmt: skip


def _compare(one: change.Value, other: change.Value) -> int | None:
    """Below, at or above zero; None where one side is NULL. Raises Unsure for texts that a collation may hold equal, and for kinds that
    every server compares in its own way."""
    if one is None or other is None:
        return None
    if isinstance(one, str) and isinstance(other, str):
        if one != other and one.casefold().strip() == other.casefold().strip():
            raise Unsure("a collation decides")
        return (one > other) - (one < other)
    if type(one) is type(other) and not isinstance(one, int | float | Decimal):
        return 0 if one == other else _unsure()
    left, right = _number(one), _number(other)
    return (left > right) - (left < right)


def _unsure() -> int:
    raise Unsure("only the server knows how it compares these")


def _number(value: object) -> int | Decimal:
    """A number, or a text that is one in its plainest spelling. Raises Unsure."""
    if isinstance(value, bool | int):
        return int(value)
    try:
        told = Decimal(str(value)) if isinstance(value, float | Decimal | str) else None
    except InvalidOperation:
        told = None
    if told is None or not told.is_finite():
        raise Unsure(f"not a number: {type(value).__name__}")
    return int(told) if told == told.to_integral_value() and "." not in str(value) else told
