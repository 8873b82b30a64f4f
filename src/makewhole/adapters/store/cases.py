"""Cases, aliases, questions and marks: pieces of work for the writer, and rows as nouns again."""

from __future__ import annotations

from collections.abc import Sequence

from makewhole.adapters.store import names, statements
from makewhole.core import codec, faults, ids
from makewhole.model import act, case, plan

_MENDED = {plan.Terminal.RESTORED, plan.Terminal.REFUNDED}
"""Ends after which the same finding means that it broke again."""


def find(tx: statements.Tx, of: ids.CaseId) -> case.Case | None:
    """By id."""
    row = tx.one(statements.CASE_FIND, w_id=of)
    return None if row is None else codec.decode(row[0], case.Case)


def of_order(tx: statements.Tx, order: ids.OrderKey | None, *, open_only: bool) -> list[case.Case]:
    """Of one order or of all, the oldest first."""
    if order is None:
        rows = tx.all(statements.CASES_OPEN if open_only else statements.CASES_ALL)
    else:
        asked = statements.CASES_OPEN_OF if open_only else statements.CASES_OF
        rows = tx.all(asked, w_shop=order.shop, w_number=order.number)
    return [codec.decode(row[0], case.Case) for row in rows]


def open_or_known(tx: statements.Tx, opened: case.Case, leaves: Sequence[tuple[bytes, bytes]]) -> case.Case:
    """Opened, opened anew, or as it stands."""
    known = find(tx, opened.id)
    if known is not None and known.terminal not in _MENDED:
        return known
    _write(tx, opened, known=known is not None)
    tx.entries.extend(leaves)
    return opened


def end(tx: statements.Tx, over: case.Case, leaves: Sequence[tuple[bytes, bytes]]) -> None:
    """Its terminal, once."""
    known = find(tx, over.id)
    if known is None:
        raise faults.Rejected(f"there is no case {over.id} to end", code="no-case")
    if known.terminal is over.terminal:
        return
    _write(tx, over, known=True)
    tx.entries.extend(leaves)


def _write(tx: statements.Tx, told: case.Case, *, known: bool) -> None:
    terminal = None if told.terminal is None else told.terminal.value
    opened_at, body = names.ticks(told.opened_at), codec.canonical(told)
    if known:
        tx.run(statements.CASE_UPDATE, w_id=told.id, opened_at=opened_at, terminal=terminal, body=body)
        return
    tx.run(
        statements.CASE_INSERT,
        id=told.id,
        shop=names.shop(told.order.shop),
        number=names.number(told.order.number),
        opened_at=opened_at,
        terminal=terminal,
        body=body,
    )


def linked(tx: statements.Tx, shop: ids.ShopName, number: ids.OutTradeNo) -> ids.OrderNumber | None:
    """The order that a number was linked to."""
    row = tx.one(statements.ALIAS_FIND, w_shop=shop, w_number=number)
    return None if row is None else ids.OrderNumber(row[0])


def link(tx: statements.Tx, shop: ids.ShopName, number: ids.OutTradeNo, order: ids.OrderNumber, source: str) -> None:
    """Remember an alias; a number belongs to one order for good."""
    known = linked(tx, shop, number)
    if known == order:
        return
    if known is not None:
        raise faults.Rejected(f"{number} already belongs to order {known}, not {order}", code="linked-elsewhere")
    tx.run(
        statements.ALIAS_INSERT,
        shop=names.shop(shop),
        number=names.number(number),
        order_number=names.number(order),
        source=names.fit(source),
    )


def question(tx: statements.Tx, order: ids.OrderKey, topic: str) -> act.AskPerson | None:
    """The question as it was put."""
    row = tx.one(statements.QUESTION_FIND, w_shop=order.shop, w_number=order.number, w_topic=names.fit(topic))
    return None if row is None else codec.decode(row[0], act.AskPerson)


def put_question(tx: statements.Tx, order: ids.OrderKey, topic: str, asked: bytes, at: int) -> None:
    """Once; the first wording stays, as somebody may be reading it."""
    if question(tx, order, topic) is not None:
        return
    tx.run(
        statements.QUESTION_INSERT,
        shop=names.shop(order.shop),
        number=names.number(order.number),
        topic=names.fit(topic),
        at=at,
        body=asked,
    )


def mark(tx: statements.Tx, name: str) -> str | None:
    """A remembered place."""
    row = tx.one(statements.MARK_FIND, w_name=names.fit(name))
    return None if row is None else bytes(row[0]).decode()


def set_mark(tx: statements.Tx, name: str, value: str) -> None:
    """Remember a place."""
    if tx.run(statements.MARK_UPDATE, w_name=names.fit(name), value=value.encode()) == 0:
        tx.run(statements.MARK_INSERT, name=names.fit(name), value=value.encode())
