"""Douyin Pay as a `ports.Channel`: APIv3 in its own dialect, with the codes that the merchant's settings know better."""

from __future__ import annotations

from makewhole.adapters.payments.apiv3 import account, connector
from makewhole.adapters.payments.apiv3 import dialect as dialects
from makewhole.adapters.payments.douyinpay import dialect


class DouyinPay(connector.Connector):
    """One merchant account."""

    def _dialect(self, of: account.Account) -> dialects.Dialect:
        return dialect.of(of)
