"""Differences and days' sheets come in; the sentences that people read and the plain objects that scripts parse go out."""

from __future__ import annotations

from typing import Any

from makewhole.cli import bankfiles, bookfiles, words
from makewhole.core import clock
from makewhole.model import bill, comparison, daysheet


def sentence(say: words.Say, one: daysheet.Row) -> str:
    """One difference, in one line."""
    of = one.of.found
    return say(
        "reconcile.difference",
        id=of.id[:SHORT],
        kind=say.meaning(of.kind),
        number=of.number or say("reconcile.numberless"),
        what=say.meaning(one.of.what()),
        ours=side(say, of.ours),
        theirs=side(say, of.theirs),
        state=say.meaning(one.state),
    )


SHORT = 8
"""Characters of a difference's id that people are shown and may type: enough for all that a shop ever has open at once."""


def side(say: words.Say, told: comparison.Told | None) -> str:
    """What one book says, in a word."""
    return say("reconcile.nothing") if told is None else f"{told.amount()} {say.meaning(told.standing)}"


def shape_of(told: daysheet.DaySheet) -> dict[str, Any]:
    """A day's sheet as scripts read it."""
    return {
        "channel": told.channel,
        "merchant": told.merchant,
        "day": bill.date_of(told.day),
        "against": told.stage.value,
        "source": told.source,
        "closed_at": clock.rfc3339(told.closed_at),
        "sums": [bookfiles.sum_shape(bookfiles.summed(s)) for s in told.sums],
        "differences": [difference(r) for r in told.rows],
        "payouts": [bankfiles.shape(p) for p in told.payouts],
        "by_state": {state.value: {"lines": lines, "amount_fen": fen} for state, (lines, fen) in told.by_state().items()},
        "unexplained_fen": told.unexplained().fen,
    }


def difference(one: daysheet.Row) -> dict[str, Any]:
    """A difference as scripts read it: both sides beside each other, why, where it stands, whose it is."""
    of, known = one.of.found, one.case
    decided, deadline = one.decided, one.deadline()
    return {
        "id": of.id,
        "order": of.order.number,
        "channel": of.channel,
        "day": bill.date_of(of.day),
        "class": one.of.what().value,
        "kind": of.kind.value,
        "number": of.number,
        "amount_fen": of.gap().fen,
        "currency": of.gap().currency,
        "ours": _side_shape(of.ours),
        "theirs": _side_shape(of.theirs),
        "ailment": None if known is None else known.finding.ailment.value,
        "cause": None if known is None else known.finding.reason.cause.value,
        "cause_detail": None if known is None else known.finding.reason.detail.value,
        "state": one.state.value,
        "terminal": None if known is None or known.terminal is None else known.terminal.value,
        "owner": one.owner(),
        "deadline": None if deadline is None else clock.rfc3339(deadline),
        "decision": None if decided is None else {"choice": decided.choice.value, "by": decided.by, "why": decided.why},
    }


def _side_shape(told: comparison.Told | None) -> dict[str, Any] | None:
    if told is None:
        return None
    return {
        "line": told.line,
        "at": clock.rfc3339(told.at),
        "day": bill.date_of(told.day),
        "amount_fen": told.amount_fen,
        "fee_millifen": told.fee_millifen,
        "currency": told.currency,
        "standing": told.standing.value,
        "transaction": told.transaction,
    }
