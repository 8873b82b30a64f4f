"""Rows of a shop go in, claims and silences about its orders come out: what the map understands is said, what it does not is a silence."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from makewhole import ports
from makewhole.adapters.shops import partstates, reads, rows, shopmap
from makewhole.core import ids, money
from makewhole.model import claim, dossier, order, payment, resource, suborder
from makewhole.model.order import Field

Word = TypeVar("Word", bound=enum.Enum)
Claims = list[dossier.AnyClaim]


class Teller:
    """Tells what one shop's rows say."""

    def __init__(self, map_: shopmap.ShopMap, secret: bytes) -> None:
        self._map = map_
        self._speaks = map_.speaks_of()
        self._readers = {name: rows.Reader(t, map_.zone, map_.currency, secret) for name, t in map_.tables.items()}

    def tell(self, numbers: Sequence[ids.OrderNumber], found: reads.Found, now: datetime) -> dict[ids.OrderNumber, ports.Heard]:
        """Claims and silences for each number asked."""
        told = _Batch(self._map, self._readers, self._speaks, found, now)
        return {number: told.one(number) for number in numbers}

    def shop_order(self, number: ids.OrderNumber, row: reads.Row, now: datetime) -> order.ShopOrder | None:
        """The order's own row alone; None where it cannot be understood."""
        try:
            return _Batch(self._map, self._readers, self._speaks, reads.Found(), now).shop_order(number, row, 1)
        except rows.Misread:
            return None


class _Batch:
    """One batch of rows, grouped by the order that they belong to."""

    def __init__(
        self,
        map_: shopmap.ShopMap,
        readers: Mapping[str, rows.Reader],
        speaks: tuple[Field, ...],
        found: reads.Found,
        now: datetime,
    ) -> None:
        self._map, self._readers, self._speaks, self._found, self._now = map_, readers, speaks, found, now
        self._orders = _group(found.orders, "n")
        self._parts = _group(found.parts, "v")
        self._items = _group(found.items, "v")
        self._refunds = _group(found.refunds, "v")
        self._payments = _group(found.payments, "v")
        self._moves = _group(found.moves, "v")
        self._stock = _group(found.stock, "v")
        self._bound = _group(found.bound_coupons, "v")
        self._named = _group(found.named_coupons, "v")
        self._holders = _group(found.holders, "v")
        self._orphans = _group(found.orphans, "n")
        self._again = _group(found.reissued, "n")
        self._owners = {rows.spell(r["k"]): str(r["n"]) for r in found.owners}

    def one(self, number: ids.OrderNumber) -> ports.Heard:
        """What is said of one order."""
        told = self._orders.get(number, [])
        if not told:
            return self._unknown(number)
        row, silences = told[0], []
        claims: Claims = []
        try:
            shop = self.shop_order(number, row, len(told))
        except rows.Misread as wrong:
            return (), (self._silence(claim.About.ORDER, number, claim.Why.NOT_UNDERSTOOD, str(wrong)),)
        if shop.state is None:
            detail = f"state {shop.raw_state}"
            silences.append(self._silence(claim.About.ORDER, number, claim.Why.NOT_UNDERSTOOD, detail))
        claims.append(shop)
        parts: tuple[tuple[claim.About, Callable[[], Claims]], ...] = (
            (claim.About.REFUND, lambda: self._refund_claims(shop, self._of("refund", self._refunds, row))),
            (claim.About.STOCK, lambda: self._stock_claims(shop, self._of("stock_move", self._moves, row))),
            (claim.About.COUPON, lambda: self._coupon_claims(shop, row)),
            (claim.About.ORDER, lambda: self._reissues(number)),
        )
        for about, part in parts:
            try:
                claims += part()
            except rows.Misread as wrong:
                silences.append(self._silence(about, number, claim.Why.NOT_UNDERSTOOD, str(wrong)))
        return tuple(claims), tuple(silences)

    def _reissues(self, number: ids.OrderNumber) -> Claims:
        """What the order lives on as, and what it was written again from."""
        found: Claims = []
        first, again = origin(number), ids.reissued_number(number, 1)
        if first in self._found.origins:
            found.append(resource.ReissuedFrom(source=claim.SHOP, as_of=self._now, order=ids.OrderNumber(first)))
        for row in self._again.get(again, [])[:1]:
            state = _word(order.OrderState, self._map.order.states, row["st"])
            read = self._readers["order"]
            closed, expires = read.instant(row, Field.ORDER_CLOSED_AT), read.instant(row, Field.ORDER_EXPIRES_AT)
            # Where the shop does not say when, it counts as undone: asking a person once too often beats forgetting an order.
            early = closed is None or expires is None or closed < expires
            cancelled = state in order.ENDED_UNPAID and early
            found.append(resource.Reissue(source=claim.SHOP, as_of=self._now, order=again, cancelled=cancelled))
        return found

    def _unknown(self, number: ids.OrderNumber) -> ports.Heard:
        silence = self._silence(claim.About.ORDER, number, claim.Why.NOT_FOUND, "")
        lines = self._orphans.get(number, [])
        if not lines:
            return (), (silence,)
        try:
            items = tuple(self._item(r) for r in lines)
        except rows.Misread as wrong:
            return (), (silence, self._silence(claim.About.ORDER, number, claim.Why.NOT_UNDERSTOOD, str(wrong)))
        return (order.OrphanRows(source=claim.SHOP, as_of=self._now, order=number, items=items),), (silence,)

    def shop_order(self, number: ids.OrderNumber, row: reads.Row, count: int) -> order.ShopOrder:
        """What the order's own row says."""
        read, columns = self._readers["order"], self._map.order.columns()
        due = read.money(row, Field.ORDER_AMOUNT_DUE)
        if due is None:
            raise rows.Misread(Field.ORDER_AMOUNT_DUE, None, "no amount")
        own = _word(order.OrderState, self._map.order.states, row["st"])
        kind = _word(order.OrderKind, self._map.order.kinds, row["kd"])
        raw = {c: row[f"r_{i}"] for i, c in enumerate(columns)}
        version = rows.version(raw, columns, self._raw_parts(row))
        told = self._suborders(row, own, due)
        state = own if told is None else suborder.whole(own, suborder.of(told))
        items = tuple(self._item(r) for r in self._of("item", self._items, row))
        channel, transaction, coupon = (read.text(row, f) for f in (Field.ORDER_CHANNEL, Field.ORDER_TRANSACTION_ID, Field.ORDER_COUPON))
        return order.ShopOrder(
            source=claim.SHOP,
            as_of=self._now,
            raw=version,
            number=number,
            state=state,
            raw_state=_raw_state(self._map.order.states, raw) + ("" if state or own is None else _unknown_parts(told)),
            due=due,
            version=version,
            speaks_of=self._speaks,
            created_at=read.instant(row, Field.ORDER_CREATED_AT),
            parts=read.money(row, Field.ORDER_AMOUNT_PARTS),
            paid=read.money(row, Field.ORDER_AMOUNT_PAID),
            paid_at=read.instant(row, Field.ORDER_PAID_AT),
            shipped_at=read.instant(row, Field.ORDER_SHIPPED_AT),
            completed_at=read.instant(row, Field.ORDER_COMPLETED_AT),
            closed_at=read.instant(row, Field.ORDER_CLOSED_AT),
            expires_at=read.instant(row, Field.ORDER_EXPIRES_AT),
            channel=None if channel is None else ids.ChannelName(channel),
            transaction=None if transaction is None else ids.TransactionId(transaction),
            tracking=read.text(row, Field.ORDER_TRACKING_NUMBER),
            carrier=read.text(row, Field.ORDER_CARRIER),
            buyer=read.text(row, Field.ORDER_BUYER),
            coupon=None if coupon is None else ids.CouponId(coupon),
            deleted=bool(read.whole(row, Field.ORDER_DELETED)),
            kind=kind or order.OrderKind.NORMAL,
            items=items,
            tried=self._tried(row),
            suborders=told,
            rows=count,
        )

    def _raw_parts(self, row: reads.Row) -> list[rows.Raw]:
        """The parts' rows as they stand: compare-and-set compares them as well."""
        return [] if self._map.parts is None else [rows.raw_part(p, self._map.parts) for p in self._of("suborder", self._parts, row)]

    def _suborders(self, row: reads.Row, own: order.OrderState | None, due: money.Money) -> order.Suborders | None:
        """The order's parts, by their keys; None where the map tells of none."""
        if self._map.parts is None:
            return None
        found = [self._suborder(p, self._map.parts) for p in self._of("suborder", self._parts, row)]
        return order.Suborders(
            own=own,
            own_words=partstates.vocabulary(self._map.order.states),
            part_words=partstates.vocabulary(self._map.parts.states),
            due=self._readers["order"].money(row, Field.ORDER_AMOUNT_SUBORDERS) or due,
            parts=tuple(sorted(found, key=lambda p: p.key)),
        )

    def _suborder(self, row: reads.Row, table: shopmap.Table) -> order.Suborder:
        read = self._readers["suborder"]
        raw = {c: row[f"r_{i}"] for i, c in enumerate(table.columns())}
        return order.Suborder(
            key=rows.spell(row["p"]),
            number=read.text(row, Field.SUBORDER_NUMBER),
            state=_word(order.OrderState, table.states, row["st"]),
            raw_state=_raw_state(table.states, raw),
            due=read.money(row, Field.SUBORDER_AMOUNT_DUE),
            tracking=read.text(row, Field.SUBORDER_TRACKING_NUMBER),
            carrier=read.text(row, Field.SUBORDER_CARRIER),
            shipped_at=read.instant(row, Field.SUBORDER_SHIPPED_AT),
            completed_at=read.instant(row, Field.SUBORDER_COMPLETED_AT),
        )

    def _item(self, row: reads.Row) -> order.Item:
        read = self._readers["item"]
        carried = read.text(row, Field.ITEM_ORDER)
        return order.Item(
            sku=ids.Sku(read.text(row, Field.ITEM_SKU) or ""),
            quantity=read.whole(row, Field.ITEM_QUANTITY) or 0,
            amount=read.money(row, Field.ITEM_AMOUNT),
            order=None if carried is None else ids.OrderNumber(carried),
        )

    def _tried(self, row: reads.Row) -> tuple[order.Tried, ...]:
        read, found = self._readers.get("payment"), []
        for r in self._of("payment", self._payments, row):
            number, channel = (read.text(r, f) if read else None for f in (Field.PAYMENT_NUMBER, Field.PAYMENT_CHANNEL))
            if number is not None:
                found.append(order.Tried(number=ids.OutTradeNo(number), channel=None if channel is None else ids.ChannelName(channel)))
        return tuple(sorted(set(found), key=lambda t: (t.number, t.channel or "")))

    def _refund_claims(self, shop: order.ShopOrder, told: Iterable[reads.Row]) -> Claims:
        found: Claims = []
        called = {p.key: p.called() for p in (shop.suborders.parts if shop.suborders is not None else ())}
        for r in told:
            read = self._readers["refund"]
            state, amount = _word(payment.RefundState, self._map.tables["refund"].states, r["st"]), read.money(r, Field.REFUND_AMOUNT)
            number = read.text(r, Field.REFUND_NUMBER)
            if state is None:
                raise self._unknown_code("refund", Field.REFUND_STATE, r)
            if amount is None:
                raise rows.Misread(Field.REFUND_AMOUNT, None, "no amount")
            found.append(
                payment.ShopRefund(
                    source=claim.SHOP,
                    as_of=self._now,
                    number=None if number is None else ids.RefundNo(number),
                    state=state,
                    amount=amount,
                    part=called.get(rows.spell(r["p"]), "") if "p" in r else "",
                    requested_at=read.instant(r, Field.REFUND_REQUESTED_AT),
                    done_at=read.instant(r, Field.REFUND_DONE_AT),
                )
            )
        return found

    def _unknown_code(self, table: str, field: Field, row: reads.Row) -> rows.Misread:
        """The code, as the shop spells it, of a row whose state the map does not know."""
        states = self._map.tables[table].states
        return rows.Misread(field, _raw_state(states, {c: row[f"s_{i}"] for i, c in enumerate(states.columns())}), "not in the map")

    def _stock_claims(self, shop: order.ShopOrder, moves: Iterable[reads.Row]) -> Claims:
        found: Claims = []
        for sku in dict.fromkeys(i.sku for i in shop.items):
            for r in self._stock.get(sku, [])[:1]:
                read = self._readers["stock"]
                left = read.whole(r, Field.STOCK_AVAILABLE)
                if left is not None:
                    price = read.money(r, Field.STOCK_PRICE)
                    found.append(resource.StockLeft(source=claim.SHOP, as_of=self._now, sku=sku, available=left, price=price))
        taken: dict[str, int] = defaultdict(int)
        returned: dict[str, int] = defaultdict(int)
        for r in moves:
            read = self._readers["stock_move"]
            sku, quantity = ids.Sku(read.text(r, Field.STOCK_MOVE_SKU) or ""), read.whole(r, Field.STOCK_MOVE_QUANTITY) or 0
            (taken if _takes(self._map.tables["stock_move"].moves, r, quantity) else returned)[sku] += abs(quantity)
        for moved in sorted({*taken, *returned}):
            tally = resource.StockTally(
                source=claim.SHOP, as_of=self._now, sku=ids.Sku(moved), taken=taken[moved], returned=returned[moved]
            )
            found.append(tally)
        return found

    def _coupon_claims(self, shop: order.ShopOrder, row: reads.Row) -> Claims:
        found: dict[str, resource.CouponUse] = {}
        bound = [(r, shop.number) for r in self._of("coupon", self._bound, row)]
        named = [(r, self._owner(r)) for r in self._named.get(shop.coupon or "", [])]
        for r, owner in [*bound, *named]:
            read = self._readers["coupon"]
            number, state = read.text(r, Field.COUPON_ID), _word(resource.CouponState, self._map.tables["coupon"].states, r["st"])
            if state is None:
                raise self._unknown_code("coupon", Field.COUPON_STATE, r)
            if number is None:
                raise rows.Misread(Field.COUPON_ID, None, "no number")
            holders = sorted({str(h["n"]) for h in self._holders.get(number, [])})
            found.setdefault(
                number,
                resource.CouponUse(
                    source=claim.SHOP,
                    as_of=self._now,
                    coupon=ids.CouponId(number),
                    state=state,
                    order=None if owner is None else ids.OrderNumber(owner),
                    holders=tuple(ids.OrderNumber(h) for h in holders),
                    used_at=read.instant(r, Field.COUPON_USED_AT),
                ),
            )
        return list(found.values())

    def _owner(self, row: reads.Row) -> str | None:
        """The order that a coupon's own row is bound to."""
        if row["l"] is not None:
            return self._owners.get(rows.spell(row["l"]))
        return self._readers["coupon"].text(row, Field.COUPON_ORDER)

    def _of(self, name: str, grouped: Mapping[str, list[reads.Row]], row: reads.Row) -> list[reads.Row]:
        """An order's rows in another table."""
        table = self._map.whose(name)
        if table is None:
            return []
        return grouped.get(rows.spell(row["k"] if table.link is not None else row["n"]), [])

    def _silence(self, about: claim.About, number: str, why: claim.Why, detail: str) -> claim.Silence:
        return claim.Silence(source=claim.SHOP, about=about, number=number, why=why, detail=detail)


def origin(number: str) -> ids.OrderNumber | None:
    """The number that a reissued order was written again from; None for any other, and where a long number had to be shortened."""
    first = ids.OrderNumber(number.removesuffix("R1"))
    return first if first and ids.reissued_number(first, 1) == number else None


def _group(told: Iterable[reads.Row], column: str) -> dict[str, list[reads.Row]]:
    grouped: dict[str, list[reads.Row]] = defaultdict(list)
    for row in told:
        grouped[rows.spell(row[column])].append(row)
    return grouped


def _word(words: type[Word], cases: shopmap.Cases, rung: object) -> Word | None:
    at = int(str(rung))
    return None if at < 0 else words(cases.rungs[at][1])


def _unknown_parts(told: order.Suborders | None) -> str:
    """The codes of parts that the map does not know, as the shop spells them."""
    codes = dict.fromkeys(p.raw_state for p in told.parts if p.state is None) if told else ()
    return f", suborder {'; '.join(codes)}"


def _takes(moves: shopmap.Cases, row: reads.Row, quantity: int) -> bool:
    """Whether a row of the ledger took units: by the map's conditions, or by its sign (less is taken)."""
    if not moves.rungs:
        return quantity < 0
    return _word(shopmap.Move, moves, row["mv"]) is shopmap.Move.TAKEN


def _raw_state(states: shopmap.Cases, raw: Mapping[str, object]) -> str:
    """The code as the shop spells it: the value of one column, or of each."""
    columns = states.columns()
    told = ["NULL" if raw[c] is None else rows.spell(raw[c]) for c in columns]
    return told[0] if len(told) == 1 else ", ".join(f"{c}={v}" for c, v in zip(columns, told, strict=True))
