"""CRMEB's map on rows made after its own codes: a scan finds what was planted and nothing else, and every healthy state is told right."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from makewhole import ports, settings
from makewhole.adapters.shops import engines, eyes, hands, language, shopmap
from makewhole.adapters.store import journal
from makewhole.core import clock, faults, ids
from makewhole.engine import sweep
from makewhole.model import act, order, plan, run
from tests.servers import launch
from tests.shops import crmeb

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
CONTRADICTS = "order-contradicts-itself"
TRUTH: dict[int, dict[str, set[str]]] = {
    21: {CONTRADICTS: {"closed-but-paid"}},
    22: {CONTRADICTS: {"paid-without-time"}},
    23: {CONTRADICTS: {"paid-without-channel"}},
    24: {CONTRADICTS: {"shipped-without-parcel"}},
    25: {CONTRADICTS: {"times-out-of-order"}},
    26: {CONTRADICTS: {"unpaid-with-time"}},
    27: {CONTRADICTS: {"parcel-before-shipping"}},
    31: {CONTRADICTS: {"number-not-unique"}},
}
STATES = {
    1: order.OrderState.AWAITING_PAYMENT, 2: order.OrderState.AWAITING_SHIPMENT, 3: order.OrderState.PARTLY_SHIPPED,
    4: order.OrderState.SHIPPED, 5: order.OrderState.COMPLETED, 6: order.OrderState.COMPLETED, 7: order.OrderState.CLOSED,
    8: order.OrderState.REFUNDING, 9: order.OrderState.REFUNDED, 10: order.OrderState.COMPLETED, 11: order.OrderState.SHIPPED,
    12: order.OrderState.COMPLETED, 13: order.OrderState.REFUNDED, 30: None,
}  # fmt: skip


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=pytest.mark.server)])
def reader(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """The filled shop, to be read only."""
    if request.param == "sqlite":
        url = reading = f"sqlite:///{tmp_path / 'shop.db'}"
    else:
        server: launch.Server = request.getfixturevalue("mariadb")
        database = server.create_database()
        url, reading = server.url(database), server.url(database, "reader")
    writer = engines.for_hands(url)
    crmeb.fill(writer)
    writer.dispose()
    engine = engines.for_eyes(reading)
    yield engine
    engine.dispose()


def attached(reader: sa.Engine) -> eyes.SqlEyes:
    map_ = shopmap.compile_map(language.load(crmeb.SHOP_FILE))
    return eyes.attach(map_, reader, clock.ManualClock(NOW), b"a secret of this test")


def test_every_state_is_told_from_its_four_columns(reader: sa.Engine) -> None:
    """paid, status, refund_status and is_del together; a code that nobody wrote down is not guessed."""
    seeing = attached(reader)
    numbers = {row["id"]: ids.OrderNumber(str(row["order_id"])) for row in crmeb.ORDERS}
    told = seeing.read([numbers[i] for i in STATES])
    claims = {i: next(c for c in told[numbers[i]][0] if isinstance(c, order.ShopOrder)) for i in STATES}
    assert {i: c.state for i, c in claims.items()} == STATES
    assert claims[11].kind is order.OrderKind.VIRTUAL
    assert claims[13].channel == "balance"


def test_a_scan_finds_what_was_planted_and_nothing_else(reader: sa.Engine, tmp_path: Path) -> None:
    """Money for a cancelled order, which the shop's own lists hide, among them."""
    with journal.SqlStore(f"sqlite:///{tmp_path / 'store.db'}") as store:
        world = ports.World(
            clock=clock.ManualClock(NOW),
            eyes=attached(reader),
            hands=None,
            channels={},
            store=store,
            policies=settings.policy_book(),
            playbook=settings.load_playbook("default"),
        )
        looked = list(sweep.scan(world, sweep.Tally()))
    numbers = {str(row["order_id"]): row["id"] for row in reversed(crmeb.ORDERS)}
    found = {numbers[x.order.number]: {f.ailment.value: set(f.subject) for f in x.findings()} for x in looked if x.findings()}
    assert found == TRUTH


def test_a_payment_that_never_came_is_taken_back_where_nothing_was_sent(tmp_path: Path) -> None:
    """Unpaid again, with a line of history, once; a shipped order is left as it is."""
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    writer = engines.for_hands(url)
    crmeb.fill(writer)
    reader = engines.for_eyes(url)
    seeing, acting = attached(reader), hands.attach(shopmap.compile_map(language.load(crmeb.SHOP_FILE)), writer, reader)
    for row, done in ((2, True), (4, False)):
        number = ids.OrderNumber(str(next(o["order_id"] for o in crmeb.ORDERS if o["id"] == row)))
        before = next(c for c in seeing.read([number])[number][0] if isinstance(c, order.ShopOrder))
        key, step = (
            ids.OrderKey(shop=seeing.shop, number=number),
            plan.Step(act=act.ReopenUnpaid(difference=ids.Key("d")), expects=before.version),
        )
        if not done:
            with pytest.raises(faults.Rejected, match="touched 0 rows of eb_store_order"):
                acting.do(key, step, NOW)
            continue
        for _ in range(2):
            assert isinstance(acting.do(key, step, NOW), run.Succeeded)
        after = next(c for c in seeing.read([number])[number][0] if isinstance(c, order.ShopOrder))
        assert (after.state, after.paid_at, after.channel) == (order.OrderState.AWAITING_PAYMENT, None, None)
        with reader.connect() as connection:
            told = connection.exec_driver_sql(f"SELECT change_message FROM eb_store_order_status WHERE oid = {row}").scalars().all()
        assert told == ["订单生成", plan.key(key, step)]
    writer.dispose()
    reader.dispose()
