"""The durable inbox: callbacks as they came off the wire go in, what is due to be forwarded comes out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import structlog

from makewhole import ports
from makewhole.adapters.store import limits, names, statements, tables
from makewhole.core import codec, faults, ids
from makewhole.model import payment
from makewhole.ports import accounts

REFUSED_MAX = 2_000
"""Notices that are not genuine, kept for one shop in one calendar month (UTC): enough to see what was tried, and which clock or key was
wrong. Anybody can send one; without a limit whoever sends a hundred a second fills the disk in days, and genuine ones have no room."""
REFUSED_BODY_BYTES_MAX = 8 * 1024
"""Bytes kept of one that is not genuine; with the count above 16 MB a month. A real callback has under 4 KiB. Its key is of all its
bytes."""
log = structlog.get_logger()
_GENUINE = payment.NoticeCheck.GENUINE.value
_CLAIMS: msgspec.json.Decoder[payment.Attempt | payment.ChannelRefund] = msgspec.json.Decoder(payment.Attempt | payment.ChannelRefund)


def keep(tx: statements.Tx, notice: ports.Kept) -> bool:
    """Whether it is new, and not the one refused notice too many."""
    if tx.one(statements.NOTICE_KNOWN, w_key=notice.key) is not None:
        return False
    if notice.check is not payment.NoticeCheck.GENUINE:
        # Counted, not looked for: to count rows for each of an attacker's requests would be his next attack.
        if not limits.take(tx, f"refused-notices/{notice.shop}/{notice.received_at.astimezone(UTC):%Y-%m}", REFUSED_MAX):
            return False
        notice = dataclasses.replace(notice, body=notice.body[:REFUSED_BODY_BYTES_MAX])
    received_at = names.ticks(notice.received_at)
    tx.run(
        statements.NOTICE_INSERT,
        key=names.exact(notice.key, tables.KEY_LENGTH, "key of a notice"),
        shop=names.shop(notice.shop),
        channel=names.exact(notice.channel, tables.WORD_LENGTH, "channel"),
        number=names.number(notice.number),
        check=notice.check.value,
        received_at=received_at,
        headers=codec.canonical(notice.headers),
        body=notice.body,
        attempt=_claim(notice),
        answer=notice.answer.value,
        answer_code=notice.answer_code,
        forwarded=notice.forwarded,
        # Due at once: the shop waits for it.
        next_at=received_at,
        settled=int(notice.settled),
    )
    if notice.check is payment.NoticeCheck.GENUINE:
        told = (notice.key, notice.shop, notice.channel, notice.number, notice.check.value, received_at)
        sealed = _seal((*told, codec.canonical(notice.headers), notice.body, _claim(notice)))
        tx.run(statements.SEAL_INSERT, notice=notice.key, digest=sealed)
    return True


def sealed(
    tx: statements.Tx, shop: ids.ShopName, channel: ids.ChannelName, since: int, until: int, after: tuple[int, str], limit: int
) -> list[tuple[int, str, str, bool]]:
    """Of genuine notices received in this span of ticks, later than `after`: when, key, number, whether each still fits its digest.

    One without a digest fits only where it was kept before there were any.
    """
    begun = int(names.raw((tx.one(statements.MARK_FIND, w_name=tables.SEALED_FROM) or (b"0",))[0]))
    rows = tx.all(
        statements.NOTICES_SEALED,
        w_shop=shop,
        w_channel=channel,
        w_check=_GENUINE,
        since=max(since, after[0]),
        until=until,
        at=after[0],
        after=after[1],
        row_limit=limit,
    )
    return [(row[5], row[0], row[3], row[5] < begun if row[9] is None else _seal(row[:9]) == row[9]) for row in rows]


def _seal(told: statements.Row) -> str:
    """Over everything that a notice said and that never changes; how often it was forwarded does."""
    *words, headers, body, claim = told
    return codec.digest([*words, names.raw(headers), names.raw(body), None if claim is None else names.raw(claim)])


def of(tx: statements.Tx, shop: ids.ShopName, number: ids.OutTradeNo) -> list[ports.Kept]:
    """About one attempt, the oldest first."""
    return [_kept(row) for row in tx.all(statements.NOTICES_OF, w_shop=shop, w_number=number)]


def after(tx: statements.Tx, shop: ids.ShopName, at: datetime, key: str, limit: int) -> list[ports.Kept]:
    """Received later than an instant, or at it and under a greater key; the oldest first."""
    ticks = names.ticks(at)
    return _readable(tx.all(statements.NOTICES_AFTER, w_shop=shop, at=ticks, at_too=ticks, after=key, row_limit=limit))


def due(tx: statements.Tx, shop: ids.ShopName, now: datetime, limit: int) -> list[ports.Kept]:
    """To be forwarded now, the longest due first."""
    rows = tx.all(statements.NOTICES_DUE, w_shop=shop, w_settled=0, w_check=_GENUINE, now=names.ticks(now), row_limit=limit)
    return _readable(rows)


def note_forwarding(
    tx: statements.Tx, key: ids.Key, answer: payment.ShopAnswer, code: int | None, next_at: datetime | None, *, settled: bool
) -> None:
    """What the shop answered. To settle a notice that was never forwarded is no forwarding."""
    found = tx.run(
        statements.NOTICE_FORWARDED,
        w_key=key,
        answer=answer.value,
        answer_code=code,
        next_at=None if next_at is None else names.ticks(next_at),
        settled=int(settled),
        times=int(answer is not payment.ShopAnswer.NOT_FORWARDED),
    )
    if found == 0:
        tx.writes -= 1
        raise faults.Rejected(f"there is no notice {key}", code="no-notice")


def unsettled(tx: statements.Tx, shop: ids.ShopName, now: datetime) -> list[ids.OutTradeNo]:
    """Numbers that callbacks told of and nothing has settled, the oldest first."""
    rows = tx.all(statements.UNSETTLED, w_shop=shop, w_settled=0, w_check=_GENUINE, now=names.ticks(now))
    return [ids.OutTradeNo(row[0]) for row in rows]


def _claim(notice: ports.Kept) -> bytes | None:
    told = notice.attempt or notice.refund
    return None if told is None else codec.canonical(told)


def put_aside(tx: statements.Tx, key: str) -> None:
    """A person has looked at a notice that was altered: nobody believes it any more, and it is forwarded no more."""
    tx.run(statements.NOTICE_ASIDE, w_key=key, check=payment.NoticeCheck.UNREADABLE.value, settled=1)


def _readable(rows: Sequence[statements.Row]) -> list[ports.Kept]:
    """Those that can be read: one that was altered keeps no other one waiting, and stops its channel when its day is closed."""
    told = []
    for row in rows:
        try:
            told.append(_kept(row))
        except accounts.Altered as altered:
            log.warning("altered", record=altered.record)
    return told


def _kept(row: statements.Row) -> ports.Kept:
    """The notice. Raises Altered where the row holds no longer what a notice is made of."""
    key, shop, channel, number, check, received_at, headers, body, attempt, answer, code, forwarded, settled = row
    try:
        claim = None if attempt is None else _CLAIMS.decode(names.raw(attempt))
        told = codec.decode(names.raw(headers), tuple[tuple[str, str], ...])
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise accounts.Altered(f"the callback {key} about {number}", ids.ChannelName(channel)) from wrong
    return ports.Kept(
        key=ids.Key(key),
        shop=ids.ShopName(shop),
        channel=ids.ChannelName(channel),
        number=ids.OutTradeNo(number),
        check=payment.NoticeCheck(check),
        received_at=names.instant(received_at),
        headers=told,
        body=names.raw(body),
        attempt=claim if isinstance(claim, payment.Attempt) else None,
        refund=claim if isinstance(claim, payment.ChannelRefund) else None,
        answer=payment.ShopAnswer(answer),
        answer_code=code,
        forwarded=forwarded,
        settled=bool(settled),
    )
