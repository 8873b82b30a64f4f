"""What the eyes say of a shop's rows, on both databases: every claim, every silence, and nothing that the rows do not say."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from makewhole.adapters.shops import rows
from makewhole.adapters.shops.language import Privacy, Unit
from makewhole.core import faults, ids, money
from makewhole.model import claim, finding, order, payment, resource, screen
from makewhole.model.order import Field
from tests.shops import tea
from tests.shops.conftest import CREATED, Shop

WX, ALI, CASH = (ids.ChannelName(n) for n in ("wechatpay", "alipay", "cash"))
OPEN = ids.OrderNumber("O1")
Screens = list[tuple[finding.Ailment, screen.Predicate]]
ANY: Screens = [(finding.Ailment.PAID_TWICE, screen.Present(field=Field.ORDER_CREATED_AT))]


def heard(shop: Shop, number: str = "O1") -> tuple[tuple[object, ...], tuple[claim.Silence, ...]]:
    return shop.eyes.read([ids.OrderNumber(number)])[ids.OrderNumber(number)]


def test_an_order_is_told_with_all_that_belongs_to_it(shop: Shop) -> None:
    """Row, lines, refunds, stock, ledger, coupon; amounts exact, instants with their zone, the buyer as a keyed hash."""
    shop.sql("UPDATE t_order SET parcel = 'SF1234567', shipped_at = 1763861400500, channel = 'wx', due = 0.30, parts = 30 WHERE id = 1")
    shop.sql("INSERT INTO t_pay (order_id, out_no, channel) VALUES (1, 'X-2', 'wx')")
    shop.sql("INSERT INTO t_pay (order_id, out_no, channel) VALUES (1, 'X-1', NULL)")
    shop.sql("INSERT INTO t_refund (order_id, refund_no, amount, state, asked) VALUES (1, 'R1', 0.10, 0, '2026-11-23 11:00:00')")
    claims, silences = heard(shop)
    assert silences == ()
    told = shop.order("O1")
    assert (told.state, told.raw_state, told.due, told.parts, told.kind) == (
        order.OrderState.AWAITING_PAYMENT,
        "state=0, is_del=0",
        money.Money(fen=30),
        money.Money(fen=30),
        order.OrderKind.NORMAL,
    )
    assert (told.created_at, told.paid_at, told.channel, told.tracking) == (CREATED, None, WX, "*****4567")
    assert told.shipped_at is not None
    assert told.shipped_at.isoformat() == "2025-11-23T09:30:00.500000+08:00"
    assert told.buyer == rows.guard("m1", Privacy.HASHED, tea.SECRET) != "m1"
    assert [(i.sku, i.quantity, i.amount, i.order) for i in told.items] == [
        ("b", 1, money.Money(fen=6425), "O1"),
        ("a", 2, money.Money(fen=6425), "O1"),
    ]
    assert told.tried == (order.Tried(number=ids.OutTradeNo("X-1")), order.Tried(number=ids.OutTradeNo("X-2"), channel=WX))
    rest = {type(c): c for c in claims}
    assert rest[payment.ShopRefund] == payment.ShopRefund(
        source="shop",
        as_of=tea.NOW,
        number=ids.RefundNo("R1"),
        state=payment.RefundState.REQUESTED,
        amount=money.Money(fen=10),
        requested_at=datetime(2026, 11, 23, 11, tzinfo=tea.ZONE),
    )
    assert rest[resource.CouponUse] == resource.CouponUse(
        source="shop",
        as_of=tea.NOW,
        coupon=ids.CouponId("c-O1"),
        state=resource.CouponState.USED,
        order=OPEN,
        holders=(OPEN,),
        used_at=CREATED,
    )
    assert sorted((c.sku, c.available, c.price) for c in claims if isinstance(c, resource.StockLeft)) == [
        ("a", 8, money.Money(fen=3200)),
        ("b", 9, money.Money(fen=3200)),
    ]
    assert sorted((c.sku, c.taken, c.returned) for c in claims if isinstance(c, resource.StockTally)) == [("a", 2, 0), ("b", 1, 0)]


def test_reading_twice_is_the_same_version_and_any_mapped_column_is_another(shop: Shop) -> None:
    """State, amount, payment, watched columns: compare-and-set sees them all."""
    version = shop.order("O1").version
    assert shop.order("O1").version == version
    seen = {version}
    for change in ("state = 1", "due = 1.00", "paid_at = 5", "txn = 'T'", "channel = 'ali'", "link = 'x'", "ver = 9", "is_del = 1"):
        shop.sql(f"UPDATE t_order SET {change} WHERE id = 1")
        seen.add(shop.order("O1").version)
    assert len(seen) == 9


def test_a_number_that_the_shop_does_not_know_is_a_silence(shop: Shop) -> None:
    """Every number asked has an answer."""
    told = shop.eyes.read([OPEN, ids.OrderNumber("NONE"), OPEN])
    assert set(told) == {"O1", "NONE"}
    assert told[ids.OrderNumber("NONE")] == (
        (),
        (claim.Silence(source="shop", about=claim.About.ORDER, number="NONE", why=claim.Why.NOT_FOUND),),
    )


def test_a_code_that_the_map_does_not_know_is_not_guessed(shop: Shop) -> None:
    """The row is told with the code as the shop spells it, beside a silence."""
    shop.sql("UPDATE t_order SET state = 77 WHERE id = 1")
    _, silences = heard(shop)
    assert (shop.order("O1").state, shop.order("O1").raw_state) == (None, "state=77, is_del=0")
    assert [(s.about, s.why) for s in silences] == [(claim.About.ORDER, claim.Why.NOT_UNDERSTOOD)]


@pytest.mark.parametrize(
    "change, about",
    [
        ("UPDATE t_order SET due = NULL WHERE id = 1", claim.About.ORDER),
        ("UPDATE t_order SET expires_at = 'tomorrow' WHERE id = 1", claim.About.ORDER),
        ("INSERT INTO t_refund (order_id, amount, state) VALUES (1, 1.00, 7)", claim.About.REFUND),
        ("INSERT INTO t_refund (order_id, amount, state) VALUES (1, NULL, 1)", claim.About.REFUND),
        ("UPDATE t_coupon SET state = 7 WHERE id = 'c-O1'", claim.About.COUPON),
    ],
)
def test_what_cannot_be_understood_is_said_to_be_so(shop: Shop, change: str, about: claim.About) -> None:
    """One row that does not fit silences itself, not the batch."""
    shop.sql(change)
    _, silences = heard(shop)
    assert [(s.about, s.why) for s in silences] == [(about, claim.Why.NOT_UNDERSTOOD)]


@pytest.mark.parametrize(
    "change, said",
    [
        ("INSERT INTO t_refund (order_id, amount, state) VALUES (1, 1.00, 7)", "refund.state: '7' is not in the map"),
        ("INSERT INTO t_refund (order_id, amount, state) VALUES (1, 1.00, NULL)", "refund.state: 'NULL' is not in the map"),
        ("UPDATE t_coupon SET state = 7 WHERE id = 'c-O1'", "coupon.state: '7' is not in the map"),
    ],
)
def test_a_code_that_the_map_lacks_is_quoted(shop: Shop, change: str, said: str) -> None:
    """As the shop spells it: a refund's own number would lead nobody to the line of the shop file that is missing."""
    shop.sql(change)
    _, silences = heard(shop)
    assert [s.detail for s in silences] == [said]
    assert heard(shop, "P1")[1] == ()


def test_lines_of_an_order_that_does_not_exist_are_found_and_told(shop: Shop) -> None:
    """Somebody deleted the order and left its lines."""
    shop.sql("DELETE FROM t_order WHERE id = 3")
    shop.sql("UPDATE t_item SET sn = 'O1' WHERE order_id = 2 AND sku = 'b'")
    named = {s.number: s.ailments for s in shop.eyes.suspects([(finding.Ailment.ORDER_CONTRADICTS_ITSELF, screen.ForeignItem())])}
    contradicts = (finding.Ailment.ORDER_CONTRADICTS_ITSELF,)
    assert named == {"C1": contradicts, "P1": contradicts}
    claims, silences = heard(shop, "P1")
    assert [s.why for s in silences] == [claim.Why.NOT_FOUND]
    assert [(c.order, len(c.items)) for c in claims if isinstance(c, order.OrphanRows)] == [("P1", 2)]


def test_two_orders_that_name_one_coupon_are_both_its_holders(shop: Shop) -> None:
    """And the coupon's own row says whose it is."""
    shop.sql("UPDATE t_order SET coupon = 'c-P1' WHERE id = 1")
    use = next(c for c in heard(shop)[0] if isinstance(c, resource.CouponUse) and c.coupon == "c-P1")
    assert (use.order, use.holders) == ("P1", ("O1", "P1"))


def test_a_number_carried_twice_is_told_with_its_rows(shop: Shop) -> None:
    """Both rows are read, and the count says so."""
    shop.sql("UPDATE t_order SET sn = 'O1' WHERE id = 3")
    named = [s.number for s in shop.eyes.suspects([(finding.Ailment.ORDER_CONTRADICTS_ITSELF, screen.SharesNumber())])]
    assert named == ["O1", "O1"]
    assert shop.order("O1").rows == 2


def test_attempts_are_known_by_rows_first_and_then_by_rule(shop: Shop) -> None:
    """The order's own channel before the others; a number that needs the channel's own text cannot be made."""
    shop.sql("INSERT INTO t_pay (order_id, out_no, channel) VALUES (1, 'X-2', 'wx')")
    shop.sql("UPDATE t_order SET channel = 'ali' WHERE id = 1")
    told = shop.eyes.payment_numbers(shop.eyes.read([OPEN])[OPEN])
    assert told == ((WX, "X-2"), (ALI, "O1"), (WX, "O1"), (CASH, "O1"))
    assert shop.eyes.payment_numbers(((), ())) == ()


def test_an_attempt_finds_its_order_by_rows_and_by_rule(shop: Shop) -> None:
    """A row of attempts, the number itself, the rule backwards, our own reissue; never an order that does not exist."""
    shop.sql("INSERT INTO t_pay (order_id, out_no) VALUES (3, 'X-3')")
    shop.sql("INSERT INTO t_pay (order_id, out_no) VALUES (1, 'X-4')")
    shop.sql("INSERT INTO t_pay (order_id, out_no) VALUES (3, 'X-4')")
    asked = {"X-3": "P1", "O1": "O1", "wx1_C1": "C1", "C1R1": "C1", "NONE": None, "wx1_NONE": None, "X-4": None}
    assert {n: shop.eyes.owner(ids.OutTradeNo(n)) for n in asked} == asked


def paid(**told: Any) -> payment.Attempt:
    values = {"amount": money.Money(fen=12850), "paid_at": CREATED + timedelta(minutes=3), **told}
    number = ids.OutTradeNo("?")
    return payment.Attempt(source="wechatpay", as_of=tea.NOW, channel=WX, number=number, state=payment.AttemptState.PAID, **values)


def test_money_without_an_order_is_offered_those_that_it_fits(shop: Shop) -> None:
    """By what was attached, by amount and time, by payer; the attached first, open ones before others."""
    m = payment.Match
    shop.sql("UPDATE t_order SET buyer = 'm2' WHERE id = 3")
    told = shop.eyes.candidates(paid(attach="C1", payer="m2"))
    assert [(c.order, c.open, c.on) for c in told] == [
        ("C1", False, (m.ATTACH, m.AMOUNT, m.TIME)),
        ("P1", False, (m.AMOUNT, m.TIME, m.PAYER)),
        ("O1", True, (m.AMOUNT, m.TIME)),
    ]
    assert shop.eyes.candidates(paid(amount=money.Money(fen=12851))) == ()
    for minutes, found in ((30, 3), (31, 0), (-30, 3), (-31, 0)):
        assert len(shop.eyes.candidates(paid(paid_at=CREATED + timedelta(minutes=minutes)))) == found


def test_at_most_twenty_candidates_are_offered(shop: Shop) -> None:
    """A thousand orders of 9.90 in one hour help nobody."""
    with shop.writer.begin() as connection:
        created = tea.wall(CREATED)
        tea.insert(
            connection, "t_order", [{"id": 100 + i, "sn": f"S{i}", "state": 0, "due": "128.50", "created": created} for i in range(30)]
        )
    assert len(shop.eyes.candidates(paid())) == 20


def test_a_mark_leads_to_what_changed_since(shop: Shop) -> None:
    """Only rows of that version or newer, and no second look at orphans."""
    assert shop.eyes.mark() == "0"
    shop.sql("UPDATE t_order SET ver = 5 WHERE id = 3")
    mark = shop.eyes.mark()
    assert mark == "5"
    assert {s.number for s in shop.eyes.suspects(ANY)} == {"O1", "C1", "P1"}
    assert {s.number for s in shop.eyes.suspects(ANY, mark)} == {"P1"}
    shop.sql("UPDATE t_order SET ver = 6, coupon = 'c-O1' WHERE id = 3")
    shares: Screens = [
        (finding.Ailment.COUPON_USED_TWICE, screen.SharesCoupon()),
        (finding.Ailment.PAID_TWICE, screen.NoChild(child=screen.Child.ITEM)),
    ]
    assert [(s.number, s.ailments) for s in shop.eyes.suspects(shares, "6")] == [("P1", (finding.Ailment.COUPON_USED_TWICE,))]


def test_a_suspect_is_told_once_with_all_its_ailments(shop: Shop) -> None:
    """One row of the pass, however many screens name it."""
    screens: Screens = [*ANY, (finding.Ailment.PAID_AFTER_CLOSE, screen.In(field=Field.ORDER_STATE, values=("closed",)))]
    told = {s.number: (s.ailments, s.created_at) for s in shop.eyes.suspects(screens)}
    twice, late = finding.Ailment.PAID_TWICE, finding.Ailment.PAID_AFTER_CLOSE
    assert told == {"O1": ((twice,), CREATED), "C1": ((twice, late), CREATED), "P1": ((twice,), CREATED)}


def test_the_eyes_stop_in_the_middle_without_harm(shop: Shop) -> None:
    """Whoever takes only the first suspect leaves no statement behind that blocks the next."""
    for _ in range(3):
        assert next(iter(shop.eyes.suspects(ANY))).number
    assert shop.order("O1").number == OPEN


@pytest.mark.parametrize(
    "value, unit, fen",
    [
        (Decimal("16377.75"), Unit.YUAN, 1637775),
        (0.1 + 0.2, Unit.YUAN, 30),
        (1.15, Unit.YUAN, 115),
        ("128.50", Unit.YUAN, 12850),
        (Decimal(-3), Unit.YUAN, -300),
        (12850, Unit.FEN, 12850),
        (Decimal("12850.00"), Unit.FEN, 12850),
    ],
)
def test_amounts_are_read_exactly(value: object, unit: Unit, fen: int) -> None:
    """A double's own noise is no fen."""
    assert rows.fen_of(value, unit, Field.ORDER_AMOUNT_DUE) == fen


@pytest.mark.parametrize(
    "value, unit",
    [(Decimal("0.005"), Unit.YUAN), (0.004, Unit.YUAN), ("1,5", Unit.YUAN), ("NaN", Unit.FEN), (1.5, Unit.FEN), ("", Unit.FEN)],
)
def test_amounts_that_are_no_whole_fen_are_not_rounded(value: object, unit: Unit) -> None:
    """Half a fen is a mistake in the map or in the shop, and is said to be one."""
    with pytest.raises(rows.Misread):
        rows.fen_of(value, unit, Field.ORDER_AMOUNT_DUE)


@pytest.mark.parametrize("value", [0, "0", "", "0000-00-00 00:00:00", None])
def test_what_shops_write_for_no_instant_is_none(value: object) -> None:
    """Zero, empty text, the zero date."""
    unit = Unit.UNIX_S if value in (0, "0") else Unit.DATETIME
    told = {rows.name(Field.ORDER_PAID_AT): value}
    assert value is None or rows.instant_of(told[rows.name(Field.ORDER_PAID_AT)], unit, tea.ZONE, Field.ORDER_PAID_AT) is None


def test_what_may_not_be_known_is_masked_hashed_or_not_there() -> None:
    """Four characters at most; the same hash for the same person under the same key alone."""
    assert rows.guard("18033441849", Privacy.MASKED, b"k") == "*******1849"
    assert rows.guard("123", Privacy.MASKED, b"k") == "****"
    assert rows.guard("m1", Privacy.HASHED, b"k") == rows.guard("m1", Privacy.HASHED, b"k") != rows.guard("m1", Privacy.HASHED, b"j")
    assert rows.guard("m1", Privacy.PLAIN, b"k") == "m1"


def test_without_a_version_nothing_tells_what_changed(shop: Shop) -> None:
    """Asking all the same is our mistake, not the shop's."""
    from makewhole.adapters.shops import eyes, shopmap
    from tests.shops.test_screens import bare_file

    bare = eyes.attach(shopmap.compile_map(bare_file()), shop.reader, shop.clock, tea.SECRET)
    assert bare.mark() is None
    with pytest.raises(faults.Defect, match=r"order\.version"):
        list(bare.suspects([(finding.Ailment.PAID_TWICE, screen.Unknown(field=Field.ORDER_STATE))], "5"))
