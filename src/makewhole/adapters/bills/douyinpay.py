"""Douyin Pay's trade bill.

Its columns are published nowhere that we found. Its API is WeChat Pay's with other names, so its bill is taken for WeChat's ALL until
somebody shows one; a bill that is not so is refused (COLUMNS) and harms nothing.
"""

from __future__ import annotations

from dataclasses import replace

from makewhole.adapters.bills import reading, unpacking, wechatpay
from makewhole.core import ids
from makewhole.model.bill import Wrong

# Its own examples have letters before the digits (TP2022…), where WeChat Pay's number is digits.
_NO_ID = "NOT regexp_full_match(\"微信订单号\", '[0-9A-Z]{10,32}')"

LAYOUT = replace(
    wechatpay.LAYOUT,
    checks=(
        *(check for check in wechatpay.LAYOUT.checks if check.wrong is not Wrong.COLUMNS),
        reading.Check(wrong=Wrong.COLUMNS, sql=_NO_ID, says="抖音支付订单号 is none"),
    ),
    names={**wechatpay.LAYOUT.names, "微信订单号": ("抖音支付订单号", "微信订单号"), "微信退款单号": ("抖音支付退款单号", "微信退款单号")},
)


class Trade:
    """The trade bill of one merchant and day."""

    channel = ids.ChannelName("douyinpay")
    layout = LAYOUT
    payers = ("抖音支付", "合众易宝")

    def plain(self, raw: bytes) -> bytes:
        """Unpacked where it was asked for as gzip."""
        return unpacking.gunzipped(raw)

    def sheet(self, plain: bytes, expected: reading.Expected) -> reading.Sheet:
        """As WeChat Pay's."""
        unpacking.no_markup(plain, "a trade bill")
        return wechatpay.ticked(plain, "交易时间", "总交易单数")
