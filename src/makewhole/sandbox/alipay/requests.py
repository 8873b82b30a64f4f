"""What merchants send: a query and a form go in, checked parameters come out, or what the gateway would answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote_to_bytes

from makewhole.core import clock
from makewhole.sandbox.alipay import words
from makewhole.sandbox.channel import truth

CODECS = {"utf-8": "utf-8", "gbk": "gbk"}
_NUMBER = re.compile(r"[0-9A-Za-z_\-*|@]{1,64}", re.ASCII)
_YUAN = re.compile(r"(\d{1,9})(?:\.(\d{1,2}))?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Merchant:
    """The one account of this sandbox."""

    app_id: str = "2021000000000001"
    seller_id: str = "2088000000000001"


def parameters(query: str, body: bytes) -> dict[str, str]:
    """Query and form together, decoded by the charset that they name."""
    raw = [*_pairs(query.encode("latin-1", "replace")), *_pairs(body)]
    named = dict(raw).get(b"charset", b"utf-8").decode("ascii", "replace").lower()
    codec = CODECS.get(named)
    if codec is None:
        raise words.Refused("isv.invalid-charset", "字符集错误", "40002", signed=False)
    try:
        return {name.decode(codec): value.decode(codec) for name, value in raw}
    except UnicodeDecodeError as wrong:
        raise words.Refused("isv.invalid-charset", "字符集错误", "40002", signed=False) from wrong


def content(params: Mapping[str, str]) -> dict[str, Any]:
    """biz_content."""
    try:
        told = json.loads(params.get("biz_content", ""))
    except ValueError as wrong:
        raise words.Refused("isv.invalid-parameter", "参数无效", "40002") from wrong
    if not isinstance(told, dict):
        raise words.Refused("isv.invalid-parameter", "参数无效", "40002")
    return told


def order(kind: str, told: Mapping[str, Any], params: Mapping[str, str], of: Merchant) -> truth.Order:
    """A new payment."""
    number = str(told.get("out_trade_no", ""))
    if not _NUMBER.fullmatch(number) or not told.get("subject"):
        raise invalid()
    return truth.Order(
        kind=kind,
        appid=of.app_id,
        mchid=of.seller_id,
        description=str(told["subject"]),
        out_trade_no=number,
        total=fen(told.get("total_amount")),
        notify_url=params.get("notify_url", ""),
        attach=str(told.get("passback_params", "")),
        time_expire=_instant(told.get("time_expire")),
    )


def fen(yuan: object) -> int:
    """An amount above zero: yuan as text with at most two decimals."""
    told = _YUAN.fullmatch(yuan) if isinstance(yuan, str) else None
    if told is None:
        raise invalid()
    amount = int(told[1]) * 100 + int((told[2] or "0").ljust(2, "0"))
    if amount < 1:
        raise invalid()
    return amount


def invalid() -> words.Refused:
    """A parameter that cannot be."""
    return words.Refused("ACQ.INVALID_PARAMETER", "参数无效")


def _instant(text: object) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(str(text)).replace(tzinfo=clock.BEIJING)
    except ValueError as wrong:
        raise invalid() from wrong


def _pairs(form: bytes) -> list[tuple[bytes, bytes]]:
    plain = [pair.partition(b"=")[::2] for pair in form.replace(b"+", b" ").split(b"&") if pair]
    return [(unquote_to_bytes(name), unquote_to_bytes(value)) for name, value in plain]
