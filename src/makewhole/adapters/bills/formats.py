"""Every format of bill that we read, by its channel: the contract suite goes over all of them."""

from __future__ import annotations

from collections.abc import Mapping

from makewhole.adapters.bills import alipay, douyinpay, reading, wechatpay
from makewhole.core import ids

_ALL: tuple[reading.Format, ...] = (wechatpay.Trade(), alipay.Business(), douyinpay.Trade())
FORMATS: Mapping[ids.ChannelName, reading.Format] = {form.channel: form for form in _ALL}
