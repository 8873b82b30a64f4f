"""What Alipay has of its own: trades that are made by opening the cashier, two meanings of closed, links signed here, two modes, GBK."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from cryptography.hazmat.primitives import serialization

from makewhole.adapters.payments.alipay import account, wire
from makewhole.core import faults, ids, money
from makewhole.model import claim, payment, run
from makewhole.sandbox.alipay import keys, notices
from makewhole.sandbox.channel import gate, post, truth
from makewhole.sandbox.channel.faults import Fault
from makewhole.sandbox.channel.truth import No
from tests.payments import alipay
from tests.payments import shop as shops

State = payment.AttemptState
MODES: list[dict[str, Any]] = [{}, alipay.CERTIFICATES, {"charset": "gbk"}]


def test_an_order_whose_link_was_never_opened_is_unknown_and_never_unpaid() -> None:
    """There is no trade before the cashier is opened: a silence; closing it does not succeed; then it is opened and paid after all."""
    shop = alipay.shop()
    shop.linked()
    told = shop.ask()
    assert isinstance(told, claim.Silence)
    assert told.why is claim.Why.NOT_FOUND
    assert isinstance(shops.do(shop, shops.close_step()), run.Pending)
    assert shop.channel.look(shops.ORDER, shops.close_step(), shop.clock.now()) == run.Saw(
        there=None, why="the channel says that it knows no such number"
    )
    shop.gate.open_cashier("A1")
    assert shops.attempt(shop).state is State.UNPAID
    shop.truth.buyer_pays("A1")
    assert shops.attempt(shop).state is State.PAID


def test_closed_is_unpaid_or_refunded_and_the_time_of_payment_tells() -> None:
    """One word of the channel's, two of ours; a look after a close takes the refunded one for no success."""
    shop = alipay.shop()
    shop.opened("A1")
    shop.truth.close("A1")
    paid = shop.paid("B1")
    shops.do(shop, shops.refund_step(paid))
    assert [shops.attempt(shop, n).state for n in ("A1", "B1")] == [State.CLOSED, State.REFUND]
    assert shops.attempt(shop, "A1").transaction is None
    assert shops.attempt(shop, "B1").paid_at == shops.START
    assert shops.do(shop, shops.close_step("A1")) == run.Succeeded()
    news = shops.do(shop, shops.close_step("B1"))
    assert isinstance(news, run.Refusal)
    assert news.code == shop.gate.word(No.PAID)


def test_a_finished_trade_is_paid_and_can_no_longer_be_refunded() -> None:
    """TRADE_FINISHED, a year later."""
    shop = alipay.shop()
    paid = shop.paid()
    shop.clock.advance(timedelta(days=366))
    assert shops.attempt(shop).state is State.PAID
    news = shops.do(shop, shops.refund_step(paid))
    assert isinstance(news, run.Refusal)
    assert news.code == "ACQ.TRADE_HAS_FINISHED"


def test_a_refund_that_does_not_show_is_not_done_and_may_be_asked_again() -> None:
    """Accepted with fund_change N and no status under its number: pending, then seen as absent, never as failed for good."""
    shop = alipay.shop()
    paid = shop.paid()
    shop.truth.plan_refund("MW0001", truth.Outcome.STUCK)
    assert isinstance(shops.do(shop, shops.refund_step(paid)), run.Pending)
    assert shop.channel.look(shops.ORDER, shops.refund_step(paid), shop.clock.now()) == run.Saw(
        there=False, why="the channel shows no such refund"
    )
    _, silent = shop.channel.ask_refunds([(ids.RefundNo("MW0001"), ids.OutTradeNo("A1"))])
    assert [s.why for s in silent] == [claim.Why.NOT_FOUND]


def test_a_refund_needs_the_merchants_balance() -> None:
    """SELLER_BALANCE_NOT_ENOUGH, and nothing moves; with money on the account it goes through under the same number."""
    shop = alipay.shop()
    paid = shop.paid(total=500)
    shop.truth.balance = 100
    news = shops.do(shop, shops.refund_step(paid))
    assert isinstance(news, run.Refusal)
    assert news.code == "ACQ.SELLER_BALANCE_NOT_ENOUGH"
    shop.truth.balance = 500
    assert shops.do(shop, shops.refund_step(paid)) == run.Succeeded(detail="MW0001")
    assert (shop.truth.balance, shop.truth.kept("A1")) == (0, 0)


@pytest.mark.parametrize("kind", [account.LinkKind.PAGE, account.LinkKind.WAP, account.LinkKind.APP])
@pytest.mark.parametrize("mode", MODES)
def test_links_that_are_signed_here(kind: account.LinkKind, mode: dict[str, Any]) -> None:
    """The buyer opens one, and our counterpart finds it properly signed: only then is there a trade, of the very amount."""
    shop = alipay.shop(link=kind, subject="绿茶 & 红茶", **mode)
    news = shops.do(shop, shops.link_step(total=12851))
    assert isinstance(news, run.Succeeded)
    assert [route for route, _ in shop.gate.asked] == ["query"]
    assert shop.truth.transactions == {}
    told = parse_qs(news.detail.partition("?")[2] or news.detail, encoding=mode.get("charset", "utf-8"))
    assert told["notify_url"] == [alipay.NOTIFY_URL]
    assert json.loads(told["biz_content"][0])["time_expire"] == "2026-11-23 20:30:00"
    target = news.detail if news.detail.startswith("http") else f"/gateway.do?{news.detail}"
    assert shop.gate.handle("GET", target, {}, b"")[0] == 200
    made = shop.truth.transactions["A1"]
    assert (made.order.total, made.order.description, made.state) == (12851, "绿茶 & 红茶", "NOTPAY")
    assert shops.do(shop, shops.link_step(total=12851)) == news


@pytest.mark.parametrize("kind", [account.LinkKind.PAGE, account.LinkKind.APP])
def test_no_link_is_signed_for_a_number_that_is_spent_or_cannot_be_seen(kind: account.LinkKind) -> None:
    """Nobody else would stop it: a signed address needs no gateway."""
    shop = alipay.shop(link=kind)
    shop.paid("A1")
    shop.opened("B1")
    shop.truth.close("B1")
    codes = [getattr(shops.do(shop, shops.link_step(number)), "code", "") for number in ("A1", "B1")]
    assert codes == [shop.gate.word(No.PAID), shop.gate.word(No.CLOSED)]
    shop.faults.next(Fault.REQUEST_LOST, times=3)
    assert isinstance(shops.do(shop, shops.link_step("C1")), run.NotDone)


def test_amounts_and_currencies_that_cannot_be_are_not_sent() -> None:
    """Zero, less, more than was paid, another currency."""
    shop = alipay.shop()
    paid = shop.paid(total=100)
    for amount in (0, -1, 101):
        news = shops.do(shop, shops.refund_step(paid, amount))
        assert isinstance(news, run.Refusal)
        assert news.code == "AMOUNT"
    foreign = money.Money(fen=100, currency="JPY")
    news = shops.do(shop, shops.refund_step(paid, amount=None, paid=foreign))
    assert isinstance(news, run.Refusal)
    assert news.code == "CURRENCY"
    assert isinstance(shops.do(shop, shops.link_step(total=0)), run.Refusal)
    assert shop.gate.asked == []


# ---------------------------------------------------------------- both modes, both charsets


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_asks_acts_and_is_told(mode: dict[str, Any]) -> None:
    """Plain keys, certificates, GBK: the same questions, the same answers."""
    shop = alipay.shop(**mode)
    shop.opened("A1", description="绿茶")
    assert shops.do(shop, shops.close_step()) == run.Succeeded()
    paid = shop.paid("B1", attach="附言")
    assert shops.attempt(shop, "B1").attach == "附言"
    assert shops.do(shop, shops.refund_step(paid)) == run.Succeeded(detail="MW0001")
    assert isinstance(shops.do(shop, shops.link_step("C1")), run.Succeeded)
    assert shop.channel.doubt() == ""


def test_a_key_that_is_not_alipays_is_named_by_the_doubt() -> None:
    """The commonest mistake: the application's own public key in place of Alipay's."""
    shop = alipay.shop(alipay=account.public_key(keys.public_pem("app")))
    assert shop.channel.doubt() == "its signature does not fit"


def test_a_wrong_key_of_ours_stops_everything() -> None:
    """isv.invalid-signature: no order can go on, and the sentence says what to look at."""
    shop = alipay.shop(private_key=keys.private("stranger"))
    for ask in (shop.ask, lambda: shop.channel.do(shops.ORDER, shops.link_step(), shops.START)):
        with pytest.raises(faults.Credentials, match="app id, key, certificates"):
            ask()


def test_an_answer_about_another_trade_is_not_ours() -> None:
    """Signed by Alipay in every byte, recorded, and played for another number: the number inside tells."""
    shop = alipay.shop()
    shop.paid("A1")
    shop.opened("B1")
    fresh = shop.gate.handle
    recorded: list[gate.Reply] = []

    def record(method: str, target: str, headers: Mapping[str, str], body: bytes) -> gate.Reply:
        recorded.append(fresh(method, target, headers, body))
        return recorded[-1]

    shop.gate.handle = record  # type: ignore[method-assign]
    shop.ask("A1")
    shop.gate.handle = lambda *request: recorded[0]  # type: ignore[method-assign]
    told = shop.ask("B1")
    assert isinstance(told, claim.Silence)
    assert told.why is claim.Why.NOT_UNDERSTOOD


# ---------------------------------------------------------------- keys and bytes


def test_keys_are_read_as_alipays_tools_write_them() -> None:
    """PEM or bare base64 on one line, PKCS #1 or #8; what is none is refused without a byte of it."""
    key = keys.private("app")
    for form in (serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL):
        pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        bare = b"".join(pem.splitlines()[1:-1])
        for content in (pem, bare, bare + b"\n"):
            assert account.private_key(content).private_numbers() == key.private_numbers()
    public = keys.public_pem("alipay")
    for content in (public, b"".join(public.splitlines()[1:-1])):
        assert account.public_key(content).key.public_numbers() == keys.public("alipay").public_numbers()
    for read in (account.private_key, account.public_key, account.alipay_certificate):
        for content in (b"", b"secret!", b"-----BEGIN X-----\nc2VjcmV0\n-----END X-----\n", b"c2VjcmV0"):
            with pytest.raises(faults.BadInput) as told:
                read(content)
            assert "secret" not in str(told.value)
            assert "c2VjcmV0" not in str(told.value)


def test_the_signed_part_is_cut_out_as_it_stood() -> None:
    """Escapes, braces and quotes in text, blanks, either order of node and signature; GBK, whose second bytes look like braces."""
    looks = bytes([0x81, 0x7B, 0x81, 0x7D, 0x81, 0x5C]).decode("gbk")
    for charset in ("utf-8", "gbk"):
        inner = '{ "a" : "}{\\"\\\\" , "b":{"c":"\\/' + looks + '"}, "sign":"inside" }'
        for text in (f'{{"x_response":{inner},"sign":"S"}}', f'{{ "sign" : "S" ,\n"alipay_cert_sn":"N", "x_response" :  {inner} }}'):
            told = wire.answer(text.encode(charset), "x_response", charset)
            assert (told.signed, told.sign, told.node) == (inner.encode(charset), "S", "x_response")


def test_the_repr_of_an_account_shows_no_secret() -> None:
    """It may land in a log."""
    shown = repr(alipay.merchant_account(app_auth_token="token-secret", payer_key=b"payer-secret"))
    assert "secret" not in shown
    assert "RSAPrivateKey" not in shown


# ---------------------------------------------------------------- the counterpart


def test_callbacks_follow_the_documented_schedule() -> None:
    """At once, then seven times, under one notify_id; none after exactly `success`, and any other answer is none."""
    for answers, expected in (([b"fail"] * 9, 8), ([b"SUCCESS", b"success\n", b'{"code":"SUCCESS"}', b"success"], 4)):
        shop = alipay.shop()
        shop.paid()
        times: list[timedelta] = []
        bodies: list[bytes] = []

        def receive(
            delivery: post.Delivery,
            shop: alipay.AlipayShop = shop,
            times: list[timedelta] = times,
            bodies: list[bytes] = bodies,
            answers: list[bytes] = answers,
        ) -> bytes:
            times.append(shop.clock.now() - shops.START)
            bodies.append(delivery.body)
            return answers[len(times) - 1]

        while (at := shop.gate.next_event()) is not None:
            shop.clock.advance(max(at - shop.clock.now(), timedelta(0)))
            shop.gate.deliver(receive)
        assert len(times) == expected
        assert times == [sum(notices.SCHEDULE[:n], timedelta(0)) for n in range(expected)]
        assert len({parse_qs(b.decode())["notify_id"][0] for b in bodies}) == 1


def test_the_same_seed_is_the_same_simulation_to_the_byte() -> None:
    """Signatures, numbers, faults: all of it repeats; another seed is another day."""

    def day(seed: int) -> list[object]:
        rates: dict[Fault, float] = dict.fromkeys(set(Fault) - {Fault.SLOW}, 0.1)
        shop = alipay.shop(seed=seed, rates=rates)
        seen: list[object] = []

        def receive(delivery: post.Delivery) -> bytes:
            seen.append(delivery.body)
            return b"fail"

        for at in range(20):
            shop.paid(f"A{at}", 100 + at)
            seen.append(str(shop.ask(f"A{at}")))
            shop.clock.advance(timedelta(minutes=4))
            shop.gate.deliver(receive)
        return seen

    assert day(7) == day(7)
    assert day(7) != day(8)


@pytest.mark.parametrize(
    "change, code",
    [
        ({"sign": ""}, "isv.missing-signature"),
        ({"app_id": "2021000000000002"}, "isv.invalid-app-id"),
        ({"method": "alipay.trade.steal"}, "isv.invalid-method"),
        ({"charset": "utf-7"}, "isv.invalid-charset"),
        ({"timestamp": "2026-11-23 20:00:01"}, "isv.invalid-signature"),
        ({"biz_content": "{}"}, "isv.invalid-signature"),
        ({"sign_type": "RSA"}, "isv.invalid-signature"),
        ({"app_cert_sn": "0"}, "isv.invalid-app-cert-sn"),
    ],
)
def test_a_request_that_is_not_signed_as_it_stands_is_refused(change: dict[str, str], code: str) -> None:
    """And nothing was carried out."""
    shop = alipay.shop()
    sent = shop.channel._talk.parameters("alipay.trade.query", {"out_trade_no": "A1"}) | change
    _, _, body = shop.gate.handle("GET", f"/gateway.do?{urlencode(sent)}", {}, b"")
    (told,) = (v for v in json.loads(body).values() if isinstance(v, dict))
    assert (told["sub_code"], shop.gate.asked) == (code, [])
