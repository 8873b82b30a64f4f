"""Alipay as a `ports.Channel`: our questions and acts go in, claims, silences and news come out. Remembers nothing durable."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime

from makewhole import ports
from makewhole.adapters import http
from makewhole.adapters.payments import bill, doing, hearing
from makewhole.adapters.payments.alipay import account, acts, callbacks, claims, conversation, errors, wire
from makewhole.core import clock, faults, ids
from makewhole.model import claim, dossier

_NUMBER = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}", re.ASCII)
"""What out_trade_no and out_request_no may be made of. Anything else cannot exist there."""


class Alipay(doing.Doing):
    """One merchant account."""

    def __init__(self, of: account.Account, client: http.Client, ticking: clock.Clock) -> None:
        self._talk = conversation.Conversation(of, client, ticking)
        self._account = of
        self._acts = acts.Acts(self._talk, lambda number: self._trade(number)[0], lambda number, of: self._refund(number, of)[0])

    @property
    def name(self) -> ids.ChannelName:
        """As in claims and acts."""
        return self._account.name

    @property
    def merchant(self) -> str:
        """Our number there, as bills name it."""
        return self._account.seller_id

    def ask(self, numbers: Sequence[ids.OutTradeNo]) -> ports.Heard:
        """An Attempt or a silence for each number; one that fails does not silence the others. Raises only Defect.

        "No such trade" is a silence: a trade is made when the buyer opens the cashier, so an order without one is not unpaid, it is
        unknown, and its link may be opened and paid the next moment.
        """
        told: list[dossier.AnyClaim] = []
        asked = self._hearing(claim.About.PAYMENT)
        for number in numbers:
            with asked.of(number):
                found, raw = self._trade(number)
                told.append(claims.attempt(found, self._account, self._talk.now(), raw))
        return tuple(told), tuple(asked.silent)

    def ask_transaction(self, transaction: ids.TransactionId) -> ports.Heard:
        """What the channel says of one of its own numbers: a bill's row leads to its order this way."""
        told: list[dossier.AnyClaim] = []
        asked = self._hearing(claim.About.PAYMENT)
        with asked.of(transaction):
            content = {"trade_no": _known(transaction)}
            found, raw = self._talk.read("alipay.trade.query", content, wire.Trade)
            if found.trade_no != transaction:
                raise ValueError(f"asked for {transaction}, told of {found.trade_no}")
            told.append(claims.attempt(found, self._account, self._talk.now(), raw))
        return tuple(told), tuple(asked.silent)

    def ask_refunds(self, numbers: Sequence[tuple[ids.RefundNo, ids.OutTradeNo]]) -> ports.Heard:
        """A ChannelRefund that was carried out, or a silence, for each refund number. Raises only Defect.

        The gateway answers alike for a refund that it never received, one that failed and one under way: nothing is known of it.
        """
        told: list[dossier.AnyClaim] = []
        asked = self._hearing(claim.About.REFUND)
        for number, of in numbers:
            with asked.of(number):
                found, raw = self._refund(number, of)
                if found.refund_status != wire.REFUND_SUCCESS:
                    raise faults.Rejected("no refund was carried out under this number", code="ACQ.TRADE_NOT_EXIST")
                told.append(claims.refund(found, self._account, self._talk.now(), raw))
        return tuple(told), tuple(asked.silent)

    def callbacks(self, shop: ids.ShopName) -> callbacks.Callbacks:
        """The reader of this account's callbacks; shares our certificates."""
        return callbacks.Callbacks(self._account, self._talk.trust, shop)

    def fetch_bill(self, day: date) -> bill.Fetched:
        """The trade bill of a Beijing day: a zip, as it came. Alipay gives no hash of it; its address lives about half a minute.

        NotMade until about nine the next morning, or later. Raises Unavailable where it cannot be had now, Rejected for a day that the
        channel does not keep.
        """
        of = self._account
        try:
            found, _ = self._talk.read(
                "alipay.data.dataservice.bill.downloadurl.query",
                {"bill_type": "trade", "bill_date": day.isoformat()},
                wire.BillAddress,
            )
        except faults.Rejected as no:
            if errors.meaning(no.code) is not errors.Meaning.NO_BILL:
                raise
            # The same word for a day without trade and for a bill that is not made yet.
            if not bill.absence_tells(day, self._talk.now()):
                return bill.NotMade(channel=self.name, merchant=of.seller_id, day=day, why=no.why)
            return bill.NoBill(channel=self.name, merchant=of.seller_id, day=day)
        except ValueError as wrong:
            raise faults.Unavailable(f"the answer to the question for a bill cannot be read: {wrong}") from wrong
        bill.safe(found.bill_download_url, of.gateway_url)
        with bill.landing() as file:
            status = self._talk.fetch(found.bill_download_url, file)
            content = file.read()
        if status != 200 or not content.startswith(b"PK"):
            raise faults.Unavailable(f"no bill under its address: HTTP {status}, {len(content)} bytes that are no zip")
        return bill.RawBill(channel=self.name, merchant=of.seller_id, day=day, name=f"alipay-{of.seller_id}-{day}.zip", content=content)

    def doubt(self) -> str | None:
        """Why an answer of just now cannot be believed; empty where it can, None where it is not signed. Raises Unavailable."""
        return self._talk.doubt("alipay.trade.query", {"out_trade_no": "MWDOCTOR"})

    def believed_until(self) -> datetime | None:
        """When the newest certificate ends that we believe; None in plain-key mode."""
        return self._talk.trust.until()

    def unlisted(self) -> dict[str, int]:
        """Codes that came and are not documented, with how often: for the doctor to show."""
        return dict(self._talk.unlisted)

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

    def _hearing(self, about: claim.About) -> hearing.Hearing:
        return hearing.Hearing(self.name, about, lambda code: errors.meaning(code) is errors.Meaning.NOT_FOUND)


def _known(number: str) -> str:
    """A number that may exist there. Raises Rejected, as the channel would say it, for one that cannot."""
    if not _NUMBER.fullmatch(number):
        raise faults.Rejected(f"Alipay has no numbers like {number[:40]!r}", code="ACQ.TRADE_NOT_EXIST")
    return number
