"""What a channel's refusal says, whatever its own word for it: a meaning goes in, one of our faults comes out. Shared by connectors.

A word that is in no table proves nothing: an act may have happened, a read has told nothing; it is logged and counted.
"""

from __future__ import annotations

import enum
from collections import Counter

import structlog

from makewhole.core import faults

_log = structlog.get_logger()


class Meaning(enum.Enum):
    """What a code says, and so what may be done."""

    REFUSED = "refused"
    """Understood, and no."""
    PAID = "paid"
    """The attempt was paid: query, do not close, do not open again."""
    CLOSED = "closed"
    STATE = "state"
    """The attempt is not in a state for it; which state it is in, only a query tells."""
    USED = "used"
    """The number exists there with other content."""
    NOT_FOUND = "not-found"
    """Never "closed", never "unpaid": a replica may lag, a trade may be made later, the number may belong to another merchant."""
    NO_BILL = "no-bill"
    NOT_MADE = "not-made"
    """The bill is still being made."""
    PAYING = "paying"
    """The buyer is entering a password."""
    BUSY = "busy"
    """Too many calls; nothing happened."""
    CONFUSED = "confused"
    """The server does not know itself: the same again with the same number, after looking."""
    OURS = "ours"
    """Our key, certificate, clock, contract or configuration: no order can go on until a person mends it."""


def fault(says: Meaning | None, why: str, code: str, *, act: bool, todo: str) -> faults.Fault:
    """The fault that a refusal means. `todo`: what to look at where it is ours."""
    match says:
        case Meaning.REFUSED | Meaning.PAID | Meaning.CLOSED | Meaning.STATE | Meaning.USED | Meaning.NOT_FOUND | Meaning.NO_BILL:
            return faults.Rejected(why, code=code)
        case Meaning.PAYING | Meaning.BUSY | Meaning.NOT_MADE:
            return faults.Unavailable(why, code=code)
        case Meaning.OURS:
            return faults.Credentials(f"{why}. {todo}", code=code)
        case Meaning.CONFUSED | None:
            return unknown(why, code, act=act)


def unknown(why: str, code: str | None, *, act: bool) -> faults.Fault:
    """It may have happened; a read has told nothing."""
    return faults.Indeterminate(why, code=code) if act else faults.Unavailable(why, code=code)


def note(unlisted: Counter[str], who: str, word: str) -> None:
    """A word that no table has: for the doctor to show."""
    unlisted[word] += 1
    _log.warning("a channel answered with a code that is not documented", channel=who, code=word)
