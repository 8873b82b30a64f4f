"""A marketplace's settlements beside our book: what one line of its account would be in ours.

It settles an order days after it was paid, and names orders and amounts: our line of that order is held against it, whatever its day.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from makewhole.model import bill


def refund_name(order: str, amount_fen: int) -> str:
    """The name of a refund of which a marketplace tells the order and the amount."""
    return f"{order}/{amount_fen}"


def beside(ours: Sequence[bill.Line], named: Sequence[bill.Line]) -> tuple[bill.Line, ...]:
    """Our lines of one order as they stand beside the account's lines of it: for each of these at most one, under its name and on its day.

    What the account does not name is left out: it is settled on another day, and was or will be held against that day's lines.
    """
    left = list(ours)
    found = []
    for theirs in named:
        mine = next((line for line in left if _meant(line, theirs)), None)
        if mine is not None:
            left.remove(mine)
            found.append(_as(mine, theirs))
    return tuple(found)


def _meant(ours: bill.Line, theirs: bill.Line) -> bool:
    return ours.kind is theirs.kind and (ours.kind is bill.Kind.PAYMENT or ours.amount_fen == theirs.amount_fen)


def _as(ours: bill.Line, theirs: bill.Line) -> bill.Line:
    names = {"channel": theirs.channel, "merchant": theirs.merchant, "number": theirs.number, "payment": theirs.payment}
    return msgspec.structs.replace(ours, **names, at=theirs.at, day=theirs.day, fee_millifen=None)
