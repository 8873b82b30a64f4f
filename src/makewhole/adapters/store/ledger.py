"""The daily books in the store: bills, differences and closed days as pieces of work for the writer. Each row has its digest, and is
believed only with it.

What is read here decides about money: whoever can write the database's file must not be able to make us pay, so a row that does not fit
its digest is no row but an `Altered`, and the digests themselves stand in the evidence log besides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any, TypeVar

import msgspec

from makewhole.adapters.store import books, cases, inbox, names, statements, tables, writer
from makewhole.core import codec, faults, ids
from makewhole.model import bank, bill, case, difference, fetched
from makewhole.ports import accounts

Result = TypeVar("Result")
PART_BYTES = 4 * 2**20
"""Bytes of a bill in one row: servers take sixteen megabytes in one packet unless told otherwise."""
NOTICES = 500
"""Callbacks read at once: a few kilobytes each."""
SET_ASIDE = "set-aside"
"""Stands in a digest's place where the bill before it was altered, and a person has looked."""
NOUNS: tuple[Any, ...] = (difference.Difference, difference.Move, books.ClosedDay, bank.Statement)
_CALLBACK = re.compile(r"the callback (\w+) about ")
"""How a callback that was altered is called where it stopped its channel."""
_MOVES: msgspec.json.Decoder[difference.Move] = msgspec.json.Decoder(difference.Move)


class SqlLedger:
    """`accounts.Ledger` on the store's tables. `write` and `read` carry out a piece of work."""

    def __init__(
        self, write: Callable[[Callable[[statements.Tx], Any]], Any], read: Callable[[Callable[[statements.Tx], Any]], Any]
    ) -> None:
        self._write, self._read = write, read

    # ------------------------------------------------------------ bills

    def keep_bill(self, shop: ids.ShopName, had: fetched.Had, at: datetime, entry: case.Entry, *, anew: bool = False) -> bool:
        leaves = writer.leaves_of([codec.canonical(entry)])

        def work(tx: statements.Tx) -> bool:
            return _keep_bill(tx, shop, had, at, leaves, anew=anew)

        kept: bool = self._write(work)
        return kept

    def find_bill(self, shop: ids.ShopName, channel: ids.ChannelName, merchant: str, day: date) -> fetched.Had | None:
        told: fetched.Had | None = self._read(lambda tx: _bill(tx, shop, channel, merchant, day))
        return told

    # ------------------------------------------------------------ differences

    def keep(self, found: Sequence[difference.Difference], entries: Sequence[case.Entry]) -> Sequence[difference.Difference]:
        leaves = writer.leaves_of([codec.canonical(entry) for entry in entries])

        def work(tx: statements.Tx) -> list[difference.Difference]:
            return [one for one, leaf in zip(found, leaves, strict=True) if _keep(tx, one, leaf)]

        kept: list[difference.Difference] = self._write(work)
        return kept

    def add(self, of: ids.Key, move: difference.Move, entry: case.Entry) -> difference.Followed:
        leaves = writer.leaves_of([codec.canonical(entry)])
        told: difference.Followed = self._write(lambda tx: _add(tx, of, move, leaves))
        return told

    def find(self, of: ids.Key) -> difference.Followed | None:
        told: difference.Followed | None = self._read(lambda tx: _find(tx, of))
        return told

    def of_order(self, order: ids.OrderKey) -> Sequence[difference.Followed]:
        return self._many(statements.DIFFERENCES_OF, w_shop=order.shop, w_number=order.number, w_over=0)

    def decided(self, order: ids.OrderKey) -> Sequence[difference.Followed]:
        known = self._many(statements.DIFFERENCES_EVER, w_shop=order.shop, w_number=order.number)
        return [f for f in known if any(isinstance(m, difference.Decided) for m in f.moves)]

    def orders(self, shop: ids.ShopName, channel: ids.ChannelName) -> frozenset[ids.OrderNumber]:
        rows = self._read(lambda tx: tx.all(statements.DIFFERING, w_shop=shop, w_channel=channel, w_over=0))
        return frozenset(ids.OrderNumber(row[0]) for row in rows)

    def unsettled(self, shop: ids.ShopName, channel: ids.ChannelName) -> Sequence[difference.Followed]:
        return self._many(statements.DIFFERENCES_OVER, w_shop=shop, w_channel=channel, w_over=0)

    def of_days(self, shop: ids.ShopName, channel: ids.ChannelName, first: int, last: int) -> Sequence[difference.Followed]:
        return self._many(statements.DIFFERENCES_DAYS, w_shop=shop, w_channel=channel, first=first, last=last)

    def _many(self, asked: Any, **values: Any) -> Sequence[difference.Followed]:
        told: list[difference.Followed] = self._read(lambda tx: [_followed(tx, row) for row in tx.all(asked, **values)])
        return told

    def check_notices(self, shop: ids.ShopName, channel: ids.ChannelName, since: datetime, until: datetime) -> None:
        after, span = (-1, ""), (names.ticks(since), names.ticks(until))
        while True:
            found = self._read(partial(inbox.sealed, shop=shop, channel=channel, since=span[0], until=span[1], after=after, limit=NOTICES))
            for _, key, number, fits in found:
                if not fits:
                    raise accounts.Altered(f"the callback {key} about {number}", channel)
            if len(found) < NOTICES:
                return
            after = found[-1][:2]

    # ------------------------------------------------------------ closed days, and channels that are halted

    def begin(
        self, shop: ids.ShopName, channel: ids.ChannelName, day: int, stage: bill.Stage, turn: accounts.Turn, version: int = 0
    ) -> bool:
        begun: bool = self._write(lambda tx: books.begin(tx, shop, channel, day, stage, turn, version))
        return begun

    def close(self, closing: accounts.Closing, owner: str, entry: case.Entry) -> None:
        leaves = writer.leaves_of([codec.canonical(entry)])
        self._write(lambda tx: books.close(tx, closing, owner, leaves))

    def closings(self, shop: ids.ShopName, channel: ids.ChannelName, first: int) -> Sequence[accounts.Closing]:
        told: list[accounts.Closing] = self._read(lambda tx: books.closings(tx, shop, channel, first))
        return told

    def keep_statement(self, shop: ids.ShopName, told: bank.Statement, at: datetime, entry: case.Entry) -> bool:
        leaves = writer.leaves_of([codec.canonical(entry)])
        kept: bool = self._write(lambda tx: books.keep_statement(tx, shop, told, at, leaves))
        return kept

    def has_statement(self, shop: ids.ShopName, digest: str) -> bool:
        known: bool = self._read(lambda tx: books.has_statement(tx, shop, digest))
        return known

    def statements(self, shop: ids.ShopName, first: int) -> Sequence[bank.Statement]:
        told: list[bank.Statement] = self._read(lambda tx: books.bank_statements(tx, shop, first))
        return told

    def halt(self, shop: ids.ShopName, channel: ids.ChannelName, record: str, entry: case.Entry) -> bool:
        leaves = writer.leaves_of([codec.canonical(entry)])

        def work(tx: statements.Tx) -> bool:
            if cases.mark(tx, _halted(shop, channel)):
                return False
            cases.set_mark(tx, _halted(shop, channel), record)
            tx.entries.extend(leaves)
            return True

        halted: bool = self._write(work)
        return halted

    def halted(self, shop: ids.ShopName, channel: ids.ChannelName) -> str | None:
        return self._read(lambda tx: cases.mark(tx, _halted(shop, channel))) or None

    def resume(self, shop: ids.ShopName, channel: ids.ChannelName, entry: case.Entry) -> None:
        leaves = writer.leaves_of([codec.canonical(entry)])

        def work(tx: statements.Tx) -> None:
            record = cases.mark(tx, _halted(shop, channel))
            if not record:
                return
            cases.set_mark(tx, _halted(shop, channel), "")
            _set_aside(tx, shop, channel)
            if (callback := _CALLBACK.match(record)) is not None:
                inbox.put_aside(tx, callback[1])
            books.put_aside(tx, shop, channel, _put_aside(tx, shop, channel, entry.at), entry.at)
            tx.entries.extend(leaves)

        self._write(work)


def _halted(shop: ids.ShopName, channel: ids.ChannelName) -> str:
    return f"settlement-halted/{shop}/{channel}"


def _keep_bill(
    tx: statements.Tx, shop: ids.ShopName, had: fetched.Had, at: datetime, leaves: Sequence[tuple[bytes, bytes]], *, anew: bool
) -> bool:
    day = bill.day_number(had.day)
    known = tx.one(statements.BILL_FIND, w_shop=shop, w_channel=had.channel, w_merchant=had.merchant, w_day=day)
    if known is not None and _content(tx, known) is not None and (not anew or known[5] == _seal(had)):
        return False
    # One that was altered, or that the channel corrected, stays as it is, for whoever wants to know how.
    version = 0 if known is None else known[1] + 1
    key = ids.derive("bill", shop, had.channel, had.merchant, day, version)
    content = had.content if isinstance(had, fetched.RawBill) else b""
    parts = [content[i : i + PART_BYTES] for i in range(0, len(content), PART_BYTES)]
    for place, part in enumerate(parts):
        tx.run(statements.BILL_PART_INSERT, bill=key, part=place, content=part)
    tx.run(
        statements.BILL_INSERT,
        key=key,
        shop=names.shop(shop),
        channel=names.exact(had.channel, tables.WORD_LENGTH, "channel"),
        merchant=names.exact(had.merchant, tables.SHOP_LENGTH, "merchant number"),
        day=day,
        version=version,
        kept_at=names.ticks(at),
        name=names.fit(had.name) if isinstance(had, fetched.RawBill) else None,
        sha1=had.sha1 if isinstance(had, fetched.RawBill) else None,
        parts=len(parts),
        digest=_seal(had),
    )
    tx.entries.extend(leaves)
    return True


def _bill(tx: statements.Tx, shop: ids.ShopName, channel: ids.ChannelName, merchant: str, day: date) -> fetched.Had | None:
    row = tx.one(statements.BILL_FIND, w_shop=shop, w_channel=channel, w_merchant=merchant, w_day=bill.day_number(day))
    if row is None or row[5] == SET_ASIDE:
        return None
    content = _content(tx, row)
    if content is None:
        raise accounts.Altered(f"the bill of {channel} of {day}", channel)
    if row[2] is None:
        return fetched.NoBill(channel=channel, merchant=merchant, day=day)
    return fetched.RawBill(channel=channel, merchant=merchant, day=day, name=row[2], content=content, sha1=row[3])


def _content(tx: statements.Tx, row: statements.Row) -> bytes | None:
    """The bill's bytes; None where they, or what is said of them, are not what was stored."""
    key, _, name, sha1, parts, digest, channel, merchant, day = row
    found = tx.all(statements.BILL_PARTS, w_bill=key)
    content = b"".join(names.raw(part) for _, part in found)
    had: fetched.Had
    if name is None:
        had = fetched.NoBill(channel=channel, merchant=merchant, day=bill.date_of(day))
    else:
        had = fetched.RawBill(channel=channel, merchant=merchant, day=bill.date_of(day), name=name, content=content, sha1=sha1)
    return content if len(found) == parts and _seal(had) == digest else None


def _set_aside(tx: statements.Tx, shop: ids.ShopName, channel: ids.ChannelName) -> None:
    """Each bill of the channel that does not fit its digest is followed by the word that it is none: it may be fetched anew."""
    latest = {(row[7], row[8]): row for row in tx.all(statements.BILLS_OF, w_shop=shop, w_channel=channel)}
    for (merchant, day), row in latest.items():
        if row[5] == SET_ASIDE or _content(tx, row) is not None:
            continue
        tx.run(
            statements.BILL_INSERT,
            key=ids.derive("bill", shop, channel, merchant, day, row[1] + 1),
            shop=shop,
            channel=channel,
            merchant=merchant,
            day=day,
            version=row[1] + 1,
            kept_at=0,
            name=None,
            sha1=None,
            parts=0,
            digest=SET_ASIDE,
        )


def _put_aside(tx: statements.Tx, shop: ids.ShopName, channel: ids.ChannelName, at: datetime) -> frozenset[int]:
    """Differences that were altered, or that have a move that was, keep their rows under another id. Their days, to be closed anew."""
    days = set()
    for of, day, body, digest in tx.all(statements.DIFFERENCES_ALL, w_shop=shop, w_channel=channel):
        try:
            _followed(tx, (of, channel, body, digest))
        except accounts.Altered:
            aside = ids.derive("set-aside", of, at)
            tx.run(statements.DIFFERENCE_ASIDE, w_id=of, aside=aside)
            tx.run(statements.MOVES_ASIDE, w_difference=of, aside=aside)
            days.add(day)
    return frozenset(days)


def _seal(had: fetched.Had) -> str:
    """Of the bytes and of everything that is said of them."""
    if isinstance(had, fetched.NoBill):
        return codec.digest(had)
    return codec.digest([had.channel, had.merchant, had.day, had.name, had.sha1, had.digest()])


def _keep(tx: statements.Tx, one: difference.Difference, leaf: tuple[bytes, bytes]) -> bool:
    if tx.one(statements.DIFFERENCE_FIND, w_id=one.id) is not None:
        return False
    body = codec.canonical(one)
    tx.run(
        statements.DIFFERENCE_INSERT,
        id=one.id,
        shop=names.shop(one.order.shop),
        number=names.number(one.order.number),
        channel=names.exact(one.channel, tables.WORD_LENGTH, "channel"),
        day=one.day,
        over=0,
        body=body,
        digest=codec.digest_bytes(body),
    )
    tx.entries.append(leaf)
    return True


def _add(tx: statements.Tx, of: ids.Key, move: difference.Move, leaves: Sequence[tuple[bytes, bytes]]) -> difference.Followed:
    known = _find(tx, of)
    if known is None:
        raise faults.Rejected(f"there is no difference {of}", code="no-difference")
    if any(_same(move, m) for m in known.moves):
        return known
    if known.end() is not None:
        raise faults.Rejected(f"difference {of} is over", code="difference-over")
    if isinstance(move, difference.Decided):
        standing = known.decided(move.at)
        if standing is not None:
            raise faults.Rejected(f"{standing.by} has decided: {standing.choice.value}", code="decided-otherwise")
    body = codec.canonical(move)
    tx.run(statements.MOVE_INSERT, difference=of, seq=len(known.moves), body=body, digest=codec.digest_bytes(body))
    after = known.after(move)
    if after.end() is not None:
        tx.run(statements.DIFFERENCE_OVER, w_id=of, over=1)
    tx.entries.extend(leaves)
    return after


def _same(one: difference.Move, other: difference.Move) -> bool:
    """Whether to add `one` beside `other` would be to do it twice, whoever does it and when."""
    match one, other:
        case difference.Decided(said=mine), difference.Decided(said=theirs):
            # To wait once more after a wait is over is a new decision.
            return mine.choice is theirs.choice and (theirs.until is None or mine.at < theirs.until)
        case difference.Booked(), difference.Booked():
            return True
        case difference.Aged(), difference.Aged():
            return True
        case _:
            return False


def _find(tx: statements.Tx, of: ids.Key) -> difference.Followed | None:
    row = tx.one(statements.DIFFERENCE_FIND, w_id=of)
    return None if row is None else _followed(tx, row)


def _followed(tx: statements.Tx, row: statements.Row) -> difference.Followed:
    of, channel, body, digest = row
    if codec.digest_bytes(names.raw(body)) != digest:
        raise accounts.Altered(f"difference {of}", ids.ChannelName(channel))
    moves: list[difference.Move] = []
    for seq, told, sealed in tx.all(statements.MOVES_OF, w_difference=of):
        if codec.digest_bytes(names.raw(told)) != sealed or seq != len(moves):
            raise accounts.Altered(f"move {seq} of difference {of}", ids.ChannelName(channel))
        moves.append(_MOVES.decode(names.raw(told)))
    return difference.Followed(found=codec.decode(names.raw(body), difference.Difference), moves=tuple(moves))
