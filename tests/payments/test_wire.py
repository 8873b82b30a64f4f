"""What WeChat Pay puts on the wire is read strictly: amounts are JSON integers, keys come once, nothing is deep or long."""

from __future__ import annotations

import json

import hypothesis
import pytest
from hypothesis import strategies as st

from makewhole.adapters.payments import strictjson
from makewhole.adapters.payments.apiv3 import claims, wire
from makewhole.adapters.payments.wechatpay import dialect
from tests.payments import shop as shops

GOOD = {
    "mchid": "1900000001",
    "appid": "wxd678efh567hg6787",
    "out_trade_no": "A1",
    "trade_state": "SUCCESS",
    "transaction_id": "4200",
    "success_time": "2026-11-23T20:00:00+08:00",
    "amount": {"total": 100, "currency": "CNY"},
}


def with_total(text: str) -> bytes:
    return json.dumps(GOOD).replace('"total": 100', f'"total": {text}').encode()


def read(raw: bytes) -> object:
    return claims.attempt(strictjson.parse(raw, wire.Transaction), shops.merchant_account(), shops.START, raw)


def test_a_documented_transaction_is_read() -> None:
    """Fields that the channel may add one day are let pass."""
    read(json.dumps(GOOD | {"brand_new": [{"x": 1.5}]}).encode())


@pytest.mark.parametrize(
    "text",
    [
        "100.0",
        "1e2",
        "0.001",
        "1e308",
        "NaN",
        "Infinity",
        '"100"',
        '"1e2"',
        '"１００"',
        "true",
        "null",
        "[100]",
        "0",
        "-1",
        "9" * 17,
        "9" * 5000,
    ],
)
def test_an_amount_that_is_no_plain_positive_integer_is_refused(text: str) -> None:
    """Also one that is larger than all the money there is."""
    with pytest.raises(ValueError):  # noqa: PT011 - which sentence it says is for people
        read(with_total(text))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b"{",
        json.dumps(GOOD).encode()[:-1] + b',"out_trade_no":"B2"}',
        json.dumps(GOOD).replace('"currency"', '"total": 1, "currency"').encode(),
        json.dumps({k: v for k, v in GOOD.items() if k != "amount"}).encode(),
        json.dumps({k: v for k, v in GOOD.items() if k != "transaction_id"}).encode(),
        json.dumps(GOOD | {"trade_state": "PAID"}).encode(),
        json.dumps(GOOD | {"mchid": 1900000001}).encode(),
        json.dumps(GOOD | {"success_time": "yesterday"}).encode(),
        json.dumps(GOOD | {"success_time": "2026-11-23T20:00:00"}).encode(),
        json.dumps(GOOD).encode() + b" {}",
    ],
)
def test_anything_else_is_refused(raw: bytes) -> None:
    """Not JSON, not an object, a key twice, a field missing or of another kind, an instant without a zone."""
    with pytest.raises(ValueError):  # noqa: PT011 - which sentence it says is for people
        read(raw)


def test_limits_have_two_sides() -> None:
    """As deep and as long as allowed is read; one more is not. Brackets inside a text are text."""
    inner = strictjson.DEPTH_MAX - 1
    read(json.dumps(GOOD | {"x": "[{" * 50}).encode())
    read((json.dumps(GOOD)[:-1] + ',"x":' + "[" * inner + "]" * inner + "}").encode())
    with pytest.raises(ValueError, match="nested"):
        read((json.dumps(GOOD)[:-1] + ',"x":' + "[" * (inner + 1) + "]" * (inner + 1) + "}").encode())
    with pytest.raises(ValueError, match="nested"):
        read(b"[" * 60_000)
    raw = json.dumps(GOOD).encode()
    read(raw + b" " * (strictjson.BODY_BYTES_MAX - len(raw)))
    with pytest.raises(ValueError, match="bytes"):
        read(raw + b" " * (strictjson.BODY_BYTES_MAX - len(raw) + 1))


@hypothesis.given(st.binary(max_size=300))
def test_noise_is_refused_with_a_valueerror_and_nothing_else(noise: bytes) -> None:
    """No byte string makes the reader fail in another way."""
    for shape in (wire.Transaction, wire.Refund, wire.Envelope, dialect.Certificates):
        with pytest.raises(ValueError):  # noqa: PT011 - which sentence it says is for people
            strictjson.parse(noise, shape)


@hypothesis.given(st.integers(0, len(json.dumps(GOOD)) - 1), st.integers(1, 255))
def test_a_changed_byte_never_raises_anything_but_valueerror(at: int, flip: int) -> None:
    """It is read, or refused."""
    raw = bytearray(json.dumps(GOOD).encode())
    raw[at] ^= flip
    try:
        read(bytes(raw))
    except ValueError:
        return
