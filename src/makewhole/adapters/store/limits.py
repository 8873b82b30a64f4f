"""Limits: reservations come in with a run and are used up together with it, each use once, or none of them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from makewhole import ports
from makewhole.adapters.store import names, statements
from makewhole.core import ids
from makewhole.model import verdict

UNLIMITED = 2**62
"""More uses, and more fen, than a BIGINT total can reach: stands for a limit that was not given."""


def reserve(tx: statements.Tx, wanted: Sequence[verdict.Reservation], of: ids.RunId) -> None:
    """Use up each. Raises LimitReached at the first that does not fit; the caller takes back the ones before."""
    for one in wanted:
        _reserve(tx, one, of)


def _reserve(tx: statements.Tx, one: verdict.Reservation, of: ids.RunId) -> None:
    bucket, key = names.fit(one.bucket), names.fit(one.key)
    used = tx.one(statements.USE_FIND, w_bucket=bucket, w_key=key)
    if used is not None:
        # The same use counts once; under the same name something else would be a second effect for one key (law 3).
        if tuple(used) != (one.count, one.amount_fen):
            raise ports.LimitReached(msgspec.structs.replace(one, ground=verdict.Ground.SAME_KEY_OTHER_CONTENT))
        return
    if tx.one(statements.LIMIT_FIND, w_bucket=bucket) is None:
        tx.run(statements.LIMIT_INSERT, bucket=bucket, used=0, used_fen=0)
    # One conditional update: to read, compare and write would pay twice wherever two may do it at once.
    fits = tx.run(
        statements.LIMIT_TAKE,
        w_bucket=bucket,
        count=one.count,
        count_max=UNLIMITED if one.count_max is None else one.count_max,
        amount_fen=one.amount_fen,
        amount_max_fen=UNLIMITED if one.amount_max_fen is None else one.amount_max_fen,
        count_too=one.count,
        amount_fen_too=one.amount_fen,
    )
    if not fits:
        raise ports.LimitReached(one)
    tx.run(statements.USE_INSERT, bucket=bucket, key=key, used=one.count, used_fen=one.amount_fen, run_id=of)


def take(tx: statements.Tx, bucket: str, count_max: int) -> bool:
    """Use a count up once more; False, nothing written, where it is full."""
    name = names.fit(bucket)
    if used(tx, bucket)[0] >= count_max:
        return False
    if tx.one(statements.LIMIT_FIND, w_bucket=name) is None:
        tx.run(statements.LIMIT_INSERT, bucket=name, used=0, used_fen=0)
    one = {"count": 1, "count_too": 1, "count_max": count_max, "amount_fen": 0, "amount_fen_too": 0, "amount_max_fen": UNLIMITED}
    taken = tx.run(statements.LIMIT_TAKE, w_bucket=name, **one)
    return taken > 0


def used(tx: statements.Tx, bucket: str) -> tuple[int, int]:
    """Count and fen used so far."""
    row = tx.one(statements.LIMIT_FIND, w_bucket=names.fit(bucket))
    return (0, 0) if row is None else (row[0], row[1])
