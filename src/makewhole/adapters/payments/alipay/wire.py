"""What Alipay puts on the wire: raw bytes go in, the signed part as it stood and typed objects come out, or ValueError.

The signature is over the characters of the answer's inner object exactly as sent, so the object is cut out before it is read. Amounts
are yuan as text; unknown fields are let pass; duplicate keys, deep nesting and large bodies are not.
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote_to_bytes

import msgspec

from makewhole.adapters.payments import strictjson
from makewhole.core import clock, money

_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,3})?", re.ASCII)
CHARSETS: Mapping[str, str] = {"utf-8": "utf-8", "utf8": "utf-8", "gbk": "gbk", "gb2312": "gbk", "gb18030": "gb18030"}
"""What a charset parameter may say, and the codec that it means."""

REFUND_SUCCESS = "REFUND_SUCCESS"
"""The one word of refund_status that says that the money went back."""


class TradeStatus(enum.Enum):
    """Where a trade stands, in the channel's words."""

    WAIT_BUYER_PAY = "WAIT_BUYER_PAY"
    TRADE_CLOSED = "TRADE_CLOSED"
    """Unpaid and over, or refunded in full: `send_pay_date` (`gmt_payment` in a callback) tells which."""
    TRADE_SUCCESS = "TRADE_SUCCESS"
    TRADE_FINISHED = "TRADE_FINISHED"
    """Paid, and can no longer be refunded."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What every answer begins with."""

    code: str = ""
    msg: str = ""
    sub_code: str = ""
    sub_msg: str = ""


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to alipay.trade.query."""

    out_trade_no: str
    trade_no: str
    trade_status: TradeStatus
    total_amount: str
    trans_currency: str = "CNY"
    send_pay_date: str = ""
    buyer_user_id: str = ""
    buyer_open_id: str = ""
    passback_params: str = ""


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to alipay.trade.fastpay.refund.query. Where the request number is not known, or the refund failed, all is empty."""

    out_trade_no: str = ""
    trade_no: str = ""
    out_request_no: str = ""
    refund_status: str = ""
    total_amount: str = ""
    refund_amount: str = ""
    gmt_refund_pay: str = ""


class Refunded(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to alipay.trade.refund. It names no request number: which refund it speaks of, the query tells."""

    out_trade_no: str
    trade_no: str
    refund_fee: str = ""
    fund_change: str = ""


class Closed(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to alipay.trade.close."""

    out_trade_no: str = ""
    trade_no: str = ""


class Precreated(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to alipay.trade.precreate."""

    out_trade_no: str
    qr_code: str


class BillAddress(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to alipay.data.dataservice.bill.downloadurl.query."""

    bill_download_url: str


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to alipay.open.app.alipaycert.download: PEM in base64. It is not signed."""

    alipay_cert_content: str


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A callback's parameters, those that mean something here."""

    notify_id: str
    notify_type: str
    app_id: str
    seller_id: str
    out_trade_no: str
    trade_no: str
    trade_status: TradeStatus
    total_amount: str
    out_biz_no: str = ""
    refund_fee: str = ""
    gmt_payment: str = ""
    gmt_refund: str = ""
    buyer_id: str = ""
    buyer_open_id: str = ""
    passback_params: str = ""


NOUNS = (Verdict, Trade, Refund, Refunded, Closed, Precreated, BillAddress, Certificate, Notice)
"""All that is read from a wire."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer taken apart. `signed` is the inner object as it was sent; `named` the certificate that it says it is signed with."""

    node: str
    signed: bytes
    sign: str
    named: str


def answer(raw: bytes, node: str, charset: str) -> Answer:
    """An answer under the node that a method has, or under `error_response`. Raises ValueError for anything else."""
    text = strictjson.text(raw, CHARSETS[charset])
    told = strictjson.read(text)
    names = told if isinstance(told, dict) else {}
    found = node if node in names else "error_response"
    # Two objects in one answer are two stories, of which only one is signed.
    if [name for name, value in names.items() if isinstance(value, dict | list)] != [found]:
        raise ValueError(f"the answer holds not just {node} or error_response")
    texts = {name: value for name, value in names.items() if isinstance(value, str)}
    signed = _cut(text, found)
    # The bytes that were signed; the same as those that came, as `strictjson.text` has seen to it.
    return Answer(node=found, signed=signed.encode(CHARSETS[charset]), sign=texts.get("sign", ""), named=texts.get("alipay_cert_sn", ""))


def form(body: bytes, charset: str | None = None) -> dict[str, str]:
    """The parameters of a form-encoded callback, decoded by the charset that it names itself. Raises ValueError.

    A name that comes twice is two stories; whoever signs one and reads the other can be fooled.
    """
    if len(body) > strictjson.BODY_BYTES_MAX:
        raise ValueError(f"{len(body)} bytes, allowed are {strictjson.BODY_BYTES_MAX}")
    raw: dict[bytes, bytes] = {}
    for pair in body.split(b"&"):
        if not pair:
            continue
        name, equals, value = pair.partition(b"=")
        key = _plain(name)
        if not equals or key in raw:
            raise ValueError(f"parameter {name[:40]!r} has no value, or comes twice")
        raw[key] = _plain(value)
    named = charset or raw.get(b"charset", b"utf-8").decode("ascii", "replace").lower()
    if named not in CHARSETS:
        raise ValueError(f"charset {named[:20]!r} is none of ours")
    try:
        return {k.decode("ascii"): v.decode(CHARSETS[named]) for k, v in raw.items()}
    except UnicodeDecodeError as wrong:
        raise ValueError(f"not {named}: {wrong.reason}") from wrong


def notice(told: Mapping[str, str]) -> Notice:
    """The callback as a noun. Raises ValueError where something that must be there is not."""
    try:
        return msgspec.convert(dict(told), Notice, strict=True)
    except msgspec.ValidationError as wrong:
        raise ValueError(str(wrong)) from wrong


def fen(yuan: str) -> int:
    """Fen from yuan text. Raises ValueError for anything but digits with at most two decimals."""
    return money.parse_yuan(yuan)


def yuan(amount: int) -> str:
    """Yuan text with two decimals from fen."""
    sign, whole = ("-" if amount < 0 else ""), abs(amount)
    return f"{sign}{whole // 100}.{whole % 100:02d}"


def instant(text: str) -> datetime | None:
    """Beijing time as the channel writes it (`2026-11-23 20:00:00`, sometimes with thousandths); None for none. Raises ValueError."""
    if not text:
        return None
    if not _TIME.fullmatch(text):
        raise ValueError(f"not a time: {text[:40]!r}")
    told = datetime.fromisoformat(text)
    return told.replace(tzinfo=clock.BEIJING)


def _plain(part: bytes) -> bytes:
    return unquote_to_bytes(part.replace(b"+", b" "))


def _cut(text: str, node: str) -> str:
    """The inner object's own characters: from its `{` to the `}` that ends it. `text` is JSON that holds it at its first level, once."""
    decoder, at = json.JSONDecoder(), text.index("{") + 1
    while True:
        name, at = decoder.raw_decode(text, _skip(text, at))
        begin = _skip(text, _skip(text, at) + 1)
        _, at = decoder.raw_decode(text, begin)
        if name == node:
            return text[begin:at]
        at = _skip(text, at) + 1


def _skip(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at
