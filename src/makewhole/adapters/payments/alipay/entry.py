"""How Alipay joins: its section of the settings comes in, its connector goes out."""

from __future__ import annotations

from makewhole import ports
from makewhole.adapters.payments import joining
from makewhole.adapters.payments.alipay import answers, section
from makewhole.books import fees
from makewhole.core import ids

NAME = ids.ChannelName("alipay")


def attach(told: section.Section, means: joining.Means) -> ports.Channel:
    """Its connector. Raises BadInput for settings that cannot be meant."""
    from makewhole.adapters.payments.alipay import account, connector

    return connector.Alipay(account.of(told, NAME, means.read), means.client, means.clock)


ENTRY = joining.Entry(
    name=NAME,
    title=("Alipay", "支付宝"),
    section=section.Section,
    attach=attach,
    address=lambda told: told.gateway_url.rpartition("/")[0],
    taken=answers.taken,
    answered=answers.answered,
    rounding=fees.Rounding.FEN,
)
