"""Alipay's own SDK and the one that many shops use, against our counterpart and our connector: none was written with the others."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.hazmat.primitives import serialization

from makewhole.adapters import http
from makewhole.adapters.payments.alipay import account, connector, signing
from makewhole.core import clock, ids
from makewhole.model import payment
from makewhole.sandbox.alipay import gateway, keys, seal
from makewhole.sandbox.channel import gate as gates
from makewhole.sandbox.channel import post, server
from makewhole.sandbox.channel import truth as truths
from makewhole.sandbox.channel.faults import Fault
from tests.payments import alipay
from tests.payments import shop as shops
from tests.strangers import process

pytestmark = pytest.mark.slow

CHARSETS = ("utf-8", "gbk")


def bare_private() -> str:
    """The application's key as Alipay's tool writes it for other languages than Java: PKCS #1, without its first and last line."""
    pem = keys.private("app").private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return "".join(pem.decode().splitlines()[1:-1])


def bare_public(name: str) -> str:
    return "".join(keys.public_pem(name).decode().splitlines()[1:-1])


@pytest.fixture
def gate() -> Iterator[gateway.Gateway]:
    made = gateway.Gateway(clock.ManualClock(shops.START), wire_clock=process.WallClock())
    with server.serving(made):
        yield made


@pytest.fixture
def official(stranger_python: Callable[[str], Path]) -> Iterator[process.Stranger]:
    made = process.Stranger(stranger_python("alipay-sdk-python"), "drive_alipay_sdk_python.py")
    yield made
    made.stop()


@pytest.fixture
def popular(stranger_python: Callable[[str], Path]) -> Iterator[process.Stranger]:
    made = process.Stranger(stranger_python("python-alipay-sdk"), "drive_python_alipay_sdk.py")
    yield made
    made.stop()


def attached(stranger: process.Stranger, gate: gateway.Gateway, charset: str = "utf-8") -> process.Stranger:
    """Alipay's SDK, ready: keys without their PEM lines, as its documentation wants them."""
    told = {
        "app_id": gate.merchant.app_id,
        "app_private_key": bare_private(),
        "alipay_public_key": bare_public("alipay"),
        "server_url": gate.gateway_url,
        "charset": charset,
    }
    assert stranger.ask("client", **told) == "ready"
    return stranger


def joined(stranger: process.Stranger, gate: gateway.Gateway, *, certificates: bool) -> process.Stranger:
    """python-alipay-sdk, ready in one of its modes."""
    told: dict[str, Any] = {
        "appid": gate.merchant.app_id,
        "app_notify_url": alipay.NOTIFY_URL,
        "app_private_key_string": keys.pem("app_key").decode(),
        "gateway": gate.gateway_url,
    }
    if certificates:
        told |= {
            "app_public_key_cert_string": keys.pem("app_cert").decode(),
            "alipay_public_key_cert_string": keys.pem("alipay_cert").decode(),
            "alipay_root_cert_string": keys.pem("root_cert").decode(),
        }
    else:
        told["alipay_public_key_string"] = keys.public_pem("alipay").decode()
    assert stranger.ask("client", **told) == "ready"
    return stranger


@pytest.mark.parametrize("charset", CHARSETS)
def test_alipays_own_sdk_pays_queries_closes_and_refunds_at_our_counterpart(
    official: process.Stranger, gate: gateway.Gateway, charset: str
) -> None:
    """Each answer was verified by the SDK before it gave it to us: absolute-form targets, content in the form, both charsets."""
    client = attached(official, gate, charset)

    def execute(name: str, **content: Any) -> Any:
        return client.ask("execute", name=name, content=content, notify_url=alipay.NOTIFY_URL)

    opened = execute("TradePrecreate", out_trade_no="S1", total_amount="1.00", subject="绿茶")
    assert opened["success"]
    assert opened["qr_code"].startswith("https://qr.alipay.com/")
    assert execute("TradeQuery", out_trade_no="S1")["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    gate.open_cashier("S1")
    assert execute("TradeQuery", out_trade_no="S1")["trade_status"] == "WAIT_BUYER_PAY"
    assert execute("TradeClose", out_trade_no="S1")["success"]
    assert execute("TradeQuery", out_trade_no="S1")["trade_status"] == "TRADE_CLOSED"

    page = client.ask(
        "page",
        name="TradePagePay",
        content={"out_trade_no": "S2", "total_amount": "1.00", "subject": "绿茶", "product_code": "FAST_INSTANT_TRADE_PAY"},
    )
    assert gate.handle("GET", page, {}, b"")[0] == 200
    assert gate.truth.transactions["S2"].order.description == "绿茶"
    paid = gate.truth.buyer_pays("S2")
    told = execute("TradeQuery", trade_no=paid.transaction_id)
    assert (told["out_trade_no"], told["trade_status"], told["total_amount"]) == ("S2", "TRADE_SUCCESS", "1.00")
    changes = [
        execute("TradeRefund", out_trade_no="S2", refund_amount="0.60", out_request_no="R1")[word]
        for word in ("fund_change", "fund_change", "refund_fee")
    ]
    assert changes == ["Y", "N", "0.60"]
    assert gate.truth.kept("S2") == 40
    assert (
        execute("TradeRefund", out_trade_no="S2", refund_amount="0.30", out_request_no="R1")["sub_code"] == "ACQ.DISCORDANT_REPEAT_REQUEST"
    )
    asked = execute("TradeFastpayRefundQuery", out_trade_no="S2", out_request_no="R1")
    assert (asked["refund_status"], asked["refund_amount"]) == ("REFUND_SUCCESS", "0.60")
    assert "refund_status" not in execute("TradeFastpayRefundQuery", out_trade_no="S2", out_request_no="R2")


@pytest.mark.parametrize("certificates", [False, True])
def test_the_popular_sdk_queries_closes_and_refunds_in_both_modes(
    popular: process.Stranger,
    gate: gateway.Gateway,
    certificates: bool,  # noqa: FBT001
) -> None:
    """All in the query of a GET; every answer verified by it, every request's certificate numbers and signature by our counterpart."""
    client = joined(popular, gate, certificates=certificates)

    def call(method: str, **arguments: Any) -> Any:
        return client.ask("call", method=method, arguments=arguments)

    address = call("api_alipay_trade_page_pay", subject="绿茶", out_trade_no="S1", total_amount="1.00")
    assert gate.handle("GET", f"{gate.gateway_url}?{address}", {}, b"")[0] == 200
    assert call("api_alipay_trade_query", out_trade_no="S1")["trade_status"] == "WAIT_BUYER_PAY"
    paid = gate.truth.buyer_pays("S1")
    assert call("api_alipay_trade_query", trade_no=paid.transaction_id)["send_pay_date"] == "2026-11-23 20:00:00"
    refunded = call("api_alipay_trade_refund", refund_amount="1.00", out_trade_no="S1", out_request_no="R1")
    assert (refunded["code"], refunded["fund_change"]) == ("10000", "Y")
    assert call("api_alipay_trade_query", out_trade_no="S1")["trade_status"] == "TRADE_CLOSED"
    assert call("api_alipay_trade_fastpay_refund_query", out_request_no="R1", out_trade_no="S1")["refund_amount"] == "1.00"
    gate.truth.create(truths.Order(kind="page", appid="a", mchid="m", description="茶", out_trade_no="S2", total=100))
    gate.open_cashier("S2")
    assert call("api_alipay_trade_close", out_trade_no="S2")["out_trade_no"] == "S2"


def test_certificates_have_the_numbers_that_the_stranger_reckons(popular: process.Stranger, gate: gateway.Gateway) -> None:
    """Of the application and of the roots: RSA roots only, in the file's order."""
    joined(popular, gate, certificates=True)
    app = account.certificates(keys.pem("app_cert"), where="")[0]
    roots = account.certificates(keys.pem("root_cert"), where="")
    assert popular.ask("numbers") == [signing.cert_sn(app), signing.root_cert_sn(roots)]
    assert signing.root_cert_sn(roots).count("_") == 1
    # And it asks our counterpart for a certificate of Alipay's as we do: the answer holds the one with that number.
    wanted = seal.cert_sn("alipay_next")
    asked = popular.ask("call", method="api_alipay_open_app_alipaycert_download", arguments={"alipay_cert_sn": wanted})
    told = json.loads(gate.handle("GET", f"{gate.gateway_url}?{asked}", {}, b"")[2])
    content = base64.b64decode(told["alipay_open_app_alipaycert_download_response"]["alipay_cert_content"])
    assert "sign" not in told
    assert signing.cert_sn(account.certificates(content, where="")[0]) == wanted


def sent_by_us(charset: str, **mode: Any) -> list[dict[str, str]]:
    """The parameters of one request of each kind that our connector sends, links too."""
    seen: list[dict[str, str]] = []

    def watched(**more: Any) -> alipay.AlipayShop:
        made = alipay.shop(charset=charset, subject="绿茶 & 红茶", **mode | more)
        through = made.gate.handle

        def watch(method: str, target: str, headers: Mapping[str, str], body: bytes) -> gates.Reply:
            pairs = [*parse_qsl(urlsplit(target).query, encoding=charset), *parse_qsl(body.decode(), encoding=charset)]
            seen.append(dict(pairs))
            return through(method, target, headers, body)

        made.gate.handle = watch  # type: ignore[method-assign]
        return made

    turned = watched(**alipay.CERTIFICATES)
    turned.faults.next(Fault.ROTATED)
    turned.ask()
    shop = watched()
    paid = shop.paid()
    shop.ask()
    shop.channel.ask_refunds([(ids.RefundNo("R1"), ids.OutTradeNo("A1"))])
    for step in (shops.close_step(), shops.refund_step(paid), shops.link_step("B1")):
        shop.channel.do(shops.ORDER, step, shop.clock.now())
    for kind in (account.LinkKind.PAGE, account.LinkKind.WAP, account.LinkKind.APP):
        linked = alipay.shop(charset=charset, subject="绿茶 & 红茶", link=kind, **mode)
        news: Any = linked.channel.do(shops.ORDER, shops.link_step("B1"), shop.clock.now())
        seen.append(dict(parse_qsl(news.detail.partition("?")[2] or news.detail, encoding=charset)))
    return seen


@pytest.mark.parametrize("charset", CHARSETS)
def test_our_connector_signs_byte_for_byte_as_both_strangers_do(
    official: process.Stranger, popular: process.Stranger, gate: gateway.Gateway, charset: str
) -> None:
    """The same parameters, the same signature: for each question, each act and each kind of link."""
    joined(popular, gate, certificates=False)
    sent = sent_by_us(charset)
    methods = {p["method"] for p in sent}
    assert methods == set(gateway.ROUTES) - {"alipay.data.dataservice.bill.downloadurl.query"}
    for told in sent:
        unsigned = {k: v for k, v in told.items() if k != "sign"}
        content, signature = official.ask("sign", parameters=unsigned, key=bare_private(), charset=charset)
        assert (content, signature) == (signing.request_text(told), told["sign"])
        if charset == "utf-8":
            assert dict(parse_qsl(popular.ask("sign", parameters=unsigned)))["sign"] == told["sign"]


def delivered(gate: gateway.Gateway) -> list[post.Delivery]:
    got: list[post.Delivery] = []

    def receive(delivery: post.Delivery) -> bytes:
        got.append(delivery)
        return b"fail"

    gate.deliver(receive)
    return got


def test_both_strangers_and_our_reader_agree_on_callbacks(
    official: process.Stranger, popular: process.Stranger, gate: gateway.Gateway
) -> None:
    """Of a payment and of a refund; forged and tampered ones are nobody's."""
    joined(popular, gate, certificates=False)
    shop = alipay.AlipayShop(
        clock=clock.ManualClock(shops.START),
        gate=gate,
        channel=(ours := connector.Alipay(alipay.merchant_account(), http.Client(gate.transport), gate.clock)),
        reader=ours.callbacks(shops.SHOP),
    )
    paid = shop.paid(description="绿茶 & 红茶+1=%")
    gate.truth.refund(paid, "R1", amount=60, total=paid.paid, reason="", notify_url=alipay.NOTIFY_URL)
    gate.truth.settle(shops.START)
    sound = delivered(gate)
    assert len(sound) == 2
    forged = gate.notices.forge(gate.notices.all[0])
    for delivery, whole in [*((d, True) for d in sound), (forged, False)]:
        told = dict(parse_qsl(delivery.body.decode(), strict_parsing=True))
        sign, unsigned = told.pop("sign"), {k: v for k, v in told.items() if k != "sign_type"}
        by_official = official.ask("verify", parameters=unsigned, key=bare_public("alipay"), charset="utf-8", sign=sign)
        assert (by_official is True) is whole
        assert popular.ask("verify", parameters=told, sign=sign) is whole
        assert (shop.read(delivery) is payment.NoticeCheck.GENUINE) is whole
