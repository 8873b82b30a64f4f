"""What the change log tells the engine, on real servers: what nothing explains is named, with who and when; what the shop does is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from makewhole.cli import program
from tests.changelog import test_history
from tests.servers import launch

pytestmark = pytest.mark.server
Rows = list[dict[str, Any]]
ORDER = (
    "INSERT INTO oms_order (id, member_id, order_sn, create_time, total_amount, freight_amount, promotion_amount, integration_amount, "
    "coupon_amount, discount_amount, pay_amount, pay_type, status) "
    "VALUES ({id}, 7, 'N{id}', '2026-11-23 10:00:00', 99.90, 0, 0, 0, 0, 0, 99.90, 0, 0)"
)
PAID = "UPDATE oms_order SET status = 1, pay_type = 2, payment_time = '2026-11-23 10:05:00' WHERE id = {id}"
SHIPPED = "UPDATE oms_order SET status = 2, delivery_time = '2026-11-23 12:00:00', delivery_sn = 'SF{id}' WHERE id = {id}"
DONE = "UPDATE oms_order SET status = 3, receive_time = '2026-11-24 12:00:00' WHERE id = {id}"
RETURNS = """CREATE TABLE oms_order_return_apply (id BIGINT PRIMARY KEY AUTO_INCREMENT, order_id BIGINT, order_sn VARCHAR(64),
  return_amount DECIMAL(10,2), status INT, create_time DATETIME, handle_time DATETIME, handle_man VARCHAR(64), handle_note VARCHAR(64))"""
REFUNDS = """
[refund]
table = "oms_order_return_apply"
link = "order_id"

[refund.fields]
order = "order_sn"
amount = { sql = "return_amount", unit = "yuan" }

[refund.states]
"status = 2" = "done"
"""
LIVES = ((ORDER, PAID, SHIPPED, DONE), (ORDER, PAID, SHIPPED), (ORDER, PAID), (ORDER,))
"""Four orders, numbered from 1: completed, on its way, paid, waiting for the money."""


@pytest.fixture(params=["mariadb", "mysql8"])
def server(request: pytest.FixtureRequest) -> launch.Server:
    told: launch.Server = request.getfixturevalue(request.param)
    return told


class Shop:
    """A shop of four orders that lived as they may, and `scan` upon it."""

    def __init__(self, server: launch.Server, folder: Path) -> None:
        self.server, self.database = server, server.create_database()
        self.place = ["--database", f"mysql://reader@127.0.0.1:{server.port}/{self.database}"]
        file = test_history.shop_file(folder)
        file.write_text(file.read_text(encoding="utf-8") + REFUNDS, encoding="utf-8")
        self.place += ["--shop", str(file)]
        for text in (*test_history.SCHEMA.split(";\n"), RETURNS):
            self.write(text)
        for number, life in enumerate(LIVES, 1):
            for text in life:
                self.write(text.format(id=number))

    def write(self, *statements: str) -> None:
        """One transaction by a second connection."""
        with self.server.root_connection(self.database) as connection, connection.cursor() as cursor:
            cursor.execute("BEGIN")
            for text in statements:
                if text.strip():
                    cursor.execute(text)
            connection.commit()

    def scan(self, *more: str) -> Rows:
        """What `scan --json` tells of rows."""
        done = CliRunner().invoke(program.PROGRAM, ["scan", "--json", *self.place, "--lang", "en", *more])
        assert done.exit_code in {0, 1}, done.output + done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return [line for line in lines if line["ailment"] in {"row-overwritten", "row-deleted"}]


@pytest.fixture
def shop(server: launch.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAKEWHOLE_SHOP_PASSWORD", "reader")
    return Shop(server, tmp_path)


def named(rows: Rows) -> dict[str, tuple[str, str]]:
    return {r["order"]: (r["ailment"], r["cause_detail"]) for r in rows}


def test_what_the_shop_does_is_no_finding(shop: Shop) -> None:
    """Placed, paid, shipped, completed, and a price that was bargained over before the money came."""
    shop.write("UPDATE oms_order SET pay_amount = 90.00, discount_amount = 9.90 WHERE id = 4")
    shop.write("UPDATE oms_order SET status = 4 WHERE id = 4")
    assert shop.scan() == []


def test_a_bulk_overwrite_by_a_second_connection_is_named(shop: Shop) -> None:
    """Every order that lost its state, with transaction, statement and how many; the one that may be closed is not among them, and
    one of which a part was once refunded is."""
    shop.write("INSERT INTO oms_order_return_apply (order_id, order_sn, return_amount, status) VALUES (1, 'N1', 20.00, 2)")
    shop.write("UPDATE oms_order SET status = 4")
    rows = shop.scan()
    assert named(rows) == {f"N{i}": ("row-overwritten", "bulk-edit") for i in (1, 2, 3)}
    says = " ".join(e["says"] for r in rows for e in r["evidence"])
    assert "order.state: completed → closed" in says
    assert "3 order(s)" in says
    assert {e["source"] for r in rows for e in r["evidence"]} == {"changelog"}
    assert {r["remedy"] for r in rows} == {"ask-person"}


def test_one_order_by_hand_is_named_and_its_price_too(shop: Shop) -> None:
    """Back to unpaid, and another price after it was paid: both are nobody's business."""
    shop.write("UPDATE oms_order SET status = 0, payment_time = NULL WHERE id = 2")
    shop.write("UPDATE oms_order SET pay_amount = 0.01 WHERE id = 3")
    assert named(shop.scan()) == {"N2": ("row-overwritten", "manual-edit"), "N3": ("row-overwritten", "manual-edit")}


def test_a_deleted_row_is_named_and_what_comes_back_is_whole(shop: Shop) -> None:
    """No screen sees it; the log does. The same row again heals it, another price in it does not."""
    shop.write("CREATE TABLE kept LIKE oms_order")
    shop.write("INSERT INTO kept SELECT * FROM oms_order")
    shop.write("DELETE FROM oms_order WHERE id IN (2, 3)")
    assert named(shop.scan()) == {"N2": ("row-deleted", "manual-delete"), "N3": ("row-deleted", "manual-delete")}
    shop.write("INSERT INTO oms_order SELECT * FROM kept WHERE id = 2")
    shop.write("UPDATE kept SET pay_amount = 1", "INSERT INTO oms_order SELECT * FROM kept WHERE id = 3")
    assert named(shop.scan()) == {"N3": ("row-overwritten", "manual-edit")}


@pytest.mark.parametrize(
    "healing",
    [
        "UPDATE oms_order SET status = 3 WHERE id = 1",
        "UPDATE oms_order SET status = CASE id WHEN 1 THEN 3 WHEN 2 THEN 2 ELSE 1 END WHERE id < 4",
    ],
    ids=["one", "all"],
)
def test_what_is_taken_back_by_whatever_means_is_not_told_any_more(shop: Shop, healing: str) -> None:
    """Back to what it was, which no transition allows by itself, is the end of it; and doing it again begins it again."""
    shop.write("UPDATE oms_order SET status = 4 WHERE id < 4")
    shop.write(healing)
    left = named(shop.scan())
    assert "N1" not in left
    assert set(left) == ({"N2", "N3"} if "CASE" not in healing else set())
    shop.write("UPDATE oms_order SET status = 4 WHERE id = 1")
    assert "N1" in named(shop.scan())


def test_an_order_that_goes_on_from_where_it_was_is_whole(shop: Shop) -> None:
    """Closed by mistake while it waited for its parcel, and shipped all the same: what stands now is as it may be."""
    shop.write("UPDATE oms_order SET status = 4 WHERE id = 3")
    shop.write(SHIPPED.format(id=3))
    assert shop.scan() == []


def test_what_the_shops_own_history_tells_is_the_shops_own_hand(shop: Shop) -> None:
    """mall's administrators may close a paid order: a line of history says so, in the same transaction or the next."""
    line = "INSERT INTO oms_order_operate_history (order_id, operate_man, order_status) VALUES ({id}, 'admin', 4)"
    shop.write("UPDATE oms_order SET status = 4 WHERE id = 3", line.format(id=3))
    shop.write("UPDATE oms_order SET status = 4 WHERE id = 2")
    shop.write(line.format(id=2))
    assert shop.scan() == []


def test_a_refund_explains_why_a_paid_order_was_closed(shop: Shop) -> None:
    """The log alone would raise a false alarm; the shop's own rows tell where the money went."""
    shop.write("UPDATE oms_order SET status = 4 WHERE id = 3")
    assert named(shop.scan()) == {"N3": ("row-overwritten", "manual-edit")}
    shop.write("INSERT INTO oms_order_return_apply (order_id, order_sn, return_amount, status) VALUES (3, 'N3', 99.90, 2)")
    assert shop.scan() == []


def test_changes_are_found_by_their_statement_and_lead_to_the_order(shop: Shop) -> None:
    """Once read, every transaction that wrote a row of an order is in the search index; a second reading adds only what is new."""
    shop.write("UPDATE oms_order SET pay_amount = 0.01 WHERE id = 3")

    def search(*words: str) -> Rows:
        done = CliRunner().invoke(program.PROGRAM, ["search", *words, "--json", *shop.place, "--lang", "en"])
        assert done.exit_code == 0, done.output + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    search("--refresh")
    found = search("amount_due", "99.90 → 0.01")
    assert [(hit["order"], hit["source"]) for hit in found] == [("N3", "changelog")]
    before = len(search("oms_order"))
    shop.write("UPDATE oms_order SET pay_amount = 0.02 WHERE id = 3")
    search("--refresh")
    assert len(search("oms_order")) == before + 1
    assert [hit["order"] for hit in search("0.01 → 0.02")] == ["N3"]


def test_the_log_outside_of_the_shop_is_nobodys_business(shop: Shop, server: launch.Server) -> None:
    """Another database on the same server has a table of the same name."""
    other = server.create_database()
    with server.root_connection(other) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE oms_order (id INT PRIMARY KEY, order_sn VARCHAR(20), status INT)")
        cursor.execute("INSERT INTO oms_order VALUES (1, 'N1', 3)")
        cursor.execute("UPDATE oms_order SET status = 0")
        connection.commit()
    assert shop.scan() == []


def test_an_account_without_the_log_scans_all_the_same(shop: Shop, server: launch.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may read rows and no log: the scan says once what it therefore does not know."""
    with server.root_connection() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE USER IF NOT EXISTS plain@'%' IDENTIFIED BY 'plain'")
        cursor.execute(f"GRANT SELECT ON {shop.database}.* TO plain@'%'")
    monkeypatch.setenv("MAKEWHOLE_SHOP_PASSWORD", "plain")
    place = [p.replace("reader@", "plain@") for p in shop.place]
    shop.write("UPDATE oms_order SET status = 0 WHERE id = 1")
    done = CliRunner().invoke(program.PROGRAM, ["scan", *place, "--lang", "en"])
    assert done.exit_code in {0, 1}, done.output
    assert done.output.count("the change log does not tell everything") == 1
    assert "overwritten" not in done.output
