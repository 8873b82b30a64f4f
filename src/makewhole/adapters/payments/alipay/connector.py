"""Alipay: how its questions are put, and what its answers claim."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import IO

from makewhole.adapters import http
from makewhole.adapters.payments import bill, connecting
from makewhole.adapters.payments.alipay import account, acts, callbacks, claims, conversation, errors, wire
from makewhole.adapters.payments.meanings import Meaning
from makewhole.core import clock, codec, faults, ids
from makewhole.model import payment

_NUMBER = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}", re.ASCII)
"""What out_trade_no and out_request_no may be made of. Anything else cannot exist there."""


class Alipay(connecting.Connector):
    """One merchant account."""

    ABSENCE_IS_EARLY = True

    def __init__(self, of: account.Account, client: http.Client, ticking: clock.Clock) -> None:
        codec.prepare(*wire.NOUNS)
        self._talk = conversation.Conversation(of, client, ticking)
        self._account = of
        self._acts = acts.Acts(self._talk, lambda number: self._trade(number)[0], lambda number, of: self._refund(number, of)[0])

    @property
    def name(self) -> ids.ChannelName:
        return self._account.name

    @property
    def merchant(self) -> str:
        return self._account.seller_id

    def callbacks(self, shop: ids.ShopName) -> callbacks.Callbacks:
        return callbacks.Callbacks(self._account, self._talk.trust, shop)

    def doubt(self) -> str | None:
        return self._talk.doubt("alipay.trade.query", {"out_trade_no": "MWDOCTOR"})

    def believed_until(self) -> datetime | None:
        """When the newest certificate ends that we believe; None in plain-key mode."""
        return self._talk.trust.until()

    def unlisted(self) -> dict[str, int]:
        return dict(self._talk.unlisted)

    def _attempt(self, number: ids.OutTradeNo) -> payment.Attempt:
        """A trade is made when the buyer opens the cashier: an order without one is not unpaid, and may be paid the next moment."""
        found, raw = self._trade(number)
        return claims.attempt(found, self._account, self._now(), raw)

    def _attempt_of(self, transaction: ids.TransactionId) -> payment.Attempt:
        found, raw = self._talk.read("alipay.trade.query", {"trade_no": _known(transaction)}, wire.Trade)
        if found.trade_no != transaction:
            raise ValueError(f"asked for {transaction}, told of {found.trade_no}")
        return claims.attempt(found, self._account, self._now(), raw)

    def _refunded(self, number: ids.RefundNo, of: ids.OutTradeNo) -> payment.ChannelRefund:
        """One that was carried out: of one never received, failed or under way the gateway says the same, and that is nothing."""
        found, raw = self._refund(number, of)
        if found.refund_status != wire.REFUND_SUCCESS:
            raise faults.Rejected("no refund was carried out under this number", code="ACQ.TRADE_NOT_EXIST")
        return claims.refund(found, self._account, self._now(), raw)

    def _bill_at(self, day: date) -> bill.At:
        """A zip, made by about nine the next morning or later. Alipay gives no hash of it; its address lives about half a minute."""
        content = {"bill_type": "trade", "bill_date": day.isoformat()}
        found, _ = self._talk.read("alipay.data.dataservice.bill.downloadurl.query", content, wire.BillAddress)
        return bill.At(url=found.bill_download_url, ending="zip", opens=b"PK")

    def _fetch(self, url: str, into: IO[bytes]) -> None:
        status = self._talk.fetch(url, into)
        if status != 200:
            raise faults.Unavailable(f"no bill under its address: HTTP {status}")

    def _meaning(self, code: str | None) -> Meaning | None:
        return errors.meaning(code)

    def _address(self) -> str:
        return self._account.gateway_url

    def _now(self) -> datetime:
        return self._talk.now()

    def _trade(self, number: ids.OutTradeNo) -> tuple[wire.Trade, bytes]:
        """The channel's trade of a number. Raises faults, and ValueError where the answer speaks of another one."""
        found, raw = self._talk.read("alipay.trade.query", {"out_trade_no": _known(number)}, wire.Trade)
        if found.out_trade_no != number:
            raise ValueError(f"asked for {number}, told of {found.out_trade_no}")
        return found, raw

    def _refund(self, number: ids.RefundNo, of: ids.OutTradeNo) -> tuple[wire.Refund, bytes]:
        """The channel's refund of a number. Raises faults, and ValueError where the answer speaks of another one."""
        content = {"out_trade_no": _known(of), "out_request_no": _known(number), "query_options": ["gmt_refund_pay"]}
        found, raw = self._talk.read("alipay.trade.fastpay.refund.query", content, wire.Refund)
        if found.out_request_no not in {"", number}:
            raise ValueError(f"asked for {number}, told of {found.out_request_no}")
        return found, raw


def _known(number: str) -> str:
    """A number that may exist there. Raises Rejected, as the channel would say it, for one that cannot."""
    if not _NUMBER.fullmatch(number):
        raise faults.Rejected(f"Alipay has no numbers like {number[:40]!r}", code="ACQ.TRADE_NOT_EXIST")
    return number
