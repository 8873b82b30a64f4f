"""Books and bills: lines of money that somebody wrote down, what a bill says of itself, and how two books may differ.

A book is one party's lines of some days: a channel's bill, or the shop's own rows. Its day is a Beijing day.
"""

from __future__ import annotations

import enum
from datetime import date, datetime, timedelta

import msgspec

from makewhole.core import clock, codec, faults, ids

MILLIFEN = 1000
"""Thousandths of a fen in a fen. Channels reckon fees to the hundred-thousandth of a yuan: 0.60 % of 9.90 yuan is 0.05940."""
_EPOCH = date(1970, 1, 1)
_BEIJING_S = int(timedelta(hours=8).total_seconds())


class Kind(enum.Enum):
    """What a line is about. A refund is a line of its own, never a smaller payment."""

    PAYMENT = "payment"
    REFUND = "refund"


class Standing(enum.Enum):
    """Where the money of a line stands, in words that every channel's and shop's can be put into."""

    PAID = "paid"
    UNPAID = "unpaid"
    """Known, and no money came: open, closed or failed."""
    REVOKED = "revoked"
    """It came and was taken back on the spot (撤销)."""
    REFUNDED = "refunded"
    ACCEPTED = "accepted"
    """A refund on its way. A bill never says later how it ended."""
    FAILED = "failed"
    """A refund that was refused or returned: the money is the merchant's again."""
    ABNORMAL = "abnormal"
    """A refund that left the merchant and did not arrive."""


IDLE = frozenset({Standing.UNPAID, Standing.REVOKED, Standing.FAILED})
"""No money moved in the end: of such a line the other side may rightly know nothing."""
AGREEING = frozenset({(Standing.REFUNDED, Standing.ACCEPTED), (Standing.ABNORMAL, Standing.ACCEPTED), (Standing.UNPAID, Standing.REVOKED)})
"""Ours and theirs that differ in words and not in fact: we heard how a refund ended, their bill only that it was accepted."""


class Side(enum.Enum):
    """Whose book."""

    OURS = "ours"
    THEIRS = "theirs"


class Line(codec.Noun, frozen=True, kw_only=True):
    """One movement of money. `number` is the merchant's: out_trade_no of a payment, out_refund_no of a refund; None where unknown."""

    line: int
    """Its place in the book it came from, from 1: what a refusal or a break points at."""
    channel: ids.ChannelName
    merchant: str
    kind: Kind
    number: str | None
    payment: ids.OutTradeNo | None
    """The payment it is, or the payment that a refund gives back."""
    transaction: ids.TransactionId | None
    order: ids.OrderNumber | None
    amount_fen: int
    """Never negative: the kind says which way it goes."""
    fee_millifen: int | None
    """What the channel keeps, negative where it gives back; None where the book does not say."""
    currency: str
    standing: Standing
    at: datetime
    day: int
    """The Beijing day in whose book it stands, as `day_number` counts."""


class Break(enum.Enum):
    """What became of a line or a pair of lines. Every line of both books is in exactly one (law 7)."""

    MATCHED = "matched"
    ACROSS_CUT_OFF = "across-cut-off"
    """Alike, in books of neighbouring days."""
    GROUPED = "grouped"
    """Several on one side are together what the other has: one payment for several orders, several for one."""
    IDLE = "idle"
    """One side knows of it and says that no money moved; the other knows nothing."""
    WAITING = "waiting"
    """On one side only, so near to midnight that the other's next book may have it."""
    OURS_ONLY = "ours-only"
    THEIRS_ONLY = "theirs-only"
    CURRENCY = "currency"
    STATUS = "status"
    AMOUNT = "amount"
    FEE = "fee"
    DUPLICATE_OURS = "duplicate-ours"
    DUPLICATE_THEIRS = "duplicate-theirs"


SETTLED = frozenset({Break.MATCHED, Break.ACROSS_CUT_OFF, Break.GROUPED, Break.IDLE, Break.WAITING})
"""Not broken. What waits is broken once it has waited too long."""


class Stage(enum.Enum):
    """Against what a day is compared."""

    EVENING = "evening"
    """The day so far, against what the channel answers when it is asked."""
    BILL = "bill"
    """The whole day, against the channel's own bill of it: closes the day."""


class Window(codec.Noun, frozen=True, kw_only=True):
    """Which day is reconciled, and how long a line may wait for its partner's book."""

    day: int
    margin_s: int = 3600
    """Seconds around midnight within which the two books may have put a line on different days. Clocks differ by seconds and shops book
    when the callback comes; an hour holds the retries of the first fifteen minutes and more. Farther off, missing is missing."""
    waits_days: int = 3
    """After so many days one-sided is broken, whatever the hour: the neighbouring books have all been seen."""


class Wrong(enum.Enum):
    """Why a bill is refused whole. A bill that is wrong in one line is not to be trusted in the others."""

    TAMPERED = "tampered"
    """Not the bytes whose hash the channel gave."""
    TOO_LARGE = "too-large"
    """Unpacks to more than a bill can be."""
    ARCHIVE = "archive"
    """An archive that names places outside itself, is locked, or holds no bill or two."""
    ENCODING = "encoding"
    FOREIGN_FORMAT = "foreign-format"
    """Not this channel's bill at all: markup, a web page, another file."""
    COLUMNS = "columns"
    """A column is missing or stands twice, or its content is another column's."""
    TRUNCATED = "truncated"
    CELL = "cell"
    """A value that cannot be what its column says: no amount, no instant, an unknown state."""
    DOUBLED = "doubled"
    """The same line twice, or the whole bill."""
    OTHER_DAY = "other-day"
    OTHER_MERCHANT = "other-merchant"
    SUMS = "sums"
    """The lines do not add up to the bill's own summary."""
    CARD_NUMBER = "card-number"
    """A payment card's number stands in it: it is not stored."""


class Refused(faults.Rejected):
    """A bill that is not believed: why, and at which line of the file (from 1; 0 where it is no line's fault)."""

    def __init__(self, wrong: Wrong, line: int, why: str) -> None:
        super().__init__(why if line == 0 else f"line {line}: {why}", code=wrong.value)
        self.wrong, self.line = wrong, line


def day_number(day: date) -> int:
    """Days since 1970-01-01: what both engines reckon with in the same way."""
    return (day - _EPOCH).days


def date_of(day: int) -> date:
    """The day that `day_number` made this number from."""
    return _EPOCH + timedelta(days=day)


def day_of(at: datetime) -> int:
    """The Beijing day of an instant."""
    return (int(clock.aware(at).timestamp()) + _BEIJING_S) // 86_400


def placed(line: Line, place: int) -> Line:
    """The line at its place in a book."""
    return msgspec.structs.replace(line, line=place)


def adds_up(what: str, *, counted: int, said: int, line: int) -> None:
    """Raises Refused (SUMS) with both figures where a bill's lines are not what its own summary says of them."""
    if counted != said:
        raise Refused(Wrong.SUMS, line, f"the bill says {what} {said}, its lines add up to {counted}")
