"""What a shop's own rows say of an order. The words are ours; `shops/*.toml` says how each shop spells them."""

from __future__ import annotations

import enum
from datetime import datetime

from makewhole.core import codec, ids, money
from makewhole.model import claim


class OrderState(enum.Enum):
    """Where an order stands, in our words."""

    AWAITING_PAYMENT = "awaiting-payment"
    AWAITING_SHIPMENT = "awaiting-shipment"
    PARTLY_SHIPPED = "partly-shipped"
    SHIPPED = "shipped"
    COMPLETED = "completed"
    CLOSED = "closed"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    INVALID = "invalid"


SAYS_PAID = frozenset(
    {
        OrderState.AWAITING_SHIPMENT,
        OrderState.PARTLY_SHIPPED,
        OrderState.SHIPPED,
        OrderState.COMPLETED,
        OrderState.REFUNDING,
        OrderState.REFUNDED,
    }
)
"""States in which the shop believes that money came."""
SAYS_SHIPPED = frozenset({OrderState.SHIPPED, OrderState.COMPLETED})
"""States in which every parcel of the order is on its way or there."""
ENDED_UNPAID = frozenset({OrderState.CLOSED, OrderState.INVALID})
"""States in which the shop expects no money any more."""
REFUND_STATES = frozenset({OrderState.REFUNDING, OrderState.REFUNDED})
LIVE = SAYS_PAID - REFUND_STATES | {OrderState.AWAITING_PAYMENT}
"""States in which the order may hold stock and a coupon."""


class OrderKind(enum.Enum):
    """What kind of goods; some rules differ by it (R15)."""

    NORMAL = "normal"
    VIRTUAL = "virtual"
    FRESH = "fresh"
    PRESALE = "presale"


class Field(enum.Enum):
    """The fields of a shop map: what a shop's rows can speak of."""

    __hash__ = object.__hash__
    """Rows are read field by field, and the enum module's own hash spells the name each time."""

    ORDER_NUMBER = "order.number"
    ORDER_BUYER = "order.buyer"
    ORDER_STATE = "order.state"
    ORDER_AMOUNT_DUE = "order.amount_due"
    ORDER_AMOUNT_PARTS = "order.amount_parts"
    ORDER_AMOUNT_SUBORDERS = "order.amount_suborders"
    ORDER_AMOUNT_PAID = "order.amount_paid"
    ORDER_CREATED_AT = "order.created_at"
    ORDER_PAID_AT = "order.paid_at"
    ORDER_SHIPPED_AT = "order.shipped_at"
    ORDER_COMPLETED_AT = "order.completed_at"
    ORDER_CLOSED_AT = "order.closed_at"
    ORDER_EXPIRES_AT = "order.expires_at"
    ORDER_CHANNEL = "order.channel"
    ORDER_TRANSACTION_ID = "order.transaction_id"
    ORDER_CARRIER = "order.carrier"
    ORDER_TRACKING_NUMBER = "order.tracking_number"
    ORDER_COUPON = "order.coupon"
    ORDER_DELETED = "order.deleted"
    ORDER_TENANT = "order.tenant"
    ORDER_VERSION = "order.version"
    ORDER_KIND = "order.kind"
    SUBORDER_ORDER = "suborder.order"
    SUBORDER_NUMBER = "suborder.number"
    SUBORDER_STATE = "suborder.state"
    SUBORDER_AMOUNT_DUE = "suborder.amount_due"
    SUBORDER_CARRIER = "suborder.carrier"
    SUBORDER_TRACKING_NUMBER = "suborder.tracking_number"
    SUBORDER_SHIPPED_AT = "suborder.shipped_at"
    SUBORDER_COMPLETED_AT = "suborder.completed_at"
    ITEM_ORDER = "item.order"
    ITEM_SKU = "item.sku"
    ITEM_QUANTITY = "item.quantity"
    ITEM_AMOUNT = "item.amount"
    PAYMENT_ORDER = "payment.order"
    PAYMENT_NUMBER = "payment.number"
    PAYMENT_CHANNEL = "payment.channel"
    PAYMENT_TRANSACTION_ID = "payment.transaction_id"
    PAYMENT_AMOUNT = "payment.amount"
    PAYMENT_STATE = "payment.state"
    PAYMENT_AT = "payment.at"
    REFUND_ORDER = "refund.order"
    REFUND_NUMBER = "refund.number"
    REFUND_AMOUNT = "refund.amount"
    REFUND_STATE = "refund.state"
    REFUND_REQUESTED_AT = "refund.requested_at"
    REFUND_DONE_AT = "refund.done_at"
    STOCK_SKU = "stock.sku"
    STOCK_AVAILABLE = "stock.available"
    STOCK_LOCKED = "stock.locked"
    STOCK_PRICE = "stock.price"
    STOCK_MOVE_ORDER = "stock_move.order"
    STOCK_MOVE_SKU = "stock_move.sku"
    STOCK_MOVE_QUANTITY = "stock_move.quantity"
    COUPON_ID = "coupon.id"
    COUPON_ORDER = "coupon.order"
    COUPON_STATE = "coupon.state"
    COUPON_USED_AT = "coupon.used_at"
    HISTORY_ORDER = "history.order"
    HISTORY_AT = "history.at"
    HISTORY_WHO = "history.who"
    HISTORY_FROM = "history.from"
    HISTORY_TO = "history.to"


class Item(codec.Noun, frozen=True, kw_only=True):
    """One line of an order. `order` is the number the line itself carries, where it carries one."""

    sku: ids.Sku
    quantity: int
    amount: money.Money | None = None
    order: ids.OrderNumber | None = None


class Suborder(codec.Noun, frozen=True, kw_only=True):
    """One part of an order that is shipped, refunded and closed by itself. `key` is its row's own, as the shop spells it.

    `state` is None where the map does not know the shop's code; `raw_state` is the code as the shop spells it.
    """

    key: str
    state: OrderState | None
    raw_state: str
    number: str | None = None
    due: money.Money | None = None
    tracking: str | None = None
    carrier: str | None = None
    shipped_at: datetime | None = None
    completed_at: datetime | None = None

    def called(self) -> str:
        """What people call it: its number, or its key where it has none."""
        return self.number or self.key


class Suborders(codec.Noun, frozen=True, kw_only=True):
    """An order's parts beside its own word; `model.suborder` says what follows from them."""

    own: OrderState | None
    """What the order's own row says; None for a code that nobody knows."""
    own_words: tuple[OrderState, ...]
    """What such a row can say at all, by the shop's map."""
    part_words: tuple[OrderState, ...]
    """What a part's row can say at all."""
    due: money.Money
    """What the amounts of the parts should add up to."""
    parts: tuple[Suborder, ...] = ()


class Tried(codec.Noun, frozen=True, kw_only=True):
    """An attempt to pay that the shop's own rows name: under which number, and at which channel where they say so."""

    number: ids.OutTradeNo
    channel: ids.ChannelName | None = None


class OrphanRows(claim.Claim, frozen=True, kw_only=True, tag="orphan-rows"):
    """Lines of an order that does not exist: somebody deleted it, or never wrote it. `order` is what they call it."""

    order: ids.OrderNumber
    items: tuple[Item, ...]


class ShopOrder(claim.Claim, frozen=True, kw_only=True, tag="order"):
    """The order's own row. `version` names what compare-and-set compares with; `speaks_of` what the map covers.

    `state` is None where the map does not know the shop's code; `raw_state` is the code as the shop spells it. Of an order in parts, it
    is what follows from its own word and theirs. `suborders` is None where the map tells of no parts.
    """

    number: ids.OrderNumber
    state: OrderState | None
    raw_state: str
    due: money.Money
    version: str
    speaks_of: tuple[Field, ...]
    created_at: datetime | None = None
    parts: money.Money | None = None
    paid: money.Money | None = None
    paid_at: datetime | None = None
    shipped_at: datetime | None = None
    completed_at: datetime | None = None
    closed_at: datetime | None = None
    expires_at: datetime | None = None
    channel: ids.ChannelName | None = None
    transaction: ids.TransactionId | None = None
    tracking: str | None = None
    carrier: str | None = None
    buyer: str | None = None
    coupon: ids.CouponId | None = None
    deleted: bool = False
    kind: OrderKind = OrderKind.NORMAL
    items: tuple[Item, ...] = ()
    tried: tuple[Tried, ...] = ()
    suborders: Suborders | None = None
    rows: int = 1

    def speaks(self, field: Field) -> bool:
        """Whether the shop's map covers this field; a None in a field it does not cover says nothing."""
        return field in self.speaks_of

    def says_paid(self) -> bool:
        """Whether the shop believes that it has the money."""
        return self.state in SAYS_PAID
