"""The demonstration data of macrozheng/mall, judged by hand row by row, against what a scan finds with nothing but a read-only account."""

from __future__ import annotations

import pathlib
from datetime import UTC, datetime

import pymysql
import pytest

from makewhole import ports, settings
from makewhole.adapters.shops import engines, eyes, language, shopmap
from makewhole.adapters.store import journal
from makewhole.core import clock
from makewhole.engine import sweep
from makewhole.model import finding
from tests.servers import launch
from tests.shops import mall

pytestmark = pytest.mark.server

CONTRADICTS = "order-contradicts-itself"
TOO_MUCH = "refunded-too-much"
AMOUNTS = "amounts-do-not-add-up"
FOREIGN = "foreign-item"
NO_CHANNEL = "paid-without-channel"
NO_ITEMS = "without-items"
NO_PARCEL = "shipped-without-parcel"
NO_PAID_TIME = "paid-without-time"
NO_RECEIPT_TIME = "completed-without-time"
NO_SHIPPED_TIME = "shipped-without-time"
PARCEL_TOO_EARLY = "parcel-before-shipping"

TRUTH: dict[int, dict[str, set[str]]] = {
    # 18732.00 + 20.00 freight - 2344.25 - 10.00 coupon - 10.00 discount = 16387.75, charged 16377.75: freight was added by an operator.
    # Closed, pay_type 0, payment_time NULL: never paid, yet return 5 (3585.98) is finished and return 4 (3585.98) under way.
    12: {CONTRADICTS: {AMOUNTS}, TOO_MUCH: {"201809150101000001"}},
    # Its five lines carry order_sn 201809130101000001, which is order 14.
    15: {CONTRADICTS: {FOREIGN}},
    # Closed, never paid, with delivery_sn 201707196398345 and a delivery_time; no line in oms_order_item.
    17: {CONTRADICTS: {PARCEL_TOO_EARLY, NO_ITEMS}},
    # Paid, awaiting shipment: payment_time NULL, delivery_sn "xx" and a delivery_time; no lines.
    18: {CONTRADICTS: {NO_PAID_TIME, PARCEL_TOO_EARLY, NO_ITEMS}},
    # Shipped: payment_time, delivery_sn and delivery_time all NULL; no lines.
    19: {CONTRADICTS: {NO_PAID_TIME, NO_PARCEL, NO_SHIPPED_TIME, NO_ITEMS}},
    # Finished: none of payment_time, delivery_sn, delivery_time, receive_time; no lines.
    20: {CONTRADICTS: {NO_PAID_TIME, NO_PARCEL, NO_SHIPPED_TIME, NO_RECEIPT_TIME, NO_ITEMS}},
    # Closed; no lines.
    21: {CONTRADICTS: {NO_ITEMS}},
    # As 17.
    22: {CONTRADICTS: {PARCEL_TOO_EARLY, NO_ITEMS}},
    # As 18, with delivery_sn "xxx".
    23: {CONTRADICTS: {NO_PAID_TIME, PARCEL_TOO_EARLY, NO_ITEMS}},
    # As 19.
    24: {CONTRADICTS: {NO_PAID_TIME, NO_PARCEL, NO_SHIPPED_TIME, NO_ITEMS}},
    # 18732.00 + 10.00 - 2344.25 - 10.00 - 5.00 = 16382.75, charged 16377.75 (history: 修改费用信息); no lines.
    25: {CONTRADICTS: {AMOUNTS, NO_ITEMS}},
    # Closed; no lines.
    26: {CONTRADICTS: {NO_ITEMS}},
    # Finished with pay_type 0 (未支付); 240.00 + 20.00 - 10.00 = 250.00, charged 240.00.
    30: {CONTRADICTS: {NO_CHANNEL, AMOUNTS}},
}
"""By oms_order.id. The other 52 rows agree with themselves. What was looked at in each of the 65:

status against payment_time, pay_type, delivery_sn, delivery_time, receive_time; the order of the times (none is out of order); the sum of
the amounts; lines there at all (17 to 26 have none), lines of orders that do not exist (none), lines that carry another order's number
(15 alone); order_sn twice (none); returns against money. Coupons: no row of sms_coupon_history names an order (order_id is NULL in all 16),
and each of the 7 that were used (37, 38, 39, 41, 42, 47, 48) was used within two seconds of a living order of its member (52, 53, 54, 56,
65, 76, 69): none is held by a closed order, none was used twice. Return applications of 16 to 19 (status 0) and the refused ones of 13, 14,
15 (status 3) name no amount. Order 73 has been open since 2023: whether it ran out unpaid, only a channel can say (law 5).
No ailment of an order, but wrong: lock_stock of skus 98, 102, 103, 106 is below zero (the unguarded release of cancelled orders), and the
lines of sku 90 name a sku that is gone.
"""


@pytest.fixture(scope="module")
def database(mariadb: launch.Server) -> str:
    """The dump in a database of its own."""
    return mall.load(mariadb)


def counters(server: launch.Server) -> dict[str, object]:
    """What the server itself counts of writes, of everybody together, and how far its change log is."""
    commands = ("Com_insert", "Com_update", "Com_delete", "Com_replace", "Com_load", "Com_create_table", "Com_alter_table")
    # Rows written to tables; rows of temporary tables are counted under other names (Handler_tmp_…).
    rows = ("Handler_write", "Handler_update", "Handler_delete")
    with server.root_connection() as connection, connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS")
        told = {str(k): str(v) for k, v in cursor.fetchall()}
        cursor.execute("SHOW MASTER STATUS")
        file, position, *_ = cursor.fetchall()[0]
    return {**{n: int(told[n]) for n in (*commands, *rows)}, "change log": (file, position)}


def world(server: launch.Server, database: str, store: ports.Store) -> ports.World:
    """Only eyes: no channels, no hands."""
    now = clock.ManualClock(datetime(2026, 11, 23, 4, tzinfo=UTC))
    map_ = shopmap.compile_map(language.load(mall.SHOP_FILE))
    seeing = eyes.attach(map_, engines.for_eyes(server.url(database, "reader")), now, b"a secret of this test")
    return ports.World(
        clock=now,
        eyes=seeing,
        hands=None,
        channels={},
        store=store,
        policies=settings.policy_book(),
        playbook=settings.load_playbook("default"),
    )


def ids_by_number(server: launch.Server, database: str) -> dict[str, int]:
    with server.root_connection(database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT order_sn, id FROM oms_order")
        return {str(n): int(i) for n, i in cursor.fetchall()}


def test_a_scan_finds_exactly_what_was_found_by_hand_and_writes_nothing(
    mariadb: launch.Server, database: str, tmp_path: pathlib.Path
) -> None:
    """Thirteen of sixty-five orders, each with every contradiction and no other, in one pass, with an account that can only look."""
    numbers = ids_by_number(mariadb, database)
    with journal.SqlStore(f"sqlite:///{tmp_path / 'store.db'}") as store:
        before = counters(mariadb)
        tally = sweep.Tally()
        looked = list(sweep.scan(world(mariadb, database, store), tally))
        after = counters(mariadb)
    found = {numbers[x.order.number]: {f.ailment.value: set(f.subject) for f in x.findings()} for x in looked}
    assert found == TRUTH
    assert not any(isinstance(x.diagnosis, finding.Unjudged) for x in looked)
    # One suspect more than broken: order 14 has refunds, and they do not add up to more than it paid.
    # No channel is attached: what its own rows say is all that anybody told of it.
    assert (tally.suspects, tally.broken, tally.whole, tally.one_sided, tally.unjudged) == (14, 13, 0, 1, 0)
    assert after == before


def test_the_account_of_the_eyes_could_not_write_if_it_wanted(mariadb: launch.Server, database: str) -> None:
    """The server itself refuses it, so that the test above proves something about scans and not about luck."""
    with (
        pytest.raises(pymysql.err.OperationalError, match="denied"),
        pymysql.connect(host="127.0.0.1", port=mariadb.port, user="reader", password="reader", database=database) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE oms_order SET status = 4 WHERE id = 12")


def test_the_session_of_the_eyes_cannot_write_whatever_its_account_may(mariadb: launch.Server, database: str) -> None:
    """Many shops have only one account: then the session is read only."""
    engine = engines.for_eyes(mariadb.url(database, "app"))
    with engine.connect() as connection, pytest.raises(Exception, match="READ ONLY"):
        connection.exec_driver_sql("UPDATE oms_order SET status = 4 WHERE id = 12")
    engine.dispose()


def test_the_counters_see_a_single_write(mariadb: launch.Server, database: str) -> None:
    """What stands still above moves with one row."""
    before = counters(mariadb)
    with mariadb.root_connection(database) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE oms_order SET note = 'seen' WHERE id = 73")
    assert {n for n, v in counters(mariadb).items() if v != before[n]} == {"Com_update", "Handler_update", "change log"}
