"""A difference and what both sides say now go in; whether it still stands comes out. Asked before anything is done about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from makewhole.model import bill, comparison, difference, dossier, finding, payment

Heard = Sequence[dossier.AnyClaim]
_SAME_INSTANT = timedelta(seconds=1)
"""Books hold whole seconds or parts of them, by who kept them."""
_OURS = frozenset({bill.Break.OURS_ONLY, bill.Break.STATUS, bill.Break.DUPLICATE_OURS})
_THEIRS = frozenset({bill.Break.THEIRS_ONLY, bill.Break.STATUS, bill.Break.DUPLICATE_THEIRS})
_SHOWN_AS = {
    (finding.Ailment.PAID_IN_SHOP_ONLY, bill.Kind.PAYMENT): _OURS,
    (finding.Ailment.MONEY_WITHOUT_ORDER, bill.Kind.PAYMENT): _THEIRS,
    (finding.Ailment.PAID_NOT_RECORDED, bill.Kind.PAYMENT): _THEIRS,
    (finding.Ailment.AMOUNT_DIFFERS, bill.Kind.PAYMENT): frozenset({bill.Break.AMOUNT}),
    (finding.Ailment.REFUND_NOT_SENT, bill.Kind.REFUND): _OURS,
    (finding.Ailment.REFUND_NOT_RECORDED, bill.Kind.REFUND): _THEIRS,
}
"""As which ailment of its order a difference of which class shows."""


def stands(one: difference.Followed, ours: Sequence[bill.Line], heard: Heard) -> bool:
    """Whether our lines of its order, read anew, and the channel, asked anew, still disagree about it."""
    found = one.found
    mine = [line for line in ours if _same(found, line)]
    match one.what():
        case bill.Break.DUPLICATE_OURS:
            return len(mine) > 1
        case bill.Break.DUPLICATE_THEIRS:
            # Their bill will not be made again: only a person can say what the second line is.
            return True
        case bill.Break.OURS_ONLY:
            return any(line.standing not in bill.IDLE for line in mine) and not _on_another_day(found, heard)
        case _:
            theirs = found.theirs
            if theirs is None or any(_alike(line, theirs) for line in mine):
                return False
            # Neither side has any money now, whatever each of them calls that.
            if found.ours is not None and theirs.standing in bill.IDLE and all(line.standing in bill.IDLE for line in mine):
                return False
            return not _came_and_went(found, heard)


def speaks_of(one: difference.Followed, ailment: finding.Ailment, ours: Sequence[bill.Line], heard: Heard) -> bool:
    """Whether what was decided about a difference still speaks of an ailment of its order: the same money, on both sides as it was then.

    A decision is about what stood in the books. Another amount, another state, money that came since: that, nobody has decided.
    """
    found = one.found
    if (ailment, found.kind) not in _SHOWN_AS or one.what() not in _SHOWN_AS[ailment, found.kind]:
        return False
    mine = [line for line in ours if _same(found, line)]
    if found.ours is None:
        return not any(line.standing not in bill.IDLE for line in mine) and _there_still(found, heard)
    kept = any(_as_then(line, found.ours) for line in mine)
    return kept and _there_still(found, heard)


def _as_then(line: bill.Line, ours: comparison.Told) -> bool:
    """The same amount in the same state, and a payment of the same instant: one that was marked once more, nobody has decided about."""
    same = (line.amount_fen, line.currency, line.standing) == (ours.amount_fen, ours.currency, ours.standing)
    return same and (line.kind is not bill.Kind.PAYMENT or abs(line.at - ours.at) < _SAME_INSTANT)


def _there_still(found: difference.Difference, heard: Heard) -> bool:
    """Whether the channel, asked anew, has as much as its bill had: of a line that it never had, nothing."""
    theirs = found.theirs
    if found.kind is bill.Kind.REFUND:
        gone = [r for r in heard if isinstance(r, payment.ChannelRefund) and r.number == found.number]
        alive = [r.amount for r in gone if r.state not in {payment.RefundState.CLOSED, payment.RefundState.ABNORMAL}]
        moved = theirs is not None and theirs.standing not in bill.IDLE
        return alive == [theirs.amount()] if theirs is not None and moved else not alive
    paid = [a for a in heard if isinstance(a, payment.Attempt) and a.channel == found.channel and a.state in payment.TOOK_MONEY]
    known = [a.amount for a in paid if a.number == found.number or (a.transaction is not None and a.transaction == found.transaction())]
    moved = theirs is not None and theirs.standing not in bill.IDLE
    return known == [theirs.amount()] if theirs is not None and moved else not known


def _same(found: difference.Difference, line: bill.Line) -> bool:
    if line.kind is not found.kind or line.channel != found.channel:
        return False
    if line.number is not None and line.number == found.number:
        return True
    if found.kind is bill.Kind.PAYMENT:
        return line.transaction is not None and line.transaction == found.transaction()
    # A refund that the shop never numbered is known by its payment and its amount.
    told = found.theirs or found.ours
    return line.number is None and told is not None and line.payment == told.payment and line.amount_fen == told.amount_fen


def _alike(line: bill.Line, theirs: comparison.Told) -> bool:
    agree = line.standing is theirs.standing or (line.standing, theirs.standing) in bill.AGREEING
    fees = line.fee_millifen is None or theirs.fee_millifen is None or line.fee_millifen == theirs.fee_millifen
    return agree and fees and (line.amount_fen, line.currency) == (theirs.amount_fen, theirs.currency)


def _on_another_day(found: difference.Difference, heard: Heard) -> bool:
    """Whether the channel, asked, has it just so, and on another day: then it is in that day's bill, and our rows have the day wrong."""
    ours = found.ours
    if ours is None:
        return False
    for told in heard:
        if found.kind is bill.Kind.PAYMENT and isinstance(told, payment.Attempt) and told.channel == found.channel:
            known = told.number == found.number or (told.transaction is not None and told.transaction == found.transaction())
            if known and told.state in payment.TOOK_MONEY and told.amount == ours.amount() and _other_day(told.paid_at, found.day):
                return True
        if found.kind is bill.Kind.REFUND and isinstance(told, payment.ChannelRefund) and told.number == found.number:
            alive = told.state not in {payment.RefundState.CLOSED, payment.RefundState.ABNORMAL}
            if alive and told.amount == ours.amount() and _other_day(told.requested_at or told.done_at, found.day):
                return True
    return False


def _other_day(at: datetime | None, day: int) -> bool:
    return at is not None and bill.day_of(at) != day


def _came_and_went(found: difference.Difference, heard: Heard) -> bool:
    """Whether all of the payment went back to its payer: then the shop, which knows of neither, has lost nothing and owes nothing."""
    number = found.payment()
    paid = next((a for a in heard if isinstance(a, payment.Attempt) and (a.channel, a.number) == (found.channel, number)), None)
    if paid is None or paid.amount is None:
        return False
    if any(isinstance(c, dossier.ShopOrder) and c.says_paid() for c in heard):
        return False
    gone = [r for r in heard if isinstance(r, payment.ChannelRefund) and (r.channel, r.payment) == (found.channel, number)]
    return sum(r.amount.fen for r in gone if r.state is payment.RefundState.DONE) == paid.amount.fen
