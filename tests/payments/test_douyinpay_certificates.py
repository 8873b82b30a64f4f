"""Whom we believe at Douyin Pay: certificates are fetched, sealed, signed and alive, or nobody is believed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from makewhole.adapters.payments import keyring
from makewhole.model import payment
from makewhole.sandbox.channel.faults import Fault
from tests.payments import douyinpay
from tests.payments import shop as shops
from tests.payments.test_douyinpay_callbacks import delivered

Check = payment.NoticeCheck


def fetches(shop: shops.Shop) -> int:
    return sum(route == "certificates" for route, _ in shop.gate.asked)


def test_certificates_are_fetched_once_again_when_an_unknown_one_signs_and_not_for_each_invented_serial() -> None:
    """First contact, the rotation, then fifty inventions within the pause."""
    shop = douyinpay.shop()
    for number in range(3):
        shop.paid(f"N{number}", 100)
    assert {shop.read(d) for d in shop.deliveries()} == {Check.GENUINE}
    assert fetches(shop) == 1
    shop.gate.signer.rotate()
    shop.clock.advance(timedelta(seconds=15))
    assert [shop.read(d) for d in shop.deliveries()] == [Check.GENUINE] * 3
    assert fetches(shop) == 2
    shop.clock.advance(keyring.FETCH_PAUSE)
    good = delivered(shop)
    for number in range(50):
        headers = tuple((dict(good.headers) | {"Douyinpay-Serial": f"{number:016X}"}).items())
        assert shop.reader.read(headers, good.body, shop.clock.now()).check is Check.UNKNOWN_CERTIFICATE
    assert fetches(shop) == 3


def listed(shop: douyinpay.DouyinShop, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """From now on the counterpart's list of certificates is changed, and signed as it then is."""
    through = shop.gate._listed
    shop.gate._listed = lambda numbered: {  # type: ignore[method-assign]
        "certificates": [change(one) for one in through(numbered)["certificates"]]
    }


def renamed(one: dict[str, Any]) -> dict[str, Any]:
    sealed = dict(one["encrypt_certificate"])
    return one | {"encrypt_certificate": sealed | {"ciphertext": sealed.pop("cipher_text")}}


@pytest.mark.parametrize(
    "change, genuine",
    [
        (lambda one: one, True),
        (renamed, True),
        (lambda one: {k: v for k, v in one.items() if not k.endswith("_time")}, True),
        (lambda one: one | {"effective_time": "garbage", "expire_time": ""}, True),
        (lambda one: one | {"cert_type": "SM2"}, False),
        (lambda one: one | {"cert_no": "5D1F0A6B3C2E4709"}, False),
        (lambda one: one | {"cert_no": "no hex"}, False),
        (lambda one: one | {"encrypt_certificate": {"nonce": "short"}}, False),
    ],
)
def test_a_list_of_certificates_is_read_as_its_clients_read_it(change: Callable[[dict[str, Any]], dict[str, Any]], genuine: bool) -> None:  # noqa: FBT001
    """The seal's text has two names, times are told in ways of their own; another kind of key or another number brings nobody in."""
    shop = douyinpay.shop()
    listed(shop, change)
    first = delivered(shop)
    assert shop.answered(first.headers, first.body) in ({200} if genuine else {401, 503})


def test_a_certificate_is_believed_only_while_it_lives() -> None:
    """Its own times hold, whatever the list says of them."""
    shop = douyinpay.shop()
    assert shop.read(delivered(shop)) is Check.GENUINE
    until = shop.channel.believed_until()
    assert until is not None
    shop.clock.advance(until - shop.clock.now() - timedelta(seconds=1))
    assert shop.read(delivered(shop, number="A2")) is Check.GENUINE
    shop.clock.advance(timedelta(seconds=1))
    assert shop.read(delivered(shop, number="A3")) is Check.UNKNOWN_CERTIFICATE


@pytest.mark.parametrize("fault", [Fault.UNSIGNED, Fault.ANSWER_BAD_SIGNATURE, Fault.ANSWER_WRONG_SERIAL])
def test_a_list_of_certificates_that_is_not_signed_is_not_believed(fault: Fault) -> None:
    """The seal alone is not enough: an old list, recorded and played again, is sealed too."""
    shop = douyinpay.shop()
    first = delivered(shop)
    shop.faults.next(fault)
    assert shop.answered(first.headers, first.body) == 503
    assert shop.answered(first.headers, first.body) == 200


def test_a_list_sealed_under_another_key_is_not_believed() -> None:
    """Somebody who can answer for the channel, and does not know our key, brings no certificate in."""
    shop = douyinpay.shop(apiv3_key=b"another-key-of-thirty-two-bytes!")
    told = delivered(shop)
    assert shop.answered(told.headers, told.body) == 503
