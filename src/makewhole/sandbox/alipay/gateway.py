"""The sandbox's front door: method, target, headers and body go in, status, headers and body come out, as `gateway.do` would send them.

It verifies the application's signature, signs its answers over the very characters of the inner object, and lets the fault plan spoil the
exchange. In process it is a transport; `channel.server` puts it on loopback.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from makewhole.core import clock
from makewhole.sandbox.alipay import bills, keys, notices, objects, requests, seal, words
from makewhole.sandbox.channel import gate, truth
from makewhole.sandbox.channel.faults import Fault, Faults

Merchant = requests.Merchant
ROUTES: Mapping[str, str] = {
    "alipay.trade.query": "query",
    "alipay.trade.close": "close",
    "alipay.trade.refund": "refund",
    "alipay.trade.fastpay.refund.query": "query-refund",
    "alipay.trade.precreate": "create",
    "alipay.trade.page.pay": "cashier",
    "alipay.trade.wap.pay": "cashier",
    "alipay.trade.app.pay": "cashier",
    "alipay.data.dataservice.bill.downloadurl.query": "bill",
    "alipay.open.app.alipaycert.download": "certificate",
}
Params = Mapping[str, str]


class Gateway(gate.Gate[bytes]):
    """One Alipay with one merchant, whose answer to a callback is a body."""

    NAME = "alipay"
    LINK = "page"
    PART_SHOWS = False

    def __init__(
        self,
        ticking: clock.Clock,
        *,
        wire_clock: clock.Clock | None = None,
        faults: Faults | None = None,
        merchant: Merchant | None = None,
        base_url: str = "http://alipay.sandbox",
    ) -> None:
        super().__init__(ticking, wire_clock=wire_clock, faults=faults, base_url=base_url)
        self.merchant = merchant or Merchant()
        self.truth.refund_takes = timedelta(0)
        self.truth.unknown_close_is_taken = False
        self.notices: notices.Notices = notices.Notices(faults=self.faults, wire_clock=self.wire_clock)
        self.bills = bills.Bills(self.truth, ticking, self.faults, self.merchant.seller_id)
        self._numbered = 0

    @property
    def gateway_url(self) -> str:
        """Where requests go."""
        return f"{self.base_url}/gateway.do"

    def open_cashier(self, number: str) -> truth.Transaction:
        """The buyer opens the link: only now is there a trade, with a number of its own."""
        found = self.truth.transactions[number]
        if not found.transaction_id:
            self._numbered += 1
            found.transaction_id = f"{self.clock.now().astimezone(clock.BEIJING):%Y%m%d}22001{self._numbered:015d}"
            self.truth.by_id[found.transaction_id] = found
        return found

    @property
    def parties(self) -> tuple[str, str]:
        return self.merchant.app_id, self.merchant.seller_id

    def section(self) -> dict[str, object]:
        return {
            "app_id": self.merchant.app_id,
            "seller_id": self.merchant.seller_id,
            "private_key_file": "app_key",
            "public_key_file": "alipay",
            "gateway_url": self.gateway_url,
            "notify_url": f"https://relay.sandbox/notify/{self.NAME}",
        }

    def file(self, name: str) -> bytes:
        return keys.public_pem(name) if name == "alipay" else keys.pem(name)

    def word(self, no: truth.No) -> str:
        return words.of(no).sub_code

    def _answered(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> gate.Reply:
        parts = urlsplit(target)
        if parts.path == "/downloadBillFile.resource":
            return self._download(requests.parameters(parts.query, b""))
        params: Params = {}
        try:
            params = requests.parameters(parts.query, body)
            self._authenticate(params)
            route = ROUTES[params["method"]]
            told = requests.content(params)
            self.asked.append((route, str(told.get("out_request_no") or told.get("out_trade_no") or told.get("trade_no") or "")))
            reply = self._carried_out(route, lambda: self._dispatch(route, told, params))
        except words.Refused as no:
            return self._answer(params, no.content(), signed=no.signed)
        if route == "cashier":
            return 200, {"Content-Type": "text/html;charset=utf-8"}, reply
        # What proves a certificate is its issuer; the gateway does not sign it.
        return self._answer(params, json.loads(reply), signed=route != "certificate")

    def _says(self, fault: Fault, route: str) -> Exception | None:
        match fault:
            case Fault.RATE_LIMITED:
                return words.Refused("isv.app-call-limited", "应用调用次数超限", "40005")
            case Fault.SYSTEM_ERROR_BEFORE:
                return words.Refused("isp.unknow-error", "系统繁忙", "20000")
            case Fault.SYSTEM_ERROR_AFTER:
                return words.Refused("ACQ.SYSTEM_ERROR", "系统错误")
            case Fault.REPLICA_LAG if route in {"query", "query-refund"}:
                return words.of(truth.No.UNKNOWN)
            case _:
                return None

    def _refusals(self) -> tuple[type[Exception], ...]:
        return (words.Refused,)

    def _dispatch(self, route: str, told: Mapping[str, Any], params: Params) -> bytes:
        try:
            done = self._done(route, told, params)
        except truth.Refused as no:
            raise words.of(no.no) from no
        return json.dumps(done, ensure_ascii=False).encode()

    def _done(self, route: str, told: Mapping[str, Any], params: Params) -> dict[str, Any]:
        match route:
            case "create":
                return objects.precreated(self.truth.create(requests.order("precreate", told, params, self.merchant)))
            case "cashier":
                self.truth.create(requests.order("page", told, params, self.merchant))
                return {"cashier": self.open_cashier(str(told["out_trade_no"])).transaction_id}
            case "query":
                return objects.trade(self._trade(told), self.clock.now())
            case "close":
                found = self._trade(told)
                if found.state != "NOTPAY":
                    raise truth.Refused(truth.No.NOT_PAID)
                self.truth.close(found.order.out_trade_no)
                return objects.closed(found)
            case "refund":
                return self._refund(told)
            case "certificate":
                return objects.certificate(seal.certificate(str(told.get("alipay_cert_sn", ""))))
            case "query-refund":
                of = self._trade(told)
                self.truth.settle(self.clock.now())
                found_refund = self.truth.refunds.get(str(told.get("out_request_no", "")))
                return objects.refund(found_refund if found_refund is not None and found_refund.of is of else None)
            case _:
                return self.bills.apply(told, self.base_url)

    def _refund(self, told: Mapping[str, Any]) -> dict[str, Any]:
        of = self._trade(told)
        number = str(told.get("out_request_no") or of.order.out_trade_no)
        amount = requests.fen(told.get("refund_amount"))
        again = number in self.truth.refunds
        made = self.truth.refund(
            of, number, amount=amount, total=of.paid, reason=str(told.get("refund_reason", "")), notify_url=of.order.notify_url
        )
        self.truth.settle(self.clock.now())
        return objects.refunded(made, again=again)

    def _trade(self, told: Mapping[str, Any]) -> truth.Transaction:
        """trade_no wins. What the buyer never opened is not there."""
        if told.get("trade_no"):
            return self.truth.find_by_id(str(told["trade_no"]))
        found = self.truth.find(str(told.get("out_trade_no", "")))
        if not found.transaction_id:
            raise truth.Refused(truth.No.UNKNOWN)
        return found

    def _authenticate(self, params: Params) -> None:
        """Refused unless the application's key signed these very parameters."""
        for name in ("method", "app_id", "sign", "sign_type", "timestamp", "version"):
            if not params.get(name):
                raise words.Refused(
                    f"isv.missing-{'signature' if name == 'sign' else name.replace('_', '-')}", "缺少参数", "40001", signed=False
                )
        if params["method"] not in ROUTES:
            raise words.Refused("isv.invalid-method", "不存在的方法名", "40002", signed=False)
        if params["app_id"] != self.merchant.app_id:
            raise words.Refused("isv.invalid-app-id", "无效的AppID参数", "40002", signed=False)
        named = (params.get("app_cert_sn", ""), params.get("alipay_root_cert_sn", ""))
        if named not in {("", ""), (seal.cert_sn("app"), seal.root_sn())}:
            raise words.Refused("isv.invalid-app-cert-sn", "证书序列号错误", "40002", signed=False)
        message = seal.content(params, "sign").encode(_codec(params))
        if params["sign_type"] != "RSA2" or not seal.verifies(keys.public("app"), params["sign"], message):
            raise words.Refused("isv.invalid-signature", "验签出错", "40002", signed=False)

    def _answer(self, params: Params, content: Mapping[str, Any], *, signed: bool = True) -> gate.Reply:
        """Signed over the inner object's characters; slashes are escaped, as the gateway does. In certificate mode it names its own."""
        draw, codec = self.faults.draw, _codec(params)
        known = params.get("method", "") in ROUTES
        node = params["method"].replace(".", "_") + "_response" if known else "error_response"
        inner = json.dumps(content, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/")
        parts = [f'"{node}":{inner}']
        if signed and draw(Fault.ROTATED):
            self.notices.signer = "alipay_next"
        if signed and not draw(Fault.UNSIGNED):
            signer = self.notices.signer
            key = "stranger" if draw(Fault.ANSWER_BAD_SIGNATURE) else signer
            if params.get("app_cert_sn"):
                named = seal.cert_sn("app") if draw(Fault.ANSWER_WRONG_SERIAL) else seal.cert_sn(signer)
                parts.append(f'"alipay_cert_sn":"{named}"')
            parts.append(f'"sign":"{seal.sign(keys.private(key), inner.encode(codec))}"')
        body = "{" + ",".join(parts) + "}"
        return 200, {"Content-Type": f"text/html;charset={codec}"}, body.encode(codec)

    def _download(self, query: Params) -> gate.Reply:
        """The only address beside the gateway; nothing here is signed."""
        self.asked.append(("download", ""))
        content = self.bills.download(query)
        if content is None:
            return 200, {"Content-Type": "text/html;charset=GBK"}, "<html>下载链接已失效</html>".encode("gbk")
        return 200, {"Content-Type": "application/zip"}, content

    def _tell(self, event: str, of: truth.Transaction, refund: truth.Refund | None, at: datetime) -> None:
        # Only refunds that were carried out are told of.
        if refund is None or refund.status == "SUCCESS":
            self.notices.announce(event, objects.news(of, refund, at), url=of.order.notify_url, at=at)


def _codec(params: Params) -> str:
    return requests.CODECS.get(params.get("charset", "utf-8").lower(), "utf-8")
