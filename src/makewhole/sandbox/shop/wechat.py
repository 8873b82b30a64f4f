"""The shop's own WeChat Pay v3 client: a stranger to Makewhole's connector, so that one bug cannot hide in both."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from makewhole.core import clock, ids
from makewhole.sandbox.shop import till

Send = Callable[[str, str, Mapping[str, str], bytes], tuple[int, Mapping[str, str], bytes]]
"""Method, target, headers, body -> status, headers, body. Raises OSError where nothing comes back."""
NOTICE_AGE_MAX = timedelta(minutes=5)
_NATIVE = "/v3/pay/transactions/native"
_BY_NUMBER = "/v3/pay/transactions/out-trade-no/"
_REFUNDS = "/v3/refund/domestic/refunds"


@dataclass(frozen=True, kw_only=True)
class Merchant:
    """The shop's account: its own key, and by serial the keys that the channel signs with."""

    mchid: str
    appid: str
    serial: str
    key: rsa.RSAPrivateKey
    apiv3_key: bytes
    channel_keys: Mapping[str, rsa.RSAPublicKey]
    notify_url: str
    checks_age: bool = False
    """Whether a notice stamped more than five minutes ago is refused. Half of the shops do; to them an old notice cannot be replayed."""


class WechatTill:
    """The Till over WeChat Pay's wire."""

    def __init__(self, merchant: Merchant, send: Send, at: clock.Clock) -> None:
        self._merchant = merchant
        self._send = send
        self._clock = at
        self._count = 0

    def open(self, opening: till.Opening) -> str:
        """Native: a code to scan."""
        told = self._call(
            "POST",
            _NATIVE,
            {
                "appid": self._merchant.appid,
                "mchid": self._merchant.mchid,
                "description": opening.description,
                "out_trade_no": opening.out_trade_no,
                "time_expire": clock.rfc3339(opening.expires_at),
                "attach": opening.attach,
                "notify_url": self._merchant.notify_url,
                "amount": {"total": opening.amount_fen, "currency": "CNY"},
            },
        )
        return str(told["code_url"])

    def close(self, out_trade_no: str) -> None:
        """204 or a word."""
        self._call("POST", f"{_BY_NUMBER}{out_trade_no}/close", {"mchid": self._merchant.mchid})

    def query(self, out_trade_no: str) -> till.Paid | None:
        """SUCCESS is paid; REFUND was."""
        told = self._call("GET", f"{_BY_NUMBER}{out_trade_no}?mchid={self._merchant.mchid}", None)
        return _paid(told) if told["trade_state"] in {"SUCCESS", "REFUND"} else None

    def refund(self, out_trade_no: str, refund_sn: str, amount_fen: int, paid_fen: int) -> till.RefundNews:
        """Accepted is not done."""
        amount = {"refund": amount_fen, "total": paid_fen, "currency": "CNY"}
        told = self._call("POST", _REFUNDS, {"out_trade_no": out_trade_no, "out_refund_no": refund_sn, "amount": amount})
        return till.RefundNews(refund_sn=refund_sn, status=str(told["status"]))

    def refund_state(self, refund_sn: str) -> till.RefundNews:
        """As the channel has it now."""
        told = self._call("GET", f"{_REFUNDS}/{refund_sn}", None)
        return till.RefundNews(refund_sn=refund_sn, status=str(told["status"]))

    def read(self, headers: till.Headers, body: bytes) -> till.Paid | till.RefundNews:
        """Signature and clock first, then the sealed resource."""
        told = {name.lower(): value for name, value in headers}
        stamp = told.get("wechatpay-timestamp", "")
        age = abs(self._clock.now().timestamp() - int(stamp)) if stamp.isdigit() else None
        if age is None or (self._merchant.checks_age and age > NOTICE_AGE_MAX.total_seconds()):
            raise till.BadNotice("clock")
        self._check(told, body)
        try:
            notice = json.loads(body)
            sealed = notice["resource"]
            plain = AESGCM(self._merchant.apiv3_key).decrypt(
                sealed["nonce"].encode(), base64.b64decode(sealed["ciphertext"]), sealed.get("associated_data", "").encode()
            )
            content = json.loads(plain)
        except (ValueError, KeyError, InvalidTag) as unreadable:
            raise till.BadNotice("unreadable") from unreadable
        if str(notice.get("event_type", "")).startswith("REFUND"):
            return till.RefundNews(refund_sn=content["out_refund_no"], status=content["refund_status"])
        if content.get("mchid") != self._merchant.mchid or content.get("trade_state") != "SUCCESS":
            raise till.BadNotice("not for us")
        return _paid(content)

    def _call(self, method: str, target: str, content: dict[str, Any] | None) -> dict[str, Any]:
        body = b"" if content is None else json.dumps(content, ensure_ascii=False).encode()
        headers = {
            "Authorization": self._authorization(method, target, body),
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "nanxiang-shop/3.2",
        }
        try:
            status, answered, raw = self._send(method, target, headers, body)
        except OSError as lost:
            raise till.Silent(str(lost)) from lost
        if status >= 500 or status == 429:
            raise till.Silent(str(status))
        told = json.loads(raw) if raw else {}
        if not 200 <= status < 300 or status == 202:
            raise till.Refused(told.get("code", str(status)))
        try:
            self._check({name.lower(): value for name, value in answered.items()}, raw)
        except till.BadNotice as forged:
            raise till.Silent(str(forged)) from forged
        return dict(told)

    def _authorization(self, method: str, target: str, body: bytes) -> str:
        self._count += 1
        stamp = int(self._clock.now().timestamp())
        nonce = ids.derive("shop", self._merchant.mchid, stamp, self._count)
        text = f"{method}\n{target}\n{stamp}\n{nonce}\n".encode() + body + b"\n"
        signed = base64.b64encode(self._merchant.key.sign(text, padding.PKCS1v15(), hashes.SHA256())).decode()
        return (
            f'WECHATPAY2-SHA256-RSA2048 mchid="{self._merchant.mchid}",nonce_str="{nonce}",signature="{signed}",'
            f'timestamp="{stamp}",serial_no="{self._merchant.serial}"'
        )

    def _check(self, headers: Mapping[str, str], body: bytes) -> None:
        key = self._merchant.channel_keys.get(headers.get("wechatpay-serial", ""))
        if key is None:
            raise till.BadNotice("unknown certificate")
        text = f"{headers.get('wechatpay-timestamp', '')}\n{headers.get('wechatpay-nonce', '')}\n".encode() + body + b"\n"
        try:
            key.verify(base64.b64decode(headers.get("wechatpay-signature", "")), text, padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, binascii.Error) as forged:
            raise till.BadNotice("bad signature") from forged


def _paid(told: Mapping[str, Any]) -> till.Paid:
    return till.Paid(
        out_trade_no=told["out_trade_no"],
        transaction=told["transaction_id"],
        amount_fen=told["amount"]["total"],
        paid_at=clock.parse(told["success_time"]),
    )
