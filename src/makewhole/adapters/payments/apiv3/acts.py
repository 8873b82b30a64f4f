"""The three things a channel of APIv3 can be asked to do, and how to see whether it did: an act goes in, news come out.

What a repeat does is declared in REPEATS. All three acts carry their own number, and the channel acts once per number; so Saw(False) may
be said at once: a request still under way and its repeat are the same act, whichever lands first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import assert_never
from urllib.parse import quote

from makewhole.adapters.payments import acting, meanings, strictjson
from makewhole.adapters.payments.apiv3 import account, claims, conversation, wire
from makewhole.core import clock, faults, ids, money
from makewhole.model import act, payment, run

REPEATS: Mapping[type[act.Act], str] = {
    act.ClosePayment: "Closing what is closed is answered like the first time, or with ORDER_CLOSED: once closed, however often asked.",
    act.RefundPayment: "The same out_refund_no is the same refund: the second request is answered with the first one's refund. Other "
    "content under that number is refused. A request that lands late finds its number taken, by itself.",
    act.NewPaymentLink: "The same out_trade_no is the same attempt to pay: the second request is answered with a link to it. It can be "
    "paid once. Other content under that number is refused.",
}


class Acts(acting.Acts):
    """Over one conversation."""

    REPEATS = REPEATS
    PAID, CLOSED = "ORDERPAID", "ORDER_CLOSED"
    CLOSE_TELLS_LITTLE = frozenset({meanings.Meaning.CLOSED})

    def __init__(
        self,
        talk: conversation.Conversation,
        transaction: Callable[[ids.OutTradeNo], wire.Transaction],
        refund: Callable[[ids.RefundNo], wire.Refund],
        openid_of: Callable[[ids.OutTradeNo], str | None] | None,
    ) -> None:
        self._talk = talk
        self._transaction, self._refund = transaction, refund
        self._openid_of = openid_of

    @property
    def who(self) -> str:
        return self._talk.speech.name

    def look_refunded(self, asked: act.RefundPayment) -> run.News:
        try:
            found = self._refund(asked.number)
        except faults.Fault as fault:
            return self.unseen(fault, absent=False)
        except ValueError as wrong:
            return run.Saw(there=None, why=str(wrong))
        news = self._refunded(found, asked)
        return run.Saw(there=True) if isinstance(news, run.Succeeded) else news

    def _meaning(self, code: str | None) -> meanings.Meaning | None:
        return self._talk.speech.meaning(code)

    def _kind(self) -> str:
        return self._talk.account.link.value

    def _stands(self, number: ids.OutTradeNo) -> payment.AttemptState:
        return claims.ATTEMPT[self._transaction(number).trade_state]

    def _ask_close(self, asked: act.ClosePayment) -> None:
        target = f"{self._talk.speech.transactions}/out-trade-no/{quote(asked.payment, safe='')}/close"
        self._talk.act(target, {"mchid": self._talk.account.mchid})

    def _ask_refund(self, asked: act.RefundPayment) -> run.News:
        """Accepted is not done: PROCESSING is Pending."""
        of = self._talk.account
        content: dict[str, object] = {
            "transaction_id": asked.transaction,
            "out_refund_no": asked.number,
            "reason": acting.REASON,
            "amount": {"refund": asked.amount.fen, "total": asked.paid.fen, "currency": money.CNY},
        }
        if self._talk.speech.refunds_name_merchant:
            content["mchid"] = of.mchid
        if of.notify_url:
            content["notify_url"] = of.notify_url
        raw = self._talk.act(self._talk.speech.refunds, content)
        try:
            return self._refunded(strictjson.parse(raw, wire.Refund), asked)
        except ValueError as wrong:
            raise faults.Indeterminate(f"the answer to a refund cannot be read: {wrong}") from wrong

    def _ask_link(self, asked: act.NewPaymentLink) -> run.News:
        of = self._talk.account
        content: dict[str, object] = {
            "appid": of.appid,
            "mchid": of.mchid,
            "description": of.description,
            "out_trade_no": asked.payment,
            "time_expire": clock.rfc3339(asked.expires_at),
            "notify_url": of.notify_url,
            "amount": {"total": asked.amount.fen, "currency": money.CNY},
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
        raw = self._talk.act(f"{self._talk.speech.transactions}/{of.link.value}", content)
        try:
            told = strictjson.parse(raw, wire.Opened)
        except ValueError as wrong:
            raise faults.Indeterminate(f"the answer to a new payment cannot be read: {wrong}") from wrong
        link = told.code_url or told.qr_code or told.h5_url or told.prepay_id
        if not link:
            raise faults.Indeterminate("the answer to a new payment holds no link")
        return run.Succeeded(detail=link)

    def _refunded(self, found: wire.Refund, asked: act.RefundPayment) -> run.News:
        """What a refund object says of the refund that was asked for."""
        same = (
            found.out_refund_no == asked.number
            and found.transaction_id == asked.transaction
            and found.out_trade_no == asked.payment
            and (found.amount.refund, found.amount.total, found.amount.currency) == (asked.amount.fen, asked.paid.fen, money.CNY)
        )
        if not same:
            return run.Refusal(why=f"refund number {asked.number} exists with other content", code="CONTENT_DIFFERS")
        match found.status:
            case wire.RefundStatus.SUCCESS:
                return run.Succeeded(detail=found.refund_id)
            case wire.RefundStatus.PROCESSING:
                return run.Pending(why=f"{self.who} has accepted the refund and is carrying it out")
            case wire.RefundStatus.CLOSED:
                return run.Refusal(why=f"{self.who} closed the refund", code="REFUND.CLOSED")
            case wire.RefundStatus.ABNORMAL:
                return run.Refusal(why="the buyer's account could not take the refund: see the merchant platform", code="REFUND.ABNORMAL")
            case never:
                assert_never(never)
