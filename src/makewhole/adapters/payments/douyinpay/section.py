"""`[douyinpay]`: the settings of one merchant account at Douyin Pay."""

from __future__ import annotations

from makewhole.adapters.payments.apiv3 import section


class Section(section.Section, frozen=True, kw_only=True):
    """A direct merchant with RSA keys. The key of the interface is called 接口加密密钥; callbacks go to https addresses without a query."""

    base_url: str = "https://api.douyinpay.com"
    codes: dict[str, str] = {}  # noqa: RUF012 - each value has one of its own
    """Error codes that our table lacks or has wrong, each with what it says: not-found, refused, busy, …"""
