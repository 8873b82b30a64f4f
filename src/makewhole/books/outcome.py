"""A day's comparison and what was known before go in; what is new, what has found its partner and what has waited too long come out.

The pool of lines near midnight works so: what stands alone near its day's end waits, and is carried into the next day's books. What
has paired across midnight is remembered for the next day, which must not look for it again. After the policy's days waiting is broken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from makewhole.core import codec, ids
from makewhole.model import bill, comparison, difference

OrderOf = Callable[[comparison.Pair], ids.OrderKey]
_TWICE = frozenset({bill.Break.DUPLICATE_OURS, bill.Break.DUPLICATE_THEIRS})
_CROSSED = frozenset({bill.Break.ACROSS_CUT_OFF, bill.Break.GROUPED})


class Outcome(codec.Noun, frozen=True, kw_only=True):
    """What a day's books came to."""

    found: tuple[difference.Difference, ...]
    moves: tuple[tuple[ids.Key, difference.Move], ...]


def outcome(
    compared: comparison.Comparison,
    window: bill.Window,
    known: Sequence[difference.Followed],
    *,
    shop: ids.ShopName,
    order_of: OrderOf,
    source: str,
    now: datetime,
) -> Outcome:
    """New differences, and moves of known ones. The same day once more comes to the same ids, and so to nothing new."""
    by_id = {f.found.id: f for f in known}
    found: list[difference.Difference] = []
    moves: list[tuple[ids.Key, difference.Move]] = []
    seen = set()
    for of, pair in named(compared.pairs, shop):
        seen.add(of)
        was = by_id.get(of)
        if was is not None:
            move = _moved(was, pair, window, now)
            if move is not None:
                moves.append((of, move))
            continue
        if not worth_noting(pair, window):
            continue
        found.append(difference_of(of, pair, window, order_of(pair), source, now))
        if pair.what in _CROSSED:
            moves.append((of, difference.Paired(at=now, day=window.day)))
    # What waited and is not among the pairs any more was matched with a line of its own day that came late.
    moves += [(f.found.id, difference.Paired(at=now, day=window.day)) for f in waiting(known) if f.found.id not in seen]
    return Outcome(found=tuple(found), moves=tuple(moves))


def waiting(known: Sequence[difference.Followed]) -> list[difference.Followed]:
    """Those that wait for their partner."""
    return [f for f in known if f.end() is None and f.what() is bill.Break.WAITING]


def carried(known: Sequence[difference.Followed], side: bill.Side, day: int) -> list[bill.Line]:
    """Lines of earlier days that wait on this side, to be put into the books of `day`. Numbered below 0: no line of a file is."""
    told: list[bill.Line] = []
    for one in waiting(known):
        alone = one.found.theirs if side is bill.Side.THEIRS else one.found.ours
        if alone is not None and alone.day < day:
            told.append(line_of(one.found, alone, -1 - len(told)))
    return told


def taken(known: Sequence[difference.Followed]) -> frozenset[tuple[ids.ChannelName, bill.Kind, str, int]]:
    """Lines of ours that have their partner in a neighbouring day's bill already: channel, kind, number, day."""
    return frozenset(
        (f.found.channel, f.found.kind, f.found.number, f.found.ours.day)
        for f in known
        if f.found.number is not None and f.found.ours is not None and isinstance(f.end(), difference.Paired)
        if f.found.theirs is not None and f.found.ours.day != f.found.theirs.day
    )


def named(pairs: Sequence[comparison.Pair], shop: ids.ShopName) -> Iterator[tuple[ids.Key, comparison.Pair]]:
    """Each pair with its id; the second and later lines of one number are differences of their own."""
    copies: Counter[ids.Key] = Counter()
    for pair in pairs:
        if pair.what is bill.Break.IDLE:
            continue
        of = difference.identity(shop, pair)
        if pair.what in _TWICE or (pair.number is None and pair.what not in _CROSSED):
            copies[of] += 1
            of = difference.identity(shop, pair, copies[of])
        yield of, pair


def worth_noting(pair: comparison.Pair, window: bill.Window) -> bool:
    """Whether it is this day's: what stands alone in a neighbouring day is that day's to note."""
    if pair.what is bill.Break.GROUPED:
        return False
    alone = pair.theirs if pair.ours is None else pair.ours if pair.theirs is None else None
    return alone is None or alone.day == window.day


def _moved(was: difference.Followed, pair: comparison.Pair, window: bill.Window, now: datetime) -> difference.Move | None:
    if was.end() is not None or was.what() is not bill.Break.WAITING:
        return None
    if pair.what in _CROSSED:
        return difference.Paired(at=now, day=window.day)
    return None if pair.what is bill.Break.WAITING else difference.Aged(at=now, what=pair.what)


def difference_of(
    of: ids.Key, pair: comparison.Pair, window: bill.Window, order: ids.OrderKey, source: str, now: datetime
) -> difference.Difference:
    told = pair.theirs or pair.ours
    return difference.Difference(
        id=of,
        order=order,
        channel=pair.channel,
        merchant=pair.merchant,
        kind=pair.kind,
        number=pair.number,
        what=pair.what,
        day=window.day if told is None else told.day,
        ours=pair.ours,
        theirs=pair.theirs,
        found_at=now,
        source=source,
    )


def line_of(found: difference.Difference, told: comparison.Told, place: int) -> bill.Line:
    """One side of a difference as the line that it was."""
    return bill.Line(
        line=place,
        channel=found.channel,
        merchant=found.merchant,
        kind=found.kind,
        number=found.number,
        payment=told.payment,
        transaction=told.transaction,
        order=told.order,
        amount_fen=told.amount_fen,
        fee_millifen=told.fee_millifen,
        currency=told.currency,
        standing=told.standing,
        at=told.at,
        day=told.day,
    )
