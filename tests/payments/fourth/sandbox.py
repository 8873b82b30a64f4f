"""The sandbox's Lychee Pay: one merchant, the wire as its connector expects it, bills with columns of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from makewhole.sandbox.apiv3 import bills, gateway, objects, speech
from makewhole.sandbox.douyinpay import keys

COLUMNS = {"微信订单号": "荔枝订单号", "微信退款单号": "荔枝退款单号"}
SPEECH = speech.Speech(
    keys=keys,
    scheme="LYCHEE-SHA256",
    prefix="Lychee",
    typed=True,
    probe="",
    public_key_id="",
    algorithm="AEAD_AES_256_GCM",
    transactions=("lychee", "payments"),
    refunds=("lychee", "refunds"),
    certificates=("lychee", "certificates"),
    bills=frozenset({("lychee", "bills")}),
    download=("lychee", "billdownload"),
    download_signed=True,
    closed=204,
    out_trade_no=re.compile(r"[0-9A-Za-z_\-*]{1,32}", re.ASCII),
    notify_url=re.compile(r".+"),
    merchant_everywhere=True,
    code_urls=lambda end: {"code_url": f"lychee://{end}"},
    transaction=objects.transaction,
    silent=frozenset(),
    certificate_data="certificate",
    prefixes={"prepay": "ly", "payment": "8800", "refund": "8900"},
)


class Gateway(gateway.Gateway):
    """One Lychee Pay."""

    NAME = "lycheepay"
    speaks: ClassVar[speech.Speech] = SPEECH
    usual: ClassVar[speech.Merchant] = speech.Merchant(mchid="88000001", appid="lychee1", apiv3_key=keys.APIV3_KEY)
    address: ClassVar[str] = "http://lycheepay.sandbox"

    def _books(self) -> bills.Bills:
        return bills.Bills(self.truth, self.clock, self.faults, kinds={"ALL": "ALL"}, names=COLUMNS, download="/lychee/billdownload")

    def _listed(self, numbered: list[tuple[str, Mapping[str, str]]]) -> dict[str, Any]:
        lives = {"effective_time": "2020-01-01T08:00:00+08:00", "expire_time": "2045-01-01T08:00:00+08:00"}
        return {"data": [{"serial_no": serial} | lives | {"encrypt_certificate": sealed} for serial, sealed in numbered]}
