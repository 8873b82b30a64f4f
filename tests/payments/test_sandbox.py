"""The counterpart itself: the documented schedule, one truth about money, the same seed the same bytes."""

from __future__ import annotations

import gzip
import hashlib
import itertools
import json
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pytest

from makewhole.adapters.payments.apiv3 import signing
from makewhole.adapters.payments.wechatpay import dialect
from makewhole.core import clock
from makewhole.model import payment
from makewhole.sandbox.apiv3 import bills, notices
from makewhole.sandbox.channel import post
from makewhole.sandbox.channel.faults import Fault, Faults
from makewhole.sandbox.channel.truth import Outcome
from makewhole.sandbox.wechatpay import gateway, keys
from tests.payments import shop as shops


def told_over_time(shop: shops.Shop, *, acknowledge_at: int | None = None) -> list[float]:
    """Seconds from the payment to each delivery, until there are none left."""
    times: list[float] = []

    def receive(delivery: post.Delivery) -> int:
        times.append((shop.clock.now() - shops.START).total_seconds())
        return 204 if len(times) == acknowledge_at else 500

    while (at := shop.gate.next_event()) is not None:
        shop.clock.advance(max(at - shop.clock.now(), timedelta(0)))
        shop.gate.deliver(receive)
    return times


def test_callbacks_follow_the_documented_schedule() -> None:
    """At once, then 15 times over 24 h 4 min; each with a fresh stamp; none after a 2xx."""
    shop = shops.shop()
    shop.paid()
    times = told_over_time(shop)
    assert [b - a for a, b in itertools.pairwise(times)] == [s.total_seconds() for s in notices.SCHEDULE]
    assert timedelta(seconds=times[-1]) == timedelta(hours=24, minutes=4)
    assert len(times) == 16

    shop = shops.shop()
    shop.paid()
    assert told_over_time(shop, acknowledge_at=3) == [0, 15, 30]


def test_faults_of_callbacks_in_time() -> None:
    """Doubled within a second, late by hours, overtaken, lost once, never."""
    seen = {}
    for fault in (Fault.NOTICE_DOUBLED, Fault.NOTICE_LATE, Fault.NOTICE_OUT_OF_ORDER, Fault.NOTICE_LOST, Fault.NOTICE_NEVER):
        shop = shops.shop()
        shop.faults.next(fault)
        shop.paid()
        seen[fault] = told_over_time(shop, acknowledge_at=1)
        assert shop.faults.happened[fault] == 1
    assert seen[Fault.NOTICE_DOUBLED][:2] == [0, 0.4]
    assert seen[Fault.NOTICE_LATE] == [3 * 3600]
    assert seen[Fault.NOTICE_OUT_OF_ORDER] == [20 * 60]
    assert seen[Fault.NOTICE_LOST] == [15]
    assert seen[Fault.NOTICE_NEVER] == []


def test_a_merchant_that_believes_everything_is_caught() -> None:
    """The counterpart counts what was wrongly acknowledged, by the fault that made it."""
    broken = [Fault.NOTICE_FORGED, Fault.NOTICE_PROBE, Fault.NOTICE_TAMPERED, Fault.NOTICE_TAG_BAD, Fault.NOTICE_STALE]
    for careful in (False, True):
        shop = shops.shop()
        for at, fault in enumerate(broken):
            shop.faults.next(fault)
            shop.paid(f"A{at}")

            def receive(delivery: post.Delivery, shop: shops.Shop = shop, careful: bool = careful) -> int:  # noqa: FBT001
                return shop.answered(delivery.headers, delivery.body) if careful else 200

            shop.gate.deliver(receive)
        expected = {} if careful else {f.value: 1 for f in broken}
        assert dict(shop.gate.notices.wrongly_acknowledged) == expected


def exchange(seed: int) -> list[object]:
    """A day at the counterpart under many faults, as bytes."""
    rates: dict[Fault, float] = dict.fromkeys(set(Fault) - {Fault.SLOW}, 0.1)
    shop = shops.shop(seed=seed, rates=rates)
    seen: list[object] = []
    for at in range(20):
        shop.paid(f"A{at}", 100 + at)
        seen.append(str(shop.ask(f"A{at}")))
        shop.clock.advance(timedelta(seconds=30))
        shop.gate.deliver(lambda d: (seen.append((d.headers, d.body)), 500)[1])  # type: ignore[func-returns-value]
    return seen


def test_the_same_seed_is_the_same_simulation_to_the_byte() -> None:
    """Signatures, nonces, numbers, faults: all of it repeats; another seed is another day."""
    assert exchange(7) == exchange(7)
    assert exchange(7) != exchange(8)


def test_a_fault_that_is_off_does_not_move_the_others() -> None:
    """So that one fault can be taken out of a failing simulation and the rest stays as it was."""
    one, both = Faults(3, {Fault.NOTICE_LOST: 0.3}), Faults(3, {Fault.NOTICE_LOST: 0.3, Fault.REFUSED: 0.0})
    drawn = [[(p.draw(Fault.REFUSED), p.draw(Fault.NOTICE_LOST)) for _ in range(50)] for p in (one, both)]
    assert drawn[0] == drawn[1]
    assert any(lost for _, lost in drawn[0])


def test_money_is_conserved_whatever_becomes_of_refunds() -> None:
    """What came in, less what went back, is what the merchant keeps: a closed refund returns."""
    shop = shops.shop()
    for at, outcome in enumerate(Outcome):
        paid = shop.paid(f"A{at}", 1000)
        shop.truth.plan_refund(f"R{at}", outcome)
        shop.channel.do(shops.ORDER, shops.refund_step(paid, 300, f"R{at}"), shop.clock.now())
    shop.clock.advance(timedelta(hours=1))
    shop.truth.settle(shop.clock.now())
    assert [shop.truth.kept(f"A{at}") for at in range(len(Outcome))] == [700, 700, 1000, 700]
    assert sum(line.moved for line in shop.truth.ledger) == 700 + 700 + 1000 + 700


def test_a_refund_needs_the_merchants_balance() -> None:
    """NOT_ENOUGH, and nothing moves; with money on the account it goes through under the same number."""
    shop = shops.shop()
    paid = shop.paid(total=500)
    shop.truth.balance = 100
    step = shops.refund_step(paid)
    assert "NOT_ENOUGH" in str(shop.channel.do(shops.ORDER, step, shop.clock.now()))
    assert shop.truth.refunds == {}
    shop.truth.balance = 500
    assert "Pending" in str(shop.channel.do(shops.ORDER, step, shop.clock.now()))
    assert shop.truth.balance == 0


def test_an_attempt_closes_when_its_time_is_over() -> None:
    """time_expire: afterwards it is CLOSED, and the buyer cannot pay any more, unless his payment was already on its way."""
    shop = shops.shop()
    shop.opened(time_expire=shops.START + timedelta(minutes=5))
    shop.clock.advance(timedelta(minutes=5))
    with pytest.raises(ValueError, match="CLOSED"):
        shop.truth.buyer_pays("A1")
    told = shop.ask()
    assert isinstance(told, payment.Attempt)
    assert told.state is payment.AttemptState.CLOSED
    assert shop.truth.buyer_pays("A1", late=True).state == "SUCCESS"


# ---------------------------------------------------------------- bills


def signed_get(gate: gateway.Gateway, target: str) -> tuple[int, bytes]:
    path = target.removeprefix(gate.base_url)
    stamp, nonce = str(int(gate.clock.now().timestamp())), "n" * 32
    signature = signing.sign(keys.private("merchant"), signing.request_string("GET", path, stamp, nonce, b""))
    told = signing.authorization(
        dialect.WECHATPAY, mchid=gate.merchant.mchid, serial_no=keys.serial("merchant"), nonce=nonce, timestamp=stamp, signature=signature
    )
    status, _, body = gate.handle("GET", target, {"Authorization": told}, b"")
    return status, body


def next_morning(shop: shops.Shop) -> None:
    shop.clock.advance(datetime(2026, 11, 24, 10, 0, tzinfo=clock.BEIJING) - shop.clock.now())


@pytest.mark.parametrize("kind, columns, rows", [("ALL", 27, 4), ("SUCCESS", 20, 3), ("REFUND", 29, 1)])
@pytest.mark.parametrize("zipped", [False, True])
def test_a_bill_has_the_documented_form(kind: str, columns: int, rows: int, zipped: bool) -> None:  # noqa: FBT001
    """Columns by name and number, backticks, yuan, totals; the hash is of the plain file, also when it is zipped."""
    shop = shops.shop()
    shop.paid("A1", 12850, description="茶,绿")
    shop.paid("A2", 1)
    refunded = shop.paid("A3", 5000)
    shop.channel.do(shops.ORDER, shops.refund_step(refunded, 2000), shop.clock.now())
    shop.clock.advance(shop.truth.refund_takes)
    next_morning(shop)
    query = f"bill_date=2026-11-23&bill_type={kind}" + ("&tar_type=GZIP" if zipped else "")
    status, body = signed_get(shop.gate, f"/v3/bill/tradebill?{query}")
    told = json.loads(body)
    assert status == 200
    assert urlsplit(told["download_url"]).path == "/v3/billdownload/file"
    status, content = signed_get(shop.gate, told["download_url"])
    plain = gzip.decompress(content) if zipped else content
    assert (told["hash_type"], told["hash_value"]) == ("SHA1", hashlib.sha1(plain, usedforsecurity=False).hexdigest())
    header, *details, totals_header, totals = plain.decode("utf-8-sig").split("\r\n")[:-1]
    assert len(header.split(",")) == columns
    assert len(details) == rows
    assert all(len(d.split(",")) == columns and all(f.startswith("`") for f in d.split(",")) for d in details)
    summed = dict(zip(totals_header.split(","), totals.replace("`", "").split(","), strict=True))
    assert summed["总交易单数"] == str(rows)
    assert summed["订单总金额"] == ("0.00" if kind == "REFUND" else "178.51")
    if kind != "SUCCESS":
        assert summed["退款总金额"] == "20.00"
    if kind == "ALL":
        assert tuple(header.split(",")) == bills.ALL


def test_when_there_is_no_bill_it_says_why() -> None:
    """Today, too early, a day without business, an address older than five minutes, nonsense."""
    shop = shops.shop()
    shop.paid()

    def code(target: str) -> tuple[int, str]:
        status, body = signed_get(shop.gate, target)
        return status, json.loads(body).get("code", "")

    bill = "/v3/bill/tradebill?bill_date="
    assert code(bill + "2026-11-23") == (400, "PARAM_ERROR")
    shop.clock.advance(timedelta(hours=10))
    assert code(bill + "2026-11-23") == (400, "STATEMENT_CREATING")
    next_morning(shop)
    assert code(bill + "2026-11-22") == (400, "NO_STATEMENT_EXIST")
    assert code(bill + "yesterday") == (400, "PARAM_ERROR")
    assert code(bill + "2026-11-23&bill_type=X") == (400, "PARAM_ERROR")
    _, body = signed_get(shop.gate, bill + "2026-11-23")
    shop.clock.advance(bills.URL_LIVES + timedelta(seconds=1))
    assert code(json.loads(body)["download_url"]) == (400, "INVALID_REQUEST")


# ---------------------------------------------------------------- the front door


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer x"}, {"Authorization": 'WECHATPAY2-SHA256-RSA2048 mchid="1900000001"'}],
)
def test_a_request_that_is_not_signed_is_refused(headers: dict[str, str]) -> None:
    """401 SIGN_ERROR, and nothing was carried out."""
    gate = shops.shop().gate
    status, _, body = gate.handle("POST", "/v3/refund/domestic/refunds", headers, b"{}")
    assert (status, json.loads(body)["code"], gate.asked) == (401, "SIGN_ERROR", [])


def test_a_request_signed_for_other_bytes_is_refused() -> None:
    """Another body, another path, an old stamp."""
    gate = shops.shop().gate
    stamp, nonce = str(int(gate.clock.now().timestamp())), "n" * 32

    def status(signed_path: str, path: str, body: bytes, at: str = stamp) -> int:
        text = signing.request_string("POST", signed_path, at, nonce, b"{}")
        told = signing.authorization(
            dialect.WECHATPAY,
            mchid=gate.merchant.mchid,
            serial_no=keys.serial("merchant"),
            nonce=nonce,
            timestamp=at,
            signature=signing.sign(keys.private("merchant"), text),
        )
        return gate.handle("POST", path, {"Authorization": told}, body)[0]

    path = "/v3/pay/transactions/out-trade-no/A1/close"
    assert status(path, path, b"{}") == 400
    assert status(path, path, b"{ }") == 401
    assert status(path, path + "?x=1", b"{}") == 401
    assert status(path, path, b"{}", str(int(stamp) - 301)) == 401
    assert status(path, "http://wechatpay.sandbox" + path, b"{}") == 400


def test_a_head_is_answered() -> None:
    """Some clients knock before they speak."""
    assert shops.shop().gate.handle("HEAD", "/", {}, b"")[0] == 200


def test_a_client_that_waits_less_than_the_answer_takes_sees_nothing() -> None:
    """It was carried out; the clock has moved by the time it took."""
    shop = shops.shop()
    paid = shop.paid()
    shop.faults.next(Fault.SLOW, where="refund")
    with pytest.raises(Exception, match="may have arrived"):
        shop.channel.do(shops.ORDER, shops.refund_step(paid), shop.clock.now())
    assert shop.clock.now() == shops.START + shop.gate.slow
    assert list(shop.truth.refunds) == ["MW0001"]
