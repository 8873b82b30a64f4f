"""How WeChat Pay joins: its section of the settings comes in, its connector goes out."""

from __future__ import annotations

from makewhole import ports
from makewhole.adapters.payments import joining
from makewhole.adapters.payments.wechatpay import section
from makewhole.core import ids

NAME = ids.ChannelName("wechatpay")


def attach(told: section.Section, means: joining.Means) -> ports.Channel:
    """Its connector. Raises BadInput for settings that cannot be meant."""
    from makewhole.adapters.payments.wechatpay import account, connector

    return connector.WeChatPay(account.of(told, NAME, means.read), means.client, means.clock, nonce=means.nonce)


ENTRY = joining.Entry(
    name=NAME,
    title=("WeChat Pay", "微信支付"),
    section=section.Section,
    attach=attach,
    address=lambda told: told.base_url,
    taken=joining.by_status,
    stamp="Wechatpay-Timestamp",
)
