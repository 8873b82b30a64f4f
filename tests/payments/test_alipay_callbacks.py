"""Alipay's callbacks and attacks on them: only what it signed over these very parameters, for us, is genuine; all else has a name."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

import hypothesis
import pytest
from hypothesis import strategies as st

from makewhole.adapters.payments.alipay import wire
from makewhole.core import faults, money
from makewhole.model import payment, run
from makewhole.sandbox.alipay import keys, notices, objects, seal
from makewhole.sandbox.channel import post
from makewhole.sandbox.channel.faults import Fault
from tests.payments import alipay, standing
from tests.payments import shop as shops
from tests.payments.standing import nothing_moves

Check = payment.NoticeCheck
Change = Callable[[dict[str, str]], Mapping[str, str]]


def delivered(shop: alipay.AlipayShop, **other: Any) -> post.Delivery:
    shop.paid(**other)
    return shop.deliveries()[-1]


def parameters(delivery: post.Delivery) -> dict[str, str]:
    return dict(parse_qsl(delivery.body.decode(), strict_parsing=True))


def signed(told: Mapping[str, str], key: str = "alipay", charset: str = "utf-8") -> bytes:
    """A callback's body with this content, signed as Alipay would; what is empty is part of it, as its own SDKs have it."""
    bare = {k: v for k, v in told.items() if k != "sign"}
    text = "&".join(f"{k}={v}" for k, v in sorted(bare.items()) if k != "sign_type")
    sign = seal.sign(keys.private(key), text.encode(charset))
    return urlencode(bare | {"sign": sign}, encoding=charset).encode()


def judged(shop: alipay.AlipayShop, body: bytes) -> tuple[payment.NoticeCheck, int, bool]:
    """All that counts is in the body."""
    return standing.judged(shop, (), body)


def test_a_genuine_callback_is_kept_with_all_that_proves_it() -> None:
    """Bytes as they came; the attempt as its content claims; one key however often it comes, by its notify_id."""
    shop = alipay.shop()
    first = delivered(shop, attach="shop%2D7", description="绿茶 & 红茶+1=%")
    kept = shop.reader.read((*first.headers, ("X-Way", "other")), first.body, shop.clock.now())
    assert (kept.check, kept.number, kept.shop, kept.channel, kept.body) == (Check.GENUINE, "A1", shops.SHOP, "alipay", first.body)
    assert {k for k, _ in kept.headers} == {"Content-Type", "User-Agent"}
    told = kept.attempt
    assert told is not None
    assert (told.state, told.amount, told.attach) == (payment.AttemptState.PAID, money.Money(fen=12850), "shop-7")
    assert (told.merchant, told.paid_at, told.transaction) == (shop.merchant, shops.START, shop.truth.transactions["A1"].transaction_id)
    assert shop.truth.transactions["A1"].openid not in str(told)
    shop.clock.advance(notices.SCHEDULE[0])
    (second,) = shop.deliveries()
    assert second.body != first.body
    again = shop.reader.read(second.headers, second.body, shop.clock.now())
    assert (again.check, again.key) == (Check.GENUINE, kept.key)


def test_a_callback_of_a_refund_speaks_of_the_refund() -> None:
    """Under its own number, with what has gone back in all; in full, the trade is closed, and that is no unpaid one."""
    shop = alipay.shop()
    paid = shop.paid()
    shops.do(shop, shops.refund_step(paid, 50, "MW1"))
    shops.do(shop, shops.refund_step(paid, 12800, "MW2"))
    _, part, full = (shop.reader.read(d.headers, d.body, shop.clock.now()) for d in shop.deliveries())
    assert [(k.refund.number, k.refund.amount.fen, k.refund.state) for k in (part, full) if k.refund] == [
        ("MW1", 50, payment.RefundState.DONE),
        ("MW2", 12850, payment.RefundState.DONE),
    ]
    assert [(k.check, k.number, k.attempt) for k in (part, full)] == [(Check.GENUINE, "A1", None)] * 2
    assert part.key != full.key


@pytest.mark.parametrize(
    "change, check, state",
    [
        (lambda c: c, Check.GENUINE, payment.AttemptState.PAID),
        (lambda c: c | {"trade_status": "TRADE_FINISHED"}, Check.GENUINE, payment.AttemptState.PAID),
        (lambda c: c | {"trade_status": "TRADE_CLOSED"}, Check.GENUINE, payment.AttemptState.REFUND),
        (
            # As it came to a merchant whose buyer never paid: refund_fee is there, and nothing was refunded.
            lambda c: {k: v for k, v in c.items() if k != "gmt_payment"} | {"trade_status": "TRADE_CLOSED", "refund_fee": "0.00"},
            Check.GENUINE,
            payment.AttemptState.CLOSED,
        ),
        (
            lambda c: {k: v for k, v in c.items() if k != "gmt_payment"} | {"trade_status": "WAIT_BUYER_PAY"},
            Check.GENUINE,
            payment.AttemptState.UNPAID,
        ),
        (lambda c: c | {"app_id": "2021000000000002"}, Check.FOREIGN, None),
        (lambda c: c | {"seller_id": "2088000000000002"}, Check.FOREIGN, None),
        (lambda c: {k: v for k, v in c.items() if k != "app_id"}, Check.FOREIGN, None),
        (lambda c: {k: v for k, v in c.items() if k != "seller_id"}, Check.FOREIGN, None),
        (lambda c: c | {"notify_type": "coupon_sync"}, Check.UNREADABLE, None),
        (lambda c: {k: v for k, v in c.items() if k != "notify_id"}, Check.UNREADABLE, None),
        (lambda c: c | {"trade_status": "WON_THE_LOTTERY"}, Check.UNREADABLE, None),
        (lambda c: c | {"trade_no": ""}, Check.UNREADABLE, None),
        (lambda c: c | {"gmt_payment": "yesterday"}, Check.UNREADABLE, None),
        (lambda c: c | {"out_biz_no": "R1", "gmt_refund": "2026-11-23 20:00:00", "refund_fee": "999.00"}, Check.UNREADABLE, None),
    ],
)
def test_well_signed_content_is_checked_too(change: Change, check: payment.NoticeCheck, state: payment.AttemptState | None) -> None:
    """App, seller, kind, state, numbers; TRADE_CLOSED is two states, and the time of payment tells which."""
    shop = alipay.shop()
    kept = shop.reader.read((), signed(change(parameters(delivered(shop)))), shop.clock.now())
    assert kept.check is check
    assert (kept.attempt.state if kept.attempt else None) is state
    assert shop.answered((), kept.body) == (200 if check is Check.GENUINE else 401)


@pytest.mark.parametrize(
    "amount", ["0", "0.00", "-1", "0.001", "1e308", "NaN", "1e2", "１００", "", "1,000.00", " ", "true", "99999999999999999999"]
)
def test_strange_amounts(amount: str) -> None:
    """Well signed, and not read."""
    shop = alipay.shop()
    assert judged(shop, signed(parameters(delivered(shop)) | {"total_amount": amount})) == (Check.UNREADABLE, 401, False)


@pytest.mark.parametrize("charset", ["gbk", "GBK", "gb2312", "gb18030", "utf-8", "UTF-8"])
def test_a_callback_is_read_in_the_charset_that_it_names(charset: str) -> None:
    """Whatever our own requests are in."""
    shop = alipay.shop()
    codec = wire.CHARSETS[charset.lower()]
    told = parameters(delivered(shop)) | {"charset": charset, "subject": "绿茶（大）"}
    assert judged(shop, signed(told, charset=codec)) == (Check.GENUINE, 200, True)
    other = "utf-8" if codec != "utf-8" else "gbk"
    assert judged(shop, signed(told, charset=other)) == (Check.BAD_SIGNATURE, 401, False)
    assert judged(shop, signed(told | {"charset": "utf-7"})) == (Check.BAD_SIGNATURE, 401, False)


def test_certificates_are_read_alike() -> None:
    """In certificate mode the same key signs, named by its certificate."""
    shop = alipay.shop(**alipay.CERTIFICATES)
    assert shop.read(delivered(shop)) is Check.GENUINE


# ---------------------------------------------------------------- attacks


def test_a_forged_callback() -> None:
    """No signature, garbage, another's signature over our text, the signature of another text, another scheme, no sign_type."""
    shop = alipay.shop()
    good = delivered(shop)
    told = parameters(good)
    forged = shop.gate.notices.forge(shop.gate.notices.all[0])
    attempts = [
        {k: v for k, v in told.items() if k != "sign"},
        told | {"sign": ""},
        told | {"sign": "garbage"},
        told | {"sign": base64.b64encode(b"\0" * 256).decode()},
        told | {"sign": parameters(forged)["sign"]},
        told | {"sign_type": "RSA"},
        told | {"sign_type": ""},
        {k: v for k, v in told.items() if k != "sign_type"},
    ]
    with nothing_moves(shop):
        for attempt in attempts:
            assert judged(shop, urlencode(attempt).encode()) == (Check.BAD_SIGNATURE, 401, False)
        assert judged(shop, forged.body) == (Check.BAD_SIGNATURE, 401, False)
        with pytest.raises(faults.Rejected, match="neither"):
            shop.reader.read((), b"out_trade_no=A1&trade_status=TRADE_SUCCESS", shop.clock.now())
        assert shop.answered((), b"out_trade_no=A1") == 400


@pytest.mark.parametrize(
    "field, value", [("total_amount", "0.01"), ("out_trade_no", "A2"), ("trade_no", "1"), ("trade_status", "TRADE_CLOSED"), ("extra", "1")]
)
def test_a_tampered_callback(field: str, value: str) -> None:
    """Any parameter changed or added: the amount, the order, the state."""
    shop = alipay.shop()
    told = parameters(delivered(shop))
    with nothing_moves(shop):
        assert judged(shop, urlencode(told | {field: value}).encode()) == (Check.BAD_SIGNATURE, 401, False)
        assert judged(shop, urlencode({k: v for k, v in told.items() if k != "subject"}).encode()) == (
            Check.BAD_SIGNATURE,
            401,
            False,
        )


def test_a_parameter_that_comes_twice() -> None:
    """Whoever verifies the first and the shop reads the second would be two stories."""
    shop = alipay.shop()
    good = delivered(shop)
    for more in (b"&total_amount=0.01", b"&out_trade_no=A2", b"&sign=x", b"&%6fut_trade_no=A2", b"&bare"):
        assert judged(shop, good.body + more) == (Check.BAD_SIGNATURE, 401, False)
        assert judged(shop, more[1:] + b"&" + good.body) == (Check.BAD_SIGNATURE, 401, False)


def test_a_signature_of_a_sign_in_other_spelling() -> None:
    """The last character of base64 has bits that decoding drops; one spelling was sent."""
    shop = alipay.shop()
    told = parameters(delivered(shop))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    for other in [told["sign"][:-3] + c + "==" for c in alphabet if c != told["sign"][-3]]:
        assert judged(shop, urlencode(told | {"sign": other}).encode())[0] is Check.BAD_SIGNATURE


def test_a_replayed_callback() -> None:
    """Acknowledged each time, however late, because it is genuine; one notice, because it has one notify_id; no fen moves."""
    shop = alipay.shop()
    good = delivered(shop)
    with nothing_moves(shop):
        for _ in range(1000):
            assert shop.answered(good.headers, good.body) == 200
        shop.clock.advance(timedelta(days=30))
        assert shop.answered(good.headers, good.body) == 200
    assert len(shop.inbox) == 1


@pytest.mark.parametrize("paid", [1, 12849])
def test_a_genuine_callback_of_a_lower_amount_tells_what_was_paid(paid: int) -> None:
    """Our order's number, somebody's smaller payment: callback and query agree on the fen that came, for the diagnosis to compare."""
    shop = alipay.shop()
    shop.opened()
    shop.truth.buyer_pays("A1", amount=paid)
    (delivery,) = shop.deliveries()
    kept = shop.reader.read(delivery.headers, delivery.body, shop.clock.now())
    told = shops.attempt(shop)
    assert kept.attempt is not None
    assert kept.attempt.amount == told.amount == money.Money(fen=paid)


def test_a_forgery_does_not_take_a_genuine_notices_place() -> None:
    """It claims the same notify_id, and is kept under another key."""
    shop = alipay.shop()
    good = delivered(shop)
    forged = shop.gate.notices.forge(shop.gate.notices.all[0])
    assert [shop.answered((), d.body) for d in (forged, good)] == [401, 200]
    assert {k.check for k in shop.inbox.values()} == {Check.BAD_SIGNATURE, Check.GENUINE}


def test_a_refund_under_a_known_number_with_other_content_is_refused() -> None:
    """Another amount: the channel says so, a look says so; nothing moves."""
    shop = alipay.shop()
    paid = shop.paid(total=100)
    shops.do(shop, shops.refund_step(paid, 60))
    with nothing_moves(shop):
        news = shops.do(shop, shops.refund_step(paid, 40))
        assert isinstance(news, run.Refusal)
        assert news.code == "ACQ.DISCORDANT_REPEAT_REQUEST"
        seen = shop.channel.look(shops.ORDER, shops.refund_step(paid, 40), shop.clock.now())
        assert isinstance(seen, run.Refusal)
        assert seen.code == "CONTENT_DIFFERS"


_SHOP = alipay.shop()
_DELIVERY = delivered(_SHOP)
assert _SHOP.read(_DELIVERY) is Check.GENUINE


@hypothesis.given(st.integers(0, len(_DELIVERY.body) - 1), st.integers(1, 255))
def test_a_changed_byte_is_never_genuine_unless_it_says_the_same(at: int, flip: int) -> None:
    """Any byte, changed to any other. `%2f` and `%2F` are one character; what they say is the same, to us and to the shop."""
    body = bytearray(_DELIVERY.body)
    body[at] ^= flip
    try:
        same = wire.form(bytes(body)) == wire.form(_DELIVERY.body)
    except ValueError:
        same = False
    try:
        check = _SHOP.reader.read((), bytes(body), _SHOP.clock.now()).check
    except faults.Rejected:
        raise AssertionError("two parameters claim it") from None
    assert (check is Check.GENUINE) is same


@hypothesis.given(st.binary(max_size=400))
def test_noise_is_never_genuine(noise: bytes) -> None:
    """Whatever stands at our door, the reader answers with a check, or says that it is no callback."""
    for body in (noise, b"sign=" + noise, b"notify_id=1&sign_type=RSA2&" + noise):
        try:
            kept = _SHOP.reader.read((), body, _SHOP.clock.now())
        except faults.Rejected:
            continue
        assert kept.check is not Check.GENUINE


def test_the_counterpart_catches_a_merchant_that_believes_everything() -> None:
    """It counts what was wrongly acknowledged, by the fault that made it."""
    for careful in (False, True):
        shop = alipay.shop()
        for at, fault in enumerate((Fault.NOTICE_FORGED, Fault.NOTICE_TAMPERED)):
            shop.faults.next(fault)
            shop.paid(f"A{at}")

            def receive(delivery: post.Delivery, shop: alipay.AlipayShop = shop, careful: bool = careful) -> bytes:  # noqa: FBT001
                return b"success" if not careful or shop.answered(delivery.headers, delivery.body) == 200 else b"fail"

            shop.gate.deliver(receive)
        assert dict(shop.gate.notices.wrongly_acknowledged) == ({} if careful else {"notice-forged": 1, "notice-tampered": 1})


def test_amounts_in_yuan_are_exact_both_ways() -> None:
    """No float: every fen of a million, and the largest there is."""
    for fen in (*range(0, 1_000_000, 997), 1, 10, 100, 12850, 999_999_999_99):
        assert wire.fen(wire.yuan(fen)) == fen
        assert wire.yuan(fen) == objects.yuan(fen)
    assert wire.yuan(-5) == "-0.05"
