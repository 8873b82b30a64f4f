"""What a bank says came in: lines of a statement that pay channels' days out, and what such a line beside the bills of its days is.

Of a statement only lines of channels are kept: who else paid the merchant is nobody's business here.
"""

from __future__ import annotations

import enum
import re

from makewhole.core import codec, ids

KEPT_DIGITS = 4
"""Of a starred number: enough for its owner to know it."""
_NUMBER = re.compile(r"[0-9](?:[ -]?[0-9]){8,}", re.ASCII)
"""Nine digits and more: an account, a card, a phone. Dates and amounts are shorter."""


class Line(codec.Noun, frozen=True, kw_only=True):
    """Money that a channel sent. `id` is made of what the bank says of it, so that two statements that overlap tell of it once."""

    id: ids.Key
    place: int
    """Its line in the file, from 1."""
    channel: ids.ChannelName
    day: int
    """The Beijing day on which the bank booked it."""
    fen: int
    """Negative where the bank took it back."""
    memo: str
    """What the bank wrote beside it; numbers of accounts and cards are starred but for their last four digits."""


class Statement(codec.Noun, frozen=True, kw_only=True):
    """A statement of one account as it was given. `digest`: SHA-256 of the file, by which it is known again."""

    digest: str
    name: str
    first: int
    last: int
    """The days of its first and its last line, whoever paid: between them nothing is missing."""
    lines: tuple[Line, ...]
    others: int
    """Lines that no channel of ours sent. They are counted, and not kept."""


class Due(codec.Noun, frozen=True, kw_only=True):
    """What a channel's bill of a day settles: payments less refunds, and the fees that are taken of it."""

    channel: ids.ChannelName
    day: int
    gross_fen: int
    fees_millifen: int
    """As the bill writes them: to the hundred-thousandth of a yuan."""
    fees_fen: int
    """Each line's fee rounded to the fen, half up, and then added: what is booked where each line is charged by itself."""


class Reading(enum.Enum):
    """How a channel takes its fees, which its bill does not say. One holds for all days of a channel: the one that explains most."""

    EACH_LINE = "each-line"
    """Out of the payout, each line's fee rounded to the fen."""
    WHOLE_DAY = "whole-day"
    """Out of the payout, the day's fees rounded together."""
    APART = "apart"
    """Not out of the payout: they are charged for by themselves."""

    def of(self, due: Due) -> int:
        """What the bank should say, in fen."""
        match self:
            case Reading.EACH_LINE:
                return due.gross_fen - due.fees_fen
            case Reading.WHOLE_DAY:
                return due.gross_fen - (2 * due.fees_millifen + 1000) // 2000
            case Reading.APART:
                return due.gross_fen


class Paid(enum.Enum):
    """How a channel's days and the bank's lines stand to each other."""

    AGREES = "agrees"
    WAITS = "waits"
    """No line yet, and none is late; or no statement is there of the days on which it would have come."""
    DIFFERS = "differs"
    MISSING = "missing"
    """No line came within the days that a bank may take."""
    UNEXPECTED = "unexpected"
    """A line that no day's bill explains."""
    BEFORE = "before"
    """The first line that was seen may pay days out that were never compared here."""


WRONG = frozenset({Paid.DIFFERS, Paid.MISSING, Paid.UNEXPECTED})
"""What somebody has to look at."""


class Payout(codec.Noun, frozen=True, kw_only=True):
    """Days of a channel and the lines that pay them out: either may be empty, or several."""

    channel: ids.ChannelName
    days: tuple[int, ...]
    lines: tuple[Line, ...]
    settled_fen: int
    bank_fen: int
    state: Paid

    def day(self) -> int:
        """By which it is named: the first day that is paid out, else that of the first line."""
        return self.days[0] if self.days else self.lines[0].day


def private(text: str) -> str:
    """Without numbers by which somebody or his account could be known: but for their last four digits."""
    return _NUMBER.sub(lambda found: re.sub("[0-9]", "*", found[0], count=sum(map(str.isdigit, found[0])) - KEPT_DIGITS), text)
