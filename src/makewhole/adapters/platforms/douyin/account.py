"""A shop's account at the platform: settings go in, one frozen value comes out; no secret in its repr."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from makewhole import settings
from makewhole.adapters.platforms.douyin import tokens
from makewhole.core import faults, ids

SETTLED = "order.getSettleBillDetailV3"
"""Settlements: one row for each part of an order whose money was handed over, or taken back after that."""
MOVED = "order.getShopAccountItem"
"""Every movement of the account, settlements among them."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How a call's rows are ours: the names of their cells. Amounts are fen. An empty name is a cell that the call lacks."""

    id: str
    """What no two rows share, with `part`."""
    part: str = ""
    order: str
    at: str
    """Beijing time, YYYY-MM-DD HH:MM:SS."""
    kind: str
    amount: str
    """What the buyer paid."""
    refund: str
    """What went back, in a row of a refund. Its sign is not looked at."""
    fee: str
    """What the platform kept. Several names with commas are added up; signs are not looked at."""
    income: str = ""
    settled: str = ""
    """With `income`: what is left of it after the fees, in every row."""
    merchant: str = ""
    payments: str
    """Values of `kind`, with commas, that say money came."""
    refunds: str
    others: str = ""
    """Values that are about no order's payment (a withdrawal, a deposit); `*` is every other one. Empty: any other value is refused."""

    def cells(self) -> tuple[str, ...]:
        """Every cell that is read, and so kept: what people wrote beside it is not."""
        names = (self.id, self.part, self.order, self.at, self.kind, self.amount, self.refund, self.income, self.settled, self.merchant)
        return tuple(dict.fromkeys(n for n in (*names, *self.fee.split(",")) if n))


_SETTLED = Shape(
    id="request_no",
    part="order_id",
    order="shop_order_id",
    at="settle_time",
    kind="trade_type",
    amount="real_pay_amount",
    refund="real_pay_amount",
    fee="total_outcome",
    income="total_income",
    settled="settle_amount",
    payments="0",
    refunds="1,2,3",
)
_MOVED = Shape(
    id="account_trade_no",
    order="shop_order_id",
    at="bill_time",
    kind="account_bill_desc_tag",
    amount="pay_amount",
    refund="account_amount",
    fee="platform_service_fee,commission,channel_fee,colonel_service_fee,channel_promotion_fee,other_sharing_amount",
    merchant="shop_id",
    payments="3,4",
    refunds="19,23",
    others="*",
)
SHAPES: Mapping[str, Shape] = {SETTLED: _SETTLED, MOVED: _MOVED}
"""The two documented calls."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """Who we are at the platform."""

    name: ids.ChannelName
    shop_id: str
    app_key: str
    app_secret: str = field(repr=False)
    tokens: tokens.TokenFile
    """Where the access token of now stands: it lives for days."""
    base_url: str
    method: str
    shape: Shape


def of(told: settings.DouyinSettings, name: ids.ChannelName, read: Callable[[str, str], bytes]) -> Account:
    """The account of the settings. `read`: a file's content by its path and its setting. Raises BadInput, naming the setting."""
    token = tokens.TokenFile(Path(told.access_token_file))
    try:
        # It is read anew for every question; that it is there at all is told at once.
        token.read()
    except faults.Credentials as missing:
        raise faults.BadInput(missing.why, where=tokens.WHERE, todo="Check the path, its permissions and what is in it.") from missing
    where = "douyin.app_secret_file"
    secret = read(told.app_secret_file, where).decode("utf-8", "replace").strip()
    if not secret:
        raise faults.BadInput("the file is empty", where=where, todo="Copy it from the platform's page of the app.")
    method = told.method.strip("/").replace("/", ".")
    return Account(
        name=name,
        shop_id=told.shop_id,
        app_key=told.app_key,
        app_secret=secret,
        tokens=token,
        base_url=told.base_url.rstrip("/"),
        method=method,
        shape=shape(method, told.cells, "douyin.cells"),
    )


def shape(method: str, told: Mapping[str, str], where: str) -> Shape:
    """A documented call's cells with those that the settings name otherwise; all of them for a call that is not documented.

    Raises BadInput for a word that is none, and for one that is missing.
    """
    known = Shape.__dataclass_fields__
    odd = next((name for name in told if name not in known), None)
    if odd is not None:
        raise faults.BadInput(f"no cell of ours is called {odd!r}", where=where, todo=f"One of: {', '.join(known)}.")
    base = {} if method not in SHAPES else {n: getattr(SHAPES[method], n) for n in known}
    try:
        return Shape(**{**base, **told})
    except TypeError as missing:
        todo = f"Name each of: {', '.join(n for n in known if n not in told)}; or ask {SETTLED}, whose cells are known."
        raise faults.BadInput(f"the cells of {method} are not known", where=where, todo=todo) from missing
