"""Douyin Pay's own SDK, and the other one that shops use, against our counterpart and our connector: none was written with another."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from makewhole.adapters import http
from makewhole.adapters.payments.douyinpay import connector
from makewhole.core import clock, ids
from makewhole.model import payment
from makewhole.sandbox.channel import gate as gates
from makewhole.sandbox.channel import post, server
from makewhole.sandbox.channel import truth as truths
from makewhole.sandbox.channel.faults import Fault
from makewhole.sandbox.douyinpay import gateway, keys
from tests.payments import douyinpay
from tests.payments import shop as shops
from tests.strangers import process

pytestmark = pytest.mark.slow


@pytest.fixture
def gate() -> Iterator[gateway.Gateway]:
    """The world's clock stands still; what is signed carries the real time."""
    made = gateway.Gateway(clock.ManualClock(shops.START), wire_clock=process.WallClock())
    with server.serving(made):
        yield made


def started(stranger_python: Callable[[str], Path], name: str) -> Iterator[process.Stranger]:
    made = process.Stranger(stranger_python(name), f"drive_{name.replace('-', '_')}.py")
    yield made
    made.stop()


@pytest.fixture
def official(stranger_python: Callable[[str], Path]) -> Iterator[process.Stranger]:
    yield from started(stranger_python, "bytedance-douyinpay")


@pytest.fixture
def other(stranger_python: Callable[[str], Path]) -> Iterator[process.Stranger]:
    yield from started(stranger_python, "douyinpay")


def merchant(gate: gateway.Gateway) -> dict[str, Any]:
    return {"mchid": gate.merchant.mchid, "private_key": keys.pem("merchant_key").decode(), "encrypt_key": gate.merchant.apiv3_key}


@pytest.fixture(params=["fetched certificates", "one certificate"])
def client(request: pytest.FixtureRequest, official: process.Stranger, gate: gateway.Gateway) -> process.Stranger:
    """The official SDK, ready in each of its modes."""
    told = merchant(gate) | {"serial": keys.serial("merchant"), "base_url": gate.base_url}
    if request.param == "one certificate":
        told["platform_certificate"] = keys.pem("platform_1_cert").decode()
    assert official.ask("client", **told) == "ready"
    return official


def joined(other: process.Stranger, gate: gateway.Gateway) -> process.Stranger:
    assert other.ask("client", serial_no=keys.serial("merchant"), base_url=gate.base_url, **merchant(gate)) == "ready"
    return other


def request(client: process.Stranger, method: str, path: str, **content: Any) -> tuple[int, Any]:
    """One call of the official SDK."""
    answer = client.ask("call", method=method, path=path, **content)
    assert "error" not in answer, answer
    return answer["status"], process.parsed(answer["text"])


def opened(gate: gateway.Gateway, number: str) -> dict[str, Any]:
    return {
        "mchid": gate.merchant.mchid,
        "appid": gate.merchant.appid,
        "description": "绿茶",
        "out_trade_no": number,
        "notify_url": douyinpay.NOTIFY_URL,
        "amount": {"total": 100, "currency": "CNY"},
    }


def test_the_official_sdk_pays_queries_closes_and_refunds_at_our_counterpart(client: process.Stranger, gate: gateway.Gateway) -> None:
    """Each answer was verified by the SDK before it gave it to us, the empty one of a close too."""
    mine = {"mchid": gate.merchant.mchid}
    trade = "/v1/trade/transactions"
    status, told = request(client, "POST", f"{trade}/native", json=opened(gate, "STRANGE1"))
    assert (status, told["code_url"][:8]) == (200, "https://")
    assert request(client, "GET", f"{trade}/out-trade-no/STRANGE1", params=mine)[1]["trade_state"] == "NOTPAY"
    assert request(client, "POST", f"{trade}/out-trade-no/STRANGE1/close", json=mine) == (200, None)
    assert request(client, "GET", f"{trade}/out-trade-no/STRANGE1", params=mine)[1]["trade_state"] == "CLOSED"

    request(client, "POST", f"{trade}/app", json=opened(gate, "STRANGE2"))
    paid = gate.truth.buyer_pays("STRANGE2")
    status, told = request(client, "GET", f"{trade}/id/{paid.transaction_id}", params=mine)
    assert (status, told["out_trade_no"], told["trade_state"], told["amount"]["total"]) == (200, "STRANGE2", "SUCCESS", 100)
    asked = mine | {"transaction_id": paid.transaction_id, "out_refund_no": "R1", "amount": {"refund": 60, "total": 100, "currency": "CNY"}}
    for _ in range(2):
        status, refund = request(client, "POST", "/v1/trade/refund/domestic/refunds", json=asked)
        assert (status, refund["status"], refund["amount"]["refund"]) == (200, "PROCESSING", 60)
    assert gate.truth.kept("STRANGE2") == 40
    assert request(client, "GET", "/v1/trade/refund/domestic/refunds/R1", params=mine)[1]["out_refund_no"] == "R1"
    assert request(client, "GET", f"{trade}/out-trade-no/nowhere", params=mine) == (
        404,
        {"code": "ORDER_NOT_EXIST", "message": "订单不存在"},
    )


def test_the_other_sdk_pays_queries_closes_and_refunds_at_our_counterpart(other: process.Stranger, gate: gateway.Gateway) -> None:
    """Another order of fields in its header, another name for the code to scan, the same protocol."""
    client = joined(other, gate)

    def call(method: str, **arguments: Any) -> Any:
        answer = client.ask("call", method=method, arguments=arguments)
        assert "error" not in answer, answer
        return answer

    content = {name: value for name, value in opened(gate, "STRANGE1").items() if name != "mchid"}
    assert call("payments.native_prepay", **content)["qr_code"].startswith("https://")
    assert call("payments.query_by_out_trade_no", out_trade_no="STRANGE1")["trade_state"] == "NOTPAY"
    assert call("payments.close", out_trade_no="STRANGE1") == {}
    assert call("payments.query_by_out_trade_no", out_trade_no="STRANGE1")["trade_state"] == "CLOSED"
    assert call("payments.app_prepay", **content)["code"] == "ORDER_CLOSED"

    assert call("payments.app_prepay", **content | {"out_trade_no": "STRANGE2"})["prepay_id"].startswith("dy")
    paid = gate.truth.buyer_pays("STRANGE2")
    assert call("payments.query", transaction_id=paid.transaction_id)["trade_state"] == "SUCCESS"
    amount = {"refund": 60, "total": 100, "currency": "CNY"}
    assert call("refunds.create", transaction_id=paid.transaction_id, out_refund_no="R1", amount=amount)["status"] == "PROCESSING"
    assert call("refunds.query_by_out_refund_no", out_refund_no="R1")["amount"]["refund"] == 60
    assert call("refunds.query_by_out_refund_no", out_refund_no="R2")["code"] == "RESOURCE_NOT_EXISTS"
    assert gate.truth.kept("STRANGE2") == 40


def test_both_sdks_download_a_bill_each_at_its_own_path(client: process.Stranger, other: process.Stranger, gate: gateway.Gateway) -> None:
    """One signs the request for the file, and one does not; the hash is of the plain file."""
    request(client, "POST", "/v1/trade/transactions/native", json=opened(gate, "STRANGE1"))
    gate.truth.buyer_pays("STRANGE1")
    gate.clock.sleep(timedelta(days=1))
    asked = {"mchid": gate.merchant.mchid, "bill_date": "2026-11-23", "bill_type": "TRADE", "tar_type": "GZIP"}
    _, told = request(client, "GET", "/v1/bill/billapply", params=asked)
    files = [(told, client.ask("download", url=told["download_url"]))]
    client = joined(other, gate)
    told = client.ask("call", method="bills.trade", arguments={"bill_date": "2026-11-23"})
    files.append((told, client.ask("call", method="bills.download", arguments={"download_url": told["download_url"]})))
    for told, answer in files:
        plain = gzip.decompress(base64.b64decode(answer["base64"]))
        assert hashlib.sha1(plain, usedforsecurity=False).hexdigest() == told["hash_value"]
        assert "`STRANGE1" in plain.decode("utf-8-sig")


def delivered(gate: gateway.Gateway) -> list[post.Delivery]:
    """A payment's callback and a refund's, neither acknowledged."""
    made = gate.truth.create(
        gate_order := truths.Order(
            kind="native",
            appid=gate.merchant.appid,
            mchid=gate.merchant.mchid,
            description="绿茶",
            out_trade_no="STRANGE1",
            total=100,
            notify_url=douyinpay.NOTIFY_URL,
            attach="桌 7",
        )
    )
    gate.truth.buyer_pays(gate_order.out_trade_no)
    gate.truth.refund(made, "R1", amount=60, total=100, reason="", notify_url=douyinpay.NOTIFY_URL)
    gate.clock.sleep(gate.truth.refund_takes)
    got: list[post.Delivery] = []

    def receive(delivery: post.Delivery) -> int:
        got.append(delivery)
        return 500

    gate.deliver(receive)
    return got


def heard(client: process.Stranger, delivery: post.Delivery) -> Any:
    return client.ask("callback", headers=dict(delivery.headers), body=base64.b64encode(delivery.body).decode())


def test_both_sdks_and_our_reader_agree_on_callbacks(client: process.Stranger, other: process.Stranger, gate: gateway.Gateway) -> None:
    """Of a payment and of a refund, to the fen and the second; forged, tampered and badly sealed ones are nobody's."""
    second = joined(other, gate)
    ours = connector.DouyinPay(douyinpay.merchant_account(), http.Client(gate.transport), gate.wire_clock).callbacks(shops.SHOP)
    of_payment, of_refund = delivered(gate)
    told = heard(client, of_payment)
    content = told["content"]
    assert heard(second, of_payment) == content
    kept = ours.read(of_payment.headers, of_payment.body, datetime.now(UTC))
    assert (kept.check, told["event_type"]) == (payment.NoticeCheck.GENUINE, "TRANSACTION.SUCCESS")
    assert kept.attempt is not None
    assert kept.attempt.amount is not None
    assert kept.attempt.paid_at is not None
    assert (kept.number, kept.attempt.transaction) == (ids.OutTradeNo(content["out_trade_no"]), content["transaction_id"])
    assert (kept.attempt.amount.fen, kept.attempt.attach) == (content["amount"]["total"], content["attach"])
    assert clock.rfc3339(kept.attempt.paid_at) == content["success_time"]

    told = heard(client, of_refund)
    assert heard(second, of_refund) == told["content"]
    kept = ours.read(of_refund.headers, of_refund.body, datetime.now(UTC))
    assert kept.refund is not None
    assert (told["event_type"], kept.refund.number, kept.refund.amount.fen) == ("REFUND.SUCCESS", told["content"]["out_refund_no"], 60)

    notice = gate.notices.all[0]
    broken = [gate.notices.forge(notice)]
    for fault in (Fault.NOTICE_TAMPERED, Fault.NOTICE_TAG_BAD, Fault.NOTICE_WRONG_SERIAL):
        gate.faults.next(fault)
        broken.append(gate.notices.dress(notice))
    for delivery in broken:
        assert ours.read(delivery.headers, delivery.body, datetime.now(UTC)).check is not payment.NoticeCheck.GENUINE
        assert "error" in heard(client, delivery)
        assert "error" in heard(second, delivery)


def test_a_stale_callback_is_refused_by_the_official_sdk_and_by_us_and_taken_by_the_other(
    client: process.Stranger, other: process.Stranger, gate: gateway.Gateway
) -> None:
    """Ten minutes old, every byte genuine. The other would take it for a day: so each retry is stamped anew, and ours need not."""
    second = joined(other, gate)
    ours = connector.DouyinPay(douyinpay.merchant_account(), http.Client(gate.transport), gate.wire_clock).callbacks(shops.SHOP)
    delivered(gate)
    gate.faults.next(Fault.NOTICE_STALE)
    stale = gate.notices.dress(gate.notices.all[0])
    assert "offset" in heard(client, stale)["error"]
    assert ours.read(stale.headers, stale.body, datetime.now(UTC)).check is payment.NoticeCheck.CLOCK
    assert heard(second, stale)["out_trade_no"] == "STRANGE1"


def sent_by_us() -> tuple[douyinpay.DouyinShop, list[tuple[str, str, Mapping[str, str], bytes]]]:
    """One request of each kind that our connector sends."""
    seen: list[tuple[str, str, Mapping[str, str], bytes]] = []
    shop = douyinpay.shop()
    paid = shop.paid(description="绿茶 & 红茶")
    through = shop.gate.handle

    def watch(method: str, target: str, headers: Mapping[str, str], body: bytes) -> gates.Reply:
        seen.append((method, target, headers, body))
        return through(method, target, headers, body)

    shop.gate.handle = watch  # type: ignore[method-assign]
    shop.ask()
    shop.channel.ask_transaction(ids.TransactionId(paid.transaction_id))
    shop.channel.ask_refunds([(ids.RefundNo("R1"), ids.OutTradeNo("A1"))])
    for step in (shops.close_step(), shops.refund_step(paid), shops.link_step("LINK-B1")):
        shop.channel.do(shops.ORDER, step, shop.clock.now())
    shop.clock.advance(timedelta(days=1))
    shop.channel.fetch_bill(shops.START.date())
    return shop, seen


def test_our_connector_signs_byte_for_byte_as_both_sdks_do(official: process.Stranger, other: process.Stranger) -> None:
    """Same second, same nonce, same body: the official SDK's very header; the other's fields, which come in another order."""
    shop, seen = sent_by_us()
    routes = {route for route, _ in shop.gate.asked}
    assert routes == {"query", "query-id", "query-refund", "close", "refund", "create", "bill", "download", "certificates"}
    for method, target, headers, body in seen:
        ours = headers["Authorization"]
        fields = dict(re.findall(r'(\w+)="([^"]*)"', ours))
        told = {
            "method": method,
            "path": target.removeprefix("http://douyinpay.sandbox"),
            "body": body.decode(),
            "mchid": shop.gate.merchant.mchid,
            "serial": keys.serial("merchant"),
            "private_key": keys.pem("merchant_key").decode(),
            "nonce": fields["nonce_str"],
            "timestamp": int(fields["timestamp"]),
        }
        assert official.ask("authorization", **told) == ours
        theirs = other.ask("authorization", **told)
        assert theirs.startswith("DouyinPay-RSA ")
        assert dict(re.findall(r'(\w+)="([^"]*)"', theirs)) == fields
