"""A bill that its channel corrected goes in; only what it says otherwise than the one before it comes out, and what is over stays over.

What was decided or mended about a line stands as long as the line says what it said then. Where it says something else, that is a new
difference, about the new line; where it says nothing any more, an open difference has lost its ground.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from makewhole.books import outcome
from makewhole.core import ids
from makewhole.model import bill, comparison, difference

_EXPLAINED = bill.SETTLED - {bill.Break.WAITING}


def corrected(
    compared: comparison.Comparison,
    window: bill.Window,
    known: Sequence[difference.Followed],
    *,
    shop: ids.ShopName,
    order_of: outcome.OrderOf,
    source: str,
    now: datetime,
) -> outcome.Outcome:
    """New differences and moves of known ones, as `outcome` has them, of a day that was closed before by another bill.

    `known` are its own and those of the days before it: what waits in later books waits for other days.
    """
    before = [f for f in known if f.found.day <= window.day]
    first = outcome.outcome(compared, window, before, shop=shop, order_of=order_of, source=source, now=now)
    found, moves = list(first.found), list(first.moves)
    pairs = dict(outcome.named(compared.pairs, shop))
    settled = {key for key, _ in moves}
    for base, last in _latest(before, window.day).items():
        pair, open_ = pairs.get(base), last.end() is None
        if pair is None or pair.what in _EXPLAINED:
            # Both books have it now, by the new bill or by what was mended since.
            if open_ and last.found.id not in settled:
                moves.append((last.found.id, difference.Agreed(at=now)))
        elif not _says_the_same(last.found.theirs, pair.theirs):
            if open_:
                moves = [m for m in moves if m[0] != last.found.id]
                moves.append((last.found.id, difference.Corrected(at=now, source=source)))
            found.append(_anew(base, outcome.difference_of(base, pair, window, order_of(pair), source, now)))
    return outcome.Outcome(found=tuple(found), moves=tuple(moves))


def _latest(known: Sequence[difference.Followed], day: int) -> Mapping[ids.Key, difference.Followed]:
    """Of each movement of the day what was found last, by the id that it was found under first."""
    told: dict[ids.Key, difference.Followed] = {}
    for one in sorted(known, key=lambda f: (f.found.found_at, f.found.corrects is not None)):
        if one.found.day == day:
            told[one.found.corrects or one.found.id] = one
    return told


def _says_the_same(was: comparison.Told | None, now: comparison.Told | None) -> bool:
    """About the money: a line's place, what a query left open, and a line by which no money moved are no correction."""
    was, now = (None if told is None or told.standing in bill.IDLE else told for told in (was, now))
    if was is None or now is None:
        return was is now
    fees = was.fee_millifen is None or now.fee_millifen is None or was.fee_millifen == now.fee_millifen
    return fees and (was.amount_fen, was.currency, was.standing) == (now.amount_fen, now.currency, now.standing)


def _anew(base: ids.Key, told: difference.Difference) -> difference.Difference:
    """Under an id of its own. It waits for nobody: the books of the days beside it are closed."""
    alone = bill.Break.OURS_ONLY if told.theirs is None else bill.Break.THEIRS_ONLY
    what = alone if told.what is bill.Break.WAITING else told.what
    return msgspec.structs.replace(told, id=ids.derive("difference-corrected", base, told.source), what=what, corrects=base)
