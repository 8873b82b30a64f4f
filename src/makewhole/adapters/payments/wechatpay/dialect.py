"""How WeChat Pay speaks APIv3: with the type of each signature beside it, probes of its own, and paths that begin with /v3."""

from __future__ import annotations

import msgspec

from makewhole.adapters.payments import strictjson
from makewhole.adapters.payments.apiv3 import dialect, errors, wire
from makewhole.core import clock


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """One platform certificate, sealed."""

    serial_no: str
    effective_time: str
    expire_time: str
    encrypt_certificate: wire.Sealed


class Certificates(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of /v3/certificates."""

    data: tuple[Certificate, ...]


def listed(raw: bytes) -> tuple[dialect.Listed, ...]:
    """The certificates of such an answer. Raises ValueError."""
    return tuple(
        dialect.Listed(
            serial=one.serial_no,
            sealed=one.encrypt_certificate,
            since=clock.parse(one.effective_time),
            until=clock.parse(one.expire_time),
        )
        for one in strictjson.parse(raw, Certificates).data
    )


def bill(_mchid: str, day: str) -> str:
    """All payments and refunds of a day; the signature says whose."""
    return f"/v3/bill/tradebill?bill_date={day}&bill_type=ALL&tar_type=GZIP"


WECHATPAY = dialect.Dialect(
    name="WeChat Pay",
    scheme="WECHATPAY2-SHA256-RSA2048",
    fields=("mchid", "nonce_str", "signature", "timestamp", "serial_no"),
    prefix="Wechatpay",
    typed=True,
    # Sent to see whether the merchant checks at all: they must be refused.
    probe="WECHATPAY/SIGNTEST/",
    transactions="/v3/pay/transactions",
    refunds="/v3/refund/domestic/refunds",
    certificates="/v3/certificates",
    listed=listed,
    bill=bill,
    refunds_name_merchant=False,
    refund_news_name_merchant=True,
    paid_events=("TRANSACTION.",),
    codes=errors.TABLE,
)
