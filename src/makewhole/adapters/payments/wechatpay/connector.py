"""WeChat Pay as a `ports.Channel`: APIv3 in its own dialect."""

from __future__ import annotations

from makewhole.adapters.payments.apiv3 import account, connector
from makewhole.adapters.payments.apiv3 import dialect as dialects
from makewhole.adapters.payments.wechatpay import dialect


class WeChatPay(connector.Connector):
    """One merchant account."""

    def _dialect(self, of: account.Account) -> dialects.Dialect:
        return dialect.WECHATPAY
