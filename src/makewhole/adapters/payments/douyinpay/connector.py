"""Douyin Pay as a `ports.Channel`: APIv3 in its own dialect."""

from __future__ import annotations

from collections.abc import Callable

from makewhole.adapters import http
from makewhole.adapters.payments.apiv3 import connector, conversation
from makewhole.adapters.payments.douyinpay import account, dialect
from makewhole.core import clock, ids


class DouyinPay(connector.Connector):
    """One merchant account."""

    def __init__(
        self,
        of: account.Account,
        client: http.Client,
        ticking: clock.Clock,
        *,
        nonce: Callable[[], str] = conversation.fresh_nonce,
        openid_of: Callable[[ids.OutTradeNo], str | None] | None = None,
    ) -> None:
        super().__init__(dialect.of(of), of, client, ticking, nonce=nonce, openid_of=openid_of)
