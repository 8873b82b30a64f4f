"""The sandbox's front door: method, target, headers and body go in, status, headers and body come out, as WeChat Pay would send them.

It verifies the merchant's signature, signs every answer, and lets the fault plan spoil the exchange. In process it is a transport;
`server` puts it on loopback.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from makewhole.core import clock
from makewhole.sandbox.wechatpay import bills, keys, notices, objects, requests, seal, truth
from makewhole.sandbox.wechatpay.faults import Fault, Faults

Reply = tuple[int, dict[str, str], bytes]
SKEW_MAX = timedelta(minutes=5)
_NOT_FOUND = {"query": "ORDER_NOT_EXIST", "query-id": "ORDER_NOT_EXIST", "query-refund": "RESOURCE_NOT_EXISTS"}
LANDS_AFTER = timedelta(seconds=45)
"""A request that was held up on the way arrives after the client's total time-out (20 s) and its first looks."""


@dataclass(frozen=True, kw_only=True)
class Merchant:
    """The one account of this sandbox."""

    mchid: str = "1900000001"
    appid: str = "wxd678efh567hg6787"
    apiv3_key: str = keys.APIV3_KEY


class Gateway:
    """One WeChat Pay with one merchant. `clock` is the world's; `wire_clock` stamps what is signed, and is real when real clients come."""

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
        self.clock = ticking
        self.wire_clock = wire_clock or ticking
        self.faults = faults or Faults()
        self.merchant = merchant or Merchant()
        self.base_url = base_url
        self.slow = timedelta(seconds=30)
        self.patience: timedelta | None = timedelta(seconds=20)
        """How long an in-process client waits; over sockets it has a clock of its own."""
        self.pause: Callable[[timedelta], None] = ticking.sleep
        self.signer = notices.Signer(public_key_mode=public_key_mode)
        self.notices = notices.Notices(
            faults=self.faults, signer=self.signer, apiv3_key=self.merchant.apiv3_key.encode(), wire_clock=self.wire_clock
        )
        self.truth = truth.Truth(ticking, self._tell)
        self.bills = bills.Bills(self.truth, ticking)
        self.asked: list[tuple[str, str]] = []
        """Every request that arrived: endpoint and number, for tests that count."""
        self._on_the_way: list[tuple[datetime, Callable[[], bytes]]] = []
        self._lock = threading.RLock()

    # What a world does with it

    def transport(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """For an HTTP client without sockets. What is lost is a TimeoutError, a refused connection a ConnectionRefusedError."""
        return self.handle(method, url, headers, body)

    def due_callbacks(self, now: datetime) -> bool:
        """Whether a delivery is due. Lets refunds end first, since they announce themselves."""
        with self._lock:
            self._pass(now)
            due = self.notices.next_due()
            return due is not None and due <= now

    def next_event(self) -> datetime | None:
        """When something happens next by itself: a refund ends, a callback is due."""
        told = (self.truth.next_settlement(), self.notices.next_due(), *(at for at, _ in self._on_the_way))
        times = [t for t in told if t is not None]
        return min(times, default=None)

    def deliver(self, send: notices.Send, now: datetime | None = None) -> int:
        """Let time's work be done and deliver what is due. Returns the number of POSTs."""
        with self._lock:
            at = now or self.clock.now()
            self._pass(at)
            return self.notices.deliver(at, send)

    # What a client sees

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """One request. Absolute-form targets are taken as well as paths. Raises OSError where the plan loses something."""
        with self._lock:
            self._pass(self.clock.now())
            return self._handle(method, target, {k.lower(): v for k, v in headers.items()}, body)

    def _handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        if method == "HEAD":
            return 200, {}, b""
        parts = urlsplit(target)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        if self.faults.draw(Fault.REFUSED):
            raise ConnectionRefusedError("the sandbox refuses the connection")
        try:
            self._authenticate(method, path, headers, body)
            route, number = _route(method, parts.path)
            self.asked.append((route, number))
            reply = self._carry_out(route, number, parse_qs(parts.query, keep_blank_values=True), body)
        except truth.Refused as no:
            return self._answer(headers, no.status, {"code": no.code, "message": no.message})
        if route == "download":
            # The only answer that WeChat Pay does not sign.
            return 200, {"Content-Type": "application/octet-stream"}, reply
        return self._answer(headers, 204 if route == "close" else 200, None if route == "close" else json.loads(reply))

    def _pass(self, now: datetime) -> None:
        """Whatever was held up and should have arrived by now arrives; then refunds end whose time has come."""
        landed = [what for at, what in self._on_the_way if at <= now]
        self._on_the_way = [(at, what) for at, what in self._on_the_way if at > now]
        for what in landed:
            # Nobody waits for the answer any more, not even for a refusal.
            with contextlib.suppress(truth.Refused):
                what()
        self.truth.settle(now)

    def _carry_out(self, route: str, number: str, query: Mapping[str, list[str]], body: bytes) -> bytes:
        draw = self.faults.draw
        if draw(Fault.REQUEST_LOST, route):
            raise TimeoutError("the request was lost")
        if draw(Fault.RATE_LIMITED, route):
            raise truth.Refused(429, "FREQUENCY_LIMITED", "频率超限")
        if draw(Fault.SYSTEM_ERROR_BEFORE, route):
            raise truth.Refused(500, "SYSTEM_ERROR", "系统错误")
        if route in _NOT_FOUND and draw(Fault.REPLICA_LAG, route):
            raise truth.Refused(404, _NOT_FOUND[route], "订单不存在")
        if route in {"query", "close"} and draw(Fault.USERPAYING, route):
            raise truth.Refused(202, "USERPAYING", "用户支付中，需要输入密码")
        if draw(Fault.LANDS_LATE, route):
            self._on_the_way.append((self.clock.now() + LANDS_AFTER, lambda: self._dispatch(route, number, query, body)))
            raise TimeoutError("the request is held up on the way")
        slow = draw(Fault.SLOW, route)
        if slow:
            self.pause(self.slow)
        done = self._dispatch(route, number, query, body)
        if draw(Fault.ANSWER_LOST, route) or (slow and self.patience is not None and self.slow > self.patience):
            raise TimeoutError("the answer was lost")
        if draw(Fault.SYSTEM_ERROR_AFTER, route):
            raise truth.Refused(500, "SYSTEM_ERROR", "系统错误")
        return done

    def _dispatch(self, route: str, number: str, query: Mapping[str, list[str]], body: bytes) -> bytes:
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
            raise truth.Refused(401, "SIGN_ERROR", "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》")
        stamp, nonce = told["timestamp"], told["nonce_str"]
        if told["mchid"] != self.merchant.mchid or told["serial_no"] != keys.serial("merchant"):
            raise truth.Refused(401, "SIGN_ERROR", "商户证书序列号有误")
        if not stamp.isdigit() or abs(int(stamp) - self.wire_clock.now().timestamp()) > SKEW_MAX.total_seconds():
            raise truth.Refused(401, "SIGN_ERROR", "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟")
        lines = (method.encode(), path.encode(), stamp.encode(), nonce.encode(), body)
        if not seal.verifies(keys.public("merchant"), told["signature"], *lines):
            raise truth.Refused(401, "SIGN_ERROR", "签名错误")

    def _answer(self, asked: Mapping[str, str], status: int, content: Mapping[str, Any] | None) -> Reply:
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
            raise truth.Refused(404, "RESOURCE_NOT_EXISTS", "请求的资源不存在")


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
