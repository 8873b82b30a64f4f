"""The three things Alipay can be asked to do, and how to see whether it did: an act goes in, news come out.

What a repeat does is declared in REPEATS. All three acts carry their own number, and the channel acts once per number; so Saw(False) may
be said at once: a request still under way and its repeat are the same act, whichever lands first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from makewhole.adapters.payments.alipay import account, claims, conversation, errors, wire
from makewhole.core import clock, faults, ids, money
from makewhole.model import act, payment, run

REPEATS: Mapping[type[act.Act], str] = {
    act.ClosePayment: "Closing what is closed is refused for its state; the query after it shows that it is closed.",
    act.RefundPayment: "The same out_request_no is the same refund: the second request is answered with success and fund_change N, and the "
    "query under that number shows the first one's amount. Another amount under that number is refused.",
    act.NewPaymentLink: "The same out_trade_no is the same attempt to pay, which can be paid once. A code is given out again; an "
    "address or an app's text is signed here again.",
}
REASON = "订单恢复退款"
"""What the buyer reads beside the money that comes back."""
PAID, CLOSED = "ACQ.TRADE_HAS_SUCCESS", "ACQ.TRADE_HAS_CLOSE"
_METHODS: Mapping[account.LinkKind, tuple[str, str]] = {
    account.LinkKind.PRECREATE: ("alipay.trade.precreate", "FACE_TO_FACE_PAYMENT"),
    account.LinkKind.PAGE: ("alipay.trade.page.pay", "FAST_INSTANT_TRADE_PAY"),
    account.LinkKind.WAP: ("alipay.trade.wap.pay", "QUICK_WAP_WAY"),
    account.LinkKind.APP: ("alipay.trade.app.pay", "QUICK_MSECURITY_PAY"),
}


class Acts:
    """Carries them out over one conversation. Never retries, remembers nothing."""

    def __init__(
        self,
        talk: conversation.Conversation,
        trade: Callable[[ids.OutTradeNo], wire.Trade],
        refund: Callable[[ids.RefundNo, ids.OutTradeNo], wire.Refund],
    ) -> None:
        self._talk = talk
        self._trade = trade
        self._refund = refund

    def close(self, asked: act.ClosePayment) -> run.News:
        """Close, then query. A trade that the buyer never opened cannot be closed, and may still be opened and paid."""
        try:
            self._talk.act("alipay.trade.close", {"out_trade_no": asked.payment}, wire.Closed)
        except faults.Rejected as no:
            match errors.meaning(no.code):
                case errors.Meaning.CLOSED | errors.Meaning.STATE | errors.Meaning.PAID | errors.Meaning.NOT_FOUND:
                    pass
                case _:
                    return _refusal(no)
        match self.look_closed(asked):
            case run.Saw(there=True):
                return run.Succeeded()
            case run.Saw(why=why):
                # It was answered. What the query shows now may be a replica's past; only a later look can tell.
                return run.Pending(why=f"close was answered, and {why}")
            case other:
                return other

    def look_closed(self, asked: act.ClosePayment) -> run.News:
        """Closed, paid meanwhile (a refusal), or still open."""
        try:
            found = self._trade(asked.payment)
        except faults.Fault as fault:
            return _unseen(fault, absent=None)
        except ValueError as wrong:
            return run.Saw(there=None, why=str(wrong))
        stands = claims.state(found.trade_status, paid=bool(found.send_pay_date))
        if stands is payment.AttemptState.CLOSED:
            return run.Saw(there=True)
        if stands in payment.TOOK_MONEY:
            return run.Refusal(why="it was paid meanwhile", code=PAID)
        return run.Saw(there=False, why="the attempt is still open")

    def refund(self, asked: act.RefundPayment) -> run.News:
        """Ask for the refund, then query it: the answer names no refund number, and fund_change N is no refusal."""
        if asked.amount.currency != money.CNY or asked.paid.currency != money.CNY:
            return run.Refusal(why=f"the domestic gateway refunds {money.CNY} only", code="CURRENCY")
        if not 0 < asked.amount.fen <= asked.paid.fen:
            return run.Refusal(why=f"a refund of {asked.amount} out of {asked.paid}", code="AMOUNT")
        content = {
            "out_trade_no": asked.payment,
            "trade_no": asked.transaction,
            "refund_amount": wire.yuan(asked.amount.fen),
            "out_request_no": asked.number,
            "refund_reason": REASON,
        }
        try:
            told = self._talk.act("alipay.trade.refund", content, wire.Refunded)
        except faults.Rejected as no:
            return _refusal(no)
        if (told.out_trade_no, told.trade_no) != (asked.payment, asked.transaction):
            raise faults.Indeterminate(f"asked to refund {asked.payment}, told of {told.out_trade_no[:64]}")
        match self.look_refunded(asked):
            case run.Saw(there=True):
                return run.Succeeded(detail=asked.number)
            case run.Saw(why=why):
                return run.Pending(why=f"the refund was accepted, and {why}")
            case other:
                return other

    def look_refunded(self, asked: act.RefundPayment) -> run.News:
        """Whether the refund of this number was carried out. Nothing under it: not received or not done; the same may be asked again."""
        try:
            found = self._refund(asked.number, asked.payment)
        except faults.Fault as fault:
            return _unseen(fault, absent=None)
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

    def open(self, asked: act.NewPaymentLink) -> run.News:
        """A link to pay. The link is the news' detail."""
        if asked.amount.currency != money.CNY or asked.amount.fen <= 0:
            return run.Refusal(why=f"Alipay takes {money.CNY} above zero, not {asked.amount}", code="AMOUNT")
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

    def look_open(self, asked: act.NewPaymentLink) -> run.News:
        """An open attempt whose link was lost is as good as none: asking again under the same number brings the link."""
        try:
            found = self._trade(asked.payment)
        except faults.Fault as fault:
            return _unseen(fault, absent=False)
        except ValueError as wrong:
            return run.Saw(there=None, why=str(wrong))
        stands = claims.state(found.trade_status, paid=bool(found.send_pay_date))
        if stands in payment.TOOK_MONEY:
            return run.Refusal(why="it was paid already", code=PAID)
        if stands is payment.AttemptState.CLOSED:
            return run.Refusal(why="it was closed already", code=CLOSED)
        return run.Saw(there=False, why="the attempt may be open, its link is not known")

    def preview(self, asked: act.AnyAct) -> tuple[str, ...]:
        """The call, in a line for people."""
        match asked:
            case act.ClosePayment(payment=number):
                return (f"Alipay: close trade {number}, then query it",)
            case act.RefundPayment(amount=amount, paid=paid, transaction=transaction, number=number):
                return (f"Alipay: refund {amount} of {paid} of trade {transaction} under number {number}, then query it",)
            case act.NewPaymentLink(amount=amount, payment=number, expires_at=until):
                kind = self._talk.account.link.value
                return (f"Alipay: open a {kind} payment of {amount} under number {number}, until {clock.rfc3339(until)}",)
            case other:
                raise faults.Defect(f"Alipay cannot preview {type(other).__name__}")

    def _precreated(self, method: str, content: conversation.Content, notify_url: str) -> run.News:
        try:
            told = self._talk.act(method, content, wire.Precreated, notify_url=notify_url)
        except faults.Rejected as no:
            return _refusal(no)
        if told.out_trade_no != content["out_trade_no"] or not told.qr_code:
            raise faults.Indeterminate("the answer to a new payment holds no link, or another's")
        return run.Succeeded(detail=told.qr_code)


def _refusal(no: faults.Rejected) -> run.Refusal:
    return run.Refusal(why=no.why, code=no.code or "")


def _unseen(fault: faults.Fault, *, absent: bool | None) -> run.News:
    """A look that found nothing. `absent` is what "no such trade" means for this act. A Defect goes on as it is."""
    match fault:
        case faults.Defect():
            raise fault
        case faults.Rejected(code=code) if errors.meaning(code) is errors.Meaning.NOT_FOUND:
            return run.Saw(there=absent, why="the channel says that it knows no such number")
        case _:
            return run.Saw(there=None, why=fault.why)
