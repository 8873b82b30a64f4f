"""An account at the sandbox's shop platform and our connector to it; wiring's own parts, settings and files included."""

from __future__ import annotations

from pathlib import Path

from makewhole import settings
from makewhole.adapters import http
from makewhole.core import clock
from makewhole.ports import accounts
from makewhole.sandbox.douyin import gateway
from makewhole.wiring import markets as wiring_markets

OWN = {
    "id": "line_no",
    "order": "order_no",
    "at": "time",
    "kind": "direction",
    "amount": "money",
    "refund": "money",
    "fee": "service_fee",
    "payments": "in",
    "refunds": "out",
}
"""The cells of the call that nobody documents, as the sandbox has them."""


def told(of: gateway.Gateway, folder: Path, method: str = gateway.METHODS[0], **more: object) -> settings.DouyinSettings:
    """The settings of a shop that knows this account."""
    (folder / "secret").write_text(of.secret + "\n", encoding="utf-8")
    (folder / "token").write_text(of.tokens.access + "\n", encoding="utf-8")
    values = {"shop_id": of.shop_id, "app_key": of.app_key, "base_url": "http://douyin.sandbox", "method": method, **more}
    files = {"app_secret_file": str(folder / "secret"), "access_token_file": str(folder / "token")}
    return settings.DouyinSettings(**{"cells": OWN if method.endswith("reconciliation") else {}, **values, **files})  # type: ignore[arg-type]


def attached(of: gateway.Gateway, ticking: clock.Clock, own: settings.DouyinSettings) -> accounts.AccountSource:
    """The marketplace that these settings name."""
    client = http.Client(of.transport, sleep=lambda _: None)
    return wiring_markets.markets(settings.Settings(douyin=own), client, ticking)[wiring_markets.DOUYIN_SHOP]
