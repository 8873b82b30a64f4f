"""A payment channel as a `ports.Channel`: what every connector does alike, over what each says for itself. Remembers nothing durable."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from functools import partial
from typing import IO

from makewhole import ports
from makewhole.adapters.payments import acting, bill, hearing, meanings
from makewhole.core import faults, ids
from makewhole.model import act, claim, dossier, payment, plan, run


class Connector(abc.ABC):
    """One merchant account at one channel."""

    ABSENCE_IS_EARLY = False
    """Whether the channel says "no such bill" of one that is not made yet, too."""
    _acts: acting.Acts

    # Asking

    def ask(self, numbers: Sequence[ids.OutTradeNo]) -> ports.Heard:
        """An Attempt or a silence for each number; one that fails does not silence the others. Raises only Defect.

        "No such number" is a silence, and never unpaid.
        """
        return self._heard(claim.About.PAYMENT, [(number, partial(self._attempt, number)) for number in numbers])

    def ask_transaction(self, transaction: ids.TransactionId) -> ports.Heard:
        """What the channel says of one of its own numbers: a bill's row leads to its order this way."""
        return self._heard(claim.About.PAYMENT, [(transaction, partial(self._attempt_of, transaction))])

    def ask_refunds(self, numbers: Sequence[tuple[ids.RefundNo, ids.OutTradeNo]]) -> ports.Heard:
        """A ChannelRefund or a silence for each refund number. Raises only Defect."""
        return self._heard(claim.About.REFUND, [(number, partial(self._refunded, number, of)) for number, of in numbers])

    def fetch_bill(self, day: date) -> bill.Fetched:
        """The trade bill of a Beijing day, packed as it came; NotMade until the next morning.

        Raises Unavailable where it cannot be had now or is not what the channel says that it is; Rejected for a day that it does not keep.
        """
        channel, merchant = self.name, self.merchant
        try:
            at = self._bill_at(day)
        except faults.Rejected as no:
            if self._meaning(no.code) is not meanings.Meaning.NO_BILL:
                raise
            if self.ABSENCE_IS_EARLY and not bill.absence_tells(day, self._now()):
                return bill.NotMade(channel=channel, merchant=merchant, day=day, why=no.why)
            return bill.NoBill(channel=channel, merchant=merchant, day=day)
        except faults.Unavailable as waiting:
            if self._meaning(waiting.code) is not meanings.Meaning.NOT_MADE:
                raise
            return bill.NotMade(channel=channel, merchant=merchant, day=day, why=waiting.why)
        except ValueError as wrong:
            raise faults.Unavailable(f"the answer to the question for a bill cannot be read: {wrong}") from wrong
        bill.safe(at.url, self._address())
        with bill.landing() as file:
            self._fetch(at.url, file)
            content = bill.whole(file, at)
        name = f"{channel}-{merchant}-{day}.{at.ending}"
        return bill.RawBill(channel=channel, merchant=merchant, day=day, name=name, content=content, sha1=at.sha1)

    # Acting

    def do(self, order: ids.OrderKey, step: plan.Step, now: datetime) -> run.News:
        """Act once; never retries by itself."""
        match step.act:
            case act.ClosePayment() as close:
                return self._acts.close(close)
            case act.RefundPayment() as refund:
                return self._acts.refund(refund)
            case act.NewPaymentLink() as link:
                return self._acts.open(link)
            case other:
                raise faults.Defect(f"a payment channel cannot {type(other).__name__}")

    def look(self, order: ids.OrderKey, step: plan.Step, now: datetime) -> run.News:
        """Whether the act took effect. The connector's `Acts.REPEATS` says why Saw(False) may be said at once."""
        match step.act:
            case act.ClosePayment() as close:
                return self._acts.look_closed(close)
            case act.RefundPayment() as refund:
                return self._acts.look_refunded(refund)
            case act.NewPaymentLink() as link:
                return self._acts.look_open(link)
            case other:
                raise faults.Defect(f"a payment channel cannot look for {type(other).__name__}")

    def preview(self, order: ids.OrderKey, step: plan.Step, now: datetime) -> tuple[str, ...]:
        """The calls that `do` would make."""
        return self._acts.preview(step.act)

    # What each channel says for itself

    @property
    @abc.abstractmethod
    def name(self) -> ids.ChannelName:
        """As in claims and acts."""

    @property
    @abc.abstractmethod
    def merchant(self) -> str:
        """Our number there, as bills name it."""

    @abc.abstractmethod
    def callbacks(self, shop: ids.ShopName) -> ports.NoticeReader:
        """The reader of this account's callbacks; shares our certificates."""

    @abc.abstractmethod
    def doubt(self) -> str | None:
        """Why an answer of just now cannot be believed; empty where it can, None where it is not signed. Raises Unavailable."""

    @abc.abstractmethod
    def believed_until(self) -> datetime | None:
        """When the newest certificate ends that we know; None where a key has no end, and before any was needed."""

    @abc.abstractmethod
    def unlisted(self) -> dict[str, int]:
        """Error codes that came and are not documented, with how often: for the doctor to show."""

    @abc.abstractmethod
    def _attempt(self, number: ids.OutTradeNo) -> payment.Attempt:
        """What the channel says of a number. Raises faults, and ValueError where the answer speaks of another one."""

    @abc.abstractmethod
    def _attempt_of(self, transaction: ids.TransactionId) -> payment.Attempt:
        """The same by the channel's own number."""

    @abc.abstractmethod
    def _refunded(self, number: ids.RefundNo, of: ids.OutTradeNo) -> payment.ChannelRefund:
        """What the channel says of a refund. Raises as `_attempt` does."""

    @abc.abstractmethod
    def _bill_at(self, day: date) -> bill.At:
        """Where the day's bill lies. Raises faults, and ValueError for an answer that cannot be read."""

    @abc.abstractmethod
    def _fetch(self, url: str, into: IO[bytes]) -> None:
        """The file under an address. Raises faults."""

    @abc.abstractmethod
    def _meaning(self, code: str | None) -> meanings.Meaning | None:
        """What a code says."""

    @abc.abstractmethod
    def _address(self) -> str:
        """The channel's own."""

    @abc.abstractmethod
    def _now(self) -> datetime:
        """Our clock."""

    def _heard(self, about: claim.About, questions: Iterable[tuple[str, Callable[[], dossier.AnyClaim]]]) -> ports.Heard:
        told: list[dossier.AnyClaim] = []
        asked = hearing.Hearing(self.name, about, lambda code: self._meaning(code) is meanings.Meaning.NOT_FOUND)
        for number, question in questions:
            with asked.of(number):
                told.append(question())
        return tuple(told), tuple(asked.silent)
