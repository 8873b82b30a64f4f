"""The sandbox's Douyin Pay: APIv3 with /v1 before its paths, as its own SDKs for Go, Java and Python speak it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from makewhole.sandbox.apiv3 import bills, gateway, objects, speech
from makewhole.sandbox.channel import truth
from makewhole.sandbox.douyinpay import keys

COLUMNS = {"微信订单号": "抖音支付订单号", "微信退款单号": "抖音支付退款单号"}
"""Of a bill. The layout is WeChat Pay's ALL: its own is published nowhere that we found."""


def transaction(found: truth.Transaction) -> dict[str, Any]:
    """As WeChat Pay tells it, but what the merchant attached comes back only once it is paid."""
    told = objects.transaction(found)
    return told if found.paid_at is not None else {name: value for name, value in told.items() if name != "attach"}


SPEECH = speech.Speech(
    keys=keys,
    scheme="DouyinPay-RSA",
    prefix="Douyinpay",
    typed=False,
    probe="",
    public_key_id="",
    algorithm="AEAD-AES-256-GCM",
    transactions=("v1", "trade", "transactions"),
    refunds=("v1", "trade", "refund", "domestic", "refunds"),
    certificates=("v1", "merchant", "certificates", "getPlatformCertificates"),
    # Two clients ask at one path, and one at the other.
    bills=frozenset({("v1", "bill", "billapply"), ("v1", "bill", "tradebill")}),
    download=("v1", "billdownload", "file"),
    # Some clients sign the request for the file, and one does not.
    download_signed=False,
    closed=200,
    out_trade_no=re.compile(r"[0-9A-Za-z_\-*]{6,32}", re.ASCII),
    notify_url=re.compile(r"https://[^?]+"),
    merchant_everywhere=True,
    # Its own clients read one name, another client the other.
    code_urls=lambda end: {"code_url": f"https://qr.douyinpay.com/{end}", "qr_code": f"https://qr.douyinpay.com/{end}"},
    transaction=transaction,
    # "Not open yet", its lists of events say.
    silent=frozenset({"REFUND.ABNORMAL", "REFUND.CLOSED"}),
    # One of its clients opens a certificate without any.
    certificate_data="",
    prefixes={"prepay": "dy", "payment": "2100", "refund": "5030"},
)


@dataclass(frozen=True, kw_only=True)
class Merchant(speech.Merchant):
    """The one account of this sandbox."""

    mchid: str = "6020230307605084"
    appid: str = "awofz9bncda6w2w4"
    apiv3_key: str = keys.APIV3_KEY


class Gateway(gateway.Gateway):
    """One Douyin Pay with one merchant."""

    NAME = "douyinpay"
    speaks: ClassVar[speech.Speech] = SPEECH
    usual: ClassVar[speech.Merchant] = Merchant()
    address: ClassVar[str] = "http://douyinpay.sandbox"

    def _books(self) -> bills.Bills:
        kinds = {"": "ALL", "TRADE": "ALL"}
        return bills.Bills(self.truth, self.clock, self.faults, kinds=kinds, names=COLUMNS, download="/v1/billdownload/file")

    def _listed(self, numbered: list[tuple[str, Mapping[str, str]]]) -> dict[str, Any]:
        return {"certificates": [_listed(serial, sealed) for serial, sealed in numbered]}


def _listed(serial: str, sealed: Mapping[str, str]) -> dict[str, Any]:
    """One certificate. Its seal's text is called `cipher_text` here, and `ciphertext` in a callback."""
    told = {"cipher_text" if name == "ciphertext" else name: value for name, value in sealed.items()}
    lives = {"effective_time": "200101000000", "expire_time": "450101000000"}
    return {"cert_no": serial, "cert_type": "RSA"} | lives | {"encrypt_certificate": told}
