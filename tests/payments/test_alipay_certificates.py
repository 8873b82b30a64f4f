"""Alipay's certificates change: the next one is downloaded and believed only as far as the roots vouch for it, whatever was downloaded."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from makewhole.adapters.payments import keyring
from makewhole.adapters.payments.alipay import account, signing, trust
from makewhole.model import claim, payment, run
from makewhole.sandbox.alipay import keys, seal
from makewhole.sandbox.channel import gate
from makewhole.sandbox.channel.faults import Fault
from tests.payments import alipay
from tests.payments import shop as shops

Check = payment.NoticeCheck
NEXT = seal.cert_sn("alipay_next")


def shop(**other: Any) -> alipay.AlipayShop:
    return alipay.shop(**alipay.CERTIFICATES | other)


def downloads(of: alipay.AlipayShop) -> int:
    return sum(route == "certificate" for route, _ in of.gate.asked)


def test_the_next_certificate_is_fetched_once_and_believed() -> None:
    """A question, an act and a callback, all signed by it: nothing is lost, and it was downloaded once. Its end is the one that counts."""
    of = shop()
    paid = of.paid("A1")
    of.faults.next(Fault.ROTATED)
    assert shops.attempt(of).state is payment.AttemptState.PAID
    assert shops.do(of, shops.refund_step(paid)) == run.Succeeded(detail="MW0001")
    assert of.channel.doubt() == ""
    assert {of.read(d) for d in of.deliveries()} == {Check.GENUINE}
    assert downloads(of) == 1
    assert of.channel.believed_until() == keys.certificates("alipay_next")[0].not_valid_after_utc


@pytest.mark.parametrize("named", [True, False])
def test_a_callback_may_be_the_first_to_tell_of_it(named: bool) -> None:  # noqa: FBT001
    """Where it names its certificate; where it names none it must come again until an answer has brought the new one."""
    of = shop()
    of.gate.notices.signer, of.gate.notices.names_certificate = "alipay_next", named
    of.paid("A1")
    (first,) = of.deliveries()
    assert of.read(first) is (Check.GENUINE if named else Check.BAD_SIGNATURE)
    of.ask()
    assert of.read(first) is Check.GENUINE


def test_a_certificate_that_cannot_be_had_now_is_waited_for() -> None:
    """A question is unheard, an act in doubt, a callback comes again; and none of them is refused for good."""
    of = shop()
    paid = of.paid("A1")
    of.faults.next(Fault.ROTATED)
    of.faults.next(Fault.SYSTEM_ERROR_BEFORE, where="certificate", times=3)
    told = of.ask()
    assert isinstance(told, claim.Silence)
    assert told.why is claim.Why.UNREACHABLE
    assert isinstance(shops.do(of, shops.refund_step(paid)), run.Doubt)
    of.gate.notices.names_certificate = True
    first = of.deliveries()[0]
    assert of.answered(first.headers, first.body) == 503
    assert of.inbox == {}
    assert shops.do(of, shops.refund_step(paid)) == run.Succeeded(detail="MW0001")
    assert len(of.truth.refunds) == 1


def test_who_invents_numbers_makes_us_ask_once_in_a_while() -> None:
    """Ten seconds; what is no number at all is not asked for, and nobody is believed."""
    of = shop()
    of.gate.notices.names_certificate = True
    of.paid("A1")
    (genuine,) = of.deliveries()
    for place in range(20):
        body = genuine.body.replace(seal.cert_sn("alipay").encode(), f"{place:032x}".encode())
        assert of.reader.read((), body, of.clock.now()).check is Check.UNKNOWN_CERTIFICATE
    assert downloads(of) == 1
    of.clock.advance(keyring.FETCH_PAUSE)
    for number in ("0" * 31, "g" * 32, "../" * 10):
        body = genuine.body.replace(seal.cert_sn("alipay").encode(), number.encode())
        assert of.reader.read((), body, of.clock.now()).check is Check.UNKNOWN_CERTIFICATE
    assert downloads(of) == 1


def test_with_plain_keys_nothing_is_fetched() -> None:
    """There is nothing to prove a certificate by."""
    of = alipay.shop()
    of.gate.notices.signer, of.gate.notices.names_certificate = "alipay_next", True
    of.paid("A1")
    assert [of.read(d) for d in of.deliveries()] == [Check.BAD_SIGNATURE]
    assert of.channel.doubt() == "its signature does not fit"
    assert downloads(of) == 0


OWN, MIDDLE = keys.certificates("alipay_next")
APP = keys.certificates("app")[0]


def issued(by: x509.Certificate, signer: str) -> x509.Certificate:
    """A certificate with the next one's key, names and number, and with somebody's signature."""
    made = x509.CertificateBuilder().subject_name(OWN.subject).issuer_name(by.subject).serial_number(OWN.serial_number)
    made = made.public_key(keys.public("alipay_next")).not_valid_before(OWN.not_valid_before_utc)
    return made.not_valid_after(OWN.not_valid_after_utc).sign(keys.private(signer), hashes.SHA256())


FORGED: Mapping[str, Callable[[], list[x509.Certificate]]] = {
    "by its own hand": lambda: [issued(OWN, "alipay_next")],
    "by a stranger with the authority's name": lambda: [issued(MIDDLE, "stranger"), MIDDLE],
    "by a merchant, whom the authority knows": lambda: [issued(APP, "app"), APP, MIDDLE],
    "a merchant's own": lambda: [APP, MIDDLE],
    "without what stands between": lambda: [OWN],
    "in another order": lambda: [MIDDLE, OWN],
    "nothing": list,
}


@pytest.mark.parametrize("how", FORGED)
def test_a_certificate_that_the_roots_do_not_vouch_for_is_not_believed(how: str) -> None:
    """Alipay's download is not signed: whoever stands in the line can put anything there, and sign what he likes with what is his."""
    chain = FORGED[how]()
    sn = signing.cert_sn(chain[0]) if chain else NEXT
    of = shop()
    paid = of.paid("A1")
    signer = "app" if chain[:1] == [APP] else "alipay_next"
    content = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain)
    _played(of, content, sn, signer)
    told = of.ask()
    assert isinstance(told, claim.Silence)
    assert sn in told.detail
    assert isinstance(shops.do(of, shops.refund_step(paid)), run.Doubt)
    assert sn in (of.channel.doubt() or "")


def _played(of: alipay.AlipayShop, content: bytes, sn: str, signer: str) -> None:
    """Between the shop and Alipay stands somebody who gives `content` for a certificate, and signs every other answer."""
    through = of.gate.handle

    def handle(method: str, target: str, headers: Mapping[str, str], body: bytes) -> gate.Reply:
        status, told, answer = through(method, target, headers, body)
        node, inner = next((k, v) for k, v in json.loads(answer).items() if isinstance(v, dict))
        if "alipaycert" in node:
            inner = {"code": "10000", "msg": "Success", "alipay_cert_content": base64.b64encode(content).decode()}
        text = json.dumps(inner, ensure_ascii=False, separators=(",", ":"))
        sign = seal.sign(keys.private(signer), text.encode())
        return status, told, f'{{"{node}":{text},"alipay_cert_sn":"{sn}","sign":"{sign}"}}'.encode()

    of.gate.handle = handle  # type: ignore[method-assign]


def test_a_certificate_holds_from_its_beginning_to_its_end() -> None:
    """The next one not before, neither of them after; and so do the roots."""
    begins, ends = OWN.not_valid_before_utc, OWN.not_valid_after_utc
    second = timedelta(seconds=1)
    chain = keys.pem("alipay_next_cert")
    for at, believed in ((begins - second, False), (begins, True), (ends - second, True), (ends, False)):
        assert (trust.successor(chain, NEXT, alipay.merchant_account(**alipay.CERTIFICATES), at) is not None) is believed
    of = shop()
    of.paid("A1")
    of.clock.advance(ends - of.clock.now())
    assert isinstance(of.ask(), claim.Silence)
    of = shop(roots=())
    of.paid("A1")
    of.faults.next(Fault.ROTATED)
    assert isinstance(of.ask(), claim.Silence)


def test_another_subject_is_another_party() -> None:
    """Issued by the same authority, with the number that was asked for: and not Alipay."""
    trusted = alipay.CERTIFICATES["alipay"]
    assert isinstance(trusted, account.Trusted)
    of = shop(alipay=dataclasses.replace(trusted, subject=APP.subject))
    of.paid("A1")
    of.faults.next(Fault.ROTATED)
    assert isinstance(of.ask(), claim.Silence)
