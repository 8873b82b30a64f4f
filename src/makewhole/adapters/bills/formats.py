"""Every format of bill that we read, by its channel: the contract suite goes over all of them."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from makewhole.adapters.bills import alipay, douyinpay, reading, wechatpay
from makewhole.core import ids
from makewhole.model import bill, fetched

_ALL: tuple[reading.Format, ...] = (wechatpay.Trade(), alipay.Business(), douyinpay.Trade())
FORMATS: Mapping[ids.ChannelName, reading.Format] = {form.channel: form for form in _ALL}


def body(raw: fetched.RawBill) -> bytes:
    """What a bill says: its columns, its lines and their sums, and not when it was exported. Raises Refused."""
    form = FORMATS[raw.channel]
    expected = reading.Expected(day=bill.day_number(raw.day), merchant=raw.merchant)
    sheet = form.sheet(form.plain(raw.content), expected)
    return b"\n".join((",".join(sheet.columns).encode(), repr(sorted(sheet.sums.items())).encode(), bytes(sheet.body)))


def take(connection: duckdb.DuckDBPyConnection, raw: fetched.RawBill) -> int:
    """Put a bill as it was fetched on the desk as their book; the number of its lines. Raises Refused, nothing stored."""
    expected = reading.Expected(day=bill.day_number(raw.day), merchant=raw.merchant, sha1=raw.sha1)
    return reading.read(connection, FORMATS[raw.channel], raw.content, expected)
