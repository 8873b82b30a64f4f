"""The laws, one function each: what a world has come to goes in, a line for every breach comes out. None for a world that kept them.

They read the channel's ledger, the shop's rows, our evidence and the log of every act as it began; never what the engine believes.
"""

from __future__ import annotations

import enum
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from makewhole.model import act, case, plan, run
from makewhole.sandbox import day
from makewhole.sandbox.shop.schema import CouponStatus, Status

REVIEW_FEN = 500_000
"""Orders from here on are a person's (seed §6)."""


class Did(enum.Enum):
    """What somebody did about a step."""

    DO = "do"
    LOOK = "look"


@dataclass(frozen=True, kw_only=True)
class Effect:
    """An act or a look as it began, in the order of their beginnings, with what was so at that moment."""

    kind: Did
    who: str
    order: str
    act: act.AnyAct
    key: str
    intended: bool
    """Whether the intention was durable."""
    allowed: bool
    """Whether an Allowed verdict on its run was durable."""
    asked: bool
    """Whether our connector had lately asked the channel about the order."""
    open_attempts: tuple[str, ...]
    """Attempts of the order that the channel would still take money for."""
    overlaps: str
    """Another worker that was acting on this order within its lease; empty: none."""
    known_done: bool
    """Whether its success was durable already."""
    in_doubt: bool
    """Whether the last word on this key was doubt, and nobody had looked since."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A world at rest, and how it got there."""

    day: day.Day
    entries: Sequence[case.Entry]
    cases: Sequence[case.Case]
    runs: Sequence[run.Run]
    effects: Sequence[Effect]
    audit: Sequence[str] = ()
    """What the store's own audit of its evidence found, and every older root that is no prefix."""
    unkept: Sequence[str] = ()
    """Callbacks that were acknowledged and are not in the inbox."""
    decided: Mapping[str, frozenset[int]] = field(default_factory=dict)
    """Fen of payments that a person decided never to have come, by order."""
    rerun: Sequence[str] = ()
    """What a second sweep over the finished world changed."""
    started_with: Mapping[str, int] = field(default_factory=dict)
    """Units of each sku that ever arrived."""


Law = Callable[[Scene], Iterator[str]]


def refunds_within_payments(scene: Scene) -> Iterator[str]:
    """The refunds of a payment never add up to more than it."""
    back: Counter[str] = Counter()
    for refund in scene.day.bank.refunds.values():
        if refund.status != "CLOSED":
            back[refund.of.order.out_trade_no] += refund.amount
    for number, fen in back.items():
        paid = scene.day.bank.transactions[number].paid
        if fen > paid:
            yield f"{number}: {fen} fen refunded of {paid}"


def refunded_once(scene: Scene) -> Iterator[str]:
    """One payment, one refund number of ours; and every refund at the channel is the shop's or one that a plan named."""
    planned = {s.act.number for r in scene.runs for s in r.plan.steps if isinstance(s.act, act.RefundPayment)}
    ours: Counter[str] = Counter()
    for number, refund in scene.day.bank.refunds.items():
        if number.startswith("RF"):
            continue
        ours[refund.of.order.out_trade_no] += 1
        if number not in planned:
            yield f"{number}: a refund that no plan names"
    yield from (f"{payment}: {count} refunds of ours" for payment, count in ours.items() if count > 1)


def one_effect_per_key(scene: Scene) -> Iterator[str]:
    """The shop's rows show each of our keys once."""
    rows = scene.day.shop.rows.all("SELECT note, COUNT(*) AS n FROM order_log WHERE operator = 'makewhole' GROUP BY note HAVING n > 1")
    yield from (f"key {r['note']} took effect {r['n']} times" for r in rows)
    twice = scene.day.shop.rows.all(
        "SELECT order_sn, COUNT(*) AS n FROM trade_order WHERE origin_sn IS NOT NULL GROUP BY order_sn HAVING n > 1"
    )
    yield from (f"{r['order_sn']} was written again {r['n']} times" for r in twice)


def stock_conserved(scene: Scene) -> Iterator[str]:
    """For sale + locked + sold is what arrived, and what is for sale is what arrived less what the ledger says was taken."""
    asked = "SELECT s.*, (SELECT COALESCE(SUM(change_qty), 0) FROM stock_flow f WHERE f.sku_code = s.sku_code) AS moved FROM sku_stock s"
    for row in scene.day.shop.rows.all(asked):
        arrived = scene.started_with[row["sku_code"]]
        if row["available"] + row["locked"] + row["sold"] != arrived:
            yield f"{row['sku_code']}: {row['available']} + {row['locked']} + {row['sold']} of {arrived}"
        if row["available"] != arrived + row["moved"]:
            yield f"{row['sku_code']}: {row['available']} for sale, {arrived} arrived and {row['moved']} moved"


def orders_hold_their_stock(scene: Scene) -> Iterator[str]:
    """A living order holds its items; an ended one holds nothing. Orders that a person has are a person's."""
    with_person = _with_person(scene)
    asked = """SELECT o.order_sn, o.status, i.sku_code, SUM(i.quantity) AS wants,
               COALESCE((SELECT -SUM(change_qty) FROM stock_flow f WHERE f.order_sn = o.order_sn AND f.sku_code = i.sku_code), 0) AS holds
               FROM trade_order o JOIN trade_order_item i ON i.order_sn = o.order_sn GROUP BY o.id, i.sku_code"""
    for row in scene.day.shop.rows.all(asked):
        wants = 0 if row["status"] == Status.CLOSED else row["wants"]
        if row["holds"] != wants and row["order_sn"] not in with_person:
            yield f"{row['order_sn']} ({Status(row['status']).name}) holds {row['holds']} of {row['sku_code']}, right were {wants}"


def coupon_once(scene: Scene) -> Iterator[str]:
    """A used coupon belongs to one living order that names it; an unused one to none."""
    with_person = _with_person(scene)
    rows = scene.day.shop.rows
    for coupon in rows.all("SELECT * FROM member_coupon"):
        live = rows.all("SELECT order_sn FROM trade_order WHERE coupon_no = ? AND status <> ?", coupon["coupon_no"], int(Status.CLOSED))
        holders = {r["order_sn"] for r in live}
        if holders & with_person or coupon["order_sn"] in with_person:
            continue
        used = coupon["status"] == CouponStatus.USED
        if used and coupon["order_sn"] not in holders:
            yield f"{coupon['coupon_no']} is bound to {coupon['order_sn']}, which does not live"
        if not used and holders:
            yield f"{coupon['coupon_no']} is free, and {sorted(holders)} lives by it"


def intent_before_effect(scene: Scene) -> Iterator[str]:
    """No act begins before its intention is durable."""
    yield from (f"{e.order}: {_tag(e)} without an intention" for e in scene.effects if e.kind is Did.DO and not e.intended)


def verdict_before_act(scene: Scene) -> Iterator[str]:
    """No act but asking a person without an Allowed verdict on its run before it."""
    for e in scene.effects:
        if e.kind is Did.DO and not e.allowed and not isinstance(e.act, act.AskPerson):
            yield f"{e.order}: {_tag(e)} without a verdict"


def look_after_doubt(scene: Scene) -> Iterator[str]:
    """What may have happened is looked at before it is done again."""
    yield from (f"{e.order}: {_tag(e)} again in doubt" for e in scene.effects if e.kind is Did.DO and e.in_doubt)


def done_is_done(scene: Scene) -> Iterator[str]:
    """What is known to be done is not done again. One act is within the rules: a worker may fall asleep between its intention, which the
    fence let through, and the act, which its key makes one effect. Then it meets its stale fence; a second act is one too many.
    """
    again: Counter[tuple[str, str]] = Counter()
    for e in scene.effects:
        # A person may be asked again, and an attempt closed that was opened again since.
        if e.kind is Did.DO and e.known_done and not isinstance(e.act, act.AskPerson | act.ClosePayment):
            again[e.who, e.order] += 1
            if again[e.who, e.order] > 1:
                yield f"{e.order}: {_tag(e)} by {e.who} again, though it is known to be done"


def one_worker_an_order(scene: Scene) -> Iterator[str]:
    """While a lease holds, nobody else acts on its order."""
    yield from (f"{e.order}: {_tag(e)} by {e.who} while {e.overlaps} was at it" for e in scene.effects if e.kind is Did.DO and e.overlaps)


def asked_before_expiry(scene: Scene) -> Iterator[str]:
    """No order is expired or recalled before its channel was asked, and closed there first."""
    for e in scene.effects:
        ends = isinstance(e.act, act.CloseExpired | act.CloseUnpaid | act.ReissueOrder | act.CancelReissue)
        if e.kind is not Did.DO or not ends:
            continue
        if not e.asked and not isinstance(e.act, act.CancelReissue):
            yield f"{e.order}: {_tag(e)} without asking the channel"
        number = e.act.new_number if isinstance(e.act, act.CancelReissue) else e.order
        if any(n == number or n.startswith(f"{number}-") for n in e.open_attempts):
            yield f"{number}: {_tag(e)} while the channel still takes money for it"


def every_case_ends(scene: Scene) -> Iterator[str]:
    """Every case has a named terminal, or a person and a deadline; and no run is left."""
    for known in scene.cases:
        if known.terminal is None:
            yield f"{known.order.number}: {known.finding.ailment.value} has no end"
        if known.terminal is plan.Terminal.PERSON and known.deadline is None:
            yield f"{known.order.number}: a person without a deadline"
    yield from (f"{r.plan.order.number}: a {r.plan.remedy.value} run is left" for r in scene.runs if r.end is None)


def money_conserved(scene: Scene) -> Iterator[str]:
    """The channel's ledger adds up to its payments less its refunds, to the fen."""
    bank = scene.day.bank
    came = sum(t.paid for t in bank.transactions.values())
    went = sum(r.amount for r in bank.refunds.values() if r.status != "CLOSED")
    moved = sum(line.moved for line in bank.ledger)
    if moved != came - went:
        yield f"the ledger holds {moved}, payments less refunds are {came - went}"


def recorded_money_is_there(scene: Scene) -> Iterator[str]:
    """What we recorded as paid was paid, in that amount, under that number."""
    asked = """SELECT o.order_sn, o.trade_no, o.pay_amount FROM trade_order o JOIN order_log l ON l.order_sn = o.order_sn
               WHERE l.operator = 'makewhole' AND l.to_status = 20 AND l.from_status IN (10, 50)"""
    for row in scene.day.shop.rows.all(asked):
        paid = scene.day.bank.by_id.get(row["trade_no"])
        if paid is None or paid.paid != row["pay_amount"]:
            yield f"{row['order_sn']}: recorded {row['pay_amount']} fen, the channel took {0 if paid is None else paid.paid}"


def acknowledged_is_kept(scene: Scene) -> Iterator[str]:
    """What we said yes to is in the inbox, and is the channel's own."""
    yield from (f"{number}: acknowledged and not kept" for number in scene.unkept)
    yield from (f"{told}: acknowledged" for told in scene.day.believed)


def within_limits(scene: Scene) -> Iterator[str]:
    """Nothing is done by ourselves to an order that is a person's by its amount."""
    done = defaultdict(set)
    for e in scene.effects:
        if e.kind is Did.DO and not isinstance(e.act, act.AskPerson | act.LinkPayment):
            done[e.order].add(_tag(e))
    for number, acts in done.items():
        row = scene.day.shop.rows.order(number)
        if row is not None and row["pay_amount"] >= REVIEW_FEN:
            yield f"{number} of {row['pay_amount']} fen: {sorted(acts)} without a person"


def lowered_by_decision(scene: Scene) -> Iterator[str]:
    """What the shop claims to have is lowered only where a person has decided about that very money."""
    for e in scene.effects:
        if e.kind is not Did.DO or not isinstance(e.act, act.ReopenUnpaid | act.CloseUnpaid):
            continue
        row = scene.day.shop.rows.order(e.order)
        if row is not None and row["pay_amount"] not in scene.decided.get(e.order, frozenset()):
            yield f"{e.order}: {_tag(e)} of {row['pay_amount']} fen that nobody decided about"


def evidence_whole(scene: Scene) -> Iterator[str]:
    """The log is what it says it is, only ever grew, and tells of every act."""
    yield from scene.audit
    told = {(e.kind, e.body.get("key")) for e in scene.entries}
    for e in scene.effects:
        if e.kind is Did.DO and (case.EntryKind.INTENT, e.key) not in told:
            yield f"{e.order}: no line tells of {_tag(e)}"


def finished_is_finished(scene: Scene) -> Iterator[str]:
    """Working on a finished world once more changes nothing."""
    yield from scene.rerun


LAWS: tuple[Law, ...] = (
    refunds_within_payments,
    refunded_once,
    one_effect_per_key,
    stock_conserved,
    orders_hold_their_stock,
    coupon_once,
    intent_before_effect,
    verdict_before_act,
    look_after_doubt,
    done_is_done,
    one_worker_an_order,
    asked_before_expiry,
    every_case_ends,
    money_conserved,
    recorded_money_is_there,
    acknowledged_is_kept,
    within_limits,
    lowered_by_decision,
    evidence_whole,
    finished_is_finished,
)


@dataclass(frozen=True, kw_only=True)
class Breach:
    """A law that a world broke, and where."""

    law: str
    says: str

    def __str__(self) -> str:
        return f"{self.law}: {self.says}"


GRADED = "graded_right"
"""Beside the laws: everything found, nothing found that is not, every end a right one (`grade`)."""
NAMES = (*(law.__name__ for law in LAWS), GRADED)


def breaches(scene: Scene) -> list[Breach]:
    """Every breach of every law."""
    return [Breach(law=law.__name__, says=line) for law in LAWS for line in law(scene)]


def _tag(effect: Effect) -> str:
    return type(effect.act).__name__


def _with_person(scene: Scene) -> set[str]:
    return {str(c.order.number) for c in scene.cases if c.terminal is plan.Terminal.PERSON}
