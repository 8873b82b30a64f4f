"""Attacks 9, 10, 11 and 16 on a shop, a channel and our engine together: what they leave is what there was, or one repair."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from makewhole import ports, settings
from makewhole.adapters.payments import joining
from makewhole.adapters.shops import engines, eyes, language, shopmap
from makewhole.core import ids
from makewhole.engine import look, recover, relay, sweep
from makewhole.model import finding, payment, plan, run
from makewhole.rehearsal import stage
from makewhole.sandbox import day
from makewhole.sandbox.apiv3 import objects
from makewhole.sandbox.channel import post
from makewhole.sandbox.shop import notices as shop_notices
from makewhole.sandbox.shop.defects import Defect
from makewhole.sandbox.shop.schema import Status
from makewhole.sandbox.wechatpay import gateway, keys
from makewhole.web import relay as relay_page
from tests.payments import shop as shops

MINUTE = timedelta(minutes=1)
GRACE = 5 * MINUTE
"""Longer than a callback may be under way."""
CLICKS = 50


@pytest.fixture
def on(tmp_path: Path) -> Iterator[stage.Stage]:
    made = stage.stage(1, tmp_path, store=f"sqlite:///{tmp_path}/store.db")
    yield made
    made.close()


def wait(on: stage.Stage, span: timedelta) -> None:
    on.day.run_until(on.day.clock.now() + span)


def status(on: stage.Stage, sn: str) -> Status:
    return Status(int(on.day.row(sn, "status")))


def times_paid(on: stage.Stage, sn: str) -> int:
    rows = on.day.shop.rows.all("SELECT id FROM order_log WHERE order_sn = ? AND to_status = 20", sn)
    return len(rows)


def stock(on: stage.Stage) -> list[tuple[int, int, int]]:
    return [(r["available"], r["locked"], r["sold"]) for r in on.day.shop.rows.all("SELECT * FROM sku_stock ORDER BY sku_code")]


@contextmanager
def nothing_moves(on: stage.Stage) -> Iterator[None]:
    """The channel's ledger, the shop's stock and its orders are afterwards what they were before."""

    def now() -> object:
        orders = [tuple(r) for r in on.day.shop.rows.all("SELECT order_sn, status, paid_amount, trade_no FROM trade_order ORDER BY id")]
        return list(on.day.bank.ledger), stock(on), orders

    before = now()
    yield
    assert now() == before


def told_of(on: stage.Stage, number: str, **changed: object) -> post.Delivery:
    """A callback, properly sealed and signed now, about this attempt."""
    content = objects.transaction(on.day.bank.transactions[number]) | changed
    made = on.day.channel.notices.announce("TRANSACTION.SUCCESS", content, url="", at=on.day.clock.now())
    return on.day.channel.notices.dress(made)


def arrives(on: stage.Stage, delivery: post.Delivery) -> relay.Answer:
    return relay.receive(on.world, on.reader, delivery.headers, delivery.body)


# ---------------------------------------------------------------- 9


@pytest.mark.parametrize("state", ["CLOSED", "NOTPAY", "PAYERROR", "REVOKED"])
def test_attack_09_success_then_a_late_closing(state: str, on: stage.Stage) -> None:
    """The older word is genuine too, and comes last: it is kept, and the paid order stays paid, for us and for the shop."""
    sn = on.day.order()
    wait(on, MINUTE)
    on.day.pays(sn, day.Fate.RELAY)
    wait(on, MINUTE)
    assert status(on, sn) is Status.PAID
    with nothing_moves(on):
        assert arrives(on, told_of(on, sn, trade_state=state)).status == 200
        relay.forward_due(on.world)
        wait(on, GRACE)
        assert isinstance(look.look(on.world, ids.OrderNumber(sn)).diagnosis, finding.Whole)
        assert recover.recover(on.world, ids.OrderNumber(sn)).state is recover.State.WHOLE
    assert not on.store.due_notices(on.world.eyes.shop, on.day.clock.now() + timedelta(days=2), 10)


def test_attack_09_success_after_our_refund_is_not_handed_on(on: stage.Stage) -> None:
    """A surplus payment that we gave back; its callback, long delayed, must not make the shop deliver for it."""
    sn = on.day.order(Defect.NEW_NUMBER_ON_RETRY)
    second = on.day.shop.pay(sn)
    wait(on, MINUTE)
    on.day.pays(sn, day.Fate.SHOP)
    on.day.pays(second, day.Fate.LOST)
    wait(on, GRACE)
    for _ in range(5):
        sweep.resume_left(on.world)
        recover.recover(on.world, ids.OrderNumber(sn))
        wait(on, 2 * MINUTE)
        if any(r.status == "SUCCESS" for r in on.day.bank.refunds.values()):
            break
    assert on.day.bank.kept(second) == 0
    late = told_of(on, second, trade_state="SUCCESS")
    heard: list[ports.Kept] = []

    class Postman:
        def forward(self, notice: ports.Kept) -> tuple[payment.ShopAnswer, int | None]:
            heard.append(notice)
            return payment.ShopAnswer.ACKNOWLEDGED, 200

    with nothing_moves(on):
        assert arrives(on, late).status == 200
        relay.forward_due(dataclasses.replace(on.world, forwarder=Postman()))
        wait(on, GRACE)
    assert [k for k in heard if k.number == second] == []
    assert (times_paid(on, sn), len(on.day.bank.refunds)) == (1, 1)


# ---------------------------------------------------------------- 10


class Meddler:
    """Stands before a part of the world and lets something happen in the very moment before, or after, one of its calls."""

    def __init__(self, of: object, method: str, meanwhile: Callable[[], object], *, after: bool) -> None:
        self._of, self._method, self._meanwhile, self._after = of, method, meanwhile, after
        self.met = 0

    def __getattr__(self, name: str) -> Any:
        if name != self._method:
            return getattr(self._of, name)

        def call(*given: Any) -> Any:
            told = getattr(self._of, name)(*given) if self._after else None
            if not self.met:
                self.met += 1
                self._meanwhile()
            return told if self._after else getattr(self._of, name)(*given)

        return call


@pytest.mark.parametrize("moment", ["after the rows were read", "after the channel was asked", "before the hand writes", "after it wrote"])
def test_attack_10_the_callback_arrives_while_we_repair(moment: str, on: stage.Stage) -> None:
    """Kept, forwarded and applied by the shop between two of our steps: paid once, sold once, whole."""
    sn = on.day.order()
    wait(on, MINUTE)
    on.day.pays(sn, day.Fate.LOST)
    wait(on, GRACE)
    before = stock(on)

    def arrive() -> None:
        assert arrives(on, told_of(on, sn)).status == 200
        relay.forward_due(on.world)

    world = on.world
    match moment:
        case "after the rows were read":
            meddler = Meddler(world.eyes, "read", arrive, after=True)
            racing = dataclasses.replace(world, eyes=cast("ports.Eyes", meddler))
        case "after the channel was asked":
            meddler = Meddler(world.channels[stage.CHANNEL], "ask", arrive, after=True)
            racing = dataclasses.replace(world, channels={stage.CHANNEL: cast("ports.Channel", meddler)})
        case _:
            meddler = Meddler(world.hands, "do", arrive, after=moment == "after it wrote")
            racing = dataclasses.replace(world, hands=cast("ports.Hands", meddler))
    result = sweep.work(racing, ids.OrderNumber(sn))
    assert meddler.met == 1
    assert result.state is recover.State.WHOLE
    once(on, sn, before)


def test_attack_10_we_repair_while_the_callback_is_handed_on(on: stage.Stage) -> None:
    """The other way round: the shop hears of what we have just written."""
    sn = on.day.order()
    wait(on, MINUTE)
    on.day.pays(sn, day.Fate.LOST)
    wait(on, GRACE)
    before = stock(on)
    assert arrives(on, told_of(on, sn)).status == 200
    meddler = Meddler(on.world.forwarder, "forward", lambda: recover.recover(on.world, ids.OrderNumber(sn)), after=False)
    relay.forward_due(dataclasses.replace(on.world, forwarder=cast("ports.Forwarder", meddler)))
    assert meddler.met == 1
    once(on, sn, before)


def once(on: stage.Stage, sn: str, before: list[tuple[int, int, int]]) -> None:
    """The order is paid, its goods left the locked ones for the sold ones, and both happened one time."""
    assert (status(on, sn), times_paid(on, sn)) == (Status.PAID, 1)
    units = sum(quantity for _, quantity in on.day.shop.rows.lines(sn))
    locked, sold = (sum(now[i] - was[i] for now, was in zip(stock(on), before, strict=True)) for i in (1, 2))
    assert (locked, sold) == (-units, units)
    assert on.store.audit().complaints == ()
    (known,) = on.store.notices(on.world.eyes.shop, ids.OutTradeNo(sn))
    assert known.settled or relay.forward_due(on.world) == 1


def test_attack_10_thirty_callbacks_race_thirty_queries(on: stage.Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that start together: one hands callbacks on, others recover the same orders."""
    # The sandbox's shop has one connection: it answers one request after another, as its own server does.
    answers, turn = shop_notices.receive, threading.Lock()

    def one_after_another(*given: Any) -> shop_notices.Answer:
        with turn:
            return answers(*given)

    monkeypatch.setattr(shop_notices, "receive", one_after_another)
    orders = [on.day.order() for _ in range(30)]
    wait(on, MINUTE)
    for sn in orders:
        on.day.pays(sn, day.Fate.LOST)
    wait(on, GRACE)
    deliveries = [told_of(on, sn) for sn in orders]
    at_once(
        [lambda: [(arrives(on, d), relay.forward_due(on.world)) for d in deliveries], *[_recovering(on, orders[i::3]) for i in range(3)]]
    )
    for sn in orders:
        sweep.work(on.world, ids.OrderNumber(sn))
    assert {times_paid(on, sn) for sn in orders} == {1}
    assert {status(on, sn) for sn in orders} == {Status.PAID}
    assert sum(r["locked"] for r in on.day.shop.rows.all("SELECT locked FROM sku_stock")) == 0
    assert on.store.audit().complaints == ()


def _recovering(on: stage.Stage, orders: list[str]) -> Callable[[], object]:
    return lambda: [sweep.work(on.world, ids.OrderNumber(sn)) for sn in orders]


def at_once(works: list[Callable[[], object]]) -> None:
    """Each on a thread of its own; what one raises is raised here."""
    start, wrong = threading.Barrier(len(works)), []

    def go(work: Callable[[], object]) -> None:
        start.wait()
        try:
            work()
        except BaseException as raised:  # noqa: BLE001 - raised below
            wrong.append(raised)

    threads = [threading.Thread(target=go, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise wrong[0]


# ---------------------------------------------------------------- 11


def test_attack_11_fifty_double_clicks_refund_once(on: stage.Stage) -> None:
    """Fifty at once on an order that was paid twice: one refund at the channel, one use of the limits, one run that sent it."""
    sn = on.day.order(Defect.NEW_NUMBER_ON_RETRY)
    second = on.day.shop.pay(sn)
    wait(on, MINUTE)
    on.day.pays(sn, day.Fate.SHOP)
    on.day.pays(second, day.Fate.LOST)
    wait(on, GRACE)
    results: list[recover.Result] = []
    at_once([lambda: results.append(sweep.work(on.world, ids.OrderNumber(sn)))] * CLICKS)
    assert len(results) == CLICKS
    assert recover.State.DEFECT not in {r.state for r in results}
    assert [r.amount for r in on.day.bank.refunds.values()] == [on.day.due_fen(sn)]
    assert [route for route, _ in on.day.channel.asked].count("refund") == 1
    key = ids.OrderKey(shop=on.world.eyes.shop, number=ids.OrderNumber(sn))
    assert [r.plan.remedy for r in on.store.runs_of(key)] == [plan.Remedy.REFUND_SURPLUS]
    assert on.day.bank.kept(sn) + on.day.bank.kept(second) == on.day.due_fen(sn)
    assert on.store.audit().complaints == ()


def test_attack_11_fifty_clicks_past_the_engine_are_one_refund(on: stage.Stage) -> None:
    """The same step fifty times at the connector itself: derived numbers make them one."""
    sn = on.day.order()
    wait(on, MINUTE)
    on.day.pays(sn, day.Fate.SHOP)
    wait(on, GRACE)
    paid = on.day.bank.transactions[sn]
    number = ids.refund_no(on.world.eyes.shop, ids.TransactionId(paid.transaction_id))
    step = shops.refund_step(paid, number=number)
    key = ids.OrderKey(shop=on.world.eyes.shop, number=ids.OrderNumber(sn))
    news: list[run.News] = []
    at_once([lambda: news.append(on.world.channels[stage.CHANNEL].do(key, step, on.day.clock.now()))] * CLICKS)
    assert len(news) == CLICKS
    assert not [n for n in news if not isinstance(n, run.Pending | run.Succeeded)]
    assert list(on.day.bank.refunds) == [number]
    assert on.day.bank.kept(sn) == 0


# ---------------------------------------------------------------- 16


def neighbour(on: stage.Stage, folder: Path) -> stage.Stage:
    """Another shop of another merchant with a database of its own, kept in the same store: its orders have the very same numbers."""
    folder.mkdir()
    made = stage.stage(1, folder)
    text = settings.find_data("shops", "demo").read_text(encoding="utf-8").replace('name = "demo"', 'name = "other"', 1)
    (folder / "other.toml").write_text(text, encoding="utf-8")
    map_ = shopmap.compile_map(language.load(folder / "other.toml"))
    seeing = eyes.attach(map_, engines.for_eyes(f"sqlite:///{folder}/shop.db"), made.day.clock, stage.SECRET)
    world = dataclasses.replace(made.world, eyes=seeing, store=on.store)
    channel = cast("Any", made.world.channels[stage.CHANNEL])
    return stage.Stage(day=made.day, store=on.store, world=world, reader=channel.callbacks(seeing.shop))


def test_attack_16_another_shops_order_of_the_same_number(on: stage.Stage, tmp_path: Path) -> None:
    """One store, two shops, equal numbers: what is kept, found, run and asked for one is nothing to the other."""
    other = neighbour(on, tmp_path / "other")
    sn, theirs = on.day.order(Defect.REFUSES_NOTICES), other.day.order()
    assert (sn, other.world.eyes.shop) == (theirs, "other")
    for each in (on, other):
        wait(each, MINUTE)
    on.day.pays(sn, day.Fate.LOST)
    assert arrives(on, told_of(on, sn)).status == 200
    for each in (on, other):
        wait(each, GRACE)
    number = ids.OrderNumber(sn)
    later = on.day.clock.now() + timedelta(hours=1)
    with nothing_moves(other):
        seen = look.look(other.world, number)
        assert not seen.dossier.of(payment.Notice)
        assert not [a for a in seen.dossier.of(payment.Attempt) if a.state in payment.TOOK_MONEY]
        assert list(on.store.due_notices(other.world.eyes.shop, later, 10)) == []
        assert relay.forward_due(other.world) == 0
        assert list(on.store.unsettled_payments(other.world.eyes.shop, later)) == []
        result = sweep.work(on.world, number)
        assert result.state is recover.State.WHOLE
        assert on.store.cases(seen.order) == []
        assert list(on.store.runs_of(seen.order)) == []
        lease = ports.Lease(owner="them", now=later, span=timedelta(seconds=60))
        assert list(on.store.claim_runs(other.world.eyes.shop, lease, 10)) == []
        assert sweep.work(other.world, number).state is not recover.State.BROKEN
    assert (status(on, sn), status(other, theirs)) == (Status.PAID, Status.UNPAID)
    assert len(on.store.cases()) == 1


def test_attack_16_a_link_of_one_shop_is_none_of_the_others(on: stage.Stage, tmp_path: Path) -> None:
    """A payment that was decided to belong to an order leads nobody of another shop there."""
    other = neighbour(on, tmp_path / "other")
    number, order = ids.OutTradeNo("P1"), ids.OrderNumber("A1")
    on.store.link(on.world.eyes.shop, number, order, "test")
    assert on.store.linked(other.world.eyes.shop, number) is None
    assert list(on.store.numbers_of(ids.OrderKey(shop=other.world.eyes.shop, number=order))) == []


def test_attack_16_a_callback_of_another_merchant_moves_nothing(on: stage.Stage) -> None:
    """Signed by the same channel, sealed under its own merchant's key, about our order's number."""
    sn = on.day.order()
    wait(on, MINUTE)
    foreign = gateway.Gateway(on.day.clock, merchant=gateway.Merchant(mchid="1900000002", appid="wxstranger"), public_key_mode=True)
    foreign.truth.pay_unknown(sn, on.day.due_fen(sn), appid="wxstranger", mchid="1900000002", notify_url="https://x.test")
    (told,) = foreign.notices.all
    delivery = foreign.notices.dress(told)
    with nothing_moves(on):
        assert arrives(on, delivery).status == 401
        wait(on, GRACE)
        assert relay.forward_due(on.world) == 0
        assert not look.look(on.world, ids.OrderNumber(sn)).dossier.of(payment.Notice)
        assert not isinstance(look.look(on.world, ids.OrderNumber(sn)).diagnosis, finding.Broken)


@pytest.mark.parametrize("number", ["", "T1", "../../v3/refund", "A" * 200, "%2e%2e/", "1 OR 1=1", "T\x00", "../certificates?x="])
def test_attack_16_guessed_numbers_reach_no_path_and_no_row(number: str, on: stage.Stage) -> None:
    """Whatever is asked for by number is asked as a value: an order that does not exist, and nothing moves."""
    on.day.order()
    wait(on, MINUTE)
    with nothing_moves(on):
        seen = look.look(on.world, ids.OrderNumber(number))
        assert not isinstance(seen.diagnosis, finding.Broken)
        assert sweep.work(on.world, ids.OrderNumber(number)).state in {recover.State.WHOLE, recover.State.UNJUDGED}
    assert {route for route, _ in on.day.channel.asked} <= {"create", "query"}


def asked_of_the_page(on: stage.Stage, method: str, path: str, headers: Any = (), body: bytes = b"") -> tuple[int, bytes]:
    """One request to the relay's page, without a socket."""
    page = relay_page.app(
        {"wechatpay": (lambda told, raw: relay.receive(on.world, on.reader, told, raw), joining.in_json)},
        answer_within_s=5,
    )
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(dict(message))

    raw = [(k.lower().encode(), v.encode()) for k, v in headers]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": raw,
        "root_path": "",
    }
    asyncio.run(page(scope, receive, send))
    return sent[0]["status"], b"".join(m.get("body", b"") for m in sent[1:])


def test_attack_16_the_relays_address_gives_nothing_away(on: stage.Stage) -> None:
    """Who forges a callback for an order that exists hears what he hears for one that does not; no path tells of orders at all."""
    sn = on.day.order()
    wait(on, MINUTE)
    on.day.pays(sn, day.Fate.LOST)
    wait(on, MINUTE)
    content = objects.transaction(on.day.bank.transactions[sn])
    answers = set()
    for number in (sn, "T20200101000000000001", "../x"):
        made = on.day.channel.notices.announce("TRANSACTION.SUCCESS", content | {"out_trade_no": number}, url="", at=on.day.clock.now())
        for key in ("stranger", "merchant"):
            forged = on.day.channel.notices.forge(made, key=key)
            answers.add(asked_of_the_page(on, "POST", "/notify/wechatpay", forged.headers, forged.body))
        stale = dict(on.day.channel.notices.dress(made).headers) | {"Wechatpay-Timestamp": "1500000000"}
        answers.add(asked_of_the_page(on, "POST", "/notify/wechatpay", stale.items(), b"{}"))
        unknown = stale | {"Wechatpay-Serial": "7" * 40}
        answers.add(asked_of_the_page(on, "POST", "/notify/wechatpay", unknown.items(), b"{}"))
    assert len({body for _, body in answers}) <= 2
    assert answers == {(401, b'{"code":"FAIL","message":"not accepted"}')}
    for path in ("/", f"/orders/{sn}", f"/notify/wechatpay/{sn}", "/notify/alipay", "/notify", "/notify/../store", "/docs", "/metrics"):
        assert asked_of_the_page(on, "GET", path)[0] in {404, 405}
        assert asked_of_the_page(on, "POST", path)[0] in {404, 405}
    assert asked_of_the_page(on, "GET", "/notify/wechatpay")[0] == 405
    assert asked_of_the_page(on, "GET", "/healthz") == (200, b"ok\n")
    assert keys.APIV3_KEY.encode() not in b"".join(body for _, body in answers)
