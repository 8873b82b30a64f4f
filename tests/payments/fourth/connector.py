"""Lychee Pay's connector: APIv3 in a dialect that nobody else speaks, its settings, its account and its entry."""

from __future__ import annotations

from dataclasses import replace

from makewhole import ports
from makewhole.adapters.payments import joining
from makewhole.adapters.payments.apiv3 import account, connector, dialect, errors, section
from makewhole.adapters.payments.meanings import Meaning
from makewhole.adapters.payments.wechatpay.dialect import listed
from makewhole.core import ids

NAME = ids.ChannelName("lycheepay")
DIALECT = dialect.Dialect(
    name="Lychee Pay",
    scheme="LYCHEE-SHA256",
    fields=("serial_no", "timestamp", "nonce_str", "mchid", "signature"),
    prefix="Lychee",
    typed=True,
    probe=None,
    transactions="/lychee/payments",
    refunds="/lychee/refunds",
    certificates="/lychee/certificates",
    listed=listed,
    bill=lambda mchid, day: f"/lychee/bills?mchid={mchid}&bill_date={day}&bill_type=ALL&tar_type=GZIP",
    refunds_name_merchant=True,
    refund_news_name_merchant=True,
    paid_events=("TRANSACTION.",),
    codes={**errors.TABLE, "ORCHARDCLOSED": Meaning.BUSY},
)


class Section(section.Section, frozen=True, kw_only=True):
    """One merchant account."""

    base_url: str = "https://api.lycheepay.example"
    orchard: str = ""
    """The branch of the house that an account is kept at; empty: the first. No other channel has anything like it."""


class LycheePay(connector.Connector):
    """One merchant account."""

    def _dialect(self, of: account.Account) -> dialect.Dialect:
        return replace(DIALECT, codes={**DIALECT.codes, **of.codes})


def attach(told: Section, means: joining.Means) -> ports.Channel:
    """Its connector."""
    of = account.Account(**account.told(told, NAME, means.read, todo="Give the key that the orchard issued."))
    return LycheePay(of, means.client, means.clock, nonce=means.nonce)


ENTRY = joining.Entry(
    name=NAME,
    title=("Lychee Pay", "荔枝支付"),
    section=Section,
    attach=attach,
    address=lambda told: told.base_url,
    taken=joining.by_status,
    answered=lambda status, code, message: joining.Said(media_type="text/plain", body=b"ripe" if status == 200 else b"green"),
    stamp="Lychee-Timestamp",
)
