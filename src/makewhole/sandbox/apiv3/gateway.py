"""A counterpart's front door: method, target, headers and body go in, status, headers and body come out, as the channel would send them.

It verifies the merchant's signature, signs every answer, and lets the fault plan spoil the exchange. In process it is a transport;
`server` puts it on loopback. Which channel it is, its speech says, and what it lists as certificates.
"""

from __future__ import annotations

import abc
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from makewhole.core import clock
from makewhole.sandbox.apiv3 import bills, notices, objects, requests, seal, speech, words
from makewhole.sandbox.channel import gate, truth
from makewhole.sandbox.channel.faults import Fault, Faults

SKEW_MAX = timedelta(minutes=5)
_NOT_FOUND = {"query": "ORDER_NOT_EXIST", "query-id": "ORDER_NOT_EXIST", "query-refund": "RESOURCE_NOT_EXISTS"}


class Gateway(gate.Gate[int]):
    """One channel with one merchant, whose answer to a callback is an HTTP status."""

    SHOWS = (*gate.Gate.SHOWS, Fault.ANSWER_WRONG_SERIAL, Fault.ROTATED)
    PART_SHOWS = True
    speaks: ClassVar[speech.Speech]
    usual: ClassVar[speech.Merchant]
    """Its merchant, unless told otherwise."""
    address: ClassVar[str]
    """In process; over sockets the server has one of its own."""

    def __init__(
        self,
        ticking: clock.Clock,
        *,
        wire_clock: clock.Clock | None = None,
        faults: Faults | None = None,
        merchant: speech.Merchant | None = None,
        public_key_mode: bool = False,
    ) -> None:
        super().__init__(ticking, wire_clock=wire_clock, faults=faults, base_url=self.address)
        self.merchant = merchant or self.usual
        self.signer = notices.Signer(speaks=self.speaks, public_key_mode=public_key_mode)
        self.truth.prefixes = dict(self.speaks.prefixes)
        self.notices: notices.Notices = notices.Notices(
            faults=self.faults, signer=self.signer, merchant=self.merchant, wire_clock=self.wire_clock
        )
        self.bills = self._books()

    # What each channel has of its own

    @abc.abstractmethod
    def _books(self) -> bills.Bills:
        """Who makes its bills."""

    @abc.abstractmethod
    def _listed(self, numbered: list[tuple[str, Mapping[str, str]]]) -> dict[str, Any]:
        """The list of certificates, each a serial and its seal."""

    # What all have

    @property
    def parties(self) -> tuple[str, str]:
        return self.merchant.appid, self.merchant.mchid

    def section(self) -> dict[str, object]:
        return {
            "mchid": self.merchant.mchid,
            "appid": self.merchant.appid,
            "serial_no": self.speaks.keys.serial("merchant"),
            "private_key_file": "merchant_key",
            "apiv3_key_file": "apiv3_key",
            "base_url": self.base_url,
            "notify_url": f"https://relay.sandbox/notify/{self.NAME}",
        }

    def file(self, name: str) -> bytes:
        return self.merchant.apiv3_key.encode() if name == "apiv3_key" else self.speaks.keys.pem(name)

    def word(self, no: truth.No) -> str:
        return words.of(no).code

    def _answered(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> gate.Reply:
        parts = urlsplit(target)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        try:
            if self.speaks.download_signed or parts.path != "/" + "/".join(self.speaks.download):
                self._authenticate(method, path, headers, body)
            route, number = self._route(method, parts.path)
            self.asked.append((route, number))
            query = parse_qs(parts.query, keep_blank_values=True)
            reply = self._carried_out(route, lambda: self._dispatch(route, number, query, body))
        except words.Refused as no:
            return self._answer(headers, no.status, {"code": no.code, "message": no.message})
        if route == "download":
            # The only answer that is not signed.
            return 200, {"Content-Type": "application/octet-stream"}, reply
        return self._answer(headers, self.speaks.closed, None) if route == "close" else self._answer(headers, 200, json.loads(reply))

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
        m, t, speaks = self.merchant, self.truth, self.speaks
        if route in {"query", "query-id"} or (speaks.merchant_everywhere and route in {"query-refund", "bill"}):
            requests.same_merchant(query, m.mchid)
        match route:
            case "create":
                made = t.create(requests.order(number, body, m, speaks))
                return _json(requests.opened(number, made, self.base_url, speaks))
            case "query":
                return _json(speaks.transaction(t.find(number)))
            case "query-id":
                return _json(speaks.transaction(t.find_by_id(number)))
            case "close":
                requests.close(body, m.mchid)
                t.close(number)
                return b""
            case "refund":
                return _json(objects.refund(self._refunded(requests.refund(body, m.mchid if speaks.merchant_everywhere else None))))
            case "query-refund":
                return _json(objects.refund(t.find_refund(number)))
            case "abnormal":
                return _json(objects.refund(t.apply_abnormal(number, requests.abnormal(body))))
            case "certificates":
                return _json(self._listed([self._certificate(i) for i in range(self.signer.listed)]))
            case "bill":
                return _json(self.bills.apply(query, self.base_url))
            case _:
                return self.bills.download(query)

    def _refunded(self, asked: requests.RefundRequest) -> truth.Refund:
        of = self.truth.find_by_id(asked.transaction_id) if asked.transaction_id else self.truth.find(asked.out_trade_no)
        return self.truth.refund(
            of, asked.out_refund_no, amount=asked.refund, total=asked.total, reason=asked.reason, notify_url=asked.notify_url
        )

    def _certificate(self, index: int) -> tuple[str, Mapping[str, str]]:
        """The serial of one platform certificate, and the certificate sealed."""
        key, pem = self.merchant.apiv3_key.encode(), self.speaks.keys.pem(f"platform_{index + 1}_cert")
        data, algorithm = self.speaks.certificate_data, self.speaks.algorithm
        sealed = seal.seal(key, pem, nonce=self.faults.text(12), associated_data=data, algorithm=algorithm)
        return self.speaks.keys.PLATFORM_SERIALS[index], sealed

    def _authenticate(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> None:
        """401 SIGN_ERROR unless this very request was signed by the merchant's key, now."""
        told, keys = seal.credentials(headers.get("authorization", ""), self.speaks.scheme), self.speaks.keys
        if {"mchid", "nonce_str", "signature", "timestamp", "serial_no"} - told.keys():
            raise words.Refused(401, "SIGN_ERROR", "Http头Authorization值格式错误，请参考签名规则")
        stamp, nonce = told["timestamp"], told["nonce_str"]
        # Some clients read the number from the certificate and write it in small letters.
        if told["mchid"] != self.merchant.mchid or told["serial_no"].upper() != keys.serial("merchant"):
            raise words.Refused(401, "SIGN_ERROR", "商户证书序列号有误")
        if not stamp.isdigit() or abs(int(stamp) - self.wire_clock.now().timestamp()) > SKEW_MAX.total_seconds():
            raise words.Refused(401, "SIGN_ERROR", "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟")
        lines = (method.encode(), path.encode(), stamp.encode(), nonce.encode(), body)
        if not seal.verifies(keys.public("merchant"), told["signature"], *lines):
            raise words.Refused(401, "SIGN_ERROR", "签名错误")

    def _answer(self, asked: Mapping[str, str], status: int, content: Mapping[str, Any] | None) -> gate.Reply:
        """Signed by the key that the client believes: the public-key id that it sends chooses that mode, where there is one."""
        draw, speaks = self.faults.draw, self.speaks
        body = b"" if content is None else _json(content)
        headers = {} if content is None else {"Content-Type": "application/json; charset=utf-8"}
        headers["Request-ID"] = f"08{self.faults.text(20)}"
        if draw(Fault.UNSIGNED):
            return status, headers, body
        if draw(Fault.ROTATED):
            self.signer.rotate()
        by_id = bool(speaks.public_key_id) and asked.get(f"{speaks.prefix.lower()}-serial", "").startswith("PUB_KEY_ID_")
        signer = notices.Signer(speaks=speaks, public_key_mode=by_id or self.signer.public_key_mode, platform=self.signer.platform)
        key = "stranger" if draw(Fault.ANSWER_BAD_SIGNATURE) else None
        signed = signer.headers(body, at=self.wire_clock.now(), nonce=self.faults.text(32), key=key)
        if speaks.probe and draw(Fault.ANSWER_PROBE):
            signed[f"{speaks.prefix}-Signature"] = speaks.probe + signed[f"{speaks.prefix}-Signature"]
        if draw(Fault.ANSWER_WRONG_SERIAL):
            signed[f"{speaks.prefix}-Serial"] = signer.unknown()
        return status, headers | signed, body

    def _tell(self, event: str, of: truth.Transaction, refund: truth.Refund | None, at: datetime) -> None:
        if event in self.speaks.silent:
            return
        content = self.speaks.transaction(of) if refund is None else objects.refund_news(refund)
        url = of.order.notify_url if refund is None else refund.notify_url
        self.notices.announce(event, content, url=url, at=at)

    def _route(self, method: str, path: str) -> tuple[str, str]:
        """The endpoint's name, and the number or the kind in its path."""
        told, speaks = tuple(unquote(s) for s in path.strip("/").split("/")), self.speaks
        if told[: len(speaks.transactions)] == speaks.transactions:
            return _transactions(method, told[len(speaks.transactions) :])
        if told[: len(speaks.refunds)] == speaks.refunds:
            return _refunds(method, told[len(speaks.refunds) :])
        if method == "GET" and told == speaks.certificates:
            return "certificates", ""
        if method == "GET" and told in speaks.bills:
            return "bill", ""
        if method == "GET" and told == speaks.download:
            return "download", ""
        raise _nowhere()


def _transactions(method: str, rest: tuple[str, ...]) -> tuple[str, str]:
    match method, rest:
        case "POST", ("jsapi" | "app" | "h5" | "native" as kind,):
            return "create", kind
        case "GET", ("out-trade-no", number):
            return "query", number
        case "GET", ("id", number):
            return "query-id", number
        case "POST", ("out-trade-no", number, "close"):
            return "close", number
        case _:
            raise _nowhere()


def _refunds(method: str, rest: tuple[str, ...]) -> tuple[str, str]:
    match method, rest:
        case "POST", ():
            return "refund", ""
        case "GET", (number,):
            return "query-refund", number
        case "POST", (number, "apply-abnormal-refund"):
            return "abnormal", number
        case _:
            raise _nowhere()


def _nowhere() -> words.Refused:
    return words.Refused(404, "RESOURCE_NOT_EXISTS", "请求的资源不存在")


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
