"""Attacks on callbacks, refunds and amounts, by their numbers in the threat list: refused with the exact answer, and no fen has moved.

Those that every channel of APIv3 must refuse alike stand in its contract, `test_apiv3_callbacks`.
"""

from __future__ import annotations

import json
from datetime import timedelta

import msgspec
import pytest

from makewhole import settings
from makewhole.adapters.payments.apiv3 import signing
from makewhole.adapters.payments.wechatpay import dialect
from makewhole.core import codec, ids, money
from makewhole.flow.diagnose import rule, rules
from makewhole.model import act, claim, dossier, finding, order, payment, run
from makewhole.sandbox.channel import post
from makewhole.sandbox.channel.faults import Fault
from makewhole.sandbox.wechatpay import keys
from tests.payments import shop as shops
from tests.payments.standing import judged, nothing_moves

Check = payment.NoticeCheck


def genuine(shop: shops.Shop) -> post.Delivery:
    shop.paid()
    (delivery,) = shop.deliveries()
    return delivery


def raw_call(shop: shops.WeChatShop, target: str, body: bytes) -> tuple[int, str]:
    """A call that our connector would never make, properly signed: what a hole in it would send."""
    stamp, nonce = str(int(shop.clock.now().timestamp())), "n" * 32
    signature = signing.sign(keys.private("merchant"), signing.request_string("POST", target, stamp, nonce, body))
    told = signing.authorization(
        dialect.WECHATPAY,
        mchid=shop.gate.merchant.mchid,
        serial_no=keys.serial("merchant"),
        nonce=nonce,
        timestamp=stamp,
        signature=signature,
    )
    status, _, answer = shop.gate.handle("POST", target, {"Authorization": told}, body)
    return status, json.loads(answer)["code"] if status >= 400 else ""


def test_attack_02_probe() -> None:
    """WeChat Pay's own test of its merchants: refused, and known for what it is."""
    shop = shops.shop()
    shop.faults.next(Fault.NOTICE_PROBE)
    probe = genuine(shop)
    with nothing_moves(shop):
        assert judged(shop, probe.headers, probe.body) == (Check.PROBE, 401, False)
        shop.gate.deliver(lambda d: shop.answered(d.headers, d.body), shop.clock.now() + timedelta(seconds=15))
    assert not shop.gate.notices.wrongly_acknowledged


def test_attack_03_valid_signature_wrong_certificate() -> None:
    """A serial that nobody knows, the merchant's own, and the serial of another key than the one that signed."""
    shop = shops.shop()
    good = genuine(shop)
    told = dict(good.headers)
    shop.gate.signer.rotate()
    with nothing_moves(shop):
        for serial in ("7777" + keys.PLATFORM_SERIALS[0][4:], keys.serial("merchant"), keys.PUBLIC_KEY_ID):
            headers = tuple((told | {"Wechatpay-Serial": serial}).items())
            assert judged(shop, headers, good.body) == (Check.UNKNOWN_CERTIFICATE, 401, False)
        shop.clock.advance(timedelta(seconds=10))
        other = tuple((told | {"Wechatpay-Serial": keys.PLATFORM_SERIALS[1]}).items())
        assert judged(shop, other, good.body) == (Check.BAD_SIGNATURE, 401, False)


@pytest.mark.parametrize("paid, currency", [(1, "CNY"), (12849, "CNY"), (12850, "JPY"), (12850, "KWD")])
def test_attack_07_valid_callback_lower_amount(paid: int, currency: str) -> None:
    """It is genuine, and tells what was really paid: the diagnosis finds another amount, and never a payment to record."""
    shop = shops.shop()
    shop.truth.pay_unknown(
        "A1", paid, currency=currency, appid=shop.gate.merchant.appid, mchid=shop.gate.merchant.mchid, notify_url=shops.NOTIFY_URL
    )
    (delivery,) = shop.deliveries()
    with nothing_moves(shop):
        kept = shop.reader.read(delivery.headers, delivery.body, shop.clock.now())
        told, _ = shop.channel.ask([ids.OutTradeNo("A1")])
    assert kept.check is Check.GENUINE
    for attempt in (kept.attempt, told[0]):
        assert isinstance(attempt, payment.Attempt)
        assert attempt.amount == money.Money(fen=paid, currency=currency)
    row = order.ShopOrder(
        source=claim.SHOP,
        as_of=shop.clock.now(),
        number=ids.OrderNumber("A1"),
        state=order.OrderState.AWAITING_PAYMENT,
        raw_state="0",
        due=money.Money(fen=12850),
        version="1",
        speaks_of=(),
    )
    now = shop.clock.now() + timedelta(hours=1)
    view = rule.View(
        dossier=dossier.Dossier(order=ids.OrderKey(shop=shops.SHOP, number=row.number), claims=(row, *told)),
        policy=settings.policy_book().at(now),
        now=now,
    )
    found = rules.diagnose(view)
    assert isinstance(found, finding.Broken)
    assert found.findings[0].ailment is finding.Ailment.AMOUNT_DIFFERS


STRANGE_AMOUNTS = ["0", "-1", "0.001", "1e308", "NaN", '"1e2"', '"１００"', "1e2", "100.0", "true", "null", "99999999999999999999"]


@pytest.mark.parametrize("amount", STRANGE_AMOUNTS)
def test_attack_12_strange_amounts(amount: str) -> None:
    """No such refund can be told to our engine, and none is sent; sent by a hole, the channel refuses it."""
    shop = shops.shop()
    paid = shop.paid(total=100)
    step = shops.refund_step(paid)
    told = codec.canonical(step).replace(b'"amount":{"fen":100,', b'"amount":{"fen":%b,' % amount.encode())
    assert told != codec.canonical(step)
    with nothing_moves(shop):
        try:
            read = codec.decode(told, type(step))
        except msgspec.DecodeError:
            pass
        else:
            news = shop.channel.do(shops.ORDER, read, shop.clock.now())
            assert isinstance(news, run.Refusal)
            assert news.code == "AMOUNT"
            assert shop.gate.asked == []
        body = (
            f'{{"transaction_id":"{paid.transaction_id}","out_refund_no":"R1","amount":{{"refund":{amount},"total":100,"currency":"CNY"}}}}'
        )
        assert raw_call(shop, "/v3/refund/domestic/refunds", body.encode()) == (400, "PARAM_ERROR")


def test_attack_12_partial_refunds_that_sum_to_too_much() -> None:
    """60 of 100, then 60 again, 41, 40, 1: what goes back is what was paid, and each refusal moves nothing."""
    shop = shops.shop()
    paid = shop.paid(total=100)
    answers = {}
    for at, amount in enumerate((60, 60, 41, 40, 1)):
        news = shop.channel.do(shops.ORDER, shops.refund_step(paid, amount, f"R{at}"), shop.clock.now())
        answers[amount, at] = news.code if isinstance(news, run.Refusal) else type(news).__name__
    assert answers == {
        (60, 0): "Pending",
        (60, 1): "INVALID_REQUEST",
        (41, 2): "INVALID_REQUEST",
        (40, 3): "Pending",
        (1, 4): "INVALID_REQUEST",
    }
    assert shop.truth.kept("A1") == 0
    assert sum(line.moved for line in shop.truth.ledger) == 0


@pytest.mark.parametrize("currency", ["JPY", "KWD", "USD", "", "cny"])
def test_attack_13_another_currency(currency: str) -> None:
    """100 of a currency without minor units is not 100 fen: nothing is sent, and sent by a hole it is refused."""
    shop = shops.shop()
    paid = shop.paid(total=100)
    amount = money.Money(fen=100, currency=currency)
    with nothing_moves(shop):
        step = shops.refund_step(paid)
        for changed in ({"amount": amount}, {"paid": amount}, {"amount": amount, "paid": amount}):
            other = msgspec.structs.replace(step, act=msgspec.structs.replace(step.act, **changed))
            news = shop.channel.do(shops.ORDER, other, shop.clock.now())
            assert isinstance(news, run.Refusal)
            assert news.code == "CURRENCY"
        assert shop.gate.asked == []
        body = json.dumps(
            {"transaction_id": paid.transaction_id, "out_refund_no": "R1", "amount": {"refund": 100, "total": 100, "currency": currency}}
        )
        assert raw_call(shop, "/v3/refund/domestic/refunds", body.encode()) == (400, "PARAM_ERROR")


def test_attack_14_same_number_other_content() -> None:
    """Other amount, other payment: its own answer, before and after the first refund is done; a look says the same."""
    shop = shops.shop()
    paid, other = shop.paid("A1", 100), shop.paid("B1", 100)
    shop.channel.do(shops.ORDER, shops.refund_step(paid, 60), shop.clock.now())
    for _ in range(2):
        with nothing_moves(shop):
            for step in (shops.refund_step(paid, 40), shops.refund_step(other, 60), shops.refund_step(other, 100)):
                news = shop.channel.do(shops.ORDER, step, shop.clock.now())
                assert isinstance(news, run.Refusal)
                assert news.code == "INVALID_REQUEST"
                seen = shop.channel.look(shops.ORDER, step, shop.clock.now())
                assert isinstance(seen, run.Refusal)
                assert seen.code == "CONTENT_DIFFERS"
        shop.clock.advance(shop.truth.refund_takes)
    assert shop.truth.kept("A1") == 40
    assert shop.truth.kept("B1") == 100


@pytest.mark.parametrize("lost", [Fault.ANSWER_LOST, Fault.LANDS_LATE, Fault.SYSTEM_ERROR_AFTER])
def test_attack_15_retry_under_a_new_number(lost: Fault) -> None:
    """Our number is derived from the payment, so a retry has the old one; a new one, from a hole, finds nothing left to refund."""
    shop = shops.shop()
    paid = shop.paid()
    transaction = ids.TransactionId(paid.transaction_id)
    numbers = {ids.refund_no(shops.SHOP, transaction) for _ in range(3)}
    assert len(numbers) == 1
    step = shops.refund_step(paid, number=numbers.pop())
    shop.faults.next(lost, where="refund")
    with pytest.raises(Exception, match=r"may have arrived|SYSTEM_ERROR"):
        shop.channel.do(shops.ORDER, step, shop.clock.now())
    shop.clock.advance(timedelta(minutes=1))
    shop.ask()
    with nothing_moves(shop):
        news = shop.channel.do(shops.ORDER, shops.refund_step(paid, number="MW-ANOTHER"), shop.clock.now())
        assert isinstance(news, run.Refusal)
        assert news.code == "INVALID_REQUEST"
    assert isinstance(step.act, act.RefundPayment)
    assert list(shop.truth.refunds) == [step.act.number]
    assert shop.truth.kept("A1") == 0
