"""Douyin Pay's trade bill.

Its columns are published nowhere that we found. Its API is WeChat Pay's with other names, so its bill is taken for WeChat's ALL until
somebody shows one; a bill that is not so is refused (COLUMNS) and harms nothing.
"""

from __future__ import annotations

from dataclasses import replace

from makewhole.adapters.bills import reading, unpacking, wechatpay
from makewhole.core import ids

LAYOUT = replace(
    wechatpay.LAYOUT,
    names={**wechatpay.LAYOUT.names, "微信订单号": ("抖音支付订单号", "微信订单号"), "微信退款单号": ("抖音支付退款单号", "微信退款单号")},
)


class Trade:
    """The trade bill of one merchant and day."""

    channel = ids.ChannelName("douyinpay")
    layout = LAYOUT

    def plain(self, raw: bytes) -> bytes:
        """Unpacked where it was asked for as gzip."""
        return unpacking.gunzipped(raw)

    def sheet(self, plain: bytes, expected: reading.Expected) -> reading.Sheet:
        """As WeChat Pay's."""
        unpacking.no_markup(plain, "a trade bill")
        return wechatpay.ticked(plain, "交易时间", "总交易单数")
