"""What bills settle, day by day, and what the bank says came in go in; which line pays which days out, and what differs, comes out.

A day is paid out on the next working day, Friday to Sunday often in one line, and a day that gave back more than it took is taken out of
the next one. So runs of days are held against runs of lines, in their order: each sum that agrees to the fen is a payout, and what is
left between two of these differs. Whatever leaves least over is believed.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from makewhole.model import bank

DAYS_MAX = 12
"""Days that one payout may be of: the longest public holidays have eight, with the days beside them."""
LINES_MAX = 4
"""Lines that one payout may come in."""
_Step = tuple[int, int]
"""How many days and lines are dealt with together; (1, 0) and (0, 1) are left over."""


def payouts(due: Sequence[bank.Due], lines: Sequence[bank.Line], covered: Collection[int], *, waits_days: int) -> tuple[bank.Payout, ...]:
    """Of one channel. `due` by day, the oldest first, without gaps; `covered`: days of which a statement is there.

    Nothing is said of a channel of which no line was ever seen: its money may go to another account. Every day of `due` that
    settles something, and every line that is not older, is in exactly one payout.
    """
    if not due or not lines:
        return ()
    told = sorted(lines, key=lambda line: (line.day, line.place, line.id))
    told = [line for line in told if line.day >= due[0].day]
    tried = [_Alignment.of(reading, due, told, waits_days) for reading in bank.Reading]
    best = min(tried, key=lambda one: one.left)
    return tuple(itertools.chain.from_iterable(best.blocks(frozenset(covered))))


@dataclass(frozen=True, kw_only=True)
class _Alignment:
    """The days and lines of a channel under one reading of its fees, and the steps that leave least over."""

    due: Sequence[bank.Due]
    amounts: Sequence[int]
    lines: Sequence[bank.Line]
    waits_days: int
    steps: Sequence[_Step]
    left: int
    """Days and lines that nothing explains."""

    @classmethod
    def of(cls, reading: bank.Reading, due: Sequence[bank.Due], lines: Sequence[bank.Line], waits_days: int) -> _Alignment:
        amounts = [reading.of(d) for d in due]
        steps, left = _best(amounts, due, lines, waits_days)
        return cls(due=due, amounts=amounts, lines=lines, waits_days=waits_days, steps=steps, left=left)

    def blocks(self, covered: frozenset[int]) -> Iterator[list[bank.Payout]]:
        """Payouts, in order: what agrees, and between two of them what is left. A day that settles nothing is in none."""
        i = j = 0
        agreed = False
        days: list[int] = []
        rest: list[int] = []
        for a, b in (*self.steps, (0, 0)):
            if a + b == 1:
                days += [d for d in range(i, i + a) if self.amounts[d] != 0]
                rest += range(j, j + b)
            else:
                yield list(self._left(days, rest, covered, first=not agreed))
                agreed = True
                days, rest = [], []
                if a:
                    yield [self._payout(range(i, i + a), range(j, j + b), bank.Paid.AGREES)]
            i, j = i + a, j + b

    def _left(self, days: list[int], rest: list[int], covered: frozenset[int], *, first: bool) -> Iterator[bank.Payout]:
        """What is between two payouts that agree."""
        while rest and (not days or self.lines[rest[0]].day < self.due[days[0]].day + first):
            yield self._payout([], [rest[0]], self._stranger(rest.pop(0), first=first))
        # Days that were not over when the last line came have theirs yet to come.
        later: list[int] = []
        while days and (not rest or (len(days) > 1 and self.due[days[-1]].day >= self.lines[rest[-1]].day)):
            later.insert(0, days.pop())
        for mine, theirs in self._beside(days, rest):
            yield self._payout(mine, theirs, self._differs(mine, theirs, covered, first=first))
        for d in later:
            yield self._payout([d], [], self._alone(d, covered))

    def _beside(self, days: list[int], rest: list[int]) -> list[tuple[list[int], list[int]]]:
        """Which of them are meant by each other: one by one where they are as many; else nobody can say which is for which."""
        if not days:
            return []
        if len(days) == len(rest) and all(self.lines[r].day >= self.due[d].day for d, r in zip(days, rest, strict=True)):
            return [([d], [r]) for d, r in zip(days, rest, strict=True)]
        return [(days, rest)]

    def _stranger(self, line: int, *, first: bool) -> bank.Paid:
        """A line that belongs to no day that is left."""
        if first:
            return bank.Paid.BEFORE
        return bank.Paid.UNEXPECTED if self.lines[line].day <= self.due[-1].day + 1 else bank.Paid.WAITS

    def _differs(self, days: Sequence[int], rest: Sequence[int], covered: frozenset[int], *, first: bool) -> bank.Paid:
        begins, ends = self.due[days[0]].day, self.lines[rest[-1]].day
        if first and self.lines[rest[0]].day > begins + 1:
            return bank.Paid.BEFORE
        # It may be of days, too, of which no bill was compared or no statement is there yet.
        known = ends <= self.due[-1].day + 1 and all(day in covered for day in range(begins + 1, ends + 1))
        return bank.Paid.DIFFERS if known else bank.Paid.WAITS

    def _alone(self, day: int, covered: frozenset[int]) -> bank.Paid:
        # What a day gave back beyond what it took is taken out of a later one: no line says so.
        if self.amounts[day] < 0:
            return bank.Paid.WAITS
        began = self.due[day].day
        over = all(later in covered for later in range(began + 1, began + self.waits_days + 1))
        return bank.Paid.MISSING if over else bank.Paid.WAITS

    def _payout(self, days: Sequence[int], rest: Sequence[int], state: bank.Paid) -> bank.Payout:
        return bank.Payout(
            channel=self.due[0].channel,
            days=tuple(self.due[d].day for d in days),
            lines=tuple(self.lines[r] for r in rest),
            settled_fen=sum(self.amounts[d] for d in days),
            bank_fen=sum(self.lines[r].fen for r in rest),
            state=state,
        )


def _best(amounts: Sequence[int], due: Sequence[bank.Due], lines: Sequence[bank.Line], waits_days: int) -> tuple[list[_Step], int]:
    """The steps that leave least over, of these the ones that take least together; and how much they leave."""
    rows, columns = len(amounts), len(lines)
    cost: dict[_Step, tuple[int, int]] = {(rows, columns): (0, 0)}
    step: dict[_Step, _Step] = {}
    for i in range(rows, -1, -1):
        for j in range(columns, -1, -1):
            if (i, j) == (rows, columns):
                continue
            choices = []
            if i < rows:
                # A day on which nothing is settled is missed by nobody.
                choices.append((cost[i + 1, j][0] + (amounts[i] != 0), cost[i + 1, j][1], (1, 0)))
            if j < columns:
                choices.append((cost[i, j + 1][0] + 1, cost[i, j + 1][1], (0, 1)))
            choices += [
                (cost[i + a, j + b][0], cost[i + a, j + b][1] + a + b - 2, (a, b))
                for a, b in _agreeing(amounts, due, lines, i, j, waits_days)
            ]
            left, width, taken = min(choices)
            cost[i, j], step[i, j] = (left, width), taken
    steps, at = [], (0, 0)
    while at != (rows, columns):
        steps.append(step[at])
        at = (at[0] + step[at][0], at[1] + step[at][1])
    return steps, cost[0, 0][0]


def _agreeing(
    amounts: Sequence[int], due: Sequence[bank.Due], lines: Sequence[bank.Line], i: int, j: int, waits_days: int
) -> Iterator[_Step]:
    """How many days from `i` on and lines from `j` on have the same sum, and come neither before the days were over nor too late."""
    settled = 0
    for a in range(1, min(DAYS_MAX, len(amounts) - i) + 1):
        settled += amounts[i + a - 1]
        last = due[i + a - 1].day
        came = 0
        for b in range(1, min(LINES_MAX, len(lines) - j) + 1):
            came += lines[j + b - 1].fen
            if lines[j].day < last or lines[j + b - 1].day > last + waits_days:
                break
            if came == settled:
                yield a, b
