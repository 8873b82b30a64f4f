"""One signed exchange with Alipay's gateway: a method and its content go out, a verified object or a fault comes back.

An answer carries no stamp and no nonce: that it is of now rests on TLS, that it is about our trade on the numbers inside it.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import IO, TypeVar
from urllib.parse import urlencode

import msgspec

from makewhole.adapters import http
from makewhole.adapters.payments import bill, meanings, strictjson
from makewhole.adapters.payments.alipay import account, errors, signing, trust, wire
from makewhole.core import clock, faults

Shape = TypeVar("Shape")
Content = Mapping[str, object]


class Conversation:
    """Signs what goes out and believes no business answer that comes back unsigned."""

    def __init__(self, of: account.Account, client: http.Client, ticking: clock.Clock) -> None:
        self.account = of
        self.unlisted: Counter[str] = Counter()
        """Codes that the tables lack, and how often they came: for the doctor to show."""
        self.trust = trust.Trust(of, self._certificate)
        self._client = client
        self._clock = ticking

    def read(self, method: str, content: Content, shape: type[Shape]) -> tuple[Shape, bytes]:
        """A question, as a GET; the answer and its signed bytes.

        Raises Rejected with the sub-code, Unavailable for whatever tells nothing, Credentials where ours are wrong, ValueError for another
        object than the method's.
        """
        answer = self._asked(method, content)
        signed = self._judge(answer, method, act=False)
        return self._parsed(signed, shape), signed

    def act(self, method: str, content: Content, shape: type[Shape], **more: str) -> Shape:
        """An act, as a POST, once; `more` are parameters beside the content. Raises Rejected, Unavailable, Indeterminate or Credentials."""
        told = self.parameters(method, content, **more)
        body = urlencode({"biz_content": told.pop("biz_content")}, encoding=self._codec()).encode()
        url = f"{self.account.gateway_url}?{urlencode(told, encoding=self._codec())}"
        kind = f"application/x-www-form-urlencoded;charset={self.account.charset}"
        answer = self._client.act("POST", url, {"Content-Type": kind, "User-Agent": "makewhole"}, body, self._line(method))
        signed = self._judge(answer, method, act=True)
        try:
            return self._parsed(signed, shape)
        except ValueError as wrong:
            raise faults.Indeterminate(f"the answer to {method} cannot be read: {wrong}") from wrong

    def fetch(self, url: str, into: IO[bytes]) -> int:
        """A file that an answer pointed to; unsigned. The status that came with it. Raises Unavailable where nobody answers."""
        return self._client.download(url, lambda: {"User-Agent": "makewhole"}, into, bill.PACKED_BYTES_MAX).status

    def parameters(self, method: str, content: Content, **more: str) -> dict[str, str]:
        """All parameters of a request, signed now."""
        of = self.account
        told = {
            "app_id": of.app_id,
            "method": method,
            "format": "json",
            "charset": of.charset,
            "sign_type": signing.SCHEME,
            "timestamp": f"{self._clock.now().astimezone(clock.BEIJING):%Y-%m-%d %H:%M:%S}",
            "version": "1.0",
            "app_auth_token": of.app_auth_token,
            "app_cert_sn": of.app_cert_sn,
            "alipay_root_cert_sn": of.root_cert_sn,
            "biz_content": msgspec.json.encode(content).decode(),
        } | more
        told = {k: v for k, v in told.items() if v}
        return told | {"sign": signing.sign(of.private_key, signing.request_text(told).encode(self._codec()))}

    def address(self, method: str, content: Content, **more: str) -> str:
        """The whole request as an address: a question, or a link for the buyer."""
        return f"{self.account.gateway_url}?{urlencode(self.parameters(method, content, **more), encoding=self._codec())}"

    def order(self, method: str, content: Content, **more: str) -> str:
        """The whole request as the text that the merchant's app hands to Alipay's."""
        return urlencode(self.parameters(method, content, **more), encoding=self._codec())

    def now(self) -> datetime:
        """Our clock."""
        return self._clock.now()

    def doubt(self, method: str, content: Content) -> str | None:
        """Why the answer to a question cannot be believed, whatever it says; empty where it can, None where it is not signed.

        Raises Unavailable where nobody answers.
        """
        answer = self._asked(method, content)
        try:
            told = wire.answer(answer.body, _node(method), self.account.charset)
        except ValueError as wrong:
            return f"it is no answer of Alipay's: {wrong}"
        return self._doubt_of(told) if told.sign else None

    def _asked(self, method: str, content: Content) -> http.Answer:
        headers = {"Accept": "application/json", "User-Agent": "makewhole"}
        return self._client.read(self.address(method, content), lambda: headers, self._line(method))

    def _line(self, method: str) -> http.Line:
        return http.Line(account=self.account.app_id, service=method)

    def _judge(self, answer: http.Answer, method: str, *, act: bool) -> bytes:
        """The signed bytes of a success."""
        if answer.status != 200:
            # The gateway itself always answers 200; somebody else speaks here.
            raise errors.fault(f"HTTP {answer.status}", "", "", act=act, unlisted=self.unlisted)
        try:
            told = wire.answer(answer.body, _node(method), self.account.charset)
            said = self._parsed(told.signed, wire.Verdict)
        except ValueError as wrong:
            self.unlisted["no answer"] += 1
            raise meanings.unknown(f"Alipay's answer cannot be read: {wrong}", None, act=act) from wrong
        # Who we are is refused before the gateway knows by which key to sign; everything else, and every success, is signed.
        doubt = self._doubt_of(told) if told.sign or said.code in {errors.OK, errors.BUSINESS} else ""
        if doubt:
            raise meanings.unknown(f"Alipay's answer cannot be believed: {doubt}", None, act=act)
        if said.code != errors.OK:
            raise errors.fault(said.code, said.sub_code, said.sub_msg or said.msg, act=act, unlisted=self.unlisted)
        return told.signed

    def _doubt_of(self, told: wire.Answer) -> str:
        if not told.sign:
            return "it is not signed"
        try:
            key = self.trust.key(told.named, self._clock.now())
        except faults.Fault as wrong:
            # Whatever kept us from it: of the act that was answered here, it says nothing.
            return f"the certificate {told.named[:40]!r} that it is signed with could not be fetched: {wrong.why}"
        if key is None:
            return f"it is signed with certificate {told.named[:40]!r}, which neither is ours of Alipay nor follows it"
        return "" if signing.fits(key, told.sign, told.signed) else "its signature does not fit"

    def _certificate(self, sn: str) -> bytes | None:
        """Its PEM as Alipay gives it, unsigned; None where Alipay has none. Raises Unavailable, or Credentials where we may not ask."""
        method = "alipay.open.app.alipaycert.download"
        answer = self._asked(method, {"alipay_cert_sn": sn})
        if answer.status != 200:
            raise errors.fault(f"HTTP {answer.status}", "", "", act=False, unlisted=self.unlisted)
        try:
            told = wire.answer(answer.body, _node(method), self.account.charset)
            said = self._parsed(told.signed, wire.Verdict)
            if said.code == errors.OK:
                return base64.b64decode(self._parsed(told.signed, wire.Certificate).alipay_cert_content, validate=True)
        except ValueError as wrong:
            raise faults.Unavailable(f"Alipay's certificate cannot be read: {wrong}") from wrong
        if (errors.meaning(said.sub_code) or errors.meaning(said.code)) in {
            meanings.Meaning.BUSY,
            meanings.Meaning.CONFUSED,
            meanings.Meaning.OURS,
        }:
            raise errors.fault(said.code, said.sub_code, said.sub_msg or said.msg, act=False, unlisted=self.unlisted)
        return None

    def _parsed(self, signed: bytes, shape: type[Shape]) -> Shape:
        return strictjson.parse(signed, shape, self._codec())

    def _codec(self) -> str:
        return wire.CHARSETS[self.account.charset]


def _node(method: str) -> str:
    return method.replace(".", "_") + "_response"
