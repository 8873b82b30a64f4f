"""The three things Alipay can be asked to do, and how to see whether it did: an act goes in, news come out.

What a repeat does is declared in REPEATS. All three acts carry their own number, and the channel acts once per number; so Saw(False) may
be said at once: a request still under way and its repeat are the same act, whichever lands first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from makewhole.adapters.payments import acting
from makewhole.adapters.payments.alipay import account, claims, conversation, errors, wire
from makewhole.adapters.payments.meanings import Meaning
from makewhole.core import clock, faults, ids
from makewhole.model import act, payment, run

REPEATS: Mapping[type[act.Act], str] = {
    act.ClosePayment: "Closing what is closed is refused for its state; the query after it shows that it is closed.",
    act.RefundPayment: "The same out_request_no is the same refund: the second request is answered with success and fund_change N, and the "
    "query under that number shows the first one's amount. Another amount under that number is refused.",
    act.NewPaymentLink: "The same out_trade_no is the same attempt to pay, which can be paid once. A code is given out again; an "
    "address or an app's text is signed here again.",
}
_METHODS: Mapping[account.LinkKind, tuple[str, str]] = {
    account.LinkKind.PRECREATE: ("alipay.trade.precreate", "FACE_TO_FACE_PAYMENT"),
    account.LinkKind.PAGE: ("alipay.trade.page.pay", "FAST_INSTANT_TRADE_PAY"),
    account.LinkKind.WAP: ("alipay.trade.wap.pay", "QUICK_WAP_WAY"),
    account.LinkKind.APP: ("alipay.trade.app.pay", "QUICK_MSECURITY_PAY"),
}


class Acts(acting.Acts):
    """Over one conversation."""

    REPEATS = REPEATS
    PAID, CLOSED = "ACQ.TRADE_HAS_SUCCESS", "ACQ.TRADE_HAS_CLOSE"
    # A trade that the buyer never opened cannot be closed, and may still be opened and paid.
    CLOSE_TELLS_LITTLE = frozenset({Meaning.CLOSED, Meaning.STATE, Meaning.PAID, Meaning.NOT_FOUND})
    REFUND_THEN = ", then query it"

    def __init__(
        self,
        talk: conversation.Conversation,
        trade: Callable[[ids.OutTradeNo], wire.Trade],
        refund: Callable[[ids.RefundNo, ids.OutTradeNo], wire.Refund],
    ) -> None:
        self._talk = talk
        self._trade = trade
        self._refund = refund

    @property
    def who(self) -> str:
        return "Alipay"

    def look_refunded(self, asked: act.RefundPayment) -> run.News:
        """Whether the refund of this number was carried out. Nothing under it: not received or not done; the same may be asked again."""
        try:
            found = self._refund(asked.number, asked.payment)
        except faults.Fault as fault:
            return self.unseen(fault, absent=None)
        except ValueError as wrong:
            return run.Saw(there=None, why=str(wrong))
        if not found.refund_status and not found.refund_amount:
            return run.Saw(there=False, why="the channel shows no such refund")
        try:
            same = (
                (found.out_request_no, found.out_trade_no, found.trade_no) == (asked.number, asked.payment, asked.transaction)
                and wire.fen(found.refund_amount) == asked.amount.fen
                and wire.fen(found.total_amount) == asked.paid.fen
            )
        except ValueError as wrong:
            return run.Saw(there=None, why=str(wrong))
        if not same:
            return run.Refusal(why=f"refund number {asked.number} exists with other content", code="CONTENT_DIFFERS")
        if found.refund_status != wire.REFUND_SUCCESS:
            return run.Saw(there=None, why=f"the refund is {found.refund_status[:40] or 'without a status'}")
        return run.Saw(there=True)

    def _meaning(self, code: str | None) -> Meaning | None:
        return errors.meaning(code)

    def _kind(self) -> str:
        return self._talk.account.link.value

    def _stands(self, number: ids.OutTradeNo) -> payment.AttemptState:
        found = self._trade(number)
        return claims.state(found.trade_status, paid=bool(found.send_pay_date))

    def _ask_close(self, asked: act.ClosePayment) -> None:
        self._talk.act("alipay.trade.close", {"out_trade_no": asked.payment}, wire.Closed)

    def _ask_refund(self, asked: act.RefundPayment) -> run.News:
        """Ask for it, then query it: the answer names no refund number, and fund_change N is no refusal."""
        content = {
            "out_trade_no": asked.payment,
            "trade_no": asked.transaction,
            "refund_amount": wire.yuan(asked.amount.fen),
            "out_request_no": asked.number,
            "refund_reason": acting.REASON,
        }
        told = self._talk.act("alipay.trade.refund", content, wire.Refunded)
        if (told.out_trade_no, told.trade_no) != (asked.payment, asked.transaction):
            raise faults.Indeterminate(f"asked to refund {asked.payment}, told of {told.out_trade_no[:64]}")
        return acting.shown(self.look_refunded(asked), run.Succeeded(detail=asked.number), "the refund was accepted")

    def _ask_link(self, asked: act.NewPaymentLink) -> run.News:
        of = self._talk.account
        method, product = _METHODS[of.link]
        content = {
            "out_trade_no": asked.payment,
            "total_amount": wire.yuan(asked.amount.fen),
            "subject": of.subject,
            "product_code": product,
            "time_expire": f"{asked.expires_at.astimezone(clock.BEIJING):%Y-%m-%d %H:%M:%S}",
        }
        if of.link is account.LinkKind.PRECREATE:
            return self._precreated(method, content, of.notify_url)
        # What is signed here is seen by nobody before the buyer opens it: so the channel is asked first whether the number is spent.
        match self.look_open(asked):
            case run.Saw(there=False):
                pass
            case run.Saw(why=why):
                raise faults.Unavailable(f"whether {asked.payment} is spent cannot be seen: {why}")
            case other:
                return other
        if of.link is account.LinkKind.APP:
            return run.Succeeded(detail=self._talk.order(method, content, notify_url=of.notify_url))
        return run.Succeeded(detail=self._talk.address(method, content, notify_url=of.notify_url))

    def _precreated(self, method: str, content: conversation.Content, notify_url: str) -> run.News:
        told = self._talk.act(method, content, wire.Precreated, notify_url=notify_url)
        if told.out_trade_no != content["out_trade_no"] or not told.qr_code:
            raise faults.Indeterminate("the answer to a new payment holds no link, or another's")
        return run.Succeeded(detail=told.qr_code)
