"""A child's table and its parent go in, the columns that hold the parent's key or its number come out."""

from __future__ import annotations

from dataclasses import dataclass

from makewhole.attach import naming, values
from makewhole.attach.columns import Read
from makewhole.attach.proposal import Evidence, Why

OVERLAP_MIN = 0.5
"""Share of a child's sampled values found among the parent's, from which they are believed to be the same thing."""
_OTHERS = frozenset(
    """refund return sub item out time state amount type pay third transaction carrier note history channel flag method discount settle
 who quantity price freight""".split()  # noqa: SIM905 - words
)
"""What makes an order's number another number, or none: `refund_order_no`, `out_order_no`."""
LONG_MIN, SAME_MIN, BY_VALUES = 8, 0.9, 0.82
"""Characters of numbers that do not agree by chance; the share that must agree; and how sure a link is that nothing but values tells."""
STRANGERS_MIN, STRANGE_MAX = 20, 0.1
"""Different values that a child's sample must hold before it speaks against a link; and the share that may agree by chance."""
SAME_SURE = 0.9
"""How sure a link is whose many values are the orders' own, whatever it is called."""
DIFFERENT_MIN = 3
"""Different values from which they tell that a column leads to the orders."""
PLAIN_NAME = 0.9
"""How clearly a column must be called the order's key or number to be believed without a value."""
BARELY = 0.55
SURE_NAME_MIN = 0.6
"""A name that says less, like `out_trade_no`, leads to the order only where its values are the order's own."""


@dataclass(frozen=True, kw_only=True)
class Parent:
    """What an order is called by its children: the row's key, and the number that people read."""

    table: str
    key: str
    number: str
    keys: frozenset[str]
    numbers: frozenset[str]
    read: Read


@dataclass(frozen=True, kw_only=True)
class Link:
    """Columns of a child: `key` holds the order's key, `number` its number; empty where there is none."""

    key: str = ""
    number: str = ""
    score: float = 0.0
    evidence: tuple[Evidence, ...] = ()


NONE = Link()


def parent(told: Read, key: str, number: str) -> Parent:
    """What the children of this table call its rows."""
    return Parent(
        table=told.table.name,
        key=key,
        number=number,
        keys=frozenset(values.text(v) for v in told.table.values(key) if not values.absent(v)) if key else frozenset(),
        numbers=frozenset(values.text(v) for v in told.table.values(number) if not values.absent(v)) if number else frozenset(),
        read=told,
    )


def find(told: Read, to: Parent) -> Link:
    """The child's columns that lead to the parent."""
    none: tuple[str, float, tuple[Evidence, ...]] = ("", 0.0, ())
    key, number = none, none
    for column in told.table.columns:
        named = _named(told, column.name, to) or _by_values(told, column.name, to)
        if not named or (named < PLAIN_NAME and not told.table.sample and len(to.read.table.sample) >= STRANGERS_MIN):
            # Without a row, only a plain name leads anywhere.
            continue
        as_key, as_number, evidence = _holds(told, column.name, to, named)
        if named < SURE_NAME_MIN and not _met(evidence):
            continue
        if as_key and (_met(evidence), as_key) > (_met(key[2]), key[1]):
            key = (column.name, as_key, evidence)
        if as_number and (_met(evidence), as_number) > (_met(number[2]), number[1]):
            number = (column.name, as_number, evidence)
    if _met(key[2]) and number[0] and number[1] < SAME_SURE:
        # Beside the order's key, a number that is the order's own in some rows only is the payment's.
        number = none
    if _met(number[2]) and key[0] and not _met(key[2]) and not told.look(key[0]).told:
        # Values lead to the orders: another column without one, only called so, leads nowhere.
        key = none
    if key[0] == number[0] and key[0]:
        key, number = (key, none) if key[1] >= number[1] else (none, number)
    return Link(key=key[0], number=number[0], score=max(key[1], number[1]), evidence=(*key[2], *number[2]))


def _met(evidence: tuple[Evidence, ...]) -> bool:
    """Whether values or a foreign key lead to the orders, and not a name alone."""
    return any(e.why is Why.REFERS for e in evidence)


def _named(told: Read, name: str, to: Parent) -> float:
    """How clearly a column's name, comment or foreign key says that it leads to the order."""
    if any(r.column == name and r.table == to.table for r in told.table.references):
        return 1.0
    lower = name.lower()
    if (name,) == told.table.key and "order" not in naming.ideas(told.names[name]):
        # A row's own key, called as every table calls its own, leads nowhere.
        return 0.0
    if lower in {to.key.lower(), to.number.lower()} and naming.ideas(naming.of_name(name)) - {"id", "number", "num"}:
        return 0.95
    by_name, by_comment = naming.ideas(told.names[name]), naming.ideas(told.comments[name])
    ideas = by_name | (by_comment if by_comment & {"id", "number"} else frozenset())
    if ideas & _OTHERS:
        return BARELY if ("order" in ideas and ideas & {"out", "channel", "third"}) or lower == "out_trade_no" else 0.0
    if "order" in ideas and ideas & {"id", "number", "num"}:
        return 0.92
    if lower in {"oid", "orderid", "order", "ddid", "tid"} or "order" in by_name:
        return 0.85
    if "trade" in ideas and ideas & {"id", "number"}:
        return 0.7
    return 0.0


def _by_values(told: Read, name: str, to: Parent) -> float:
    """A column that is called nothing of the kind, but holds the long numbers of orders and hardly anything else: `source_id`."""
    there = {values.text(v) for v in told.table.values(name) if not values.absent(v)}
    long = len(there) >= values.ROWS_TELL_MIN and min(map(len, there)) >= LONG_MIN
    # Of orders that are only sampled, not all can be met; long numbers do not agree by chance.
    share = SAME_MIN if to.read.table.whole else OVERLAP_MIN
    return BY_VALUES if long and len(there & to.numbers) >= share * len(there) else 0.0


def _holds(told: Read, name: str, to: Parent, named: float) -> tuple[float, float, tuple[Evidence, ...]]:
    """How far a column holds the parent's key, and its number."""
    there = {values.text(v) for v in told.table.values(name) if not values.absent(v)}
    if to.key == to.number and to.read.table.shards and there and to.keys.isdisjoint(there):
        # Each shard counts its own rows: the column holds a number that only its shard knows.
        return 0.0, 0.0, ()
    if to.key == to.number and not (there and to.keys):
        return named, 0.0, (Evidence(why=Why.REFERS, what=f"{to.table}.{to.key}"),)
    declared = next((r.there for r in told.table.references if r.column == name and r.table == to.table), "")
    if declared in {to.key, to.number}:
        told_by = (Evidence(why=Why.REFERS, what=f"{to.table}.{declared}"),)
        return (1.0, 0.0, told_by) if declared == to.key else (0.0, 1.0, told_by)
    if len(there) < DIFFERENT_MIN <= len(told.table.sample) and named < PLAIN_NAME:
        # Rows are there, and one or two values of a column that is called only nearly so lead nowhere.
        return 0.0, 0.0, ()
    if there:
        in_keys, in_numbers = len(there & to.keys) / len(there), len(there & to.numbers) / len(there)
        few = 1 if to.read.table.whole else STRANGERS_MIN
        if len(there) >= few and len(to.read.table.sample) >= STRANGERS_MIN and max(in_keys, in_numbers) < STRANGE_MAX:
            # Orders are known, and hardly one of these is among them.
            return 0.0, 0.0, ()
        if max(in_keys, in_numbers) >= OVERLAP_MIN:
            what = f"{max(in_keys, in_numbers):.0%} {to.table}.{to.key if in_keys >= in_numbers else to.number}"
            told_by = (Evidence(why=Why.REFERS, what=what),)
            sure = max(1 - (1 - named) * 0.5, SAME_SURE if len(there) >= STRANGERS_MIN and max(in_keys, in_numbers) >= SAME_MIN else 0.0)
            return (sure, 0.0, told_by) if in_keys >= in_numbers else (0.0, sure, told_by)
    return (*_by_look(told, name, to, there, named), (Evidence(why=Why.NAME, what=name),))


def _by_look(told: Read, name: str, to: Parent, there: set[str], named: float) -> tuple[float, float]:
    """Without values in common: as long as keys or as long as numbers are; without values, as it is called and typed."""
    if there and to.numbers and to.keys:
        lengths = [sorted(map(len, group))[len(group) // 2] for group in (list(there), list(to.keys), list(to.numbers))]
        nearer_key = abs(lengths[0] - lengths[1]) < abs(lengths[0] - lengths[2])
        return (named * 0.9, 0.0) if nearer_key else (0.0, named * 0.9)
    ideas = naming.ideas(told.names[name]) | naming.ideas(told.comments[name])
    same = name.lower() == to.number.lower()
    if same or (ideas & {"number", "num"} and "id" not in ideas):
        return 0.0, named
    if name.lower() == to.key.lower() or told.table.by_name[name].kind.value == "integer" or "id" in ideas:
        return named, 0.0
    return 0.0, named * 0.9
