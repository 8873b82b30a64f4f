"""An order's table goes in; the column that holds the number which people read goes into the draft, or is asked."""

from __future__ import annotations

import dataclasses
import re

from makewhole.attach import columns, survey, values
from makewhole.attach.columns import Candidate, Read
from makewhole.attach.drafts import Draft, found_of
from makewhole.attach.fields import Chosen
from makewhole.attach.proposal import STATED_MIN, Asked, Choice, Evidence, Question, Why

REPEATED_MIN = 0.3
"""Share of a number's values that must differ: each tenant counts its own orders."""
NUMBER_NAMED_MIN = 0.9
"""How clearly a column is called the number that is asked about though some orders lack it."""
SHORT_ROWS_MIN = 20
_SHORT = re.compile(r"(?=.*\d{3})[A-Za-z0-9#/_-]{4,40}")
"""Rows from which a short text that differs in each is a number; and what such a text looks like."""


def number(draft: Draft, read: Read, chosen: dict[str, Chosen], key: str) -> None:
    """The number; where no column is called one, the row's own key is what people read."""
    if "order.number" in chosen:
        best = chosen["order.number"].best
        alone = len(read.table.key) == 1 and best.column.name == read.table.key[0]
        if alone and best.score < STATED_MIN and not chosen["order.number"].rivals:
            _key_as_number(draft, read, best.column.name, best.evidence)
            return
        draft.column(read, "order.number", _only_one(read, _beside_growing(read, chosen["order.number"]), key))
        return
    if key:
        _key_as_number(draft, read, key, (Evidence(why=Why.ALONE),))


def _beside_growing(read: Read, told: Chosen) -> Chosen:
    """The number with its rivals: where its name is unclear and its values are drawn, a column that counts the orders up is one."""
    best = told.best
    if max(read.says("order.number", best.column.name)) >= STATED_MIN or values.grows(read.table, best.column.name):
        return told
    others = (c.name for c in read.table.columns if c.name not in {best.column.name, *read.table.key} and _numbers_rows(read, c.name))
    more = tuple(
        Candidate(column=read.table.by_name[name], look=read.look(name), score=best.score, evidence=(Evidence(why=Why.VALUES),))
        for name in others
        if values.grows(read.table, name)
    )
    return Chosen(best=best, rivals=(*told.rivals, *more))


def _only_one(read: Read, told: Chosen, key: str) -> Chosen:
    """With more trust in a number that every order has for itself, where no other column could be one."""
    best = told.best
    others = (c.name for c in read.table.columns if c.name not in {key, best.column.name})
    named = bool(read.ideas(best.column.name) & {"number", "id"}) and best.look.told >= SHORT_ROWS_MIN
    alone = not told.rivals and _numbers_rows(read, best.column.name) and not any(_numbers_rows(read, c) for c in others)
    return Chosen(best=dataclasses.replace(best, score=max(best.score, 0.84))) if named and alone else told


def _key_as_number(draft: Draft, read: Read, key: str, evidence: tuple[Evidence, ...]) -> None:
    """The row's own key as the number, unless another column differs in every row as only a number would: then it is asked."""
    others = [c.name for c in read.table.columns if c.name != key and (_numbers_rows(read, c.name) or _short_number(read, c.name))]
    others = [name for name in others if not columns.random_name(name)]
    # A number by its name that some rows lack: carts, or orders of another kind.
    others += [c.name for c in read.table.columns if c.name not in {key, *others} and _lacked_number(read, c.name)]
    if len(others) == 1 and _short_number(read, others[0]) and values.grows(read.table, others[0]):
        # `S00012`: a text that counts the rows, with letters before the count, was made to be read.
        draft.state(found_of(read, "order.number", others[0], 0.84, (Evidence(why=Why.VALUES, what=others[0]),)))
        return
    made = found_of(read, "order.number", key, 0.84, (Evidence(why=Why.KEY, what=key), *evidence))
    if not others:
        draft.state(made)
        return
    more = (found_of(read, "order.number", name, 0.7, (Evidence(why=Why.VALUES),)) for name in others[:3])
    choices = tuple(Choice(label=f"{f.table}.{f.rests_on()}", found=(f,)) for f in (*more, made))
    draft.ask(Question(field="order.number", asked=Asked.COLUMN, about=read.table.name, choices=choices))


def _numbers_rows(read: Read, column: str) -> bool:
    look = read.look(column)
    taken = look.phones > 0.5 or look.transactions > 0.5 or values.Shape.DOCUMENT not in look.shapes or look.unit
    return not taken and look.told >= values.ROWS_TELL_MIN and look.present == 1.0 and look.varied == 1.0


def _lacked_number(read: Read, column: str) -> bool:
    look = read.look(column)
    named = max(read.says("order.number", column)) >= NUMBER_NAMED_MIN
    return named and look.told >= values.ROWS_TELL_MIN and look.varied >= REPEATED_MIN


def _short_number(read: Read, column: str) -> bool:
    """Whether a text differs in every row and has digits: `S00012` is read to a customer, a row's key is not."""
    told = [values.text(v) for v in read.table.values(column) if not values.absent(v)]
    text = read.table.by_name[column].kind is survey.Kind.TEXT and not read.look(column).unit and read.look(column).phones < 0.5
    return text and len(told) >= SHORT_ROWS_MIN and len(set(told)) == len(read.table.sample) and all(map(_SHORT.fullmatch, told))
