"""F10 with a channel attached: whether money went back is asked of WeChat Pay (our counterpart), when planning and again when applying."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from makewhole.sandbox.channel import server as channels
from makewhole.sandbox.wechatpay import gateway, keys
from makewhole.wiring import clocks
from tests.rollback.shop import Shop
from tests.servers import launch

pytestmark = pytest.mark.server
BAD = "UPDATE orders SET payment_status = 'REFUNDED'"
STATES = "SELECT order_sn, payment_status FROM orders ORDER BY id"


@pytest.fixture
def server(mariadb: launch.Server) -> launch.Server:
    return mariadb


@pytest.fixture
def gate(shop: Shop) -> Iterator[gateway.Gateway]:
    """Orders N1 to N3 were paid there, N4 never was; the settings name the account."""
    gate = gateway.Gateway(clocks.SystemClock())
    gate.truth.refund_takes = timedelta(0)
    merchant = {"appid": gate.merchant.appid, "mchid": gate.merchant.mchid, "notify_url": "http://127.0.0.1:1/notify"}
    for i in (1, 2, 3):
        gate.truth.pay_unknown(f"N{i}", 10050 + 100 * i, datetime.now(UTC) - timedelta(hours=1), **merchant)
    with channels.serving(gate) as base:
        _attach(shop.folder, base)
        yield gate


def _attach(folder: Path, base: str) -> None:
    merchant = gateway.Merchant()
    (folder / "key.pem").write_bytes(keys.pem("merchant_key"))
    (folder / "apiv3").write_text(keys.APIV3_KEY, encoding="utf-8")
    with (folder / "makewhole.toml").open("a", encoding="utf-8") as file:
        file.write(
            f"""
[wechatpay]
mchid = "{merchant.mchid}"
appid = "{merchant.appid}"
serial_no = "{keys.serial("merchant")}"
private_key_file = "key.pem"
apiv3_key_file = "apiv3"
base_url = "{base}"
"""
        )


def refund(gate: gateway.Gateway, number: str, amount: int) -> None:
    """Money goes back at the channel, by whatever way: the merchant's own page there, another program."""
    of = gate.truth.find(number)
    gate.truth.refund(of, f"R{number}", amount=amount, total=of.order.total, reason="", notify_url="")
    gate.truth.settle(datetime.now(UTC) + timedelta(seconds=1))


def test_f10_an_order_whose_money_went_back_at_the_channel_stays_refunded(shop: Shop, gate: gateway.Gateway) -> None:
    """All four say refunded by one bad statement. In full or in part, money that went back keeps its order; so does one that the channel
    does not know. Only the order that the channel calls paid, and never refunded, goes back."""
    refund(gate, "N1", 10150)
    refund(gate, "N2", 1)
    plan = shop.plan("--transaction", shop.sql(BAD))
    assert {line["order"]: line.get("conflict", {}).get("why") for line in plan["lines"]} == {
        "N1": "settled",
        "N2": "settled",
        "N3": None,
        "N4": "settled",
    }
    assert shop.apply(plan)["rows"] == 1
    assert shop.rows(STATES) == [("N1", "REFUNDED"), ("N2", "REFUNDED"), ("N3", "PAID"), ("N4", "REFUNDED")]


def test_f10_money_that_goes_back_after_the_plan_was_made_is_asked_about_again(shop: Shop, gate: gateway.Gateway) -> None:
    """The plan was right when it was reviewed; the shop's row says refunded all the time, so the log tells nothing."""
    plan = shop.plan("--transaction", shop.sql(BAD + " WHERE id IN (1, 3)"))
    assert plan["rows"] == 2
    refund(gate, "N1", 10150)
    receipt = shop.apply(plan)
    assert (receipt["rows"], receipt["left"]) == (1, 1)
    assert shop.rows(STATES + " LIMIT 3") == [("N1", "REFUNDED"), ("N2", "PAID"), ("N3", "PAID")]


def test_f10_a_channel_that_does_not_answer_is_no_proof(shop: Shop, gate: gateway.Gateway) -> None:
    """Its address leads nowhere: nothing leaves refunded."""
    file = shop.folder / "makewhole.toml"
    text = file.read_text(encoding="utf-8")
    plan = shop.plan("--transaction", shop.sql(BAD + " WHERE id = 3"))
    assert plan["rows"] == 1
    file.write_text(text.rpartition("base_url")[0] + 'base_url = "http://127.0.0.1:9"\n', encoding="utf-8")
    assert shop.apply(plan)["rows"] == 0
    assert shop.rows("SELECT payment_status FROM orders WHERE id = 3") == [("REFUNDED",)]
