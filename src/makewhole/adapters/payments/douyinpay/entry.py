"""How Douyin Pay joins: its section of the settings comes in, its connector goes out."""

from __future__ import annotations

from makewhole import ports
from makewhole.adapters.payments import joining
from makewhole.adapters.payments.douyinpay import answers, section
from makewhole.core import ids

NAME = ids.ChannelName("douyinpay")


def attach(told: section.Section, means: joining.Means) -> ports.Channel:
    """Its connector. Raises BadInput for settings that cannot be meant."""
    from makewhole.adapters.payments.douyinpay import account, connector

    return connector.DouyinPay(account.of(told, NAME, means.read), means.client, means.clock, nonce=means.nonce)


ENTRY = joining.Entry(
    name=NAME,
    title=("Douyin Pay", "抖音支付"),
    section=section.Section,
    attach=attach,
    address=lambda told: told.base_url,
    taken=answers.taken,
    stamp="Douyinpay-Timestamp",
)
