"""The list of ailments, most harmful first, and the two questions asked of it: what is broken here, and which rows to suspect."""

from __future__ import annotations

from makewhole.flow.diagnose import books, changes, contradictions, payments, refunds, resources, rule
from makewhole.model import claim, finding, order, screen, terms
from makewhole.model.finding import Ailment

RULES: tuple[rule.Rule, ...] = (
    rule.Rule(ailment=Ailment.ROW_DELETED, find=changes.row_deleted, screen=changes.no_rows),
    rule.Rule(ailment=Ailment.ROW_OVERWRITTEN, find=changes.row_overwritten, screen=changes.no_rows),
    rule.Rule(ailment=Ailment.PAID_TWICE, find=payments.paid_twice, screen=payments.any_money),
    rule.Rule(ailment=Ailment.REFUNDED_TOO_MUCH, find=refunds.refunded_too_much, screen=refunds.too_much_rows),
    rule.Rule(ailment=Ailment.AMOUNT_DIFFERS, find=payments.amount_differs, screen=payments.any_money),
    rule.Rule(ailment=Ailment.MONEY_WITHOUT_ORDER, find=payments.money_without_order, screen=payments.no_rows),
    rule.Rule(ailment=Ailment.PAID_AFTER_CLOSE, find=payments.paid_after_close, screen=payments.ended_money),
    rule.Rule(ailment=Ailment.PAID_NOT_RECORDED, find=payments.paid_not_recorded, screen=payments.open_money),
    rule.Rule(ailment=Ailment.REFUND_STUCK, find=refunds.refund_stuck, screen=refunds.refund_rows),
    rule.Rule(ailment=Ailment.REFUND_NOT_RECORDED, find=refunds.refund_not_recorded, screen=refunds.refund_rows),
    rule.Rule(ailment=Ailment.REFUND_NOT_SENT, find=refunds.refund_not_sent, screen=refunds.refund_rows),
    rule.Rule(ailment=Ailment.PAID_IN_SHOP_ONLY, find=payments.paid_in_shop_only, screen=payments.paid_money),
    rule.Rule(ailment=Ailment.EXPIRED_UNPAID, find=payments.expired_unpaid, screen=payments.expired),
    rule.Rule(ailment=Ailment.STOCK_RETURNED_TWICE, find=resources.stock_returned_twice, screen=resources.moved_stock),
    rule.Rule(ailment=Ailment.STOCK_NOT_RETURNED, find=resources.stock_not_returned, screen=resources.ended_with_stock),
    rule.Rule(ailment=Ailment.COUPON_USED_TWICE, find=resources.coupon_used_twice, screen=resources.shares_coupon),
    rule.Rule(ailment=Ailment.COUPON_NOT_RETURNED, find=resources.coupon_not_returned, screen=resources.ended_with_coupon),
    rule.Rule(ailment=Ailment.ORDER_CONTRADICTS_ITSELF, find=contradictions.contradicts_itself, screen=contradictions.rows),
    rule.Rule(ailment=Ailment.BOOKS_DIFFER, find=books.differ, screen=books.nothing_shows),
)

_HIDES_CONTRADICTIONS = frozenset({Ailment.PAID_AFTER_CLOSE, Ailment.PAID_NOT_RECORDED, Ailment.AMOUNT_DIFFERS})
"""Ailments that explain why a row disagrees with itself: once they are mended, what is left shows when we look again."""
_EXPLAINED_BY_DELETION = frozenset({Ailment.MONEY_WITHOUT_ORDER, Ailment.ORDER_CONTRADICTS_ITSELF})
"""An order that was deleted leaves money and lines without an order: they are its own."""
_MATTERS = frozenset({claim.About.ORDER, claim.About.PAYMENT, claim.About.REFUND})


def diagnose(view: rule.View) -> finding.Diagnosis:
    """Every ailment of the dossier, most harmful first; or whole; or what is missing to tell."""
    # Nobody knows the number: that is no whole order, it is none.
    if not view.dossier.claims:
        return finding.Unjudged(missing=view.dossier.silences)
    missing = _missing(view)
    found = [f for r in RULES if (f := r.find(view)) is not None]
    if any(f.ailment in _HIDES_CONTRADICTIONS for f in found):
        found = [f for f in found if f.ailment is not Ailment.ORDER_CONTRADICTS_ITSELF]
    found = _with_books(found, view)
    if any(f.ailment is Ailment.ROW_DELETED for f in found):
        found = [f for f in found if f.ailment not in _EXPLAINED_BY_DELETION]
    if found:
        return finding.Broken(findings=tuple(found), unheard=missing)
    return finding.Unjudged(missing=missing) if missing else finding.Whole()


def _with_books(found: list[finding.Finding], view: rule.View) -> list[finding.Finding]:
    """Every difference of the books; only those that were decided, where the order's own money shows what is behind the others."""
    others = [f for f in found if f.ailment is not Ailment.BOOKS_DIFFER]
    explained = any(
        finding.family(f.ailment) is finding.Family.PAYMENT and f.ailment is not Ailment.ORDER_CONTRADICTS_ITSELF for f in others
    )
    return [*others, *(f for f in books.each(view) if not explained or books.decided(f, view))]


def suspects(horizon: rule.Horizon) -> tuple[tuple[Ailment, screen.Predicate], ...]:
    """For each ailment that rows can show, the rows to look at."""
    screens = ((r.ailment, r.screen(horizon)) for r in RULES)
    coded = screen.Unknown(field=order.Field.ORDER_STATE)
    return (
        *((ailment, predicate) for ailment, predicate in screens if predicate is not None),
        (Ailment.ORDER_CONTRADICTS_ITSELF, coded),
    )


def _missing(view: rule.View) -> tuple[claim.Silence, ...]:
    """The silences that could change the answer."""
    shop = view.dossier.shop()
    heard = tuple(s for s in view.dossier.silences if s.about in _MATTERS and _matters(s, shop, view))
    # A status code that the map does not know says as little as no answer.
    if shop is not None and shop.state is None and not any(s.source == shop.source for s in heard):
        coded = claim.Silence(
            source=shop.source, about=claim.About.ORDER, number=shop.number, why=claim.Why.NOT_UNDERSTOOD, detail=shop.raw_state
        )
        return (*heard, coded)
    return heard


def _matters(silence: claim.Silence, shop: order.ShopOrder | None, view: rule.View) -> bool:
    # Nobody attached that source: the result says so once, not at every order.
    if silence.why is claim.Why.NOT_CONFIGURED:
        return False
    if silence.why is not claim.Why.NOT_FOUND or silence.about is not claim.About.PAYMENT:
        return silence.why is not claim.Why.NOT_FOUND
    # "No such attempt" is not "unpaid". It leaves the answer open where the shop claims money, or where time has run out.
    if shop is None:
        return False
    due = terms.expiry(shop, view.policy)
    ran_out = shop.state is order.OrderState.AWAITING_PAYMENT and due is not None and view.now >= due
    return shop.says_paid() or ran_out
