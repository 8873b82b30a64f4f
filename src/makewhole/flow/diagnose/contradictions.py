"""The shop's own rows disagree with themselves: what can be seen on the lowest rung, with nothing but the database's address.

Each contradiction is one function beside one predicate; a field that the shop's map does not cover says nothing.
"""

from __future__ import annotations

from makewhole.core import money
from makewhole.flow.diagnose import causes, parts, rule
from makewhole.flow.diagnose.parts import Contradiction
from makewhole.model import fact, finding, order, payment, screen

F = order.Field
_PAID = order.SAYS_PAID
_NOT_SHIPPED = order.ENDED_UNPAID | {order.OrderState.AWAITING_PAYMENT, order.OrderState.AWAITING_SHIPMENT}
_PHYSICAL = screen.In(field=F.ORDER_KIND, values=("fresh", "normal", "presale"))


def contradicts_itself(view: rule.View) -> finding.Finding | None:
    """Every contradiction of the order's row in one finding: a person mends them together."""
    shop = view.dossier.shop()
    if shop is None:
        return _orphans(view)
    if shop.state is None:
        return None
    found = [c for c in ALL if c.holds(shop) and not _settled(c, view)]
    if not found:
        return None
    return finding.Finding(
        ailment=finding.Ailment.ORDER_CONTRADICTS_ITSELF,
        subject=tuple(sorted(c.says.value for c in found)),
        reason=causes.because(finding.Cause.OPERATOR_ERROR, finding.CauseDetail.MANUAL_EDIT, 0.4),
        stake=shop.due,
        evidence=tuple(rule.evidence(shop, c.says, shop.state, *c.shows(shop)) for c in found),
        since=shop.created_at,
    )


def _orphans(view: rule.View) -> finding.Finding | None:
    """Lines whose order does not exist."""
    told = next(iter(view.dossier.of(order.OrphanRows)), None)
    if told is None:
        return None
    return finding.Finding(
        ailment=finding.Ailment.ORDER_CONTRADICTS_ITSELF,
        subject=(fact.Says.ITEMS_WITHOUT_ORDER.value,),
        reason=causes.because(finding.Cause.OPERATOR_ERROR, finding.CauseDetail.MANUAL_EDIT, 0.4),
        stake=money.total(tuple(i.amount for i in told.items if i.amount is not None)),
        evidence=(rule.evidence(told, fact.Says.ITEMS_WITHOUT_ORDER, told.order, len(told.items)),),
    )


def rows(_: rule.Horizon) -> screen.Predicate | None:
    """Every row that one of the contradictions names."""
    return screen.Any(parts=tuple(c.screen for c in ALL))


def _settled(contradiction: Contradiction, view: rule.View) -> bool:
    """Closed with a time of payment is no contradiction once a refund says why."""
    refunds = view.dossier.of(payment.ShopRefund) + view.dossier.of(payment.ChannelRefund)
    return contradiction.says is fact.Says.CLOSED_BUT_PAID and bool(refunds)


def _has(shop: order.ShopOrder, field: order.Field, value: object) -> bool:
    return shop.speaks(field) and value is not None


def _lacks(shop: order.ShopOrder, field: order.Field, value: object) -> bool:
    return shop.speaks(field) and value is None


def _disordered(shop: order.ShopOrder) -> bool:
    times = [t for t in (shop.created_at, shop.paid_at, shop.shipped_at, shop.completed_at) if t is not None]
    return times != sorted(times)


def _foreign(shop: order.ShopOrder) -> tuple[str, ...]:
    return tuple(sorted({i.order for i in shop.items if i.order not in {None, shop.number}}))


_TIMES = (F.ORDER_CREATED_AT, F.ORDER_PAID_AT, F.ORDER_SHIPPED_AT, F.ORDER_COMPLETED_AT)

ALL: tuple[Contradiction, ...] = (
    Contradiction(
        says=fact.Says.PAID_WITHOUT_TIME,
        holds=lambda o: o.state in _PAID and _lacks(o, F.ORDER_PAID_AT, o.paid_at),
        screen=screen.All(parts=(rule.states(*_PAID), screen.Missing(field=F.ORDER_PAID_AT))),
        shows=lambda o: (),
    ),
    Contradiction(
        says=fact.Says.PAID_WITHOUT_CHANNEL,
        holds=lambda o: o.state in _PAID and _lacks(o, F.ORDER_CHANNEL, o.channel),
        screen=screen.All(parts=(rule.states(*_PAID), screen.Missing(field=F.ORDER_CHANNEL))),
        shows=lambda o: (),
    ),
    Contradiction(
        says=fact.Says.UNPAID_WITH_TIME,
        holds=lambda o: o.state is order.OrderState.AWAITING_PAYMENT and _has(o, F.ORDER_PAID_AT, o.paid_at),
        screen=screen.All(parts=(rule.states(order.OrderState.AWAITING_PAYMENT), screen.Present(field=F.ORDER_PAID_AT))),
        shows=lambda o: (o.paid_at,),
    ),
    Contradiction(
        says=fact.Says.CLOSED_BUT_PAID,
        holds=lambda o: o.state in order.ENDED_UNPAID and _has(o, F.ORDER_PAID_AT, o.paid_at),
        screen=screen.All(parts=(rule.states(*order.ENDED_UNPAID), screen.Present(field=F.ORDER_PAID_AT))),
        shows=lambda o: (o.paid_at,),
    ),
    Contradiction(
        says=fact.Says.SHIPPED_WITHOUT_PARCEL,
        holds=lambda o: (
            o.state in order.SAYS_SHIPPED and o.kind is not order.OrderKind.VIRTUAL and _lacks(o, F.ORDER_TRACKING_NUMBER, o.tracking)
        ),
        screen=screen.All(parts=(rule.states(*order.SAYS_SHIPPED), screen.Missing(field=F.ORDER_TRACKING_NUMBER), _PHYSICAL)),
        shows=lambda o: (),
    ),
    Contradiction(
        says=fact.Says.SHIPPED_WITHOUT_TIME,
        holds=lambda o: o.state in order.SAYS_SHIPPED and _lacks(o, F.ORDER_SHIPPED_AT, o.shipped_at),
        screen=screen.All(parts=(rule.states(*order.SAYS_SHIPPED), screen.Missing(field=F.ORDER_SHIPPED_AT))),
        shows=lambda o: (),
    ),
    Contradiction(
        says=fact.Says.PARCEL_BEFORE_SHIPPING,
        holds=lambda o: (
            o.state in _NOT_SHIPPED and (_has(o, F.ORDER_TRACKING_NUMBER, o.tracking) or _has(o, F.ORDER_SHIPPED_AT, o.shipped_at))
        ),
        screen=screen.All(
            parts=(
                rule.states(*_NOT_SHIPPED),
                screen.Any(parts=(screen.Present(field=F.ORDER_TRACKING_NUMBER), screen.Present(field=F.ORDER_SHIPPED_AT))),
            )
        ),
        shows=lambda o: (o.tracking or o.shipped_at,),
    ),
    Contradiction(
        says=fact.Says.COMPLETED_WITHOUT_TIME,
        holds=lambda o: o.state is order.OrderState.COMPLETED and _lacks(o, F.ORDER_COMPLETED_AT, o.completed_at),
        screen=screen.All(parts=(rule.states(order.OrderState.COMPLETED), screen.Missing(field=F.ORDER_COMPLETED_AT))),
        shows=lambda o: (),
    ),
    Contradiction(
        says=fact.Says.TIMES_OUT_OF_ORDER,
        holds=_disordered,
        screen=screen.Any(
            parts=tuple(screen.Less(left=later, right=earlier) for i, earlier in enumerate(_TIMES) for later in _TIMES[i + 1 :])
        ),
        shows=lambda o: (o.created_at, o.paid_at, o.shipped_at, o.completed_at),
    ),
    Contradiction(
        says=fact.Says.AMOUNTS_DO_NOT_ADD_UP,
        holds=lambda o: o.parts is not None and o.parts != o.due,
        screen=screen.Differ(left=F.ORDER_AMOUNT_PARTS, right=F.ORDER_AMOUNT_DUE),
        shows=lambda o: (o.due, o.parts),
    ),
    Contradiction(
        says=fact.Says.PAID_AMOUNT_DIFFERS,
        holds=lambda o: o.state in _PAID and o.paid is not None and o.paid != o.due,
        screen=screen.All(parts=(rule.states(*_PAID), screen.Differ(left=F.ORDER_AMOUNT_PAID, right=F.ORDER_AMOUNT_DUE))),
        shows=lambda o: (o.due, o.paid),
    ),
    Contradiction(
        says=fact.Says.WITHOUT_ITEMS,
        holds=lambda o: o.speaks(F.ITEM_ORDER) and not o.items,
        screen=screen.NoChild(child=screen.Child.ITEM),
        shows=lambda o: (),
    ),
    Contradiction(
        says=fact.Says.FOREIGN_ITEM,
        holds=lambda o: bool(_foreign(o)),
        screen=screen.ForeignItem(),
        shows=_foreign,
    ),
    Contradiction(
        says=fact.Says.NUMBER_NOT_UNIQUE,
        holds=lambda o: o.rows > 1,
        screen=screen.SharesNumber(),
        shows=lambda o: (o.rows,),
    ),
    *parts.ALL,
)
