"""A difference between two books, followed to its end: what was found never changes, and everything that comes of it is added.

One movement of money has one difference, however often its day is reconciled: its id is made from the movement's own names.
"""

from __future__ import annotations

from datetime import datetime

from makewhole.core import codec, ids, money
from makewhole.model import bill, claim, comparison, decision, plan

_OURS_ALONE = frozenset({bill.Break.OURS_ONLY, bill.Break.STATUS})
"""Classes in which the channel has nothing of what our book has."""


class Difference(codec.Noun, frozen=True, kw_only=True):
    """What two books said of one movement when it was found. `source` is the digest of the bill, or `query`."""

    id: ids.Key
    order: ids.OrderKey
    """Whose money it is; the payment's own number where no order explains it."""
    channel: ids.ChannelName
    merchant: str
    kind: bill.Kind
    number: str | None
    what: bill.Break
    day: int
    ours: comparison.Told | None
    theirs: comparison.Told | None
    found_at: datetime
    source: str
    corrects: ids.Key | None = None
    """The difference that the channel's first bill had of the same movement, where this one is of a bill that it corrected."""

    def payment(self) -> ids.OutTradeNo | None:
        """The payment that it is about."""
        return next((t.payment for t in (self.theirs, self.ours) if t is not None and t.payment is not None), None)

    def transaction(self) -> ids.TransactionId | None:
        """The channel's own name of that payment."""
        return next((t.transaction for t in (self.theirs, self.ours) if t is not None and t.transaction is not None), None)

    def gap(self) -> money.Money:
        """How much is in question: what one side alone has, or by how much the two differ. Never negative."""
        if self.ours is None or self.theirs is None:
            alone = self.ours or self.theirs
            return money.Money(fen=0) if alone is None else alone.amount()
        match self.what:
            case bill.Break.AMOUNT:
                return money.Money(fen=abs(self.ours.amount_fen - self.theirs.amount_fen), currency=self.theirs.currency)
            case bill.Break.FEE:
                apart = abs((self.ours.fee_millifen or 0) - (self.theirs.fee_millifen or 0))
                # A part of a fen is a fen in question: rounded down, a hundred of them would be nothing.
                return money.Money(fen=-(-apart // bill.MILLIFEN), currency=self.theirs.currency)
            case _:
                return self.theirs.amount()


class Paired(codec.Noun, frozen=True, kw_only=True, tag="paired"):
    """The partner stood in a neighbouring day's book."""

    at: datetime
    day: int


class Aged(codec.Noun, frozen=True, kw_only=True, tag="aged"):
    """It has waited as long as the policy lets it: from now on it is broken."""

    at: datetime
    what: bill.Break


class Decided(codec.Noun, frozen=True, kw_only=True, tag="decided"):
    """A person has said what it is."""

    at: datetime
    said: decision.Decision


class Booked(codec.Noun, frozen=True, kw_only=True, tag="booked"):
    """The entry that the decision asked for: by this much our book moves, or this much is claimed."""

    at: datetime
    choice: decision.Choice
    amount: money.Money


class Agreed(codec.Noun, frozen=True, kw_only=True, tag="agreed"):
    """The sources were asked again, and they agree: by which end of a case, if one of ours did it."""

    at: datetime
    by: plan.Terminal | None = None


class Corrected(codec.Noun, frozen=True, kw_only=True, tag="corrected"):
    """The channel has corrected its bill: what was found in the one before is no longer said there. `source`: the new bill's digest."""

    at: datetime
    source: str


Move = Paired | Aged | Decided | Booked | Agreed | Corrected


class Followed(codec.Noun, frozen=True, kw_only=True):
    """A difference and all that came of it, in that order."""

    found: Difference
    moves: tuple[Move, ...] = ()

    def what(self) -> bill.Break:
        """Its class now."""
        return next((m.what for m in reversed(self.moves) if isinstance(m, Aged)), self.found.what)

    def end(self) -> Paired | Booked | Agreed | Corrected | None:
        """How it ended; None while it has not."""
        return next((m for m in self.moves if isinstance(m, Paired | Booked | Agreed | Corrected)), None)

    def decided(self, now: datetime) -> decision.Decision | None:
        """The decision in force: the last one, unless it was to wait and the wait is over."""
        last = next((m.said for m in reversed(self.moves) if isinstance(m, Decided)), None)
        return None if last is None or (last.until is not None and now >= last.until) else last

    def after(self, move: Move) -> Followed:
        """With one more."""
        return Followed(found=self.found, moves=(*self.moves, move))


class Differs(claim.Claim, frozen=True, kw_only=True, tag="difference"):
    """What the books say of an order, as a source of its dossier: this difference still stands."""

    of: Difference
    what: bill.Break
    said_so: decision.Decision | None = None


class Ruling(claim.Claim, frozen=True, kw_only=True, tag="ruling"):
    """What a person has decided about the money of an order, as a source of its dossier, whether it is booked by now or not.

    `speaks`: both sides are still as they were when it was decided.
    """

    of: Difference
    said_so: decision.Decision
    speaks: bool

    def never_came(self) -> bool:
        """Whether it says that a payment never came which our book alone has: for the channel, which has nothing of it."""
        of = self.of
        return (
            self.said_so.choice is decision.Choice.CHANNEL_IS_RIGHT
            and of.kind is bill.Kind.PAYMENT
            and of.what in _OURS_ALONE
            and of.ours is not None
            and of.ours.standing not in bill.IDLE
            and (of.theirs is None or of.theirs.standing in bill.IDLE)
        )


def identity(order: ids.ShopName, pair: comparison.Pair, copy: int = 0) -> ids.Key:
    """The id of the difference that a pair is: the movement's own names, whatever the day, the class or the bill's line."""
    told = pair.theirs or pair.ours
    named = pair.number or (told.transaction if told else None) or (told.order if told else None)
    return ids.derive("difference", order, pair.channel, pair.merchant, pair.kind.value, named, copy)
