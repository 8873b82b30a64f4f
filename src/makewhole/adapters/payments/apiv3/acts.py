"""The three things a channel of APIv3 can be asked to do, and how to see whether it did: an act goes in, news come out.

What a repeat does is declared in REPEATS. All three acts carry their own number, and the channel acts once per number; so Saw(False) may
be said at once: a request still under way and its repeat are the same act, whichever lands first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import assert_never
from urllib.parse import quote

from makewhole.adapters.payments.apiv3 import account, claims, conversation, errors, wire
from makewhole.core import clock, faults, ids
from makewhole.model import act, payment, run

REPEATS: Mapping[type[act.Act], str] = {
    act.ClosePayment: "Closing what is closed is answered like the first time, or with ORDER_CLOSED: once closed, however often asked.",
    act.RefundPayment: "The same out_refund_no is the same refund: the second request is answered with the first one's refund. Other "
    "content under that number is refused. A request that lands late finds its number taken, by itself.",
    act.NewPaymentLink: "The same out_trade_no is the same attempt to pay: the second request is answered with a link to it. It can be "
    "paid once. Other content under that number is refused.",
}
CURRENCY = "CNY"
"""The domestic API counts in fen of this currency only."""
REASON = "订单恢复退款"
"""What the buyer reads beside the money that comes back; at most 80 bytes."""

_PAYING = "the buyer is entering a password right now"


class Acts:
    """Carries them out over one conversation. Never retries, remembers nothing."""

    def __init__(
        self,
        talk: conversation.Conversation,
        transaction: Callable[[ids.OutTradeNo], wire.Transaction],
        refund: Callable[[ids.RefundNo], tuple[wire.Refund, bytes]],
        openid_of: Callable[[ids.OutTradeNo], str | None] | None,
    ) -> None:
        self._talk = talk
        self._transaction = transaction
        self._refund = refund
        self._openid_of = openid_of

    def close(self, asked: act.ClosePayment) -> run.News:
        """Close, then query: a number that the channel does not know may be answered like one that it closed."""
        of = self._talk.account
        target = f"{self._talk.speech.transactions}/out-trade-no/{quote(asked.payment, safe='')}/close"
        try:
            self._talk.act(target, {"mchid": of.mchid})
        except faults.Rejected as no:
            if self._talk.speech.meaning(no.code) is not errors.Meaning.CLOSED:
                return _refusal(no)
        match self.look_closed(asked):
            case run.Saw(there=True):
                return run.Succeeded()
            case run.Saw(why=why):
                # It was accepted. What the query shows now may be a replica's past; only a later look can tell.
                return run.Pending(why=f"close was answered, and {why}")
            case other:
                return other

    def look_closed(self, asked: act.ClosePayment) -> run.News:
        """Closed, paid meanwhile (a refusal), or still open."""
        try:
            found = self._transaction(asked.payment)
        except faults.Fault as fault:
            return self._unseen(fault, absent=None)
        except ValueError as wrong:
            return run.Saw(there=None, why=str(wrong))
        match claims.ATTEMPT[found.trade_state]:
            case payment.AttemptState.CLOSED:
                return run.Saw(there=True)
            case payment.AttemptState.PAID | payment.AttemptState.REFUND:
                return run.Refusal(why="it was paid meanwhile", code="ORDERPAID")
            case payment.AttemptState.UNPAID | payment.AttemptState.FAILED:
                return run.Saw(there=False, why="the attempt is still open")
            case payment.AttemptState.PAYING:
                return run.Saw(there=None, why=_PAYING)
            case never:
                assert_never(never)

    def refund(self, asked: act.RefundPayment) -> run.News:
        """Ask for the refund. Accepted is not done: PROCESSING is Pending."""
        of = self._talk.account
        if asked.amount.currency != CURRENCY or asked.paid.currency != CURRENCY:
            return run.Refusal(why=f"the domestic API refunds {CURRENCY} only", code="CURRENCY")
        if not 0 < asked.amount.fen <= asked.paid.fen:
            return run.Refusal(why=f"a refund of {asked.amount} out of {asked.paid}", code="AMOUNT")
        content: dict[str, object] = {
            "transaction_id": asked.transaction,
            "out_refund_no": asked.number,
            "reason": REASON,
            "amount": {"refund": asked.amount.fen, "total": asked.paid.fen, "currency": CURRENCY},
        }
        if self._talk.speech.refunds_name_merchant:
            content["mchid"] = of.mchid
        if of.notify_url:
            content["notify_url"] = of.notify_url
        try:
            raw = self._talk.act(self._talk.speech.refunds, content)
        except faults.Rejected as no:
            return _refusal(no)
        try:
            return self._refunded(wire.parse(raw, wire.Refund), asked)
        except ValueError as wrong:
            raise faults.Indeterminate(f"the answer to a refund cannot be read: {wrong}") from wrong

    def look_refunded(self, asked: act.RefundPayment) -> run.News:
        """Where the refund of this number stands."""
        try:
            found, _ = self._refund(asked.number)
        except faults.Fault as fault:
            return self._unseen(fault, absent=False)
        except ValueError as wrong:
            return run.Saw(there=None, why=str(wrong))
        news = self._refunded(found, asked)
        return run.Saw(there=True) if isinstance(news, run.Succeeded) else news

    def open(self, asked: act.NewPaymentLink) -> run.News:
        """Open an attempt to pay. The link is the news' detail."""
        of = self._talk.account
        if asked.amount.currency != CURRENCY or asked.amount.fen <= 0:
            return run.Refusal(why=f"{self._talk.speech.name} takes {CURRENCY} above zero, not {asked.amount}", code="AMOUNT")
        content: dict[str, object] = {
            "appid": of.appid,
            "mchid": of.mchid,
            "description": of.description,
            "out_trade_no": asked.payment,
            "time_expire": clock.rfc3339(asked.expires_at),
            "notify_url": of.notify_url,
            "amount": {"total": asked.amount.fen, "currency": CURRENCY},
        }
        match of.link:
            case account.LinkKind.JSAPI:
                openid = self._openid_of(asked.payment) if self._openid_of else None
                if not openid:
                    return run.Refusal(why="a jsapi link wants the buyer's openid, and nobody knows it", code="NO_OPENID")
                content["payer"] = {"openid": openid}
            case account.LinkKind.H5:
                content["scene_info"] = {"payer_client_ip": of.payer_client_ip, "h5_info": {"type": "Wap"}}
            case account.LinkKind.NATIVE | account.LinkKind.APP:
                pass
            case never:
                assert_never(never)
        try:
            raw = self._talk.act(f"{self._talk.speech.transactions}/{of.link.value}", content)
        except faults.Rejected as no:
            return _refusal(no)
        try:
            told = wire.parse(raw, wire.Opened)
        except ValueError as wrong:
            raise faults.Indeterminate(f"the answer to a new payment cannot be read: {wrong}") from wrong
        link = told.code_url or told.qr_code or told.h5_url or told.prepay_id
        if not link:
            raise faults.Indeterminate("the answer to a new payment holds no link")
        return run.Succeeded(detail=link)

    def look_open(self, asked: act.NewPaymentLink) -> run.News:
        """An open attempt whose link was lost is as good as none: asking again under the same number brings the link."""
        try:
            found = self._transaction(asked.payment)
        except faults.Fault as fault:
            return self._unseen(fault, absent=False)
        except ValueError as wrong:
            return run.Saw(there=None, why=str(wrong))
        match claims.ATTEMPT[found.trade_state]:
            case payment.AttemptState.UNPAID | payment.AttemptState.FAILED:
                return run.Saw(there=False, why="the attempt may be open, its link is not known")
            case payment.AttemptState.PAID | payment.AttemptState.REFUND:
                return run.Refusal(why="it was paid already", code="ORDERPAID")
            case payment.AttemptState.CLOSED:
                return run.Refusal(why="it was closed already", code="ORDER_CLOSED")
            case payment.AttemptState.PAYING:
                return run.Saw(there=None, why=_PAYING)
            case never:
                assert_never(never)

    def preview(self, asked: act.AnyAct) -> tuple[str, ...]:
        """The call, in a line for people."""
        who = self._talk.speech.name
        match asked:
            case act.ClosePayment(payment=number):
                return (f"{who}: close attempt {number}, then query it",)
            case act.RefundPayment(amount=amount, paid=paid, transaction=transaction, number=number):
                return (f"{who}: refund {amount} of {paid} of transaction {transaction} under number {number}",)
            case act.NewPaymentLink(amount=amount, payment=number, expires_at=until):
                kind = self._talk.account.link.value
                return (f"{who}: open a {kind} payment of {amount} under number {number}, until {clock.rfc3339(until)}",)
            case other:
                raise faults.Defect(f"{who} cannot preview {type(other).__name__}")

    def _refunded(self, found: wire.Refund, asked: act.RefundPayment) -> run.News:
        """What a refund object says of the refund that was asked for."""
        who = self._talk.speech.name
        same = (
            found.out_refund_no == asked.number
            and found.transaction_id == asked.transaction
            and found.out_trade_no == asked.payment
            and (found.amount.refund, found.amount.total, found.amount.currency) == (asked.amount.fen, asked.paid.fen, CURRENCY)
        )
        if not same:
            return run.Refusal(why=f"refund number {asked.number} exists with other content", code="CONTENT_DIFFERS")
        match found.status:
            case wire.RefundStatus.SUCCESS:
                return run.Succeeded(detail=found.refund_id)
            case wire.RefundStatus.PROCESSING:
                return run.Pending(why=f"{who} has accepted the refund and is carrying it out")
            case wire.RefundStatus.CLOSED:
                return run.Refusal(why=f"{who} closed the refund", code="REFUND.CLOSED")
            case wire.RefundStatus.ABNORMAL:
                return run.Refusal(why="the buyer's account could not take the refund: see the merchant platform", code="REFUND.ABNORMAL")
            case never:
                assert_never(never)

    def _unseen(self, fault: faults.Fault, *, absent: bool | None) -> run.News:
        """A look that found nothing. `absent` is what "not found" means for this act. A Defect goes on as it is."""
        match fault:
            case faults.Defect():
                raise fault
            case faults.Rejected(code=code) if self._talk.speech.meaning(code) is errors.Meaning.NOT_FOUND:
                return run.Saw(there=absent, why="the channel says that it knows no such number")
            case faults.Unavailable(code=code) if self._talk.speech.meaning(code) is errors.Meaning.PAYING:
                return run.Saw(there=None, why=_PAYING)
            case _:
                return run.Saw(there=None, why=fault.why)


def _refusal(no: faults.Rejected) -> run.Refusal:
    return run.Refusal(why=no.why, code=no.code or "")
