"""wechatpay-node-v3, the client that Node shops use, against our counterpart and our connector: another language, the same bytes."""

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

from makewhole.core import clock
from makewhole.model import payment
from makewhole.sandbox.channel import gate as gates
from makewhole.sandbox.channel import post, server
from makewhole.sandbox.channel.faults import Fault
from makewhole.sandbox.wechatpay import gateway, keys
from tests.payments import shop as shops
from tests.strangers import process

pytestmark = pytest.mark.slow


@pytest.fixture
def gate() -> Iterator[gateway.Gateway]:
    """The world's clock stands still; what is signed carries the real time."""
    made = gateway.Gateway(clock.ManualClock(shops.START), wire_clock=process.WallClock())
    with server.serving(made):
        yield made


@pytest.fixture
def client(stranger_python: Callable[[str], Path], gate: gateway.Gateway) -> Iterator[process.Stranger]:
    """It fetches certificates by itself, and reads our merchant's serial from the certificate."""
    python = stranger_python("wechatpay-node-v3")
    modules = python.parent.parent / "node_modules"
    made = process.Stranger(python.parent / "node", "drive_wechatpay_node_v3.js", NODE_PATH=str(modules))
    told = {
        "mchid": gate.merchant.mchid,
        "appid": gate.merchant.appid,
        "apiv3_key": gate.merchant.apiv3_key,
        "private_key": keys.pem("merchant_key").decode(),
        "certificate": keys.pem("merchant_cert").decode(),
        "base_url": gate.base_url,
    }
    try:
        assert made.ask("client", **told) == "ready"
        yield made
    finally:
        made.stop()


def call(client: process.Stranger, method: str, *arguments: Any) -> tuple[int, Any]:
    """One call; its answer's signature is verified by the client over the bytes that came."""
    answer = client.ask("call", method=method, arguments=arguments)
    assert answer.get("verified") is True, answer
    return answer["status"], process.parsed(answer["text"])


def opened(number: str) -> dict[str, Any]:
    return {
        "description": "绿茶 & 红茶",
        "out_trade_no": number,
        "notify_url": shops.NOTIFY_URL,
        "amount": {"total": 100, "currency": "CNY"},
    }


def test_the_client_pays_queries_closes_and_refunds_at_our_counterpart(client: process.Stranger, gate: gateway.Gateway) -> None:
    """Every answer is signed so that it verifies, the empty 204 and a refusal too; one refund however often it is asked for."""
    assert call(client, "transactions_native", opened("S1"))[0] == 200
    assert call(client, "query", {"out_trade_no": "S1"})[1]["trade_state"] == "NOTPAY"
    assert call(client, "close", "S1") == (204, None)
    assert call(client, "query", {"out_trade_no": "S1"})[1]["trade_state"] == "CLOSED"

    assert call(client, "transactions_app", opened("S2"))[1]["prepay_id"].startswith("wx")
    assert gate.truth.transactions["S2"].order.description == "绿茶 & 红茶"
    paid = gate.truth.buyer_pays("S2")
    status, told = call(client, "query", {"transaction_id": paid.transaction_id})
    assert (status, told["out_trade_no"], told["trade_state"], told["amount"]["total"]) == (200, "S2", "SUCCESS", 100)
    asked = {"transaction_id": paid.transaction_id, "out_refund_no": "R1", "amount": {"refund": 60, "total": 100, "currency": "CNY"}}
    for _ in range(2):
        status, refund = call(client, "refunds", asked)
        assert (status, refund["status"], refund["amount"]["refund"]) == (200, "PROCESSING", 60)
    assert gate.truth.kept("S2") == 40
    assert call(client, "find_refunds", "R1")[1]["out_refund_no"] == "R1"
    assert call(client, "query", {"out_trade_no": "nowhere"}) == (404, {"code": "ORDER_NOT_EXIST", "message": "订单不存在"})


def test_the_client_downloads_a_bill(client: process.Stranger, gate: gateway.Gateway) -> None:
    """Packed and plain; the hash is of the plain file in both cases."""
    call(client, "transactions_native", opened("S1"))
    gate.truth.buyer_pays("S1")
    gate.clock.sleep(timedelta(days=1))
    for packed in ({"tar_type": "GZIP"}, {}):
        _, told = call(client, "tradebill", {"bill_date": "2026-11-23", "bill_type": "ALL"} | packed)
        answer = client.ask("download", url=told["download_url"])
        content = base64.b64decode(answer["base64"])
        plain = gzip.decompress(content) if packed else content
        assert hashlib.sha1(plain, usedforsecurity=False).hexdigest() == told["hash_value"]
        assert (answer["sha1"] == told["hash_value"]) is (not packed)
        assert "`S1" in plain.decode("utf-8-sig")


def delivered(client: process.Stranger, gate: gateway.Gateway) -> list[post.Delivery]:
    """A payment's callback and a refund's, neither acknowledged."""
    call(client, "transactions_native", opened("S1"))
    gate.truth.buyer_pays("S1")
    asked = {"out_trade_no": "S1", "out_refund_no": "R1", "amount": {"refund": 60, "total": 100, "currency": "CNY"}}
    call(client, "refunds", asked | {"notify_url": shops.NOTIFY_URL})
    gate.clock.sleep(gate.truth.refund_takes)
    got: list[post.Delivery] = []

    def receive(delivery: post.Delivery) -> int:
        got.append(delivery)
        return 500

    gate.deliver(receive)
    return got


def heard(client: process.Stranger, delivery: post.Delivery) -> Any:
    return client.ask("callback", headers=dict(delivery.headers), body=base64.b64encode(delivery.body).decode())


def test_the_client_and_our_reader_agree_on_callbacks(client: process.Stranger, gate: gateway.Gateway) -> None:
    """To the fen and the second; after a rotation too; forged, tampered and probing ones are nobody's."""
    ours = shops.reader_at(gate)
    of_payment, of_refund = delivered(client, gate)
    gate.signer.rotate()
    again = gate.notices.dress(gate.notices.all[0])
    for delivery in (of_payment, again):
        told = heard(client, delivery)
        kept = ours.read(delivery.headers, delivery.body, datetime.now(UTC))
        assert (told["verified"], told["event_type"], kept.check) == (True, "TRANSACTION.SUCCESS", payment.NoticeCheck.GENUINE)
        content = told["content"]
        assert kept.attempt is not None
        assert kept.attempt.amount is not None
        assert kept.attempt.paid_at is not None
        assert (kept.number, kept.attempt.transaction) == (content["out_trade_no"], content["transaction_id"])
        assert (kept.attempt.amount.fen, clock.rfc3339(kept.attempt.paid_at)) == (content["amount"]["total"], content["success_time"])
    told, kept = heard(client, of_refund), ours.read(of_refund.headers, of_refund.body, datetime.now(UTC))
    assert kept.refund is not None
    assert (told["event_type"], kept.refund.number, kept.refund.amount.fen) == ("REFUND.SUCCESS", told["content"]["out_refund_no"], 60)

    notice = gate.notices.all[0]
    broken = [gate.notices.forge(notice)]
    for fault in (Fault.NOTICE_TAMPERED, Fault.NOTICE_PROBE, Fault.NOTICE_WRONG_SERIAL):
        gate.faults.next(fault)
        broken.append(gate.notices.dress(notice))
    for delivery in broken:
        assert ours.read(delivery.headers, delivery.body, datetime.now(UTC)).check is not payment.NoticeCheck.GENUINE
        assert heard(client, delivery).get("verified") is not True


def test_our_connector_signs_byte_for_byte_as_the_client_does(client: process.Stranger) -> None:
    """Same second, same nonce, same body: the same fields, in an order of its own, and its serial in small letters."""
    seen: list[tuple[str, str, Mapping[str, str], bytes]] = []
    shop = shops.shop(description="绿茶 & 红茶")
    paid = shop.paid()
    through = shop.gate.handle

    def watch(method: str, target: str, headers: Mapping[str, str], body: bytes) -> gates.Reply:
        seen.append((method, target, headers, body))
        return through(method, target, headers, body)

    shop.gate.handle = watch  # type: ignore[method-assign]
    shop.ask()
    for step in (shops.close_step(), shops.refund_step(paid), shops.link_step("B1")):
        shop.channel.do(shops.ORDER, step, shop.clock.now())
    assert {m for m, _, _, _ in seen} == {"GET", "POST"}
    for method, target, headers, body in seen:
        fields = dict(re.findall(r'(\w+)="([^"]*)"', headers["Authorization"]))
        path = target.removeprefix("http://wechatpay.sandbox")
        told = {"method": method, "path": path, "body": body.decode(), "nonce": fields["nonce_str"], "timestamp": fields["timestamp"]}
        theirs = client.ask("authorization", **told)
        assert theirs.startswith("WECHATPAY2-SHA256-RSA2048 ")
        assert dict(re.findall(r'(\w+)="([^"]*)"', theirs)) == fields | {"serial_no": fields["serial_no"].lower()}
