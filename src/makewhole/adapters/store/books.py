"""Closed days as pieces of work: whose turn it is to close one, and what was found when it was closed. Once, whoever tries. And the
bank's statements, which days that are closed are held against."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

from makewhole.adapters.store import names, statements, tables
from makewhole.core import codec, faults, ids
from makewhole.model import bank, bill, comparison
from makewhole.ports import accounts

ASIDE = "aside/"
"""Before a stage's name: the row was altered, and a person has looked at it."""


class ClosedDay(codec.Noun, frozen=True, kw_only=True):
    """The body of a closed day's row."""

    merchant: str
    source: str
    at: datetime
    sums: tuple[comparison.Sum, ...]
    settled: tuple[comparison.Settled, ...] | None = None


def begin(
    tx: statements.Tx, shop: ids.ShopName, channel: ids.ChannelName, day: int, stage: bill.Stage, turn: accounts.Turn, version: int
) -> bool:
    """Take the turn, or take it over from whoever has been silent for too long."""
    until, now = names.ticks(turn.now + turn.span), names.ticks(turn.now)
    told = _stage(stage, version)
    row = tx.one(statements.CLOSING_FIND, w_shop=shop, w_channel=channel, w_day=day, w_stage=told)
    if row is None:
        tx.run(
            statements.CLOSING_INSERT,
            shop=names.shop(shop),
            channel=names.exact(channel, tables.WORD_LENGTH, "channel"),
            day=day,
            stage=told,
            owner=turn.owner,
            lease_until=until,
            body=None,
            digest=None,
        )
        return True
    owner, lease_until, body = row
    if body is not None or (owner != turn.owner and lease_until >= now):
        return False
    tx.run(statements.CLOSING_TAKE, w_shop=shop, w_channel=channel, w_day=day, w_stage=told, owner=turn.owner, lease_until=until)
    return True


def close(tx: statements.Tx, closing: accounts.Closing, owner: str, leaves: Sequence[tuple[bytes, bytes]]) -> None:
    """Write what was found, if it is still the caller's to write."""
    told = _stage(closing.stage, closing.version)
    where = {"w_shop": closing.shop, "w_channel": closing.channel, "w_day": closing.day, "w_stage": told}
    row = tx.one(statements.CLOSING_FIND, **where)
    if row is None or row[0] != owner or row[2] is not None:
        raise faults.Rejected(f"{bill.date_of(closing.day)} at {closing.channel} is another's to close", code="not-our-turn")
    closed = ClosedDay(merchant=closing.merchant, source=closing.source, at=closing.at, sums=closing.sums, settled=closing.settled)
    body = codec.canonical(closed)
    tx.run(statements.CLOSING_DONE, **where, body=body, digest=codec.digest_bytes(body))
    tx.entries.extend(leaves)


def closings(tx: statements.Tx, shop: ids.ShopName, channel: ids.ChannelName, first: int) -> list[accounts.Closing]:
    """Closed days from `first` on, each as it was closed last."""
    told: dict[tuple[int, bill.Stage], accounts.Closing] = {}
    for row in tx.all(statements.CLOSINGS_FROM, w_shop=shop, w_channel=channel, first=first):
        if row[1].startswith(ASIDE):
            continue
        one = _closing(shop, channel, row)
        known = told.get((one.day, one.stage))
        if known is None or known.version < one.version:
            told[one.day, one.stage] = one
    return list(told.values())


def put_aside(tx: statements.Tx, shop: ids.ShopName, channel: ids.ChannelName, days: AbstractSet[int], at: datetime) -> None:
    """A person has looked: closed days that were altered, and these, are to be closed anew. Their rows stay, under another stage."""
    for day, stage, body, digest in tx.all(statements.CLOSINGS_FROM, w_shop=shop, w_channel=channel, first=0):
        if not stage.startswith(ASIDE) and (day in days or codec.digest_bytes(names.raw(body)) != digest):
            aside = f"{ASIDE}{ids.derive(stage, at)}"[: tables.WORD_LENGTH]
            tx.run(statements.CLOSING_ASIDE, w_shop=shop, w_channel=channel, w_day=day, w_stage=stage, aside=aside)


def _stage(stage: bill.Stage, version: int) -> str:
    """As a row's key says it: a day that was closed anew keeps the row of the first time."""
    return stage.value if version == 0 else f"{stage.value}/{version}"


def _closing(shop: ids.ShopName, channel: ids.ChannelName, row: statements.Row) -> accounts.Closing:
    day, stage, body, digest = row
    stage, _, version = stage.partition("/")
    if codec.digest_bytes(names.raw(body)) != digest:
        raise accounts.Altered(f"the closed day {bill.date_of(day)} of {channel}", channel)
    told = codec.decode(names.raw(body), ClosedDay)
    return accounts.Closing(
        shop=shop,
        channel=channel,
        merchant=told.merchant,
        day=day,
        stage=bill.Stage(stage),
        source=told.source,
        at=told.at,
        sums=told.sums,
        settled=told.settled,
        version=int(version or 0),
    )


def keep_statement(
    tx: statements.Tx, shop: ids.ShopName, told: bank.Statement, at: datetime, leaves: Sequence[tuple[bytes, bytes]]
) -> bool:
    """One row for a file, whoever gives it and however often."""
    if has_statement(tx, shop, told.digest):
        return False
    body = codec.canonical(told)
    tx.run(
        statements.STATEMENT_INSERT,
        shop=names.shop(shop),
        file=told.digest,
        kept_at=names.ticks(at),
        last=told.last,
        body=body,
        digest=codec.digest_bytes(body),
    )
    tx.entries.extend(leaves)
    return True


def has_statement(tx: statements.Tx, shop: ids.ShopName, digest: str) -> bool:
    """Whether it is kept."""
    return tx.one(statements.STATEMENT_FIND, w_shop=shop, w_file=digest) is not None


def bank_statements(tx: statements.Tx, shop: ids.ShopName, first: int) -> list[bank.Statement]:
    """Those that reach to `first` or beyond it."""
    found = []
    for file, body, digest in tx.all(statements.STATEMENTS_FROM, w_shop=shop, first=first):
        if codec.digest_bytes(names.raw(body)) != digest:
            raise accounts.Altered(f"the bank's statement {file[:8]}", None)
        found.append(codec.decode(names.raw(body), bank.Statement))
    return found
