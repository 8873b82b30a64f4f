"""An item's columns of money go in; which of them, times the quantity or not, is the line's amount comes out: it adds up."""

from __future__ import annotations

import dataclasses
import itertools
from collections import defaultdict
from decimal import Decimal

from makewhole.attach import amounts, links, orders, proposal, spelling, values
from makewhole.attach.columns import Read
from makewhole.attach.drafts import Draft, found_of
from makewhole.attach.fields import Chosen
from makewhole.attach.proposal import STATED_MIN, Evidence, Found, Why
from makewhole.attach.values import Shape

ORDERS_MIN = 5
"""Orders whose lines add up, from which that is believed."""
AGREE_MIN = 0.8
UNIT_PRICE = frozenset({"price", "unit"})


def amount(draft: Draft, read: Read, chosen: dict[str, Chosen], parent: links.Parent) -> None:
    """A line's amount: as the orders' sums prove it, else a column that says so, else the price of one times the quantity."""
    quantity = chosen.get("item.quantity")
    proved = _proved(read, quantity, parent)
    if proved is not None:
        _said(draft, read, proved)
        return
    told = chosen["item.amount"]
    ideas = read.ideas(told.name)
    whole = ideas & {"total", "subtotal", "actual", "pay", "due"} or not ideas & UNIT_PRICE
    if whole or quantity is None or quantity.best.score < STATED_MIN:
        orders.money(draft, read, "item.amount", told)
        return
    bare = found_of(read, "item.amount", told.name, max(told.best.score, 0.84), told.best.evidence)
    _said(draft, read, proposal.with_sql(bare, _times(told.name, quantity.name)))


def _said(draft: Draft, read: Read, found: Found) -> None:
    """State it where its unit is sure too; else only the unit is asked."""
    unit = amounts.unit(read, read.table.by_name[found.column])
    told = dataclasses.replace(found, unit=unit.word)
    if unit.confidence < STATED_MIN:
        draft.unit(told, unit.said)
    else:
        draft.state(told)


def _times(price: str, quantity: str) -> str:
    return f"{spelling.name(price)} * {spelling.name(quantity)}"


def _proved(read: Read, quantity: Chosen | None, parent: links.Parent) -> Found | None:
    link = _way(read, parent)
    if quantity is None or link is None:
        return None
    column, by_key = link
    groups: dict[str, list[int]] = defaultdict(list)
    for i, v in enumerate(read.table.values(column)):
        if not values.absent(v):
            groups[values.text(v)].append(i)
    there = parent.key if by_key else parent.number
    rows = {values.text(v): i for i, v in enumerate(parent.read.table.values(there)) if not values.absent(v)}
    sums = [
        c.name
        for c in parent.read.table.columns
        if Shape.AMOUNT in parent.read.look(c.name).shapes and parent.read.ideas(c.name) & {"amount", "total", "subtotal", "due"}
    ]
    best: tuple[float, str, str] | None = None
    # Of two that both add up, the column that holds the line's amount itself.
    for times, money in itertools.product((False, True), read.table.columns):
        ideas = read.ideas(money.name)
        if (
            Shape.AMOUNT not in read.look(money.name).shapes
            or not ideas & {"amount", "price", "subtotal", "total", "actual"}
            or ideas & {"id", "quantity", "num", "discount", "coupon", "point"}
        ):
            continue
        share = _share(read, (money.name, quantity.name, times), groups, parent, rows, sums)
        sql = _times(money.name, quantity.name) if times else spelling.name(money.name)
        if share >= AGREE_MIN and (best is None or share > best[0] + 0.02):
            best = (share, sql, money.name)
    if best is None:
        return None
    by = Evidence(why=Why.SUM, what=f"{best[0]:.0%} {parent.table}")
    return proposal.with_sql(found_of(read, "item.amount", best[2], 0.95, (by,)), best[1])


def _way(read: Read, parent: links.Parent) -> tuple[str, bool] | None:
    """The column by which lines find their order, and whether it holds the key."""
    link = links.find(read, parent)
    if link.key:
        return link.key, True
    return (link.number, False) if link.number else None


def _share(
    read: Read,
    what: tuple[str, str, bool],
    groups: dict[str, list[int]],
    parent: links.Parent,
    rows: dict[str, int],
    sums: list[str],
) -> float:
    """Of the orders that are sampled with their lines, how many have one column to which the lines add up; the same one for all.

    `what` is the column of money, that of the quantity, and whether to multiply. Nothing is proved where every quantity is one.
    """
    money, quantity, times = what
    told, counts = read.table.values(money), read.table.values(quantity)
    agree: dict[str, int] = defaultdict(int)
    orders_seen = several = 0
    for called, lines in groups.items():
        if called not in rows:
            continue
        parts = [(values.number(told[i]) or Decimal(0)) * ((values.number(counts[i]) or Decimal(0)) if times else 1) for i in lines]
        orders_seen += 1
        several += any(values.number(counts[i]) not in {None, 1} for i in lines)
        for name in sums:
            whole = values.number(parent.read.table.values(name)[rows[called]])
            agree[name] += whole is not None and whole != 0 and whole == sum(parts, Decimal(0))
    if orders_seen < ORDERS_MIN or not several:
        return 0.0
    return max(agree.values(), default=0) / orders_seen
