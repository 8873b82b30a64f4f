"""Orders, payments and dossiers in one line each, for tests of the verbs; and the rules that are shipped."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from makewhole import settings
from makewhole.core import clock, ids, money
from makewhole.flow import observe
from makewhole.flow.diagnose import rule, rules
from makewhole.flow.plan import brief, plans
from makewhole.model import claim, dossier, finding, order, payment, plan, policy

NOW = datetime(2026, 11, 20, 12, tzinfo=clock.BEIJING)
SHOP = ids.ShopName("mall")
KEY = ids.OrderKey(shop=SHOP, number=ids.OrderNumber("M-1"))
DUE = money.Money(fen=9_900)
WECHAT = ids.ChannelName("wechatpay")
ALIPAY = ids.ChannelName("alipay")
BOOK = settings.policy_book()
RULES = BOOK.at(NOW)
PLAYBOOK = settings.load_playbook()
TEA = order.Item(sku=ids.Sku("tea"), quantity=1)


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def limit(name: policy.RuleName) -> timedelta:
    return RULES.span(name)


def shop_order(state: order.OrderState | None, **fields: Any) -> order.ShopOrder:
    told: dict[str, Any] = {
        "source": claim.SHOP,
        "as_of": NOW,
        "number": KEY.number,
        "state": state,
        "raw_state": state.value if state else "?",
        "due": DUE,
        "version": "1",
        "speaks_of": (),
        "created_at": ago(minutes=10),
        "items": (TEA,),
    }
    return order.ShopOrder(**{**told, **fields})


def attempt(state: payment.AttemptState, **fields: Any) -> payment.Attempt:
    """Paid for the order's price unless told otherwise."""
    channel = fields.get("channel", WECHAT)
    told: dict[str, Any] = {"source": channel, "as_of": NOW, "channel": WECHAT, "number": ids.OutTradeNo("M-1"), "state": state}
    if state in payment.TOOK_MONEY:
        told |= {"amount": DUE, "transaction": ids.TransactionId("4200"), "paid_at": ago(minutes=5)}
    return payment.Attempt(**{**told, **fields})


def refund(state: payment.RefundState, number: str = "R-1", **fields: Any) -> payment.ChannelRefund:
    channel = fields.get("channel", WECHAT)
    told: dict[str, Any] = {"source": channel, "as_of": NOW, "channel": WECHAT, "payment": ids.OutTradeNo("M-1"), "amount": DUE}
    return payment.ChannelRefund(**{**told, "number": ids.RefundNo(number), "state": state, **fields})


def shop_refund(state: payment.RefundState, number: str | None = "R-1", **fields: Any) -> payment.ShopRefund:
    told: dict[str, Any] = {"source": claim.SHOP, "as_of": NOW, "amount": DUE, "number": None if number is None else ids.RefundNo(number)}
    return payment.ShopRefund(**{**told, "state": state, **fields})


def silence(why: claim.Why, about: claim.About = claim.About.PAYMENT, source: str = WECHAT, number: str = "M-1") -> claim.Silence:
    return claim.Silence(source=source, about=about, number=number, why=why)


def heard(*claims: dossier.AnyClaim, silences: tuple[claim.Silence, ...] = ()) -> dossier.Dossier:
    return observe.observe(KEY, claims, silences)


def diagnose(told: dossier.Dossier, now: datetime = NOW) -> finding.Diagnosis:
    return rules.diagnose(rule.View(dossier=told, policy=RULES, now=now))


def ailments(told: dossier.Dossier, now: datetime = NOW) -> tuple[finding.Ailment, ...]:
    seen = diagnose(told, now)
    return tuple(f.ailment for f in seen.findings) if isinstance(seen, finding.Broken) else ()


def first(told: dossier.Dossier, now: datetime = NOW) -> finding.Finding:
    seen = diagnose(told, now)
    assert isinstance(seen, finding.Broken), seen
    return seen.findings[0]


def planned(told: dossier.Dossier, now: datetime = NOW) -> plan.Plan:
    given = brief.Brief(dossier=told, finding=first(told, now), policy=RULES, now=now)
    return plans.make(given, PLAYBOOK)
