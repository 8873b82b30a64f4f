"""A channel of APIv3: how its questions are put, and what its answers claim."""

from __future__ import annotations

import abc
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import IO
from urllib.parse import quote

from makewhole.adapters import http
from makewhole.adapters.payments import bill, connecting, joining, strictjson
from makewhole.adapters.payments.apiv3 import account, acts, callbacks, claims, conversation, dialect, wire
from makewhole.adapters.payments.meanings import Meaning
from makewhole.core import clock, codec, faults, ids
from makewhole.model import payment

_NUMBER = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}", re.ASCII)
"""What out_trade_no (32) and out_refund_no (64) may be made of. Anything else cannot exist there and must not reach a path."""


class Connector(connecting.Connector):
    """One merchant account."""

    def __init__(
        self,
        of: account.Account,
        client: http.Client,
        ticking: clock.Clock,
        *,
        nonce: Callable[[], str] = joining.fresh_nonce,
        openid_of: Callable[[ids.OutTradeNo], str | None] | None = None,
    ) -> None:
        codec.prepare(wire.Transaction, wire.Refund, wire.RefundNews, wire.Envelope, wire.Opened, wire.Problem, wire.BillAddress)
        speech = self._dialect(of)
        self._talk = conversation.Conversation(speech, of, client, ticking, nonce)
        self._speech, self._account = speech, of
        self._acts = acts.Acts(self._talk, lambda n: self._transaction(n)[0], lambda n: self._refund(n)[0], openid_of)

    @abc.abstractmethod
    def _dialect(self, of: account.Account) -> dialect.Dialect:
        """How this channel speaks with this merchant."""

    @property
    def name(self) -> ids.ChannelName:
        return self._account.name

    @property
    def merchant(self) -> str:
        return self._account.mchid

    def callbacks(self, shop: ids.ShopName) -> callbacks.Callbacks:
        return callbacks.Callbacks(self._account, self._talk, shop)

    def doubt(self) -> str | None:
        return self._talk.doubt_about(f"{self._speech.transactions}/out-trade-no/MWDOCTOR?mchid={self._account.mchid}")

    def believed_until(self) -> datetime | None:
        """When the newest certificate ends that we know; None in public-key mode, and before any was needed."""
        return self._talk.trust.until()

    def unlisted(self) -> dict[str, int]:
        return dict(self._talk.unlisted)

    def _attempt(self, number: ids.OutTradeNo) -> payment.Attempt:
        of = self._account
        try:
            found, raw = self._transaction(number)
        except faults.Unavailable as waiting:
            if self._meaning(waiting.code) is not Meaning.PAYING:
                raise
            paying = payment.AttemptState.PAYING
            return payment.Attempt(source=of.name, as_of=self._now(), channel=of.name, number=number, state=paying, merchant=of.mchid)
        return claims.attempt(found, of, self._now(), raw)

    def _attempt_of(self, transaction: ids.TransactionId) -> payment.Attempt:
        raw = self._talk.read(f"{self._speech.transactions}/id/{self._segment(transaction)}?mchid={self._account.mchid}")
        found = strictjson.parse(raw, wire.Transaction)
        if found.transaction_id != transaction:
            raise ValueError(f"asked for {transaction}, told of {found.transaction_id}")
        return claims.attempt(found, self._account, self._now(), raw)

    def _refunded(self, number: ids.RefundNo, of: ids.OutTradeNo) -> payment.ChannelRefund:
        found, raw = self._refund(number)
        return claims.refund(found, self._account, self._now(), raw)

    def _bill_at(self, day: date) -> bill.At:
        """Made by about ten the next morning."""
        told = strictjson.parse(self._talk.read(self._speech.bill(self._account.mchid, day.isoformat())), wire.BillAddress)
        if told.hash_type != "SHA1":
            raise faults.Unavailable(f"the bill's hash is of a kind that we do not know: {told.hash_type[:20]!r}")
        return bill.At(url=told.download_url, ending="csv.gz", sha1=told.hash_value.lower())

    def _fetch(self, url: str, into: IO[bytes]) -> None:
        self._talk.fetch(url, into)

    def _meaning(self, code: str | None) -> Meaning | None:
        return self._speech.meaning(code)

    def _address(self) -> str:
        return self._account.base_url

    def _now(self) -> datetime:
        return self._talk.now()

    def _transaction(self, number: ids.OutTradeNo) -> tuple[wire.Transaction, bytes]:
        """The channel's transaction of a number, and its bytes. Raises faults, and ValueError where the answer speaks of another one."""
        raw = self._talk.read(f"{self._speech.transactions}/out-trade-no/{self._segment(number)}?mchid={self._account.mchid}")
        found = strictjson.parse(raw, wire.Transaction)
        if found.out_trade_no != number:
            raise ValueError(f"asked for {number}, told of {found.out_trade_no}")
        return found, raw

    def _refund(self, number: ids.RefundNo) -> tuple[wire.Refund, bytes]:
        """The channel's refund of a number, and its bytes. Raises as `_transaction` does."""
        whose = f"?mchid={self._account.mchid}" if self._speech.refunds_name_merchant else ""
        raw = self._talk.read(f"{self._speech.refunds}/{self._segment(number)}{whose}")
        found = strictjson.parse(raw, wire.Refund)
        if found.out_refund_no != number:
            raise ValueError(f"asked for {number}, told of {found.out_refund_no}")
        return found, raw

    def _segment(self, number: str) -> str:
        """A number as part of a path. Raises Rejected, as the channel would say it, for one that cannot exist there."""
        if not _NUMBER.fullmatch(number):
            raise faults.Rejected(f"{self._speech.name} has no numbers like {number[:40]!r}", code="ORDER_NOT_EXIST")
        return quote(number, safe="")
