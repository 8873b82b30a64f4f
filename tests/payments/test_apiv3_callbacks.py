"""Callbacks wherever APIv3 is spoken: only what was signed over these very bytes, just now, for us, is genuine; all else has its name.

Attacks bear their numbers in the threat list. What one channel has of its own stands in its own file.
"""

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
from makewhole.sandbox.apiv3 import notices
from makewhole.sandbox.channel import post
from makewhole.sandbox.channel.faults import Fault
from tests.payments import douyinpay
from tests.payments import shop as shops
from tests.payments.standing import judged, nothing_moves

Check = payment.NoticeCheck
KINDS: Mapping[str, shops.Wired[shops.Apiv3Shop]] = {"wechatpay": shops.WeChatShop, "douyinpay": douyinpay.DouyinShop}


@pytest.fixture(params=KINDS)
def shop(request: pytest.FixtureRequest) -> shops.Apiv3Shop:
    return shops.made(KINDS[request.param])


def delivered(shop: shops.Apiv3Shop, *broken: Fault, **other: Any) -> post.Delivery:
    """The callback of a payment that was just made, broken as asked."""
    for fault in broken:
        shop.faults.next(fault)
    shop.paid(**other)
    return shop.deliveries()[-1]


def signed(shop: shops.Apiv3Shop) -> list[str]:
    """The headers that carry a signature."""
    speech = shop.gate.speaks
    kinds = ("Timestamp", "Nonce", "Signature", "Serial", *(("Signature-Type",) if speech.typed else ()))
    return [f"{speech.prefix}-{kind}" for kind in kinds]


def header(shop: shops.Apiv3Shop, kind: str) -> str:
    return f"{shop.gate.speaks.prefix}-{kind}"


def test_a_genuine_callback_is_kept_with_all_that_proves_it(shop: shops.Apiv3Shop) -> None:
    """Headers and bytes as they came; the attempt as its content claims; one key however often it comes, each time signed anew."""
    first = delivered(shop, attach="桌 7")
    kept = shop.reader.read((*first.headers, ("X-Way", "other")), first.body, shop.clock.now())
    assert (kept.check, kept.number, kept.shop, kept.channel, kept.body) == (Check.GENUINE, "A1", shops.SHOP, shop.name, first.body)
    assert {k for k, _ in kept.headers} == {*signed(shop), "Content-Type", "User-Agent"}
    assert kept.attempt is not None
    assert (kept.attempt.state, kept.attempt.amount, kept.attempt.attach) == (payment.AttemptState.PAID, money.Money(fen=12850), "桌 7")
    shop.clock.advance(notices.SCHEDULE[0])
    (second,) = shop.deliveries()
    assert dict(second.headers)[header(shop, "Timestamp")] != dict(first.headers)[header(shop, "Timestamp")]
    again = shop.reader.read(second.headers, second.body, shop.clock.now())
    assert (again.check, again.key) == (Check.GENUINE, kept.key)


@pytest.mark.parametrize(
    "fault, check",
    [
        (Fault.NOTICE_TAMPERED, Check.BAD_SIGNATURE),
        (Fault.NOTICE_TAG_BAD, Check.UNREADABLE),
        (Fault.NOTICE_WRONG_SERIAL, Check.UNKNOWN_CERTIFICATE),
        (Fault.NOTICE_STALE, Check.CLOCK),
        (Fault.ROTATED, Check.GENUINE),
        (None, Check.GENUINE),
    ],
)
def test_each_way_to_be_broken_has_its_name_and_only_a_genuine_one_is_acknowledged(
    shop: shops.Apiv3Shop, fault: Fault | None, check: payment.NoticeCheck
) -> None:
    """What claims a signature is kept, believed or not; it comes again whole, and the broken one never takes its place."""
    broken = delivered(shop, *([fault] if fault else []))
    believed = check is Check.GENUINE
    assert judged(shop, broken.headers, broken.body) == (check, 200 if believed else 401, believed)
    shop.clock.advance(timedelta(seconds=15))
    (whole,) = shop.deliveries()
    assert shop.answered(whole.headers, whole.body) == 200
    assert [k.check for k in shop.inbox.values()] == ([Check.GENUINE] if believed else [check, Check.GENUINE])


@pytest.mark.parametrize("headers", [(), (("Content-Type", "application/json"),), (("Wechatpay", "x"), ("Douyinpay", "x"))])
def test_a_request_that_claims_no_signature_is_no_callback(shop: shops.Apiv3Shop, headers: tuple[tuple[str, str], ...]) -> None:
    """Whoever strolls by cannot fill the inbox."""
    with pytest.raises(faults.Rejected, match="none of"):
        shop.reader.read(headers, b"{}", shop.clock.now())
    assert shop.answered(headers, b"{}") == 400
    assert shop.inbox == {}


# ---------------------------------------------------------------- every byte counts

_STANDING = {name: shops.made(kind) for name, kind in KINDS.items()}
_DELIVERED = {name: delivered(shop) for name, shop in _STANDING.items()}


def _check(name: str, headers: Any, body: bytes) -> payment.NoticeCheck:
    shop = _STANDING[name]
    return shop.reader.read(tuple(headers), body, shop.clock.now()).check


@pytest.mark.parametrize("name", KINDS)
@hypothesis.given(st.integers(0, 5000), st.integers(1, 255))
def test_a_changed_byte_of_the_body_is_never_genuine(name: str, at: int, flip: int) -> None:
    """Any byte, changed to any other."""
    told = _DELIVERED[name]
    body = bytearray(told.body)
    body[at % len(body)] ^= flip
    assert _check(name, told.headers, bytes(body)) is Check.BAD_SIGNATURE


@pytest.mark.parametrize("name", KINDS)
@hypothesis.given(st.data(), st.integers(0, 400), st.characters(), st.booleans())
def test_a_changed_character_of_a_signed_header_is_never_genuine(
    name: str,
    data: st.DataObject,
    at: int,
    other: str,
    insert: bool,  # noqa: FBT001
) -> None:
    """Replaced or inserted, by any character there is."""
    told = dict(_DELIVERED[name].headers)
    changing = data.draw(st.sampled_from(signed(_STANDING[name])))
    value = told[changing]
    place = at % len(value)
    changed = value[:place] + other + value[place + (not insert) :]
    hypothesis.assume(changed != value)
    assert _check(name, (told | {changing: changed}).items(), _DELIVERED[name].body) is not Check.GENUINE


@pytest.mark.parametrize("name", KINDS)
@hypothesis.given(st.binary(max_size=400), st.lists(st.tuples(st.integers(0, 9), st.text(max_size=60)), max_size=8))
def test_noise_is_never_genuine(name: str, body: bytes, told: list[tuple[int, str]]) -> None:
    """Whatever stands at our door, the reader answers with a check, or says that it is no callback."""
    names = signed(_STANDING[name])
    try:
        check = _check(name, [(names[place % len(names)], value) for place, value in told], body)
    except faults.Rejected:
        assert told == []
    else:
        assert check is not Check.GENUINE


def test_a_signature_has_one_spelling(shop: shops.Apiv3Shop) -> None:
    """The last character of base64 has four bits that decoding drops; sixteen spellings decode alike, and one of them was sent."""
    good = delivered(shop)
    told, name = dict(good.headers), header(shop, "Signature")
    signature = told[name]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    others = [signature[:-3] + c + "==" for c in alphabet if c != signature[-3]]
    assert sum(base64.b64decode(o) == base64.b64decode(signature) for o in others) == 15
    for other in [*others, signature + "\n", signature[:-2], signature[:-1]]:
        headers = tuple((told | {name: other}).items())
        assert shop.reader.read(headers, good.body, shop.clock.now()).check is Check.BAD_SIGNATURE


def test_a_signed_header_comes_exactly_once(shop: shops.Apiv3Shop) -> None:
    """Without it, or with two of it, nothing was signed; its name may be spelled in any case."""
    good, now = delivered(shop), shop.clock.now()
    for name in signed(shop):
        without = [(k, v) for k, v in good.headers if k != name]
        value = dict(good.headers)[name]
        assert shop.reader.read(without, good.body, now).check is Check.BAD_SIGNATURE
        assert shop.reader.read([*good.headers, (name, value)], good.body, now).check is Check.BAD_SIGNATURE
        assert shop.reader.read([*without, (name.lower(), value)], good.body, now).check is Check.GENUINE


# ---------------------------------------------------------------- content, well signed

Change = Callable[[dict[str, Any]], Mapping[str, Any]]


def dressed(shop: shops.Apiv3Shop, change: Change, event: str = "TRANSACTION.SUCCESS") -> post.Delivery:
    """A callback of the first payment with changed content, properly sealed and signed."""
    content = shop.gate.speaks.transaction(shop.truth.transactions["A1"])
    return shop.gate.notices.dress(shop.gate.notices.announce(event, change(content), url="", at=shop.clock.now()))


@pytest.mark.parametrize(
    "change, check",
    [
        (lambda c: c, Check.GENUINE),
        (lambda c: c | {"mchid": "1900000002"}, Check.FOREIGN),
        (lambda c: c | {"appid": "another"}, Check.FOREIGN),
        (lambda c: c | {"appid": ""}, Check.FOREIGN),
        (lambda c: {k: v for k, v in c.items() if k != "mchid"}, Check.UNREADABLE),
        (lambda c: {k: v for k, v in c.items() if k != "amount"}, Check.UNREADABLE),
        (lambda c: c | {"amount": {"total": "12850"}}, Check.UNREADABLE),
        (lambda c: c | {"amount": {"total": 128.5}}, Check.UNREADABLE),
        (lambda c: c | {"amount": {"total": 0}}, Check.UNREADABLE),
        (lambda c: c | {"amount": {"total": -1}}, Check.UNREADABLE),
        (lambda c: c | {"amount": {"total": 10**30}}, Check.UNREADABLE),
        (lambda c: c | {"trade_state": "WON_THE_LOTTERY"}, Check.UNREADABLE),
        (lambda c: c | {"transaction_id": ""}, Check.UNREADABLE),
        # Signed and sealed by the channel, too long or too deep all the same.
        (lambda c: c | {"promotion_detail": "x" * (strictjson.BODY_BYTES_MAX + 1)}, Check.UNREADABLE),
        (lambda c: c | {"promotion_detail": json.loads("[" * 40 + "]" * 40)}, Check.UNREADABLE),
    ],
)
def test_well_signed_content_is_checked_too(shop: shops.Apiv3Shop, change: Change, check: payment.NoticeCheck) -> None:
    """Merchant, app, amount, state, size; nothing of what fails is believed."""
    shop.paid()
    delivery = dressed(shop, change)
    believed = check is Check.GENUINE
    with nothing_moves(shop):
        assert judged(shop, delivery.headers, delivery.body) == (check, 200 if believed else 401, believed)


def test_events_of_other_products_are_not_understood(shop: shops.Apiv3Shop) -> None:
    """A coupon's callback at the payment address; one without a name."""
    shop.paid()
    for event in ("COUPON.USE", "TRANSFER.SUCCESS", ""):
        assert shop.read(dressed(shop, lambda c: c, event=event)) is Check.UNREADABLE


@pytest.mark.parametrize("paid", [1, 12849])
def test_a_genuine_callback_of_a_lower_amount_tells_what_was_paid(shop: shops.Apiv3Shop, paid: int) -> None:
    """Our order's number, somebody's smaller payment: callback and query agree on the fen that came, for the diagnosis to compare."""
    shop.opened()
    shop.truth.buyer_pays("A1", amount=paid)
    (delivery,) = shop.deliveries()
    kept = shop.reader.read(delivery.headers, delivery.body, shop.clock.now())
    assert kept.attempt is not None
    assert kept.attempt.amount == shops.attempt(shop).amount == money.Money(fen=paid)


# ---------------------------------------------------------------- attacks


def test_attack_01_forged_callback(shop: shops.Apiv3Shop) -> None:
    """No signature, garbage, another's signature over our text, the signature of another text, the payload without its seal."""
    good = delivered(shop)
    told, signature = dict(good.headers), header(shop, "Signature")
    forged = shop.gate.notices.forge(shop.gate.notices.all[0])
    unsealed = json.dumps(shop.gate.speaks.transaction(shop.truth.transactions["A1"])).encode()
    attempts = [
        ({k: v for k, v in told.items() if k != signature}, good.body),
        (told | {signature: ""}, good.body),
        (told | {signature: "garbage"}, good.body),
        (told | {signature: base64.b64encode(b"\0" * 256).decode()}, good.body),
        (told | {header(shop, "Timestamp"): "soon"}, good.body),
        (dict(forged.headers), forged.body),
        (told, forged.body),
        (told, unsealed),
    ]
    with nothing_moves(shop):
        for headers, body in attempts:
            assert judged(shop, tuple(headers.items()), body) == (Check.BAD_SIGNATURE, 401, False)
        assert shop.answered((), unsealed) == 400
        assert shop.answered(good.headers, good.body) == 200


@pytest.mark.parametrize("off, check", [(300, Check.GENUINE), (301, Check.CLOCK), (-300, Check.GENUINE), (-301, Check.CLOCK)])
def test_attack_04_stamp_too_old_or_from_the_future(shop: shops.Apiv3Shop, off: int, check: payment.NoticeCheck) -> None:
    """Genuine in every byte, recorded and played again after five minutes, or made for later: the window has two sides."""
    good = delivered(shop)
    kept = shop.reader.read(good.headers, good.body, shop.clock.now() + timedelta(seconds=off))
    assert (kept.check, kept.attempt is not None) == (check, check is Check.GENUINE)


def test_attack_05_replay_a_thousand_times(shop: shops.Apiv3Shop) -> None:
    """Acknowledged each time, because it is genuine; one notice, because it has one key."""
    good = delivered(shop)
    with nothing_moves(shop):
        assert {shop.answered(good.headers, good.body) for _ in range(1000)} == {200}
    assert [kept.check for kept in shop.inbox.values()] == [Check.GENUINE]


def test_attack_06_reserialised_body(shop: shops.Apiv3Shop) -> None:
    """The same content in other bytes was not signed: other key order, spaces, escapes, a key twice."""
    good = delivered(shop)
    told = json.loads(good.body)
    others = [
        json.dumps(told, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode(),
        json.dumps(told, ensure_ascii=False).encode(),
        json.dumps(told, separators=(",", ":")).encode(),
        good.body + b"\n",
        good.body.replace(b"{", b'{"id":"EV-1",', 1),
        b"\xef\xbb\xbf" + good.body,
    ]
    with nothing_moves(shop):
        for body in others:
            assert body != good.body
            assert judged(shop, good.headers, body) == (Check.BAD_SIGNATURE, 401, False)


@pytest.mark.parametrize("field", ["mchid", "appid"])
def test_attack_08_a_query_that_is_answered_about_another_merchant_or_app(shop: shops.Apiv3Shop, field: str) -> None:
    """However well it is signed; of a callback the content's test says the same."""
    setattr(shop.paid().order, field, "1900000002")
    told = shop.ask()
    assert isinstance(told, claim.Silence)
    assert told.why is claim.Why.NOT_UNDERSTOOD


def test_another_channels_callback_at_this_door(shop: shops.Apiv3Shop) -> None:
    """Genuine at its own door, and here no callback at all; under our headers' names it is nobody's."""
    (other,) = (made for name, made in KINDS.items() if name != shop.name)
    theirs = shops.made(other)
    foreign = delivered(theirs)
    renamed = tuple((name.replace(theirs.gate.speaks.prefix, shop.gate.speaks.prefix), value) for name, value in foreign.headers)
    with nothing_moves(shop):
        assert shop.answered(foreign.headers, foreign.body) == 400
        assert judged(shop, renamed, foreign.body)[1:] == (401, False)
