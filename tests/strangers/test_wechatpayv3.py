"""wechatpayv3, the SDK that most Python shops use, against our counterpart and our connector: neither was written with the other."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from makewhole.core import clock, ids
from makewhole.model import payment
from makewhole.sandbox.channel import gate as gates
from makewhole.sandbox.channel import post, server
from makewhole.sandbox.channel.faults import Fault
from makewhole.sandbox.wechatpay import gateway, keys
from tests.payments import shop as shops
from tests.strangers import process

pytestmark = pytest.mark.slow


@pytest.fixture
def stranger(stranger_python: Callable[[str], Path]) -> Iterator[process.Stranger]:
    made = process.Stranger(stranger_python("wechatpayv3"), "drive_wechatpayv3.py")
    yield made
    made.stop()


@pytest.fixture
def gate() -> Iterator[gateway.Gateway]:
    """The world's clock stands still; what is signed carries the real time."""
    made = gateway.Gateway(clock.ManualClock(shops.START), wire_clock=process.WallClock())
    with server.serving(made):
        yield made


@pytest.fixture(params=["certificates", "public-key"])
def client(request: pytest.FixtureRequest, stranger: process.Stranger, gate: gateway.Gateway, tmp_path: Path) -> process.Stranger:
    """The SDK, ready in each of its modes."""
    told: dict[str, Any] = {
        "mchid": gate.merchant.mchid,
        "appid": gate.merchant.appid,
        "apiv3_key": gate.merchant.apiv3_key,
        "serial_no": keys.serial("merchant"),
        "private_key": keys.pem("merchant_key").decode(),
        "notify_url": shops.NOTIFY_URL,
        "base_url": gate.base_url,
    }
    if request.param == "public-key":
        told |= {"public_key": keys.public_pem("public_key_mode").decode(), "public_key_id": keys.PUBLIC_KEY_ID}
        gate.signer.public_key_mode = True
    else:
        (tmp_path / "platform.pem").write_bytes(keys.pem("platform_1_cert"))
        told["cert_dir"] = str(tmp_path)
    assert stranger.ask("client", **told) == "ready"
    return stranger


def test_the_stranger_pays_queries_closes_and_refunds_at_our_counterpart(client: process.Stranger, gate: gateway.Gateway) -> None:
    """Each answer was verified by the SDK before it gave it to us, the empty 204 too."""
    status, opened = client.call("pay", description="茶", out_trade_no="S1", amount={"total": 100, "currency": "CNY"})
    assert (status, list(opened)) == (200, ["code_url"])
    assert client.call("query", out_trade_no="S1")[1]["trade_state"] == "NOTPAY"
    assert client.call("close", out_trade_no="S1") == (204, b"")
    assert client.call("query", out_trade_no="S1")[1]["trade_state"] == "CLOSED"

    client.call("pay", description="茶", out_trade_no="S2", amount={"total": 100})
    paid = gate.truth.buyer_pays("S2")
    status, told = client.call("query", transaction_id=paid.transaction_id)
    assert (status, told["out_trade_no"], told["trade_state"], told["amount"]["total"]) == (200, "S2", "SUCCESS", 100)
    for _ in range(2):
        amount = {"refund": 60, "total": 100, "currency": "CNY"}
        status, refund = client.call("refund", out_refund_no="R1", amount=amount, transaction_id=paid.transaction_id, reason="退款")
        assert (status, refund["status"], refund["amount"]["refund"]) == (200, "PROCESSING", 60)
    assert gate.truth.kept("S2") == 40
    assert client.call("query_refund", out_refund_no="R1")[1]["out_refund_no"] == "R1"
    assert client.call("query", out_trade_no="nowhere") == (404, {"code": "ORDER_NOT_EXIST", "message": "订单不存在"})


def test_the_stranger_downloads_a_bill(client: process.Stranger, gate: gateway.Gateway) -> None:
    """The address begins with our base address, its path is the one that needs no signature, the hash is of the plain file."""
    client.call("pay", description="茶", out_trade_no="S1", amount={"total": 100})
    gate.truth.buyer_pays("S1")
    gate.clock.sleep(timedelta(days=1))
    for packed in ("GZIP", ""):
        arguments = {"tar_type": packed} if packed else {"tar_type": "PLAIN"}
        status, told = client.call("trade_bill", bill_date="2026-11-23", bill_type="ALL", **arguments)
        assert status == 200
        status, content = client.call("download_bill", url=told["download_url"])
        plain = gzip.decompress(content) if packed else content
        assert status == 200
        assert hashlib.sha1(plain, usedforsecurity=False).hexdigest() == told["hash_value"]
        assert "`S1" in plain.decode("utf-8-sig")


def headers_of(delivery: post.Delivery) -> Mapping[str, str]:
    return dict(delivery.headers)


def heard(client: process.Stranger, delivery: post.Delivery) -> Any:
    return client.ask("callback", headers=headers_of(delivery), body=base64.b64encode(delivery.body).decode())


def test_the_stranger_reads_what_our_counterpart_signs_and_seals(client: process.Stranger, gate: gateway.Gateway) -> None:
    """Payment and refund; and refuses what our reader refuses: forged, tampered, probe."""
    client.call("pay", description="茶", out_trade_no="S1", amount={"total": 100})
    paid = gate.truth.buyer_pays("S1")
    arguments = {"out_refund_no": "R1", "amount": {"refund": 60, "total": 100, "currency": "CNY"}, "out_trade_no": "S1"}
    client.call("refund", **arguments)
    gate.clock.sleep(gate.truth.refund_takes)
    got: list[post.Delivery] = []

    def receive(delivery: post.Delivery) -> int:
        got.append(delivery)
        return 500

    gate.deliver(receive)
    payment_told, refund_told = (heard(client, d) for d in got)
    assert payment_told["event_type"] == "TRANSACTION.SUCCESS"
    assert payment_told["resource"]["transaction_id"] == paid.transaction_id
    assert refund_told["event_type"] == "REFUND.SUCCESS"
    assert refund_told["resource"]["out_refund_no"] == "R1"

    notice = gate.notices.all[0]
    assert heard(client, gate.notices.forge(notice)) is None
    for fault in (Fault.NOTICE_TAMPERED, Fault.NOTICE_PROBE):
        gate.faults.next(fault)
        answer = heard(client, gate.notices.dress(notice))
        assert answer is None or "error" in answer


def test_our_connector_signs_byte_for_byte_as_the_stranger_does(stranger: process.Stranger) -> None:
    """Same second, same nonce, same body: the same Authorization header, for a read and for each act."""
    seen: list[tuple[str, str, Mapping[str, str], bytes]] = []
    shop = shops.shop()
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
        ours = headers["Authorization"]
        nonce = ours.split('nonce_str="')[1].split('"')[0]
        theirs = stranger.ask(
            "authorization",
            path=target.removeprefix("http://wechatpay.sandbox"),
            method=method,
            mchid=shop.gate.merchant.mchid,
            serial_no=keys.serial("merchant"),
            private_key=keys.pem("merchant_key").decode(),
            nonce=nonce,
            timestamp=int(shop.clock.now().timestamp()),
            body=body.decode(),
        )
        assert ours == theirs


def test_our_connector_and_the_stranger_read_the_same_callback(client: process.Stranger, gate: gateway.Gateway) -> None:
    """One delivery, two readers: the number, the amount and the instant agree."""
    client.call("pay", description="茶", out_trade_no="S1", amount={"total": 100})
    gate.truth.buyer_pays("S1")
    got: list[post.Delivery] = []

    def receive(delivery: post.Delivery) -> int:
        got.append(delivery)
        return 204

    gate.deliver(receive)
    (delivery,) = got
    theirs = heard(client, delivery)["resource"]
    ours = shops.reader_at(gate).read(delivery.headers, delivery.body, datetime.now(UTC))
    assert ours.check is payment.NoticeCheck.GENUINE
    assert ours.attempt is not None
    assert ours.attempt.amount is not None
    assert ours.attempt.paid_at is not None
    assert (ours.number, ours.attempt.transaction) == (ids.OutTradeNo(theirs["out_trade_no"]), theirs["transaction_id"])
    assert ours.attempt.amount.fen == theirs["amount"]["total"]
    assert clock.rfc3339(ours.attempt.paid_at) == theirs["success_time"]
