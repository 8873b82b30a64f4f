"""Signals as people read them: what is not as usual about a whole shop, one line each."""

from __future__ import annotations

from makewhole.cli import words
from makewhole.core import money
from makewhole.model.signal import Sign, Signal


def line(told: Signal, say: words.Say) -> str:
    """What, since when, how sure, for whom."""
    what = say(f"signal.{told.sign.value}", **_values(told, say))
    return say("signal.line", sign=say.meaning(told.sign), what=what, percent=_percent(told.confidence), role=say.meaning(told.role))


def todo(told: Signal, say: words.Say) -> str:
    """What to do about it."""
    return say(f"signal.{told.sign.value}-todo")


def _values(told: Signal, say: words.Say) -> dict[str, object]:
    fen = told.sign is Sign.BANK_DIFFERS
    counted = (
        {"seen": money.Money(fen=told.seen), "usual": money.Money(fen=told.usual)} if fen else {"seen": told.seen, "usual": told.usual}
    )
    return {"about": say.word("Source", told.about), "since": say.instant(told.since), **counted}


def _percent(confidence: float) -> str:
    """Never quite all where it is not."""
    return "100" if confidence >= 1 else f"{min(confidence, 0.999):.1%}".rstrip("%")
