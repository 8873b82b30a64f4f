"""What a hand's statements bind: a step and the order's row go in, named values come out, spelled as the shop spells them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from makewhole.adapters.shops import language, locks, reads, rows, shopmap, spelling, statements
from makewhole.core import faults, ids, money
from makewhole.model import act, order, plan
from makewhole.model.order import Field

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Each:
    """What a statement may be repeated for: the items that are acted on, and the order's parts."""

    items: tuple[dict[str, object], ...]
    items_rows: int
    """How many lines the order's own rows have."""
    parts: tuple[dict[str, object], ...] = ()

    def over(self, told: statements.Statement) -> tuple[Mapping[str, object], ...]:
        """What the statement binds each time; once, where it is not repeated."""
        return {None: ({},), "item": self.items, "part": self.parts}[told.for_each]

    def rows(self, told: statements.Statement) -> tuple[int, int | None]:
        """How many rows it must touch each time, at least and at most."""
        match told.rows_as:
            case "items":
                return self.items_rows, self.items_rows
            case "parts":
                return len(self.parts), len(self.parts)
            case _:
                return told.rows_min, told.rows_max


def act_name(step: plan.Step) -> str:
    """The act's own word, as shop files spell it."""
    return str(type(step.act).__struct_config__.tag)


def values(
    map_: shopmap.ShopMap,
    key: ids.OrderKey,
    step: plan.Step,
    now: datetime,
    row: object,
    columns: Mapping[str, object],
) -> dict[str, object]:
    """Every parameter of a step. Raises Rejected where the shop has no word for the channel."""
    found: dict[str, object] = {"row": row, "number": key.number, "key": plan.key(key, step), **_instant(map_, "now", now)}
    found |= {f"order_{c}": v for c, v in columns.items()}
    match step.act:
        case act.RecordPayment() as told:
            found |= _paid(map_, told)
        case act.AcceptLate() as told:
            found |= _paid(map_, told) | {"coupon": told.coupon}
        case act.CloseExpired(coupon=coupon) | act.CloseUnpaid(coupon=coupon):
            found |= {"coupon": coupon}
        case act.ReopenUnpaid():
            pass
        case act.ReissueOrder(new_number=number, expires_at=expires, coupon=coupon):
            found |= {"new_number": number, "coupon": coupon, **_instant(map_, "expires_at", expires)}
        case act.CancelReissue(new_number=number, coupon=coupon):
            found |= {"new_number": number, "coupon": coupon}
        case act.RecordRefund(number=refund, amount=amount, full=full):
            found |= {"refund": refund, "full": int(full), **_amount(amount)}
        case act.GiveStockBack(sku=sku, quantity=quantity) | act.TakeStockBack(sku=sku, quantity=quantity):
            found |= {"sku": sku, "quantity": quantity}
        case act.GiveCouponBack(coupon=returned):
            found |= {"coupon": returned}
        case act.PublishLink(new_number=number, channel=channel):
            found |= {"new_number": number, **_channel(map_, channel)}
        case other:
            raise faults.Defect(f"a shop has no hand for {type(other).__name__}")
    return found


def each(step: plan.Step, found: Sequence[reads.Row], parts: Sequence[locks.Part]) -> Each:
    """The act's own items where it names them, else the order's lines; by sku, so that two hands never wait for each other in a ring."""
    match step.act:
        case (
            act.AcceptLate(items=told)
            | act.CloseExpired(items=told)
            | act.CloseUnpaid(items=told)
            | act.ReissueOrder(items=told)
            | act.CancelReissue(items=told)
        ):
            lines = [_line(i) for i in told]
        case _:
            sku, quantity = rows.name(Field.ITEM_SKU), rows.name(Field.ITEM_QUANTITY)
            lines = [{"sku": r[sku], "quantity": r[quantity]} for r in found]
    return Each(
        items=tuple(sorted(lines, key=lambda i: str(i["sku"]))),
        items_rows=len(found),
        parts=tuple({"part": p.key, **{f"part_{c}": v for c, v in p.columns.items()}} for p in parts),
    )


def fill(call: language.CallSpec, told: Mapping[str, object]) -> tuple[str, str, Mapping[str, str]]:
    """Method, path and body of a call with its parameters filled in. Raises Defect for one that is not known."""

    def one(text: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda m: _known(told, m.group(1)), text)

    return call.method, one(call.path), {one(k): one(v) for k, v in call.body.items()}


def span(low: int, high: int | None) -> str:
    """A range of rows in words."""
    return str(low) if low == high else f"{low} or more" if high is None else f"{low} to {high}"


def _known(told: Mapping[str, object], name: str) -> str:
    if name not in told:
        raise faults.Defect(f"no parameter is called {name}")
    return str(told[name])


def _line(item: order.Item) -> dict[str, object]:
    return {"sku": item.sku, "quantity": item.quantity}


def _paid(map_: shopmap.ShopMap, told: act.RecordPayment | act.AcceptLate) -> dict[str, object]:
    return {
        "payment": told.payment,
        "transaction": told.transaction,
        **_channel(map_, told.channel),
        **_amount(told.amount),
        **_instant(map_, "paid_at", told.paid_at),
    }


def _channel(map_: shopmap.ShopMap, channel: ids.ChannelName) -> dict[str, object]:
    column = map_.order.fields.get(Field.ORDER_CHANNEL)
    codes = {} if column is None else column.values
    code = next((c for c, word in codes.items() if word == channel), None)
    if codes and code is None:
        raise faults.Rejected(f"{map_.where} gives no code for payments by {channel}")
    return {"channel": channel, "channel_code": channel if code is None else code}


def _amount(amount: money.Money) -> dict[str, object]:
    sign, whole = ("-" if amount.fen < 0 else ""), abs(amount.fen)
    return {"amount_fen": amount.fen, "amount_yuan": f"{sign}{whole // 100}.{whole % 100:02d}"}


def _instant(map_: shopmap.ShopMap, name: str, instant: datetime) -> dict[str, object]:
    whole = instant.replace(microsecond=0)
    return {
        name: spelling.local(whole, map_.zone),
        f"{name}_unix_s": (whole - _EPOCH) // timedelta(seconds=1),
        f"{name}_unix_ms": (instant - _EPOCH) // timedelta(milliseconds=1),
    }
