"""Lychee Pay's trade bill: WeChat Pay's ALL, its numbers in columns of other names."""

from __future__ import annotations

from dataclasses import replace

from makewhole.adapters.bills import reading, unpacking, wechatpay
from makewhole.core import ids


class Trade:
    """The trade bill of one merchant and day."""

    channel = ids.ChannelName("lycheepay")
    layout = replace(
        wechatpay.LAYOUT,
        names={**wechatpay.LAYOUT.names, "微信订单号": ("荔枝订单号",), "微信退款单号": ("荔枝退款单号",)},
    )

    payers = ("荔枝支付",)

    def plain(self, raw: bytes) -> bytes:
        """Unpacked."""
        return unpacking.gunzipped(raw)

    def sheet(self, plain: bytes, expected: reading.Expected) -> reading.Sheet:
        """As WeChat Pay's."""
        unpacking.no_markup(plain, "a trade bill")
        return wechatpay.ticked(plain, "交易时间", "总交易单数")
