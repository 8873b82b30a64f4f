"""`makewhole history ORDER` on a real server: every state, who else was touched, and nobody's personal data unasked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from makewhole.cli import program
from tests.servers import launch

pytestmark = pytest.mark.server
NUMBER = "201809150101000001"
SCHEMA = """
CREATE TABLE oms_order (id BIGINT PRIMARY KEY AUTO_INCREMENT, member_id BIGINT, coupon_id BIGINT, order_sn VARCHAR(64),
  create_time DATETIME, modify_time DATETIME, total_amount DECIMAL(10,2), pay_amount DECIMAL(10,2), freight_amount DECIMAL(10,2),
  promotion_amount DECIMAL(10,2), integration_amount DECIMAL(10,2), coupon_amount DECIMAL(10,2), discount_amount DECIMAL(10,2),
  pay_type INT, status INT,
  payment_time DATETIME, delivery_time DATETIME, receive_time DATETIME, delivery_company VARCHAR(64), delivery_sn VARCHAR(64),
  receiver_name VARCHAR(100), delete_status INT NOT NULL DEFAULT 0, use_integration INT) CHARACTER SET utf8mb4;
CREATE TABLE oms_order_operate_history (id BIGINT PRIMARY KEY AUTO_INCREMENT, order_id BIGINT, operate_man VARCHAR(100),
  create_time DATETIME, order_status INT, note VARCHAR(500)) CHARACTER SET utf8mb4;
CREATE TABLE ums_member (id BIGINT PRIMARY KEY, integration INT);
INSERT INTO ums_member VALUES (7, 100);
"""
LIFE = (
    f"INSERT INTO oms_order (member_id, order_sn, pay_amount, status, receiver_name) VALUES (7, '{NUMBER}', 99.90, 0, '张三')",
    "INSERT INTO oms_order (member_id, order_sn, pay_amount, status, receiver_name) VALUES (8, '999', 1.00, 0, '李四')",
    """BEGIN;
    UPDATE oms_order SET status = 1, payment_time = '2026-11-23 20:00:00', receiver_name = '王五' WHERE id = 1;
    INSERT INTO oms_order_operate_history (order_id, operate_man, order_status) VALUES (1, 'admin', 1);
    UPDATE ums_member SET integration = 0 WHERE id = 7;
    COMMIT""",
    "UPDATE oms_order SET status = 4 WHERE id = 2",
    "UPDATE oms_order SET status = 4",
)


def lived(server: launch.Server) -> str:
    """A shop in which one order was made, paid, and overwritten in bulk."""
    database = server.create_database()
    with server.root_connection(database) as connection, connection.cursor() as cursor:
        for text in (*SCHEMA.split(";\n"), *LIFE):
            for statement in text.split(";\n"):
                if statement.strip():
                    cursor.execute(statement)
    return database


def shop_file(folder: Path) -> Path:
    """mall's own, without the tables that this test does not make."""
    text = (Path(__file__).resolve().parents[2] / "shops" / "mall.toml").read_text(encoding="utf-8")
    kept = []
    for part in text.split("\n["):
        name = part.split("]")[0].strip("[")
        if not name.startswith(("hands", "item", "refund", "stock", "coupon")):
            kept.append(part)
    file = folder / "mall.toml"
    file.write_text("\n[".join(kept), encoding="utf-8")
    return file


@pytest.fixture(params=["mariadb", "mysql8"])
def server(request: pytest.FixtureRequest) -> launch.Server:
    told: launch.Server = request.getfixturevalue(request.param)
    return told


@pytest.fixture
def database(server: launch.Server) -> str:
    """This test's own shop: the server is shared, and keeps those of the tests before."""
    return lived(server)


@pytest.fixture
def history(server: launch.Server, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Calls `makewhole history` on the shop as its reader."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAKEWHOLE_SHOP_PASSWORD", "reader")
    attached = ["--database", f"mysql://reader@127.0.0.1:{server.port}/{database}", "--shop", str(shop_file(tmp_path))]

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(program.PROGRAM, ["history", *arguments, *attached, "--lang", "en"])

    return call


def test_every_state_of_an_order_is_told_with_what_else_was_written(history: Callable[..., Result]) -> None:
    """Made, paid (with its line of history and the member's points), overwritten in bulk: three transactions, and no other."""
    result = history(NUMBER, "--json")
    assert result.exit_code == 0, result.output
    steps = json.loads(result.stdout)["steps"]
    told = [s for s in steps if s["changes"]]
    assert [s["state"] for s in told] == ["awaiting-payment", "awaiting-shipment", "closed"]
    assert [[(c["role"], c["kind"]) for c in s["changes"]] for s in told] == [
        [("order", "insert")],
        [("order", "update"), ("history", "insert")],
        [("order", "update")],
    ]
    paid, closed = told[1], told[2]
    assert paid["changes"][0]["columns"] == {
        "status": ["0", "1"],
        "payment_time": [None, "2026-11-23 20:00:00"],
        "receiver_name": None,
    }
    assert [(a["table"].split(".")[1], a["kind"], a["rows"]) for a in paid["also"]] == [("ums_member", "update", 1)]
    assert closed["changes"][0]["columns"] == {"status": ["1", "4"]}
    # The other order was closed already: the bulk statement changed one row alone.
    assert closed["also"] == []
    assert all(c["whole"] for s in told for c in s["changes"])
    # That the tables were made is no part of its life; that they were emptied is.
    assert len(told) == len(steps)


def test_names_are_shown_only_where_asked_for(history: Callable[..., Result]) -> None:
    """A column that the map does not look at is named and not told, in statements too; --all tells it."""
    quiet, loud = history(NUMBER), history(NUMBER, "--all")
    assert quiet.exit_code == loud.exit_code == 0
    for name in ("张三", "王五"):
        assert name not in quiet.output
        assert name in loud.output
    assert "not shown" in quiet.output
    assert "receiver_name" in quiet.output


def test_the_same_is_told_from_the_files(history: Callable[..., Result], server: launch.Server) -> None:
    """What the server sends and what lies on its disk is one log."""
    told = [json.loads(history(NUMBER, "--json", "--all", *more).stdout) for more in ((), ("--log", str(server.folder / "data")))]
    assert told[0] == told[1]


def test_an_order_that_is_gone_is_told_by_the_log_alone(history: Callable[..., Result], server: launch.Server, database: str) -> None:
    """Its key is in no table any more; the log's own images tell it, and its line of history is found by it."""
    with server.root_connection() as connection, connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {database}.oms_order WHERE id = 1")
    steps = [s for s in json.loads(history(NUMBER, "--json").stdout)["steps"] if s["changes"]]
    assert [c["kind"] for c in steps[-1]["changes"]] == ["delete"]
    assert [c["role"] for c in steps[1]["changes"]] == ["order", "history"]


def test_what_the_log_tells_without_images_is_told_as_such(history: Callable[..., Result], server: launch.Server, database: str) -> None:
    """A truncated table, or rows of a session that logged none: the images do not tell the whole, and the timeline says where."""
    with server.root_connection() as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION binlog_format = STATEMENT")
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute(f"UPDATE {database}.oms_order SET status = 5")
        cursor.execute(f"TRUNCATE TABLE {database}.oms_order")
    unseen = [s["without_images"] for s in json.loads(history(NUMBER, "--json").stdout)["steps"] if not s["changes"]]
    assert [text.split()[0] for (text,) in unseen] == ["UPDATE", "TRUNCATE"]


def test_an_order_that_never_was_has_no_history(history: Callable[..., Result]) -> None:
    """And says so, rather than nothing."""
    result = history("no-such-order")
    assert result.exit_code == 0
    assert "no change" in result.output
