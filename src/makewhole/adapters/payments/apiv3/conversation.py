"""One signed exchange with a channel: a path and a body go out, verified bytes come back, or a fault that says what may be done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import IO
from urllib.parse import urlsplit

import msgspec

from makewhole.adapters import http
from makewhole.adapters.payments import bill, joining, strictjson
from makewhole.adapters.payments.apiv3 import account, dialect, errors, signing, trust, wire
from makewhole.core import clock, faults


class Conversation:
    """Signs what goes out and believes nothing that comes back unsigned."""

    def __init__(
        self,
        speech: dialect.Dialect,
        of: account.Account,
        client: http.Client,
        ticking: clock.Clock,
        nonce: Callable[[], str] = joining.fresh_nonce,
    ) -> None:
        self.speech = speech
        self.account = of
        self.unlisted: Counter[str] = Counter()
        """Error codes that the table lacks, and how often they came: for the doctor to show."""
        self.trust = trust.Trust(speech, of, self._certificates)
        self._client = client
        self._clock = ticking
        self._nonce = nonce

    def read(self, target: str) -> bytes:
        """GET. Raises Rejected with the code, Unavailable for whatever tells nothing, Defect where our credentials are wrong."""
        return self._judge(self._asked(target), act=False)

    def act(self, target: str, content: Mapping[str, object]) -> bytes:
        """POST, once. Raises Rejected, Unavailable (nothing happened), Indeterminate (it may have) or Defect."""
        body = msgspec.json.encode(content)
        url = self.account.base_url + target
        answer = self._client.act("POST", url, self._headers("POST", target, body), body, self._line(target))
        return self._judge(answer, act=True)

    def fetch(self, url: str, into: IO[bytes]) -> None:
        """A file that an answer pointed to: the request is signed, the answer is the one that is not. Raises as `read` does."""
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        headers = partial(self._headers, "GET", target, b"")
        answer = self._client.download(url, headers, into, bill.PACKED_BYTES_MAX, self._line(target))
        if answer.status != 200:
            raise self._fault(replace(answer, body=into.read(strictjson.BODY_BYTES_MAX)), act=False)

    def now(self) -> datetime:
        """Our clock."""
        return self._clock.now()

    def doubt_of(self, header: Callable[[str], str], body: bytes) -> str:
        """Why this answer is not the channel's; empty where it is. Raises Unavailable where its certificate could not be fetched."""
        stamp, nonce, signature, serial, *kind = (header(name) for name in self.speech.signed)
        if not signature:
            return "it is not signed"
        if kind and kind != [self.speech.scheme]:
            return f"its signature is of type {kind[0][:40]!r}"
        now = self._clock.now()
        key = self.trust.key(serial, now)
        if key is None:
            return f"it is signed with an unknown serial {serial[:48]!r}"
        if not signing.fits(key, signature, signing.answer_string(stamp, nonce, body)):
            return "its signature does not fit"
        return signing.clock_trouble(stamp, now)

    def doubt_about(self, target: str) -> str | None:
        """Why the answer to a question cannot be believed, whatever it says; empty where it can, None where it is not signed.

        Raises Unavailable where nobody answers.
        """
        answer = self._asked(target)
        if answer.header(self.speech.header("Signature")):
            return self.doubt_of(answer.header, answer.body)
        return None

    def _asked(self, target: str) -> http.Answer:
        return self._client.read(self.account.base_url + target, partial(self._headers, "GET", target, b""), self._line(target))

    def _line(self, target: str) -> http.Line:
        return http.Line(account=self.account.mchid, service=self.speech.service(target))

    def _headers(self, method: str, target: str, body: bytes) -> Mapping[str, str]:
        of, nonce = self.account, self._nonce()
        timestamp = str(int(self._clock.now().timestamp()))
        signature = signing.sign(of.private_key, signing.request_string(method, target, timestamp, nonce, body))
        told = {
            "Authorization": signing.authorization(
                self.speech, mchid=of.mchid, serial_no=of.serial_no, nonce=nonce, timestamp=timestamp, signature=signature
            ),
            "Accept": "application/json",
            "User-Agent": "makewhole",
        }
        if body:
            told["Content-Type"] = "application/json"
        if of.public_key_id:
            # Public-key mode: says by which of its keys the channel is to sign.
            told[self.speech.header("Serial")] = of.public_key_id
        return told

    def _judge(self, answer: http.Answer, *, act: bool) -> bytes:
        if not 200 <= answer.status < 300:
            raise self._fault(answer, act=act)
        try:
            doubt = self.doubt_of(answer.header, answer.body)
        except faults.Unavailable as down:
            doubt = f"the certificate it is signed with could not be fetched: {down.why}"
        if doubt:
            why = f"{self.speech.name}'s answer cannot be believed: {doubt}"
            raise faults.Indeterminate(why) if act else faults.Unavailable(why)
        if answer.status == 202:
            raise self._fault(answer, act=act)
        return answer.body

    def _certificates(self) -> http.Answer:
        """The list of certificates, unverified: `trust` checks its seals and then its signature with what they hold."""
        answer = self._asked(self.speech.certificates)
        if answer.status != 200:
            raise self._fault(answer, act=False)
        return answer

    def _fault(self, answer: http.Answer, *, act: bool) -> faults.Fault:
        said = wire.problem(answer.body)
        says = self.speech.meaning(said.code)
        return errors.fault(self.speech.name, says, answer.status, said.code, said.message, act=act, unlisted=self.unlisted)
