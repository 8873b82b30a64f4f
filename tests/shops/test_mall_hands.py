"""The hands of mall on its real tables: what paySuccess and cancelOrder would have done, and nothing when the stock does not allow it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from makewhole.adapters.shops import engines, eyes, hands, language, shopmap
from makewhole.core import clock, faults, ids, money
from makewhole.model import act, order, payment, plan, resource, run
from tests.servers import launch
from tests.shops import mall

pytestmark = pytest.mark.server

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
NUMBER = ids.OrderNumber("202305110100000005")
KEY = ids.OrderKey(shop=ids.ShopName("mall"), number=NUMBER)
NEW = ids.OrderNumber("202305110100000005R1")
SKU = order.Item(sku=ids.Sku("201"), quantity=1)
PAID = act.RecordPayment(
    channel=ids.ChannelName("alipay"),
    payment=ids.OutTradeNo(NUMBER),
    transaction=ids.TransactionId("2023051122001"),
    amount=money.Money(fen=599900),
    paid_at=datetime(2023, 5, 11, 7, 40, tzinfo=UTC),
)
LATE = act.AcceptLate(
    channel=PAID.channel, payment=PAID.payment, transaction=PAID.transaction, amount=PAID.amount, paid_at=PAID.paid_at, items=(SKU,)
)
CLOSE = act.CloseExpired(items=(SKU,))
UNPAID = act.CloseUnpaid(difference=ids.Key("d"))
REISSUE = act.ReissueOrder(new_number=NEW, expires_at=NOW, items=(SKU,))


@dataclass(frozen=True, kw_only=True)
class Mall:
    """The dump, attached."""

    server: launch.Server
    database: str
    eyes: eyes.SqlEyes
    hands: hands.SqlHands

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        with self.server.root_connection(self.database) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return [tuple(r) for r in cursor.fetchall()]

    def step(self, told: act.AnyAct) -> plan.Step:
        """Compared with the row as it is now."""
        heard = self.eyes.read([NUMBER])[NUMBER][0]
        return plan.Step(act=told, expects=next(c.version for c in heard if isinstance(c, order.ShopOrder)))

    def state(self) -> tuple[object, ...]:
        """Order 73, its sku, its member's points and coupon, its history."""
        return (
            self.sql("SELECT status, payment_time, pay_type FROM oms_order WHERE id = 73"),
            self.sql("SELECT stock, lock_stock FROM pms_sku_stock WHERE id = 201"),
            self.sql("SELECT integration FROM ums_member WHERE id = 11"),
            self.sql("SELECT id, use_status FROM sms_coupon_history WHERE member_id = 11 AND coupon_id = 28 ORDER BY id"),
            self.sql("SELECT order_status, operate_man FROM oms_order_operate_history WHERE order_id = 73"),
            self.sql("SELECT COUNT(*) FROM oms_order"),
        )


@pytest.fixture
def shop(mariadb: launch.Server) -> Iterator[Mall]:
    """Order 73 is open: one unit of sku 201 (195 in stock, 1 locked). Here it also used a coupon of campaign 28 and 100 points."""
    database = mall.load(mariadb)
    map_ = shopmap.compile_map(language.load(mall.SHOP_FILE))
    reader, writer = engines.for_eyes(mariadb.url(database, "reader")), engines.for_hands(mariadb.url(database))
    seeing = eyes.attach(map_, reader, clock.ManualClock(NOW), b"a secret of this test")
    made = Mall(server=mariadb, database=database, eyes=seeing, hands=hands.attach(map_, writer, reader))
    made.sql("UPDATE oms_order SET coupon_id = 28, use_integration = 100 WHERE id = 73")
    made.sql("UPDATE ums_member SET integration = 500 WHERE id = 11")
    yield made
    reader.dispose()
    writer.dispose()


def test_record_payment_is_what_pay_success_does(shop: Mall) -> None:
    """Status, time and way of payment; the locked unit is sold; a line of history."""
    step = shop.step(PAID)
    assert shop.hands.do(KEY, step, NOW) == run.Succeeded()
    assert shop.state() == (
        [(1, datetime(2023, 5, 11, 15, 40), 1)],  # noqa: DTZ001  mall's own wall clock
        [(194, 0)],
        [(500,)],
        [(47, 1), (50, 0)],
        [(1, "makewhole")],
        [(65,)],
    )
    assert shop.hands.look(KEY, step, NOW) == run.Saw(there=True)
    assert shop.hands.do(KEY, step, NOW) == run.Succeeded(detail="it was done before")


def test_close_expired_is_what_cancel_order_does(shop: Mall) -> None:
    """Closed, the lock released, the member's first used coupon of that campaign and the points given back."""
    assert shop.hands.do(KEY, shop.step(CLOSE), NOW) == run.Succeeded()
    assert shop.state() == ([(4, None, 0)], [(195, 0)], [(600,)], [(47, 0), (50, 0)], [(4, "makewhole")], [(65,)])


def test_a_payment_that_never_came_is_taken_back_as_the_console_closes(shop: Mall) -> None:
    """The row and a line of history, once; whether units, coupon and points ever moved no row tells. Once it is sent, nothing moves."""
    shop.hands.do(KEY, shop.step(PAID), NOW)
    _, stock, points, coupons, _, orders = shop.state()
    step = shop.step(UNPAID)
    for _ in range(2):
        assert isinstance(shop.hands.do(KEY, step, NOW), run.Succeeded)
        history = [(1, "makewhole"), (4, "makewhole")]
        assert shop.state() == ([(4, None, 0)], stock, points, coupons, history, orders)
    shop.sql("UPDATE oms_order SET status = 2, delivery_time = NOW() WHERE id = 73")
    before, again = shop.state(), act.CloseUnpaid(difference=ids.Key("e"))
    with pytest.raises(faults.Rejected, match="touched 0 rows of oms_order"):
        shop.hands.do(KEY, shop.step(again), NOW)
    assert shop.state() == before
    assert not shop.hands.can(plan.Step(act=act.ReopenUnpaid(difference=ids.Key("d"))))


def test_a_late_payment_takes_everything_again(shop: Mall) -> None:
    """After the close: stock that nobody holds, the coupon, the points."""
    shop.hands.do(KEY, shop.step(CLOSE), NOW)
    assert shop.hands.do(KEY, shop.step(LATE), NOW) == run.Succeeded()
    orders, stock, points, coupons, history, _ = shop.state()
    assert (orders, stock, points) == ([(1, datetime(2023, 5, 11, 15, 40), 1)], [(194, 0)], [(500,)])  # noqa: DTZ001
    assert (coupons, history) == ([(47, 1), (50, 0)], [(4, "makewhole"), (1, "makewhole")])


def test_a_reissue_is_a_second_order_with_the_same_lines(shop: Mall) -> None:
    """The unit is locked, coupon and points are taken; its undoing gives all of it back."""
    shop.hands.do(KEY, shop.step(CLOSE), NOW)
    step = plan.Step(act=REISSUE)
    assert shop.hands.do(KEY, step, NOW) == run.Succeeded()
    new = shop.sql(f"SELECT id, status, pay_amount, coupon_id, use_integration FROM oms_order WHERE order_sn = '{NEW}'")
    assert [tuple(map(str, r[1:])) for r in new] == [("0", "5999.00", "28", "100")]
    assert shop.sql(f"SELECT order_id, product_sku_id, product_quantity FROM oms_order_item WHERE order_sn = '{NEW}'") == [
        (new[0][0], 201, 1)
    ]
    assert shop.state()[1:4] == ([(195, 1)], [(500,)], [(47, 1), (50, 0)])
    read = shop.eyes.read([NUMBER])[NUMBER][0]
    assert [c.order for c in read if isinstance(c, resource.Reissue)] == [NEW]
    undo = plan.Step(act=act.CancelReissue(new_number=NEW, items=(SKU,)))
    assert shop.hands.do(KEY, undo, NOW) == run.Succeeded()
    assert shop.state()[1:4] == ([(195, 0)], [(600,)], [(47, 0), (50, 0)])
    assert shop.hands.look(KEY, undo, NOW) == run.Saw(there=True)


def test_a_refund_is_a_finished_return(shop: Mall) -> None:
    """And the eyes read it back under the number that the channel knows."""
    shop.hands.do(KEY, shop.step(PAID), NOW)
    refund = act.RecordRefund(number=ids.RefundNo("MW1"), amount=money.Money(fen=599900), full=True)
    assert shop.hands.do(KEY, shop.step(refund), NOW) == run.Succeeded()
    told = [c for c in shop.eyes.read([NUMBER])[NUMBER][0] if isinstance(c, payment.ShopRefund)]
    assert [(c.number, c.amount, c.state.value) for c in told] == [("MW1", money.Money(fen=599900), "done")]


@pytest.mark.parametrize(
    "told, spoil, named",
    [
        (PAID, "UPDATE pms_sku_stock SET lock_stock = 0 WHERE id = 201", "pms_sku_stock"),
        (PAID, "UPDATE pms_sku_stock SET stock = 0 WHERE id = 201", "pms_sku_stock"),
        (CLOSE, "UPDATE pms_sku_stock SET lock_stock = 0 WHERE id = 201", "pms_sku_stock"),
        (LATE, "UPDATE pms_sku_stock SET lock_stock = 195 WHERE id = 201", "pms_sku_stock"),
        (LATE, "UPDATE sms_coupon_history SET use_status = 1 WHERE member_id = 11", "sms_coupon_history"),
        (LATE, "UPDATE ums_member SET integration = 99 WHERE id = 11", "ums_member"),
        (REISSUE, "UPDATE pms_sku_stock SET lock_stock = 195 WHERE id = 201", "pms_sku_stock"),
    ],
)
def test_what_mall_would_refuse_is_refused_whole(shop: Mall, told: act.AnyAct, spoil: str, named: str) -> None:
    """One row short, and not even the first statement of the hand stays; mall's own unguarded update would have gone below zero."""
    if told in (LATE, REISSUE):
        shop.hands.do(KEY, shop.step(CLOSE), NOW)
    step = shop.step(told)
    shop.sql(spoil)
    before = shop.state()
    with pytest.raises(faults.Rejected, match=named):
        shop.hands.do(KEY, step, NOW)
    assert shop.state() == before
    assert any(line.startswith("refused") and named in line for line in shop.hands.preview(KEY, step, NOW))


def test_a_payment_that_lands_between_reading_and_closing_wins(shop: Mall) -> None:
    """The race that mall itself loses: cancelTimeOutOrder updates without asking for status 0."""
    step = shop.step(CLOSE)
    shop.sql("UPDATE oms_order SET status = 1, payment_time = '2026-11-23 11:59:59', pay_type = 1 WHERE id = 73")
    before = shop.state()
    with pytest.raises(faults.Rejected, match="row changed"):
        shop.hands.do(KEY, step, NOW)
    assert shop.state() == before
