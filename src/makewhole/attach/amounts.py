"""Columns of money go in; their unit, which of them is due and which was paid, and what the due one adds up from, come out."""

from __future__ import annotations

import itertools
import re
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from makewhole.attach import columns, naming, survey, values, wants
from makewhole.attach.columns import Candidate, Read
from makewhole.attach.fields import Barred, Chosen, same
from makewhole.attach.survey import Kind

SUMS_MIN = 0.9
"""Share of sampled orders whose parts must add up before the parts are believed; real tables hold a few that do not."""
MANY_ROWS, MANY_SUMS_MIN = 100, 0.97
"""Of a few orders four may be broken; of hundreds that do not add up, a part of the sum was not seen."""
_AMOUNTS = frozenset({"net", "amount", "total", "due", "actual", "pay", "paid"})
SUM_ROWS_MIN = 5
FULLER_MIN = 0.6
"""How well a column must say that it is due before its rows may prove it."""
LEFT_MAX, LEFT_MIN = 0.1, 0.5
"""Shares of paid and of unpaid orders that hold an amount, from which it is what is left to pay."""
ALONE_MIN, ALONE = 0.7, 0.82
"""How well a column must say that it is due to be believed where no other column holds an amount; and how sure it then is."""
PARTS_MAX = 8
"""Columns that may take part in a sum: with more, something would add up by chance."""
FEN_MEDIAN_MIN = 1000
"""Whole amounts of which the middle one is at least this are offered as fen first."""
_SAYS_FEN = re.compile(
    r"单位[^元]{0,3}分|以分|[（(\[,，:：/\s]分[)）\],，。;；/\s]|[（(\[,，:：/\s]分$|额分$|\b(cents?|fen|minor units?|pennies|pence)\b",
    re.IGNORECASE,
)
_SAYS_YUAN = re.compile(r"元|\b(yuan|rmb|cny|dollars?)\b", re.IGNORECASE)
_CENT_WORDS = frozenset({"fen", "cent", "cents", "minor"})


@dataclass(frozen=True, kw_only=True)
class Unit:
    """yuan or fen, how sure that is, and what says so."""

    word: str
    confidence: float
    said: str


def unit(read: Read, column: survey.Column) -> Unit:
    """The unit of one column of money."""
    told = _said(column)
    if told is not None:
        return told
    if column.scale or column.kind is Kind.FLOAT:
        return Unit(word="yuan", confidence=0.97, said=column.declared)
    if read.whole_money and column.kind is Kind.INTEGER:
        return Unit(word=read.whole_money, confidence=0.9, said="")
    neighbours = {u.word for c in read.table.columns if c is not column and c.kind is column.kind and (u := _said(c)) is not None}
    if len(neighbours) == 1:
        return Unit(word=neighbours.pop(), confidence=0.92, said="")
    return _by_values(read, column)


def said_of_whole(tables: tuple[survey.Table, ...]) -> str:
    """The unit that names and comments of whole amounts agree on throughout a database; empty where they say none or two."""
    found = {u.word for t in tables for c in t.columns if c.kind is Kind.INTEGER and _speaks_of_money(c) and (u := _said(c)) is not None}
    return found.pop() if len(found) == 1 else ""


def _speaks_of_money(column: survey.Column) -> bool:
    ideas = naming.ideas(naming.of_name(column.name)) | naming.ideas(naming.of_text(naming.head(column.comment)))
    return bool(ideas & {"amount", "price", "total", "due"}) and not ideas & {"point", "num", "quantity"}


def _said(column: survey.Column) -> Unit | None:
    if _CENT_WORDS & set(naming.split(column.name)) or _SAYS_FEN.search(column.comment):
        return Unit(word="fen", confidence=0.98, said=column.comment or column.name)
    if "yuan" in naming.split(column.name) or _SAYS_YUAN.search(column.comment):
        return Unit(word="yuan", confidence=0.98, said=column.comment or column.name)
    return None


def _by_values(read: Read, column: survey.Column) -> Unit:
    """The money of the whole table decides: one column of it, a coupon of 5, may be small in either unit."""
    told = _numbers(read, column)
    if any(n != n.to_integral_value() for n in told):
        return Unit(word="yuan", confidence=0.95, said="")
    if column.kind is Kind.TEXT and any("." in str(v) for v in read.table.values(column.name) if v is not None):
        return Unit(word="yuan", confidence=0.95, said="")
    if len(told) < values.ROWS_TELL_MIN:
        return Unit(word="fen", confidence=0.5, said="")
    middle = statistics.median(told)
    # A computer shop's whole yuan and a tea shop's fen look alike: values alone never decide, they only say which to offer first.
    return Unit(word="fen" if middle >= FEN_MEDIAN_MIN else "yuan", confidence=0.6, said=f"{middle:f}")


def _numbers(read: Read, column: survey.Column) -> list[Decimal]:
    return [n for v in read.table.values(column.name) if not values.absent(v) and (n := values.number(v)) is not None]


def share_present(read: Read, column: str, rows: tuple[int, ...]) -> float | None:
    """Among these rows, how many hold an amount; None where there are too few to say."""
    told = read.table.values(column)
    if len(rows) < 3:
        return None
    return sum(1 for i in rows if not values.absent(told[i])) / len(rows)


def contradicted(read: Read, chosen: Mapping[str, Chosen]) -> frozenset[tuple[str, str]]:
    """An amount that orders have until they are paid, and not after, is what is still to be paid: no order's due amount."""
    due, paid = chosen.get("order.amount_due"), chosen.get("order.paid_at") or chosen.get("order.amount_paid")
    if due is None or paid is None:
        return frozenset()
    there = [not values.absent(v) for v in read.table.values(paid.name)]
    after = share_present(read, due.name, tuple(i for i, told in enumerate(there) if told))
    before = share_present(read, due.name, tuple(i for i, told in enumerate(there) if not told))
    left = after is not None and before is not None and after <= LEFT_MAX and before >= LEFT_MIN
    return frozenset({("order.amount_due", due.name)}) if left else frozenset()


def fuller(read: Read, due: Chosen, barred: Barred) -> Candidate | None:
    """The amount that equals this one wherever both are there, and that more orders have: it is due, and this one was paid."""
    offers = columns.candidates(read, wants.of("order.amount_due"))
    return next(
        (c for c in offers if c.score >= FULLER_MIN and ("order.amount_due", c.column.name) not in barred and _fuller(read, due, c)), None
    )


def _fuller(read: Read, due: Chosen, other: Candidate) -> bool:
    pairs = list(zip(read.table.values(due.name), read.table.values(other.column.name), strict=True))
    more = sum(values.absent(a) and not values.absent(b) for a, b in pairs)
    less = sum(values.absent(b) and not values.absent(a) for a, b in pairs)
    return more >= SUM_ROWS_MIN and less == 0 and same(read, due.best, other)


def alone(read: Read, chosen: Mapping[str, Chosen]) -> dict[str, Chosen]:
    """With more trust in the one amount of a table that has no other: every order has it, and it is what the order costs."""
    due = chosen.get("order.amount_due")
    if due is None or due.rivals or due.best.look.present < columns.NUMBERED_MIN or len(read.table.sample) < MANY_ROWS // 2:
        return dict(chosen)
    others = (c.name for c in read.table.columns if c.name != due.name and values.Shape.AMOUNT in read.look(c.name).shapes)
    if due.best.score < ALONE_MIN or any(read.ideas(name) & (_AMOUNTS | {"price"}) for name in others):
        return dict(chosen)
    return {**chosen, "order.amount_due": Chosen(best=replace(due.best, score=max(due.best.score, ALONE)))}


def parts(read: Read, due: str) -> tuple[str, float] | None:
    """What the due amount adds up from, as an expression over the columns in their order, and how many rows agree."""
    positive, negative = _summands(read, due)
    columns = {c: _fen_like(read, c) for c in (due, *positive, *negative)}
    if not positive:
        return None
    for chosen in _ways(positive, negative):
        agree, moved, rows = 0, 0, 0
        for i, whole in enumerate(columns[due]):
            if not whole:
                continue
            rows += 1
            total = sum((s * (columns[c][i] or Decimal(0)) for s, c in chosen), Decimal(0))
            agree += total == whole
            moved += any(columns[c][i] for _, c in chosen[1:])
        if rows >= SUM_ROWS_MIN and agree >= (SUMS_MIN if rows < MANY_ROWS else MANY_SUMS_MIN) * rows and moved:
            return " ".join([chosen[0][1], *(f"{'+' if s > 0 else '-'} {c}" for s, c in chosen[1:])]), agree / rows
    return None


def rest_of(read: Read, due: str) -> str:
    """The amount that is this one less what was taken off, or with what was added: what is due adds up from this one."""
    for column in read.table.columns:
        if column.name == due or values.Shape.AMOUNT not in read.look(column.name).shapes or not read.ideas(column.name) & _AMOUNTS:
            continue
        if wants.of("order.amount_due").forbids(read.names[column.name]):
            # Net of the tax, or the tax itself: it adds up too, and nobody pays it.
            continue
        added = parts(read, column.name)
        if added is not None and added[0].split()[0] == due and _apart(read, due, column.name):
            # What adds up from this one may be no more than a step itself: with the tax comes the next.
            return rest_of(read, column.name) or column.name
    return ""


def _apart(read: Read, one: str, other: str) -> bool:
    """Whether two amounts differ in more rows than broken ones."""
    pairs = [(a, b) for a, b in zip(_fen_like(read, one), _fen_like(read, other), strict=True) if a is not None and b is not None]
    return sum(a != b for a, b in pairs) > (1 - SUMS_MIN) * len(pairs)


def _ways(positive: tuple[str, ...], negative: tuple[str, ...]) -> list[list[tuple[int, str]]]:
    """Sums to try: all parts together first, then with fewer of them."""
    whole = [c for c in positive if not naming.ideas(naming.of_name(c)) & {"freight", "ship"}]
    more = [(1, c) for c in positive if c not in whole] + [(-1, c) for c in negative]
    found = []
    for base in whole:
        for size in range(len(more), 0, -1):
            found += [[(1, base), *chosen] for chosen in itertools.combinations(more, size)]
    return found


def _summands(read: Read, due: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Columns of the same unit that speak of a total or of freight, and those that speak of something taken off."""
    own = unit(read, read.table.by_name[due])
    positive, negative = [], []
    for column in read.table.columns[:200]:
        if column.name == due or values.Shape.AMOUNT not in read.look(column.name).shapes or column.kind is Kind.TEXT:
            continue
        if column.kind is not read.table.by_name[due].kind or unit(read, column).word != own.word:
            continue
        ideas = read.ideas(column.name)
        if not (ideas & {"amount", "freight", "discount", "coupon", "point", "total"}) or ideas & {
            "id",
            "num",
            "quantity",
            "refund",
            "return",
            "paid",
            "state",
            "type",
            "time",
        }:
            continue
        if ideas & {"discount", "coupon", "point"}:
            negative.append(column.name)
        elif ideas & {"freight", "tax", "ship"} or ideas & {"total", "goods", "order"}:
            positive.append(column.name)
    return tuple(positive[:PARTS_MAX]), tuple(negative[:PARTS_MAX])


def _fen_like(read: Read, column: str) -> list[Decimal | None]:
    return [None if values.absent(v) else values.number(v) for v in read.table.values(column)]
