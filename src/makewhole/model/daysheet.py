"""What an accountant reads of a day: its books, every difference with both sides, why, where it stands, whose it is and until when."""

from __future__ import annotations

import enum
from datetime import datetime

from makewhole.core import codec, ids, money
from makewhole.model import bank, bill, comparison, decision, difference, plan
from makewhole.model import case as cases


class DayState(enum.Enum):
    """Where a difference stands."""

    OPEN = "open"
    """Nobody has looked at its order yet, or a source was silent."""
    WAITING = "waiting"
    """For the next bill."""
    PERSON = "person"
    PAIRED = "paired"
    """Its partner stood in a neighbouring day's book."""
    AGREED = "agreed"
    """The sources agree by now, by somebody else's hand."""
    RESTORED = "restored"
    REFUNDED = "refunded"
    CLAIMED = "claimed"
    WRITTEN_OFF = "written-off"
    CORRECTED = "corrected"
    """The channel has corrected its bill, and no longer says so."""


UNEXPLAINED = frozenset({DayState.OPEN})
"""Of these nobody can say yet what is behind them, and nobody is asked."""
_ENDS = {
    plan.Terminal.RESTORED: DayState.RESTORED,
    plan.Terminal.REFUNDED: DayState.REFUNDED,
    plan.Terminal.PERSON: DayState.AGREED,
}
_BOOKED = {
    decision.Choice.CHANNEL_IS_RIGHT: DayState.RESTORED,
    decision.Choice.SHOP_IS_RIGHT: DayState.CLAIMED,
    decision.Choice.CHARGE_BACK_FEE: DayState.CLAIMED,
    decision.Choice.WRITE_OFF: DayState.WRITTEN_OFF,
}


class Row(codec.Noun, frozen=True, kw_only=True):
    """One difference, with the case that follows it."""

    of: difference.Followed
    state: DayState
    case: cases.Case | None
    decided: decision.Decision | None

    def owner(self) -> str:
        """Who has it now: `makewhole`, a person (`finance`, or whoever decided), or nobody any more."""
        match self.state:
            case DayState.OPEN | DayState.WAITING:
                return "makewhole"
            case DayState.PERSON:
                return "finance"
            case _:
                return "" if self.decided is None else self.decided.by

    def deadline(self) -> datetime | None:
        """Until when its owner has it."""
        if self.state is DayState.WAITING:
            return None if self.decided is None else self.decided.until
        return None if self.case is None or self.state is not DayState.PERSON else self.case.deadline


class DaySheet(codec.Noun, frozen=True, kw_only=True):
    """A day at one channel. `sums` are of that day only: what was carried in from others stands on their sheets."""

    shop: ids.ShopName
    channel: ids.ChannelName
    merchant: str
    day: int
    stage: bill.Stage
    source: str
    closed_at: datetime
    printed_at: datetime
    sums: tuple[comparison.Sum, ...]
    rows: tuple[Row, ...]
    payouts: tuple[bank.Payout, ...] = ()
    """What the bank says of this day's money, where a statement was given."""
    settled: tuple[comparison.Settled, ...] = ()
    """What the channel's bill pays out for the day, for each currency; nothing in the evening, and of a marketplace, which pays later."""

    def broken(self) -> tuple[Row, ...]:
        """Differences that are not over: somebody's."""
        return tuple(r for r in self.rows if r.state in {DayState.OPEN, DayState.PERSON})

    def unexplained(self) -> money.Money:
        """What nobody can say anything about yet; nothing, on a day that was followed to its end."""
        return money.Money(fen=sum(r.of.found.gap().fen for r in self.rows if r.state in UNEXPLAINED))

    def by_state(self) -> dict[DayState, tuple[int, int]]:
        """Lines and fen of each state that there is."""
        told: dict[DayState, tuple[int, int]] = {}
        for row in self.rows:
            lines, fen = told.get(row.state, (0, 0))
            told[row.state] = (lines + 1, fen + row.of.found.gap().fen)
        return told


def state(of: difference.Followed, followed_by: cases.Case | None, now: datetime) -> DayState:
    """Where a difference stands, from what came of it and from the case that follows it."""
    match of.end():
        case difference.Paired():
            return DayState.PAIRED
        case difference.Booked(choice=choice):
            return _BOOKED[choice]
        case difference.Agreed(by=by):
            return DayState.AGREED if by is None else _ENDS.get(by, DayState.AGREED)
        case difference.Corrected():
            return DayState.CORRECTED
        case None:
            pass
    decided = of.decided(now)
    if of.what() in bill.SETTLED or (decided is not None and decided.choice is decision.Choice.WAIT):
        return DayState.WAITING
    return DayState.PERSON if followed_by is not None and followed_by.terminal is plan.Terminal.PERSON else DayState.OPEN
