"""Every code of Alipay's that is documented, over a whole exchange: the fault says what may be done; the unlisted prove nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from makewhole.adapters import http
from makewhole.adapters.payments.alipay import connector, errors
from makewhole.core import clock, faults, ids
from makewhole.model import claim, run
from makewhole.sandbox.alipay import keys, seal
from tests.payments import alipay
from tests.payments import shop as shops

REFUSED, BUSY, DOUBT, OURS = faults.Rejected, faults.Unavailable, faults.Indeterminate, faults.Credentials
NO, DOWN = claim.Why.REFUSED, claim.Why.UNREACHABLE

# code, sub-code as the pages spell it, what it means for an act, what it means for a query
DOCUMENTED = [
    ("20000", "isp.unknow-error", DOUBT, DOWN),
    ("20000", "aop.unknow-error", DOUBT, DOWN),
    ("20000", "", DOUBT, DOWN),
    ("20001", "", OURS, OURS),
    ("20001", "aop.invalid-auth-token", OURS, OURS),
    ("20001", "aop.auth-token-time-out", OURS, OURS),
    ("20001", "aop.invalid-app-auth-token", OURS, OURS),
    ("20001", "aop.app-auth-token-time-out", OURS, OURS),
    ("20001", "aop.invalid-app-auth-token-no-api", OURS, OURS),
    ("40001", "isv.missing-signature", OURS, OURS),
    ("40001", "isv.missing-signature-key", OURS, OURS),
    ("40001", "isv.missing-app-id", OURS, OURS),
    ("40001", "isv.missing-timestamp", OURS, OURS),
    ("40002", "isv.invalid-parameter", REFUSED, NO),
    ("40002", "isv.invalid-signature", OURS, OURS),
    ("40002", "isv.invalid-signature-type", OURS, OURS),
    ("40002", "isv.invalid-app-id", OURS, OURS),
    ("40002", "isv.invalid-timestamp", OURS, OURS),
    ("40005", "", BUSY, DOWN),
    ("40005", "isv.app-call-limited", BUSY, DOWN),
    ("40006", "", OURS, OURS),
    ("40006", "isv.insufficient-isv-permissions", OURS, OURS),
    ("40004", "ACQ.SYSTEM_ERROR", DOUBT, DOWN),
    ("40004", "ACQ.TRADE_NOT_EXIST", REFUSED, claim.Why.NOT_FOUND),
    ("40004", "ACQ.TRADE_STATUS_ERROR", REFUSED, NO),
    ("40004", "ACQ.TRADE_HAS_SUCCESS", REFUSED, NO),
    ("40004", "ACQ.TRADE_HAS_FINISHED", REFUSED, NO),
    ("40004", "ACQ.TRADE_HAS_CLOSE", REFUSED, NO),
    ("40004", "ACQ.SELLER_BALANCE_NOT_ENOUGH", REFUSED, NO),
    ("40004", "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", REFUSED, NO),
    ("40004", "ACQ.REASON_TRADE_BEEN_FREEZEN", REFUSED, NO),
    ("40004", "ACQ.DISCORDANT_REPEAT_REQUEST", REFUSED, NO),
    ("40004", "ACQ.CONTEXT_INCONSISTENT", REFUSED, NO),
    ("40004", "ACQ.TRADE_NOT_ALLOW_REFUND", REFUSED, NO),
    ("40004", "ACQ.INVALID_PARAMETER", REFUSED, NO),
    ("40004", "BILL_NOT_EXIST", REFUSED, NO),
]
GOOD = {"code": "10000", "msg": "Success", "out_trade_no": "A1", "qr_code": "https://qr.alipay.com/x"}


def answering(body: bytes, status: int = 200) -> connector.Alipay:
    """A connector at a counterpart that answers everything with this."""

    def transport(method: str, url: str, headers: Mapping[str, str], sent: bytes) -> tuple[int, Mapping[str, str], bytes]:
        return status, {}, body

    client = http.Client(transport, sleep=lambda s: None)
    return connector.Alipay(alipay.merchant_account(), client, clock.ManualClock(shops.START))


def node(method: str, content: Mapping[str, object], key: str | None = "alipay") -> bytes:
    inner = json.dumps(content)
    sign = f',"sign":"{seal.sign(keys.private(key), inner.encode())}"' if key else ""
    return f'{{"alipay_trade_{method}_response":{inner}{sign}}}'.encode()


def act(channel: connector.Alipay) -> type[faults.Fault]:
    """Which fault a new link meets."""
    try:
        news = channel.do(shops.ORDER, shops.link_step(), shops.START)
    except faults.Fault as fault:
        return type(fault)
    assert isinstance(news, run.Refusal)
    return faults.Rejected


@pytest.mark.parametrize("code, sub_code, acting, asking", DOCUMENTED)
def test_a_documented_code_says_what_may_be_done(
    code: str, sub_code: str, acting: type[faults.Fault], asking: claim.Why | type[faults.Fault]
) -> None:
    """For an act, and for a query; nothing that is documented is counted as unknown."""
    content = {"code": code, "msg": "Failed", "sub_code": sub_code, "sub_msg": "说明"}
    doing, hearing = answering(node("precreate", content)), answering(node("query", content))
    assert act(doing) is acting
    if asking is OURS:
        with pytest.raises(faults.Credentials, match="clock"):
            hearing.ask([ids.OutTradeNo("A1")])
    else:
        _, silent = hearing.ask([ids.OutTradeNo("A1")])
        assert [s.why for s in silent] == [asking]
    assert doing.unlisted() == hearing.unlisted() == {}


def test_the_table_above_names_every_code_of_the_tables() -> None:
    """A new code comes with its line here."""
    assert {sub for _, sub, _, _ in DOCUMENTED} >= set(errors.SUB_CODES)
    assert {code for code, sub, _, _ in DOCUMENTED if not sub or sub == "isv.app-call-limited"} == set(errors.CODES)


@pytest.mark.parametrize(
    "code, sub_code, counted",
    [
        ("40004", "ACQ.BRAND_NEW_WORD", "ACQ.BRAND_NEW_WORD"),
        ("40001", "", "40001"),
        ("40002", "isv.brand-new", "isv.brand-new"),
        ("10003", "", "10003"),
        ("", "", "nothing"),
    ],
)
def test_an_unlisted_code_proves_nothing_and_is_counted(code: str, sub_code: str, counted: str) -> None:
    """The act may have happened, the query told nothing; the doctor can show what came, and how often."""
    content = {"code": code, "sub_code": sub_code}
    doing, hearing = answering(node("precreate", content)), answering(node("query", content))
    assert act(doing) is DOUBT
    _, silent = hearing.ask([ids.OutTradeNo("A1")])
    assert [s.why for s in silent] == [DOWN]
    assert doing.unlisted() == hearing.unlisted() == {counted: 1}


@pytest.mark.parametrize(
    "status, body",
    [
        (200, b""),
        (200, b"<html>captive portal</html>"),
        (200, b"[]"),
        (200, b"{}"),
        (200, node("close", GOOD)),
        (200, node("precreate", GOOD).replace(b"}", b"", 1)),
        (200, b'{"alipay_trade_precreate_response":"text","sign":"x"}'),
        (200, b'{"a":1,' + node("precreate", GOOD)[1:].replace(b'"sign"', b'"other":{},"sign"')),
        (200, node("precreate", GOOD, None)),
        (200, node("precreate", GOOD, "stranger")),
        (200, node("precreate", {"code": "40004", "sub_code": "ACQ.TRADE_HAS_CLOSE"}, None)),
        (200, node("precreate", {"code": "40004", "sub_code": "ACQ.TRADE_HAS_CLOSE"}, "stranger")),
        (200, node("precreate", {"code": "40005", "sub_code": "isv.app-call-limited"}, "stranger")),
        (200, node("precreate", GOOD | {"out_trade_no": "B1"})),
        (200, node("precreate", {k: v for k, v in GOOD.items() if k != "qr_code"})),
        (302, b""),
        (500, b""),
        (502, b"<html>nginx</html>"),
        (404, node("precreate", GOOD)),
    ],
)
def test_what_is_no_answer_of_alipays_proves_nothing(status: int, body: bytes) -> None:
    """Not JSON, another node, two objects, unsigned or another's success or business word, another trade, another status."""
    assert act(answering(body, status)) is DOUBT


def test_who_we_are_is_refused_unsigned_and_believed() -> None:
    """The gateway does not know yet by which key to sign; nothing happened, and a person must look."""
    body = json.dumps({"error_response": {"code": "40002", "msg": "Invalid Arguments", "sub_code": "isv.invalid-app-id"}}).encode()
    assert act(answering(body)) is OURS
