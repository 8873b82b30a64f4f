"""The sandbox's WeChat Pay: APIv3 with /v3 before its paths, typed signatures, probes, and a public-key mode."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from makewhole.sandbox.apiv3 import bills, gateway, objects, speech
from makewhole.sandbox.channel.faults import Fault
from makewhole.sandbox.wechatpay import keys

SPEECH = speech.Speech(
    keys=keys,
    scheme="WECHATPAY2-SHA256-RSA2048",
    prefix="Wechatpay",
    typed=True,
    probe="WECHATPAY/SIGNTEST/",
    public_key_id=keys.PUBLIC_KEY_ID,
    algorithm="AEAD_AES_256_GCM",
    transactions=("v3", "pay", "transactions"),
    refunds=("v3", "refund", "domestic", "refunds"),
    certificates=("v3", "certificates"),
    bills=frozenset({("v3", "bill", "tradebill")}),
    download=("v3", "billdownload", "file"),
    download_signed=True,
    closed=204,
    out_trade_no=re.compile(r"[0-9A-Za-z_\-*|@]{1,32}", re.ASCII),
    notify_url=re.compile(r".+", re.DOTALL),
    merchant_everywhere=False,
    code_urls=lambda end: {"code_url": f"weixin://wxpay/bizpayurl?pr={end}zz"},
    transaction=objects.transaction,
    silent=frozenset(),
    certificate_data="certificate",
    prefixes={"prepay": "wx", "payment": "4200", "refund": "5030"},
)


@dataclass(frozen=True, kw_only=True)
class Merchant(speech.Merchant):
    """The one account of this sandbox."""

    mchid: str = "1900000001"
    appid: str = "wxd678efh567hg6787"
    apiv3_key: str = keys.APIV3_KEY


class Gateway(gateway.Gateway):
    """One WeChat Pay with one merchant."""

    NAME = "wechatpay"
    SHOWS = (*gateway.Gateway.SHOWS, Fault.ANSWER_PROBE)
    speaks: ClassVar[speech.Speech] = SPEECH
    usual: ClassVar[speech.Merchant] = Merchant()
    address: ClassVar[str] = "http://wechatpay.sandbox"

    def _books(self) -> bills.Bills:
        kinds = {"": "ALL", "ALL": "ALL", "SUCCESS": "SUCCESS", "REFUND": "REFUND"}
        return bills.Bills(self.truth, self.clock, self.faults, kinds=kinds, download="/v3/billdownload/file")

    def _listed(self, numbered: list[tuple[str, Mapping[str, str]]]) -> dict[str, Any]:
        lives = {"effective_time": "2020-01-01T08:00:00+08:00", "expire_time": "2045-01-01T08:00:00+08:00"}
        return {"data": [{"serial_no": serial} | lives | {"encrypt_certificate": sealed} for serial, sealed in numbered]}
