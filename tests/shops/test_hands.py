"""Each hand on each database: applied once and exactly, harmless when repeated, refused with nothing moved when anything is not as read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from makewhole.adapters.shops import hands
from makewhole.core import faults, ids, money
from makewhole.model import act, order, plan, run
from tests.shops import tea
from tests.shops.conftest import CREATED, Shop

WX, NEW = ids.ChannelName("wechatpay"), ids.OrderNumber("C1R1")
OF = ids.Key("d" * ids.KEY_LENGTH)
A, B = ids.Sku("a"), ids.Sku("b")
ITEMS = (order.Item(sku=B, quantity=1), order.Item(sku=A, quantity=2))
PAID: dict[str, Any] = {
    "channel": WX,
    "payment": ids.OutTradeNo("X"),
    "transaction": ids.TransactionId("T9"),
    "amount": money.Money(fen=12850),
    "paid_at": CREATED,
}
ACTS: dict[str, tuple[str, act.AnyAct]] = {
    "record-payment": ("O1", act.RecordPayment(**PAID)),
    "accept-late": ("C1", act.AcceptLate(**PAID, items=ITEMS, coupon=ids.CouponId("c-C1"))),
    "close-expired": ("O1", act.CloseExpired(items=ITEMS, coupon=ids.CouponId("c-O1"))),
    "reopen-unpaid": ("P1", act.ReopenUnpaid(difference=OF)),
    "close-unpaid": ("P1", act.CloseUnpaid(difference=OF, items=ITEMS, coupon=ids.CouponId("c-P1"))),
    "reissue-order": ("C1", act.ReissueOrder(new_number=NEW, expires_at=tea.NOW, items=ITEMS)),
    "record-refund": ("P1", act.RecordRefund(number=ids.RefundNo("R9"), amount=money.Money(fen=12850), full=True)),
    "give-stock-back": ("C1", act.GiveStockBack(sku=A, quantity=2)),
    "take-stock-back": ("C1", act.TakeStockBack(sku=A, quantity=2)),
    "give-coupon-back": ("P1", act.GiveCouponBack(coupon=ids.CouponId("c-P1"))),
}
STAMP = int(CREATED.timestamp())
NOW = tea.wall(tea.NOW)
EFFECTS: dict[str, dict[str, set[str]]] = {
    "record-payment": {
        "t_order": {f"1: state 0→1, paid None→12850, paid_at 0→{STAMP}, channel none→wx, txn None→T9, ver 0→1"},
        "t_sku": {"a: stock 10→8, locked 2→0", "b: stock 10→9, locked 1→0"},
        "t_log": {"+order_id 1, note KEY, at NOW"},
    },
    "accept-late": {
        "t_order": {
            f"2: state 0→1, is_del 1→0, paid None→12850, paid_at 0→{STAMP}, closed_at CLOSED→None, channel none→wx, txn None→T9, ver 0→1"
        },
        "t_sku": {"a: stock 10→8", "b: stock 10→9"},
        "t_flow": {"+order_id 2, sku a, num -2, mark KEY", "+order_id 2, sku b, num -1, mark KEY"},
        "t_coupon": {"c-C1: order_id None→2, state 0→1, used None→NOW"},
    },
    "close-expired": {
        "t_order": {"1: is_del 0→1, closed_at None→NOW, ver 0→1"},
        "t_sku": {"a: locked 2→0", "b: locked 1→0"},
        "t_flow": {"+order_id 1, sku a, num 2, mark KEY", "+order_id 1, sku b, num 1, mark KEY"},
        "t_coupon": {"c-O1: order_id 1→None, state 1→0, used CREATED→None"},
    },
    "reopen-unpaid": {
        "t_order": {f"3: state 1→0, paid 12850→None, paid_at {STAMP}→0, txn T3→None, ver 0→1"},
        "t_log": {"+order_id 3, note KEY, at NOW"},
    },
    "close-unpaid": {
        "t_order": {f"3: state 1→0, is_del 0→1, paid 12850→None, paid_at {STAMP}→0, closed_at None→NOW, txn T3→None, ver 0→1"},
        "t_sku": {"a: locked 2→0", "b: locked 1→0"},
        "t_flow": {"+order_id 3, sku a, num 2, mark KEY", "+order_id 3, sku b, num 1, mark KEY"},
        "t_coupon": {"c-P1: order_id 3→None, state 1→0, used CREATED→None"},
        "t_log": {"+order_id 3, note KEY, at NOW"},
    },
    "reissue-order": {
        "t_order": {
            (
                "+sn C1R1, buyer m1, state 0, is_del 0, due 128.50, parts 12850, created NOW, paid_at 0, expires_at NOW, coupon c-C1, "
                "kind 1, origin C1, ver 0"
            )
        },
        "t_item": {
            "+order_id 1000002, sn C1R1, sku a, num 2, amount 64.25",
            "+order_id 1000002, sn C1R1, sku b, num 1, amount 64.25",
        },
        "t_sku": {"a: locked 2→4", "b: locked 1→2"},
        "t_log": {"+order_id 2, note C1R1, at NOW"},
    },
    "record-refund": {
        "t_order": {"3: state 1→9, ver 0→1"},
        "t_refund": {"+order_id 3, refund_no R9, amount 128.50, state 1, asked NOW, done NOW"},
    },
    "give-stock-back": {"t_sku": {"a: stock 10→12"}, "t_flow": {"+order_id 2, sku a, num 2, mark KEY"}},
    "take-stock-back": {"t_sku": {"a: stock 10→8"}, "t_flow": {"+order_id 2, sku a, num -2, mark KEY"}},
    "give-coupon-back": {
        "t_coupon": {"c-P1: order_id 3→None, state 1→0, used CREATED→None"},
        "t_log": {"+order_id 3, note KEY, at NOW"},
    },
}
"""What each act changes, table by table; nothing else may move."""

every_act = pytest.mark.parametrize("name", sorted(ACTS))


def given(shop: Shop, name: str) -> tuple[ids.OrderKey, plan.Step]:
    """The step as a plan would have it: compared with what the eyes read."""
    number, told = ACTS[name]
    return key(number), plan.Step(act=told, expects=shop.order(number).version)


def key(number: str) -> ids.OrderKey:
    return ids.OrderKey(shop=ids.ShopName("tea"), number=ids.OrderNumber(number))


def spelled(value: object, words: dict[str, str]) -> str:
    told = f"{value:.2f}" if isinstance(value, float) else str(value)
    return words.get(told, told)


def moved(shop: Shop, before: dict[str, list[tuple[object, ...]]], words: dict[str, str]) -> dict[str, set[str]]:
    """What is different now, in words."""
    found: dict[str, set[str]] = {}
    with shop.writer.connect() as connection:
        names = {t: [c["name"] for c in sa.inspect(connection).get_columns(t)] for t in before}
    for table, rows in shop.rows().items():
        old = {r[0]: r for r in before[table]}
        for row in rows:
            was = old.pop(row[0], None)
            pairs = list(zip(names[table], was or (None,) * len(row), row, strict=True))
            if was is None:
                told = ", ".join(f"{n} {spelled(v, words)}" for n, _, v in pairs if v is not None and n != "id")
                found.setdefault(table, set()).add(f"+{told}")
            elif was != row:
                told = ", ".join(f"{n} {spelled(w, words)}→{spelled(v, words)}" for n, w, v in pairs if w != v)
                found.setdefault(table, set()).add(f"{row[0]}: {told}")
        assert old == {}
    return found


@every_act
def test_a_hand_does_exactly_what_it_declares_once(shop: Shop, name: str) -> None:
    """Every column that moves is named here; the second time nothing moves; looking agrees before and after."""
    order_key, step = given(shop, name)
    words = {plan.key(order_key, step): "KEY", str(NOW): "NOW", str(tea.wall(CREATED)): "CREATED", closed_at(): "CLOSED"}
    before = shop.rows()
    assert shop.hands.look(order_key, step, tea.NOW) == run.Saw(there=False)
    assert shop.rows() == before
    assert shop.hands.do(order_key, step, tea.NOW) == run.Succeeded()
    assert moved(shop, before, words) == EFFECTS[name]
    after = shop.rows()
    assert shop.hands.look(order_key, step, tea.NOW) == run.Saw(there=True)
    assert isinstance(shop.hands.do(order_key, step, tea.NOW), run.Succeeded)
    assert shop.rows() == after


def closed_at() -> str:
    return "2026-11-23 10:30:00"


@every_act
def test_a_row_that_changed_since_it_was_read_is_refused(shop: Shop, name: str) -> None:
    """One watched column is enough, and nothing moves."""
    order_key, step = given(shop, name)
    shop.sql(f"UPDATE t_order SET link = 'elsewhere' WHERE sn = '{order_key.number}'")
    before = shop.rows()
    with pytest.raises(faults.Rejected, match="row changed"):
        shop.hands.do(order_key, step, tea.NOW)
    assert shop.rows() == before


@pytest.mark.parametrize("name", ["record-payment", "close-expired", "accept-late", "reissue-order", "take-stock-back"])
def test_a_statement_that_touches_too_few_rows_rolls_the_whole_back(shop: Shop, name: str) -> None:
    """One unit short of what is needed: the order stays as it was, the statement is named."""
    order_key, step = given(shop, name)
    shop.sql("UPDATE t_sku SET stock = 2, locked = 1 WHERE sku = 'a'")
    before = shop.rows()
    with pytest.raises(faults.Rejected, match=r"t_sku.*declared were 1") as refused:
        shop.hands.do(order_key, step, tea.NOW)
    assert "(sku a)" in refused.value.why or name == "take-stock-back"
    assert shop.rows() == before


def crash_at(shop: Shop, wanted: str) -> Callable[[], None]:
    """The database connection breaks just before a statement that begins so; the returned function mends it."""

    def break_it(connection: sa.Connection, cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(wanted):
            raise MemoryError("the process is gone")

    sa.event.listen(shop.writer, "before_cursor_execute", break_it)
    return lambda: sa.event.remove(shop.writer, "before_cursor_execute", break_it)


@every_act
def test_a_crash_before_the_commit_leaves_nothing(shop: Shop, name: str) -> None:
    """Whatever statement it hits: the transaction dies with its connection, and the act can be done afterwards."""
    order_key, step = given(shop, name)
    before = shop.rows()
    for beginning in ("INSERT", "UPDATE"):
        mend = crash_at(shop, beginning)
        try:
            with pytest.raises(MemoryError):
                shop.hands.do(order_key, step, tea.NOW)
        finally:
            mend()
        assert shop.rows() == before
    assert shop.hands.look(order_key, step, tea.NOW) == run.Saw(there=False)
    assert shop.hands.do(order_key, step, tea.NOW) == run.Succeeded()


def test_undoing_a_reissue_closes_it_and_frees_its_units(shop: Shop) -> None:
    """The undo step compares with nothing: it names the new number itself."""
    order_key, step = given(shop, "reissue-order")
    shop.hands.do(order_key, step, tea.NOW)
    undo = plan.Step(act=act.CancelReissue(new_number=NEW, items=ITEMS))
    assert shop.hands.look(order_key, undo, tea.NOW) == run.Saw(there=False)
    assert shop.hands.do(order_key, undo, tea.NOW) == run.Succeeded()
    assert shop.hands.look(order_key, undo, tea.NOW) == run.Saw(there=True)
    assert shop.sql("SELECT state, is_del FROM t_order WHERE sn = 'C1R1'") == [(0, 1)]
    assert shop.sql("SELECT sku, locked FROM t_sku ORDER BY sku") == [("a", 2), ("b", 1)]


def test_a_partial_refund_leaves_the_order_where_it_was(shop: Shop) -> None:
    """`when` leaves a statement out."""
    refund = act.RecordRefund(number=ids.RefundNo("R9"), amount=money.Money(fen=50), full=False)
    assert shop.hands.do(key("P1"), plan.Step(act=refund, expects=shop.order("P1").version), tea.NOW) == run.Succeeded()
    assert shop.order("P1").state is order.OrderState.AWAITING_SHIPMENT
    assert [float(str(r[0])) for r in shop.sql("SELECT amount FROM t_refund")] == [0.5]


def test_an_order_that_is_not_there_or_there_twice_is_refused(shop: Shop) -> None:
    """Nobody writes on a number that names no row, or two."""
    step = given(shop, "record-payment")[1]
    with pytest.raises(faults.Rejected, match="0 rows"):
        shop.hands.do(key("NONE"), step, tea.NOW)
    shop.sql("UPDATE t_order SET sn = 'O1' WHERE sn = 'P1'")
    before = shop.rows()
    for asked in (shop.hands.do, shop.hands.look):
        with pytest.raises(faults.Rejected, match="2 rows"):
            asked(key("O1"), step, tea.NOW)
    assert shop.rows() == before


def test_a_channel_without_a_code_is_refused(shop: Shop) -> None:
    """The shop could not say who was paid."""
    told = act.RecordPayment(**{**PAID, "channel": ids.ChannelName("paypal")})
    with pytest.raises(faults.Rejected, match="paypal"):
        shop.hands.do(key("O1"), plan.Step(act=told, expects=shop.order("O1").version), tea.NOW)


def test_a_preview_says_what_the_hand_then_does_and_moves_nothing(shop: Shop) -> None:
    """Read with the read-only account; row by row, before and after."""
    order_key, step = given(shop, "close-expired")
    before = shop.rows()
    lines = shop.hands.preview(order_key, step, tea.NOW)
    assert shop.rows() == before
    mark = plan.key(order_key, step)
    assert lines == (
        f"t_order id=1 is_del: 0 → 1, closed_at: NULL → {NOW}, ver: 0 → 1",
        "t_sku sku=a locked: 2 → 0",
        "t_sku sku=b locked: 1 → 0",
        f"t_flow + order_id = 1, sku = a, num = 2, mark = {mark}",
        f"t_flow + order_id = 1, sku = b, num = 1, mark = {mark}",
        f"t_coupon id=c-O1 state: 1 → 0, order_id: 1 → NULL, used: {tea.wall(CREATED)} → NULL",
    )
    shop.sql("UPDATE t_sku SET locked = 1 WHERE sku = 'a'")
    shop.sql("UPDATE t_order SET link = 'x' WHERE sn = 'O1'")
    warned = shop.hands.preview(order_key, step, tea.NOW)
    assert "refused: the order's row has changed since it was read" in warned
    assert "refused: units are free again: 0 rows of t_sku now, declared are 1" in warned
    fresh = plan.Step(act=step.act, expects=shop.order("O1").version)
    shop.sql("UPDATE t_sku SET locked = 2 WHERE sku = 'a'")
    shop.hands.do(order_key, fresh, tea.NOW)
    assert shop.hands.preview(order_key, fresh, tea.NOW) == ("nothing: it is done already",)


def test_an_insert_that_waits_for_another_is_previewed_as_such(shop: Shop) -> None:
    """What an earlier statement gives is not known yet, and that is no refusal."""
    lines = shop.hands.preview(*given(shop, "reissue-order"), tea.NOW)
    assert not [line for line in lines if line.startswith("refused")]
    assert any(line.startswith("t_order + id = 1000002, sn = C1R1") for line in lines)


def replaying(shop: Shop, news: run.News | None, effect: str | None = None) -> hands.SqlHands:
    """Hands with a shop that answers a replayed callback so, and does this with it."""

    def replay(_: ids.OrderKey, __: plan.Step) -> run.News | None:
        if effect:
            shop.sql(effect)
        return news

    return hands.attach(tea.shop_map(), shop.writer, shop.reader, replay=replay)


APPLIED = "UPDATE t_order SET state = 1, txn = 'T9' WHERE sn = 'O1'"


@pytest.mark.parametrize(
    "news, effect, answered, stock",
    [
        # The shop took it and applied it: its own chain ran, ours did not.
        (run.Succeeded(), APPLIED, run.Succeeded, 10),
        # It said yes and its row shows nothing: believed only once it does.
        (run.Succeeded(), None, run.Pending, 10),
        # It refused: then we say so, and write nothing behind its back.
        (run.Refusal(why="no"), None, run.Refusal, 10),
        # No callback was kept: the next kind of hand.
        (None, None, run.Succeeded, 8),
    ],
)
def test_a_callback_is_replayed_before_anything_is_written(
    shop: Shop, news: run.News | None, effect: str | None, answered: type[run.News], stock: int
) -> None:
    """The best hand is the shop's own."""
    order_key, step = given(shop, "record-payment")
    acting = replaying(shop, news, effect)
    assert isinstance(acting.do(order_key, step, tea.NOW), answered)
    assert shop.sql("SELECT stock FROM t_sku WHERE sku = 'a'") == [(stock,)]
    assert "hand the kept callback" in acting.preview(order_key, step, tea.NOW)[0] or answered is run.Succeeded


def test_a_call_is_filled_in_and_believed_only_by_the_rows(shop: Shop) -> None:
    """Without a caller attached the act has no hand; with one, an absent effect proves nothing."""
    step = plan.Step(act=act.PublishLink(new_number=NEW, channel=WX))
    assert not shop.hands.can(step)
    with pytest.raises(faults.Rejected, match="attached"):
        shop.hands.do(key("O1"), step, tea.NOW)
    calls: list[hands.Call] = []

    def call(made: hands.Call) -> run.News:
        calls.append(made)
        return run.Succeeded()

    acting = hands.attach(tea.shop_map(), shop.writer, shop.reader, call=call)
    assert acting.can(step)
    assert acting.do(key("O1"), step, tea.NOW) == run.Succeeded()
    expected = hands.Call(method="POST", path="/admin/orders/C1R1/link", body={"channel": "wechatpay"}, key=plan.key(key("O1"), step))
    assert calls == [expected]
    assert acting.look(key("O1"), step, tea.NOW) == run.Saw(there=None, why="the shop's API may still be at work on it")
    assert acting.preview(key("O1"), step, tea.NOW) == ("POST /admin/orders/C1R1/link {'channel': 'wechatpay'}",)
    shop.sql("INSERT INTO t_order (id, sn, link) VALUES (9, 'C1R1', 'weixin://x')")
    assert acting.look(key("O1"), step, tea.NOW) == run.Saw(there=True)


def test_hands_know_what_they_can(shop: Shop) -> None:
    """Every act but the one that wants a caller."""
    assert all(shop.hands.can(plan.Step(act=told)) for _, told in ACTS.values())
    assert not shop.hands.can(plan.Step(act=act.ClosePayment(channel=WX, payment=ids.OutTradeNo("X"))))


def test_two_at_once_apply_it_once(shop: Shop) -> None:
    """Two workers with the same step, at the same moment: one effect, and the second is told that it was done."""
    order_key, step = given(shop, "record-payment")
    start, news = threading.Barrier(2), []

    def work() -> None:
        start.wait()
        news.append(shop.hands.do(order_key, step, tea.NOW))

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(n.detail for n in news if isinstance(n, run.Succeeded)) == ["", "it was done before"]
    assert shop.sql("SELECT stock, locked FROM t_sku WHERE sku = 'a'") == [(8, 0)]
