"""The attached marketplaces put together: settings go in, what tells of their account lines comes out."""

from __future__ import annotations

from makewhole import settings
from makewhole.adapters import http
from makewhole.adapters.platforms.douyin import account, connector
from makewhole.core import clock, ids
from makewhole.ports import accounts
from makewhole.wiring import channels as wiring_channels

DOUYIN_SHOP = ids.ChannelName("douyin-shop")


def markets(told: settings.Settings, client: http.Client, ticking: clock.Clock) -> dict[ids.ChannelName, accounts.AccountSource]:
    """The marketplaces whose account lines are compared. Raises BadInput for settings that cannot be meant."""
    if told.douyin is None:
        return {}
    of = account.of(told.douyin, DOUYIN_SHOP, wiring_channels.read_file)
    return {DOUYIN_SHOP: connector.DouyinShop(of, client, ticking)}
