"""How acts are done in a shop: what a shop file declares goes in, a checked hand comes out, or BadInput that names the key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from makewhole.adapters.shops import language, shards, statements
from makewhole.core import faults
from makewhole.model import act, order
from makewhole.model.order import OrderState

SHOP_ACTS: Mapping[str, type[act.Act]] = {
    str(kind.__struct_config__.tag): kind
    for kind in (
        act.RecordPayment,
        act.AcceptLate,
        act.CloseExpired,
        act.ReopenUnpaid,
        act.CloseUnpaid,
        act.ReissueOrder,
        act.CancelReissue,
        act.RecordRefund,
        act.GiveStockBack,
        act.TakeStockBack,
        act.GiveCouponBack,
        act.PublishLink,
    )
}
_ALWAYS = frozenset({"row", "number", "key", "now", "now_unix_s", "now_unix_ms"})
_PAID = frozenset(
    {"channel", "channel_code", "payment", "transaction", "amount_fen", "amount_yuan", "paid_at", "paid_at_unix_s", "paid_at_unix_ms"}
)
_NEW = frozenset({"new_number", "expires_at", "expires_at_unix_s", "expires_at_unix_ms", "coupon"})
_ITEM = frozenset({"sku", "quantity"})
PARAMETERS: Mapping[str, frozenset[str]] = {
    "record-payment": _PAID,
    "accept-late": _PAID | {"coupon"},
    "close-expired": frozenset({"coupon"}),
    "reopen-unpaid": frozenset(),
    "close-unpaid": frozenset({"coupon"}),
    "reissue-order": _NEW,
    "cancel-reissue": frozenset({"new_number", "coupon"}),
    "record-refund": frozenset({"refund", "amount_fen", "amount_yuan", "full"}),
    "give-stock-back": _ITEM,
    "take-stock-back": _ITEM,
    "give-coupon-back": frozenset({"coupon"}),
    "publish-link": frozenset({"new_number", "channel", "channel_code"}),
}
"""What each act binds, besides what is always bound, `:order_<column>`, and what a statement that is repeated is repeated for."""
_MOVES: Mapping[str, frozenset[OrderState]] = {
    "record-payment": frozenset({OrderState.AWAITING_PAYMENT}),
    "accept-late": order.ENDED_UNPAID,
    "close-expired": order.ENDED_UNPAID,
    "reopen-unpaid": frozenset({OrderState.AWAITING_PAYMENT}),
    "close-unpaid": order.ENDED_UNPAID,
    "cancel-reissue": order.ENDED_UNPAID,
    "record-refund": frozenset({OrderState.REFUNDED}),
    "reissue-order": frozenset(OrderState),
}
"""Acts that move the parts of an order with it, where a part has one of these words: from it, or to it."""


@dataclass(frozen=True, kw_only=True)
class Around:
    """What a hand must fit besides its own words: where the shop's tables are, and which of them holds parts of orders."""

    cuts: Mapping[str, shards.Cut]
    by_buyer: bool
    """Whether the buyer alone decides in which shard an order is."""
    part_words: frozenset[OrderState]
    """What a part's row can say."""
    parts_by: tuple[str, ...] = ()
    """Columns that say whose a part is, in lower case: where parts stand in the table of orders, a statement that asks for them is about
    parts."""


@dataclass(frozen=True, kw_only=True)
class Hand:
    """How one act is done in this shop."""

    name: str
    where: str
    kinds: tuple[language.HandKind, ...]
    done: statements.Statement
    call: language.CallSpec | None
    writes: tuple[statements.Statement, ...]

    def order_columns(self) -> tuple[str, ...]:
        """Columns of the order's row that statements bind as `:order_<column>`."""
        return self._bound("order_")

    def part_columns(self) -> tuple[str, ...]:
        """Columns of a part's row that statements bind as `:part_<column>`."""
        return self._bound("part_")

    def _bound(self, prefix: str) -> tuple[str, ...]:
        told = (p for s in (self.done, *self.writes) for p in sorted(s.parameters() | ({s.when} if s.when else set())))
        return tuple(dict.fromkeys(p.removeprefix(prefix) for p in told if p.startswith(prefix)))


def compiled(name: str, spec: language.HandSpec, file: language.ShopFile, around: Around) -> Hand:
    """The hand of this name. Raises BadInput."""
    where = f"{file.where}: hands.{name}"
    if name not in SHOP_ACTS:
        raise faults.BadInput(f"no act is called {name!r}", where=where, todo=f"Acts are: {', '.join(SHOP_ACTS)}.")
    for kind, there in ((language.HandKind.CALL, spec.call is not None), (language.HandKind.WRITE, bool(spec.write))):
        if (kind in spec.kinds) != there:
            todo = f"Name {kind.value!r} in kinds and declare it below, or neither."
            raise faults.BadInput(f"{kind.value} is either not declared or not named in kinds", where=where, todo=todo)
    if language.HandKind.REPLAY in spec.kinds and name not in {"record-payment", "accept-late"}:
        raise faults.BadInput(f"{name} has no callback to replay", where=f"{where}.kinds", todo="Leave replay out.")
    hand = Hand(
        name=name,
        where=where,
        kinds=spec.kinds,
        done=statements.parse_query(spec.done, file.dialect, f"{where}.done"),
        call=spec.call,
        writes=tuple(statements.parse_write(s, file.dialect, f"{where}.write[{i}]") for i, s in enumerate(spec.write)),
    )
    _check_parameters(hand)
    _check_suborders(hand, around)
    elsewhere = "new_number" in PARAMETERS[name]
    shards.check(around.cuts, (hand.done, *hand.writes), elsewhere=elsewhere, by_buyer=around.by_buyer)
    return hand


def _check_parameters(hand: Hand) -> None:
    given = set(_ALWAYS | PARAMETERS[hand.name])
    for told in (hand.done, *hand.writes):
        each = {"item": _ITEM, "part": {"part"}}.get(told.for_each or "", set())
        there, free = given | each, ("order_", "part_") if told.for_each == "part" else ("order_",)
        wanted = told.parameters() | ({told.when} if told.when else set())
        unknown = sorted(p for p in wanted - there if not p.startswith(free))
        if unknown:
            todo = f"Known here are: {', '.join(sorted(there))}, and {', '.join(f'{p}<column>' for p in free)}."
            raise faults.BadInput(f"no parameter is called {', '.join(unknown)}", where=told.where, todo=todo)
        if told.gives:
            given.add(told.gives)


def _of_parts(told: statements.Statement, around: Around) -> bool:
    """Whether a write of the parts' table is one of parts: where their orders stand in it too, it must ask for parts in so many words."""
    if not around.cuts["order"].same(around.cuts["suborder"]) or told.for_each == "part" or told.rows_as == "parts":
        return True
    return not told.asks().isdisjoint(around.parts_by)


def _check_suborders(hand: Hand, around: Around) -> None:
    """Whether the parts of an order go where it goes. Raises BadInput."""
    parts = around.cuts.get("suborder")
    for told in hand.writes:
        if parts is None and (told.for_each == "part" or told.rows_as == "parts"):
            raise faults.BadInput("this shop's orders have no parts", where=told.where, todo="Map their table as [suborder].")
    if parts is None or not hand.writes:
        return
    if parts.pieces != around.cuts["order"].pieces:
        raise faults.BadInput(
            f"{parts.called} is cut otherwise than the orders: the parts of one cannot be locked with it",
            where=hand.where,
            todo="Leave the hands that write out: what they would do becomes a person's task.",
        )
    moving = [s for s in hand.writes if s.table().lower() == parts.called.lower() and _of_parts(s, around)]
    if not moving and around.part_words & _MOVES.get(hand.name, frozenset()):
        todo = f'Declare a write on {parts.called} beside the others, with for_each = "part" or bound to :row.'
        raise faults.BadInput(f"{hand.name} would move the order and leave its parts as they are", where=hand.where, todo=todo)
    if hand.name == "record-refund" and (wide := next((s for s in moving if s.when != "full"), None)) is not None:
        todo = 'Add when = "full": parts move when all of the order is refunded.'
        raise faults.BadInput("nothing tells which part a partial refund was for", where=wide.where, todo=todo)
