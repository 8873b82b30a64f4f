"""What merchants send: raw bodies go in, checked requests come out, or the PARAM_ERROR that the channel would answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from makewhole.core import clock
from makewhole.sandbox.apiv3 import speech, words
from makewhole.sandbox.channel import truth

_OUT_REFUND_NO = re.compile(r"[0-9A-Za-z_\-*|@]{1,64}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class RefundRequest:
    """A refund as it was asked for."""

    transaction_id: str
    out_trade_no: str
    out_refund_no: str
    refund: int
    total: int
    reason: str
    notify_url: str


def order(kind: str, body: bytes, of: speech.Merchant, speaks: speech.Speech) -> truth.Order:
    """The body of a new payment."""
    told = _object(body)
    if _text(told, "mchid") != of.mchid or _text(told, "appid") != of.appid:
        raise words.Refused(400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配")
    number = _text(told, "out_trade_no")
    if not speaks.out_trade_no.fullmatch(number):
        raise _wrong("out_trade_no", "输入源“/body/out_trade_no”格式不符合要求")
    if not speaks.notify_url.fullmatch(_text(told, "notify_url")):
        raise _wrong("notify_url", "输入源“/body/notify_url”格式不符合要求")
    amount = _inner(told, "amount")
    if kind == "h5":
        _text(_inner(told, "scene_info"), "payer_client_ip")
    return truth.Order(
        kind=kind,
        appid=of.appid,
        mchid=of.mchid,
        description=_text(told, "description"),
        out_trade_no=number,
        total=_fen(amount, "total"),
        currency=amount.get("currency", "CNY"),
        notify_url=_text(told, "notify_url"),
        attach=told.get("attach", ""),
        openid=_text(_inner(told, "payer"), "openid") if kind == "jsapi" else "",
        time_expire=_instant(told["time_expire"]) if told.get("time_expire") else None,
    )


def opened(kind: str, made: truth.Transaction, base_url: str, speaks: speech.Speech) -> dict[str, str]:
    """The answer to a new payment."""
    match kind:
        case "native":
            return dict(speaks.code_urls(made.prepay[-12:]))
        case "h5":
            return {"h5_url": f"{base_url}/cgi-bin/mmpayweb-bin/checkmweb?prepay_id={quote(made.prepay)}&package=2150917749"}
        case _:
            return {"prepay_id": made.prepay}


def close(body: bytes, mchid: str) -> None:
    """The body of a close holds the merchant number."""
    if _text(_object(body), "mchid") != mchid:
        raise _wrong("mchid", "商户号不匹配")


def same_merchant(query: Mapping[str, list[str]], mchid: str) -> None:
    """A query names its merchant number."""
    if query.get("mchid") != [mchid]:
        raise _wrong("mchid", "输入源“/query/mchid”映射到值字段“直连商户号”必填性规则校验失败")


def refund(body: bytes, mchid: str | None) -> RefundRequest:
    """The body of a refund; `mchid` is the merchant number that it must name, None where it need name none."""
    told = _object(body)
    if mchid is not None and _text(told, "mchid") != mchid:
        raise _wrong("mchid", "商户号不匹配")
    amount = _inner(told, "amount")
    if amount.get("currency") != "CNY":
        raise _wrong("currency", "退款币种目前只支持人民币：CNY")
    number = _text(told, "out_refund_no")
    if not _OUT_REFUND_NO.fullmatch(number):
        raise _wrong("out_refund_no", "输入源“/body/out_refund_no”格式不符合要求")
    if not told.get("transaction_id") and not told.get("out_trade_no"):
        raise _wrong("transaction_id", "transaction_id和out_trade_no二选一")
    asked = RefundRequest(
        transaction_id=told.get("transaction_id", ""),
        out_trade_no=told.get("out_trade_no", ""),
        out_refund_no=number,
        refund=_fen(amount, "refund"),
        total=_fen(amount, "total"),
        reason=told.get("reason", ""),
        notify_url=told.get("notify_url", ""),
    )
    if asked.refund > asked.total:
        raise _wrong("refund", "退款金额大于订单金额")
    return asked


def abnormal(body: bytes) -> str:
    """The refund number that the handling of an abnormal refund is about."""
    return _text(_object(body), "out_refund_no")


def _object(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except ValueError as wrong:
        raise _wrong("body", "请求体不是合法的JSON") from wrong
    if not isinstance(told, dict):
        raise _wrong("body", "请求体不是JSON对象")
    return told


def _inner(told: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = told.get(name)
    if not isinstance(value, dict):
        raise _wrong(name, f"输入源“/body/{name}”必填性规则校验失败")
    return value


def _text(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    if not isinstance(value, str) or not value:
        raise _wrong(name, f"输入源“/body/{name}”必填性规则校验失败")
    return value


def _fen(told: Mapping[str, Any], name: str) -> int:
    value = told.get(name)
    if type(value) is not int or value < 1:
        raise _wrong(name, f"输入源“/body/amount/{name}”应为大于0的整数")
    return value


def _instant(text: object) -> datetime:
    try:
        return clock.parse(str(text))
    except ValueError as wrong:
        raise _wrong("time_expire", "输入源“/body/time_expire”格式不符合要求") from wrong


def _wrong(field: str, issue: str) -> words.Refused:
    return words.Refused(400, "PARAM_ERROR", f"参数错误：{field} {issue}")
