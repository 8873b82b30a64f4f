"""The sandbox's front door: method, target, headers and body go in, status, headers and body come out, as WeChat Pay would send them.

It verifies the merchant's signature, signs every answer, and lets the fault plan spoil the exchange. In process it is a transport;
`server` puts it on loopback.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from makewhole.core import clock
from makewhole.sandbox.channel import gate, truth
from makewhole.sandbox.channel.faults import Fault, Faults
from makewhole.sandbox.wechatpay import bills, keys, notices, objects, requests, seal, words

SKEW_MAX = timedelta(minutes=5)
_NOT_FOUND = {"query": "ORDER_NOT_EXIST", "query-id": "ORDER_NOT_EXIST", "query-refund": "RESOURCE_NOT_EXISTS"}


@dataclass(frozen=True, kw_only=True)
class Merchant:
    """The one account of this sandbox."""

    mchid: str = "1900000001"
    appid: str = "wxd678efh567hg6787"
    apiv3_key: str = keys.APIV3_KEY


class Gateway(gate.Gate[int]):
    """One WeChat Pay with one merchant, whose answer to a callback is an HTTP status."""

    def __init__(
        self,
        ticking: clock.Clock,
        *,
        wire_clock: clock.Clock | None = None,
        faults: Faults | None = None,
        merchant: Merchant | None = None,
        base_url: str = "http://wechatpay.sandbox",
        public_key_mode: bool = False,
    ) -> None:
        super().__init__(ticking, wire_clock=wire_clock, faults=faults, base_url=base_url)
        self.merchant = merchant or Merchant()
        self.signer = notices.Signer(public_key_mode=public_key_mode)
        self.notices: notices.Notices = notices.Notices(
            faults=self.faults, signer=self.signer, apiv3_key=self.merchant.apiv3_key.encode(), wire_clock=self.wire_clock
        )
        self.bills = bills.Bills(self.truth, ticking)

    def _answered(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> gate.Reply:
        parts = urlsplit(target)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        try:
            self._authenticate(method, path, headers, body)
            route, number = _route(method, parts.path)
            self.asked.append((route, number))
            query = parse_qs(parts.query, keep_blank_values=True)
            reply = self._carried_out(route, lambda: self._dispatch(route, number, query, body))
        except words.Refused as no:
            return self._answer(headers, no.status, {"code": no.code, "message": no.message})
        if route == "download":
            # The only answer that WeChat Pay does not sign.
            return 200, {"Content-Type": "application/octet-stream"}, reply
        return self._answer(headers, 204 if route == "close" else 200, None if route == "close" else json.loads(reply))

    def _says(self, fault: Fault, route: str) -> Exception | None:
        match fault:
            case Fault.RATE_LIMITED:
                return words.Refused(429, "FREQUENCY_LIMITED", "频率超限")
            case Fault.SYSTEM_ERROR_BEFORE | Fault.SYSTEM_ERROR_AFTER:
                return words.Refused(500, "SYSTEM_ERROR", "系统错误")
            case Fault.REPLICA_LAG if route in _NOT_FOUND:
                return words.Refused(404, _NOT_FOUND[route], "订单不存在")
            case Fault.USERPAYING if route in {"query", "close"}:
                return words.Refused(202, "USERPAYING", "用户支付中，需要输入密码")
            case _:
                return None

    def _refusals(self) -> tuple[type[Exception], ...]:
        return (words.Refused,)

    def _dispatch(self, route: str, number: str, query: Mapping[str, list[str]], body: bytes) -> bytes:
        try:
            return self._done(route, number, query, body)
        except truth.Refused as no:
            raise words.of(no.no) from no

    def _done(self, route: str, number: str, query: Mapping[str, list[str]], body: bytes) -> bytes:
        m, t = self.merchant, self.truth
        match route:
            case "create":
                made = t.create(requests.order(number, body, m.mchid, m.appid))
                return _json(requests.opened(number, made, self.base_url))
            case "query":
                requests.same_merchant(query, m.mchid)
                return _json(objects.transaction(t.find(number)))
            case "query-id":
                requests.same_merchant(query, m.mchid)
                return _json(objects.transaction(t.find_by_id(number)))
            case "close":
                requests.close(body, m.mchid)
                t.close(number)
                return b""
            case "refund":
                asked = requests.refund(body)
                of = t.find_by_id(asked.transaction_id) if asked.transaction_id else t.find(asked.out_trade_no)
                told = t.refund(
                    of,
                    asked.out_refund_no,
                    amount=asked.refund,
                    total=asked.total,
                    reason=asked.reason,
                    notify_url=asked.notify_url,
                )
                return _json(objects.refund(told))
            case "query-refund":
                return _json(objects.refund(t.find_refund(number)))
            case "abnormal":
                return _json(objects.refund(t.apply_abnormal(number, requests.abnormal(body))))
            case "certificates":
                return _json({"data": [self._certificate(i) for i in range(self.signer.listed)]})
            case "bill":
                return _json(self.bills.apply(query, self.base_url))
            case _:
                return self.bills.download(query)

    def _certificate(self, index: int) -> dict[str, Any]:
        """One platform certificate, sealed."""
        pem = keys.pem(f"platform_{index + 1}_cert")
        sealed = seal.seal(self.merchant.apiv3_key.encode(), pem, nonce=self.faults.text(12), associated_data="certificate")
        return {
            "serial_no": keys.PLATFORM_SERIALS[index],
            "effective_time": "2020-01-01T08:00:00+08:00",
            "expire_time": "2045-01-01T08:00:00+08:00",
            "encrypt_certificate": sealed,
        }

    def _authenticate(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> None:
        """401 SIGN_ERROR unless this very request was signed by the merchant's key, now."""
        told = seal.credentials(headers.get("authorization", ""))
        if {"mchid", "nonce_str", "signature", "timestamp", "serial_no"} - told.keys():
            raise words.Refused(401, "SIGN_ERROR", "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》")
        stamp, nonce = told["timestamp"], told["nonce_str"]
        if told["mchid"] != self.merchant.mchid or told["serial_no"] != keys.serial("merchant"):
            raise words.Refused(401, "SIGN_ERROR", "商户证书序列号有误")
        if not stamp.isdigit() or abs(int(stamp) - self.wire_clock.now().timestamp()) > SKEW_MAX.total_seconds():
            raise words.Refused(401, "SIGN_ERROR", "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟")
        lines = (method.encode(), path.encode(), stamp.encode(), nonce.encode(), body)
        if not seal.verifies(keys.public("merchant"), told["signature"], *lines):
            raise words.Refused(401, "SIGN_ERROR", "签名错误")

    def _answer(self, asked: Mapping[str, str], status: int, content: Mapping[str, Any] | None) -> gate.Reply:
        """Signed by the key that the client believes: its public-key id in Wechatpay-Serial chooses that mode."""
        draw = self.faults.draw
        body = b"" if content is None else _json(content)
        headers = {} if content is None else {"Content-Type": "application/json; charset=utf-8"}
        headers["Request-ID"] = f"08{self.faults.text(20)}"
        if draw(Fault.UNSIGNED):
            return status, headers, body
        if draw(Fault.ROTATED):
            self.signer.rotate()
        by_id = asked.get("wechatpay-serial", "").startswith("PUB_KEY_ID_")
        signer = notices.Signer(public_key_mode=by_id or self.signer.public_key_mode, platform=self.signer.platform)
        stamp, nonce = str(int(self.wire_clock.now().timestamp())), self.faults.text(32)
        key = "stranger" if draw(Fault.ANSWER_BAD_SIGNATURE) else signer.key()
        signature = seal.sign(keys.private(key), stamp.encode(), nonce.encode(), body)
        probe = "WECHATPAY/SIGNTEST/" if draw(Fault.ANSWER_PROBE) else ""
        serial = "7777" + keys.PLATFORM_SERIALS[0][4:] if draw(Fault.ANSWER_WRONG_SERIAL) else signer.serial()
        return (
            status,
            headers
            | {
                "Wechatpay-Nonce": nonce,
                "Wechatpay-Serial": serial,
                "Wechatpay-Signature": probe + signature,
                "Wechatpay-Signature-Type": seal.SCHEME,
                "Wechatpay-Timestamp": stamp,
            },
            body,
        )

    def _tell(self, event: str, of: truth.Transaction, refund: truth.Refund | None, at: datetime) -> None:
        content = objects.transaction(of) if refund is None else objects.refund_news(refund)
        url = of.order.notify_url if refund is None else refund.notify_url
        self.notices.announce(event, content, url=url, at=at)


def _route(method: str, path: str) -> tuple[str, str]:
    """The endpoint's name, and the number or the kind in its path."""
    match method, [unquote(s) for s in path.strip("/").split("/")]:
        case "POST", ["v3", "pay", "transactions", "jsapi" | "app" | "h5" | "native" as kind]:
            return "create", kind
        case "GET", ["v3", "pay", "transactions", "out-trade-no", number]:
            return "query", number
        case "GET", ["v3", "pay", "transactions", "id", number]:
            return "query-id", number
        case "POST", ["v3", "pay", "transactions", "out-trade-no", number, "close"]:
            return "close", number
        case "POST", ["v3", "refund", "domestic", "refunds"]:
            return "refund", ""
        case "GET", ["v3", "refund", "domestic", "refunds", number]:
            return "query-refund", number
        case "POST", ["v3", "refund", "domestic", "refunds", number, "apply-abnormal-refund"]:
            return "abnormal", number
        case "GET", ["v3", "certificates"]:
            return "certificates", ""
        case "GET", ["v3", "bill", "tradebill"]:
            return "bill", ""
        case "GET", ["v3", "billdownload", "file"]:
            return "download", ""
        case _:
            raise words.Refused(404, "RESOURCE_NOT_EXISTS", "请求的资源不存在")


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
