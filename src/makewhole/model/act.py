"""What can be done in the world, one noun an act. An act names what it is about, so that its key can be derived and never drawn (law 2)."""

from __future__ import annotations

from datetime import datetime

from makewhole.core import codec, ids, money
from makewhole.model import decision, fact, order


class Act(codec.Noun, frozen=True, kw_only=True, tag_field="act"):
    """The base. `about` is what makes two intentions the same one."""

    def about(self) -> tuple[str, ...]:
        """The numbers that this act is about; amounts are content, not identity: same key with other content is refused."""
        raise NotImplementedError


class RecordPayment(Act, frozen=True, kw_only=True, tag="record-payment"):
    """The shop's open order becomes paid, with everything that the shop itself would have done then."""

    channel: ids.ChannelName
    payment: ids.OutTradeNo
    transaction: ids.TransactionId
    amount: money.Money
    paid_at: datetime

    def about(self) -> tuple[str, ...]:
        """The payment."""
        return (self.channel, self.transaction)


class AcceptLate(Act, frozen=True, kw_only=True, tag="accept-late"):
    """The shop's closed order becomes paid; its stock and coupon are taken again in the same transaction, or nothing happens."""

    channel: ids.ChannelName
    payment: ids.OutTradeNo
    transaction: ids.TransactionId
    amount: money.Money
    paid_at: datetime
    items: tuple[order.Item, ...]
    coupon: ids.CouponId | None = None

    def about(self) -> tuple[str, ...]:
        """The payment."""
        return (self.channel, self.transaction)


class CloseExpired(Act, frozen=True, kw_only=True, tag="close-expired"):
    """The shop's open order, unpaid at the channel and closed there, is closed; stock and coupon go back in the same transaction."""

    items: tuple[order.Item, ...]
    coupon: ids.CouponId | None = None

    def about(self) -> tuple[str, ...]:
        """The order itself."""
        return ("expired",)


class ReopenUnpaid(Act, frozen=True, kw_only=True, tag="reopen-unpaid"):
    """The shop's paid order awaits its payment again, and says nothing of one any more: a person decided that it never came.

    `difference` is what was decided about.
    """

    difference: ids.Key

    def about(self) -> tuple[str, ...]:
        """The difference: one decision takes a payment back once, however often somebody marks the order as paid again."""
        return (self.difference,)


class CloseUnpaid(Act, frozen=True, kw_only=True, tag="close-unpaid"):
    """The same of an order whose time is over: it is closed. `items` and `coupon` are what it provably holds, and go back with it."""

    difference: ids.Key
    items: tuple[order.Item, ...] = ()
    coupon: ids.CouponId | None = None

    def about(self) -> tuple[str, ...]:
        """The difference, as above."""
        return (self.difference,)


class ReissueOrder(Act, frozen=True, kw_only=True, tag="reissue-order"):
    """The expired order is written again under a new number, awaiting payment; stock and coupon are taken again (R1, R10)."""

    new_number: ids.OrderNumber
    expires_at: datetime
    items: tuple[order.Item, ...]
    coupon: ids.CouponId | None = None

    def about(self) -> tuple[str, ...]:
        """The new number."""
        return (self.new_number,)


class CancelReissue(Act, frozen=True, kw_only=True, tag="cancel-reissue"):
    """The order written again is closed, and what it took goes back: the undoing of ReissueOrder."""

    new_number: ids.OrderNumber
    items: tuple[order.Item, ...]
    coupon: ids.CouponId | None = None

    def about(self) -> tuple[str, ...]:
        """The new number."""
        return (self.new_number,)


class RecordRefund(Act, frozen=True, kw_only=True, tag="record-refund"):
    """The shop's rows learn of a refund that the channel carried out."""

    number: ids.RefundNo
    amount: money.Money
    full: bool

    def about(self) -> tuple[str, ...]:
        """The refund."""
        return (self.number,)


class GiveStockBack(Act, frozen=True, kw_only=True, tag="give-stock-back"):
    """Units that an ended order still holds return to sale, once."""

    sku: ids.Sku
    quantity: int

    def about(self) -> tuple[str, ...]:
        """The sku."""
        return (self.sku,)


class TakeStockBack(Act, frozen=True, kw_only=True, tag="take-stock-back"):
    """Units that an ended order gave back once too often leave sale again, once."""

    sku: ids.Sku
    quantity: int

    def about(self) -> tuple[str, ...]:
        """The sku."""
        return (self.sku,)


class GiveCouponBack(Act, frozen=True, kw_only=True, tag="give-coupon-back"):
    """A coupon that an ended order still holds becomes unused again, once."""

    coupon: ids.CouponId

    def about(self) -> tuple[str, ...]:
        """The coupon."""
        return (self.coupon,)


class ClosePayment(Act, frozen=True, kw_only=True, tag="close-payment"):
    """The channel takes no more money for this attempt. Refused where it was paid meanwhile: then plan again (law 5)."""

    channel: ids.ChannelName
    payment: ids.OutTradeNo

    def about(self) -> tuple[str, ...]:
        """The attempt."""
        return (self.channel, self.payment)


class RefundPayment(Act, frozen=True, kw_only=True, tag="refund-payment"):
    """Money goes back to the payer under one number, however often it is asked. `paid` is the whole payment."""

    channel: ids.ChannelName
    payment: ids.OutTradeNo
    transaction: ids.TransactionId
    number: ids.RefundNo
    amount: money.Money
    paid: money.Money

    def about(self) -> tuple[str, ...]:
        """The refund number."""
        return (self.channel, self.number)


class NewPaymentLink(Act, frozen=True, kw_only=True, tag="new-payment-link"):
    """The channel opens an attempt to pay for the order's number (native, jsapi, h5 or app, as the settings say)."""

    channel: ids.ChannelName
    payment: ids.OutTradeNo
    amount: money.Money
    expires_at: datetime

    def about(self) -> tuple[str, ...]:
        """The attempt."""
        return (self.channel, self.payment)


class PublishLink(Act, frozen=True, kw_only=True, tag="publish-link"):
    """The buyer can find the new payment link: the shop's rows hold it, or the outbox does where they have no place for it."""

    new_number: ids.OrderNumber
    channel: ids.ChannelName

    def about(self) -> tuple[str, ...]:
        """The new number."""
        return (self.new_number,)


class LinkPayment(Act, frozen=True, kw_only=True, tag="link-payment"):
    """From now on this payment belongs to that order: an alias in our own store, with its grounds. The order is then looked at again."""

    channel: ids.ChannelName
    payment: ids.OutTradeNo
    order: ids.OrderNumber

    def about(self) -> tuple[str, ...]:
        """The attempt."""
        return (self.channel, self.payment)


class BookDifference(Act, frozen=True, kw_only=True, tag="book-difference"):
    """The entry in our own ledger that a person's decision about a difference asks for: by so much it moves, or so much is claimed."""

    difference: ids.Key
    choice: decision.Choice
    amount: money.Money

    def about(self) -> tuple[str, ...]:
        """The difference: it has one entry, whatever is decided how often."""
        return (self.difference,)


class Beside(codec.Noun, frozen=True, kw_only=True):
    """One line of the sheet that a person decides on: what each side says of the same thing (R9)."""

    what: str
    shop: str
    channel: str

    def agrees(self) -> bool:
        """Whether both sides say the same."""
        return self.shop == self.channel


class Question(codec.Noun, frozen=True, kw_only=True):
    """What a person is asked: the reasons, the sides beside one another, and what may be answered."""

    reasons: tuple[fact.Fact, ...]
    sheet: tuple[Beside, ...]
    choices: tuple[str, ...]


class AskPerson(Act, frozen=True, kw_only=True, tag="ask-person"):
    """A person decides by a deadline. The question is content; asking twice about the same case is asking once."""

    topic: str
    question: Question
    deadline: datetime

    def about(self) -> tuple[str, ...]:
        """The topic: ailment and subject of the case."""
        return (self.topic,)


ShopAct = (
    RecordPayment
    | AcceptLate
    | CloseExpired
    | ReopenUnpaid
    | CloseUnpaid
    | ReissueOrder
    | CancelReissue
    | RecordRefund
    | GiveStockBack
    | TakeStockBack
    | GiveCouponBack
    | PublishLink
)
ChannelAct = ClosePayment | RefundPayment | NewPaymentLink
OwnAct = LinkPayment | AskPerson | BookDifference
"""Acts on our own store."""
AnyAct = ShopAct | ChannelAct | OwnAct
