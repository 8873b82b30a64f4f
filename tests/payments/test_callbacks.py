"""What WeChat Pay's callbacks have of their own, and how certificates come to be believed; the rest is the contract of APIv3."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from makewhole.adapters import http
from makewhole.adapters.payments import keyring
from makewhole.adapters.payments.apiv3 import signing
from makewhole.adapters.payments.wechatpay import account, connector
from makewhole.core import faults
from makewhole.model import payment
from makewhole.sandbox.apiv3 import objects, seal
from makewhole.sandbox.channel import post
from makewhole.sandbox.channel.faults import Fault
from makewhole.sandbox.wechatpay import keys
from tests.payments import shop as shops

Check = payment.NoticeCheck
SIGNED = ("Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Signature", "Wechatpay-Serial", "Wechatpay-Signature-Type")


def delivered(shop: shops.Shop, *broken: Fault, total: int = 12850) -> post.Delivery:
    """The callback of a payment that was just made, broken as asked."""
    for fault in broken:
        shop.faults.next(fault)
    shop.paid(total=total)
    return shop.deliveries()[-1]


def test_a_callback_of_a_refund_is_kept_under_the_number_of_its_payment() -> None:
    """It claims no attempt: where the refund stands is asked of the channel."""
    shop = shops.shop()
    paid = shop.paid()
    shop.channel.do(shops.ORDER, shops.refund_step(paid), shop.clock.now())
    shop.clock.advance(shop.truth.refund_takes)
    of_payment, of_refund = shop.deliveries()
    assert of_refund.event == "REFUND.SUCCESS"
    kept = shop.reader.read(of_refund.headers, of_refund.body, shop.clock.now())
    assert (kept.check, kept.number, kept.attempt) == (Check.GENUINE, "A1", None)
    assert kept.key != shop.reader.read(of_payment.headers, of_payment.body, shop.clock.now()).key


# ---------------------------------------------------------------- whom we believe


def fetches(shop: shops.Shop) -> int:
    return sum(route == "certificates" for route, _ in shop.gate.asked)


def test_certificates_are_fetched_once_and_again_when_an_unknown_one_signs() -> None:
    """First contact, then the rotation: two fetches for any number of callbacks."""
    shop = shops.shop()
    for number in range(5):
        shop.paid(f"N{number}", 100)
    assert {shop.read(d) for d in shop.deliveries()} == {Check.GENUINE}
    assert fetches(shop) == 1
    shop.gate.signer.rotate()
    shop.clock.advance(timedelta(seconds=15))
    assert [shop.read(d) for d in shop.deliveries()] == [Check.GENUINE] * 5
    assert fetches(shop) == 2


def test_invented_serials_do_not_make_us_call_for_each_of_them() -> None:
    """A fetch that did not bring the serial makes the next one wait; a known serial never waits."""
    shop = shops.shop()
    good = delivered(shop)
    assert shop.read(good) is Check.GENUINE
    for number in range(50):
        headers = tuple((dict(good.headers) | {"Wechatpay-Serial": f"{number:040X}"}).items())
        assert shop.reader.read(headers, good.body, shop.clock.now()).check is Check.UNKNOWN_CERTIFICATE
    assert fetches(shop) == 2
    shop.clock.advance(keyring.FETCH_PAUSE)
    headers = tuple((dict(good.headers) | {"Wechatpay-Serial": "F" * 40}).items())
    shop.reader.read(headers, good.body, shop.clock.now())
    assert fetches(shop) == 3
    for serial in ("", "../../v3", "PUB_KEY_ID_0000", "Z" * 40, "F" * 41):
        headers = tuple((dict(good.headers) | {"Wechatpay-Serial": serial}).items())
        shop.clock.advance(keyring.FETCH_PAUSE)
        assert shop.reader.read(headers, good.body, shop.clock.now()).check is Check.UNKNOWN_CERTIFICATE
    assert fetches(shop) == 3


@pytest.mark.parametrize("fault", [Fault.REQUEST_LOST, Fault.RATE_LIMITED, Fault.SYSTEM_ERROR_BEFORE])
def test_what_cannot_be_checked_now_comes_again(fault: Fault) -> None:
    """The channel is down while its certificate is wanted: 503, nothing is kept, and a moment later it is genuine."""
    shop = shops.shop()
    first = delivered(shop)
    shop.faults.next(fault, where="certificates", times=3)
    assert shop.answered(first.headers, first.body) == 503
    assert shop.inbox == {}
    shop.faults.heal()
    assert shop.answered(first.headers, first.body) == 200


@pytest.mark.parametrize("fault", [Fault.UNSIGNED, Fault.ANSWER_BAD_SIGNATURE, Fault.ANSWER_PROBE, Fault.ANSWER_WRONG_SERIAL])
def test_a_list_of_certificates_that_is_not_signed_is_not_believed(fault: Fault) -> None:
    """The seal alone is not enough: an old list, recorded and played again, is sealed too."""
    shop = shops.shop()
    first = delivered(shop)
    shop.faults.next(fault)
    assert shop.answered(first.headers, first.body) == 503
    assert shop.answered(first.headers, first.body) == 200


@pytest.mark.parametrize("status, code", [(401, "SIGN_ERROR"), (403, "NO_AUTH"), (404, "RESOURCE_NOT_EXISTS"), (400, "WORD_UNKNOWN")])
def test_a_refused_list_of_certificates_says_nothing_of_what_is_in_hand(status: int, code: str) -> None:
    """A callback comes again; an act whose signed answer cannot be checked may have happened, and is no refusal."""
    shop = shops.shop()
    first = delivered(shop)

    def transport(method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        if url.endswith("/v3/certificates"):
            return status, {}, json.dumps({"code": code, "message": ""}).encode()
        return shop.gate.transport(method, url, headers, body)

    channel = connector.WeChatPay(shops.merchant_account(), http.Client(transport, sleep=lambda s: None), shop.clock)
    with pytest.raises(faults.Unavailable):
        channel.callbacks(shops.SHOP).read(first.headers, first.body, shop.clock.now())
    expected = faults.Defect if code == "SIGN_ERROR" else faults.Indeterminate
    with pytest.raises(expected):
        channel.do(shops.ORDER, shops.refund_step(shop.truth.transactions["A1"]), shop.clock.now())
    assert list(shop.truth.refunds) == ["MW0001"]


def test_a_list_sealed_under_another_key_is_not_believed() -> None:
    """Somebody who can answer for the channel, and does not know our APIv3 key, brings no certificate in."""
    shop = shops.shop(apiv3_key=b"another-key-of-thirty-two-bytes!")
    told = delivered(shop)
    assert shop.answered(told.headers, told.body) == 503


def test_public_key_mode() -> None:
    """The key comes from the settings; nothing is fetched; a certificate's serial is still understood while the account moves over."""
    public = account.public_key(keys.public_pem("public_key_mode"))
    shop = shops.shop(public_key_id=keys.PUBLIC_KEY_ID, public_key=public)
    shop.gate.signer.public_key_mode = True
    assert shop.read(delivered(shop)) is Check.GENUINE
    assert isinstance(shop.ask(), payment.Attempt)
    assert fetches(shop) == 0
    shop.gate.signer.public_key_mode = False
    shop.clock.advance(timedelta(seconds=15))
    assert [shop.read(d) for d in shop.deliveries()] == [Check.GENUINE]
    assert fetches(shop) == 1


def test_a_merchants_clock_that_is_wrong_is_named() -> None:
    """Our clock runs ten minutes ahead: the channel refuses our signature, and the sentence says what to look at."""
    shop = shops.shop()
    shop.gate.wire_clock = type(shop.clock)(shop.clock.now())
    shop.clock.advance(timedelta(minutes=10))
    with pytest.raises(faults.Defect, match="clock"):
        shop.ask()


# ---------------------------------------------------------------- content

Change = Callable[[dict[str, Any]], Mapping[str, Any]]


def dressed(shop: shops.Shop, change: Change, event: str = "TRANSACTION.SUCCESS") -> post.Delivery:
    """A callback with changed content, properly sealed and signed."""
    content = objects.transaction(shop.truth.transactions["A1"])
    made = shop.gate.notices.announce(event, change(content), url="", at=shop.clock.now())
    return shop.gate.notices.dress(made)


def test_another_app_of_the_same_merchant_is_ours_when_the_settings_say_so() -> None:
    """One merchant number serves several apps."""
    shop = shops.shop(other_appids=frozenset({"wxsecond"}))
    shop.paid()
    assert shop.read(dressed(shop, lambda c: c | {"appid": "wxsecond"})) is Check.GENUINE


def test_the_two_sides_build_the_signed_text_alike() -> None:
    """Connector and counterpart are written apart from each other; the text they sign is the documented one."""
    signature = seal.sign(keys.private("platform_1"), b"1700000000", b"nonce", b'{"a":1}')
    key = keys.public("platform_1")
    assert signing.fits(key, signature, signing.answer_string("1700000000", "nonce", b'{"a":1}'))
    assert signing.answer_string("1700000000", "nonce", b"") == b"1700000000\nnonce\n\n"
