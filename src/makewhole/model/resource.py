"""What an order holds besides money: stock and coupons, as the shop's own rows tell it."""

from __future__ import annotations

import enum
from datetime import datetime

from makewhole.core import ids, money
from makewhole.model import claim


class StockLeft(claim.Claim, frozen=True, kw_only=True, tag="stock-left"):
    """What is for sale of one sku now. It moves with every other order: no plan binds to it, the write checks it again."""

    sku: ids.Sku
    available: int
    price: money.Money | None = None

    def said(self) -> object:
        """The price alone."""
        return ("stock-left", self.sku, None if self.price is None else self.price.fen)


class StockTally(claim.Claim, frozen=True, kw_only=True, tag="stock-tally"):
    """Units of one sku that the shop's stock ledger says this order took and gave back."""

    sku: ids.Sku
    taken: int
    returned: int


class CouponState(enum.Enum):
    """Where a coupon stands."""

    UNUSED = "unused"
    USED = "used"
    EXPIRED = "expired"


class CouponUse(claim.Claim, frozen=True, kw_only=True, tag="coupon"):
    """The coupon that an order names. `order` is the one that the coupon's row is bound to, `holders` the live orders that name it."""

    coupon: ids.CouponId
    state: CouponState
    order: ids.OrderNumber | None = None
    holders: tuple[ids.OrderNumber, ...] = ()
    used_at: datetime | None = None


class Reissue(claim.Claim, frozen=True, kw_only=True, tag="reissue"):
    """The order was written again under a new number (R1). `cancelled`: that one was closed before its time, as an undoing does."""

    order: ids.OrderNumber
    cancelled: bool = False


class ReissuedFrom(claim.Claim, frozen=True, kw_only=True, tag="reissued-from"):
    """The order is itself another one written again: it is not recalled a second time."""

    order: ids.OrderNumber
