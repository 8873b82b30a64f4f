"""A channel of APIv3 as a `ports.Channel`: our questions and acts go in, claims, silences and news come out. Remembers nothing durable."""

from __future__ import annotations

import abc
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from urllib.parse import quote

from makewhole import ports
from makewhole.adapters import http
from makewhole.adapters.payments import bill, doing, hearing
from makewhole.adapters.payments.apiv3 import account, acts, callbacks, claims, conversation, dialect, errors, wire
from makewhole.core import clock, codec, faults, ids
from makewhole.model import claim, dossier, payment

_NUMBER = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}", re.ASCII)
"""What out_trade_no (32) and out_refund_no (64) may be made of. Anything else cannot exist there and must not reach a path."""


class Connector(doing.Doing, abc.ABC):
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
        codec.prepare(wire.Transaction, wire.Refund, wire.RefundNews, wire.Envelope, wire.Opened, wire.Problem)
        speech = self._dialect(of)
        self._talk = conversation.Conversation(speech, of, client, ticking, nonce)
        self._speech, self._account = speech, of
        self._acts = acts.Acts(self._talk, self.transaction, self.refund, openid_of)

    @abc.abstractmethod
    def _dialect(self, of: account.Account) -> dialect.Dialect:
        """How this channel speaks with this merchant."""

    @property
    def name(self) -> ids.ChannelName:
        """As in claims and acts."""
        return self._account.name

    @property
    def merchant(self) -> str:
        """Our number there, as bills name it."""
        return self._account.mchid

    def ask(self, numbers: Sequence[ids.OutTradeNo]) -> ports.Heard:
        """An Attempt or a silence for each number; one that fails does not silence the others. Raises only Defect."""
        told: list[dossier.AnyClaim] = []
        asked = self._hearing(claim.About.PAYMENT)
        for number in numbers:
            with asked.of(number):
                told.append(self._attempt(number))
        return tuple(told), tuple(asked.silent)

    def ask_transaction(self, transaction: ids.TransactionId) -> ports.Heard:
        """What the channel says of one of its own numbers: a bill's row leads to its order this way."""
        told: list[dossier.AnyClaim] = []
        asked = self._hearing(claim.About.PAYMENT)
        with asked.of(transaction):
            raw = self._talk.read(f"{self._speech.transactions}/id/{self._segment(transaction)}?mchid={self._account.mchid}")
            found = wire.parse(raw, wire.Transaction)
            if found.transaction_id != transaction:
                raise ValueError(f"asked for {transaction}, told of {found.transaction_id}")
            told.append(claims.attempt(found, self._account, self._talk.now(), raw))
        return tuple(told), tuple(asked.silent)

    def ask_refunds(self, numbers: Sequence[tuple[ids.RefundNo, ids.OutTradeNo]]) -> ports.Heard:
        """A ChannelRefund or a silence for each refund number. Raises only Defect."""
        told: list[dossier.AnyClaim] = []
        asked = self._hearing(claim.About.REFUND)
        for number, _ in numbers:
            with asked.of(number):
                found, raw = self.refund(number)
                told.append(claims.refund(found, self._account, self._talk.now(), raw))
        return tuple(told), tuple(asked.silent)

    def callbacks(self, shop: ids.ShopName) -> callbacks.Callbacks:
        """The reader of this account's callbacks; shares our certificates."""
        return callbacks.Callbacks(self._account, self._talk, shop)

    def fetch_bill(self, day: date) -> bill.Fetched:
        """The trade bill of a Beijing day, packed with gzip, as it came and as its hash wants it.

        NotMade until about ten the next morning. Raises Unavailable where it cannot be had now or is not what its hash was made of;
        Rejected for a day that the channel does not keep.
        """
        of = self._account
        try:
            raw = self._talk.read(self._speech.bill(of.mchid, day.isoformat()))
            told = wire.parse(raw, wire.BillAddress)
        except faults.Rejected as no:
            if errors.spelled(no.code) != "NOSTATEMENTEXIST":
                raise
            return bill.NoBill(channel=self.name, merchant=of.mchid, day=day)
        except faults.Unavailable as waiting:
            if errors.spelled(waiting.code) != "STATEMENTCREATING":
                raise
            return bill.NotMade(channel=self.name, merchant=of.mchid, day=day, why=waiting.why)
        except ValueError as wrong:
            raise faults.Unavailable(f"the answer to the question for a bill cannot be read: {wrong}") from wrong
        if told.hash_type != "SHA1":
            raise faults.Unavailable(f"the bill's hash is of a kind that we do not know: {told.hash_type[:20]!r}")
        bill.safe(told.download_url, of.base_url)
        with bill.landing() as file:
            self._talk.fetch(told.download_url, file)
            content = bill.whole(file, told.hash_value)
        return bill.RawBill(
            channel=self.name,
            merchant=of.mchid,
            day=day,
            name=f"{self._speech.slug}-{of.mchid}-{day}.csv.gz",
            content=content,
            sha1=told.hash_value.lower(),
        )

    def doubt(self) -> str | None:
        """Why an answer of just now cannot be believed; empty where it can, None where it is not signed. Raises Unavailable."""
        return self._talk.doubt_about(f"{self._speech.transactions}/out-trade-no/MWDOCTOR?mchid={self._account.mchid}")

    def believed_until(self) -> datetime | None:
        """When the newest certificate ends that we know; None in public-key mode, and before any was needed."""
        return self._talk.trust.until()

    def unlisted(self) -> dict[str, int]:
        """Error codes that came and are not documented, with how often: for the doctor to show."""
        return dict(self._talk.unlisted)

    def transaction(self, number: ids.OutTradeNo) -> wire.Transaction:
        """The channel's transaction of a number. Raises faults, and ValueError where the answer speaks of another one."""
        return self._transaction(number)[0]

    def refund(self, number: ids.RefundNo) -> tuple[wire.Refund, bytes]:
        """The channel's refund of a number, and its bytes. Raises faults, and ValueError where the answer speaks of another one."""
        whose = f"?mchid={self._account.mchid}" if self._speech.refunds_name_merchant else ""
        raw = self._talk.read(f"{self._speech.refunds}/{self._segment(number)}{whose}")
        found = wire.parse(raw, wire.Refund)
        if found.out_refund_no != number:
            raise ValueError(f"asked for {number}, told of {found.out_refund_no}")
        return found, raw

    def _attempt(self, number: ids.OutTradeNo) -> payment.Attempt:
        try:
            found, raw = self._transaction(number)
        except faults.Unavailable as waiting:
            if self._speech.meaning(waiting.code) is not errors.Meaning.PAYING:
                raise
            of = self._account
            now = self._talk.now()
            return payment.Attempt(
                source=of.name, as_of=now, channel=of.name, number=number, state=payment.AttemptState.PAYING, merchant=of.mchid
            )
        return claims.attempt(found, self._account, self._talk.now(), raw)

    def _transaction(self, number: ids.OutTradeNo) -> tuple[wire.Transaction, bytes]:
        raw = self._talk.read(f"{self._speech.transactions}/out-trade-no/{self._segment(number)}?mchid={self._account.mchid}")
        found = wire.parse(raw, wire.Transaction)
        if found.out_trade_no != number:
            raise ValueError(f"asked for {number}, told of {found.out_trade_no}")
        return found, raw

    def _hearing(self, about: claim.About) -> hearing.Hearing:
        return hearing.Hearing(self.name, about, lambda code: self._speech.meaning(code) is errors.Meaning.NOT_FOUND)

    def _segment(self, number: str) -> str:
        """A number as part of a path. Raises Rejected, as the channel would say it, for one that cannot exist there."""
        if not _NUMBER.fullmatch(number):
            raise faults.Rejected(f"{self._speech.name} has no numbers like {number[:40]!r}", code="ORDER_NOT_EXIST")
        return quote(number, safe="")
