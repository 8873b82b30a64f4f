"""`makewhole images restore` on real servers: an order goes back to what an image holds, through rollback's locks and comparisons."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from makewhole.cli import program
from tests.rollback import shop as shops
from tests.servers import launch

pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.fixture(params=["mariadb", "mysql8033"])
def shop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> shops.Shop:
    """Four paid orders, the first with two items."""
    server: launch.Server = request.getfixturevalue(request.param)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAKEWHOLE_SHOP_PASSWORD", "reader")
    monkeypatch.setenv("MAKEWHOLE_SHOP_HANDS_PASSWORD", "app")
    return shops.opened(server, tmp_path)


def images(shop: shops.Shop, *arguments: str) -> Result:
    """The command, with the shop attached."""
    attached = ["--database", f"mysql://reader@127.0.0.1:{shop.server.port}/{shop.database}", "--shop", str(shop.folder / "tea.toml")]
    return CliRunner().invoke(program.PROGRAM, ["images", *arguments, *attached, "--lang", "en"], catch_exceptions=False)


def taken(shop: shops.Shop) -> str:
    """The instant of an image that holds everything until now."""
    result = images(shop, "take", "--anew", "--json")
    assert result.exit_code == 0, result.output
    at: str = json.loads(result.stdout.splitlines()[-1])["instant"]
    time.sleep(1.1)  # commits are told to the second
    return at


def restored(shop: shops.Shop, number: str, at: str, *more: str) -> dict[str, Any]:
    """The plan."""
    result = images(shop, "restore", number, "--at", at, "--output", str(shop.folder / "plan"), "--json", *more)
    assert result.exit_code in {0, 1}, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def test_an_order_and_its_items_go_back_to_what_the_image_holds(shop: shops.Shop) -> None:
    """Bad statements over two tables; the remark that the map does not look at, written later, stays; undone again at the end."""
    ((number,),) = shop.rows("SELECT order_sn FROM orders WHERE id = 1")
    before = (
        shop.rows("SELECT payment_status, amount FROM orders WHERE id = 1"),
        shop.rows("SELECT id, quantity FROM order_item ORDER BY id"),
    )
    at = taken(shop)
    shop.together("UPDATE orders SET payment_status = 'CLOSED'", "UPDATE order_item SET quantity = quantity + 5 WHERE order_id = 1")
    shop.sql("UPDATE orders SET remark = '后来写的' WHERE id = 1")
    plan = restored(shop, number, at)
    assert (plan["rows"], plan["conflicts"], plan["money"]) == (3, 0, False)
    assert plan["lines"][0]["back"] == {"payment_status": "PAID"} or plan["lines"][-1]["back"] == {"payment_status": "PAID"}
    receipt = shop.apply(plan)
    assert (receipt["rows"], receipt["proven"], receipt["left"]) == (3, 3, 0)
    after = (
        shop.rows("SELECT payment_status, amount FROM orders WHERE id = 1"),
        shop.rows("SELECT id, quantity FROM order_item ORDER BY id"),
    )
    assert after == before
    assert shop.rows("SELECT remark FROM orders WHERE id = 1") == [("后来写的",)]
    assert shop.rows("SELECT DISTINCT payment_status FROM orders WHERE id > 1") == [("CLOSED",)]
    again = images(shop, "restore", number, "--at", at)
    assert again.exit_code == 0
    assert "nothing would be written" in again.stderr


def test_what_is_written_after_the_plan_is_left_alone(shop: shops.Shop) -> None:
    """Compare-and-set under the lock: the row that somebody wrote since is a conflict, and then nothing of the order goes back."""
    ((number,),) = shop.rows("SELECT order_sn FROM orders WHERE id = 1")
    at = taken(shop)
    shop.together("UPDATE orders SET payment_status = 'CLOSED' WHERE id = 1", "UPDATE order_item SET quantity = 9 WHERE order_id = 1")
    plan = restored(shop, number, at)
    shop.sql("UPDATE orders SET payment_status = 'UNPAID' WHERE id = 1")
    result = shop.call("--apply", plan["plan"], "--hash", plan["hash"], "--json")
    assert result.exit_code != 0
    assert shop.rows("SELECT payment_status FROM orders WHERE id = 1") == [("UNPAID",)]
    assert shop.rows("SELECT DISTINCT quantity FROM order_item WHERE order_id = 1") == [(9,)]


def test_a_refunded_order_does_not_come_back_by_sql(shop: shops.Shop) -> None:
    """F10: the money is gone; the plan says so and holds nothing to write."""
    ((number,),) = shop.rows("SELECT order_sn FROM orders WHERE id = 1")
    at = taken(shop)
    shop.sql("UPDATE orders SET payment_status = 'REFUNDED' WHERE id = 1")
    plan = restored(shop, number, at)
    assert (plan["rows"], plan["conflicts"]) == (0, 1)
    assert plan["lines"][0]["conflict"]["why"] == "settled"


def test_a_deleted_row_of_which_columns_are_missing_is_named_and_not_half_made(shop: shops.Shop) -> None:
    """The image holds only what the map looks at: the way back is the log's."""
    ((number,),) = shop.rows("SELECT order_sn FROM orders WHERE id = 1")
    at = taken(shop)
    shop.sql("DELETE FROM orders WHERE id = 1")
    plan = restored(shop, number, at)
    assert plan["rows"] == 0
    (told,) = [line["conflict"] for line in plan["lines"] if line["conflict"]["why"] == "gone"]
    assert "receiver" in told["columns"]
