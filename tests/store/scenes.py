"""Small made-up runs, cases and notices for the store's tests: a number comes in, the nouns of a whole order go out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from makewhole import ports
from makewhole.core import ids, money
from makewhole.flow import execute, record
from makewhole.model import act, case, finding, payment, plan, run, verdict

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SPAN = timedelta(seconds=60)
SHOP = ids.ShopName("lamp")


def order(number: str, shop: str = SHOP) -> ids.OrderKey:
    return ids.OrderKey(shop=ids.ShopName(shop), number=ids.OrderNumber(number))


def made(number: str, *, steps: int = 4, shop: str = SHOP, basis: str = "b") -> plan.Plan:
    return plan.Plan(
        order=order(number, shop),
        ailment=finding.Ailment.STOCK_NOT_RETURNED,
        subject=(f"subject-{number}",),
        basis=basis * 64,
        remedy=plan.Remedy.GIVE_STOCK_BACK,
        terminal=plan.Terminal.RESTORED,
        stake=money.Money(fen=12_800),
        steps=tuple(plan.Step(act=act.GiveStockBack(sku=ids.Sku(f"sku-{i}"), quantity=1)) for i in range(steps)),
    )


def opened(number: str, shop: str = SHOP) -> case.Case:
    found = finding.Finding(
        ailment=finding.Ailment.STOCK_NOT_RETURNED,
        subject=(f"subject-{number}",),
        reason=finding.NOTHING_TELLS,
        stake=money.Money(fen=12_800),
        evidence=(),
    )
    key = order(number, shop)
    return case.Case(id=found.case(key), order=key, finding=found, opened_at=NOW)


def ended(of: case.Case, terminal: plan.Terminal) -> case.Case:
    return case.Case(id=of.id, order=of.order, finding=of.finding, opened_at=of.opened_at, terminal=terminal, reason="test", ended_at=NOW)


def lease(owner: str = "worker-1", at: datetime = NOW) -> ports.Lease:
    return ports.Lease(owner=owner, now=at, span=SPAN)


def begin(
    store: ports.Store,
    of: plan.Plan,
    *,
    reservations: Sequence[verdict.Reservation] = (),
    owner: str = "worker-1",
    at: datetime = NOW,
    known: int | None = None,
) -> ports.Claimed:
    case_id = ids.CaseId(ids.derive("case", of.order))
    return store.begin_run(execute.begin(of, at), case_id, reservations, [record.begun(of, case_id, at)], lease(owner, at), known)


def intended(held: ports.Claimed) -> tuple[run.Run, list[case.Entry]]:
    """The run with its first step intended, and the evidence of that."""
    after, _ = execute.advance(held.run, run.Woken(), NOW)
    return after, [record.intent(after, 0, held.case, NOW)]


def drive(store: ports.Store, of: plan.Plan) -> run.Run:
    """As `engine.drive` does it, with acts that succeed at once: one save for the beginning, one a step, one for the end."""
    held = begin(store, of)
    assert held.fence is not None
    news: run.News = run.Woken()
    going, at = held.run, -1
    while True:
        told = [] if at < 0 else [record.outcome_of_step(going, at, news, held.case, NOW)]
        after, command = execute.advance(going, news, NOW)
        if not isinstance(command, run.Do):
            store.save_run(after, held.fence, [*told, record.ended(after, held.case, NOW)])
            return after
        store.save_run(after, held.fence, [*told, record.intent(after, command.index, held.case, NOW)])
        going, at, news = after, command.index, run.Succeeded()


def reservation(bucket: str, key: str, fen: int, fen_max: int, ground: verdict.Ground = verdict.Ground.DAILY_AMOUNT) -> verdict.Reservation:
    return verdict.Reservation(bucket=bucket, key=key, ground=ground, count=1, amount_fen=fen, amount_max_fen=fen_max)


def notice(key: str, number: str, *, check: payment.NoticeCheck = payment.NoticeCheck.GENUINE, shop: str = SHOP) -> ports.Kept:
    return ports.Kept(
        key=ids.Key(key),
        shop=ids.ShopName(shop),
        channel=ids.ChannelName("wechatpay"),
        number=ids.OutTradeNo(number),
        check=check,
        received_at=NOW,
        headers=(("Wechatpay-Serial", "1"), ("Wechatpay-Serial", "2")),
        body=b'{"id": "\xff\x00"}',
    )


def question(topic: str) -> act.AskPerson:
    sheet = (act.Beside(what="金额", shop="1", channel="2"),)
    return act.AskPerson(topic=topic, question=act.Question(reasons=(), sheet=sheet, choices=("yes", "no")), deadline=NOW + SPAN)
