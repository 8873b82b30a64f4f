"""Every error code that is documented, in both spellings, over a whole exchange at each channel of APIv3: what may be done about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from makewhole.adapters import http
from makewhole.adapters.payments import meanings
from makewhole.adapters.payments.apiv3 import connector, errors
from makewhole.adapters.payments.douyinpay import connector as douyin
from makewhole.adapters.payments.wechatpay import connector as wechat
from makewhole.core import clock, faults, ids
from makewhole.model import claim, run
from tests.payments import douyinpay
from tests.payments import shop as shops

REFUSED, BUSY, DOUBT, OURS = faults.Rejected, faults.Unavailable, faults.Indeterminate, faults.Credentials

CHANNELS = ["wechatpay", "douyinpay"]
# status, code as the pages spell it, what it means for an act, what it means for a query
DOCUMENTED = [
    (202, "USERPAYING", BUSY, None),
    (202, "USER_PAYING", BUSY, None),
    (400, "PARAM_ERROR", REFUSED, claim.Why.REFUSED),
    (400, "INVALID_REQUEST", REFUSED, claim.Why.REFUSED),
    (400, "INVALID_TRANSACTIONID", REFUSED, claim.Why.REFUSED),
    (400, "REQUEST_BLOCKED", REFUSED, claim.Why.REFUSED),
    (400, "APPID_MCHID_NOT_MATCH", OURS, OURS),
    (400, "MCH_NOT_EXISTS", OURS, OURS),
    (400, "ORDER_CLOSED", REFUSED, claim.Why.REFUSED),
    (400, "ORDERCLOSED", REFUSED, claim.Why.REFUSED),
    (400, "ORDERPAID", REFUSED, claim.Why.REFUSED),
    (400, "ORDER_PAID", REFUSED, claim.Why.REFUSED),
    (400, "ORDERREVERSED", REFUSED, claim.Why.REFUSED),
    (400, "NO_STATEMENT_EXIST", REFUSED, claim.Why.REFUSED),
    (400, "STATEMENT_CREATING", BUSY, claim.Why.UNREACHABLE),
    (401, "SIGN_ERROR", OURS, OURS),
    (403, "TRADE_ERROR", REFUSED, claim.Why.REFUSED),
    (403, "NOT_ENOUGH", REFUSED, claim.Why.REFUSED),
    (403, "NOTENOUGH", REFUSED, claim.Why.REFUSED),
    (403, "ACCOUNT_ERROR", REFUSED, claim.Why.REFUSED),
    (403, "ACCOUNTERROR", REFUSED, claim.Why.REFUSED),
    (403, "USER_ACCOUNT_ABNORMAL", REFUSED, claim.Why.REFUSED),
    (403, "NO_AUTH", REFUSED, claim.Why.REFUSED),
    (403, "NOAUTH", REFUSED, claim.Why.REFUSED),
    (403, "OUT_TRADE_NO_USED", REFUSED, claim.Why.REFUSED),
    (403, "RULE_LIMIT", REFUSED, claim.Why.REFUSED),
    (403, "RULELIMIT", REFUSED, claim.Why.REFUSED),
    (404, "ORDER_NOT_EXIST", REFUSED, claim.Why.NOT_FOUND),
    (404, "ORDERNOTEXIST", REFUSED, claim.Why.NOT_FOUND),
    (404, "RESOURCE_NOT_EXISTS", REFUSED, claim.Why.NOT_FOUND),
    (404, "REFUNDNOTEXISTS", REFUSED, claim.Why.NOT_FOUND),
    (429, "FREQUENCY_LIMITED", BUSY, claim.Why.UNREACHABLE),
    (429, "FREQUENCY_LIMIT_EXCEED", BUSY, claim.Why.UNREACHABLE),
    (429, "RATELIMIT_EXCEEDED", BUSY, claim.Why.UNREACHABLE),
    (500, "SYSTEM_ERROR", DOUBT, claim.Why.UNREACHABLE),
    (500, "SYSTEMERROR", DOUBT, claim.Why.UNREACHABLE),
    (500, "BANKERROR", DOUBT, claim.Why.UNREACHABLE),
    (500, "OPENID_MISMATCH", REFUSED, claim.Why.REFUSED),
]
NOT_DOCUMENTED = [
    (400, b'{"code":"BRAND_NEW_WORD","message":""}', DOUBT),
    (403, b"<html>captive portal</html>", DOUBT),
    (302, b"", DOUBT),
    (404, b'{"code":"","message":""}', DOUBT),
    (404, b'{"code":"ORDER_NOT_EXIST","code":"SYSTEM_ERROR"}', DOUBT),
    (429, b"slow down", BUSY),
    (502, b"<html>nginx</html>", DOUBT),
    (500, b"", DOUBT),
]


def channel_that_hears(name: str, status: int, body: bytes, **other: Any) -> connector.Connector:
    """A connector at a counterpart that answers all but certificates with this."""
    shop = shops.shop() if name == "wechatpay" else douyinpay.shop()

    def transport(method: str, url: str, headers: Mapping[str, str], sent: bytes) -> tuple[int, Mapping[str, str], bytes]:
        if url.endswith("/".join(shop.gate.speaks.certificates)):
            return shop.gate.transport(method, url, headers, sent)
        if status != 202:
            return status, {}, body
        return shop.gate._answer({}, status, json.loads(body))

    client, ticking = http.Client(transport, sleep=lambda s: None), clock.ManualClock(shops.START)
    if name == "wechatpay":
        return wechat.WeChatPay(shops.merchant_account(), client, ticking)
    return douyin.DouyinPay(douyinpay.merchant_account(**other), client, ticking)


def act(channel: connector.Connector) -> type[faults.Fault]:
    try:
        news = channel.do(shops.ORDER, shops.link_step(), shops.START)
    except faults.Fault as fault:
        return type(fault)
    assert isinstance(news, run.Refusal)
    return faults.Rejected


@pytest.mark.parametrize("name", CHANNELS)
@pytest.mark.parametrize("status, code, acting, asking", DOCUMENTED)
def test_a_documented_code_says_what_may_be_done(
    name: str, status: int, code: str, acting: type[faults.Fault], asking: claim.Why | type[faults.Fault] | None
) -> None:
    """For an act, and for a query; nothing that is documented is counted as unknown."""
    channel = channel_that_hears(name, status, json.dumps({"code": code, "message": "说明"}).encode())
    assert act(channel) is acting
    if asking is OURS:
        with pytest.raises(faults.Credentials, match="clock"):
            channel.ask([ids.OutTradeNo("A1")])
    else:
        told, silent = channel.ask([ids.OutTradeNo("A1")])
        assert [s.why for s in silent] == ([asking] if asking else [])
        assert len(told) == (0 if asking else 1)
    assert channel.unlisted() == {}


def test_the_table_above_names_every_code_of_the_table() -> None:
    """A new code comes with its line here."""
    assert {errors.spelled(code) for _, code, _, _ in DOCUMENTED} == set(errors.TABLE)


@pytest.mark.parametrize("name", CHANNELS)
@pytest.mark.parametrize("status, body, acting", NOT_DOCUMENTED)
def test_an_unknown_answer_proves_nothing_and_is_counted(name: str, status: int, body: bytes, acting: type[faults.Fault]) -> None:
    """The act may have happened, the query told nothing; the doctor can show what came, and how often."""
    channel = channel_that_hears(name, status, body)
    assert act(channel) is acting
    _, silent = channel.ask([ids.OutTradeNo("A1")])
    assert [s.why for s in silent] == [claim.Why.UNREACHABLE]
    assert list(channel.unlisted().values()) == [2]


@pytest.mark.parametrize(
    "says, acting, asking",
    [
        (meanings.Meaning.NOT_FOUND, REFUSED, claim.Why.NOT_FOUND),
        (meanings.Meaning.REFUSED, REFUSED, claim.Why.REFUSED),
        (meanings.Meaning.BUSY, BUSY, claim.Why.UNREACHABLE),
        (meanings.Meaning.CONFUSED, DOUBT, claim.Why.UNREACHABLE),
    ],
)
@pytest.mark.parametrize("code", ["TRADE_NOT_EXIST", "ORDER_NOT_EXIST"])
def test_a_code_of_the_settings_says_what_they_say(
    code: str, says: meanings.Meaning, acting: type[faults.Fault], asking: claim.Why
) -> None:
    """One that our table lacks, and one that it would read otherwise, in either spelling; neither is counted as unknown."""
    body = json.dumps({"code": code, "message": "说明"}).encode()
    channel = channel_that_hears("douyinpay", 400, body, codes={code.replace("_", "").lower(): says})
    assert act(channel) is acting
    assert [s.why for s in channel.ask([ids.OutTradeNo("A1")])[1]] == [asking]
    assert channel.unlisted() == {}
