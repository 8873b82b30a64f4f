"""Douyin Pay's callbacks: genuine ones are read, and every attack on them is refused with the exact answer while no fen moves."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from makewhole.adapters.payments import strictjson
from makewhole.core import faults, money
from makewhole.model import claim, payment
from makewhole.sandbox.apiv3 import notices, objects
from makewhole.sandbox.channel import post
from makewhole.sandbox.channel import truth as truths
from makewhole.sandbox.channel.faults import Fault
from makewhole.sandbox.douyinpay import gateway
from tests.payments import douyinpay
from tests.payments import shop as shops
from tests.payments.test_attacks import judged, nothing_moves

Check = payment.NoticeCheck
SIGNED = ("Douyinpay-Timestamp", "Douyinpay-Nonce", "Douyinpay-Signature", "Douyinpay-Serial")


def delivered(shop: douyinpay.DouyinShop, *broken: Fault, **other: Any) -> post.Delivery:
    """The callback of a payment that was just made, broken as asked."""
    for fault in broken:
        shop.faults.next(fault)
    shop.paid(**other)
    return shop.deliveries()[-1]


def test_a_genuine_callback_is_kept_with_all_that_proves_it() -> None:
    """Headers and bytes as they came; the attempt as its content claims; one key however often it comes, each time stamped anew."""
    shop = douyinpay.shop()
    first = delivered(shop, attach="桌 7")
    kept = shop.reader.read(first.headers, first.body, shop.clock.now())
    assert (kept.check, kept.number, kept.shop, kept.channel, kept.body) == (
        Check.GENUINE,
        "A1",
        shops.SHOP,
        douyinpay.CHANNEL,
        first.body,
    )
    assert {k for k, _ in kept.headers} == {*SIGNED, "Content-Type", "User-Agent"}
    assert kept.attempt is not None
    assert (kept.attempt.state, kept.attempt.amount, kept.attempt.attach) == (payment.AttemptState.PAID, money.Money(fen=12850), "桌 7")
    shop.clock.advance(notices.SCHEDULE[0])
    (second,) = shop.deliveries()
    assert dict(second.headers)["Douyinpay-Timestamp"] != dict(first.headers)["Douyinpay-Timestamp"]
    again = shop.reader.read(second.headers, second.body, shop.clock.now())
    assert (again.check, again.key) == (Check.GENUINE, kept.key)


@pytest.mark.parametrize("outcome", ["SUCCESS", "ABNORMAL", "CLOSED"])
def test_of_refunds_only_those_that_succeeded_are_told(outcome: str) -> None:
    """The other two events are not open yet; where such a refund stands is asked."""
    shop = douyinpay.shop()
    paid = shop.paid()
    shop.truth.plan_refund("R1", truths.Outcome(outcome))
    shops.do(shop, shops.refund_step(paid, 100, "R1"))
    shop.clock.advance(shop.truth.refund_takes)
    events = [d.event for d in shop.deliveries()]
    assert events == ["TRANSACTION.SUCCESS", *(["REFUND.SUCCESS"] if outcome == "SUCCESS" else [])]


@pytest.mark.parametrize(
    "fault, check",
    [
        (Fault.NOTICE_TAMPERED, Check.BAD_SIGNATURE),
        (Fault.NOTICE_TAG_BAD, Check.UNREADABLE),
        (Fault.NOTICE_WRONG_SERIAL, Check.UNKNOWN_CERTIFICATE),
        (Fault.NOTICE_STALE, Check.CLOCK),
        (Fault.ROTATED, Check.GENUINE),
    ],
)
def test_each_way_to_be_broken_has_its_name_and_only_a_genuine_one_is_acknowledged(fault: Fault, check: payment.NoticeCheck) -> None:
    """What was broken once comes again whole; the broken one never takes its place."""
    shop = douyinpay.shop()
    broken = delivered(shop, fault)
    assert shop.answered(broken.headers, broken.body) == (200 if check is Check.GENUINE else 401)
    shop.clock.advance(timedelta(seconds=15))
    (whole,) = shop.deliveries()
    assert shop.answered(whole.headers, whole.body) == 200
    assert [k.check for k in shop.inbox.values()] == ([check, Check.GENUINE] if check is not Check.GENUINE else [check])


# ---------------------------------------------------------------- content, well signed

Change = Callable[[dict[str, Any]], Mapping[str, Any]]


def dressed(shop: douyinpay.DouyinShop, change: Change, event: str = "TRANSACTION.SUCCESS") -> post.Delivery:
    """A callback of the first payment with changed content, properly sealed and signed."""
    content = gateway.transaction(shop.truth.transactions["A1"])
    return shop.gate.notices.dress(shop.gate.notices.announce(event, change(content), url="", at=shop.clock.now()))


@pytest.mark.parametrize(
    "change, check",
    [
        (lambda c: c, Check.GENUINE),
        (lambda c: c | {"mchid": "6020230307605085"}, Check.FOREIGN),
        (lambda c: c | {"appid": "awother"}, Check.FOREIGN),
        (lambda c: {k: v for k, v in c.items() if k != "mchid"}, Check.UNREADABLE),
        (lambda c: {k: v for k, v in c.items() if k != "amount"}, Check.UNREADABLE),
        (lambda c: c | {"amount": {"total": "12850"}}, Check.UNREADABLE),
        (lambda c: c | {"amount": {"total": 128.5}}, Check.UNREADABLE),
        (lambda c: c | {"amount": {"total": 0}}, Check.UNREADABLE),
        (lambda c: c | {"amount": {"total": -1}}, Check.UNREADABLE),
        (lambda c: c | {"amount": {"total": 10**30}}, Check.UNREADABLE),
        (lambda c: c | {"trade_state": "WON_THE_LOTTERY"}, Check.UNREADABLE),
        (lambda c: c | {"transaction_id": ""}, Check.UNREADABLE),
    ],
)
def test_well_signed_content_is_checked_too(change: Change, check: payment.NoticeCheck) -> None:
    """Merchant, app, amount, state; nothing of what fails is believed."""
    shop = douyinpay.shop()
    shop.paid()
    delivery = dressed(shop, change)
    with nothing_moves(shop):
        assert judged(shop, delivery.headers, delivery.body) == (check, 200 if check is Check.GENUINE else 401, check is Check.GENUINE)


@pytest.mark.parametrize(
    "event, check",
    [
        ("TRANSACTION.SUCCESS", Check.GENUINE),
        ("PAYMENT.SUCCESS", Check.GENUINE),
        ("SPLIT.SUCCESS", Check.UNREADABLE),
        ("ASYNC_SPLIT.FINISH", Check.UNREADABLE),
        ("TRANSFER.SUCCESS", Check.UNREADABLE),
        ("", Check.UNREADABLE),
    ],
)
def test_payments_have_two_names_and_other_products_none(event: str, check: payment.NoticeCheck) -> None:
    """Its clients disagree about the first; shares and transfers are not orders."""
    shop = douyinpay.shop()
    shop.paid()
    assert shop.read(dressed(shop, lambda c: c, event=event)) is check


def test_a_payment_that_failed_is_told_as_one() -> None:
    """TRANSACTION.FAIL: no money came, and the claim says so."""
    shop = douyinpay.shop()
    shop.paid()
    delivery = dressed(shop, lambda c: c | {"trade_state": "PAYERROR"}, event="TRANSACTION.FAIL")
    kept = shop.reader.read(delivery.headers, delivery.body, shop.clock.now())
    assert kept.attempt is not None
    assert kept.attempt.state is payment.AttemptState.FAILED


@pytest.mark.parametrize(
    "change, check",
    [
        (lambda c: c, Check.GENUINE),
        (lambda c: {k: v for k, v in c.items() if k != "mchid"}, Check.GENUINE),
        (lambda c: c | {"mchid": "6020230307605085"}, Check.FOREIGN),
        (lambda c: c | {"amount": {"total": 100, "refund": 101}}, Check.UNREADABLE),
        (lambda c: c | {"refund_status": "LOST"}, Check.UNREADABLE),
    ],
)
def test_a_callback_of_a_refund_may_name_no_merchant_but_no_other_one(change: Change, check: payment.NoticeCheck) -> None:
    """Two of its clients have no such field; without it the seal, under our own key, says that it is ours."""
    shop = douyinpay.shop()
    paid = shop.paid(total=100)
    shops.do(shop, shops.refund_step(paid, 60))
    told = change(objects.refund_news(shop.truth.refunds["MW0001"]))
    delivery = shop.gate.notices.dress(shop.gate.notices.announce("REFUND.SUCCESS", told, url="", at=shop.clock.now()))
    kept = shop.reader.read(delivery.headers, delivery.body, shop.clock.now())
    assert kept.check is check
    assert (kept.refund is not None) is (check is Check.GENUINE)


# ---------------------------------------------------------------- attacks


def test_forged_callbacks() -> None:
    """No signature, garbage, another's signature over our text, the signature of another text, the payload without its seal."""
    shop = douyinpay.shop()
    good = delivered(shop)
    told = dict(good.headers)
    forged = shop.gate.notices.forge(shop.gate.notices.all[0])
    unsealed = json.dumps(gateway.transaction(shop.truth.transactions["A1"])).encode()
    attempts = [
        ({k: v for k, v in told.items() if k != "Douyinpay-Signature"}, good.body),
        (told | {"Douyinpay-Signature": ""}, good.body),
        (told | {"Douyinpay-Signature": "garbage"}, good.body),
        (told | {"Douyinpay-Signature": base64.b64encode(b"\0" * 256).decode()}, good.body),
        (told | {"Douyinpay-Timestamp": "soon"}, good.body),
        (dict(forged.headers), forged.body),
        (told, forged.body),
        (told, unsealed),
        (told, good.body.replace(b"{", b'{"id":"EV-1",', 1)),
        (told, good.body + b"\n"),
    ]
    with nothing_moves(shop):
        for headers, body in attempts:
            assert judged(shop, tuple(headers.items()), body) == (Check.BAD_SIGNATURE, 401, False)
        assert shop.answered((), unsealed) == 400
        assert shop.answered(good.headers, good.body) == 200


def test_another_channels_callback_at_this_door() -> None:
    """WeChat Pay's is genuine at its own door, and here no callback at all; under our headers' names it is nobody's."""
    shop, other = douyinpay.shop(), shops.shop()
    other.paid()
    (foreign,) = other.deliveries()
    renamed = tuple((name.replace("Wechatpay", "Douyinpay"), value) for name, value in foreign.headers)
    with nothing_moves(shop):
        assert shop.answered(foreign.headers, foreign.body) == 400
        assert judged(shop, renamed, foreign.body) == (Check.UNKNOWN_CERTIFICATE, 401, False)


def test_a_callback_played_again() -> None:
    """A hundred times at once: acknowledged, because it is genuine, and one notice. After five minutes: refused, both ways."""
    shop = douyinpay.shop()
    good = delivered(shop)
    with nothing_moves(shop):
        assert {shop.answered(good.headers, good.body) for _ in range(100)} == {200}
        assert len(shop.inbox) == 1
        for off in (301, 86400 + 240, -301):
            kept = shop.reader.read(good.headers, good.body, shop.clock.now() + timedelta(seconds=off))
            assert (kept.check, kept.attempt) == (Check.CLOCK, None)
        assert shop.reader.read(good.headers, good.body, shop.clock.now() + timedelta(seconds=300)).check is Check.GENUINE


@pytest.mark.parametrize("paid", [1, 12849])
def test_a_genuine_callback_of_a_lower_amount_tells_what_was_paid(paid: int) -> None:
    """Our order's number, somebody's smaller payment: callback and query agree on the fen that came, for the diagnosis to compare."""
    shop = douyinpay.shop()
    shop.opened()
    shop.truth.buyer_pays("A1", amount=paid)
    (delivery,) = shop.deliveries()
    kept = shop.reader.read(delivery.headers, delivery.body, shop.clock.now())
    assert kept.attempt is not None
    assert kept.attempt.amount == shops.attempt(shop).amount == money.Money(fen=paid)


def test_a_query_that_is_answered_about_another_merchant_is_not_understood() -> None:
    """However well it is signed."""
    shop = douyinpay.shop()
    paid = shop.paid()
    paid.order.mchid = "6020230307605085"
    told = shop.ask()
    assert isinstance(told, claim.Silence)
    assert told.why is claim.Why.NOT_UNDERSTOOD


@pytest.mark.parametrize(
    "attach",
    [
        "x" * (strictjson.BODY_BYTES_MAX + 1),
        json.loads("[" * 40 + "]" * 40),
    ],
    ids=["long", "deep"],
)
def test_a_well_sealed_bomb_is_not_read(attach: Any) -> None:
    """Signed and sealed by the channel, too long or too deep all the same."""
    shop = douyinpay.shop()
    shop.paid()
    delivery = dressed(shop, lambda c: c | {"promotion_detail": attach})
    with nothing_moves(shop):
        assert judged(shop, delivery.headers, delivery.body) == (Check.UNREADABLE, 401, False)


_SHOP = douyinpay.shop()
_DELIVERY = delivered(_SHOP)
assert _SHOP.read(_DELIVERY) is Check.GENUINE


@hypothesis.given(st.integers(0, len(_DELIVERY.body) - 1), st.integers(1, 255))
def test_a_changed_byte_of_the_body_is_never_genuine(at: int, flip: int) -> None:
    """Any byte, changed to any other."""
    body = bytearray(_DELIVERY.body)
    body[at] ^= flip
    assert _SHOP.reader.read(_DELIVERY.headers, bytes(body), _SHOP.clock.now()).check is Check.BAD_SIGNATURE


@hypothesis.given(st.sampled_from(SIGNED), st.integers(0, 400), st.characters(), st.booleans())
def test_a_changed_character_of_a_signed_header_is_never_genuine(name: str, at: int, other: str, insert: bool) -> None:  # noqa: FBT001
    """Replaced or inserted, by any character there is."""
    told = dict(_DELIVERY.headers)
    value = told[name]
    place = at % len(value)
    changed = value[:place] + other + value[place + (not insert) :]
    hypothesis.assume(changed != value)
    headers = tuple((told | {name: changed}).items())
    assert _SHOP.reader.read(headers, _DELIVERY.body, _SHOP.clock.now()).check is not Check.GENUINE


@pytest.mark.parametrize("name", SIGNED)
def test_a_signed_header_comes_exactly_once(name: str) -> None:
    """Without it, or with two of it, nothing was signed; its name may be spelled in any case."""
    without = [(k, v) for k, v in _DELIVERY.headers if k != name]
    value, now = dict(_DELIVERY.headers)[name], _SHOP.clock.now()
    assert _SHOP.reader.read(without, _DELIVERY.body, now).check is Check.BAD_SIGNATURE
    assert _SHOP.reader.read([*_DELIVERY.headers, (name, value)], _DELIVERY.body, now).check is Check.BAD_SIGNATURE
    assert _SHOP.reader.read([*without, (name.lower(), value)], _DELIVERY.body, now).check is Check.GENUINE


@hypothesis.given(st.binary(max_size=400), st.lists(st.tuples(st.sampled_from(SIGNED), st.text(max_size=60)), max_size=8))
def test_noise_is_never_genuine(body: bytes, headers: list[tuple[str, str]]) -> None:
    """Whatever stands at our door, the reader answers with a check, or says that it is no callback."""
    try:
        kept = _SHOP.reader.read(headers, body, _SHOP.clock.now())
    except faults.Rejected:
        assert headers == []
    else:
        assert kept.check is not Check.GENUINE
